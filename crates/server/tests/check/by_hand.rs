//! Clients that are started by hand, which a person is told about at the terminal.

use rustix::process::Signal;
use testkit::process::Process;
use testkit::{assert_contains, python};

use crate::labserver::Home;

/// A check of a client of text that is started by hand, with a standard input to answer it.
fn check(home: &Home, arguments: &[&str]) -> Process {
    check_of("text", home, arguments)
}

fn check_of(mode: &str, home: &Home, arguments: &[&str]) -> Process {
    let check = [&["check", mode, "--seed", "1"], arguments].concat();
    let labserver = home.program(&check);
    labserver
        .adjust(|command| command.stdin(std::process::Stdio::piped()))
        .start()
}

/// Where the client is to be started.
fn address(check: &Process) -> String {
    let words = "Start your client at ";
    let line = check.stderr.wait_for(words);
    let (host, port) = line
        .split_once(words)
        .unwrap()
        .1
        .split_once(", port ")
        .unwrap();
    format!("{host}:{}", port.trim_end_matches('.'))
}

/// Starts the example's client there, with these words.
fn ask(address: &str, words: &[&str]) {
    let arguments = [&["--server", address], words].concat();
    let ended = python::program("text_client.py", &arguments).run();
    assert_eq!(ended.status, Some(0), "{ended:?}");
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn what_a_client_sends_is_judged_and_what_it_shows_is_asked() {
    testkit::require_python!();
    let home = Home::new();
    let only = ["--only", "client.blanks", "--only", "client.controls"];
    for (answer, status, verdict) in [("y", 0, "  It holds."), ("n", 1, "  It does not hold")] {
        let check = check(&home, &only);
        let address = address(&check);
        assert_contains(
            &check.stderr.wait_for("lower"),
            &["      lower Two  Blanks   HERE"],
        );
        ask(&address, &["lower", "Two  Blanks   HERE"]);
        let ended = check.end_after(&format!("\n{answer}\n"));
        assert_eq!(ended.status, Some(status), "{ended:?}");
        assert_contains(
            &ended.stderr,
            &["Does it show `two  blanks   here`? (y or n)", verdict],
        );
        assert_contains(
            &ended.stdout,
            &["NOT JUDGED  text.client.controls", "give its command"],
        );
    }
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn a_client_that_sends_something_else_is_found_without_a_question() {
    testkit::require_python!();
    let home = Home::new();
    let check = check(&home, &["--only", "client.blanks"]);
    ask(&address(&check), &["lower", "Two Blanks HERE"]);
    let ended = check.end_after("\n");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert!(!ended.stderr.contains("(y or n)"), "{ended:?}");
    let words = [
        "expected  LOWER Two  Blanks   HERE",
        "came      LOWER Two Blanks HERE",
        "again     labserver check text --only text.client.blanks --seed 1\n",
    ];
    assert_contains(&ended.stdout, &words);
}

#[test]
#[ignore = "takes long: the gate runs it alone"]
fn the_notes_of_a_cash_machine_are_counted_by_its_customer() {
    testkit::require_python!();
    for (case, amount, answer, status) in [
        ("client.withdraw", "500", "once, I mean\n1", 0),
        ("client.withdraw", "500", "2", 1),
        ("client.insufficient-funds", "60000", "n", 0),
        ("client.insufficient-funds", "60000", "y", 1),
    ] {
        let home = Home::new();
        let check = check_of("atm", &home, &["--only", case]);
        let address = address(&check);
        check.stderr.wait_for(&format!("      withdraw {amount}"));
        let journal = home.path().join("journal");
        let options = ["--journal", journal.to_str().unwrap(), "--server", &address];
        let customer = ["--card", "123456789", "withdraw", amount];
        let ended = python::program("atm_client.py", &[&options[..], &customer[..]].concat())
            .pin("1234")
            .run();
        assert_eq!(ended.status == Some(0), amount == "500", "{ended:?}");
        let ended = check.end_after(&format!("\n{answer}\n"));
        assert_eq!(ended.status, Some(status), "{ended:?}");
    }
}

#[test]
fn ctrl_c_while_a_client_is_waited_for_reports_what_was_judged() {
    let home = Home::new();
    let check = check(
        &home,
        &["--only", "client.blanks", "--only", "client.unicode"],
    );
    address(&check);
    check.signal(Signal::INT);
    let ended = check.end_by_itself();
    assert_eq!(ended.status, Some(1), "{ended:?}");
    let words = [
        "because   interrupted",
        "text client started by hand",
        "interrupted: 1 were not judged",
    ];
    assert_contains(&ended.stdout, &words);
}
