//! What faults do to messages.

use std::collections::HashMap;

use proto::side::{Direction, Side};
use record::{DropCause, EventKind, Message};

use super::{Action, Gatherer, Site};
use crate::sequence::{Delivery, LossPoint, Marks, Moment};

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
    /// Which attempt this message is, if it was sent before. Known once.
    pub(super) fn attempt(&mut self, message: &Message) -> Option<u32> {
        self.again.remove(message.text.as_deref()?)
    }

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
    /// What a fault did to a message.
    pub(super) fn fault(&mut self, site: Site, side: Side, kind: &EventKind, message: &'a Message) {
        let is_own = message.direction == Direction::sent_by(side);
        match kind {
            EventKind::Dropped { cause, .. } => {
                let why = match cause {
                    DropCause::Drop => "lost",
                    DropCause::Duplicate => "not passed on",
                };
                match is_own {
                    true => self.replaced(site, message, why),
                    false => self.discarded(site, message, why),
                }
            }
            EventKind::Reset(_) => self.replaced(site, message, "reset instead"),
            EventKind::Refused(_) if is_own => self.replaced(site, message, "refused by a fault"),
            EventKind::Refused(_) => self.mark_received(site, |marks| marks.is_refused = true),
            EventKind::Duplicated(_) if !is_own => {
                self.mark_received(site, |marks| marks.is_handled_twice = true);
            }
            _ => self.hold(site, kind, message),
        }
    }

    /// Marks the last message that was received.
    fn mark_received(&mut self, site: Site, mark: impl FnOnce(&mut Marks)) {
        if let Some(arrow) = self.progress.received.get(&site.conversation) {
            mark(&mut self.arrows[*arrow].marks);
        }
    }

    /// A message that never left, because a fault did this instead.
    fn replaced(&mut self, site: Site, message: &'a Message, why: &'static str) {
        let arrow = self.unsent(site, message, why);
        self.arrows[arrow].marks.attempt = self.progress.attempt(message);
    }

    /// A message that was received, and dropped by a fault.
    fn discarded(&mut self, site: Site, message: &'a Message, why: &'static str) {
        let last = self.progress.received.get(&site.conversation).copied();
        let same = last.filter(|arrow| *self.arrows[*arrow].bytes == message.bytes);
        let arrow = same.unwrap_or_else(|| {
            let arrow = self.arrow(site.conversation, message);
            self.arrows[arrow].received = Some(site.at);
            self.push(site.life, site.at, Action::Receives(arrow));
            arrow
        });
        self.arrows[arrow].delivery = Delivery::Lost(LossPoint::Arrival, why);
    }

    /// A message that never left.
    fn unsent(&mut self, site: Site, message: &'a Message, why: &'static str) -> usize {
        let arrow = self.arrow(site.conversation, message);
        self.arrows[arrow].sent = Some(site.at);
        self.arrows[arrow].delivery = Delivery::Lost(LossPoint::Start, why);
        self.push(site.life, site.at, Action::Sends(arrow));
        arrow
    }

    /// Remembers what a fault does to a message, for its `sent`.
    fn hold(&mut self, site: Site, kind: &EventKind, message: &'a Message) {
        let key = (site.conversation, &message.bytes.0[..]);
        if !self.progress.held.contains_key(&key) {
            let entry = self.actions[site.life].len();
            let arrow = self.unsent(site, message, "held back, and never sent");
            let mut marks = Marks::default();
            add(&mut marks, kind);
            self.arrows[arrow].marks.cut = marks.cut;
            let held = Held {
                entry,
                since: site.at,
                marks,
                left: 1,
            };
            self.progress.held.insert(key, held);
        }
        if let Some(held) = self.progress.held.get_mut(&key) {
            // Several faults may change the same message.
            add(&mut held.marks, kind);
            held.left = if held.marks.is_copy { 2 } else { 1 };
        }
    }
}

/// Adds what a fault does to a message that is sent later.
fn add(marks: &mut Marks, kind: &EventKind) {
    match kind {
        EventKind::Duplicated(_) => marks.is_copy = true,
        EventKind::Delayed { .. } => marks.late = marks.late.or(Some(0)),
        EventKind::Reordered(_) => marks.is_overtaken = true,
        EventKind::Cut { sent, message } => {
            marks.cut = marks.cut.or(Some((*sent, message.bytes.0.len())));
        }
        EventKind::Split { size, .. } => marks.split = marks.split.or(Some(*size)),
        EventKind::Glued(_) => marks.is_glued = true,
        EventKind::Corrupted { bit, .. } => marks.flipped = marks.flipped.or(Some(*bit)),
        _ => {}
    }
}
