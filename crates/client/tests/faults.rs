//! The real `labclient --fault`: what it says, and where it dies.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::{Command, Output};
use std::thread;

use proto::mode::Mode;
use server::{Config, Server};

/// Runs `labclient` with these words against a text service.
fn ran(words: &[&str]) -> Output {
    let server = Server::bind(Config {
        modes: vec![Mode::Text],
        port: Some(0),
        ..Config::default()
    });
    let server = server.unwrap();
    let address = server.addresses()[0].2.to_string();
    let stopper = server.stopper();
    let running = thread::spawn(move || server.run());
    let output = Command::new(env!("CARGO_BIN_EXE_labclient"))
        .args(["--server", &address])
        .args(words)
        .output()
        .unwrap();
    stopper.stop();
    running.join().unwrap();
    output
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

#[test]
fn a_run_says_what_repeats_it_and_what_strikes() {
    let words = [
        "--fault",
        "error=#1,delay=1ms",
        "--seed",
        "7",
        "text",
        "lower",
        "A",
    ];
    let output = ran(&words);
    assert_eq!(
        text(&output.stderr),
        "injecting faults: --fault delay=1ms,error=#1 --seed 7\n\
         fault: request #1: error 1000us\n\
         labclient: injected fault\n"
    );
    assert_eq!(output.status.code(), Some(1));

    let said = text(&ran(&["text", "lower", "A", "--fault", "cut=0%"]).stderr);
    let seed = said.trim().rsplit_once(' ').unwrap().1;
    assert!(seed.parse::<u32>().is_ok(), "{said}");
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let output = ran(&["text", "lower", "A", "--fault", "drop-request=1O%"]);
    let shown = "\ndrop-request=1O%\n             ^ a chance as 10% or a count as #2\n";
    assert!(text(&output.stderr).contains(shown));
    assert_eq!(output.status.code(), Some(2));

    let output = ran(&["text", "--seed", "7", "lower", "A"]);
    assert!(text(&output.stderr).contains("give its --fault too"));
    assert_eq!(output.status.code(), Some(2));
}

#[cfg(unix)]
#[test]
fn the_client_dies_where_it_is_told_to_and_nowhere_else() {
    use std::os::unix::process::ExitStatusExt;
    for point in ["before-send", "after-send", "after-reply"] {
        let output = ran(&[
            "text",
            "lower",
            "A",
            "--fault",
            &format!("crash-at={point}"),
        ]);
        assert_eq!(output.status.signal(), Some(9), "{point}");
        assert_eq!(text(&output.stdout), "", "{point}");
    }
    for point in ["after-reply#3", "mid-dispense"] {
        let output = ran(&[
            "text",
            "lower",
            "A",
            "--fault",
            &format!("crash-at={point}"),
        ]);
        assert_eq!(output.status.code(), Some(0), "{point}");
        assert_eq!(text(&output.stdout), "a\n", "{point}");
    }
}
