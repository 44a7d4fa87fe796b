//! What faults did to messages, as a recording has it.

use std::io::{Read, Write};
use std::net::Shutdown;

use proto::frame::Framing;
use proto::side::Side;
use record::{EventKind, Mask, Secrets};

use super::{Tape, heard, inject, outline, pair, said};

#[test]
fn what_a_fault_did_to_what_is_sent_is_recorded_and_the_bytes_are_still_those_of_the_wire() {
    for (spec, expected) in [
        ("drop-request=#1", "dropped a Drop, sent b"),
        ("duplicate=#2", "sent a, duplicated b, sent b, sent b"),
        ("error=#1", "refused a, sent b"),
        ("cut=#2", "sent a, cut b at 2, part b\"1:\", half Us"),
        ("delay=1ms@#2", "sent a, delayed b, sent b"),
        ("split=3@#2", "sent a, split b by 3, sent b"),
        ("split=4", "sent a, sent b"),
        ("glue=#1", "glued a, sent a, sent b"),
        ("glue=#2", "sent a, glued b, sent b, half Us"),
        ("glue=100%", "glued a, sent a, sent b"),
        ("pause=1ms@#2", "sent a, paused 1000000, sent b"),
        ("reset=#2", "sent a, reset b"),
    ] {
        let tape = Tape::of(Side::Client, Secrets::Masked);
        let (mut connection, mut other) = pair(&tape, Framing::Netstring, None);
        inject(&mut connection, Side::Client, spec);
        connection.writer.send(b"a").unwrap();
        let _ = connection.writer.send(b"b");
        if spec == "glue=#2" {
            // What waits for a next message goes at the end at the latest.
            connection.writer.finish().unwrap();
        }
        drop(connection);
        let mut bytes = Vec::new();
        let read = other.read_to_end(&mut bytes);
        let events = tape.events();
        match &read {
            Ok(_) => assert_eq!(said(&events), bytes, "{spec}"),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
        let end = match spec.split('=').next() {
            Some("cut") => "Cut",
            Some("reset") => "Reset",
            _ => "End",
        };
        assert_eq!(read.is_err(), end == "Reset");
        let expected = format!("Connected, {expected}, closed Us {end}");
        assert_eq!(outline(&events).join(", "), expected, "{spec}");
    }
}

#[test]
fn a_flipped_bit_is_recorded_with_the_message_as_it_is_sent() {
    let tape = Tape::of(Side::Client, Secrets::Masked);
    let (mut connection, mut other) = pair(&tape, Framing::Line, None);
    inject(&mut connection, Side::Client, "corrupt=#1");
    connection.writer.send(b"PRIME 97").unwrap();
    drop(connection);
    let mut bytes = Vec::new();
    other.read_to_end(&mut bytes).unwrap();
    let events = tape.events();
    assert_eq!(said(&events), bytes);
    let EventKind::Corrupted { bit, message } = &events[1].kind else {
        panic!("{events:?}");
    };
    assert_eq!(message.bytes.0, bytes);
    bytes[bit / 8] ^= 1 << (bit % 8);
    assert_eq!(bytes, b"PRIME 97\n");
}

#[test]
fn a_flipped_bit_does_not_uncover_a_secret() {
    // In the word before the secret: it is not found behind `KEZ`.
    let spec = "corrupt=100%";
    let tape = Tape::of(Side::Client, Secrets::Masked);
    let mask: Mask = |message| match message.starts_with(b"KEY ") {
        true => std::iter::once(4..message.len()).collect(),
        false => Vec::new(),
    };
    let (mut connection, other) = pair(&tape, Framing::Line, Some(mask));
    inject(&mut connection, Side::Client, spec);
    for _ in 0..50 {
        connection.writer.send(b"KEY 1234").unwrap();
    }
    drop((connection, other));
    for event in tape.events() {
        if let EventKind::Sent(message) | EventKind::Corrupted { message, .. } = event.kind {
            let shown = String::from_utf8_lossy(&message.bytes.0).into_owned();
            assert!(shown.starts_with("********"), "{shown}");
        }
    }
}

#[test]
fn what_a_fault_did_to_what_was_received_is_recorded_behind_it() {
    for (spec, expected) in [
        ("drop-request=#1", "received a, dropped a Drop, received b"),
        ("duplicate=#1", "received a, duplicated a, received b"),
        ("error=#1", "received a, refused a, received b"),
    ] {
        let tape = Tape::server();
        let (mut connection, mut other) = pair(&tape, Framing::Netstring, None);
        inject(&mut connection, Side::Server, spec);
        other.write_all(b"1:a,1:b,").unwrap();
        other.shutdown(Shutdown::Write).unwrap();
        while !matches!(connection.reader.receive(None), Ok(None)) {}
        drop(connection);
        let mut outline = outline(&tape.events());
        outline.retain(|words| words.contains(" a") || words.contains(" b"));
        assert_eq!(outline.join(", "), expected, "{spec}");
    }
}

#[test]
fn the_answer_to_a_doubled_request_is_recorded_as_dropped() {
    let tape = Tape::server();
    let (mut connection, mut other) = pair(&tape, Framing::Line, None);
    inject(&mut connection, Side::Server, "duplicate=#1");
    other.write_all(b"ADD 1\n").unwrap();
    for _ in 0..2 {
        connection.reader.receive(None).unwrap();
        connection.writer.send(b"OK 1").unwrap();
    }
    drop(connection);
    let events = tape.events();
    assert_eq!(said(&events), b"OK 1\n");
    assert!(outline(&events).contains(&"dropped OK 1 Duplicate".to_owned()));
}

#[test]
fn a_secret_that_a_fault_drops_does_not_uncover_the_one_that_follows() {
    let tape = Tape::server();
    let (mut connection, mut other) = pair(&tape, Framing::Line, None);
    inject(&mut connection, Side::Server, "drop-request=#1");
    other.write_all(b"1234\n1234\n").unwrap();
    let secret = connection.reader.receive_secret(None).unwrap();
    assert_eq!(secret.unwrap(), b"1234");
    drop(connection);
    let (bytes, _) = heard(&tape.events());
    assert_eq!(bytes, b"****\n****\n");
}
