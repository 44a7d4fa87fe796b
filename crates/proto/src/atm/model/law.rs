//! What must hold.

use alloc::vec::Vec;
use core::fmt;

use super::bank::Ledger;
use super::world::{Station, World};
use crate::atm::machine::{Action, Damage, Outcome};
use crate::atm::record::{Account, Event, Status, Transaction};
use crate::atm::{Kind, TransactionId};

/// What does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Notes moved, and the bank neither holds nor has booked as much.
    NotesWithoutMoney(TransactionId),
    /// The bank has booked it, and no notes moved.
    MoneyWithoutNotes(TransactionId),
    /// One id has more than one outcome.
    TwoOutcomes(TransactionId, Vec<Event>),
    /// An account does not add up to its transactions.
    Unbalanced,
    /// A customer was told that nothing moved, or that it is booked, and it is not so.
    Untrue(TransactionId),
    /// The machine and the bank contradict each other.
    Disputed(TransactionId),
    /// A machine cannot go on by itself.
    Damage(Damage),
    /// With no further fault, the bank still holds the money for ever.
    HeldForEver(TransactionId),
    /// With no further fault, a machine does not come to rest.
    NeverAtRest,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::NotesWithoutMoney(id) => {
                write!(
                    f,
                    "notes moved for {id}, but the bank does not have the money"
                )
            }
            Violation::MoneyWithoutNotes(id) => {
                write!(f, "the bank has booked {id}, but no notes moved")
            }
            Violation::TwoOutcomes(id, events) => {
                write!(f, "more than one outcome of {id}:")?;
                events
                    .iter()
                    .try_for_each(|event| write!(f, " {},", event.as_str()))?;
                f.write_str(" in this order")
            }
            Violation::Unbalanced => f.write_str("the account is not the sum of its transactions"),
            Violation::Untrue(id) => write!(f, "what the customer was told of {id} is not so"),
            Violation::Disputed(id) => {
                write!(f, "the machine and the bank contradict each other on {id}")
            }
            Violation::Damage(damage) => write!(f, "a machine stops: {damage}"),
            Violation::HeldForEver(id) => write!(f, "nobody will ever settle {id}"),
            Violation::NeverAtRest => f.write_str("a machine never comes to rest"),
        }
    }
}

/// What does not hold here, though it must at any time.
pub(super) fn broken(world: &World) -> Option<Violation> {
    let ledger = &*world.bank.working;
    notes_without_money(world, ledger)
        .or_else(|| deposit_without_notes(world, ledger))
        .or_else(|| two_outcomes(ledger))
        .or_else(|| unbalanced(ledger))
}

/// What does not hold at the end, when all is settled that ever will be.
pub(super) fn broken_at_rest(world: &World) -> Option<Violation> {
    let ledger = &*world.bank.durable;
    let at_rest = |station: &Station| station.machine.next() == Action::Idle;
    if !world.stations.iter().all(|station| at_rest(station)) {
        return Some(Violation::NeverAtRest);
    }
    ledger
        .transactions()
        .find_map(|transaction| match transaction.status {
            Status::Held => Some(Violation::HeldForEver(transaction.id)),
            Status::Confirmed if notes(world, transaction.id) == 0 => {
                Some(Violation::MoneyWithoutNotes(transaction.id))
            }
            _ => None,
        })
}

/// Whether this is not so, or a confession that something else is not.
pub(super) fn broken_by_saying(
    outcome: &Outcome,
    station: &Station,
    ledger: &Ledger,
) -> Option<Violation> {
    let moved = |id: &TransactionId| station.moved.iter().any(|(moved, _)| moved == id);
    let status = |id: &TransactionId| {
        let mut transactions = ledger.transactions();
        Some(&transactions.find(|t| t.id == *id)?.status)
    };
    match outcome {
        Outcome::Moved { id, .. } => {
            let so = moved(id) && status(id) == Some(&Status::Confirmed);
            (!so).then_some(Violation::Untrue(*id))
        }
        Outcome::Declined { id, refusal } => {
            // An id of somebody else's says nothing about this customer.
            let other = refusal.code == crate::refusal::Code::Mismatch;
            let held = matches!(status(id), Some(Status::Held | Status::Confirmed));
            (moved(id) || (held && !other)).then_some(Violation::Untrue(*id))
        }
        Outcome::RolledBack { id, .. } => {
            let held = matches!(status(id), Some(Status::Held | Status::Confirmed));
            (moved(id) || held).then_some(Violation::Untrue(*id))
        }
        Outcome::Disputed { id, .. } => Some(Violation::Disputed(*id)),
        Outcome::Unsettled { .. } => None,
    }
}

/// How much moved under this id, in hundredths.
fn notes(world: &World, id: TransactionId) -> i64 {
    let moved = world.stations.iter().flat_map(|station| &station.moved);
    moved
        .filter(|(moved, _)| *moved == id)
        .map(|(_, amount)| amount.money().minor())
        .sum()
}

fn notes_without_money(world: &World, ledger: &Ledger) -> Option<Violation> {
    let covers = |transaction: &&Transaction, id| {
        transaction.id == id
            && matches!(transaction.status, Status::Held | Status::Confirmed)
            && transaction.amount.money().minor() == notes(world, id)
    };
    let mut moved = world.stations.iter().flat_map(|station| &station.moved);
    moved.find_map(|(id, _)| {
        let covered = ledger.transactions().any(|t| covers(&t, *id));
        (!covered).then_some(Violation::NotesWithoutMoney(*id))
    })
}

/// Booked is spendable, so for a deposit not even a moment may pass.
fn deposit_without_notes(world: &World, ledger: &Ledger) -> Option<Violation> {
    let booked = |transaction: &&Transaction| {
        transaction.id.kind == Kind::Deposit && transaction.status == Status::Confirmed
    };
    let mut unpaid = ledger
        .transactions()
        .filter(booked)
        .filter(|transaction| notes(world, transaction.id) == 0);
    unpaid
        .next()
        .map(|transaction| Violation::MoneyWithoutNotes(transaction.id))
}

fn two_outcomes(ledger: &Ledger) -> Option<Violation> {
    let one: [&[Event]; 6] = [
        &[Event::Held],
        &[Event::Held, Event::Confirmed],
        &[Event::Held, Event::RolledBack],
        &[Event::RolledBack],
        &[Event::Declined],
        &[Event::Confirmed],
    ];
    let mut outcomes = ledger.outcomes.iter();
    let (id, events) = outcomes.find(|(_, events)| !one.contains(&&events[..]))?;
    Some(Violation::TwoOutcomes(*id, events.clone()))
}

fn unbalanced(ledger: &Ledger) -> Option<Violation> {
    let balanced = |account: &Account| {
        let sum = |kind: Kind, status: Status| -> i64 {
            let of_account = ledger
                .transactions()
                .filter(|t| t.card == account.card && t.id.kind == kind && t.status == status);
            of_account.map(|t| t.amount.money().minor()).sum()
        };
        let booked =
            sum(Kind::Deposit, Status::Confirmed) - sum(Kind::Withdrawal, Status::Confirmed);
        account.posted.minor() == account.opening.minor() + booked
            && account.held.minor() == sum(Kind::Withdrawal, Status::Held)
            && account.pending.minor() == sum(Kind::Deposit, Status::Held)
            && account.held <= account.posted
    };
    let mut accounts = ledger.books.accounts.values();
    (!accounts.all(balanced)).then_some(Violation::Unbalanced)
}
