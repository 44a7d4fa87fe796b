//! What a recording says of real sockets, compared with what a bare peer sent and read.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod datagrams;
mod faults;
mod runs;
mod streams;

use std::fs::File;
use std::io::BufReader;
use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::side::Side;
use record::{Event, EventKind, Mask, Recorder, Recording, Secrets, Settings};
use tempfile::TempDir;
use wire::connection::Connection;
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
        most_bytes: None,
        trace: None,
        follower: None,
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
