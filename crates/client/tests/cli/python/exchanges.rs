//! Every exchange of `docs/protocol.md` with the Python servers. They may refuse in other words, but
//! with the same code.

use std::collections::BTreeMap;
use std::net::UdpSocket;

use proto::frame::Framing;
use testkit::TEST_TIMEOUT;
use testkit::peer::Peer;
use testkit::process::Process;

use super::server;

const PROTOCOL: &str = include_str!("../../../../../docs/protocol.md");

/// The modes with an exchange, and its lines.
fn exchanges() -> Vec<(&'static str, Vec<&'static str>)> {
    PROTOCOL
        .split("\n```exchange ")
        .skip(1)
        .map(|rest| {
            let (block, _) = rest.split_once("\n```").unwrap();
            let (mode, lines) = block.split_once('\n').unwrap();
            (mode, lines.lines().collect())
        })
        .collect()
}

#[test]
fn every_exchange_of_the_specification_is_what_the_python_servers_say() {
    testkit::require_python!();
    let exchanges = exchanges();
    let modes: Vec<_> = exchanges.iter().map(|(mode, _)| *mode).collect();
    assert_eq!(modes, ["atm", "text", "calc", "chat", "datetime"]);
    for (mode, lines) in exchanges {
        let server = server(&format!("{mode}_server.py"), &[]);
        match mode {
            "datetime" => over_udp(&server, &lines),
            _ => over_tcp(&server, mode, &lines),
        }
    }
}

fn over_tcp(server: &Process, mode: &str, lines: &[&str]) {
    let service = format!("{mode} tcp");
    let mut peers = BTreeMap::new();
    for line in lines {
        let Some((who, message)) = line.split_once(": ") else {
            assert!(line.ends_with(" closes"), "{line}");
            continue; // All are closed at the end.
        };
        let (sender, client) = who.split_at(1);
        let peer = peers
            .entry(client)
            .or_insert_with(|| Peer::over(server.connect(&service), Framing::Netstring));
        if sender == "C" {
            peer.send(message);
            continue;
        }
        let heard = peer
            .receive()
            .unwrap_or_else(|| panic!("closed instead of {line:?}"));
        assert_eq!(
            without_words(&heard),
            without_words(message),
            "{line}: {heard}"
        );
    }
    for (_, mut peer) in peers {
        // All have said QUIT, and the server closes.
        assert_eq!(peer.receive(), None);
    }
}

fn over_udp(server: &Process, lines: &[&str]) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(server.address("datetime udp")).unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    for line in lines {
        let (sender, message) = line.split_once(": ").unwrap();
        if sender == "C" {
            socket.send(message.as_bytes()).unwrap();
            continue;
        }
        let mut buffer = [0; 2048];
        let length = socket.recv(&mut buffer).unwrap();
        let heard = String::from_utf8(buffer[..length].to_vec()).unwrap();
        // It is another moment here than in the document.
        let form = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "9");
        assert_eq!(form(&heard), form(message));
    }
}

/// A refusal without its words, which are free.
fn without_words(message: &str) -> String {
    match message.strip_prefix("ERR ") {
        Some(refusal) => format!("ERR {}", refusal.split(' ').next().unwrap()),
        None => message.to_owned(),
    }
}
