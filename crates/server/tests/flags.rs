//! Every flag that changes how a server behaves.

use std::io::{Read, Write};
use std::net::UdpSocket;

use proto::frame::Framing;
use testkit::TEST_TIMEOUT;
use testkit::assert_contains;
use testkit::peer::Peer;

use crate::labserver::{CARD, Home, PIN, start};

#[test]
fn wire_chooses_the_framing() {
    for framing in Framing::ALL {
        let name = framing.to_string();
        let server = start(&["--mode", "text", "--port", "0", "--wire", &name]);
        let mut peer = Peer::over(server.connect("text tcp"), framing);
        assert_eq!(peer.receive().as_deref(), Some("READY text 1"), "{name}");
        assert_eq!(peer.ask("LOWER ABC"), "OK abc", "{name}");
    }
}

#[test]
fn a_peer_that_is_too_slow_is_refused_with_the_limit() {
    for (mode, flag, bytes, refusal) in [
        ("text", "--idle-timeout", "", "nothing was said for 0.05 s"),
        (
            "text",
            "--frame-timeout",
            "8:PRI",
            "a message was not complete after 0.05 s",
        ),
        ("atm", "--login-timeout", "", "no log-in in time"),
        ("calc", "--login-timeout", "", "no log-in in time"),
    ] {
        let server = start(&["--mode", mode, "--port", "0", flag, "0.05"]);
        let mut stream = server.connect(&format!("{mode} tcp"));
        stream.write_all(bytes.as_bytes()).unwrap();
        let mut all = String::new();
        stream.read_to_string(&mut all).unwrap();
        assert_contains(&all, &[&format!("ERR too-slow {refusal}")]);
    }
}

#[test]
fn prime_budget_ends_a_long_computation() {
    let server = start(&["--mode", "text", "--port", "0", "--prime-budget", "0.001"]);
    // 10^1999 + 7 has no small factor to be quickly found by.
    let hard = format!("1{}7", "0".repeat(1_998));
    let answer = server.converse("text tcp").ask(&format!("PRIME {hard}"));
    assert!(answer.starts_with("ERR out-of-time "), "{answer}");
}

#[test]
fn udp_rate_bounds_the_answers_to_one_source() {
    let answered = |rate: &str| {
        let server = start(&["--mode", "echo", "--port", "0", "--udp-rate", rate]);
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server.address("echo udp")).unwrap();
        socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
        for _ in 0..64 {
            socket.send(b"counted").unwrap();
        }
        // Beyond the rate, one in 16 is answered, so one of these is; and answers come in order.
        for _ in 0..16 {
            socket.send(b"last").unwrap();
        }
        let mut buffer = [0; 16];
        let mut answers = std::iter::from_fn(|| {
            let length = socket.recv(&mut buffer).unwrap();
            (&buffer[..length] == b"counted").then_some(())
        });
        answers.by_ref().count()
    };
    assert_eq!(answered("0"), 64);
    let few = answered("1");
    assert!((1..32).contains(&few), "{few} of 64 were answered");
}

#[test]
fn chat_rate_0_holds_back_no_request() {
    let server = start(&["--mode", "chat", "--port", "0", "--chat-rate", "0"]);
    let mut peer = server.converse("chat tcp");
    peer.ask("JOIN Joty");
    // At the default rate, they would take longer than the test may.
    for _ in 0..2_000 {
        assert_eq!(peer.ask("WHO"), "OK here Joty");
    }
}

#[test]
fn max_connections_is_the_most_at_once() {
    let server = start(&["--mode", "text", "--port", "0", "--max-connections", "1"]);
    let mut first = server.converse("text tcp");
    assert_eq!(first.ask("PRIME 7"), "OK prime");
    let mut second = server.converse("text tcp");
    assert_eq!(first.receive(), None);
    assert_eq!(second.ask("PRIME 8"), "OK not prime");
}

#[test]
fn script_chooses_the_exchange_and_lists_those_there_are() {
    let list = Home::new().answer(&["--mode", "script", "--script", "list"]);
    assert!(list.contains("knock-knock"), "{list}");
    for name in list.lines().filter_map(|line| line.split(' ').next()) {
        start(&["--mode", "script", "--script", name, "--port", "0"]);
    }
    let ended = Home::new().run(&["--mode", "script", "--script", "nonsense"]);
    assert_ne!(ended.status, Some(0));
    assert_contains(&ended.stderr, &["nonsense", "--script list"]);
}

#[test]
fn accounts_replace_the_demonstration() {
    let home = Home::new();
    let file = home.path().join("class.toml");
    let account = "[[account]]\ncard = \"4000123\"\npin = \"2468\"\nholder = \"Ann B\"\n";
    std::fs::write(&file, format!("{account}balance = \"7.50\"\n")).unwrap();
    let server = home.start(&["--mode", "atm", "--port", "0", "--accounts", "class.toml"]);
    let mut peer = server.converse("atm tcp");
    assert_eq!(peer.log_in("4000123", "2468"), "OK welcome Ann B");
    assert_eq!(peer.ask("BALANCE_INQUIRY"), "OK available 7.50, held 0.00");
    let refusal = peer.log_in(CARD, PIN);
    assert!(refusal.starts_with("ERR wrong-credentials "), "{refusal}");
}

#[test]
fn a_file_of_accounts_that_is_wrong_is_named_with_its_line() {
    let home = Home::new();
    std::fs::write(home.path().join("class.toml"), "[[account]]\ncard = 5\n").unwrap();
    for (file, words) in [
        ("class.toml", "class.toml, line "),
        ("none.toml", "cannot read the accounts in none.toml: "),
    ] {
        let ended = home.run(&["--mode", "atm", "--port", "0", "--accounts", file]);
        ended.refused(1, &[&format!("labserver: {words}")]);
    }
}
