//! Recordings that are made up, event by event.

use std::io::Write;

use jiff::{SignedDuration, Timestamp};
use proto::mode::Transport;
use proto::side::{Direction, Side};
use record::{Channel, Event, EventKind, FramingName, Header, Message, Secrets, VERSION};
use tempfile::NamedTempFile;

/// A recording that grows by an event at a time.
pub struct Made {
    lines: Vec<String>,
    side: Side,
    transport: Transport,
    run: String,
    n: u64,
}

impl Made {
    /// The recording of this side of conversations over this transport.
    pub fn new(side: Side, transport: Transport) -> Made {
        let mut made = Made {
            lines: Vec::new(),
            side,
            transport,
            run: String::new(),
            n: 0,
        };
        made.starts(0);
        made
    }

    /// A run begins, so many microseconds after noon; its clock is at 0 all the same.
    pub fn starts(&mut self, at: i64) {
        self.n = 0;
        self.run = format!(
            "{:015x}{}",
            self.lines.len(),
            u8::from(self.side == Side::Server)
        );
        let header = Header {
            version: VERSION,
            run: self.run.clone(),
            program: match self.side {
                Side::Client => "labclient".into(),
                Side::Server => "labserver".into(),
            },
            release: "0.1.0".into(),
            pid: 10 + u32::try_from(self.lines.len()).unwrap(),
            side: self.side,
            arguments: vec!["made".into()],
            wall: noon(at),
            secrets: Secrets::Masked,
            fault: None,
            seed: None,
        };
        self.lines.push(serde_json::to_string(&header).unwrap());
    }

    /// An event, so many microseconds after noon by this machine's clock, on this connection.
    pub fn event(&mut self, at: i64, connection: u64, kind: EventKind) {
        self.n += 1;
        let port = 40_000 + u16::try_from(connection).unwrap();
        let client = ([127, 0, 0, 1], port).into();
        let server = ([127, 0, 0, 1], 9006).into();
        let (local, peer) = match self.side {
            Side::Client => (client, server),
            Side::Server => (server, client),
        };
        let (framing, service) = match self.transport {
            Transport::Tcp => (FramingName::Netstring, "text"),
            Transport::Udp => (FramingName::Datagram, "datetime"),
        };
        let channel = Channel {
            service: service.into(),
            transport: self.transport,
            framing,
            connection,
            local,
            peer,
        };
        let event = Event {
            run: self.run.clone(),
            n: self.n,
            t: u64::try_from(at * 1000).unwrap(),
            wall: noon(at),
            side: self.side,
            channel: Some(channel),
            kind,
        };
        self.lines.push(serde_json::to_string(&event).unwrap());
    }

    /// It sends this.
    pub fn sends(&mut self, at: i64, connection: u64, text: &str) {
        let message = message(Direction::sent_by(self.side), text);
        self.event(at, connection, EventKind::Sent(message));
    }

    /// It receives this.
    pub fn receives(&mut self, at: i64, connection: u64, text: &str) {
        let message = message(Direction::received_by(self.side), text);
        self.event(at, connection, EventKind::Received(message));
    }

    /// What was made, as a file.
    pub fn file(&self) -> NamedTempFile {
        let mut file = NamedTempFile::new().unwrap();
        for line in &self.lines {
            writeln!(file, "{line}").unwrap();
        }
        file
    }
}

/// The message that says this. Its framing does not matter to a view.
pub fn message(direction: Direction, text: &str) -> Message {
    Message {
        direction,
        bytes: text.as_bytes().into(),
        text: Some(text.into()),
        masked: false,
        partial: false,
    }
}

fn noon(microseconds: i64) -> Timestamp {
    let noon: Timestamp = "2026-11-21T12:00:00Z".parse().unwrap();
    noon + SignedDuration::from_micros(microseconds)
}

/// The path of a file.
pub fn path(file: &NamedTempFile) -> &str {
    file.path().to_str().unwrap()
}
