//! Every exchange in `docs/protocol.md`, played against the services.
//!
//! The header is the mode, with a framing or `udp` behind it where that is not the default. In a
//! block ```` ```bytes ```` a line is the bytes themselves, with `\r`, `\n`, `\\` and `\xHH` for those that a
//! page cannot show.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use server::clock::Clock;
use testkit::service::{Service, start_configured};

use crate::exchanges::{Exchange, exchanges};

const PROTOCOL: &str = include_str!("../../docs/protocol.md");

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

fn play_stream(exchange: &Exchange, server: &Service, bytes: impl Fn(&str) -> Vec<u8>) {
    let mut peers: BTreeMap<char, TcpStream> = BTreeMap::new();
    for turn in &exchange.turns {
        let peer = peers.entry(turn.client).or_insert_with(|| server.connect());
        match (turn.is_client, turn.said.map(&bytes)) {
            (true, Some(said)) => peer.write_all(&said).unwrap(),
            (true, None) => peer.shutdown(Shutdown::Write).unwrap(),
            (false, expected) => {
                let length = expected.as_ref().map_or(u64::MAX, |said| said.len() as u64);
                let mut heard = Vec::new();
                peer.take(length).read_to_end(&mut heard).unwrap();
                exchange.is_as_written(&heard, &expected.unwrap_or_default());
            }
        }
    }
}

fn play(exchange: &Exchange) {
    let mode = Mode::parse(exchange.header[0]).unwrap();
    let (framing, transport) = match exchange.header.get(1) {
        None => (Framing::default(), mode.transports()[0]),
        Some(&"udp") => (Framing::default(), Transport::Udp),
        Some(framing) => (Framing::parse(framing).unwrap(), mode.transports()[0]),
    };
    let moment: jiff::Zoned = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    let server = start_configured(mode, |config| {
        config.clock = Clock::Fixed(Box::new(moment));
        config.framing = framing;
    });
    let bytes = |said: &str| {
        if exchange.is_bytes {
            return unescaped(said);
        }
        let mut bytes = Vec::new();
        match transport {
            Transport::Tcp => framing.encode(said.as_bytes(), &mut bytes).unwrap(),
            Transport::Udp => bytes.extend(said.as_bytes()),
        }
        bytes
    };
    match transport {
        Transport::Tcp => play_stream(exchange, &server, bytes),
        Transport::Udp => exchange.play_datagrams(&server, bytes),
    }
}

#[test]
fn every_exchange_of_the_specification_is_what_the_services_say() {
    let exchanges = exchanges(PROTOCOL);
    exchanges.iter().for_each(play);
    assert!(exchanges.len() >= 3, "{} exchanges found", exchanges.len());
}

#[test]
fn every_error_code_is_in_the_specification() {
    for code in proto::refusal::Code::ALL {
        let row = format!("| `{}` |", code.as_str());
        assert!(PROTOCOL.contains(&row), "{row}");
    }
}
