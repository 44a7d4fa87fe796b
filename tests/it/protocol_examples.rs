//! Every exchange in `docs/protocol.md`, played against the services.
//!
//! A fenced block ```` ```exchange MODE ```` holds lines `C: …` and `S: …`, one a message. Where two
//! clients talk, `C1:` and `S1:` are the first one's, `C2:` and `S2:` the second's.

use std::collections::BTreeMap;
use std::net::UdpSocket;

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use server::Config;
use server::services::datetime::Clock;
use wire::connection::Connection;
use wire::limits::Limits;

use crate::support::{PATIENCE, Peer, Running, start};

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

/// One exchange of the document.
struct Exchange {
    line: usize,
    mode: Mode,
    /// Sender, client's number, message.
    messages: Vec<(char, char, String)>,
}

fn exchanges() -> Vec<Exchange> {
    let mut found = Vec::new();
    let mut open: Option<Exchange> = None;
    for (number, line) in PROTOCOL.lines().enumerate() {
        if let Some(mode) = line.strip_prefix("```exchange ") {
            let mode = Mode::parse(mode).unwrap_or_else(|| panic!("no mode {mode:?}"));
            open = Some(Exchange {
                line: number + 1,
                mode,
                messages: Vec::new(),
            });
        } else if line == "```" {
            found.extend(open.take());
        } else if let Some(exchange) = &mut open {
            let (who, message) = line.split_once(": ").unwrap_or_else(|| panic!("{line:?}"));
            let mut who = who.chars();
            let sender = who.next().unwrap();
            exchange
                .messages
                .push((sender, who.next().unwrap_or('1'), message.to_owned()));
        }
    }
    found
}

fn play(exchange: &Exchange, server: &Running) {
    let transport = exchange.mode.transports()[0];
    let mut peers = BTreeMap::new();
    let mut sockets = BTreeMap::new();
    for (sender, client, message) in &exchange.messages {
        let heard = match transport {
            Transport::Tcp => {
                let peer = peers.entry(client).or_insert_with(|| {
                    let stream = server.connect();
                    Peer(Connection::new(stream, Framing::Netstring, Limits::CLIENT).unwrap())
                });
                match sender {
                    'C' => {
                        peer.say(message);
                        continue;
                    }
                    _ => peer.hear().unwrap_or_default(),
                }
            }
            Transport::Udp => {
                let socket = sockets.entry(client).or_insert_with(|| {
                    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
                    socket.connect(server.address(transport)).unwrap();
                    socket.set_read_timeout(Some(PATIENCE)).unwrap();
                    socket
                });
                match sender {
                    'C' => {
                        socket.send(message.as_bytes()).unwrap();
                        continue;
                    }
                    _ => {
                        let mut datagram = [0; 2048];
                        let length = socket.recv(&mut datagram).unwrap();
                        String::from_utf8_lossy(&datagram[..length]).into_owned()
                    }
                }
            }
        };
        assert_eq!(heard, *message, "in the exchange at line {}", exchange.line);
    }
}

#[test]
fn every_exchange_of_the_specification_is_what_the_services_say() {
    let exchanges = exchanges();
    let moment: jiff::Zoned = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    for exchange in &exchanges {
        let clock = Clock::Fixed(Box::new(jiff::Zoned::clone(&moment)));
        let server = start(
            exchange.mode,
            Config {
                clock,
                ..Config::default()
            },
        );
        play(exchange, &server);
    }
    assert!(exchanges.len() >= 3, "{} exchanges found", exchanges.len());
}

#[test]
fn every_error_code_is_in_the_specification() {
    for code in proto::refusal::Code::ALL {
        let row = format!("| `{}` |", code.as_str());
        assert!(PROTOCOL.contains(&row), "{row}");
    }
}
