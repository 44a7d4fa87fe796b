//! What became of each withdrawal and deposit: where the money and the notes are, and why.
//!
//! All is read off the events: the requests and answers that carry the transaction's id, what the
//! machine's journal and the bank's ledger noted, what faults did, and where a process died. What
//! only the other side recorded is not guessed.
//!
//! * `history`: what the events say of one transaction;
//! * `gather`: how it is found in the events;
//! * `words`: it in words;
//! * `ending`: where the money and the notes are.

mod ending;
mod gather;
mod history;
mod words;

use std::io::{self, Write};

use proto::side::Side;
use record::Run;

use self::ending::{Ending, State};

/// Writes what became of each transaction in these runs.
///
/// # Errors
/// When it cannot be written.
pub fn write(runs: &[Run], out: &mut impl Write) -> io::Result<()> {
    let found = gather::gather(runs);
    let lost = runs.iter().map(Run::lost).fold(0, u64::saturating_add);
    if lost > 0 {
        let events = if lost == 1 { "event" } else { "events" };
        writeln!(
            out,
            "{lost} {events} could not be recorded, so some of this may be incomplete.\n"
        )?;
    }
    if found.histories.is_empty() {
        let here = if runs.len() == 1 {
            "this recording"
        } else {
            "these recordings"
        };
        return writeln!(out, "There is no withdrawal and no deposit in {here}.");
    }
    if !found.bank_is_recorded {
        writeln!(
            out,
            "Only the machine's side is recorded: what the bank did is known from its answers \
             alone.\n"
        )?;
    } else if !runs.iter().any(|run| run.header.side == Side::Client) {
        writeln!(
            out,
            "Only the bank's side is recorded: what the notes did is known from what the machine \
             told the bank.\n"
        )?;
    }
    let mut states = Vec::new();
    for history in &found.histories {
        let ending = Ending::of(history, found.bank_is_recorded);
        writeln!(out, "{}", words::title(history))?;
        for sentence in words::sentences(history, &found) {
            writeln!(out, "  {sentence}")?;
        }
        writeln!(out, "  So: {}\n", ending.words)?;
        states.push(ending.state);
    }
    writeln!(out, "{}", sum(&states))
}

fn sum(states: &[State]) -> String {
    let count = |state| states.iter().filter(|found| **found == state).count();
    let each = [
        (State::Settled, "settled"),
        (State::Open, "not settled"),
        (State::Unknown, "not known from this side"),
        (State::Wrong, "where money was lost or doubled"),
    ];
    let each = each.into_iter().filter(|(state, _)| count(*state) > 0);
    let parts: Vec<String> = each
        .map(|(state, words)| format!("{} {words}", count(state)))
        .collect();
    match (states.len(), &parts[..]) {
        (1, [only]) => format!("1 transaction: {}.", only.trim_start_matches("1 ")),
        (count, _) => format!("{count} transactions: {}.", parts.join(", ")),
    }
}

#[cfg(test)]
mod tests;
