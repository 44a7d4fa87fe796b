//! Being asked to stop: once politely, twice at once.

use std::io::Write;
use std::net::TcpStream;

use testkit::process::{Process, Signal};

use crate::labserver::{Home, start};

#[test]
fn one_signal_lets_conversations_end_and_is_a_success() {
    for signal in [Signal::INT, Signal::TERM, Signal::HUP] {
        let server = start(&["--mode", "text", "--port", "0"]);
        let mut peer = server.converse("text tcp");
        assert_eq!(peer.ask("PRIME 97"), "OK prime");
        server.signal(signal);
        let goodbye = peer.receive().unwrap();
        assert!(goodbye.starts_with("ERR shutting-down "), "{goodbye}");
        assert_eq!(peer.receive(), None);
        server.end().complained(0, &["once more to stop at once"]);
    }
}

#[test]
fn what_was_asked_before_the_signal_is_answered() {
    let server = start(&["--mode", "text", "--port", "0"]);
    let mut peer = server.converse("text tcp");
    for number in 0..20 {
        peer.send(&format!("LOWER A{number}"));
    }
    server.signal(Signal::TERM);
    for number in 0..20 {
        assert_eq!(peer.receive(), Some(format!("OK a{number}")));
    }
    assert!(peer.receive().unwrap().starts_with("ERR shutting-down "));
    assert_eq!(server.end().status, Some(0));
}

#[test]
fn a_stopping_server_takes_no_new_connection() {
    let server = start(&["--mode", "text", "--port", "0"]);
    let address = server.address("text tcp");
    assert_eq!(server.stop().status, Some(0));
    std::net::TcpStream::connect(address).unwrap_err();
}

/// A peer that reads nothing of what it is owed, and so holds its conversation open.
fn held_open(server: &Process) -> TcpStream {
    let mut peer = server.connect("echo tcp");
    peer.set_nonblocking(true).unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut sent = 0;
    while sent < 16 * 1024 * 1024 {
        match peer.write(&piece) {
            Ok(length) => sent += length,
            Err(_) => std::thread::yield_now(),
        }
    }
    peer
}

#[test]
fn a_closed_terminal_may_signal_twice_and_conversations_end_all_the_same() {
    let server = start(&["--mode", "echo", "--port", "0"]);
    let _held_open = held_open(&server);
    server.signal(Signal::HUP);
    server.stderr.wait_for("stopping: ");
    server.signal(Signal::HUP);
    server.signal(Signal::INT);
    // The second one, had it counted, would have made it 129.
    assert_eq!(server.end().status, Some(130));
}

#[test]
fn a_server_that_is_to_outlive_its_terminal_does() {
    let home = Home::new();
    // What `nohup` does.
    let program = home.program(&["--mode", "text", "--port", "0"]);
    let server = program
        .through_shell("trap '' HUP; exec \"$0\" \"$@\"")
        .start();
    let mut peer = server.converse("text tcp");
    #[cfg(target_os = "linux")]
    {
        let status = std::fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        let ignored = u64::from_str_radix(ignored.unwrap().trim(), 16).unwrap();
        assert_eq!(ignored & 1, 1, "{status}");
    }
    server.signal(Signal::HUP);
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    server.signal(Signal::TERM);
    assert!(peer.receive().unwrap().starts_with("ERR shutting-down "));
    assert_eq!(server.end().status, Some(0));
}

#[test]
fn signals_that_mean_nothing_here_do_nothing() {
    let server = start(&["--mode", "text", "--port", "0"]);
    let mut peer = server.converse("text tcp");
    server.signal(Signal::USR1);
    server.signal(Signal::USR2);
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    let ended = server.stop();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stderr.matches(" stopping: ").count(), 1, "{ended:?}");
}

#[test]
fn a_second_signal_does_not_wait_for_a_conversation() {
    for (second, status) in [(Signal::INT, 130), (Signal::TERM, 143)] {
        let server = start(&["--mode", "echo", "--port", "0"]);
        let _held_open = held_open(&server);
        server.signal(Signal::TERM);
        server.stderr.wait_for("stopping: ");
        server.signal(second);
        // After a drain of five seconds it would have been 0.
        server.end().complained(status, &["stopping at once"]);
    }
}

#[test]
fn every_service_stops_without_a_connection() {
    for mode in ["atm", "text", "calc", "chat", "echo", "datetime", "script"] {
        let ended = start(&["--mode", mode, "--port", "0"]).stop();
        assert_eq!(ended.status, Some(0), "{mode}: {ended:?}");
    }
}

#[test]
fn with_until_eof_a_server_stops_when_its_standard_input_ends() {
    for mode in ["text", "atm", "datetime"] {
        let (home, (input, mut held)) = (Home::new(), std::io::pipe().unwrap());
        let program = home.program(&["--mode", mode, "--port", "0", "--until-eof"]);
        let server = program.adjust(|command| command.stdin(input)).start();
        // What is written is no end.
        held.write_all(b"quit\n").unwrap();
        if mode == "text" {
            let mut peer = server.converse("text tcp");
            assert_eq!(peer.ask("PRIME 97"), "OK prime");
            drop(held);
            let goodbye = peer.receive().unwrap();
            assert!(goodbye.starts_with("ERR shutting-down "), "{goodbye}");
        } else {
            drop(held);
        }
        server
            .end()
            .complained(0, &["stopping: standard input ended"]);
    }
}

#[test]
fn an_end_of_standard_input_says_nothing_to_other_servers() {
    // Its standard input is the null device, which has ended before it began.
    let server = start(&["--mode", "text", "--port", "0"]);
    let mut peer = server.converse("text tcp");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    assert!(!server.stop().stderr.contains("standard input"));
}
