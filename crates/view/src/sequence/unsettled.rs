//! Withdrawals that are not settled.

use std::collections::HashMap;

use proto::side::{Direction, Side};
use record::{EventKind, NoteKind};

use crate::ids::{Ids, ids_in};
use crate::load::Recordings;

/// A withdrawal of which it is not known that it was confirmed or rolled back.
#[derive(Debug, Clone, Default)]
pub(super) struct Hold {
    pub(super) id: String,
    pub(super) amount: Option<String>,
    is_settled: bool,
    /// Where it was last mentioned.
    pub(super) conversation: Option<usize>,
    pub(super) run: Option<usize>,
}

impl Hold {
    /// The hold in words.
    pub(super) fn words(&self, ids: &Ids) -> String {
        let held = self
            .amount
            .as_ref()
            .map(|amount| format!(", {amount} held"));
        format!(
            "unsettled: {}{}",
            ids.shorten(&self.id),
            held.unwrap_or_default()
        )
    }
}

/// What is said of a withdrawal.
enum Said<'a> {
    /// Money is held for it.
    Held(Option<&'a str>),
    /// It is over.
    Settled,
}

/// The holds that are not settled, in the order in which they began. The bank's recording is
/// believed before a machine's.
pub(super) fn unsettled(loaded: &Recordings) -> Vec<Hold> {
    let mut holds: Vec<Hold> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (index, run) in loaded.runs.iter().enumerate() {
        for event in &run.events {
            let Some((id, said)) = said(&event.kind) else {
                continue;
            };
            let conversation = loaded.conversation(index, event);
            let has_bank = conversation.is_some_and(|at| loaded.conversations[at].server.is_some());
            if event.side == Side::Client && has_bank {
                continue;
            }
            let place = *places.entry(id).or_insert(holds.len());
            if place == holds.len() {
                let id = id.into();
                holds.push(Hold {
                    id,
                    ..Hold::default()
                });
            }
            let hold = &mut holds[place];
            match said {
                Said::Settled => hold.is_settled = true,
                Said::Held(amount) => {
                    hold.amount = amount.map(Into::into).or(hold.amount.take());
                    hold.conversation = conversation.or(hold.conversation);
                    hold.run = Some(index);
                }
            }
        }
    }
    // Money that was never held needs no settling.
    holds.retain(|hold| !hold.is_settled && hold.run.is_some());
    holds
}

fn said(kind: &EventKind) -> Option<(&str, Said<'_>)> {
    match kind {
        EventKind::Note(note) => {
            use NoteKind::{Confirmed, Declined, Disputed, Held, RolledBack};
            let id = note.about.as_deref();
            let id = id.filter(|id| id.starts_with("WITH_"))?;
            match note.kind {
                Held => Some((id, Said::Held(note.amount.as_deref()))),
                Confirmed | RolledBack | Declined | Disputed => Some((id, Said::Settled)),
                _ => None,
            }
        }
        EventKind::Sent(message) | EventKind::Received(message)
            if message.direction == Direction::ToClient =>
        {
            let text = message.text.as_deref()?;
            let (_, said) = text.strip_prefix("OK WITH_")?.split_once(' ')?;
            let id = ids_in(text).next()?;
            if let Some(rest) = said.strip_prefix("held ") {
                return Some((id, Said::Held(rest.split(',').next())));
            }
            let is_over = said.starts_with("confirmed") || said.starts_with("rolled back");
            is_over.then_some((id, Said::Settled))
        }
        _ => None,
    }
}
