//! The two ends of a conversation.

use serde::{Deserialize, Serialize};

/// One of the two programs of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// It sends requests.
    Client,
    /// It sends answers and events.
    Server,
}

/// The direction of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// From the client to the server: a request.
    ToServer,
    /// From the server to the client: an answer, an event, `READY`.
    ToClient,
}

impl Direction {
    /// The direction of what this side sends.
    pub fn sent_by(side: Side) -> Direction {
        match side {
            Side::Client => Direction::ToServer,
            Side::Server => Direction::ToClient,
        }
    }

    /// The direction of what this side receives.
    pub fn received_by(side: Side) -> Direction {
        match side {
            Side::Client => Direction::ToClient,
            Side::Server => Direction::ToServer,
        }
    }
}
