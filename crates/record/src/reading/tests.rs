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
fn damage_before_the_last_line_is_told_by_its_line() {
    let damaged = CLIENT.replacen("\"sent\"", "\"scent\"", 1);
    let line = 1 + CLIENT.lines().position(|l| l.contains("\"sent\"")).unwrap();
    let error = read(&damaged).unwrap_err().to_string();
    assert!(error.starts_with(&format!("line {line} is damaged: unknown variant `scent`")));

    let damaged = CLIENT.replacen("\"peer\":\"127.0.0.1:9005\"", "\"peer\":\"here\"", 1);
    let error = read(&damaged).unwrap_err().to_string();
    assert_eq!(error, "line 3 is damaged: it names no connection");

    let damaged = CLIENT.replacen("\"n\":2", "\"n\":\"x\"", 1);
    let error = read(&damaged).unwrap_err().to_string();
    assert!(error.starts_with("line 3 is damaged: invalid type: string \"x\""));
    assert!(
        !error.contains("line 1") && error.contains(" at column "),
        "{error}"
    );

    let damaged = CLIENT.replacen('\n', "\ngarbage\n", 1);
    let error = read(&damaged).unwrap_err().to_string();
    assert!(
        error.starts_with("line 2 is damaged: expected value"),
        "{error}"
    );
}

#[test]
fn another_version_is_refused_whatever_else_its_header_says() {
    let error = read("{\"socketlab-recording\":3,\"started\":\"now\"}\n").unwrap_err();
    assert_eq!(
        error.to_string(),
        "line 1: a recording of version 3, and only versions 1 to 2 can be read: use the release \
         that made it"
    );
    let second = format!("{DATAGRAMS}{{\"socketlab-recording\":0}}\n");
    let error = read(&second).unwrap_err();
    assert!(matches!(
        error,
        ReadError::UnknownVersion {
            line: 10,
            version: 0
        }
    ));
}

#[test]
fn what_is_no_recording_is_refused() {
    let headless = CLIENT.split_once('\n').unwrap().1;
    for text in [
        "{}\n",
        "\n",
        "SQLite format 3\0",
        "{\"socketlab-rec\":1}\n",
        headless,
    ] {
        assert!(
            matches!(read(text), Err(ReadError::NotARecording)),
            "{text:?}"
        );
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
    assert!(matches!(
        read(&longest),
        Err(ReadError::Damaged { line: 2, .. })
    ));
    let endless = format!("{header}\n").into_bytes();
    let endless = io::BufReader::new((&endless[..]).chain(io::repeat(b' ')));
    let error = Recording::read(endless).unwrap_err();
    assert!(matches!(error, ReadError::TooLong { line: 2 }), "{error}");
}

fn messages() -> impl Strategy<Value = Message> {
    let direction = prop_oneof![Just(Direction::ToServer), Just(Direction::ToClient)];
    let bytes = any::<Vec<u8>>().prop_map(Bytes);
    let text = proptest::option::of("\\PC*");
    (direction, bytes, text, any::<(bool, bool)>()).prop_map(
        |(direction, bytes, text, (masked, partial))| Message {
            direction,
            bytes,
            text,
            masked,
            partial,
        },
    )
}

fn happenings() -> impl Strategy<Value = EventKind> {
    let words = || "\\PC*";
    let by = || prop_oneof![Just(Closer::Us), Just(Closer::Peer)];
    let how = prop_oneof![
        Just(CloseReason::End),
        Just(CloseReason::Abort),
        Just(CloseReason::Reset),
        Just(CloseReason::Timeout),
        Just(CloseReason::Cut),
        Just(CloseReason::Broken)
    ];
    let cause = prop_oneof![Just(DropCause::Drop), Just(DropCause::Duplicate)];
    prop_oneof![
        Just(EventKind::Connected),
        messages().prop_map(EventKind::Sent),
        messages().prop_map(EventKind::Received),
        (any::<Vec<u8>>(), words()).prop_map(|(bytes, words)| EventKind::Unreadable {
            direction: Direction::ToServer,
            bytes: Bytes(bytes),
            words,
        }),
        by().prop_map(|by| EventKind::HalfClosed { by }),
        (by(), how, proptest::option::of(words())).prop_map(|(by, how, words)| EventKind::Closed {
            by,
            how,
            words
        }),
        any::<(u16, u16, u16, Option<u16>)>().prop_map(|(got, asked, have, need)| {
            EventKind::Read {
                got: got.into(),
                asked: asked.into(),
                have: have.into(),
                need: need.map(usize::from),
            }
        }),
        (cause, messages()).prop_map(|(cause, message)| EventKind::Dropped { cause, message }),
        messages().prop_map(EventKind::Duplicated),
        (any::<u64>(), messages())
            .prop_map(|(until, message)| EventKind::Delayed { until, message }),
        messages().prop_map(EventKind::Refused),
        (any::<u16>(), messages()).prop_map(|(sent, message)| EventKind::Cut {
            sent: sent.into(),
            message,
        }),
        messages().prop_map(EventKind::Reordered),
        (any::<u16>(), messages()).prop_map(|(size, message)| EventKind::Split {
            size: size.into(),
            message,
        }),
        messages().prop_map(EventKind::Glued),
        messages().prop_map(EventKind::Reset),
        (any::<u16>(), messages()).prop_map(|(bit, message)| EventKind::Corrupted {
            bit: bit.into(),
            message,
        }),
        any::<u64>().prop_map(|stopped| EventKind::Paused { stopped }),
        (any::<u64>(), words()).prop_map(|(waited, words)| EventKind::TimedOut { waited, words }),
        (any::<u32>(), words()).prop_map(|(attempt, text)| EventKind::Resent { attempt, text }),
        words().prop_map(|words| EventKind::Failed { words }),
        (
            proptest::option::of(words()),
            words(),
            proptest::option::of(words())
        )
            .prop_map(|(about, what, amount)| EventKind::Note(Note {
                about,
                kind: NoteKind::Other(what),
                detail: amount.clone().map(Detail::from),
                amount,
            })),
        words().prop_map(|at| EventKind::Crashed { at }),
        any::<u64>().prop_map(|count| EventKind::Lost { count }),
        Just(EventKind::Ended),
    ]
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
        kind in happenings(),
    ) {
        let channel = (!is_anywhere || !kind.may_be_anywhere()).then_some(channel);
        let event = crate::Event {
            run: "5f3a9c01d2e4b687".into(),
            n,
            t,
            wall: jiff::Timestamp::new(second, 123_456_789).unwrap(),
            side: proto::side::Side::Server,
            channel,
            kind,
        };
        let line = serde_json::to_string(&event).unwrap();
        prop_assert!(!line.contains('\n'));
        prop_assert_eq!(serde_json::from_str::<crate::Event>(&line).unwrap(), event);
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(\\{\"socketlab-recording\":1\\}?)?\\PC*\n?\\PC*") {
        let _ = read(&text);
    }
}

#[test]
fn a_header_says_what_was_done_with_pins() {
    assert_eq!(
        read(CLIENT).unwrap().runs[0].header.secrets,
        Secrets::Masked
    );
}
