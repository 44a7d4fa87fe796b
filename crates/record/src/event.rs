//! The lines of a recording: a [`Header`] for each run of a program, and its [`Event`]s.

use std::net::SocketAddr;

use jiff::Timestamp;
use proto::frame::Framing;
use proto::mode::Transport;
use serde::{Deserialize, Serialize};

use crate::bytes::Bytes;
use crate::note::Note;
use proto::side::{Direction, Side};

/// Where a process died that was told to at once, in [`EventKind::Crashed`].
pub const BY_HAND: &str = "by-hand";

/// The first line of a run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the format; first, so that a header is known by its beginning.
    #[serde(rename = "socketlab-recording")]
    pub version: u32,
    /// The run, as on each of its lines: 16 hexadecimal digits, drawn at random.
    pub run: String,
    /// `labserver` or `labclient`.
    pub program: String,
    /// The program's version, as `0.1.0`.
    pub release: String,
    /// The number of the process.
    pub pid: u32,
    /// Which side of the conversations it is.
    pub side: Side,
    /// Its command line, without the program's name.
    pub arguments: Vec<String>,
    /// When the run started, which is where `t` is 0.
    pub wall: Timestamp,
    /// What was done with PINs.
    pub secrets: Secrets,
    /// The faults, as `--fault` takes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// The seed of the faults, as `--seed` takes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
}

/// What was done with PINs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Secrets {
    /// Each byte of one is a `*`.
    #[default]
    Masked,
    /// They are in the recording.
    Kept,
}

/// One line after the header.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The run, as in the header.
    pub run: String,
    /// The event's number in the run, from 1, in the order of the lines. A gap is events that were
    /// lost.
    pub n: u64,
    /// When it began, in nanoseconds since the start of the run, on a clock that never goes back.
    pub t: u64,
    /// When it began, on the machine's clock.
    pub wall: Timestamp,
    /// Which side recorded it.
    pub side: Side,
    /// Where it happened; nowhere in particular when the whole program is meant.
    #[serde(flatten)]
    pub channel: Option<Channel>,
    /// What happened.
    #[serde(flatten)]
    pub kind: EventKind,
}

/// A connection, or a UDP socket and one peer of it.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Channel {
    /// The service's name: `atm`, `text`, …
    pub service: String,
    /// `tcp` or `udp`.
    pub transport: Transport,
    /// How its bytes are cut into messages.
    pub framing: FramingName,
    /// The number of the connection among those of its transport and service in the run; of a
    /// server's UDP socket it is 0.
    pub connection: u64,
    /// Our own address.
    pub local: SocketAddr,
    /// The other end's.
    pub peer: SocketAddr,
}

/// How bytes are cut into messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FramingName {
    /// `8:PRIME 97,`
    Netstring,
    /// `008PRIME 97`
    Len3,
    /// Up to a line feed.
    Line,
    /// What one read returned, or a number of bytes agreed beforehand.
    Raw,
    /// Not at all: echo's stream, where each piece that was read or written stands for a message.
    Stream,
    /// A datagram is a message.
    Datagram,
}

impl From<Framing> for FramingName {
    fn from(framing: Framing) -> FramingName {
        match framing {
            Framing::Netstring => FramingName::Netstring,
            Framing::Len3 => FramingName::Len3,
            Framing::Line => FramingName::Line,
            Framing::Raw => FramingName::Raw,
        }
    }
}

/// A message, or what was sent of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Which way it goes.
    pub direction: Direction,
    /// Its bytes on the wire, framing included, or those of a secret as `*`.
    pub bytes: Bytes,
    /// The message without its framing, when it is UTF-8.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// Whether bytes were masked.
    #[serde(default, skip_serializing_if = "is_false")]
    pub masked: bool,
    /// Whether these are only its first bytes, after which nothing was sent any more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub partial: bool,
}

/// What happened. The first group is what crossed the wire, each byte once and in order; the second
/// is what a fault did to a message, whose bytes these events only repeat.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum EventKind {
    /// The connection was made. Of a client's UDP socket: it was opened.
    Connected,
    /// These bytes were given to the operating system.
    Sent(Message),
    /// These bytes came, and made a message.
    Received(Message),
    /// These bytes came, and made none: they break the framing, or the rest never came.
    Unreadable {
        /// Which way they went.
        direction: Direction,
        /// The bytes.
        bytes: Bytes,
        /// What is wrong with them.
        words: String,
    },
    /// No more comes from this side.
    HalfClosed {
        /// The side that ended its stream.
        by: Closer,
    },
    /// The connection is over. The last event of a connection.
    Closed {
        /// Who ended it.
        by: Closer,
        /// How.
        how: CloseReason,
        /// What the operating system said, if it did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        words: Option<String>,
    },
    /// What one read returned. The bytes are in the message that follows.
    Read {
        /// The bytes it returned; 0 is the end of the stream.
        got: usize,
        /// The most it could have returned.
        asked: usize,
        /// The bytes that are here after it and were not made messages of yet.
        have: usize,
        /// The bytes of the first of these messages, framing included, if that is known yet.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        need: Option<usize>,
    },

    /// A fault lost the message. Before it was sent, or, on the receiving side, after it was
    /// received.
    Dropped {
        /// Which fault.
        cause: DropCause,
        /// The message.
        #[serde(flatten)]
        message: Message,
    },
    /// A fault doubled the message: it is sent twice, or what was received once is handled twice.
    Duplicated(Message),
    /// A fault makes the message late.
    Delayed {
        /// When it is due, as `t`.
        until: u64,
        /// The message.
        #[serde(flatten)]
        message: Message,
    },
    /// A fault refused the request, which is not carried out, nor sent by a client.
    Refused(Message),
    /// A fault sends the first bytes of the message and then ends the connection.
    Cut {
        /// How many bytes are sent.
        sent: usize,
        /// The whole message.
        #[serde(flatten)]
        message: Message,
    },
    /// A fault holds the datagram back until another was sent.
    Reordered(Message),
    /// A fault sends the message in several segments.
    Split {
        /// The bytes of each but the last.
        size: usize,
        /// The message.
        #[serde(flatten)]
        message: Message,
    },
    /// A fault holds the message back, to send it in one segment with the next.
    Glued(Message),
    /// A fault resets the connection instead of sending the message.
    Reset(Message),
    /// A fault flipped a bit of the message.
    Corrupted {
        /// Of the byte `bit / 8`, counted from 0, the one with the value 2^(`bit % 8`).
        bit: usize,
        /// The message as it is sent.
        #[serde(flatten)]
        message: Message,
    },
    /// A fault stops the whole program.
    Paused {
        /// For how long, in nanoseconds.
        stopped: u64,
    },

    /// A wait ended with nothing.
    TimedOut {
        /// How long it was, in nanoseconds.
        waited: u64,
        /// For what.
        words: String,
    },
    /// What was asked before is asked again, in the `sent` that follows.
    Resent {
        /// 2 the first time.
        attempt: u32,
        /// The request.
        text: String,
    },
    /// Something failed, and the program may go on: a connection was refused, a datagram could not
    /// be sent.
    Failed {
        /// What, and how.
        words: String,
    },
    /// What a cash machine's journal or the bank's ledger says.
    Note(Note),
    /// From here on, these faults are injected, and not those of the header or of an event before.
    Faults {
        /// As `--fault` takes them; empty are none.
        fault: String,
        /// Their seed, as `--seed` takes it.
        seed: u64,
    },
    /// The process dies here, on purpose. The last event of its run.
    Crashed {
        /// The place, as `--fault crash-at` takes it, or [`BY_HAND`].
        at: String,
    },
    /// This many events could not be kept, because they came faster than they could be written.
    Lost {
        /// How many.
        count: u64,
    },
    /// The program ended. The last event of its run; a program that was killed has none.
    Ended,
}

impl EventKind {
    /// The bytes that crossed the wire in this event, and which way.
    pub fn crossed(&self) -> Option<(Direction, &Bytes)> {
        match self {
            EventKind::Sent(message) | EventKind::Received(message) => {
                Some((message.direction, &message.bytes))
            }
            EventKind::Unreadable {
                direction, bytes, ..
            } => Some((*direction, bytes)),
            _ => None,
        }
    }

    /// The message that was sent or received, or that a fault changed.
    pub fn message(&self) -> Option<&Message> {
        match self {
            EventKind::Sent(message)
            | EventKind::Received(message)
            | EventKind::Dropped { message, .. }
            | EventKind::Duplicated(message)
            | EventKind::Delayed { message, .. }
            | EventKind::Refused(message)
            | EventKind::Cut { message, .. }
            | EventKind::Reordered(message)
            | EventKind::Split { message, .. }
            | EventKind::Glued(message)
            | EventKind::Reset(message)
            | EventKind::Corrupted { message, .. } => Some(message),
            _ => None,
        }
    }

    /// Whether this can concern the whole program; everything else happens on a connection.
    pub fn may_be_anywhere(&self) -> bool {
        matches!(
            self,
            EventKind::Note(_)
                | EventKind::Faults { .. }
                | EventKind::Crashed { .. }
                | EventKind::Lost { .. }
                | EventKind::Ended
                | EventKind::Failed { .. }
                | EventKind::Resent { .. }
                | EventKind::TimedOut { .. }
                | EventKind::Paused { .. }
        )
    }
}

/// One of the two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Closer {
    /// The side that recorded it.
    Us,
    /// The other end.
    Peer,
}

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CloseReason {
    /// In order: the stream was ended between two messages, or inside one.
    End,
    /// It was closed at once, whatever was still to come.
    Abort,
    /// By a reset.
    Reset,
    /// The other end was too slow.
    Timeout,
    /// By a fault.
    Cut,
    /// In another way, as the words say.
    Broken,
}

/// The fault that lost a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DropCause {
    /// `drop-request`, `drop-reply`.
    Drop,
    /// `duplicate`: this is one of the two answers to a doubled request.
    Duplicate,
}

fn is_false(value: &bool) -> bool {
    !value
}
