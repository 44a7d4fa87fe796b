//! What a recording says of real sockets, compared with what a bare peer sent and read.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream, UdpSocket};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::Transport;
use proto::side::Side;
use record::{Event, EventKind, Mask, Recorder, Recording, Secrets, Settings};
use tempfile::TempDir;
use wire::connection::Connection;
use wire::datagram::Endpoint;
use wire::fault::{Exchange, FaultPlan, FaultScope};
use wire::limits::Limits;

/// Far longer than anything here takes: a test that meets it has failed.
const TEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A recorder, and where it records to.
struct Tape {
    recorder: Recorder,
    path: PathBuf,
    _directory: TempDir,
}

impl Tape {
    fn of(side: Side, secrets: Secrets) -> Tape {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("it.jsonl");
        let recorder = Recorder::start(Settings {
            file: Some(path.clone()),
            secrets,
            ..settings(side)
        });
        Tape {
            recorder: recorder.unwrap().unwrap(),
            path,
            _directory: directory,
        }
    }

    fn server() -> Tape {
        Tape::of(Side::Server, Secrets::Masked)
    }

    /// Everything that was recorded, which ends with the end of the run.
    fn events(self) -> Vec<Event> {
        self.recorder.finish();
        let file = BufReader::new(File::open(&self.path).unwrap());
        let mut recording = Recording::read(file).unwrap();
        let mut events = recording.runs.remove(0).events;
        assert_eq!(events.pop().unwrap().kind, EventKind::Ended);
        assert!(!recording.was_torn && recording.runs.is_empty());
        events
    }
}

fn settings(side: Side) -> Settings {
    Settings {
        program: "test",
        release: "0",
        side,
        arguments: vec!["x".repeat(5_000)],
        faults: None,
        secrets: Secrets::Masked,
        file: None,
        trace: None,
    }
}

/// A recorded connection, and the bare other end of it.
fn pair(tape: &Tape, framing: Framing, mask: Option<Mask>) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    other.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let (stream, _) = listener.accept().unwrap();
    let mut connection = Connection::new(stream, framing, Limits::SERVER).unwrap();
    connection.record(&tape.recorder, "text", 7, mask).unwrap();
    (connection, other)
}

fn inject(connection: &mut Connection, side: Side, spec: &str) {
    let plan = FaultPlan::new(spec.parse().unwrap(), 1);
    connection.inject(plan.faults(FaultScope {
        side,
        transport: Transport::Tcp,
        number: 0,
        exchange: Exchange::Answered,
    }));
}

/// The bytes that came over the wire, and the messages among them.
fn heard(events: &[Event]) -> (Vec<u8>, Vec<String>) {
    let mut bytes = Vec::new();
    let mut texts = Vec::new();
    for event in events {
        match &event.kind {
            EventKind::Received(message) => {
                bytes.extend(&message.bytes.0);
                texts.extend(message.text.clone());
            }
            EventKind::Unreadable { bytes: these, .. } => bytes.extend(&these.0),
            _ => {}
        }
    }
    (bytes, texts)
}

fn said(events: &[Event]) -> Vec<u8> {
    let sent = |event: &Event| match &event.kind {
        EventKind::Sent(message) => Some(message.bytes.0.clone()),
        _ => None,
    };
    events.iter().filter_map(sent).flatten().collect()
}

/// What happened, in words.
fn outline(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| {
        let message = event.kind.message();
        let text = message.and_then(|message| message.text.as_deref());
        let text = text.unwrap_or("?");
        match &event.kind {
            EventKind::Read { got, .. } => format!("read {got}"),
            EventKind::Sent(message) if message.partial => format!("part {:?}", message.bytes),
            EventKind::Dropped { cause, .. } => format!("dropped {text} {cause:?}"),
            EventKind::Cut { sent, .. } => format!("cut {text} at {sent}"),
            EventKind::Split { size, .. } => format!("split {text} by {size}"),
            EventKind::Corrupted { bit, .. } => format!("corrupted {text} at {bit}"),
            EventKind::Paused { stopped } => format!("paused {stopped}"),
            EventKind::Unreadable { bytes, words, .. } => format!("unreadable {bytes:?}: {words}"),
            EventKind::HalfClosed { by } => format!("half {by:?}"),
            EventKind::Closed { by, how, .. } => format!("closed {by:?} {how:?}"),
            kind if message.is_none() => format!("{kind:?}"),
            kind => {
                let name = format!("{kind:?}").to_lowercase();
                let name = name.split(['(', ' ']).next().unwrap();
                format!("{name} {text}")
            }
        }
    };
    events.iter().map(word).collect()
}

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
    connection.reader.set_message_length(16.try_into().unwrap());
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
            connection.reader.set_message_length(4.try_into().unwrap());
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

#[test]
fn a_connection_that_is_open_when_the_run_ends_is_closed_there() {
    let tape = Tape::server();
    let (connection, _other) = pair(&tape, Framing::Line, None);
    assert_eq!(outline(&tape.events()), ["Connected", "closed Us End"]);
    drop(connection);
}

#[test]
fn datagrams_are_recorded_with_the_peer_of_each_and_what_a_fault_did() {
    for (spec, expected) in [
        ("drop-reply=#1", "dropped one Drop, sent two"),
        ("reorder=#1", "reordered one, sent two, sent one"),
    ] {
        let tape = Tape::server();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut endpoint = Endpoint::new(socket);
        endpoint.record(&tape.recorder, "echo", 0, None).unwrap();
        let plan = FaultPlan::new(spec.parse().unwrap(), 1);
        endpoint.inject(plan.faults(FaultScope {
            side: Side::Server,
            transport: Transport::Udp,
            number: 0,
            exchange: Exchange::Transparent,
        }));
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(b"\xff", endpoint.local_addr().unwrap())
            .unwrap();
        let by = Some(Instant::now() + TEST_TIMEOUT);
        let (_, sender) = endpoint.receive(by).unwrap().unwrap();
        endpoint.send_to(b"one", sender).unwrap();
        endpoint.send_to(b"two", sender).unwrap();
        drop(endpoint);
        let events = tape.events();
        let channel = events[0].channel.as_ref().unwrap();
        assert_eq!(channel.peer, peer.local_addr().unwrap());
        assert_eq!((channel.transport, channel.connection), (Transport::Udp, 0));
        let expected = format!("received ?, {expected}");
        assert_eq!(outline(&events).join(", "), expected, "{spec}");
    }
}

#[test]
fn a_clients_socket_has_a_beginning_and_an_end_and_an_absent_server_is_recorded() {
    let tape = Tape::of(Side::Client, Secrets::Masked);
    let unbound = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr();
    let mut endpoint = Endpoint::connected_to(unbound.unwrap()).unwrap();
    let recorder = &tape.recorder;
    endpoint.record(recorder, "datetime", 3, None).unwrap();
    endpoint.send(b"hi").unwrap();
    let by = Some(Instant::now() + TEST_TIMEOUT);
    endpoint.receive(by).unwrap_err();
    drop(endpoint);
    let outline = outline(&tape.events());
    assert_eq!(outline[..2], ["Connected", "sent hi"]);
    assert!(outline[2].starts_with("Failed"), "{outline:?}");
    assert_eq!(outline[3], "closed Us End");
}

#[test]
fn numbers_and_times_only_grow_and_lines_name_both_addresses() {
    let tape = Tape::server();
    let (mut connection, other) = pair(&tape, Framing::Line, None);
    let (ours, theirs) = (other.peer_addr().unwrap(), other.local_addr().unwrap());
    for _ in 0..100 {
        connection.writer.send(b"x").unwrap();
    }
    drop(connection);
    let events = tape.events();
    for (position, event) in events.iter().enumerate() {
        assert_eq!(event.n, position as u64 + 1);
        let channel = event.channel.as_ref().unwrap();
        assert_eq!((channel.local, channel.peer), (ours, theirs));
        assert_eq!((channel.service.as_str(), channel.connection), ("text", 7));
    }
    assert!(events.is_sorted_by_key(|event| event.t));
}

#[test]
fn nothing_is_started_when_nothing_is_wanted() {
    assert!(Recorder::start(settings(Side::Client)).unwrap().is_none());
}

/// A disk that is full.
#[cfg(target_os = "linux")]
#[test]
fn a_file_that_cannot_be_written_ends_the_recording_and_nothing_else() {
    let error = Recorder::start(Settings {
        file: Some("/dev/full".into()),
        ..settings(Side::Client)
    })
    .unwrap_err();
    let error = error.to_string();
    assert!(error.starts_with("cannot record to /dev/full: "), "{error}");
}
