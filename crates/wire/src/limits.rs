//! The deadlines of a connection.

use std::time::Duration;

/// How long each part of a conversation may take. Every deadline is absolute: a peer that sends
/// one byte now and then does not move it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// From the first byte of a message to its last.
    pub frame: Duration,
    /// From the last message to the first byte of the next; `None` is no limit.
    pub idle: Option<Duration>,
    /// For the operating system to take all bytes of one message that is sent.
    pub write: Duration,
}

impl Limits {
    /// The default of a server.
    pub const SERVER: Limits = Limits {
        // 64 KiB over the slowest class-room network takes under a second; a user who types a
        // netstring into netcat pastes it.
        frame: Duration::from_secs(10),
        // Long enough for a demonstration to be talked over.
        idle: Some(Duration::from_secs(600)),
        // A peer that reads nothing for ten seconds holds a thread for nothing.
        write: Duration::from_secs(10),
    };

    /// What a client gives a server: it sets a deadline of its own for each answer.
    pub const CLIENT: Limits = Limits {
        idle: None,
        ..Limits::SERVER
    };
}
