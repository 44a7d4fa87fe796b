//! What faults do to messages.

use std::collections::HashMap;

use proto::side::{Direction, Side};
use record::{Cause, Message, What};

use super::{Deed, Entry, Gatherer};
use crate::sequence::{Fate, Marks, Moment, Place};

/// What is known of a run while its events are gone through.
#[derive(Default)]
pub(super) struct Progress<'a> {
    /// What is to be said again next.
    pub(super) again: HashMap<&'a str, u32>,
    /// What faults do to messages that were not sent yet.
    pub(super) held: HashMap<(usize, &'a [u8]), Held>,
    /// The last arrow that was received, by conversation.
    pub(super) received: HashMap<usize, usize>,
}

impl<'a> Progress<'a> {
    /// Where faults are known for this message: its own bytes, or those it was cut from.
    pub(super) fn key(&self, conversation: usize, message: &'a Message) -> (usize, &'a [u8]) {
        let bytes = &message.bytes.0[..];
        let is_whole = |(index, whole): &&(usize, &'a [u8])| {
            *index == conversation && whole.starts_with(bytes)
        };
        let whole = match message.partial {
            true => self.held.keys().find(is_whole),
            false => None,
        };
        whole.copied().unwrap_or((conversation, bytes))
    }
}

/// A fault holds a message back.
pub(super) struct Held {
    /// The entry that stands if it is never sent.
    pub(super) entry: usize,
    pub(super) since: Moment,
    pub(super) marks: Marks,
    /// How many `sent` are still to come.
    pub(super) left: u8,
}

impl<'a> Gatherer<'a, '_> {
    /// What a fault did to a message, if that is what it is.
    pub(super) fn fault(
        &mut self,
        side: Side,
        life: usize,
        conversation: usize,
        at: Moment,
        what: &'a What,
        progress: &mut Progress<'a>,
    ) -> bool {
        let is_own = |message: &Message| message.direction == Direction::sent_by(side);
        let (message, marks) = match what {
            What::Dropped { cause, message } => {
                self.dropped(side, life, conversation, at, *cause, message, progress);
                return true;
            }
            What::Refused(message) if is_own(message) => {
                self.replaced(
                    life,
                    conversation,
                    at,
                    message,
                    "refused by a fault",
                    progress,
                );
                return true;
            }
            What::Refused(_) => {
                if let Some(arrow) = progress.received.get(&conversation) {
                    self.arrows[*arrow].marks.is_refused = true;
                }
                return true;
            }
            What::Reset(message) => {
                self.replaced(life, conversation, at, message, "reset instead", progress);
                return true;
            }
            What::Duplicated(message) if !is_own(message) => {
                if let Some(arrow) = progress.received.get(&conversation) {
                    self.arrows[*arrow].marks.is_handled_twice = true;
                }
                return true;
            }
            What::Duplicated(message) => (
                message,
                Marks {
                    is_copy: true,
                    ..Marks::default()
                },
            ),
            What::Delayed { message, .. } => (
                message,
                Marks {
                    late: Some(0),
                    ..Marks::default()
                },
            ),
            What::Reordered(message) => (
                message,
                Marks {
                    is_overtaken: true,
                    ..Marks::default()
                },
            ),
            What::Cut { sent, message } => {
                // What is sent of it follows at once.
                let cut = Some((*sent, message.bytes.0.len()));
                (
                    message,
                    Marks {
                        cut,
                        ..Marks::default()
                    },
                )
            }
            What::Split { size, message } => {
                let split = Some(*size);
                (
                    message,
                    Marks {
                        split,
                        ..Marks::default()
                    },
                )
            }
            What::Glued(message) => (
                message,
                Marks {
                    is_glued: true,
                    ..Marks::default()
                },
            ),
            What::Corrupted { bit, message } => {
                let flipped = Some(*bit);
                (
                    message,
                    Marks {
                        flipped,
                        ..Marks::default()
                    },
                )
            }
            _ => return false,
        };
        self.hold(life, conversation, at, message, marks, progress);
        true
    }

    /// A message that never left, because a fault did this instead.
    fn replaced(
        &mut self,
        life: usize,
        conversation: usize,
        at: Moment,
        message: &'a Message,
        why: &'static str,
        progress: &mut Progress<'a>,
    ) {
        let fate = Fate::Lost(Place::Start, why);
        let arrow = self.unsent(life, conversation, at, message, fate);
        self.arrows[arrow].marks.attempt = again(progress, message);
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "all of it is where it was dropped"
    )]
    pub(super) fn dropped(
        &mut self,
        side: Side,
        life: usize,
        conversation: usize,
        at: Moment,
        cause: Cause,
        message: &'a Message,
        progress: &mut Progress<'a>,
    ) {
        let why = match cause {
            Cause::Drop => "lost",
            Cause::Duplicate => "not passed on",
        };
        if message.direction == Direction::sent_by(side) {
            let fate = Fate::Lost(Place::Start, why);
            let arrow = self.unsent(life, conversation, at, message, fate);
            self.arrows[arrow].marks.attempt = again(progress, message);
            return;
        }
        let fate = Fate::Lost(Place::Arrival, why);
        let last = progress.received.get(&conversation).copied();
        match last.filter(|arrow| *self.arrows[*arrow].bytes == message.bytes) {
            Some(arrow) => self.arrows[arrow].fate = fate,
            None => {
                let arrow = self.arrow(conversation, message);
                self.arrows[arrow].received = Some(at);
                self.arrows[arrow].fate = fate;
                let what = Deed::Receives(arrow);
                self.deeds[life].push(Entry { at, what });
            }
        }
    }

    /// A message that never left.
    pub(super) fn unsent(
        &mut self,
        life: usize,
        conversation: usize,
        at: Moment,
        message: &'a Message,
        fate: Fate,
    ) -> usize {
        let arrow = self.arrow(conversation, message);
        self.arrows[arrow].sent = Some(at);
        self.arrows[arrow].fate = fate;
        let what = Deed::Sends(arrow);
        self.deeds[life].push(Entry { at, what });
        arrow
    }

    /// Remembers what a fault does to a message, for its `sent`.
    pub(super) fn hold(
        &mut self,
        life: usize,
        conversation: usize,
        at: Moment,
        message: &'a Message,
        marks: Marks,
        progress: &mut Progress<'a>,
    ) {
        let bytes = &message.bytes.0[..];
        if let Some(held) = progress.held.get_mut(&(conversation, bytes)) {
            // Several faults strike the same message.
            held.marks = Marks {
                is_copy: held.marks.is_copy || marks.is_copy,
                late: held.marks.late.or(marks.late),
                is_overtaken: held.marks.is_overtaken || marks.is_overtaken,
                cut: held.marks.cut.or(marks.cut),
                split: held.marks.split.or(marks.split),
                is_glued: held.marks.is_glued || marks.is_glued,
                flipped: held.marks.flipped.or(marks.flipped),
                ..held.marks
            };
            held.left = if held.marks.is_copy { 2 } else { 1 };
            return;
        }
        let entry = self.deeds[life].len();
        let fate = Fate::Lost(Place::Start, "held back, and never sent");
        let arrow = self.unsent(life, conversation, at, message, fate);
        let left = if marks.is_copy { 2 } else { 1 };
        self.arrows[arrow].marks.cut = marks.cut;
        let held = Held {
            entry,
            since: at,
            marks,
            left,
        };
        progress.held.insert((conversation, bytes), held);
    }
}

/// Which attempt this message is, if it was said before. Known once.
pub(super) fn again(progress: &mut Progress<'_>, message: &Message) -> Option<u32> {
    progress.again.remove(message.text.as_deref()?)
}
