//! How a peer of the room speaks: what its messages ask, and how it is told what happens.

use proto::chat::{Answer, Message, Request};
use proto::frame::Framing;
use proto::mode::Mode;
use proto::name::Name;
use proto::refusal::Refusal;
use proto::reply;

/// How one peer speaks.
#[derive(Debug, Clone, Copy)]
pub struct Dialect {
    /// Where its messages end.
    pub framing: Framing,
    /// The first message to it, if there is one before it speaks.
    pub greeting: Option<fn() -> String>,
    /// What its message asks; whether it is in the room already.
    pub read: fn(&str, bool) -> Result<Request, Refusal>,
    /// The message in its words, if it has any for it; the name under which it is in the room.
    pub word: fn(&Message<Answer>, Option<&Name>) -> Option<String>,
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
            word: |message, _| Some(message.to_string()),
            tries_again: true,
        }
    }
}
