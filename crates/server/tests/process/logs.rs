//! What is logged, what is not, and what nobody may read there.

use std::io::{Read, Write};
use std::net::Shutdown;

use proto::frame::Framing;
use serde_json::Value;
use uuid::Uuid;

use crate::customer::{CARD, PIN, Peer};
use crate::labserver::{Ended, Home, Labserver, start};

const LOUDEST: &[&str] = &["-v", "-v"];

/// The log of a server with these flags, after one conversation.
fn log_of(flags: &[&str]) -> String {
    let server = start(&[&["--mode", "text", "--port", "0"], flags].concat());
    let mut peer = server.converse("text tcp");
    peer.ask("PRIME 97");
    peer.ask("SQUARE 7");
    peer.ask("QUIT");
    peer.hear();
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
    assert!(!log.contains('\x1b'), "{log:?}");
}

/// What a server with this environment shows on a terminal.
#[cfg(target_os = "linux")]
fn shown_on_a_terminal(environment: &[(&str, &str)]) -> String {
    use rustix::pty::{OpenptFlags, ioctl_tiocgptpeer, openpt, unlockpt};

    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY;
    let screen = openpt(flags).unwrap();
    unlockpt(&screen).unwrap();
    let home = Home::new();
    let mut command = home.command(&["--mode", "text", "--port", "0", "--trace"]);
    command.stderr(ioctl_tiocgptpeer(&screen, flags).unwrap());
    for unset in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE"] {
        command.env_remove(unset);
    }
    command
        .env("TERM", "xterm")
        .envs(environment.iter().copied());
    let server = Labserver::spawn(command);
    server.converse("text tcp").ask("PRIME 97");
    assert_eq!(server.stop().status, Some(0));
    let mut shown = Vec::new();
    // Where the other end is closed, a terminal ends with an error.
    let _ = std::fs::File::from(screen).read_to_end(&mut shown);
    String::from_utf8(shown).unwrap()
}

#[test]
#[cfg(target_os = "linux")]
fn the_log_and_the_trace_have_colours_where_the_terminal_and_its_owner_want_them() {
    for (environment, is_coloured) in [
        (&[][..], true),
        (&[("NO_COLOR", "1")], false),
        (&[("TERM", "dumb")], false),
    ] {
        let shown = shown_on_a_terminal(environment);
        assert!(shown.contains("→ OK prime"), "{shown}");
        assert!(shown.contains("ended"), "{shown}");
        assert_eq!(
            shown.contains('\x1b'),
            is_coloured,
            "{environment:?}: {shown:?}"
        );
    }
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

/// Everything a server logs about customers who log in rightly, wrongly, and in bad grammar.
fn log_of_customers(flags: &[&str]) -> String {
    let server = start(&[&["--mode", "atm", "--port", "0"], LOUDEST, flags].concat());
    let mut peer = server.converse("atm tcp");
    peer.ask("TERMINAL ATM-1");
    assert!(
        peer.log_in(CARD, "4711")
            .starts_with("ERR wrong-credentials ")
    );
    assert!(
        peer.log_in("4000999", "4712")
            .starts_with("ERR wrong-credentials ")
    );
    assert_eq!(peer.log_in(CARD, PIN), "OK welcome Joty");
    let id = format!("WITH_{}", Uuid::now_v7());
    assert!(peer.ask(&format!("WITHDRAW {id} 500")).starts_with("OK "));
    assert!(peer.ask(&format!("CONFIRM {id}")).starts_with("OK "));
    let id = Uuid::now_v7();
    let created = peer.ask(&format!("CREATE_ACCOUNT ACC_{id} 4000124 4713 10.00 Ann"));
    assert!(created.starts_with("OK "), "{created}");
    let id = Uuid::now_v7();
    for bad in [
        format!("VERIFY_CARD_AND_PASSWORD LOGIN_{id} {CARD} 4714 4715"),
        format!("VERIFY_CARD_AND_PASSWORD LOGIN_{id} 4716"),
        format!("VERIFY_CARD_AND_PASSWORD {CARD} 4717"),
        format!("VERIFY_CARD_AND_PASSWORD LOGIN_{id} {CARD} 4718x"),
        format!("VERIFY_CARD_AND_PASSWORD LOGIN_{id} {CARD}4719 {CARD}x"),
        format!("VERIFY_CARD_AND_PASSWORD LOGIN_{id} {CARD} 472 "),
        format!("VERIFY_CARD_AND_PASSWORD LOGIN_4720 {CARD} 4720"),
        format!("verify_card_and_password LOGIN_{id} {CARD} 4721"),
        format!("CREATE_ACCOUNT ACC_{id} {CARD} 4722x 10.00 Ann"),
        format!("CREATE_ACCOUNT ACC_{id} {CARD} 4723 ten Ann"),
        format!("WITHDRAW {CARD} 4724"),
        format!("BALANCE_INQUIRY {CARD} 4725"),
    ] {
        let refusal = peer.ask(&bad);
        assert!(refusal.starts_with("ERR "), "{bad}: {refusal}");
    }
    server.stop().stderr
}

#[test]
fn no_pin_is_ever_logged_and_cards_are_masked() {
    for flags in [&[][..], &["--log-format", "json"]] {
        let log = log_of_customers(flags);
        assert!(log.contains("*****6789"), "{log}");
        for card in [CARD, "4000999", "4000124"] {
            assert!(!log.contains(card), "the card {card} in:\n{log}");
        }
        for line in log.lines() {
            // Times and ids have any digits.
            let said: String = line
                .split(|c: char| !c.is_alphanumeric() && c != '_' && c != '-')
                .filter(|word| !word.contains('-') && !word.ends_with('Z'))
                .collect::<Vec<_>>()
                .join(" ");
            for pin in (4711..=4725)
                .map(|pin| pin.to_string())
                .chain([PIN.to_owned()])
            {
                assert!(
                    !said.split(' ').any(|word| word.contains(&pin)),
                    "{pin} in: {line}"
                );
            }
        }
    }
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
                    peer.say(&format!("{request}{ATTACK}"));
                }
                peer.hear();
                let mut unframed = server.connect(&service);
                unframed.write_all(ATTACK.as_bytes()).unwrap();
                unframed.shutdown(Shutdown::Write).unwrap();
                unframed.read_to_end(&mut Vec::new()).unwrap();
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
