//! Bytes to messages and back.
//!
//! A TCP connection is a stream of bytes; one read may return half a message or three. A
//! [`Framing`] marks where a message ends. [`Framing::encode`] writes the bytes of one message; a
//! [`Decoder`] takes bytes as they arrive, in pieces of any size, and returns messages.
//!
//! ```
//! use proto::frame::{Decoder, Framing};
//!
//! let mut bytes = Vec::new();
//! Framing::Netstring.encode(b"PRIME 97", &mut bytes).unwrap();
//! assert_eq!(bytes, b"8:PRIME 97,");
//!
//! let mut decoder = Decoder::new(Framing::Netstring);
//! decoder.push(&bytes[..5]);
//! assert_eq!(decoder.next_message(), Ok(None));
//! decoder.push(&bytes[5..]);
//! assert_eq!(decoder.next_message(), Ok(Some(b"PRIME 97".to_vec())));
//! ```

mod len3;
mod line;
mod netstring;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::num::NonZeroUsize;

use crate::printable::quoted;

// The default first.
named! {
    /// Where a message ends.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
    pub enum Framing by name {
        /// `8:PRIME 97,`: decimal byte length, colon, payload, comma
        /// (<https://cr.yp.to/proto/netstrings.txt>).
        #[default]
        Netstring => "netstring",
        /// `008PRIME 97`: exactly three decimal digits, then that many bytes.
        Len3 => "len3",
        /// Text up to LF; a CR before it is dropped.
        Line => "line",
        /// What one read returned. TCP may split or coalesce messages, so this cannot be reliable.
        Raw => "raw",
    }
}

impl Framing {
    /// The longest payload of one message, in bytes.
    pub fn max_payload(self) -> usize {
        match self {
            // Room for any answer of ours; small enough that 10,000 half-sent messages fit in
            // memory.
            Framing::Netstring | Framing::Line => 64 * 1024,
            // The hand-out's "at most 255 bytes", although three digits could say 999.
            Framing::Len3 => 255,
            // The hand-outs' programs call recv(1024).
            Framing::Raw => 1024,
        }
    }

    /// Appends the bytes of one message.
    ///
    /// # Errors
    /// When the payload is too long, or holds what the framing cannot carry; nothing is appended.
    pub fn encode(self, payload: &[u8], bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
        if payload.len() > self.max_payload() {
            return Err(EncodeError::TooLong {
                framing: self,
                length: payload.len(),
            });
        }
        match self {
            Framing::Netstring => netstring::encode(payload, bytes),
            Framing::Len3 => len3::encode(payload, bytes),
            Framing::Line => return line::encode(payload, bytes),
            Framing::Raw if payload.is_empty() => return Err(EncodeError::EmptyRaw),
            Framing::Raw => bytes.extend_from_slice(payload),
        }
        Ok(())
    }
}

/// Why a payload cannot be sent in a framing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EncodeError {
    /// Longer than [`Framing::max_payload`].
    #[error("a message of {length} bytes does not fit {framing} framing (at most {max})",
        max = framing.max_payload())]
    TooLong {
        /// The framing.
        framing: Framing,
        /// The payload's length in bytes.
        length: usize,
    },
    /// A line cannot hold a line feed, nor end with a carriage return.
    #[error("a message with a line break does not fit line framing")]
    LineBreak,
    /// An empty payload sends nothing: both sides would wait indefinitely.
    #[error("an empty message cannot be sent in raw framing")]
    EmptyRaw,
}

/// Why received bytes are not a message.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// There is no length where one must be, or no comma at the end. The start of the next message
    /// is unknown.
    #[error("{0}")]
    Malformed(String),
    /// The length exceeds [`Framing::max_payload`].
    #[error("a message in {framing} framing has at most {max} bytes", max = framing.max_payload())]
    TooLong {
        /// The framing.
        framing: Framing,
    },
}

impl DecodeError {
    /// Whether the start of the next message is unknown, so that the
    /// connection must be closed. A line that is too long ends at its LF like any other.
    pub fn is_fatal(&self) -> bool {
        !matches!(
            self,
            DecodeError::TooLong {
                framing: Framing::Line
            }
        )
    }
}

/// The stream ended inside a message, at the place in the words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("closed {0}")]
pub struct Truncated(String);

impl Truncated {
    fn in_header(received: usize) -> Truncated {
        Truncated(format!("{received} bytes into the length of a message"))
    }

    fn in_payload(received: usize, length: usize) -> Truncated {
        Truncated(format!("{received} bytes into a {length}-byte message"))
    }

    fn in_line(received: usize) -> Truncated {
        Truncated(format!("{received} bytes into a line"))
    }
}

/// Takes bytes in pieces of any size and returns whole messages.
///
/// After a fatal error it returns nothing more. Take every message out before pushing more:
/// then the decoder holds at most one unfinished message and one piece.
#[derive(Debug)]
pub struct Decoder {
    framing: Framing,
    buffer: Vec<u8>,
    /// Bytes at the start of `buffer` that were returned as messages.
    consumed: usize,
    line: line::Progress,
    /// In raw framing: the length of every message, if it is known.
    message_length: Option<NonZeroUsize>,
}

impl Decoder {
    /// An empty decoder.
    pub fn new(framing: Framing) -> Decoder {
        Decoder {
            framing,
            buffer: Vec::new(),
            consumed: 0,
            line: line::Progress::default(),
            message_length: None,
        }
    }

    /// Sets the length of every further message in raw framing, in any number of reads, or that it is not
    /// known. In other framings the bytes themselves delimit a message.
    pub fn set_message_length(&mut self, length: impl Into<Option<NonZeroUsize>>) {
        self.message_length = length.into();
    }

    /// The framing it decodes.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The most that is read at a time, in bytes.
    pub const MAX_PIECE: usize = 4 * 1024;

    /// How much to read at a time, in bytes. In raw framing a piece is a message, so this is its
    /// limit.
    pub fn piece_size(&self) -> usize {
        match self.framing {
            Framing::Raw => Framing::Raw.max_payload(),
            // A message in one read nearly always; a connection has such a buffer while it waits.
            Framing::Netstring | Framing::Len3 | Framing::Line => Decoder::MAX_PIECE,
        }
    }

    /// Takes the bytes that one read returned.
    pub fn push(&mut self, piece: &[u8]) {
        self.buffer.drain(..self.consumed);
        self.consumed = 0;
        self.buffer.extend_from_slice(piece);
    }

    /// The next whole message, or `None` until more bytes come.
    ///
    /// # Errors
    /// When the bytes are no message. Unless the error [is fatal](DecodeError::is_fatal), the next
    /// call goes on behind it.
    pub fn next_message(&mut self) -> Result<Option<Vec<u8>>, DecodeError> {
        let waiting = &self.buffer[self.consumed..];
        if waiting.is_empty() {
            // An idle connection keeps no memory of its largest message.
            self.buffer = Vec::new();
            self.consumed = 0;
            return Ok(None);
        }
        let found = match self.framing {
            Framing::Netstring => netstring::decode(waiting)?,
            Framing::Len3 => len3::decode(waiting)?,
            Framing::Line => match self.line.decode(waiting) {
                line::Step::Message { payload, length } => Some((payload, length)),
                line::Step::Incomplete => None,
                line::Step::Discard { length, error } => {
                    self.consumed += length;
                    return match error {
                        Some(error) => Err(error),
                        None => self.next_message(),
                    };
                }
            },
            Framing::Raw => match self.message_length {
                Some(length) => {
                    (waiting.len() >= length.get()).then(|| (0..length.get(), length.get()))
                }
                None => {
                    let length = waiting.len().min(Framing::Raw.max_payload());
                    Some((0..length, length))
                }
            },
        };
        let Some((payload, length)) = found else {
            return Ok(None);
        };
        if self.consumed == 0 && length == self.buffer.len() {
            // Nothing else was received, and the buffer becomes the message.
            let mut message = core::mem::take(&mut self.buffer);
            message.truncate(payload.end);
            message.drain(..payload.start);
            return Ok(Some(message));
        }
        let message = waiting[payload].to_vec();
        self.consumed += length;
        Ok(Some(message))
    }

    /// Whether part of a message has been received.
    pub fn is_inside_message(&self) -> bool {
        self.finish().is_err()
    }

    /// Checks that the stream may end here.
    ///
    /// # Errors
    /// When it ends inside a message: how far in.
    pub fn finish(&self) -> Result<(), Truncated> {
        let waiting = &self.buffer[self.consumed..];
        match self.framing {
            Framing::Raw => match self.message_length {
                Some(length) if !waiting.is_empty() => {
                    Err(Truncated::in_payload(waiting.len(), length.get()))
                }
                Some(_) | None => Ok(()),
            },
            Framing::Line if self.line.is_discarding() => {
                Err(Truncated::in_line(Framing::Line.max_payload()))
            }
            _ if waiting.is_empty() => Ok(()),
            Framing::Netstring => Err(netstring::truncated(waiting)),
            Framing::Len3 => Err(len3::truncated(waiting)),
            Framing::Line => Err(Truncated::in_line(waiting.len())),
        }
    }

    /// The bytes received of an incomplete message.
    pub fn unfinished(&self) -> &[u8] {
        &self.buffer[self.consumed..]
    }
}

/// Unexpected bytes of a peer, quoted for an error message.
fn quoted_bytes(bytes: &[u8]) -> String {
    quoted(&String::from_utf8_lossy(bytes))
}

/// The number that these digits write.
fn number(digits: &[u8]) -> usize {
    let values = digits.iter().map(|digit| usize::from(digit - b'0'));
    values.fold(0, |number, digit| number * 10 + digit)
}

#[cfg(test)]
mod tests;
