//! `labserver`, and a student's client in Python: the programs of `examples/python`.

use testkit::assert_starts;
use testkit::process::Process;
use testkit::process::words;
use testkit::python;

use crate::labserver::{PIN, start};

mod bank;
mod handouts;
mod strangers;

/// Starts one of the programs.
fn program(file: &str, arguments: &[&str]) -> Process {
    python::program(file, arguments).pin(PIN).start()
}

/// The client's half of a lab, at this server's address.
fn ask(arguments: &[&str], address: impl ToString) -> Process {
    let (file, arguments) = arguments.split_first().unwrap();
    let address = address.to_string();
    program(file, &[&["--server", &address], arguments].concat())
}

#[test]
fn the_text_client_is_answered_in_every_framing_it_knows() {
    testkit::require_python!();
    for wire in ["netstring", "len3", "line"] {
        let server = start(&["--mode", "text", "--port", "0", "--wire", wire]);
        let ask = |words: &[&str]| {
            let arguments = [&["text_client.py", "--wire", wire], words].concat();
            ask(&arguments, server.address("text tcp"))
        };
        let lines = "lower HÉLLO  Wörld\nprime 97\nPRIME 561\npalindrome 010\npalindrome -121\n";
        let answers = "héllo  wörld\nprime\nnot prime\npalindrome\nnot palindrome\n";
        ask(&[]).end_after(lines).exited(0, answers);
        ask(&["prime", "18446744073709551557"])
            .end_after("")
            .exited(0, "prime\n");
        let ended = ask(&["square", "7"]).end_after("");
        ended.exited(1, "");
        assert!(ended.stderr.starts_with("ERR unknown-verb "), "{ended:?}");
    }
}

#[test]
fn the_text_client_says_so_when_it_met_another_service_or_another_framing() {
    testkit::require_python!();
    let server = start(&["--mode", "calc", "--port", "0"]);
    let ended = ask(
        &["text_client.py", "prime", "7"],
        server.address("calc tcp"),
    )
    .end_after("");
    ended.complained(1, &["is no text server"]);
    let arguments = ["calc_client.py", "--wire", "len3", "1 + 1"];
    let ended = ask(&arguments, server.address("calc tcp")).end_after("");
    ended.complained(1, &["is no length"]);
}

#[test]
fn the_text_client_says_so_when_the_server_stops_inside_an_answer() {
    testkit::require_python!();
    let faults = ["--fault", "cut=#1"];
    let server = start(&[&["--mode", "text", "--port", "0"], &faults[..]].concat());
    let ended = ask(
        &["text_client.py", "prime", "7"],
        server.address("text tcp"),
    )
    .end_after("");
    ended.refused(1, &["closed "]);
}

#[test]
fn the_calculator_client_has_a_session() {
    testkit::require_python!();
    let server = start(&["--mode", "calc", "--port", "0"]);
    let address = server.address("calc tcp");
    let arguments = ["calc_client.py", "--name", "Adarsh"];
    ask(&arguments, address)
        .end_after("12 + 42\n0.1 + 0.2\n1 / 3\nq\n9 * 9\n")
        .exited(
            0,
            "54\n0.3\n0.3333333333333333333333333333333333 (rounded)\n",
        );
    let ended = ask(&["calc_client.py", "12(10"], address).end_after("");
    ended.exited(1, "");
    assert_starts(&ended.stderr, "ERR malformed column 3");
}

#[test]
fn the_date_and_time_client_asks_again_when_an_answer_is_lost() {
    testkit::require_python!();
    let server = start(&words("--mode datetime --port 0 --fault drop-reply=#1"));
    let address = server.address("datetime udp");
    let ended = ask(&["datetime_client.py", "date"], address).end_after("");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let form: String = ended.stdout.chars().map(digits_as_nine).collect();
    assert_eq!(form, "9999-99-99\n");
    server.stderr.wait_for("fault: reply #1: drop");

    let watch = words("datetime_client.py watch --count 4 --gap 0..0");
    let ended = ask(&watch, address).end_after("");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 4, "{ended:?}");
    for line in ended.stdout.lines() {
        let form: String = line.chars().map(digits_as_nine).collect();
        assert!(["9999-99-99", "99:99:99"].contains(&&*form), "{line}");
    }
}

fn digits_as_nine(c: char) -> char {
    if c.is_ascii_digit() { '9' } else { c }
}

#[test]
fn chat_clients_hear_each_other() {
    testkit::require_python!();
    let server = start(&["--mode", "chat", "--port", "0"]);
    let address = server.address("chat tcp");
    let mut joty = ask(&["chat_client.py", "--name", "Joty"], address);
    joty.stderr.wait_for("OK joined Joty");
    let adarsh = ask(&["chat_client.py", "--name", "Adarsh"], address);
    let ended = adarsh.end_after("hello,  Joty\n\x1b[2J\nquit\n");
    ended.refused(0, &["OK joined Adarsh with Joty", "ERR malformed "]);
    joty.stdout.wait_for("Adarsh has left (quit)");
    joty.write("\n");
    joty.end_after("").exited(
        0,
        "Adarsh has joined\nAdarsh: hello,  Joty\nAdarsh has left (quit)\n",
    );

    let second = ask(&["chat_client.py", "--name", "server"], address).end_after("");
    assert_eq!(second.status, Some(1));
    assert!(second.stderr.starts_with("ERR name-taken "), "{second:?}");
}

#[test]
fn the_echo_client_has_a_long_text_echoed() {
    testkit::require_python!();
    let server = start(&["--mode", "echo", "--port", "0"]);
    let text = "Hello, wörld ".repeat(5_000);
    ask(&["echo_client.py", &text], server.address("echo tcp"))
        .end_after("")
        .exited(0, format!("{text}\n"));
    let text = "Hello, wörld ".repeat(50);
    let arguments = ["echo_client.py", "--udp", &text];
    ask(&arguments, server.address("echo udp"))
        .end_after("")
        .exited(0, format!("{text}\n"));
}
