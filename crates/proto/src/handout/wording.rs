//! The server's half of a hand-out's conversation, as a state machine without IO.
//!
//! A [`Wording`] translates between a connection and a service: messages into requests, answers
//! into messages. Its state is that of the printed program: whose turn it is. It is tested without
//! sockets and services.

use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;

use super::python::words;
use crate::printable::quoted;
use crate::refusal::Refusal;

/// The next action in a hand-out's conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step<R> {
    /// Ask the service; its answer goes to [`Wording::answered`].
    Ask(R),
    /// Await the next message.
    Listen,
    /// Send these messages, one by one, and await the next one.
    Say(Vec<Vec<u8>>),
    /// Send this message, and close the connection.
    Last(Vec<u8>),
    /// Close the connection without sending.
    Close,
    /// Log that the message was not understood; then do this.
    NotUnderstood(Box<Step<R>>),
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

    /// Does this because the message was not understood.
    #[must_use]
    pub fn not_understood(self) -> Step<R> {
        Step::NotUnderstood(Box::new(self))
    }
}

/// The state of one connection, in the protocol of a hand-out.
pub trait Wording {
    /// A request to the service.
    type Request;
    /// Its answer.
    type Answer;

    /// Handles a message: arbitrary bytes, as many as the framing allows.
    fn received(&mut self, message: &[u8]) -> Step<Self::Request>;

    /// Handles the service's answer to [`Step::Ask`].
    fn answered(&mut self, answer: Result<Self::Answer, Refusal>) -> Step<Self::Request>;

    /// Handles a message that an injected fault refuses unread.
    fn refused_by_fault(&mut self) -> Step<Self::Request>;

    /// The messages understood in this state, for a log.
    fn expected(&self) -> &'static str;

    /// The message for a log, without anything that may be a secret.
    fn for_log(&self, message: &[u8]) -> String {
        quoted(&String::from_utf8_lossy(message))
    }

    /// Whether the next message is a password, which must not be recorded.
    fn awaits_secret(&self) -> bool {
        false
    }

    /// What stays unfinished if the connection ends here, for a log.
    fn unfinished(&self) -> Option<String> {
        None
    }
}

/// A message for a log by its verb alone, where a password may follow.
pub fn verb_for_log(message: &[u8]) -> String {
    let length = message.len();
    let text = str::from_utf8(message).unwrap_or_default();
    let verb = words(text).next().unwrap_or_default();
    match verb.bytes().all(|byte| matches!(byte, b'A'..=b'Z' | b'_')) {
        true if !verb.is_empty() => format!("{} in {length} bytes", quoted(verb)),
        _ => format!("{length} bytes that begin with no verb"),
    }
}
