//! The real `labclient datetime`: what it prints, and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Output, Stdio};
use std::thread;

use proto::mode::Mode;
use server::{Config, Role, Server};

/// Runs this with the address of a clock that always shows the same moment.
fn with_clock(test: impl FnOnce(&str)) {
    let moment = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    let server = Server::bind(Config {
        role: Role::Services(vec![Mode::Datetime]),
        port: Some(0),
        clock: server::clock::Clock::Fixed(Box::new(moment)),
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

fn labclient(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labclient"));
    command.arg("datetime").args(words).stdin(Stdio::null());
    command
}

fn ran(words: &[&str]) -> (String, Option<i32>) {
    let Output { stdout, status, .. } = labclient(words).output().unwrap();
    (String::from_utf8(stdout).unwrap(), status.code())
}

#[test]
fn one_question_is_one_line() {
    with_clock(|clock| {
        let printed = |words: &[&str]| ran(&[&["--server", clock], words].concat());
        assert_eq!(printed(&["date"]), ("2026-11-21\n".into(), Some(0)));
        assert_eq!(printed(&["time"]), ("07:44:16\n".into(), Some(0)));
        let json = "{\"date\":\"2026-11-21\",\"ok\":true}\n";
        assert_eq!(printed(&["--json", "date"]), (json.into(), Some(0)));
    });
}

#[test]
fn a_pipe_asks_line_by_line() {
    with_clock(|clock| {
        let mut child = labclient(&["--server", clock])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        stdin.write_all(b"date\nTIME\nnoon\n2\n").unwrap();
        drop(stdin);
        let output = child.wait_with_output().unwrap();
        let printed = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!(lines.len(), 4, "{printed}");
        assert_eq!(
            (lines[0], lines[1], lines[3]),
            ("2026-11-21", "07:44:16", "07:44:16")
        );
        assert!(lines[2].starts_with("ERR unknown-verb"), "{}", lines[2]);
        assert_eq!(output.status.code(), Some(1));
    });
}

#[test]
fn watching_asks_for_both_at_random_and_ends_at_the_count() {
    with_clock(|clock| {
        let gap = "0.001..0.002";
        let words = ["--server", clock, "watch", "--count", "60", "--gap", gap];
        let (printed, status) = ran(&words);
        let lines: Vec<&str> = printed.lines().collect();
        assert_eq!((lines.len(), status), (60, Some(0)));
        for expected in ["2026-11-21", "07:44:16"] {
            assert!(lines.contains(&expected), "{printed}");
        }
        assert!(
            lines
                .iter()
                .all(|line| ["2026-11-21", "07:44:16"].contains(line))
        );
    });
}

#[test]
fn nobody_there_is_status_3_and_a_watch_goes_on() {
    let nobody = ["--server", "127.0.0.1:1", "--timeout", "0.2"];
    assert_eq!(
        ran(&[&nobody[..], &["date"]].concat()),
        (String::new(), Some(3))
    );
    let watch = ["watch", "--count", "2", "--gap", "0.01..0.02"];
    let output = labclient(&[&nobody[..], &watch].concat()).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(said.lines().count(), 2, "{said}");
    assert_eq!(output.status.code(), Some(3));
    let json = labclient(&[&nobody[..], &watch, &["--json"]].concat()).output();
    let objects = String::from_utf8(json.unwrap().stdout).unwrap();
    assert_eq!(objects.matches("\"kind\":\"lost\"").count(), 2, "{objects}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_a_watch_that_was_never_answered_is_status_3() {
    let nobody = ["--server", "127.0.0.1:1", "--timeout", "0.2"];
    let mut child = labclient(&[&nobody[..], &["watch"]].concat())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    stderr.read_line(&mut first).unwrap();
    assert!(first.contains("nothing listens there"), "{first}");
    let id = child.id().to_string();
    let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(killed.success());
    assert_eq!(child.wait().unwrap().code(), Some(3));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_watch_cleanly() {
    with_clock(|clock| {
        let mut child = labclient(&["--server", clock, "watch", "--gap", "60..60"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut first = String::new();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        stdout.read_line(&mut first).unwrap();
        let id = child.id().to_string();
        let killed = Command::new("kill").args(["-INT", &id]).status().unwrap();
        assert!(killed.success());
        assert_eq!(child.wait().unwrap().code(), Some(0));
    });
}
