//! The tap of a connection's reader: which bytes belong to which message.

use std::num::NonZeroUsize;

use super::{FaultEffect, Frame, Tap};
use proto::frame::{DecodeError, Framing};

/// The tap of a connection's reader: it keeps the bytes of the message that is
/// not complete yet.
#[derive(Debug)]
pub struct ReadTap {
    tap: Tap,
    framing: Framing,
    /// What was read and is not recorded yet.
    raw: Vec<u8>,
    length: Option<NonZeroUsize>,
    /// Whether the message that is not complete yet is a secret.
    awaits_secret: bool,
    has_ended: bool,
    /// The message received last, which a fault may still affect.
    last: Option<(Vec<u8>, bool)>,
}

impl ReadTap {
    /// A tap on what is read, of which this much has come before.
    pub fn new(tap: Tap, framing: Framing, unfinished: &[u8]) -> ReadTap {
        ReadTap {
            tap,
            framing,
            raw: unfinished.to_vec(),
            length: None,
            awaits_secret: false,
            has_ended: false,
            last: None,
        }
    }

    /// The tap of the whole connection.
    pub fn tap(&self) -> &Tap {
        &self.tap
    }

    /// Whether the message that is waited for is a secret.
    pub fn set_awaits_secret(&mut self, awaits_secret: bool) {
        self.awaits_secret = awaits_secret;
    }

    /// From here on, a message in raw framing has exactly this many bytes, or is what a read returned.
    pub fn set_message_length(&mut self, length: Option<NonZeroUsize>) {
        self.length = length;
    }

    /// A read that could have returned `asked` bytes returned these; none is the end.
    pub fn read(&mut self, piece: &[u8], asked: usize) {
        if self.has_ended {
            return;
        }
        self.raw.extend_from_slice(piece);
        self.tap.read(piece.len(), asked, &self.raw, self.length);
        if piece.is_empty() {
            self.has_ended = true;
            self.tap.input_ended();
        }
    }

    /// All but the last `left` bytes were decoded to this.
    pub fn decoded(&mut self, decoded: &Result<Option<Vec<u8>>, DecodeError>, left: usize) {
        match decoded {
            Ok(Some(_)) => self.message(left),
            Ok(None) => self.unreadable(left, "the rest of a line that was too long"),
            Err(error) if error.is_fatal() => self.unreadable(0, &error.to_string()),
            Err(error) => self.unreadable(left, &error.to_string()),
        }
    }

    fn message(&mut self, left: usize) {
        let mut bytes = self.consume(left);
        if self.framing == Framing::Line
            && let Some((_, before)) = bytes.split_last()
            && let Some(end) = before.iter().rposition(|byte| *byte == b'\n')
        {
            let line = bytes.split_off(end + 1);
            self.tap
                .unreadable(&bytes[..], "the rest of a line that was too long");
            bytes = line;
        }
        let is_secret = std::mem::take(&mut self.awaits_secret);
        let (bytes, is_secret) = self.last.insert((bytes, is_secret));
        let is_secret = *is_secret;
        self.tap.received(Frame { bytes, is_secret });
    }

    /// All but the last `left` bytes make no message.
    pub fn unreadable(&mut self, left: usize, words: &str) {
        let (bytes, is_secret) = (&self.consume(left)[..], self.awaits_secret);
        self.tap.unreadable(Frame { bytes, is_secret }, words);
    }

    /// A fault has this effect on the message received last.
    pub fn fault(&self, effect: FaultEffect) {
        if let Some((bytes, is_secret)) = &self.last {
            let is_secret = *is_secret;
            self.tap
                .fault_on_received(effect, Frame { bytes, is_secret });
        }
    }

    fn consume(&mut self, left: usize) -> Vec<u8> {
        match self.raw.len().saturating_sub(left) {
            // After each read of a long message: it is not to be copied each time.
            0 => Vec::new(),
            taken => {
                let rest = self.raw.split_off(taken);
                std::mem::replace(&mut self.raw, rest)
            }
        }
    }
}

impl Drop for ReadTap {
    fn drop(&mut self) {
        self.unreadable(0, "never completed, or never looked at");
    }
}
