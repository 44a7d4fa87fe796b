//! The server's half of a printed conversation, as a machine: what came goes in, what to do comes
//! out.
//!
//! A [`Wording`] stands between a connection and a service. It turns messages into requests of the
//! service and answers into messages, and keeps what the printed program keeps: whose turn it is.
//! It does nothing itself, so it is tested with no socket and no service.

use alloc::string::String;
use alloc::vec::Vec;

use crate::refusal::Refusal;

/// What a printed conversation does next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<R> {
    /// The service is asked this; its answer goes to [`Wording::answered`].
    Ask(R),
    /// Nothing is said, and the next message is awaited.
    Listen,
    /// These messages are sent, one by one, and the next one is awaited.
    Say(Vec<Vec<u8>>),
    /// This message is sent, and the connection closed.
    Last(Vec<u8>),
    /// The connection is closed without a byte.
    Close,
}

impl<R> Step<R> {
    /// Sends this message.
    pub fn say(message: impl Into<Vec<u8>>) -> Step<R> {
        Step::Say(alloc::vec![message.into()])
    }

    /// Sends this message and closes.
    pub fn last(message: impl Into<Vec<u8>>) -> Step<R> {
        Step::Last(message.into())
    }
}

/// One connection, in the words of a printed program.
pub trait Wording {
    /// What the service may be asked.
    type Request;
    /// What it answers.
    type Answer;

    /// A message came: what one read returned, 1 to 1,024 bytes, and any bytes at all.
    fn received(&mut self, message: &[u8]) -> Step<Self::Request>;

    /// The service answered what [`Step::Ask`] asked.
    fn answered(&mut self, answer: Result<Self::Answer, Refusal>) -> Step<Self::Request>;

    /// A message came that is to be refused unread, because faults are injected.
    fn disturbed(&mut self) -> Step<Self::Request>;

    /// What stays undone when the connection ends here, in words for a log.
    fn undone(&self) -> Option<String> {
        None
    }
}
