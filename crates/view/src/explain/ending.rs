//! Where the money and the notes are in the end.

use proto::atm::Kind;
use proto::refusal::Code;

use super::story::{Fate, JournalEnd, Reply, Story, Try, Verb};
use super::words::{amount, moved};

/// Where they are, and what is left to do.
#[derive(Debug)]
pub(super) struct Ending {
    pub state: State,
    pub words: String,
}

/// Whether all is where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    Settled,
    Open,
    /// Only the other side knows.
    Unknown,
    Wrong,
}

/// What became of the money at the bank.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Money {
    Booked,
    Held,
    /// It is where it was, and stays there.
    Untouched,
    /// It is where it was, as far as is known; the bank may still be asked.
    NotAsked,
    /// Only the bank knows.
    Unknown,
}

impl Ending {
    /// The end of this transaction.
    pub fn of(story: &Story, bank_is_recorded: bool) -> Ending {
        match story.has_two_phases() {
            true => in_two_phases(story, bank_is_recorded),
            false => in_one_phase(story, bank_is_recorded),
        }
    }
}

fn ending(state: State, words: String) -> Ending {
    Ending { state, words }
}

/// What became of the money: what the bank recorded, or what it told the machine.
fn money(story: &Story, bank_is_recorded: bool) -> Money {
    let ledger = &story.ledger;
    if ledger.confirmed || story.journal.end == Some(JournalEnd::Confirmed) {
        return Money::Booked;
    }
    let is_confirmed = |verb| {
        let mut answers = story.answers_to(verb);
        answers.any(|answer| answer == Reply::Refused(Some(Code::AlreadyConfirmed)))
    };
    let is_done = |verb| {
        let mut answers = story.answers_to(verb);
        answers.any(|answer| matches!(answer, Reply::Done { .. }))
    };
    let ended = matches!(
        story.journal.end,
        Some(JournalEnd::RolledBack | JournalEnd::Declined(_))
    );
    if is_done(Verb::Confirm) || is_confirmed(Verb::Hold) || is_confirmed(Verb::Rollback) {
        Money::Booked
    } else if ledger.rolled_back || ledger.declined.is_some() || ended || is_done(Verb::Rollback) {
        Money::Untouched
    } else if ledger.held > 0 || is_done(Verb::Hold) {
        Money::Held
    } else if bank_is_recorded || story.tries_at(Verb::Hold).next().is_none() {
        Money::NotAsked
    } else {
        Money::Unknown
    }
}

fn in_two_phases(story: &Story, bank_is_recorded: bool) -> Ending {
    let money = money(story, bank_is_recorded);
    let (amount, is_withdrawal) = (amount(story), story.id.kind == Kind::Withdrawal);
    // Without the machine's recording, what it told the bank has to do.
    let notes = match story.machine_is_recorded {
        true => moved(story),
        false if story.arrived(Verb::Confirm) => Some(true),
        false if story.arrived(Verb::Rollback) || money == Money::Untouched => Some(false),
        false => None,
    };
    let mut end = match (money, notes) {
        (Money::Booked, Some(true)) if is_withdrawal => ending(
            State::Settled,
            format!(
                "{amount} has left the account, once, and the notes are in the customer's hands."
            ),
        ),
        (Money::Booked, Some(true)) => ending(
            State::Settled,
            format!("{amount} is in the account, once, and the notes are in the drawer."),
        ),
        (Money::Untouched, Some(false)) => ending(State::Settled, untouched(is_withdrawal)),
        (Money::Booked, Some(false)) if is_withdrawal => ending(
            State::Wrong,
            format!(
                "{amount} has left the account and no notes came out: the customer has lost it."
            ),
        ),
        (Money::Booked, Some(false)) => ending(
            State::Wrong,
            format!("{amount} is in the account and no notes went in: the bank has lost it."),
        ),
        (Money::Untouched, Some(true)) if is_withdrawal => ending(
            State::Wrong,
            format!(
                "the notes are in the customer's hands and {amount} is still in the account: \
                     the bank has lost it."
            ),
        ),
        (Money::Untouched, Some(true)) => ending(
            State::Wrong,
            format!(
                "the notes are in the drawer and {amount} is not in the account: the customer \
                     has lost it."
            ),
        ),
        (Money::Booked | Money::Untouched, None) => ending(
            State::Open,
            "the bank has settled it, and where the notes are only the drawer can tell.".into(),
        ),
        (Money::Held | Money::NotAsked | Money::Unknown, notes) => {
            open(story, money, notes, &amount)
        }
    };
    if let Some(JournalEnd::Disputed(code)) = story.journal.end {
        let code = code.map_or(String::new(), |code| format!(" ({})", code.as_str()));
        end.words += &format!(
            " The machine and the bank contradict each other{code}: a person has \
                               to look."
        );
        end.state = State::Wrong;
    } else if end.state == State::Settled
        && story.machine_is_recorded
        && story.journal.end.is_none()
    {
        end.words += " The machine does not know that yet: it asks the bank again when it starts, and \
                      that changes nothing.";
    }
    end
}

fn untouched(is_withdrawal: bool) -> String {
    match is_withdrawal {
        true => "nothing moved: the money is in the account, and the notes are in the drawer.",
        false => "nothing moved: the account is as it was, and the customer has the notes.",
    }
    .to_owned()
}

/// What is not settled, and what will settle it.
fn open(story: &Story, money: Money, notes: Option<bool>, amount: &str) -> Ending {
    let is_withdrawal = story.id.kind == Kind::Withdrawal;
    let at_the_bank = match (money, is_withdrawal) {
        (Money::Held, true) => {
            format!("the bank holds {amount}: it is in the account, and cannot be withdrawn")
        }
        (Money::Held, false) => format!(
            "the bank knows of {amount}, and it is not in the account before it is confirmed"
        ),
        (Money::Unknown, _) => format!(
            "whether the bank holds {amount} cannot be known from this side, because no answer came"
        ),
        _ => "the bank has recorded nothing of it".to_owned(),
    };
    let (of_the_notes, verb) = match (notes, is_withdrawal) {
        (Some(true), true) => ("the notes are in the customer's hands", "confirms it"),
        (Some(true), false) => ("the notes are in the drawer", "confirms it"),
        (Some(false), true) => ("no notes came out", "rolls it back"),
        (Some(false), false) => ("no notes went in", "rolls it back"),
        (None, _) => (
            "where the notes are is not known",
            "counts its drawer, and confirms it or rolls it back",
        ),
    };
    let mut words = format!("it is not settled: {at_the_bank}; {of_the_notes}.");
    if money == Money::NotAsked && !story.machine_is_recorded {
        return ending(State::Open, words);
    }
    words += &format!(
        " The machine {verb} when it starts again, before anything else; `labclient atm settle` \
         does it now."
    );
    if money != Money::NotAsked {
        let outcome = match notes {
            Some(true) => "confirm",
            Some(false) => "rollback",
            None => "confirm` or `rollback",
        };
        words += &match notes {
            None => format!(
                " If that machine never comes back, an operator counts its drawer, and then \
                 `labserver ledger settle {} confirm`, or `rollback` if no notes moved.",
                story.id
            ),
            Some(_) => format!(
                " If that machine never comes back, an operator does: \
                 `labserver ledger settle {} {outcome}`.",
                story.id
            ),
        };
    }
    ending(State::Open, words)
}

/// Where the bank books at once, and nobody settles anything.
fn in_one_phase(story: &Story, bank_is_recorded: bool) -> Ending {
    let semantics = story.semantics;
    let booked = match bank_is_recorded {
        true => story.ledger.held,
        false => {
            let fresh = |answer: &Reply| *answer == Reply::Done { repeat: false };
            story.answers_to(Verb::Hold).filter(fresh).count() as u32
        }
    };
    let is_withdrawal = story.id.kind == Kind::Withdrawal;
    let one = amount(story);
    let times_the_amount = |times: u32| {
        story
            .amount
            .and_then(|amount| proto::atm::Money::from_minor(amount.minor() * i64::from(times)))
            .map_or_else(|| one.clone(), |all| all.to_string())
    };
    let all = times_the_amount(booked);
    let more = times_the_amount(booked.saturating_sub(1));
    let times = match booked {
        2 => "twice".to_owned(),
        times => format!("{times} times"),
    };
    let is_answered = |one: &Try| {
        let may_be_done = one.fate == Fate::Sent;
        !may_be_done || one.answer.is_some() && (one.answer_to_copy.is_some() || !one.is_doubled)
    };
    let is_certain = bank_is_recorded || story.tries_at(Verb::Hold).all(is_answered);
    if !story.machine_is_recorded {
        let did = if is_withdrawal { "debited" } else { "credited" };
        let state = match booked {
            0 => State::Settled,
            1 => State::Unknown,
            _ => State::Wrong,
        };
        return ending(
            state,
            match booked {
                0 => "the account is as it was.".to_owned(),
                1 => format!(
                    "the account was {did} {one}; whether the notes moved is not known \
                              from this side."
                ),
                _ => {
                    format!("the account was {did} {times}, {all} in all, for what was asked once.")
                }
            },
        );
    }
    let mut end = match (booked, moved(story).unwrap_or(false), is_withdrawal) {
        (0, false, _) if is_certain => ending(State::Settled, untouched(is_withdrawal)),
        (0, false, _) => ending(
            State::Unknown,
            format!(
                "no notes moved, and whether the bank booked {one} is not known from this side."
            ),
        ),
        (0, true, _) => ending(
            State::Wrong,
            format!("the notes moved and the bank did not book {one}."),
        ),
        (1, true, true) if !is_certain => ending(
            State::Unknown,
            format!(
                "{one} has left the account, and the notes are in the customer's hands. Whether it \
                 was debited once more, for a request whose answer never came, is not known from \
                 this side."
            ),
        ),
        (1, true, false) if !is_certain => ending(
            State::Unknown,
            format!(
                "{one} is in the account, and the notes are in the drawer. Whether it was credited \
                 once more, for a request whose answer never came, is not known from this side."
            ),
        ),
        (1, true, true) => ending(
            State::Settled,
            format!("{one} has left the account, and the notes are in the customer's hands."),
        ),
        (1, true, false) => ending(
            State::Settled,
            format!("{one} is in the account, and the notes are in the drawer."),
        ),
        (1, false, true) => ending(
            State::Wrong,
            format!("the bank debited {one} and no notes came out: the customer has lost {one}."),
        ),
        (1, false, false) => ending(
            State::Wrong,
            format!("the bank credited {one} and no notes went in: the bank has lost {one}."),
        ),
        (_, true, true) => ending(
            State::Wrong,
            format!(
                "the bank debited {times}: {all} has left the account, and the customer has only \
                 {one} in notes, and has lost {more}."
            ),
        ),
        (_, true, false) => ending(
            State::Wrong,
            format!(
                "the bank credited {times}: {all} is in the account, for {one} in notes, and the \
                 bank has lost {more}."
            ),
        ),
        (_, false, true) => ending(
            State::Wrong,
            format!("the bank debited {times}: {all} has left the account, and no notes came out."),
        ),
        (_, false, false) => ending(
            State::Wrong,
            format!("the bank credited {times}: {all} is in the account, and no notes went in."),
        ),
    };
    end.words += &match end.state {
        State::Settled => format!(" Under {semantics} that is so only as long as nothing is lost."),
        State::Open | State::Unknown => String::new(),
        State::Wrong => {
            format!(" Under {semantics} nothing repairs that: exactly-once does.")
        }
    };
    end
}
