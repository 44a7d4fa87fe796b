//! Messages that are framed once, for any number of peers.

use std::ops::Range;
use std::sync::Arc;

use proto::frame::{EncodeError, Framing};

/// One message, framed.
#[derive(Debug, PartialEq, Eq)]
pub struct FramedMessage {
    bytes: Box<[u8]>,
    payload: Range<usize>,
}

/// Messages in their order, and their bytes in one piece.
#[derive(Debug, Default, Clone)]
pub struct Batch {
    messages: Vec<Arc<FramedMessage>>,
    bytes: Vec<u8>,
}

impl FramedMessage {
    /// Frames a message.
    pub fn new(framing: Framing, payload: &[u8]) -> Result<FramedMessage, EncodeError> {
        let mut bytes = Vec::with_capacity(payload.len() + 8);
        framing.encode(payload, &mut bytes)?;
        let after = match framing {
            Framing::Netstring | Framing::Line => 1,
            Framing::Len3 | Framing::Raw => 0,
        };
        let end = bytes.len() - after;
        Ok(FramedMessage {
            bytes: bytes.into(),
            payload: end - payload.len()..end,
        })
    }

    /// The bytes on the wire.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The message.
    pub fn payload(&self) -> &[u8] {
        &self.bytes[self.payload.clone()]
    }
}

impl Batch {
    /// Adds a message.
    pub fn push(&mut self, message: Arc<FramedMessage>) {
        self.bytes.extend_from_slice(message.bytes());
        self.messages.push(message);
    }

    /// The messages.
    pub fn messages(&self) -> &[Arc<FramedMessage>] {
        &self.messages
    }

    /// The bytes of all messages.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl From<Arc<FramedMessage>> for Batch {
    fn from(message: Arc<FramedMessage>) -> Batch {
        let mut batch = Batch::default();
        batch.push(message);
        batch
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_framed_message_has_its_bytes_on_the_wire_and_its_payload() {
        for (framing, bytes) in [
            (Framing::Netstring, "5:hello,"),
            (Framing::Len3, "005hello"),
            (Framing::Line, "hello\n"),
            (Framing::Raw, "hello"),
        ] {
            let message = FramedMessage::new(framing, b"hello").unwrap();
            assert_eq!(message.bytes(), bytes.as_bytes());
            assert_eq!(message.payload(), b"hello");
        }
        assert!(FramedMessage::new(Framing::Len3, &[b'x'; 256]).is_err());
    }

    #[test]
    fn a_batch_has_the_bytes_of_its_messages_in_order() {
        let mut batch = Batch::default();
        for payload in ["a", "bc"] {
            let message = FramedMessage::new(Framing::Netstring, payload.as_bytes());
            batch.push(Arc::new(message.unwrap()));
        }
        assert_eq!(batch.bytes(), b"1:a,2:bc,");
        assert_eq!(batch.messages().len(), 2);
    }
}
