//! Text up to LF; a CR before it is dropped. A line that is too long is refused once and skipped
//! to its LF, so the stream stays in step.

use alloc::vec::Vec;
use core::ops::Range;

use super::{DecodeError, EncodeError, Framing};

pub(super) fn encode(payload: &[u8], bytes: &mut Vec<u8>) -> Result<(), EncodeError> {
    if payload.contains(&b'\n') || payload.ends_with(b"\r") {
        return Err(EncodeError::LineBreak);
    }
    bytes.extend_from_slice(payload);
    bytes.push(b'\n');
    Ok(())
}

/// The decoder's state between two pieces.
#[derive(Debug, Default)]
pub(super) struct Progress {
    /// Bytes already searched for a line feed, so that a line that arrives byte by byte is not
    /// searched from its start each time.
    searched: usize,
    /// Whether it is inside a refused line.
    discarding: bool,
}

pub(super) enum Step {
    Message {
        payload: Range<usize>,
        length: usize,
    },
    Incomplete,
    Discard {
        length: usize,
        error: Option<DecodeError>,
    },
}

impl Progress {
    pub(super) fn is_discarding(&self) -> bool {
        self.discarding
    }

    pub(super) fn decode(&mut self, waiting: &[u8]) -> Step {
        let max = Framing::Line.max_payload();
        let mut unsearched = waiting[self.searched..].iter();
        let found = unsearched.position(|byte| *byte == b'\n');
        let end = found.map(|found| self.searched + found);
        // A payload of the greatest length, and its CR.
        if end.is_none() && !self.discarding && waiting.len() <= max + 1 {
            self.searched = waiting.len();
            return Step::Incomplete;
        }
        self.searched = 0;
        let was_discarding = core::mem::replace(&mut self.discarding, end.is_none());
        let length = end.map_or(waiting.len(), |end| end + 1);
        let payload_end = end.map(|end| end - usize::from(waiting[..end].ends_with(b"\r")));
        match payload_end {
            Some(end) if !was_discarding && end <= max => Step::Message {
                payload: 0..end,
                length,
            },
            _ => Step::Discard {
                length,
                error: (!was_discarding).then_some(DecodeError::TooLong {
                    framing: Framing::Line,
                }),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::Decoder;

    fn decode(pieces: &[&[u8]]) -> Vec<Result<Vec<u8>, DecodeError>> {
        let mut decoder = Decoder::new(Framing::Line);
        let mut found = Vec::new();
        for piece in pieces {
            decoder.push(piece);
            while let Some(message) = decoder.next_message().transpose() {
                found.push(message);
            }
        }
        found
    }

    #[test]
    fn lf_and_cr_lf_end_a_line_and_a_lone_cr_is_data() {
        let lines = decode(&[b"a\nb\r\n\r\nc\rd\n\n"]);
        let expected: [&[u8]; 5] = [b"a", b"b", b"", b"c\rd", b""];
        assert_eq!(lines, expected.map(|line| Ok(line.to_vec())));
    }

    #[test]
    fn a_payload_with_a_line_break_is_not_sent() {
        for payload in [&b"a\nb"[..], b"a\r"] {
            assert_eq!(
                encode(payload, &mut Vec::new()),
                Err(EncodeError::LineBreak)
            );
        }
        assert_eq!(encode(b"a\rb", &mut Vec::new()), Ok(()));
    }

    #[test]
    fn a_line_too_long_is_refused_once_and_the_next_one_read() {
        let long = alloc::vec![b'x'; 200_000];
        let error = DecodeError::TooLong {
            framing: Framing::Line,
        };
        assert!(!error.is_fatal());
        let pieces: Vec<&[u8]> = long.chunks(1000).chain([&b"x\nnext\n"[..]]).collect();
        assert_eq!(decode(&pieces), [Err(error.clone()), Ok(b"next".to_vec())]);
        let whole = [&long[..], b"\nnext\n"].concat();
        assert_eq!(decode(&[&whole]), [Err(error), Ok(b"next".to_vec())]);
    }

    #[test]
    fn the_longest_line_may_end_with_cr_lf() {
        let longest = alloc::vec![b'x'; Framing::Line.max_payload()];
        let bytes = [&longest[..], b"\r\n"].concat();
        assert_eq!(decode(&[&bytes]), [Ok(longest)]);
    }
}
