//! The invariants: of every state, of a state at rest, and of what a machine shows its customer.

use super::bank::Ledger;
use super::system::{CashMachine, System};
use super::violation::Violation;
use crate::atm::machine::{Action, Outcome};
use crate::atm::record::{Account, Event, Status, Transaction};
use crate::atm::{Kind, TransactionId};
use crate::refusal::Code;

/// Checks what must hold in every state.
pub(super) fn check_state(system: &System) -> Option<Violation> {
    let ledger = &*system.bank.working;
    notes_without_money(system, ledger)
        .or_else(|| deposit_without_notes(system, ledger))
        .or_else(|| two_outcomes(ledger))
        .or_else(|| unbalanced(ledger))
}

/// Checks what must hold when no step without a fault is left.
pub(super) fn check_quiescent(system: &System) -> Option<Violation> {
    let ledger = &*system.bank.durable;
    let at_rest = |machine: &CashMachine| machine.state.next() == Action::Idle;
    if !system.machines.iter().all(|machine| at_rest(machine)) {
        return Some(Violation::NeverQuiescent);
    }
    ledger
        .transactions()
        .find_map(|transaction| match transaction.status {
            Status::Held => Some(Violation::HeldIndefinitely(transaction.id)),
            Status::Confirmed if notes(system, transaction.id) == 0 => {
                Some(Violation::MoneyWithoutNotes(transaction.id))
            }
            _ => None,
        })
}

/// Checks that an outcome shown to a customer is true, and is not one that must not occur.
pub(super) fn check_outcome(
    outcome: &Outcome,
    machine: &CashMachine,
    ledger: &Ledger,
) -> Option<Violation> {
    let moved = |id: &TransactionId| machine.moved.iter().any(|(moved, _)| moved == id);
    let status = |id: &TransactionId| {
        let mut transactions = ledger.transactions();
        Some(&transactions.find(|t| t.id == *id)?.status)
    };
    let stands = |id| matches!(status(id), Some(Status::Held | Status::Confirmed));
    match outcome {
        Outcome::Moved { id, .. } => {
            let holds = moved(id) && status(id) == Some(&Status::Confirmed);
            (!holds).then_some(Violation::FalseStatement(*id))
        }
        Outcome::Declined { id, refusal } => {
            // The id may be that of another machine's transaction.
            let other = refusal.code == Code::Mismatch;
            (moved(id) || (stands(id) && !other)).then_some(Violation::FalseStatement(*id))
        }
        Outcome::RolledBack { id, .. } => {
            (moved(id) || stands(id)).then_some(Violation::FalseStatement(*id))
        }
        Outcome::Disputed { id, .. } => Some(Violation::Disputed(*id)),
        Outcome::Unsettled { .. } => None,
    }
}

/// The amount of the notes that moved under this id, in hundredths.
fn notes(system: &System, id: TransactionId) -> i64 {
    let moved = system.machines.iter().flat_map(|machine| &machine.moved);
    moved
        .filter(|(moved, _)| *moved == id)
        .map(|(_, amount)| amount.money().minor())
        .sum()
}

fn notes_without_money(system: &System, ledger: &Ledger) -> Option<Violation> {
    let covers = |transaction: &&Transaction, id| {
        transaction.id == id
            && matches!(transaction.status, Status::Held | Status::Confirmed)
            && transaction.amount.money().minor() == notes(system, id)
    };
    let mut moved = system.machines.iter().flat_map(|machine| &machine.moved);
    moved.find_map(|(id, _)| {
        let covered = ledger.transactions().any(|t| covers(&t, *id));
        (!covered).then_some(Violation::NotesWithoutMoney(*id))
    })
}

/// A booked deposit can be spent at once, so its notes must have moved before.
fn deposit_without_notes(system: &System, ledger: &Ledger) -> Option<Violation> {
    let booked = |transaction: &&Transaction| {
        transaction.id.kind == Kind::Deposit && transaction.status == Status::Confirmed
    };
    let mut unpaid = ledger
        .transactions()
        .filter(booked)
        .filter(|transaction| notes(system, transaction.id) == 0);
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
