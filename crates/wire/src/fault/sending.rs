//! What is written of one message on a stream, after the faults.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::schedule::{Fate, Verdict};
use record::tap::{Said, Struck};
use record::{How, Tap};

/// How long to wait between two segments of a message, so that the peer reads them apart.
const BETWEEN_SEGMENTS: Duration = Duration::from_millis(10);

/// How long that takes at most for one message: of one in many segments, some may be read together.
const ALL_SEGMENTS: Duration = Duration::from_secs(1);

/// What is written of a message, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// Not before.
    pub due: Instant,
    /// What, framing included.
    pub bytes: Vec<u8>,
    /// Whether all of it is a secret.
    pub is_secret: bool,
    /// How often it is written; 0 for a message that is lost.
    pub copies: usize,
    /// How many bytes are written at once, if not all.
    pub split: Option<NonZeroUsize>,
    /// How long the process stops before.
    pub pause: Option<Duration>,
    /// Whether it waits for the next message, to be written together with it.
    pub waits: bool,
    /// How the connection ends with it, if it does.
    pub end: Option<Break>,
}

/// How a fault ends a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Break {
    /// With an end of stream, inside a message.
    Cut,
    /// With a reset, instead of a message.
    Reset,
}

impl fmt::Display for Break {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Break::Cut => "an injected fault cut the connection",
            Break::Reset => "an injected fault reset the connection",
        })
    }
}

impl From<Break> for How {
    fn from(how: Break) -> How {
        match how {
            Break::Cut => How::Cut,
            Break::Reset => How::Reset,
        }
    }
}

impl Sending {
    /// What is written of this message, of which the tap is told what happens to it. `due` says when
    /// a message is due that is so late; it is asked only if something is sent. Where another message
    /// waits for the next, this one may not wait itself.
    pub fn of(
        mut bytes: Vec<u8>,
        mut is_secret: bool,
        fate: Fate,
        may_wait: bool,
        tap: Option<&Tap>,
        due: impl FnOnce(Duration) -> Instant,
    ) -> Sending {
        let struck = |struck, bytes: &[u8], is_secret| {
            if let Some(tap) = tap {
                tap.struck_sending(struck, Said { bytes, is_secret });
            }
        };
        let lost = match fate.verdict {
            Verdict::Drop => Some(Struck::Dropped),
            Verdict::Error => Some(Struck::Refused),
            _ => None,
        };
        if let Some(lost) = lost {
            struck(lost, &bytes, is_secret);
            return Sending::nothing();
        }
        if fate.verdict == Verdict::Reset {
            struck(Struck::Reset, &bytes, is_secret);
            return Sending {
                due: due(fate.delay),
                pause: fate.pause,
                end: Some(Break::Reset),
                ..Sending::nothing()
            };
        }
        if let Some(bit) = fate.corrupt.and_then(|flip| flip.bit(bytes.len())) {
            // Where a flipped bit hides the word before a secret, the secret is not found any more.
            is_secret |= tap.is_some_and(|tap| tap.masks(&bytes));
            bytes[bit / 8] ^= 1 << (bit % 8);
            struck(Struck::Corrupted(bit), &bytes, is_secret);
        }
        let waits = fate.verdict == Verdict::Glue && may_wait;
        match fate.verdict {
            Verdict::Cut => struck(Struck::Cut(bytes.len() / 2), &bytes, is_secret),
            Verdict::Duplicate => struck(Struck::Duplicated, &bytes, is_secret),
            Verdict::Glue if waits => struck(Struck::Glued, &bytes, is_secret),
            _ => {}
        }
        let due = due(fate.delay);
        if let Some(tap) = tap
            && !fate.delay.is_zero()
        {
            let bytes = &bytes[..];
            tap.delayed(due, Said { bytes, is_secret });
        }
        let split = fate.split.filter(|size| size.get() < bytes.len() && !waits);
        if let Some(size) = split {
            struck(Struck::Split(size.get()), &bytes, is_secret);
        }
        Sending {
            due,
            bytes,
            is_secret,
            copies: if fate.verdict == Verdict::Duplicate {
                2
            } else {
                1
            },
            split,
            pause: fate.pause,
            waits,
            end: (fate.verdict == Verdict::Cut).then_some(Break::Cut),
        }
    }

    /// What is written of a message that is lost.
    pub fn nothing() -> Sending {
        Sending {
            due: Instant::now(),
            bytes: Vec::new(),
            is_secret: false,
            copies: 0,
            split: None,
            pause: None,
            waits: false,
            end: None,
        }
    }

    /// Bytes that are no message, and are written as they are.
    pub fn untouched(bytes: Vec<u8>, due: Instant) -> Sending {
        Sending {
            due,
            bytes,
            copies: 1,
            ..Sending::nothing()
        }
    }

    /// What is written of each copy: all of it, or its first half where it is cut.
    pub fn sent(&self) -> &[u8] {
        match self.end {
            Some(Break::Cut) => &self.bytes[..self.bytes.len() / 2],
            Some(Break::Reset) | None => &self.bytes,
        }
    }

    /// All that is written, each copy.
    pub fn to_write(&self) -> Vec<u8> {
        self.sent().repeat(self.copies)
    }
}

/// These bytes in segments of this size, and how long to wait before each but the first.
pub fn segments(
    bytes: &[u8],
    size: Option<NonZeroUsize>,
) -> (std::slice::Chunks<'_, u8>, Duration) {
    let size = size.map_or(usize::MAX, NonZeroUsize::get);
    let segments = bytes.chunks(size);
    let gaps = u32::try_from(segments.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let wait = ALL_SEGMENTS / gaps.max(1);
    (segments, wait.min(BETWEEN_SEGMENTS))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(bytes: usize, size: usize) -> (Vec<usize>, Duration) {
        let bytes = vec![0; bytes];
        let (segments, wait) = segments(&bytes, NonZeroUsize::new(size));
        (segments.map(<[u8]>::len).collect(), wait)
    }

    #[test]
    fn a_message_is_split_into_segments_of_one_size_and_a_rest() {
        assert_eq!(split(17, 7), (vec![7, 7, 3], BETWEEN_SEGMENTS));
        assert_eq!(split(7, 7).0, [7]);
        assert_eq!(split(17, 0).0, [17]);
        assert!(split(0, 7).0.is_empty());
    }

    #[test]
    fn a_long_message_in_small_segments_takes_a_second_at_most() {
        let (segments, wait) = split(65_543, 1);
        assert!(wait * (segments.len() as u32 - 1) <= ALL_SEGMENTS);
        assert!(!wait.is_zero());
    }
}
