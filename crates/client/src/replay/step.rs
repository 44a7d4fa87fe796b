//! One step of a replay, and what a recorded message is to it.

use proto::frame::{Decoder, Framing};
use record::{Channel, CloseReason, FramingName};

use super::answer::Answer;
use super::conversation::framing_of;

/// One step on one connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The place of the connection among those of the recording.
    pub connection: usize,
    /// The connection as it was recorded.
    pub channel: Channel,
    pub action: Action,
}

/// What the client does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Connects.
    Connect,
    /// Sends these pieces of bytes, which are this message, or several.
    Send { pieces: Vec<Vec<u8>>, text: Vec<u8> },
    /// Awaits an answer, or the end of the stream.
    Await(Answer),
    /// Ends its stream.
    HalfClose,
    /// Closes the connection.
    Close(CloseReason),
}

impl Step {
    /// The connection's name in a recording: the service and the number.
    pub fn name(&self) -> String {
        format!("{}#{}", self.channel.service, self.channel.connection)
    }
}

/// These bytes as an answer. In a recording of who sent them they are a message even where they are
/// the first part of one, or in another framing.
pub fn answer(framing: FramingName, bytes: &[u8]) -> Answer {
    payload(framing, bytes).map_or(Answer::Unreadable, Answer::Message)
}

/// The message in these bytes, if there is one.
pub fn payload(framing: FramingName, bytes: &[u8]) -> Option<Vec<u8>> {
    let framing = framing_of(framing);
    if framing == Framing::Raw {
        return Some(bytes.to_vec());
    }
    let mut decoder = Decoder::new(framing);
    decoder.push(bytes);
    decoder.next_message().ok().flatten()
}
