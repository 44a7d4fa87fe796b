//! What tshark says of our captures, and what the dissector in `examples/wireshark` makes of them.
//!
//! The real programs talk to each other in every mode and framing and are recorded; `labclient
//! view --pcap` makes captures of that; tshark must find nothing wrong in them, and give back the
//! bytes that were recorded. Where tshark is not installed this is skipped, unless
//! `SOCKETLAB_REQUIRE_TSHARK` is set, as it is in the gate.

mod lab;
mod tshark;

use std::collections::BTreeMap;

use self::lab::{Lab, crossed, messages, on_default_ports, over_ipv6};
use self::tshark::{Tshark, tshark};

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
    nothing_is_wrong_and_the_bytes_come_back(&tshark, &lab);
    every_message_is_shown(&tshark, &lab);
    fields_are_right(&tshark, &lab);
    services_that_greet_are_known_on_any_port(&tshark, &lab);
}

fn nothing_is_wrong_and_the_bytes_come_back(tshark: &Tshark, lab: &Lab) {
    let framing = lab.framing.as_str();
    let capture = lab.capture("as-recorded", |text| text.to_owned());
    tshark.finds_nothing_wrong(&capture, Tshark::PLAIN);
    let streams = tshark.streams(&capture);
    let expected = crossed(&lab.clients(), &lab.servers());
    assert_eq!(
        streams.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "{framing}"
    );
    for (ends, bytes) in streams {
        let views = &expected[&ends];
        assert!(views.contains(&bytes), "{framing} {ends:?}: {bytes:?}");
    }
    let capture = lab.capture("ipv6", over_ipv6);
    tshark.finds_nothing_wrong(&capture, Tshark::PLAIN);
}

fn every_message_is_shown(tshark: &Tshark, lab: &Lab) {
    let framing = lab.framing.as_str();
    let ports = lab.ports();
    let capture = lab.capture("default-ports", |text| on_default_ports(text, &ports));
    tshark.finds_nothing_wrong(&capture, Tshark::DISSECTING);
    let shown = tshark.fields(
        &capture,
        "socketlab",
        &[
            "socketlab.service",
            "socketlab.framing",
            "socketlab.length",
            "socketlab.text",
        ],
    );
    let mut seen = BTreeMap::new();
    for row in shown.iter().filter(|row| row[0] != "echo") {
        let told = match row[1].as_str() {
            "datagram" => "datagram",
            named => {
                assert_eq!(named, framing, "{row:?}");
                framing
            }
        };
        let text: String = row[3].chars().take(80).collect();
        *seen
            .entry((row[0].clone(), told.to_owned(), row[2].clone(), text))
            .or_insert(0) += 1;
    }
    assert_eq!(seen, messages(lab));
}

fn fields_are_right(tshark: &Tshark, lab: &Lab) {
    let framing = lab.framing.as_str();
    let ports = lab.ports();
    let capture = lab.capture("fields", |text| on_default_ports(text, &ports));
    let rows = |filter: &str, field: &str| -> Vec<String> {
        let rows = tshark.fields(&capture, filter, &[field]);
        rows.into_iter().map(|row| row[0].clone()).collect()
    };
    let holds = rows("socketlab.verb == \"WITHDRAW\"", "socketlab.transaction");
    // One of them twice, since its answer was lost.
    assert_eq!(holds.len(), 3, "{framing}");
    assert_eq!(holds[0], holds[1]);
    assert!(
        holds[0].starts_with("WITH_") && holds[0].len() == 41,
        "{holds:?}"
    );
    let repeats = rows("socketlab.repeat", "socketlab.transaction");
    assert_eq!(repeats, holds[..1]);
    let codes = rows("socketlab.code", "socketlab.code");
    for code in ["insufficient-funds", "division-by-zero"] {
        assert!(
            codes.iter().any(|seen| seen == code),
            "{framing}: {codes:?}"
        );
    }
    assert_eq!(
        rows("socketlab.verb == \"CALC\"", "socketlab.arguments"),
        ["12 + 42", "5 / 0"]
    );
    let said = rows("socketlab.event == \"said\"", "socketlab.arguments");
    // In raw framing two messages may come as one, and the client then gives up.
    if framing != "raw" {
        assert_eq!(said, ["said Adarsh hello"]);
    }
    let unanswered = "(socketlab.verb == \"OK\" || socketlab.verb == \"ERR\") && \
                          !socketlab.response_to && !(socketlab.service == \"chat\")";
    assert_eq!(rows(unanswered, "frame.number"), [""; 0], "{framing}");
    let prime = tshark.fields(
        &capture,
        "socketlab.verb == \"PRIME\"",
        &["socketlab.response_in"],
    );
    let answered = format!("frame.number == {}", prime[0][0]);
    assert_eq!(
        rows(&answered, "socketlab.arguments"),
        ["prime"],
        "{framing}"
    );
}

fn services_that_greet_are_known_on_any_port(tshark: &Tshark, lab: &Lab) {
    let framing = lab.framing.as_str();
    let capture = lab.capture("any-port", |text| text.to_owned());
    tshark.finds_nothing_wrong(&capture, Tshark::DISSECTING);
    let rows = tshark.fields(&capture, "socketlab", &["socketlab.service"]);
    for service in ["atm", "text", "calc", "chat"] {
        assert!(
            rows.iter().any(|row| row[0] == service),
            "{framing} {service}"
        );
    }
}

#[test]
fn bytes_that_break_the_framing_are_told_and_garbage_breaks_nothing() {
    let Some(tshark) = tshark() else { return };
    let directory = tempfile::tempdir().unwrap();
    for (bytes, expected) in [
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
    ] {
        let capture = lab::capture_of(directory.path(), 9005, &[bytes]);
        let told = tshark.fields(&capture, "socketlab.bad_framing", &["_ws.expert.message"]);
        assert_eq!(told, [[expected]], "{}", bytes.escape_ascii());
    }
    let mut generator = wire::fault::random_seed();
    let seed = generator;
    let mut garbage = || {
        generator = generator
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (generator >> 56) as u8
    };
    for port in 9005..=9011 {
        let pieces: Vec<Vec<u8>> = (0..60)
            .map(|_| {
                let length = usize::from(garbage()) + 1;
                // Digits, colons and line feeds come up often enough to lead somewhere.
                let piece = (0..length).map(|_| match garbage() {
                    byte @ 0..64 => b"0123456789:,\n\r READY"[usize::from(byte % 20)],
                    byte => byte,
                });
                piece.collect()
            })
            .collect();
        let pieces: Vec<&[u8]> = pieces.iter().map(Vec::as_slice).collect();
        let capture = lab::capture_of(directory.path(), port, &pieces);
        tshark.survives(&capture, seed);
    }
}
