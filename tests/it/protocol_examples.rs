//! Every exchange in `docs/protocol.md`, played against the services.
//!
//! A fenced block ```` ```exchange MODE ```` holds lines `C: …` and `S: …`, one a message. Where two
//! clients talk, `C1:` and `S1:` are the first one's, `C2:` and `S2:` the second's. In a block
//! ```` ```bytes MODE ````, with a framing or `udp` behind it where that is not the default, a line is the
//! bytes themselves, with `\r`, `\n`, `\\` and `\xHH` for those that a page cannot show. `C half-closes` and
//! `S closes` are the ends of the stream.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream, UdpSocket};

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use server::clock::Clock;
use testkit::service::{Service, start_configured};

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

/// One exchange of the document.
struct Exchange {
    line: usize,
    mode: Mode,
    framing: Framing,
    transport: Transport,
    turns: Vec<Turn>,
}

/// One line of it. The client is named by its number, `1` where there is no other.
enum Turn {
    /// The client sends these bytes.
    Sends(char, Vec<u8>),
    /// The client hears these bytes.
    Hears(char, Vec<u8>),
    /// The client ends its half of the stream.
    HalfCloses(char),
    /// The server ends the stream.
    Closes(char),
}

fn exchanges() -> Vec<Exchange> {
    let mut found = Vec::new();
    let mut open: Option<(Exchange, bool)> = None;
    for (number, line) in PROTOCOL.lines().enumerate() {
        let fence = line.strip_prefix("```exchange ");
        if let Some(header) = fence.or_else(|| line.strip_prefix("```bytes ")) {
            open = Some((opened(number + 1, header), fence.is_none()));
        } else if line == "```" {
            found.extend(open.take().map(|(exchange, _)| exchange));
        } else if let Some((exchange, is_bytes)) = &mut open {
            let turn = turn(line, *is_bytes, exchange).unwrap_or_else(|| panic!("{line:?}"));
            exchange.turns.push(turn);
        }
    }
    found
}

/// An exchange with nothing in it yet: `text`, `text len3`, `echo udp`.
fn opened(line: usize, header: &str) -> Exchange {
    let mut words = header.split(' ');
    let mode = words.next().and_then(Mode::parse);
    let mode = mode.unwrap_or_else(|| panic!("no mode in {header:?}"));
    let mut exchange = Exchange {
        line,
        mode,
        framing: Framing::default(),
        transport: mode.transports()[0],
        turns: Vec::new(),
    };
    match words.next() {
        None => {}
        Some("udp") => exchange.transport = Transport::Udp,
        Some(framing) => exchange.framing = Framing::parse(framing).unwrap(),
    }
    exchange
}

fn turn(line: &str, is_bytes: bool, exchange: &Exchange) -> Option<Turn> {
    let (who, said) = line.split_at(line.find([':', ' '])?);
    let client = who.chars().nth(1).unwrap_or('1');
    let said = match (said.strip_prefix(": "), is_bytes) {
        (Some(escaped), true) => Some(unescaped(escaped)),
        (Some(message), false) if exchange.transport == Transport::Tcp => {
            let mut bytes = Vec::new();
            let framed = exchange.framing.encode(message.as_bytes(), &mut bytes);
            framed.ok().map(|()| bytes)
        }
        (Some(message), false) => Some(message.as_bytes().to_vec()),
        (None, _) => None,
    };
    Some(match (who.chars().next()?, said) {
        ('C', Some(bytes)) => Turn::Sends(client, bytes),
        ('S', Some(bytes)) => Turn::Hears(client, bytes),
        ('C', None) if line.ends_with(" half-closes") => Turn::HalfCloses(client),
        ('S', None) if line.ends_with(" closes") => Turn::Closes(client),
        _ => return None,
    })
}

fn unescaped(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text;
    while let Some((before, escape)) = rest.split_once('\\') {
        bytes.extend_from_slice(before.as_bytes());
        let (byte, length) = match escape.as_bytes() {
            [b'r', ..] => (b'\r', 1),
            [b'n', ..] => (b'\n', 1),
            [b'\\', ..] => (b'\\', 1),
            [b'x', ..] => (u8::from_str_radix(&escape[1..3], 16).unwrap(), 3),
            _ => panic!("no escape: {text:?}"),
        };
        bytes.push(byte);
        rest = &escape[length..];
    }
    bytes.extend_from_slice(rest.as_bytes());
    bytes
}

fn play(exchange: &Exchange, server: &Service) {
    match exchange.transport {
        Transport::Tcp => play_stream(exchange, server),
        Transport::Udp => play_datagrams(exchange, server),
    }
}

fn play_stream(exchange: &Exchange, server: &Service) {
    let mut peers: BTreeMap<char, TcpStream> = BTreeMap::new();
    for turn in &exchange.turns {
        let (Turn::Sends(client, _)
        | Turn::Hears(client, _)
        | Turn::HalfCloses(client)
        | Turn::Closes(client)) = turn;
        let peer = peers.entry(*client).or_insert_with(|| server.connect());
        let (heard, expected) = match turn {
            Turn::Sends(_, bytes) => {
                peer.write_all(bytes).unwrap();
                continue;
            }
            Turn::HalfCloses(_) => {
                peer.shutdown(Shutdown::Write).unwrap();
                continue;
            }
            Turn::Hears(_, expected) => {
                let mut heard = Vec::new();
                let length = expected.len() as u64;
                peer.take(length).read_to_end(&mut heard).unwrap();
                (heard, &expected[..])
            }
            Turn::Closes(_) => {
                let mut heard = Vec::new();
                peer.read_to_end(&mut heard).unwrap();
                (heard, &b""[..])
            }
        };
        is_as_written(&heard, expected, exchange);
    }
}

fn play_datagrams(exchange: &Exchange, server: &Service) {
    let mut peers: BTreeMap<char, UdpSocket> = BTreeMap::new();
    for turn in &exchange.turns {
        match turn {
            Turn::Sends(client, bytes) => {
                let peer = peers.entry(*client).or_insert_with(|| server.datagrams());
                peer.send(bytes).unwrap();
            }
            Turn::Hears(client, expected) => {
                let mut datagram = [0; 2048];
                let length = peers[client].recv(&mut datagram).unwrap();
                is_as_written(&datagram[..length], expected, exchange);
            }
            Turn::HalfCloses(_) | Turn::Closes(_) => panic!("a datagram has no end"),
        }
    }
}

fn is_as_written(heard: &[u8], expected: &[u8], exchange: &Exchange) {
    let shown = |bytes: &[u8]| bytes.escape_ascii().to_string();
    assert_eq!(
        shown(heard),
        shown(expected),
        "in the exchange at line {}",
        exchange.line
    );
}

#[test]
fn every_exchange_of_the_specification_is_what_the_services_say() {
    let exchanges = exchanges();
    let moment: jiff::Zoned = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    for exchange in &exchanges {
        let clock = Clock::Fixed(Box::new(jiff::Zoned::clone(&moment)));
        let server = start_configured(exchange.mode, |config| {
            config.clock = clock;
            config.framing = exchange.framing;
        });
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
