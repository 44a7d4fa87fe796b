//! `labclient`, and a student's server in Python: the programs of `examples/python`.

mod bank;
mod exchanges;
mod garbage;
mod handouts;

use std::path::Path;
use std::time::Instant;

use testkit::TEST_TIMEOUT;
use testkit::process::Process;
use testkit::python;

use crate::labclient::{at, pipe, run};

/// Starts a server on a free port, in a directory of its own.
fn server(file: &str, arguments: &[&str]) -> Process {
    python::program(file, &[arguments, &["--port", "0"]].concat()).start()
}

/// Starts one in this directory, on a free port unless the arguments name one.
fn server_in(home: &Path, file: &str, arguments: &[&str]) -> Process {
    let port: &[&str] = match arguments.contains(&"--port") {
        true => &[],
        false => &["--port", "0"],
    };
    python::program_at_home(home, file, &[arguments, port].concat()).start()
}

#[test]
fn the_text_server_answers_in_every_framing_it_knows() {
    testkit::require_python!();
    for wire in ["netstring", "len3", "line"] {
        let server = server("text_server.py", &["--wire", wire]);
        let ended = pipe(
            server.address("text tcp"),
            &["text", "--wire", wire],
            "lower HÉLLO  Wörld\nprime 97\nprime 561\nprime 18446744073709551557\n\
             prime 3317044064679887385961981\npalindrome 010\npalindrome -121\n",
        );
        let answers = "héllo  wörld\nprime\nnot prime\nprime\n\
            ERR out-of-time primes are certain up to 3317044064679887385961980 here\n\
            palindrome\nnot palindrome\n";
        assert_eq!(ended.stdout, answers, "{wire}");
    }
}

#[test]
fn the_calculators_server_is_exact_or_says_rounded() {
    testkit::require_python!();
    let server = server("calc_server.py", &[]);
    let calc = at(server.address("calc tcp"), &["calc", "--name", "Adarsh"]);
    let nines = "9".repeat(100);
    let input = format!(
        "12 + 42\n0.1 + 0.2\n1 / 3\n2 / 3\n-1 / 8\n1.50 * 2\n0 * -1\n5 / 0\n100 - 0.01\n\
         {nines} / 1\n{nines} * {nines}\n1 / 12300000000000000000000000000000000000000000007\n"
    );
    let square = format!("{}8{}1", "9".repeat(99), "0".repeat(99));
    let answers = format!(
        "54\n0.3\n0.3333333333333333333333333333333333 (rounded)\n\
         0.6666666666666666666666666666666667 (rounded)\n-0.125\n3\n0\n\
         ERR division-by-zero division by zero\n99.99\n{nines}\n{square}\n"
    );
    let ended = calc.run_with(input);
    let (rest, last) = ended.stdout.trim_end().rsplit_once('\n').unwrap();
    assert_eq!(format!("{rest}\n"), answers);
    // Ours says the same of the last one.
    let ours = testkit::service::start(proto::mode::Mode::Calc);
    let quotient = "1 / 12300000000000000000000000000000000000000000007";
    let by_ours = run(&ours, &["calc", quotient]);
    by_ours.printed(&format!("{last}\n"));
}

#[test]
fn the_date_and_time_server_answers_over_udp_and_after_a_loss() {
    testkit::require_python!();
    let server = server("datetime_server.py", &[]);
    for (word, form) in [("date", "9999-99-99\n"), ("time", "99:99:99\n")] {
        let ended = run(
            server.address("datetime udp"),
            &[
                "datetime",
                word,
                "--fault",
                "drop-reply=#1",
                "--timeout",
                "0.5",
            ],
        );
        assert_eq!(ended.status, Some(0), "{ended:?}");
        let shown = ended.stdout.replace(|c: char| c.is_ascii_digit(), "9");
        assert_eq!(shown, form);
    }
}

#[test]
fn the_echo_server_echoes_over_tcp_and_udp() {
    testkit::require_python!();
    let server = server("echo_server.py", &[]);
    let (tcp, udp) = (server.address("echo tcp"), server.address("echo udp"));
    let text = "Hello, wörld ".repeat(70);
    for wire in ["netstring", "line", "raw"] {
        run(tcp, &["echo", &text, "--wire", wire]).printed(&format!("{text}\n"));
    }
    run(udp, &["echo", "--udp", &text]).printed(&format!("{text}\n"));
}

#[test]
fn the_chat_server_has_one_room_for_all() {
    testkit::require_python!();
    let server = server("chat_server.py", &[]);
    let address = server.address("chat tcp");
    let mut joty = at(address, &["chat", "--name", "Joty"]).start();
    // A client that receives its own name is in the room.
    assert_eq!(joty.ask("I am here"), "Joty has joined the chat.\n");
    let ended = pipe(
        address,
        &["chat", "--name", "Adarsh"],
        "hello,  Joty\nquit\n",
    );
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("Adarsh: hello,  Joty\n"), "{ended:?}");
    let by = Instant::now() + TEST_TIMEOUT;
    let mut heard = String::new();
    while !heard.contains("Adarsh has left") {
        assert!(Instant::now() < by, "{heard}");
        heard += &joty.stdout.next();
    }
    assert_eq!(
        heard,
        "Joty: I am here\nAdarsh has joined the chat.\nAdarsh: hello,  Joty\n\
         Adarsh has left the chat.\n"
    );
    let second = run(address, &["chat", "--name", "jOTY"]);
    second.complained(1, &["Joty is not free"]);
}
