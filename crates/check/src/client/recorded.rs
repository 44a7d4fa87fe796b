//! What our server has recorded of a judged client.

use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use proto::side::Direction;
use record::event::{Event, EventKind};
use record::{ReadError, Recording};

use crate::verdict::Failure;

/// A recording, whole or of a server that still runs.
#[derive(Debug)]
pub struct Recorded {
    /// What happened, in order.
    pub events: Vec<Event>,
}

impl Recorded {
    pub(super) fn read(path: &Path) -> Result<Recorded, Failure> {
        let cannot =
            |error: ReadError| Failure::Undecided(format!("labserver's recording: {error}"));
        let file = File::open(path).map_err(|error| cannot(error.into()))?;
        let recording = match Recording::read(BufReader::new(file)) {
            Ok(recording) => recording,
            // Its header is still being written.
            Err(ReadError::NotARecording) => Recording::default(),
            Err(error) => return Err(cannot(error)),
        };
        let events = recording.runs.into_iter().flat_map(|run| run.events);
        Ok(Recorded {
            events: events.collect(),
        })
    }

    /// The requests that the client has sent, in order.
    pub fn requests(&self) -> Vec<&str> {
        self.texts(
            |kind| matches!(kind, EventKind::Received(_)),
            Direction::ToServer,
        )
    }

    /// The requests with one of these verbs.
    pub fn asked(&self, verbs: &[&str]) -> Vec<&str> {
        let mut requests = self.requests();
        requests.retain(|request| {
            let verb = request.split(' ').next().unwrap_or_default();
            verbs.contains(&verb)
        });
        requests
    }

    /// The answers that the client was sent whole, in order.
    pub fn answers(&self) -> Vec<&str> {
        let is_whole = |kind: &EventKind| match kind {
            EventKind::Sent(message) => !message.partial,
            _ => false,
        };
        self.texts(is_whole, Direction::ToClient)
    }

    /// What came from the client and is no message, and why.
    pub fn unreadable(&self) -> Option<(Vec<u8>, String)> {
        self.events.iter().find_map(|event| match &event.kind {
            EventKind::Unreadable {
                direction: Direction::ToServer,
                bytes,
                words,
            } => Some((bytes.0.clone(), words.clone())),
            _ => None,
        })
    }

    /// What each of the client's connections has said, in the order in which they were made.
    pub fn said(&self) -> Vec<Vec<u8>> {
        let mut all: Vec<(u64, Vec<u8>)> = Vec::new();
        for (connection, bytes) in self.bytes() {
            match all.iter_mut().find(|(number, _)| *number == connection) {
                Some((_, said)) => said.extend(bytes),
                None => all.push((connection, bytes.to_vec())),
            }
        }
        all.into_iter().map(|(_, said)| said).collect()
    }

    /// What came from the client, message by message.
    pub fn received(&self) -> Vec<Vec<u8>> {
        self.bytes().map(|(_, bytes)| bytes.to_vec()).collect()
    }

    /// The number of the connection, and the bytes, of all that came from the client.
    fn bytes(&self) -> impl Iterator<Item = (u64, &[u8])> {
        self.events.iter().filter_map(|event| {
            let bytes = match &event.kind {
                EventKind::Received(message) if message.direction == Direction::ToServer => {
                    &message.bytes.0
                }
                EventKind::Unreadable {
                    direction: Direction::ToServer,
                    bytes,
                    ..
                } => &bytes.0,
                _ => return None,
            };
            let channel = event.channel.as_ref()?;
            Some((channel.connection, bytes.as_slice()))
        })
    }

    /// Whether every connection that was made is over, and there was one.
    pub fn is_over(&self) -> bool {
        let count =
            |is: fn(&EventKind) -> bool| self.events.iter().filter(|it| is(&it.kind)).count();
        let made = count(|kind| matches!(kind, EventKind::Connected));
        made > 0 && made == count(|kind| matches!(kind, EventKind::Closed { .. }))
    }

    /// Whether the client has connected, or sent a datagram.
    pub fn has_client(&self) -> bool {
        !self.events.is_empty() && self.events.iter().any(|event| event.channel.is_some())
    }

    fn texts(&self, is_wanted: impl Fn(&EventKind) -> bool, wanted: Direction) -> Vec<&str> {
        let events = self.events.iter().filter(|event| is_wanted(&event.kind));
        let messages = events.filter_map(|event| event.kind.message());
        let messages = messages.filter(|message| message.direction == wanted);
        messages
            .filter_map(|message| message.text.as_deref())
            .collect()
    }
}
