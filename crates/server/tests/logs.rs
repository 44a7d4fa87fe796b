//! What is logged, what is not, and what may not be in it.

use std::io::{Read, Write};
use std::net::Shutdown;

use proto::frame::Framing;
use serde_json::Value;
use testkit::assert_contains;
use testkit::peer::Peer;
use testkit::process::{Ended, Process};
#[cfg(target_os = "linux")]
use testkit::terminal::COLOURS;

use crate::labserver::{Home, start};

const LOUDEST: &[&str] = &["-v", "-v"];

/// The log of a server with these flags, after one conversation.
fn log_of(flags: &[&str]) -> String {
    let server = start(&[&["--mode", "text", "--port", "0"], flags].concat());
    let mut peer = server.converse("text tcp");
    peer.ask("PRIME 97");
    peer.ask("SQUARE 7");
    peer.ask("QUIT");
    peer.receive();
    server.stop().stderr
}

#[test]
fn each_verbosity_logs_more_than_the_one_below() {
    for (flags, opened, ended, bad_input) in [
        (&["-v"][..], true, true, true),
        (&[], false, true, true),
        (&["-q"], false, false, true),
        (&["-q", "-q"], false, false, false),
    ] {
        let log = log_of(flags);
        let logged = [
            log.contains("opened"),
            log.contains("ended"),
            log.contains("bad input"),
        ];
        assert_eq!(logged, [opened, ended, bad_input], "{flags:?}:\n{log}");
    }
}

#[test]
fn a_line_of_text_says_who_did_what_and_has_no_colours_in_a_file() {
    let log = log_of(&[]);
    let line = log.lines().find(|line| line.contains("ended")).unwrap();
    for part in [" INFO ", "mode=text", "peer=127.0.0.1:", "end=quit"] {
        assert!(line.contains(part), "no {part} in: {line}");
    }
    let words = "answered asked=\"PRIME 97\" answer=prime\n";
    assert!(log.contains(words), "{log}");
    assert!(!log.contains('\x1b'), "{log:?}");
}

/// What a server with this environment shows on a terminal, of its log or of a complaint.
#[cfg(target_os = "linux")]
fn shown_on_a_terminal(arguments: &[&str], environment: &[(&str, &str)]) -> String {
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let screen = openpt(flags).unwrap();
    unlockpt(&screen).unwrap();
    let home = Home::new();
    let program = home.program(arguments).adjust(|command| {
        command
            .env_remove("CI")
            .stderr(ioctl_tiocgptpeer(&screen, flags).unwrap())
            .env("TERM", "xterm")
            .envs(environment.iter().copied())
    });
    let server = program.start();
    if arguments.contains(&"--port") {
        server.converse("text tcp").ask("PRIME 97");
        assert_eq!(server.stop().status, Some(0));
    } else {
        assert_eq!(server.end().status, Some(2));
    }
    let mut shown = Vec::new();
    // Where the other end is closed, a terminal ends with an error.
    let _ = std::fs::File::from(screen).read_to_end(&mut shown);
    String::from_utf8(shown).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn the_log_the_trace_and_complaints_have_colours_where_the_terminal_and_its_owner_want_them() {
    for (environment, is_coloured) in COLOURS {
        for (arguments, words) in [
            (
                &["--mode", "text", "--port", "0", "--trace"][..],
                &["→ OK prime", "ended"][..],
            ),
            (&["--no-such-option"], &["unexpected argument"]),
            // Of the server itself, once it knows all its arguments.
            (&["--mode", "atm", "--to", "localhost:9"], &["--to"]),
        ] {
            let shown = shown_on_a_terminal(arguments, environment);
            assert_contains(&shown, words);
            assert_eq!(
                shown.contains('\x1b'),
                is_coloured,
                "{environment:?}: {shown:?}"
            );
        }
    }
}

#[test]
fn an_event_has_one_line_and_a_request_is_one() {
    let server = start(&["--mode", "calc", "--port", "0"]);
    let mut peer = server.converse("calc tcp");
    peer.ask("HELLO Adarsh");
    peer.ask("CALC 12 + 42");
    peer.ask("CALC 1 / 0");
    peer.ask("CALC 1 ^ 2");
    peer.ask("QUIT");
    peer.receive();
    send_unframed(&server, "calc tcp", b"CALC 1 + 1");
    let log = server.stop().stderr;
    let said_of = |connection: &str| -> Vec<&str> {
        let lines = log.lines().filter(|line| line.contains(connection));
        let said = lines.map(|line| line.split_once("}: ").unwrap().1);
        said.map(|said| said.split(" seconds=").next().unwrap())
            .collect()
    };
    assert_eq!(
        said_of(" id=0 "),
        [
            "session started name=Adarsh",
            "answered asked=\"CALC 12 + 42\" answer=54",
            "refused asked=\"CALC 1 / 0\" refused=division-by-zero words=\"division by zero\"",
            r#"bad input refused="column 3: expected one of + - * /, not \"^\"""#,
            "Session ended name=Adarsh",
            "ended end=quit",
        ]
    );
    let unframed = said_of(" id=1 ");
    assert_eq!(unframed.len(), 1, "{unframed:?}");
    assert!(unframed[0].starts_with("ended end=\"netstring framing begins with"));
}

#[test]
fn each_line_of_a_json_log_is_an_object() {
    let log = log_of(&["--log-format", "json", "-v"]);
    let lines: Vec<Value> = log
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
        .collect();
    assert!(lines.len() >= 4, "{log}");
    for line in &lines {
        for member in ["timestamp", "level", "message"] {
            assert!(line[member].is_string(), "no {member} in: {line}");
        }
    }
    let ended = lines
        .iter()
        .find(|line| line["message"] == "ended")
        .unwrap();
    assert_eq!(ended["end"], "quit");
    assert_eq!(ended["span"]["mode"], "text");
}

/// Sends these bytes over a connection of their own, and nothing after them.
pub fn send_unframed(server: &Process, service: &str, bytes: &[u8]) {
    let mut stream = server.connect(service);
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = stream.read_to_end(&mut Vec::new());
}

#[test]
fn what_a_peer_sends_cannot_move_the_cursor_of_who_reads_the_log() {
    const ATTACK: &str = "\x1b[2J\x1b]0;owned\x07\u{9b}31m\u{202e}\rINFO\u{7f}";
    for flags in [&[][..], &["--log-format", "json"]] {
        let log: String = ["text", "calc", "atm", "chat", "echo"]
            .into_iter()
            .map(|mode| {
                let server = start(&[&["--mode", mode, "--port", "0"], LOUDEST, flags].concat());
                let service = format!("{mode} tcp");
                let mut peer = Peer::over(server.connect(&service), Framing::Netstring);
                for request in ["", "PRIME ", "HELLO ", "JOIN ", "TERMINAL ", "CALC 1 + "] {
                    peer.send(&format!("{request}{ATTACK}"));
                }
                peer.receive();
                send_unframed(&server, &service, ATTACK.as_bytes());
                server.stop().stderr
            })
            .collect();
        assert!(log.contains("u{1b}"), "{log}");
        let dangerous = |c: char| c != '\n' && proto::printable::is_unsafe(c);
        assert!(!log.contains(dangerous), "{log:?}");
    }
}

#[test]
fn nothing_but_the_ready_line_is_on_standard_output() {
    let server = start(&[&["--mode", "text", "--port", "0"], LOUDEST].concat());
    server.converse("text tcp").ask("SQUARE 7");
    let Ended { stdout, .. } = server.stop();
    assert_eq!(stdout.lines().count(), 1, "{stdout}");
}
