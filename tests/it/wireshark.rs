//! What tshark says of our captures, and what the dissector in `examples/wireshark` makes of them.
//!
//! The real programs talk to each other in every mode and framing and are recorded; `labclient
//! view --pcap` makes captures of that; tshark must find nothing wrong in them, and give back the
//! bytes that were recorded. Where tshark is not installed this is skipped, unless
//! `SOCKETLAB_REQUIRE_TSHARK` is set, as it is in the gate.

mod handouts;
mod lab;
mod tshark;

use std::collections::BTreeMap;

use proto::mode::Transport;
use proto::side::Direction;

use self::lab::{Lab, MadeConnection, crossed, messages, over_ipv6};
use self::tshark::{Bytes, Ends, Packet, tshark};

#[test]
fn captures_are_sound_and_dissected_in_netstring_framing() {
    check("netstring");
}

#[test]
fn captures_are_sound_and_dissected_in_len3_framing() {
    check("len3");
}

#[test]
fn captures_are_sound_and_dissected_in_line_framing() {
    check("line");
}

#[test]
fn captures_are_sound_and_dissected_in_raw_framing() {
    check("raw");
}

fn check(framing: &str) {
    let Some(tshark) = tshark() else { return };
    let lab = Lab::recorded_in(framing);
    let as_recorded = lab.capture("as-recorded", str::to_owned);
    let default_ports = lab.capture("default-ports", |text| lab.on_default_ports(text));
    let ipv6 = lab.capture("ipv6", over_ipv6);
    tshark.finds_nothing_wrong(&[&as_recorded, &default_ports, &ipv6]);
    let packets = tshark.packets(&default_ports, "socketlab", &FIELDS);
    every_message_is_shown(&packets, &lab);
    fields_are_right(&packets, framing);
    let fields = ["socketlab.service", "tcp.stream", "udp.stream"];
    let on_any_port = tshark.packets(&as_recorded, "tcp || udp", &fields);
    let streams = tshark.streams(&as_recorded, &on_any_port);
    the_bytes_come_back(streams, &lab);
    for service in ["atm", "text", "calc", "chat"] {
        let is_known = on_any_port
            .iter()
            .any(|packet| packet["socketlab.service"] == service);
        assert!(is_known, "{framing} {service}");
    }
}

const FIELDS: [&str; 13] = [
    "frame.number",
    "socketlab.service",
    "socketlab.framing",
    "socketlab.length",
    "socketlab.text",
    "socketlab.verb",
    "socketlab.arguments",
    "socketlab.code",
    "socketlab.event",
    "socketlab.transaction",
    "socketlab.repeat",
    "socketlab.response_in",
    "socketlab.response_to",
];

fn the_bytes_come_back(streams: BTreeMap<Ends, Bytes>, lab: &Lab) {
    let framing = lab.framing.as_str();
    let expected = crossed(lab);
    assert_eq!(
        streams.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "{framing}"
    );
    for (ends, bytes) in streams {
        let views = &expected[&ends];
        assert!(views.contains(&bytes), "{framing} {ends:?}: {bytes:?}");
    }
}

fn every_message_is_shown(packets: &[Packet], lab: &Lab) {
    let framing = lab.framing.as_str();
    let mut seen = BTreeMap::new();
    for packet in packets {
        let [service, named, length, text] =
            ["service", "framing", "length", "text"].map(|name| shown(packet, name));
        if service == "echo" {
            continue;
        }
        assert!([framing, "datagram"].contains(&named), "{packet:?}");
        let beginning: String = text.chars().take(80).collect();
        let message = (
            service.to_owned(),
            named.to_owned(),
            length.to_owned(),
            beginning,
        );
        *seen.entry(message).or_insert(0) += 1;
    }
    assert_eq!(seen, messages(lab));
}

/// One of our own fields.
fn shown<'a>(packet: &'a Packet, field: &str) -> &'a str {
    &packet[format!("socketlab.{field}").as_str()]
}

fn fields_are_right(packets: &[Packet], framing: &str) {
    let rows = |field: &str, is_wanted: &dyn Fn(&Packet) -> bool| -> Vec<&str> {
        let wanted = packets.iter().filter(|packet| is_wanted(packet));
        wanted.map(|packet| shown(packet, field)).collect()
    };
    let holds = rows("transaction", &|packet| shown(packet, "verb") == "WITHDRAW");
    // One of them twice, since its answer was lost.
    assert_eq!(holds.len(), 3, "{framing}");
    assert_eq!(holds[0], holds[1]);
    assert!(
        holds[0].starts_with("WITH_") && holds[0].len() == 41,
        "{holds:?}"
    );
    let repeats = rows("transaction", &|packet| !shown(packet, "repeat").is_empty());
    assert_eq!(repeats, holds[..1]);
    let codes = rows("code", &|_| true);
    for code in ["insufficient-funds", "division-by-zero"] {
        assert!(codes.contains(&code), "{framing}: {codes:?}");
    }
    assert_eq!(
        rows("arguments", &|packet| shown(packet, "verb") == "CALC"),
        ["12 + 42", "5 / 0"]
    );
    // In raw framing two messages may come as one, and the client then gives up.
    if framing != "raw" {
        let said = rows("arguments", &|packet| shown(packet, "event") == "said");
        assert_eq!(said, ["said Adarsh hello"]);
    }
    let unanswered = rows("text", &|packet| {
        ["OK", "ERR"].contains(&shown(packet, "verb"))
            && shown(packet, "response_to").is_empty()
            && shown(packet, "service") != "chat"
    });
    assert_eq!(unanswered, [""; 0], "{framing}");
    let prime = rows("response_in", &|packet| shown(packet, "verb") == "PRIME");
    let answers = rows("arguments", &|packet| packet["frame.number"] == prime[0]);
    assert_eq!(answers, ["prime"], "{framing}");
}

#[test]
fn bytes_that_break_the_framing_are_reported_and_garbage_breaks_nothing() {
    let Some(tshark) = tshark() else { return };
    let directory = tempfile::tempdir().unwrap();
    let (bytes, expected): (Vec<&[u8]>, Vec<&str>) = [
        (
            &b"11:READY atm 1,99999:x"[..],
            "netstring: longer than any netstring here",
        ),
        (
            b"11:READY atm 1,012:x",
            "netstring: a length begins with no zero",
        ),
        (
            b"11:READY atm 1,3:abc;",
            "netstring: no comma after the payload",
        ),
        (
            b"11:READY atm 1,QUIT",
            "netstring: a length and a colon were expected",
        ),
        (b"011READY atm 1300x", "len3: longer than 255 bytes"),
        (b"011READY atm 1QUIT", "len3: three digits were expected"),
    ]
    .into_iter()
    .unzip();
    let broken: Vec<_> = bytes
        .iter()
        .map(|bytes| made(9005, [bytes.to_vec()]))
        .collect();
    let capture = lab::capture_of(directory.path(), "broken", &broken);
    let message = "_ws.expert.message";
    let packets = tshark.packets(&capture, "socketlab.bad_framing", &[message]);
    let messages: Vec<_> = packets.iter().map(|packet| &packet[message]).collect();
    assert_eq!(messages, expected);

    let mut generator = wire::fault::random_seed();
    let seed = generator;
    let mut garbage = || {
        generator = generator
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (generator >> 56) as u8
    };
    let mut piece = || -> Vec<u8> {
        let length = usize::from(garbage()) + 1;
        // Digits, colons and line feeds come up often enough to lead somewhere.
        let bytes = (0..length).map(|_| match garbage() {
            byte @ 0..64 => b"0123456789:,\n\r READY"[usize::from(byte % 20)],
            byte => byte,
        });
        bytes.collect()
    };
    let ports = (9005..=9011).chain([1027, 1234, 2525, 5000, 8000, 8888, 65432]);
    let connections: Vec<_> = ports
        .map(|port| made(port, (0..60).map(|_| piece())))
        .collect();
    let capture = lab::capture_of(directory.path(), "garbage", &connections);
    tshark.survives(&capture, seed);
}

/// A connection over which a server at this port says these pieces.
fn made(port: u16, pieces: impl IntoIterator<Item = Vec<u8>>) -> MadeConnection {
    let to_client = |bytes| (Direction::ToClient, bytes);
    MadeConnection {
        port,
        transport: Transport::Tcp,
        pieces: pieces.into_iter().map(to_client).collect(),
    }
}
