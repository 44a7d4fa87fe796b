//! One message after the faults.

use std::fmt;
use std::num::NonZeroUsize;
use std::time::{Duration, Instant};

use super::pause::stop_for;
use super::schedule::Decision;
use record::tap::{FaultEffect, Frame};
use record::{CloseReason, Tap};

/// How long to wait between two segments of a message, so that the peer reads them apart.
const BETWEEN_SEGMENTS: Duration = Duration::from_millis(10);

/// How long that takes at most for one message: of one in many segments, some may be read together.
const ALL_SEGMENTS: Duration = Duration::from_secs(1);

/// A message that is sent, and what faults do to it.
#[must_use = "what faults do to it is to be recorded"]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sending {
    /// All of it, framing included.
    pub bytes: Vec<u8>,
    /// Whether all of it is a secret.
    pub is_secret: bool,
    /// Not sent before.
    pub due: Instant,
    effects: Vec<FaultEffect>,
    pause: Option<Duration>,
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

impl From<Break> for CloseReason {
    fn from(how: Break) -> CloseReason {
        match how {
            Break::Cut => CloseReason::Cut,
            Break::Reset => CloseReason::Reset,
        }
    }
}

impl Sending {
    /// This message, sent now, with this fate; `latest` is when the one before it is due, which it
    /// stays behind. Where `may_hold` is false, another message is held back already.
    pub fn new(
        bytes: Vec<u8>,
        is_secret: bool,
        decision: Decision,
        may_hold: bool,
        now: Instant,
        latest: Option<Instant>,
    ) -> Sending {
        let mut sending = Sending::unaffected(bytes, is_secret, now);
        let length = sending.bytes.len();
        let effect = decision.kind.effect(length, may_hold);
        if let Some(FaultEffect::Dropped | FaultEffect::Refused) = effect {
            sending.effects.extend(effect);
            return sending;
        }
        sending.pause = decision.pause;
        sending.due = (now + decision.delay).max(latest.unwrap_or(now));
        if effect == Some(FaultEffect::Reset) {
            sending.effects.extend(effect);
            return sending;
        }
        if let Some(bit) = decision.corrupt.and_then(|flip| flip.bit(length)) {
            sending.flip(bit);
            sending.effects.push(FaultEffect::Corrupted(bit));
        }
        sending.effects.extend(effect);
        if !decision.delay.is_zero() && effect != Some(FaultEffect::Reordered) {
            sending.effects.push(FaultEffect::Delayed(sending.due));
        }
        if let Some(size) = decision.split.map(NonZeroUsize::get)
            && size < length
            && !sending.is_held()
        {
            sending.effects.push(FaultEffect::Split(size));
        }
        sending
    }

    /// This message, to which no fault does anything.
    pub fn unaffected(bytes: Vec<u8>, is_secret: bool, due: Instant) -> Sending {
        Sending {
            bytes,
            is_secret,
            due,
            effects: Vec::new(),
            pause: None,
        }
    }

    /// This message, an answer that is not passed on.
    pub fn suppressed(bytes: Vec<u8>, is_secret: bool, now: Instant) -> Sending {
        Sending {
            effects: vec![FaultEffect::Suppressed],
            ..Sending::unaffected(bytes, is_secret, now)
        }
    }

    /// Records the effects.
    pub fn record(&mut self, tap: Option<&Tap>) {
        let Some(tap) = tap else { return };
        for position in 0..self.effects.len() {
            let effect = self.effects[position];
            if let FaultEffect::Corrupted(bit) = effect {
                // A secret is not found any more where the bit is in the word before it.
                self.flip(bit);
                self.is_secret |= tap.masks(&self.bytes);
                self.flip(bit);
            }
            let (bytes, is_secret) = (&self.bytes[..], self.is_secret);
            tap.fault_on_sent(effect, Frame { bytes, is_secret });
        }
    }

    /// Stops the process, if it is to stop before this message.
    pub fn pause(&self, tap: Option<&Tap>) {
        if let Some(pause) = self.pause {
            if let Some(tap) = tap {
                tap.paused(pause);
            }
            stop_for(pause);
        }
    }

    /// Whether this happens to it.
    pub fn has(&self, effect: FaultEffect) -> bool {
        self.effects.contains(&effect)
    }

    /// Whether it is held back until the next message is sent.
    pub fn is_held(&self) -> bool {
        self.has(FaultEffect::Glued) || self.has(FaultEffect::Reordered)
    }

    /// How often it is written.
    pub fn copies(&self) -> usize {
        let copies = self.effects.iter().find_map(|effect| match effect {
            FaultEffect::Duplicated => Some(2),
            FaultEffect::Dropped
            | FaultEffect::Suppressed
            | FaultEffect::Refused
            | FaultEffect::Reset => Some(0),
            _ => None,
        });
        copies.unwrap_or(1)
    }

    /// Whether nothing comes of it.
    pub fn is_lost(&self) -> bool {
        self.copies() == 0 && self.end().is_none()
    }

    /// In segments of how many bytes it is written, if in several.
    pub fn split(&self) -> Option<usize> {
        self.effects.iter().find_map(|effect| match effect {
            FaultEffect::Split(size) => Some(*size),
            _ => None,
        })
    }

    /// How the connection ends with it, if it does.
    pub fn end(&self) -> Option<Break> {
        self.effects.iter().find_map(|effect| match effect {
            FaultEffect::Cut(_) => Some(Break::Cut),
            FaultEffect::Reset => Some(Break::Reset),
            _ => None,
        })
    }

    /// What is written of each copy: all of it, or its first bytes where it is cut.
    pub fn written(&self) -> &[u8] {
        let cut = self.effects.iter().find_map(|effect| match effect {
            FaultEffect::Cut(length) => Some(*length),
            _ => None,
        });
        &self.bytes[..cut.unwrap_or(self.bytes.len())]
    }

    fn flip(&mut self, bit: usize) {
        self.bytes[bit / 8] ^= 1 << (bit % 8);
    }
}

/// These bytes in segments of this size, and how long to wait before each.
pub fn segments(bytes: &[u8], size: Option<usize>) -> impl Iterator<Item = (Duration, &[u8])> {
    let segments = bytes.chunks(size.unwrap_or(usize::MAX));
    let gaps = u32::try_from(segments.len().saturating_sub(1)).unwrap_or(u32::MAX);
    let wait = (ALL_SEGMENTS / gaps.max(1)).min(BETWEEN_SEGMENTS);
    let waits = std::iter::once(Duration::ZERO).chain(std::iter::repeat(wait));
    waits.zip(segments)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{FaultKind, Flip};

    fn split(bytes: usize, size: Option<usize>) -> (Vec<usize>, Vec<Duration>) {
        let bytes = vec![0; bytes];
        let parts = segments(&bytes, size).map(|(wait, segment)| (segment.len(), wait));
        parts.unzip()
    }

    #[test]
    fn a_message_is_split_into_segments_of_one_size_and_a_rest() {
        let waits = [Duration::ZERO, BETWEEN_SEGMENTS, BETWEEN_SEGMENTS];
        assert_eq!(split(17, Some(7)), (vec![7, 7, 3], waits.to_vec()));
        assert_eq!(split(7, Some(7)).0, [7]);
        assert_eq!(split(17, None).0, [17]);
        assert!(split(0, Some(7)).0.is_empty());
    }

    #[test]
    fn a_long_message_in_small_segments_takes_a_second_at_most() {
        let (_, waits) = split(65_543, Some(1));
        assert!(waits.iter().sum::<Duration>() <= ALL_SEGMENTS);
        assert!(!waits[1].is_zero());
    }

    const FATE: Decision = Decision {
        number: 1,
        kind: FaultKind::Pass,
        delay: Duration::ZERO,
        split: None,
        corrupt: None,
        pause: None,
    };

    #[test]
    fn messages_of_one_batch_are_late_together_and_stay_in_order() {
        let (sent, mut latest) = (Instant::now(), None);
        let due = [30, 10, 50, 0].map(|delay| {
            let delay = Duration::from_millis(delay);
            let decision = Decision { delay, ..FATE };
            let sending = Sending::new(Vec::new(), false, decision, true, sent, latest);
            latest = Some(sending.due);
            sending.due - sent
        });
        assert_eq!(due, [30, 30, 50, 50].map(Duration::from_millis));
    }

    #[test]
    fn what_happens_to_a_message_is_in_the_order_in_which_it_happens() {
        let now = Instant::now();
        let due = now + Duration::from_millis(1);
        let all = |kind| Decision {
            kind,
            delay: due - now,
            split: NonZeroUsize::new(2),
            corrupt: Some(Flip(0)),
            ..FATE
        };
        let effects = |kind, may_hold| {
            let bytes = b"abcd".to_vec();
            Sending::new(bytes, false, all(kind), may_hold, now, None).effects
        };
        use FaultEffect::{Corrupted, Cut, Delayed, Dropped, Duplicated};
        use FaultEffect::{Glued, Refused, Reordered, Reset, Split};
        let (flip, late) = (Corrupted(0), Delayed(due));
        for (kind, expected) in [
            (FaultKind::Pass, &[flip, late, Split(2)][..]),
            (FaultKind::Drop, &[Dropped]),
            (FaultKind::Error, &[Refused]),
            (FaultKind::Reset, &[Reset]),
            (FaultKind::Cut, &[flip, Cut(2), late, Split(2)]),
            (FaultKind::Duplicate, &[flip, Duplicated, late, Split(2)]),
            (FaultKind::Reorder, &[flip, Reordered]),
            (FaultKind::Glue, &[flip, Glued, late]),
        ] {
            assert_eq!(effects(kind, true), expected, "{kind:?}");
        }
        let unheld = effects(FaultKind::Glue, false);
        assert_eq!(unheld, effects(FaultKind::Pass, true));
    }
}
