//! Every byte of a stream, and its messages.

use std::io::{Read, Write};
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::side::Side;
use record::{Event, EventKind, Secrets};

use super::{Tape, heard, outline, pair, said};

#[test]
fn every_byte_is_there_in_every_framing_wherever_the_stream_is_cut() {
    for framing in Framing::ALL {
        let mut all = Vec::new();
        framing.encode("ADD é".as_bytes(), &mut all).unwrap();
        if framing == Framing::Line {
            all.insert(all.len() - 1, b'\r');
        }
        framing.encode(b"x", &mut all).unwrap();
        for cut in 0..=all.len() {
            let tape = Tape::server();
            let (mut connection, mut other) = pair(&tape, framing, None);
            other.write_all(&all[..cut]).unwrap();
            if cut % 2 == 0 {
                // Everything, in two parts; otherwise, only the first part.
                other.set_nodelay(true).unwrap();
                other.write_all(&all[cut..]).unwrap();
            }
            drop(other);
            let mut messages = Vec::new();
            while let Ok(Some(message)) = connection.reader.receive(None) {
                messages.push(String::from_utf8_lossy(&message).into_owned());
            }
            drop(connection);
            let events = tape.events();
            let whole = if cut % 2 == 0 { &all[..] } else { &all[..cut] };
            let (bytes, texts) = heard(&events);
            assert_eq!(bytes, whole, "{framing} {cut}");
            if framing != Framing::Raw {
                assert_eq!(texts, messages, "{framing} {cut}");
            }
            let got = events.iter().filter_map(|event| match event.kind {
                EventKind::Read { got, .. } => Some(got),
                _ => None,
            });
            assert_eq!(got.sum::<usize>(), whole.len());
            assert_eq!(events[0].kind, EventKind::Connected);
            let is_end = |event: &&Event| matches!(event.kind, EventKind::Closed { .. });
            assert_eq!(events.iter().filter(is_end).count(), 1);
            assert_eq!(outline(&events).last().unwrap(), "closed Peer End");
        }
    }
}

#[test]
fn a_read_says_how_much_of_the_message_is_there() {
    let tape = Tape::server();
    let (mut connection, mut other) = pair(&tape, Framing::Raw, None);
    connection.reader.set_message_length(NonZeroUsize::new(16));
    other.write_all(b"seven..").unwrap();
    let soon = || Some(Instant::now() + Duration::from_millis(500));
    while connection.reader.unfinished().len() < 7 {
        connection.reader.receive(soon()).unwrap_err();
    }
    other.write_all(b"and nine.+more").unwrap();
    connection.reader.receive(None).unwrap();
    drop(connection);
    let events = tape.events();
    let read = |event: &Event| match event.kind {
        EventKind::Read {
            got, have, need, ..
        } => Some((got, have, need)),
        _ => None,
    };
    let reads: Vec<_> = events.iter().filter_map(read).collect();
    assert_eq!(reads[0], (7, 7, Some(16)));
    assert_eq!(reads.last().unwrap().2, Some(16));
    assert_eq!(heard(&events).0, b"seven..and nine.+more");
}

#[test]
fn what_makes_no_message_is_there_with_what_is_wrong_with_it() {
    let (netstring, long) = ("netstring framing begins with", b"2:hi,3:abcd");
    for (framing, bytes, words) in [
        (Framing::Netstring, &b"2:hi,GET / HTTP\r\n"[..], netstring),
        (
            Framing::Netstring,
            long,
            "a netstring of 3 bytes ends with a comma",
        ),
        (Framing::Len3, b"002hi0x", "len3 framing begins with"),
        (Framing::Line, b"hi\nbro", "closed 3 bytes into a line"),
    ] {
        let tape = Tape::server();
        let (mut connection, mut other) = pair(&tape, framing, None);
        other.write_all(bytes).unwrap();
        drop(other);
        while let Ok(Some(_)) = connection.reader.receive(None) {}
        connection.close();
        let events = tape.events();
        assert_eq!(heard(&events), (bytes.to_vec(), vec!["hi".to_owned()]));
        let all = outline(&events).join("\n");
        assert!(all.contains(words), "{all}");
    }
}

#[test]
fn a_line_that_is_too_long_is_there_and_those_behind_it_are_messages() {
    let tape = Tape::server();
    let (mut connection, mut other) = pair(&tape, Framing::Line, None);
    let mut bytes = vec![b'x'; 200_000];
    bytes.extend(b"\nhi\n");
    std::thread::scope(|scope| {
        scope.spawn(|| other.write_all(&bytes).unwrap());
        connection.reader.receive(None).unwrap_err();
        assert_eq!(connection.reader.receive(None).unwrap().unwrap(), b"hi");
    });
    drop(connection);
    assert_eq!(heard(&tape.events()), (bytes, vec!["hi".to_owned()]));
}

#[test]
fn queued_messages_are_sent_one_by_one_and_their_bytes_are_what_the_peer_reads() {
    for framing in Framing::ALL {
        let tape = Tape::server();
        let (mut connection, mut other) = pair(&tape, framing, None);
        connection.writer.greet(b"READY").unwrap();
        for message in ["one", "two", "three"] {
            connection.writer.queue(message.as_bytes()).unwrap();
        }
        connection.writer.flush().unwrap();
        let (reader, mut writer) = connection.split();
        writer.send(b"four").unwrap();
        writer.finish().unwrap();
        let mut bytes = Vec::new();
        other.read_to_end(&mut bytes).unwrap();
        drop(other);
        reader.close();
        drop(writer);
        let events = tape.events();
        assert_eq!(said(&events), bytes, "{framing}");
        let expected = "Connected, sent READY, sent one, sent two, sent three, sent four, half Us, \
            read 0, half Peer, closed Us End";
        assert_eq!(outline(&events).join(", "), expected);
    }
}

fn first_two(message: &[u8]) -> Vec<std::ops::Range<usize>> {
    std::iter::once(0..message.len().min(2)).collect()
}

#[test]
fn secrets_are_masked_in_bytes_and_text_and_kept_when_that_is_asked_for() {
    for (secrets, expected) in [
        (Secrets::Masked, ["**cd", "****", "**gh", "****"]),
        (Secrets::Kept, ["abcd", "1234", "efgh", "5678"]),
    ] {
        for framing in Framing::ALL {
            let tape = Tape::of(Side::Server, secrets);
            let (mut connection, mut other) = pair(&tape, framing, Some(first_two));
            connection.reader.set_message_length(NonZeroUsize::new(4));
            let mut bytes = Vec::new();
            for message in ["abcd", "1234"] {
                framing.encode(message.as_bytes(), &mut bytes).unwrap();
            }
            other.write_all(&bytes).unwrap();
            connection.reader.receive(None).unwrap();
            connection.reader.receive_secret(None).unwrap();
            connection.writer.send(b"efgh").unwrap();
            connection.writer.send_secret(b"5678").unwrap();
            drop(connection);
            let mut shown = Vec::new();
            for event in tape.events() {
                if let EventKind::Sent(message) | EventKind::Received(message) = event.kind {
                    let mut bytes = Vec::new();
                    let text = message.text.unwrap();
                    framing.encode(text.as_bytes(), &mut bytes).unwrap();
                    assert_eq!(message.bytes.0, bytes);
                    assert_eq!(message.masked, secrets == Secrets::Masked);
                    shown.push(text);
                }
            }
            assert_eq!(shown, expected);
        }
    }
}

#[test]
fn a_reset_is_recorded_as_one() {
    let tape = Tape::server();
    let (mut connection, other) = pair(&tape, Framing::Line, None);
    connection.writer.send(b"unread").unwrap();
    other.peek(&mut [0]).unwrap();
    drop(other);
    connection.reader.receive(None).unwrap_err();
    drop(connection);
    assert_eq!(outline(&tape.events()).last().unwrap(), "closed Peer Reset");
}
