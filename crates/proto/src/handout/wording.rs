//! The server's half of a printed conversation, as a machine: what came goes in, what to do comes
//! out.
//!
//! A [`Wording`] stands between a connection and a service. It turns messages into requests of the
//! service and answers into messages, and keeps what the printed program keeps: whose turn it is.
//! It does nothing itself, so it is tested with no socket and no service.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;

use crate::printable::quoted;
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
    /// What came was not understood, which whoever runs the server is told; then this is done.
    Puzzled(Box<Step<R>>),
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

    /// Does this because what came was not understood.
    #[must_use]
    pub fn puzzled(self) -> Step<R> {
        Step::Puzzled(Box::new(self))
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

    /// What is understood now, in words for a log.
    fn understands(&self) -> &'static str;

    /// A message in words for a log, with nothing in it that may be a secret.
    fn shown(&self, message: &[u8]) -> String {
        quoted(&String::from_utf8_lossy(message))
    }

    /// Whether the next message is a password and nothing else, which is not to be recorded.
    fn awaits_secret(&self) -> bool {
        false
    }

    /// What stays undone when the connection ends here, in words for a log.
    fn undone(&self) -> Option<String> {
        None
    }
}
