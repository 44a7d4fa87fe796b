//! A transaction in words: a title, and a sentence for each step.

use proto::atm::{Kind, Money};

use super::gather::Found;
use super::history::{Arrival, Attempt, Death, Fate, History, Reply, Verb};

/// What it is.
pub(super) fn title(history: &History) -> String {
    let kind = match history.id.kind {
        Kind::Withdrawal => "a withdrawal",
        Kind::Deposit => "a deposit",
    };
    let machine = history.machine.as_ref().map(|name| format!(" at {name}"));
    let machine = machine.unwrap_or_default();
    format!("{}: {kind} of {}{machine}", history.id, amount(history))
}

/// How much it moves.
pub(super) fn amount(history: &History) -> String {
    let amount = history.amount.map(|amount| amount.to_string());
    amount.unwrap_or_else(|| "an unknown amount".to_owned())
}

/// `twice`, `3 times`.
pub(super) fn times(number: u32) -> String {
    match number {
        2 => "twice".to_owned(),
        number => format!("{number} times"),
    }
}

/// What happened, in order.
pub(super) fn sentences(history: &History, found: &Found) -> Vec<String> {
    let both = found.bank_is_recorded;
    let mut all = Vec::new();
    if history.machine_is_recorded {
        all.extend(asked(history, Verb::Hold, both));
    }
    if both && !history.machine_is_recorded {
        all.extend(came(history));
    }
    if both {
        all.push(bank(history));
    }
    all.push(notes(history));
    all.extend(history.deaths.iter().map(death));
    if history.machine_is_recorded {
        all.extend(asked(history, Verb::Confirm, both));
        all.extend(asked(history, Verb::Rollback, both));
    }
    all
}

/// What the machine asked, how often, and what came of each attempt.
fn asked(history: &History, verb: Verb, bank_is_recorded: bool) -> Option<String> {
    let attempts: Vec<&Attempt> = history.attempts_at(verb).collect();
    let amount = amount(history);
    let what = match (verb, history.id.kind) {
        (Verb::Hold, Kind::Withdrawal) if history.has_two_phases() => {
            format!("asked the bank to hold {amount}")
        }
        (Verb::Hold, Kind::Withdrawal) => format!("asked the bank to debit {amount}"),
        (Verb::Hold, Kind::Deposit) => format!("told the bank of {amount} to be paid in"),
        (Verb::Confirm, Kind::Withdrawal) => "told the bank that the notes are out".into(),
        (Verb::Confirm, Kind::Deposit) => "told the bank that the notes are in".into(),
        (Verb::Rollback, _) => "told the bank that no notes moved, and none will".into(),
    };
    let times = match attempts.len() {
        0 if verb == Verb::Hold => return Some("The machine never asked the bank for it.".into()),
        0 => return None,
        1 => "once".to_owned(),
        times => format!("{times} times, always with this id"),
    };
    let fates = attempts
        .iter()
        .map(|one| fate(history, one, bank_is_recorded));
    Some(format!("The machine {what}, {times}: {}.", grouped(fates)))
}

/// What came to the bank and what it answered, where only its side is recorded.
fn came(history: &History) -> Option<String> {
    let asked: Vec<&Arrival> = history.arrivals_of(Verb::Hold).collect();
    let times = match asked.len() {
        0 => return None,
        1 => "once".to_owned(),
        times => format!("{times} times"),
    };
    let each = asked.iter().map(|arrival| match arrival.answer {
        Some(answer) if !arrival.answer_was_lost && !arrival.was_dropped => {
            format!("the answer was \"{}\"", reply(arrival.verb, answer))
        }
        _ => unanswered(arrival),
    });
    let parts = grouped(each);
    Some(format!("The request came to the bank {times}: {parts}."))
}

/// A list, in which what came to the same many times in a row is said once.
fn grouped(each: impl Iterator<Item = String>) -> String {
    let mut groups: Vec<(usize, usize, String)> = Vec::new();
    for (number, fate) in (1..).zip(each) {
        match groups.last_mut() {
            Some((_, last, same)) if *same == fate => *last = number,
            _ => groups.push((number, number, fate)),
        }
    }
    if let [(1, 1, only)] = &groups[..] {
        return only.clone();
    }
    let parts: Vec<String> = groups
        .into_iter()
        .map(|(first, last, fate)| match last - first {
            0 => format!("({first}) {fate}"),
            1 => format!("({first}, {last}) {fate}"),
            _ => format!("({first} to {last}) {fate}"),
        })
        .collect();
    parts.join("; ")
}

/// What came of one attempt.
fn fate(history: &History, one: &Attempt, bank_is_recorded: bool) -> String {
    let doubled = match one.is_doubled {
        true => ", and a fault sent the request twice",
        false => "",
    };
    let words = match (one.fate, one.answer, one.arrival) {
        (Fate::Dropped, ..) => "a fault at the machine lost the request".to_owned(),
        (Fate::Refused, ..) => "a fault at the machine refused it, so it was not sent".to_owned(),
        (Fate::Cut, ..) => "a fault at the machine sent half of the request".to_owned(),
        (Fate::Reset, ..) => {
            "a fault at the machine reset the connection instead of sending it".to_owned()
        }
        (Fate::Sent, Some(answer), _) => {
            let was = match one.answer_was_lost {
                true => "a fault at the machine lost the answer,",
                false => "the answer was",
            };
            format!("{was} \"{}\"", reply(one.verb, answer))
        }
        (Fate::Sent, None, Some(arrival)) => unanswered(&history.arrivals[arrival]),
        // Behind a proxy the bank has another connection than the machine, and a request that came
        // there need not be this one.
        (Fate::Sent, None, None) if bank_is_recorded && has_only_known_arrivals(history) => {
            "the request did not reach the bank".into()
        }
        (Fate::Sent, None, None) => "no answer came".into(),
    };
    words + doubled
}

/// Whether each request that came to the bank is known to be one of the machine's.
fn has_only_known_arrivals(history: &History) -> bool {
    let known = history.attempts.iter().filter(|one| one.arrival.is_some());
    known.count() >= history.arrivals.len()
}

/// Why the machine has no answer to what came to the bank.
fn unanswered(arrival: &Arrival) -> String {
    match arrival.answer {
        _ if arrival.was_dropped => "a fault at the bank lost the request".into(),
        Some(answer) => match (reply(arrival.verb, answer), arrival.answer_was_lost) {
            (answer, true) => format!("a fault at the bank lost the answer, \"{answer}\""),
            (answer, false) => {
                format!("the bank answered \"{answer}\", and the machine did not get it")
            }
        },
        None if arrival.bank_died => "the bank died before it answered".into(),
        None => "the bank did not answer".into(),
    }
}

fn reply(verb: Verb, reply: Reply) -> String {
    match reply {
        Reply::Done { repeat } => {
            let done = match verb {
                Verb::Hold => "held",
                Verb::Confirm => "confirmed",
                Verb::Rollback => "rolled back",
            };
            format!("{done}{}", if repeat { ", repeat" } else { "" })
        }
        Reply::Refused(Some(code)) => format!("refused, {}", code.as_str()),
        Reply::Refused(None) => "refused".to_owned(),
    }
}

/// What the bank recorded.
fn bank(history: &History) -> String {
    let amount = amount(history);
    let ledger = &history.ledger;
    let did = match (history.id.kind, history.has_two_phases()) {
        (_, true) => "held",
        (Kind::Withdrawal, false) => "debited",
        (Kind::Deposit, false) => "credited",
    };
    let mut words = match ledger.held {
        0 => match (ledger.declined, ledger.rolled_back) {
            (Some(code), _) => {
                format!("The bank declined it, {}, and recorded that", code.as_str())
            }
            (None, true) => "The bank had not heard of it, and recorded that it never will be \
                             granted"
                .to_owned(),
            (None, false) if history.arrivals.is_empty() => {
                "The bank's recording has nothing of it".to_owned()
            }
            (None, false) => "The bank recorded nothing of it".to_owned(),
        },
        1 => format!("The bank {did} {amount}, once"),
        number => format!(
            "The bank {did} {amount} {}, because under {} it does not know a repeat again",
            times(number),
            history.semantics
        ),
    };
    words += &match ledger.repeats {
        0 => String::new(),
        1 => "; the repeat found that in the record, and changed nothing".to_owned(),
        repeats => format!("; {repeats} repeats found that in the record, and changed nothing"),
    };
    if ledger.held > 0 {
        words += match (ledger.confirmed, ledger.rolled_back) {
            (true, _) => "; then it booked it",
            (false, true) => "; then it released it",
            (false, false) => "",
        };
    }
    words + "."
}

/// What the notes did.
fn notes(history: &History) -> String {
    let (came, none) = match history.id.kind {
        Kind::Withdrawal => ("The notes came out", "No notes came out"),
        Kind::Deposit => ("The notes went in", "No notes went in"),
    };
    if !history.machine_is_recorded {
        if history.ledger.declined.is_some() {
            return "For what is declined no notes move.".to_owned();
        }
        let as_told =
            |notes: &str| format!("{}, as the machine told the bank", notes.to_lowercase());
        let notes = if history.arrived(Verb::Confirm) {
            as_told(came)
        } else if history.arrived(Verb::Rollback) {
            as_told(none)
        } else {
            "of the notes the machine has said nothing yet".to_owned()
        };
        return format!("The machine's own recording is not here; {notes}.");
    }
    match moved(history) {
        Some(true) => match (history.journal.before, history.journal.after) {
            (Some(before), Some(after)) => {
                format!("{came}: {before} was in the drawer before, {after} after.")
            }
            _ => format!("{came}."),
        },
        Some(false) => format!("{none}."),
        None if history.journal.before.is_none() => {
            format!("{none}, up to where the machine's recording stops.")
        }
        None => "Whether the notes moved is not in the recording: the machine finds out when it \
                 starts again, by counting its drawer."
            .to_owned(),
    }
}

/// Whether the notes have moved, as far as the machine's recording says; `None` when they may have.
pub(super) fn moved(history: &History) -> Option<bool> {
    let journal = &history.journal;
    let is_counted = |after: Money| Some(after) != journal.before;
    match (journal.has_moved, journal.before) {
        (true, _) => Some(true),
        _ if journal.is_rolling_back => Some(false),
        (false, None) if history.breaks_off() => None,
        (false, None) => Some(false),
        (false, Some(_)) => journal.after.map(is_counted),
    }
}

fn death(death: &Death) -> String {
    let who = if death.of_machine { "machine" } else { "bank" };
    let died = match &death.at {
        Some(at) => format!("The {who} died, by --fault crash-at={at}"),
        None => {
            format!("The recording of the {who} stops there: it was killed, or is still at work")
        }
    };
    let then = match (death.was_started_again, death.of_machine) {
        (true, true) => ", and was started again: its journal told it what was open",
        (true, false) => ", and was started again: its ledger had kept what it had recorded",
        (false, _) => "",
    };
    format!("{died}{then}.")
}
