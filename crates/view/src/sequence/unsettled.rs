//! Withdrawals that nobody settled.

use std::collections::HashMap;

use proto::side::{Direction, Side};
use record::{Event, NoteKind, What};

use crate::ids::ids_in;
use crate::load::Loaded;

/// A withdrawal of which it is not known that it was confirmed or rolled back.
#[derive(Debug, Clone)]
pub(super) struct Hold {
    pub(super) id: String,
    pub(super) amount: Option<String>,
    /// Where it was heard of last.
    pub(super) conversation: Option<usize>,
    pub(super) run: Option<usize>,
}

/// Those, in the order in which they began.
#[derive(Debug, Default)]
pub(super) struct Unsettled {
    holds: Vec<Hold>,
    places: HashMap<String, usize>,
}

impl Unsettled {
    pub(super) fn holds(&self, id: &str) -> bool {
        !self.places.is_empty() && self.places.contains_key(id)
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Hold> {
        self.holds.iter()
    }
}

/// What is said of a withdrawal.
enum Said<'a> {
    /// Money is held for it.
    Held(Option<&'a str>),
    /// It is over.
    Settled,
}

/// What each recording says, in the order of its events; the bank's is believed before a machine's.
pub(super) fn unsettled(loaded: &Loaded) -> Unsettled {
    let mut known: HashMap<&str, (Hold, bool)> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    let has_bank = |event: &Event, run: usize| {
        let conversation = loaded.conversation(run, event);
        conversation.is_some_and(|index| loaded.conversations[index].server.is_some())
    };
    for (index, run) in loaded.runs.iter().enumerate() {
        for event in &run.events {
            let side = event.side;
            let Some((id, said)) = said(&event.what) else {
                continue;
            };
            if side == Side::Client && has_bank(event, index) {
                continue;
            }
            let (hold, is_settled) = known.entry(id).or_insert_with(|| {
                order.push(id);
                let hold = Hold {
                    id: id.into(),
                    amount: None,
                    conversation: None,
                    run: None,
                };
                (hold, false)
            });
            match said {
                Said::Settled => *is_settled = true,
                Said::Held(amount) => {
                    hold.amount = amount.map(Into::into).or(hold.amount.take());
                    hold.conversation = loaded.conversation(index, event).or(hold.conversation);
                    hold.run = Some(index);
                }
            }
        }
    }
    let mut unsettled = Unsettled::default();
    for id in order {
        // Money that was never held needs no settling.
        if let Some((hold, false)) = known.remove(id)
            && hold.run.is_some()
        {
            unsettled.places.insert(id.into(), unsettled.holds.len());
            unsettled.holds.push(hold);
        }
    }
    unsettled
}

fn said(what: &What) -> Option<(&str, Said<'_>)> {
    match what {
        What::Note(note) => {
            let id = note.about.as_deref();
            let id = id.filter(|id| id.starts_with("WITH_"))?;
            match note.kind {
                NoteKind::Held => Some((id, Said::Held(note.amount.as_deref()))),
                NoteKind::Confirmed
                | NoteKind::RolledBack
                | NoteKind::Declined
                | NoteKind::Disputed => Some((id, Said::Settled)),
                _ => None,
            }
        }
        What::Sent(message) | What::Received(message)
            if message.direction == Direction::ToClient =>
        {
            let said = message.text.as_deref()?.strip_prefix("OK WITH_")?;
            let text = message.text.as_deref()?;
            let id = ids_in(text).next()?;
            let (_, said) = said.split_once(' ')?;
            if let Some(rest) = said.strip_prefix("held ") {
                return Some((id, Said::Held(rest.split(',').next())));
            }
            let is_over = said.starts_with("confirmed") || said.starts_with("rolled back");
            is_over.then_some((id, Said::Settled))
        }
        _ => None,
    }
}
