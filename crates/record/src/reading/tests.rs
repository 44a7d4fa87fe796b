use super::*;
use crate::{
    Bytes, Channel, CloseReason, Closer, Detail, DropCause, EventKind, FramingName, Message, Note,
    NoteKind, Secrets,
};
use proptest::prelude::*;
use proto::mode::Transport;
use proto::side::Direction;

const CLIENT: &str = include_str!("../../tests/recordings/atm-drop-reply.client.jsonl");
const SERVER: &str = include_str!("../../tests/recordings/atm-drop-reply.server.jsonl");
const DATAGRAMS: &str = include_str!("../../tests/recordings/datetime-resent.client.jsonl");
const TORN: &str = include_str!("../../tests/recordings/torn.server.jsonl");

fn read(text: &str) -> Result<Recording, ReadError> {
    Recording::read(text.as_bytes())
}

#[test]
fn the_samples_are_read_and_written_back_to_the_byte() {
    for sample in [CLIENT, SERVER, DATAGRAMS, TORN] {
        let mut written = String::new();
        for line in Lines::new(sample.as_bytes()) {
            written += &match line.unwrap() {
                Line::Header(header) => serde_json::to_string(&header).unwrap(),
                Line::Event(event) => serde_json::to_string(&event).unwrap(),
            };
            written.push('\n');
        }
        let whole = sample.rfind('\n').unwrap() + 1;
        assert_eq!(written, sample[..whole]);
    }
}

#[test]
fn a_torn_last_line_is_passed_over_wherever_it_was_torn() {
    for torn in 1..DATAGRAMS.len() {
        let recording = read(&DATAGRAMS[..torn]).unwrap();
        let lines: usize = recording.runs.iter().map(|run| 1 + run.events.len()).sum();
        assert_eq!(lines, DATAGRAMS[..torn].matches('\n').count(), "{torn}");
        assert_eq!(recording.was_torn, !DATAGRAMS[..torn].ends_with('\n'));
    }
    assert_eq!(read("").unwrap(), Recording::default());
}

#[test]
fn two_runs_in_one_file_are_two_runs() {
    let both = format!("{CLIENT}{DATAGRAMS}");
    let recording = read(&both).unwrap();
    assert_eq!(recording.runs.len(), 2);
    assert_eq!(recording.runs[1], read(DATAGRAMS).unwrap().runs[0]);
}

#[test]
fn events_are_in_the_order_in_which_they_began() {
    let mut lines: Vec<&str> = SERVER.lines().collect();
    lines[1..].reverse();
    let reversed = lines.join("\n") + "\n";
    assert_eq!(read(&reversed).unwrap(), read(SERVER).unwrap());
}

#[test]
fn damage_before_the_last_line_is_reported_by_its_line() {
    let line = 1 + CLIENT.lines().position(|l| l.contains("\"sent\"")).unwrap();
    let misspelt = format!("line {line} is damaged: unknown variant `scent`");
    let peer = "\"peer\":\"127.0.0.1:9005\"";
    for (text, damage, words) in [
        ("\"sent\"", "\"scent\"", &misspelt[..]),
        (
            peer,
            "\"peer\":\"here\"",
            "line 3 is damaged: it names no connection",
        ),
        (
            "\"n\":2",
            "\"n\":\"x\"",
            "line 3 is damaged: invalid type: string \"x\"",
        ),
        ("\n", "\ngarbage\n", "line 2 is damaged: expected value"),
    ] {
        let error = read(&CLIENT.replacen(text, damage, 1))
            .unwrap_err()
            .to_string();
        assert!(error.starts_with(words), "{error}");
        assert!(!error.contains("line 1"), "{error}");
        assert_eq!(error.contains(" at column "), text != peer, "{error}");
    }
}

#[test]
fn another_version_is_refused_whatever_else_its_header_says() {
    let error = read("{\"socketlab-recording\":4,\"started\":\"now\"}\n").unwrap_err();
    let words = "line 1: a recording of version 4, and only versions 1 to 3 can be read: use the \
        release that made it";
    assert_eq!(error.to_string(), words);
    let second = format!("{DATAGRAMS}{{\"socketlab-recording\":0}}\n");
    let error = read(&second).unwrap_err();
    let ReadError::UnknownVersion { line, version } = error else {
        panic!("{error}");
    };
    assert_eq!((line, version), (10, 0));
}

#[test]
fn what_is_no_recording_is_refused() {
    let headless = CLIENT.split_once('\n').unwrap().1;
    let other = "{\"socketlab-rec\":1}\n";
    for text in ["{}\n", "\n", "SQLite format 3\0", other, headless] {
        let error = read(text).unwrap_err();
        assert!(matches!(error, ReadError::NotARecording), "{text:?}");
    }
}

#[test]
fn an_event_of_another_run_is_refused() {
    let other = DATAGRAMS.lines().nth(1).unwrap();
    let error = read(&format!("{CLIENT}{other}\n")).unwrap_err();
    assert!(matches!(error, ReadError::Stray { .. }), "{error}");
}

#[test]
fn a_line_beyond_the_longest_is_refused_in_bounded_memory() {
    let header = CLIENT.lines().next().unwrap();
    let longest = format!("{header}\n{}\n", " ".repeat(MAX_LINE - 1));
    let error = read(&longest).unwrap_err();
    assert!(matches!(error, ReadError::Damaged { line: 2, .. }));
    let endless = format!("{header}\n").into_bytes();
    let endless = io::BufReader::new((&endless[..]).chain(io::repeat(b' ')));
    let error = Recording::read(endless).unwrap_err();
    assert!(matches!(error, ReadError::TooLong { line: 2 }), "{error}");
}

prop_compose! {
    fn messages()(
        to_server: bool,
        bytes: Vec<u8>,
        text in proptest::option::of("\\PC*"),
        masked: bool,
        partial: bool,
    ) -> Message {
        Message {
            direction: if to_server { Direction::ToServer } else { Direction::ToClient },
            bytes: Bytes(bytes),
            text,
            masked,
            partial,
        }
    }
}

/// An event of every kind, with these values in it.
fn every_kind(message: &Message, words: &Option<String>, number: u64) -> Vec<EventKind> {
    use EventKind as Kind;
    let text = || words.clone().unwrap_or_default();
    let (bytes, direction) = (message.bytes.clone(), message.direction);
    let (size, attempt) = (usize::from(number as u16), number as u32);
    let mut all = vec![
        Kind::Connected,
        Kind::Unreadable {
            direction,
            bytes,
            words: text(),
        },
        Kind::Read {
            got: size,
            asked: size / 2,
            have: size / 3,
            need: words.as_ref().map(String::len),
        },
        Kind::Paused { stopped: number },
        Kind::TimedOut {
            waited: number,
            words: text(),
        },
        Kind::Resent {
            attempt,
            text: text(),
        },
        Kind::Failed { words: text() },
        Kind::Note(Note {
            about: words.clone(),
            kind: NoteKind::Other(text()),
            amount: words.clone(),
            detail: words.clone().map(Detail::from),
        }),
        Kind::Crashed { at: text() },
        Kind::Lost { count: number },
        Kind::Ended,
    ];
    let plain: [fn(Message) -> Kind; 9] = [
        Kind::Sent,
        Kind::Received,
        Kind::Duplicated,
        Kind::Refused,
        Kind::Reordered,
        Kind::Glued,
        Kind::Reset,
        |message| Kind::Dropped {
            cause: DropCause::Drop,
            message,
        },
        |message| Kind::Dropped {
            cause: DropCause::Duplicate,
            message,
        },
    ];
    all.extend(plain.map(|kind| kind(message.clone())));
    let numbered: [fn(Message, usize) -> Kind; 3] = [
        |message, sent| Kind::Cut { sent, message },
        |message, size| Kind::Split { size, message },
        |message, bit| Kind::Corrupted { bit, message },
    ];
    all.extend(numbered.map(|kind| kind(message.clone(), size)));
    let (until, message) = (number, message.clone());
    all.push(Kind::Delayed { until, message });
    use CloseReason::{Abort, Broken, Cut, End, Reset, Timeout};
    for by in [Closer::Us, Closer::Peer] {
        all.push(Kind::HalfClosed { by });
        all.extend([End, Abort, Reset, Timeout, Cut, Broken].map(|how| {
            let words = words.clone();
            Kind::Closed { by, how, words }
        }));
    }
    all
}

prop_compose! {
    fn channels()(
        udp: bool,
        connection: u64,
        local: std::net::SocketAddr,
        peer: std::net::SocketAddr,
        service in "[a-z]+",
    ) -> Channel {
        Channel {
            service,
            transport: if udp { Transport::Udp } else { Transport::Tcp },
            framing: if udp { FramingName::Datagram } else { FramingName::Len3 },
            connection,
            // What IPv6 says besides address and port is not written.
            local: std::net::SocketAddr::new(local.ip(), local.port()),
            peer: std::net::SocketAddr::new(peer.ip(), peer.port()),
        }
    }
}

proptest! {
    #[test]
    fn every_event_comes_back(
        n: u64,
        t: u64,
        second in 0_i64..4_000_000_000,
        channel in channels(),
        is_anywhere: bool,
        message in messages(),
        words in proptest::option::of("\\PC*"),
        number: u64,
    ) {
        for kind in every_kind(&message, &words, number) {
            let event = crate::Event {
                run: "5f3a9c01d2e4b687".into(),
                n,
                t,
                wall: jiff::Timestamp::new(second, 123_456_789).unwrap(),
                side: proto::side::Side::Server,
                channel: (!is_anywhere || !kind.may_be_anywhere()).then(|| channel.clone()),
                kind,
            };
            let line = serde_json::to_string(&event).unwrap();
            prop_assert!(!line.contains('\n'));
            prop_assert_eq!(serde_json::from_str::<crate::Event>(&line).unwrap(), event);
        }
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\{\"socketlab-recording\":1\\}?)?\\PC*\n?\\PC*") {
        let _ = read(&text);
    }
}

#[test]
fn a_header_says_what_was_done_with_pins() {
    let header = &read(CLIENT).unwrap().runs[0].header;
    assert_eq!(header.secrets, Secrets::Masked);
}
