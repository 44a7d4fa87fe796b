//! Where the money and the notes are in the end.

use proto::atm::Kind;
use proto::refusal::Code;

use super::history::{Attempt, Fate, History, JournalEnd, Reply, Verb};
use super::words::{amount, moved, times};

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
    pub fn of(history: &History, bank_is_recorded: bool) -> Ending {
        match history.has_two_phases() {
            true => in_two_phases(history, bank_is_recorded),
            false => in_one_phase(history, bank_is_recorded),
        }
    }
}

fn ending(state: State, words: impl Into<String>) -> Ending {
    let words = words.into();
    Ending { state, words }
}

/// What became of the money: what the bank recorded, or answered.
fn money(history: &History, bank_is_recorded: bool) -> Money {
    let ledger = &history.ledger;
    if ledger.confirmed || history.journal.end == Some(JournalEnd::Confirmed) {
        return Money::Booked;
    }
    let confirmed = Reply::Refused(Some(Code::AlreadyConfirmed));
    let is_confirmed = |verb| history.answers_to(verb).any(|answer| answer == confirmed);
    let is_done = |verb| {
        let mut answers = history.answers_to(verb);
        answers.any(|answer| matches!(answer, Reply::Done { .. }))
    };
    let ended = history
        .journal
        .end
        .is_some_and(|end| matches!(end, JournalEnd::RolledBack | JournalEnd::Declined(_)));
    if is_done(Verb::Confirm) || is_confirmed(Verb::Hold) || is_confirmed(Verb::Rollback) {
        Money::Booked
    } else if ledger.rolled_back || ledger.declined.is_some() || ended || is_done(Verb::Rollback) {
        Money::Untouched
    } else if ledger.held > 0 || is_done(Verb::Hold) {
        Money::Held
    } else if bank_is_recorded || history.attempts_at(Verb::Hold).next().is_none() {
        Money::NotAsked
    } else {
        Money::Unknown
    }
}

fn in_two_phases(history: &History, bank_is_recorded: bool) -> Ending {
    let money = money(history, bank_is_recorded);
    let (amount, is_withdrawal) = (amount(history), history.id.kind == Kind::Withdrawal);
    // Without the machine's recording, its requests show it.
    let notes = match history.machine_is_recorded {
        true => moved(history),
        false if history.arrived(Verb::Confirm) => Some(true),
        false if history.arrived(Verb::Rollback) || money == Money::Untouched => Some(false),
        false => None,
    };
    let Words {
        booked,
        unbooked,
        moved,
        unmoved,
        payer,
        payee,
        ..
    } = Words::of(history.id.kind);
    let mut end = match (money, notes) {
        (Money::Booked, Some(true)) => ending(
            State::Settled,
            format!("{amount} {booked}, once, and {moved}."),
        ),
        (Money::Untouched, Some(false)) => ending(State::Settled, untouched(is_withdrawal)),
        (Money::Booked, Some(false)) => ending(
            State::Wrong,
            format!("{amount} {booked} and {unmoved}: {payer} has lost it."),
        ),
        (Money::Untouched, Some(true)) => ending(
            State::Wrong,
            format!("{moved} and {amount} {unbooked}: {payee} has lost it."),
        ),
        (Money::Booked | Money::Untouched, None) => ending(
            State::Open,
            "the bank has settled it, and where the notes are only the drawer can tell.",
        ),
        (Money::Held | Money::NotAsked | Money::Unknown, notes) => {
            open(history, money, notes, &amount)
        }
    };
    if let Some(JournalEnd::Disputed(code)) = history.journal.end {
        let code = code.map_or(String::new(), |code| format!(" ({})", code.as_str()));
        let words = " The machine and the bank contradict each other";
        end.words += &format!("{words}{code}: a person has to look.");
        end.state = State::Wrong;
    } else if end.state == State::Settled
        && history.machine_is_recorded
        && history.journal.end.is_none()
    {
        end.words += " The machine does not know that yet: it asks the bank again when it starts, and \
                      that changes nothing.";
    }
    end
}

/// What is said of one kind of transaction and not of the other.
struct Words {
    booked: &'static str,
    unbooked: &'static str,
    moved: &'static str,
    unmoved: &'static str,
    did: &'static str,
    /// Who loses when the money is booked and no notes move.
    payer: &'static str,
    /// Who loses when the notes move and the money is not booked.
    payee: &'static str,
}

impl Words {
    const fn of(kind: Kind) -> Words {
        match kind {
            Kind::Withdrawal => Words {
                booked: "has left the account",
                unbooked: "is still in the account",
                moved: "the notes are in the customer's hands",
                unmoved: "no notes came out",
                did: "debited",
                payer: "the customer",
                payee: "the bank",
            },
            Kind::Deposit => Words {
                booked: "is in the account",
                unbooked: "is not in the account",
                moved: "the notes are in the drawer",
                unmoved: "no notes went in",
                did: "credited",
                payer: "the bank",
                payee: "the customer",
            },
        }
    }
}

fn untouched(is_withdrawal: bool) -> &'static str {
    match is_withdrawal {
        true => "nothing moved: the money is in the account, and the notes are in the drawer.",
        false => "nothing moved: the account is as it was, and the customer has the notes.",
    }
}

/// What is not settled, and what will settle it.
fn open(history: &History, money: Money, notes: Option<bool>, amount: &str) -> Ending {
    let is_withdrawal = history.id.kind == Kind::Withdrawal;
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
    let kind = Words::of(history.id.kind);
    let (of_the_notes, verb) = match notes {
        Some(true) => (kind.moved, "confirms it"),
        Some(false) => (kind.unmoved, "rolls it back"),
        None => (
            "where the notes are is not known",
            "counts its drawer, and confirms it or rolls it back",
        ),
    };
    let mut words = format!("it is not settled: {at_the_bank}; {of_the_notes}.");
    if money == Money::NotAsked && !history.machine_is_recorded {
        return ending(State::Open, words);
    }
    words += &format!(
        " The machine {verb} when it starts again, before anything else; `labclient atm settle` \
         does it now."
    );
    if money != Money::NotAsked {
        words += " If that machine never comes back, an operator ";
        let settle = format!("`labserver ledger settle {}", history.id);
        words += &match notes {
            None => format!(
                "counts its drawer, and then {settle} confirm`, or `rollback` if no notes moved."
            ),
            Some(true) => format!("does: {settle} confirm`."),
            Some(false) => format!("does: {settle} rollback`."),
        };
    }
    ending(State::Open, words)
}

/// Under semantics without settlement, where the bank books at once.
fn in_one_phase(history: &History, bank_is_recorded: bool) -> Ending {
    let semantics = history.semantics;
    let booked = match bank_is_recorded {
        true => history.ledger.held,
        false => {
            let fresh = |answer: &Reply| *answer == Reply::Done { repeat: false };
            history.answers_to(Verb::Hold).filter(fresh).count() as u32
        }
    };
    let is_withdrawal = history.id.kind == Kind::Withdrawal;
    let one = amount(history);
    let times_the_amount = |times: u32| {
        let all = |amount: proto::atm::Money| amount.minor() * i64::from(times);
        let all = history
            .amount
            .map(all)
            .and_then(proto::atm::Money::from_minor);
        all.map_or_else(|| one.clone(), |all| all.to_string())
    };
    let all = times_the_amount(booked);
    let more = times_the_amount(booked.saturating_sub(1));
    let times = times(booked);
    let is_answered = |one: &Attempt| {
        let may_be_done = one.fate == Fate::Sent;
        !may_be_done || one.answer.is_some() && (one.answer_to_copy.is_some() || !one.is_doubled)
    };
    let is_certain = bank_is_recorded || history.attempts_at(Verb::Hold).all(is_answered);
    let Words {
        booked: at_the_bank,
        moved: moved_notes,
        unmoved,
        did,
        payer,
        ..
    } = Words::of(history.id.kind);
    if !history.machine_is_recorded {
        return match booked {
            0 => ending(State::Settled, "the account is as it was."),
            1 => ending(
                State::Unknown,
                format!(
                    "the account was {did} {one}; whether the notes moved is not known from this \
                     side."
                ),
            ),
            _ => ending(
                State::Wrong,
                format!("the account was {did} {times}, {all} in all, for what was asked once."),
            ),
        };
    }
    let mut end = match (booked, moved(history).unwrap_or(false)) {
        (0, false) if is_certain => ending(State::Settled, untouched(is_withdrawal)),
        (0, false) => ending(
            State::Unknown,
            format!(
                "no notes moved, and whether the bank booked {one} is not known from this side."
            ),
        ),
        (0, true) => ending(
            State::Wrong,
            format!("the notes moved and the bank did not book {one}."),
        ),
        (1, true) if is_certain => ending(
            State::Settled,
            format!("{one} {at_the_bank}, and {moved_notes}."),
        ),
        (1, true) => ending(
            State::Unknown,
            format!(
                "{one} {at_the_bank}, and {moved_notes}. Whether it was {did} once more, for a \
                 request whose answer never came, is not known from this side."
            ),
        ),
        (1, false) => ending(
            State::Wrong,
            format!("the bank {did} {one} and {unmoved}: {payer} has lost {one}."),
        ),
        (_, true) => {
            let lost = match is_withdrawal {
                true => format!("and the customer has only {one} in notes, and has lost {more}"),
                false => format!("for {one} in notes, and the bank has lost {more}"),
            };
            let words = format!("the bank {did} {times}: {all} {at_the_bank}, {lost}.");
            ending(State::Wrong, words)
        }
        (_, false) => ending(
            State::Wrong,
            format!("the bank {did} {times}: {all} {at_the_bank}, and {unmoved}."),
        ),
    };
    end.words += &match end.state {
        State::Settled => format!(" Under {semantics} that is so only as long as nothing is lost."),
        State::Open | State::Unknown => String::new(),
        State::Wrong => format!(" Under {semantics} nothing repairs that: exactly-once does."),
    };
    end
}
