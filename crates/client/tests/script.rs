//! The real `labclient script`: what it prints, and its exit status.

use std::io::Write;
use std::process::{Command, Output, Stdio};
use std::thread;

use proto::mode::Mode;
use proto::script::{SHIPPED, Shipped};
use server::{Config, Role, Server};

/// Runs this with the address of a server that plays this script.
fn with_server(name: &str, test: impl FnOnce(&str)) {
    let server = Server::bind(Config {
        role: Role::Services(vec![Mode::Script]),
        port: Some(0),
        script: Some(Shipped::find(name).unwrap().source.parse().unwrap()),
        ..Config::default()
    });
    let server = server.unwrap();
    let address = server.addresses()[0].2.to_string();
    let stopper = server.stopper();
    let running = thread::spawn(move || server.run());
    test(&address);
    stopper.stop();
    running.join().unwrap();
}

fn ran(words: &[&str], input: &str) -> (String, String, Option<i32>) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_labclient"))
        .arg("script")
        .args(words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A script that asks nothing does not read its input.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let Output {
        stdout,
        stderr,
        status,
    } = child.wait_with_output().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(stdout), text(stderr), status.code())
}

#[test]
fn both_sides_are_printed_one_line_each() {
    with_server("accepted", |server| {
        let (printed, _, status) = ran(&["accepted", "--server", server], "hi\nthere\nClose\n");
        let expected = "C: hi\nS: accepted\nC: there\nS: accepted\nC: Close\nS: closed\n";
        assert_eq!(printed, expected);
        assert_eq!(status, Some(0));
    });
}

#[test]
fn knock_knock_needs_no_name() {
    with_server("knock-knock", |server| {
        let (printed, said, status) = ran(&["--server", server], "");
        assert_eq!(
            (&printed[..], &said[..], status),
            ("C: Knock Knock..\nS: Whose there?\n", "", Some(0))
        );
    });
}

#[test]
fn another_exchange_than_the_scripts_is_status_5() {
    with_server("greeting", |server| {
        let (printed, said, status) = ran(&["knock-knock", "--server", server], "");
        assert_eq!((&printed[..], status), ("C: Knock Knock..\n", Some(5)));
        let words = "expected \"Whose there?\", got \"Socket programming in python\"\n";
        assert!(said.contains(words), "{said}");
        assert!(
            said.contains("  open request  1: Knock Knock..\n"),
            "{said}"
        );
    });
}

#[test]
fn a_file_with_a_mistake_is_status_2_and_its_line_is_told() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let source = Shipped::find("joke")
        .unwrap()
        .source
        .replace("send", "sent");
    std::fs::write(file.path(), source).unwrap();
    let (_, said, status) = ran(&[file.path().to_str().unwrap()], "");
    assert_eq!(status, Some(2));
    assert!(said.contains("line 6: unknown field `sent`"), "{said}");
}

#[test]
fn the_shipped_scripts_are_listed() {
    let (printed, _, status) = ran(&["list"], "");
    assert_eq!((printed.lines().count(), status), (SHIPPED.len(), Some(0)));
    assert!(printed.lines().all(|line| line.len() <= 80), "{printed}");
}
