//! Clocks of two machines that differ, brought together.
//!
//! No message is received before it was sent. Where one seems to be, the client's clock is put so
//! that the fastest message to the server took as long as the fastest one back.

use std::collections::BTreeMap;

use super::{Action, Gatherer};
use crate::sequence::Moment;
use record::wording::duration;

/// A correction is worth a word from so many nanoseconds on.
const NOTABLE: u64 = 1_000_000;

/// The shortest times that messages took from a client to a server and back, as their clocks have
/// it.
type Fastest = (Option<Moment>, Option<Moment>);

/// What is to be added to the client's clock.
fn correction(fastest: Fastest) -> Moment {
    match fastest {
        (Some(to), Some(back)) if to < 0 || back < 0 => to.saturating_sub(back) / 2,
        (Some(to), None) if to < 0 => to,
        (None, Some(back)) if back < 0 => back.saturating_neg(),
        _ => 0,
    }
}

/// Corrects the clocks of clients, and says of which.
pub(super) fn correct(gatherer: &mut Gatherer<'_, '_>) {
    let lifelines = &gatherer.columns.lifelines;
    let mut pairs: BTreeMap<(usize, usize), Fastest> = BTreeMap::new();
    for arrow in &gatherer.arrows {
        let (Some(sent), Some(received)) = (arrow.sent, arrow.received) else {
            continue;
        };
        let took = received.saturating_sub(sent);
        let (client, _) = gatherer.columns.of_conversation[arrow.conversation];
        let known = match arrow.from == client {
            true => &mut pairs.entry((arrow.from, arrow.to)).or_default().0,
            false => &mut pairs.entry((arrow.to, arrow.from)).or_default().1,
        };
        *known = Some(known.map_or(took, |known| known.min(took)));
    }
    let mut corrections = vec![0; lifelines.len()];
    for ((client, _), fastest) in pairs {
        if corrections[client] == 0 {
            corrections[client] = correction(fastest);
        }
    }
    for (life, correction) in corrections.iter().enumerate() {
        if correction.unsigned_abs() >= NOTABLE {
            gatherer.clocks.push(format!(
                "the clocks differ: {} is put {} {}, so that nothing is received before it is sent",
                lifelines[life].name,
                duration(correction.unsigned_abs()),
                if *correction > 0 { "later" } else { "earlier" },
            ));
        }
    }
    for (line, correction) in gatherer.actions.iter_mut().zip(&corrections) {
        for entry in line.iter_mut().filter(|_| *correction != 0) {
            entry.at = entry.at.saturating_add(*correction);
            let moment = match entry.action {
                Action::Sends(arrow) => &mut gatherer.arrows[arrow].sent,
                Action::Receives(arrow) => &mut gatherer.arrows[arrow].received,
                Action::Alone(_) | Action::Nothing => continue,
            };
            *moment = moment.map(|at| at.saturating_add(*correction));
        }
    }
}
