//! A message of a diagram, and what became of it.

use record::Bytes;
use record::wording::{duration, flipped, nth_attempt};

use super::Moment;

/// A message.
#[derive(Debug, Clone)]
pub struct Arrow<'a> {
    /// The lifeline that sends it.
    pub from: usize,
    /// The lifeline that it is for.
    pub to: usize,
    /// The conversation that it is part of, by index.
    pub conversation: usize,
    /// Its bytes, framing included.
    pub bytes: &'a Bytes,
    /// What they say, when that is text.
    pub text: Option<&'a str>,
    /// Whether bytes are masked.
    pub is_masked: bool,
    /// When it was sent, if the sender was recorded.
    pub sent: Option<Moment>,
    /// When it was received, if the receiver was recorded.
    pub received: Option<Moment>,
    /// What became of it.
    pub delivery: Delivery,
    /// What else there is to say.
    pub marks: Marks,
    /// Whether it belongs to a withdrawal that is not settled.
    pub is_unsettled: bool,
}

/// What became of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery {
    /// Both ends have recorded it.
    Arrived,
    /// One end has recorded it, and nothing is known of the other.
    Assumed,
    /// It was lost, here, because of this.
    Lost(LossPoint, &'static str),
    /// The other end's recording ends, or has a gap, where it would be.
    Unseen,
}

/// Where a message was lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LossPoint {
    /// It never left.
    Start,
    /// Between the two.
    Way,
    /// The receiver threw it away.
    Arrival,
}

/// What else there is to say of a message.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Marks {
    /// 2 and more: it was said before.
    pub attempt: Option<u32>,
    /// A fault made it, out of the one before.
    pub is_copy: bool,
    /// A fault had it handled twice.
    pub is_handled_twice: bool,
    /// A fault refused it.
    pub is_refused: bool,
    /// A fault held it back, for so many nanoseconds.
    pub late: Option<u64>,
    /// A fault sent it after its successor.
    pub is_overtaken: bool,
    /// A fault cut it off: to so many bytes, of so many.
    pub cut: Option<(usize, usize)>,
    /// It is no whole message.
    pub is_broken: bool,
    /// A fault sent it in segments of so many bytes.
    pub split: Option<usize>,
    /// A fault held it back, to send it in one segment with the next.
    pub is_glued: bool,
    /// It was sent in one segment with the one before.
    pub is_glued_on: bool,
    /// A fault flipped this bit.
    pub flipped: Option<usize>,
}

impl Arrow<'_> {
    /// What is special about it, each in two or three words.
    pub fn badges(&self) -> Vec<String> {
        let marks = &self.marks;
        let lost = match self.delivery {
            Delivery::Lost(_, why) => Some(why),
            _ => None,
        };
        let fixed = |is_set: bool, words: &str| is_set.then(|| words.to_owned());
        let badges = [
            marks.attempt.map(nth_attempt),
            lost.map(str::to_owned),
            fixed(marks.is_copy, "doubled"),
            fixed(marks.is_handled_twice, "handled twice"),
            fixed(marks.is_refused && lost.is_none(), "refused by a fault"),
            marks.late.map(|late| format!("{} late", duration(late))),
            fixed(marks.is_overtaken || marks.is_glued, "held back"),
            fixed(marks.is_glued_on, "glued on"),
            marks.split.map(|size| format!("in pieces of {size}")),
            marks.flipped.map(|bit| flipped(self.bytes, bit)),
            match marks.cut {
                Some((sent, of)) => Some(format!("cut: {sent} of {of} bytes")),
                None => fixed(marks.is_broken, "no whole message"),
            },
        ];
        badges.into_iter().flatten().collect()
    }
}
