//! The tap of each half of a connection: which bytes belong to which message.

use std::collections::VecDeque;
use std::num::NonZeroUsize;

use super::{By, How, Moment, Said, Struck, Tap};
use proto::frame::Framing;

/// The tap of a connection's reader: it keeps the bytes of the message that is
/// not complete yet.
#[derive(Debug)]
pub struct ReadTap {
    tap: Tap,
    framing: Framing,
    /// What was read and is not told yet.
    raw: Vec<u8>,
    length: Option<NonZeroUsize>,
    next_is_secret: bool,
    has_ended: bool,
    /// The message received last, for the fault that strikes it.
    last: Option<(Vec<u8>, bool)>,
}

/// The tap of a connection's writer: it knows where each queued message ends.
#[derive(Debug)]
pub struct WriteTap {
    tap: Tap,
    /// The lengths of the queued messages, and which of them are secret.
    queued: VecDeque<(usize, bool)>,
    next_is_secret: bool,
    is_finished: bool,
}

impl ReadTap {
    /// A tap on what is read, of which this much has come before.
    pub fn new(tap: Tap, framing: Framing, unfinished: &[u8]) -> ReadTap {
        ReadTap {
            tap,
            framing,
            raw: unfinished.to_vec(),
            length: None,
            next_is_secret: false,
            has_ended: false,
            last: None,
        }
    }

    /// The tap of the whole connection.
    pub fn tap(&self) -> &Tap {
        &self.tap
    }

    /// The next message that is received is a secret.
    pub fn next_is_secret(&mut self) {
        self.next_is_secret = true;
    }

    /// From here on, a message in raw framing has exactly this many bytes.
    pub fn set_message_length(&mut self, length: NonZeroUsize) {
        self.length = Some(length);
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

    /// All but the last `left` bytes made this message.
    pub fn message(&mut self, left: usize) {
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
        let is_secret = std::mem::take(&mut self.next_is_secret);
        self.tap.received(Said {
            bytes: &bytes,
            is_secret,
        });
        self.last = Some((bytes, is_secret));
    }

    /// All but the last `left` bytes make no message.
    pub fn unreadable(&mut self, left: usize, words: &str) {
        let bytes = self.consume(left);
        self.tap.unreadable(
            Said {
                bytes: &bytes,
                is_secret: self.next_is_secret,
            },
            words,
        );
    }

    /// A fault struck the message received last.
    pub fn struck(&self, struck: Struck) {
        if let Some((bytes, is_secret)) = &self.last {
            let is_secret = *is_secret;
            self.tap.struck_receiving(struck, Said { bytes, is_secret });
        }
    }

    fn consume(&mut self, left: usize) -> Vec<u8> {
        let rest = self.raw.split_off(self.raw.len().saturating_sub(left));
        std::mem::replace(&mut self.raw, rest)
    }
}

impl Drop for ReadTap {
    fn drop(&mut self) {
        self.unreadable(0, "never completed, or never looked at");
    }
}

impl WriteTap {
    /// A tap on what is written.
    pub fn new(tap: Tap) -> WriteTap {
        WriteTap {
            tap,
            queued: VecDeque::new(),
            next_is_secret: false,
            is_finished: false,
        }
    }

    /// The tap of the whole connection.
    pub fn tap(&self) -> &Tap {
        &self.tap
    }

    /// The next message that is queued is a secret.
    pub fn next_is_secret(&mut self) {
        self.next_is_secret = true;
    }

    /// Whether the message that is queued next is a secret.
    pub fn is_secret(&self) -> bool {
        self.next_is_secret
    }

    /// The secret was queued.
    pub fn secret_is_told(&mut self) {
        self.next_is_secret = false;
    }

    /// A message of this many bytes was queued.
    pub fn queued(&mut self, length: usize, is_secret: bool) {
        self.queued.push_back((length, is_secret));
    }

    /// Of `bytes`, which are the next that were queued, the first `written` went out.
    pub fn written(&mut self, moment: Moment, bytes: &[u8], written: usize) {
        let mut start = 0;
        while start < bytes.len()
            && let Some((length, is_secret)) = self.queued.pop_front()
        {
            let end = start + length;
            let went_out = &bytes[start..end.min(written).max(start)];
            let said = Said {
                bytes: went_out,
                is_secret,
            };
            match went_out.len() {
                0 => {}
                whole if whole == length => self.tap.sent(moment, said),
                _ => self.tap.sent_in_part(moment, said),
            }
            start = end;
        }
    }

    /// What is still queued is never written.
    pub fn forget(&mut self) {
        self.queued.clear();
    }

    /// The stream was ended.
    pub fn finished(&mut self) {
        if !std::mem::replace(&mut self.is_finished, true) {
            self.tap.half_closed(By::Us);
        }
    }

    /// The connection was ended in both directions.
    pub fn aborted(&mut self) {
        self.tap.ends(By::Us, How::Abort, None);
    }
}
