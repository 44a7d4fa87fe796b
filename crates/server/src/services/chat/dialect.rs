//! How the peers of a room speak: what their messages ask, and how messages to them are worded.

use std::sync::Arc;

use proto::chat::{Answer, Message, Request};
use proto::frame::{EncodeError, Framing};
use proto::mode::Mode;
use proto::refusal::{Code, Refusal};
use proto::reply;

use super::batch::FramedMessage;

/// How the peers of a room speak.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// The framing of messages.
    pub framing: Framing,
    /// The first message to a peer, if there is one before it speaks.
    pub greeting: Option<fn() -> String>,
    /// What a peer's message asks, and whether it is in the room already.
    pub read: fn(&str, bool) -> Result<Request, Refusal>,
    /// The words of a message to a peer, if it has any.
    pub word: fn(&Message<Answer>) -> Option<String>,
    /// Whether a member receives what it says itself.
    pub echoes: bool,
    /// Whether a name that is refused may be followed by another.
    pub tries_again: bool,
}

impl Dialect {
    /// Our own protocol.
    pub fn native(framing: Framing) -> Dialect {
        Dialect {
            framing,
            greeting: Some(|| reply::ready(Mode::Chat)),
            read: |text, _| text.parse(),
            word: |message| Some(message.to_string()),
            echoes: true,
            tries_again: true,
        }
    }

    /// A message to any number of peers, framed, if it has any words. One that does not fit the
    /// framing becomes a refusal that does.
    pub fn render(&self, message: &Message<Answer>) -> Option<Arc<FramedMessage>> {
        let words = (self.word)(message)?;
        let framed = FramedMessage::new(self.framing, words.as_bytes());
        let framed = framed.or_else(|error| self.refuse(&error)).ok()?;
        Some(Arc::new(framed))
    }

    fn refuse(&self, error: &EncodeError) -> Result<FramedMessage, EncodeError> {
        let refusal = Refusal::new(Code::TooLong, format!("the answer: {error}"));
        let refusal = reply::render::<&str>(&Err(refusal));
        FramedMessage::new(self.framing, refusal.as_bytes())
    }
}
