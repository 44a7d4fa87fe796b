//! Cards and PINs, which may not be in a log, however badly they were sent.

use std::net::UdpSocket;

use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use uuid::Uuid;

use crate::labserver::{CARD, Home, PIN, start};
use crate::logs::send_unframed;

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
        // What the demonstration's are is no secret.
        let is_told = |line: &&str| !line.contains("a card to try");
        let log: Vec<_> = log.lines().filter(is_told).collect();
        let log = log.join("\n");
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

/// A card and a PIN of no account, and whose digits stand nowhere else.
const UNKNOWN_CARD: &str = "314159265";
const UNKNOWN_PIN: &str = "271828182845";

/// A log-in and others in every way that a student's program might get them wrong.
fn clumsy_requests() -> Vec<String> {
    const ID: &str = "LOGIN_018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a51";
    let (card, pin) = (UNKNOWN_CARD, UNKNOWN_PIN);
    let mut requests = Vec::new();
    for separator in [" ", "  ", ",", ", ", "\t", ";", ":", "|", "/", "=", "\" \""] {
        for verb in [
            "VERIFY_CARD_AND_PASSWORD",
            "verify_card_and_password",
            "CREATE_ACCOUNT",
            "Log in",
            "WITHDRAW",
            "BALANCE_INQUIRY",
            "CONFIRM",
            "TERMINAL",
        ] {
            for words in [
                &[verb, ID, card, pin][..],
                &[verb, card, pin],
                &[verb, pin, card],
                &[verb, ID, pin],
                &[verb, ID, card, pin, "10.00", "Ann"],
                &[card, pin, verb],
                &["", verb, card, pin],
            ] {
                requests.push(words.join(separator));
            }
            // The verb is right and what follows it is not.
            requests.push(format!("{verb} {}", [ID, card, pin].join(separator)));
            requests.push(format!("{verb} {}", [card, pin].join(separator)));
        }
        requests.push([card, pin].join(separator));
        requests.push(format!("{pin}{separator}"));
    }
    requests
}

/// The first piece of a secret that stands in a log, with its line.
fn leaked(log: &str) -> Option<String> {
    for line in log.lines() {
        // The time and the peer's port have any digits.
        let (_, said) = line.split_once(' ').unwrap_or(("", line));
        let mut said = said.to_owned();
        while let Some(at) = said.find("127.0.0.1:") {
            let port = &said[at + 10..];
            let end = port.find(|c: char| !c.is_ascii_digit());
            said.replace_range(at..end.map_or(said.len(), |end| at + 10 + end), "");
        }
        for secret in [UNKNOWN_CARD, UNKNOWN_PIN] {
            let pieces = secret.as_bytes().windows(5);
            for piece in pieces.map(|piece| std::str::from_utf8(piece).unwrap()) {
                if said.contains(piece) {
                    return Some(format!("{piece} in {line}"));
                }
            }
        }
    }
    None
}

const LOUDEST: &[&str] = &["-v", "-v"];
const EVERYTHING: &[&str] = &["--port", "0", "-v", "-v", "--log-rate", "0"];

#[test]
fn the_cards_and_pins_to_try_are_told_once_and_on_this_machine_alone() {
    let home = Home::new();
    let atm = ["--mode", "atm", "--port", "0"];
    let log_of = |flags: &[&str]| home.start(&[&atm, flags].concat()).stop().stderr;
    let shown = "a card to try card=123456789 pin=1234 holder=Joty\n";
    assert!(log_of(&[]).contains(shown));
    assert!(!log_of(&[]).contains("1234"));
    let others = log_of(&["--bind", "0.0.0.0", "--ledger", "memory"]);
    assert!(others.contains("opened accounts"), "{others}");
    assert!(!others.contains("1234"), "{others}");
}

#[test]
fn a_clumsy_log_in_leaves_no_card_and_no_pin_in_the_log_in_any_framing() {
    for framing in Framing::ALL {
        let mode = ["--mode", "atm", "--wire", framing.name()];
        let server = start(&[&mode, EVERYTHING].concat());
        let mut peer = server.converse_in(framing, "atm tcp");
        for (number, request) in clumsy_requests().iter().enumerate() {
            let refusal = peer.ask(request);
            assert!(refusal.starts_with("ERR "), "{request}: {refusal}");
            if number % 10 == 0 {
                // A request in between, or the server would close.
                peer.ask("BALANCE_INQUIRY");
            }
        }
        // Bytes in no framing end most connections.
        for request in clumsy_requests().iter().step_by(7) {
            send_unframed(&server, "atm tcp", request.as_bytes());
        }
        let log = server.stop().stderr;
        assert!(log.contains("unknown verb"), "{framing}: {log}");
        assert_eq!(leaked(&log), None, "{framing}");
    }
}

#[test]
fn nor_does_it_where_it_is_sent_to_another_service_or_a_hand_out() {
    let with_a_verb = |request: &&String| request.to_lowercase().starts_with("verify");
    for flag in ["--mode", "--handout"] {
        let names: Vec<(&str, Mode, &[Transport])> = match flag {
            "--mode" => {
                let modes = Mode::ALL.into_iter();
                modes.map(|it| (it.name(), it, it.transports())).collect()
            }
            _ => {
                let tcp = |handout: &Handout| handout.transport() == Transport::Tcp;
                let handouts = Handout::ALL.into_iter().filter(tcp);
                let entry = |it: Handout| (it.name(), it.mode(), &[Transport::Tcp][..]);
                handouts.map(entry).collect()
            }
        };
        for (name, mode, transports) in names {
            let server = start(&[&[flag, name], EVERYTHING].concat());
            let requests = clumsy_requests();
            let is_bank = mode == Mode::Atm;
            let requests = requests.iter().filter(|it| is_bank || with_a_verb(it));
            for request in requests.step_by(9) {
                if transports[0] == Transport::Tcp {
                    let service = format!("{} tcp", mode.name());
                    send_unframed(&server, &service, request.as_bytes());
                    let framed = format!("{}:{request},", request.len());
                    send_unframed(&server, &service, framed.as_bytes());
                } else {
                    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                    let service = format!("{} udp", mode.name());
                    socket
                        .send_to(request.as_bytes(), server.address(&service))
                        .unwrap();
                    server.stderr.wait_for("bad input");
                }
            }
            assert_eq!(leaked(&server.stop().stderr), None, "{flag} {name}");
        }
    }
}

#[test]
fn a_proxy_quotes_no_digit_of_what_is_no_message() {
    let bank = start(&["--mode", "atm", "--port", "0", "--ledger", "memory"]);
    let to = bank.address("atm tcp").to_string();
    let mode = ["--mode", "proxy", "--to", &to, "--wire", "netstring"];
    let flags = ["--fault", "drop-request=#99"];
    let proxy = start(&[&mode[..], &flags, EVERYTHING].concat());
    // The end of a card, a PIN.
    send_unframed(&proxy, "proxy tcp", b"3 59265 271828");
    let log = proxy.stop().stderr;
    assert!(log.contains("what is no message"), "{log}");
    assert_eq!(leaked(&log), None);
}
