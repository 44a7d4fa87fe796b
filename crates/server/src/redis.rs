//! A client for Redis: as much as a chat room needs, over one connection, with a deadline for every
//! call.
//!
//! The protocol is RESP2, a few lines of text and lengths, so this is less code than a client
//! library brings crates. A call's deadline is for the whole of it, not for each read, so that a
//! Redis that stalls, or sends a byte now and then, is as good as one that is gone.

mod address;
mod connection;
mod reply;

use std::io;

use proto::printable::quoted;
use wire::connect::ConnectError;

pub use address::{Address, Password};
pub(crate) use connection::{Command, Connection};
pub(crate) use reply::Reply;

/// Why Redis did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// No connection came about.
    #[error(transparent)]
    Unreachable(#[from] ConnectError),
    /// There was no answer before the deadline.
    #[error("Redis does not answer")]
    TimedOut,
    /// The connection broke.
    #[error("the connection to Redis broke: {0}")]
    Lost(io::Error),
    /// What came is not what Redis answers.
    #[error("that is no Redis: it answered {0}")]
    NotRedis(String),
    /// Redis answered with an error: its code and words.
    #[error("{}", explained(.0))]
    Refused(String),
    /// It is a Redis, but not one that can be used: why.
    #[error("{0}")]
    Unsuitable(String),
}

impl Failure {
    fn not_redis(answer: &[u8]) -> Failure {
        Failure::NotRedis(quoted(&String::from_utf8_lossy(answer)))
    }

    /// An answer that Redis gives, but not to this question.
    pub(crate) fn unexpected(reply: &Reply) -> Failure {
        Failure::NotRedis(quoted(&format!("{reply:?}")))
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => Failure::TimedOut,
            _ => Failure::Lost(error),
        }
    }
}

/// What an error of Redis means here, for the usual ones.
fn explained(error: &str) -> String {
    let code = error.split(' ').next().unwrap_or_default();
    let words = match code {
        "NOAUTH" => "Redis wants a password: set REDISCLI_AUTH",
        "WRONGPASS" => "Redis refuses the password in REDISCLI_AUTH",
        "NOPERM" => "Redis does not permit this user what a room needs",
        "OOM" => "Redis has no memory left for more",
        "READONLY" => "this Redis is a replica, which cannot be written",
        "LOADING" => "Redis is still loading its data",
        "MISCONF" => "Redis cannot write to its disk",
        "NOREPLICAS" => "Redis has too few replicas to be written",
        "WRONGTYPE" => "Redis has other data under the keys of the room",
        "DENIED" => "Redis is in protected mode, and serves its own machine alone",
        _ => return format!("Redis refused: {}", quoted(error)),
    };
    words.into()
}
