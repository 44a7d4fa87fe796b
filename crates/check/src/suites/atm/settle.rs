//! The second phase: confirmed or rolled back, once, by whoever has the key.

use proto::refusal::Code;

use super::machine::{Card, Machine};
use super::transaction::{Transaction, amount};
use crate::case::Case;
use crate::server::Server;
use crate::verdict::Outcome;

/// The cases of settlements.
pub(super) const CASES: &[Case] = &[
    Case::must(
        "settle.confirm-once",
        "atm",
        "CONFIRM that comes again is `confirmed, repeat`, and the money moves once.",
        confirm_once,
    )
    .points(2)
    .cause("the money moves at each CONFIRM, or the repeat of a lost answer is refused"),
    Case::must(
        "settle.rollback-once",
        "atm",
        "ROLLBACK that comes again is `rolled back, repeat`, and the money is released once.",
        rollback_once,
    )
    .cause("the money is released at each ROLLBACK, or the repeat of a lost answer is refused"),
    Case::must(
        "settle.first-wins",
        "atm",
        "The first settlement stands: ROLLBACK afterwards is `already-confirmed`, CONFIRM is \
         `already-rolled-back`, and no money moves.",
        first_wins,
    )
    .points(2)
    .cause("the status of the transaction is not looked at before it is changed"),
    Case::must(
        "settle.unknown-confirm",
        "atm",
        "CONFIRM of an id that the bank does not know is `unknown-id`, and no money moves.",
        unknown_confirm,
    ),
    Case::must(
        "settle.unknown-rollback",
        "atm",
        "ROLLBACK of an id that the bank does not know is `rolled back`, with any key or any log-in.",
        unknown_rollback,
    )
    .cause("a machine that lost its request rolls it back, and must be answered that it is undone"),
    Case::must(
        "settle.late-request",
        "atm",
        "A rollback may overtake its withdrawal: the late one is `already-rolled-back`.",
        late_request,
    )
    .points(3)
    .cause("the rollback of an unknown id leaves no record, so the late withdrawal is held for ever"),
    Case::must(
        "settle.declined",
        "atm",
        "CONFIRM and ROLLBACK of what was declined are `declined`.",
        declined,
    ),
    Case::must(
        "settle.key-is-enough",
        "atm",
        "With its key a transaction is settled on any connection, without a log-in.",
        key_is_enough,
    )
    .points(2)
    .cause("a machine that restarts has the key in its journal, and no PIN"),
    Case::must(
        "settle.other-key",
        "atm",
        "With another key it is `mismatch`, and nothing changes.",
        other_key,
    )
    .points(2)
    .cause("ids are on receipts, so the key must be compared"),
    Case::must(
        "settle.no-key",
        "atm",
        "A transaction that was requested with a key is not settled without it, log-in or not: \
         `not-logged-in`.",
        no_key,
    )
    .points(2)
    .cause("the customer, who has the card and the receipt, may have the notes as well"),
    Case::must(
        "settle.by-card",
        "atm",
        "A transaction without a key is settled in a session of its card; with no log-in, or that of \
         another card, it is `not-logged-in`.",
        by_card,
    )
    .points(2),
];

fn confirm_once(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut now = before;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        machine.confirms(&transaction)?;
        now = transaction.confirmed_in(now);
        for _ in 0..2 {
            machine.asks_again(&transaction.confirm(), &transaction.is_confirmed())?;
            machine.has(now)?;
        }
    }
    machine.takes(server, now.available - before.available)
}

fn rollback_once(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        machine.rolls_back(&transaction)?;
        for _ in 0..2 {
            machine.asks_again(&transaction.rollback(), &transaction.is_rolled_back())?;
            machine.has(before)?;
        }
    }
    Ok(())
}

fn first_wins(server: &Server) -> Outcome {
    is_refused_once_settled(server, Transaction::rollback, Transaction::confirm)
}

/// What is asked of a transaction that is confirmed, and of one that is rolled back, is refused, and
/// moves no money.
pub(super) fn is_refused_once_settled(
    server: &Server,
    if_confirmed: fn(&Transaction) -> String,
    if_rolled_back: fn(&Transaction) -> String,
) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut now = before;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        machine.confirms(&transaction)?;
        now = transaction.confirmed_in(now);
        machine.is_refused(&if_confirmed(&transaction), Code::AlreadyConfirmed)?;
        machine.has(now)?;
    }
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        machine.rolls_back(&transaction)?;
        machine.is_refused(&if_rolled_back(&transaction), Code::AlreadyRolledBack)?;
        machine.has(now)?;
    }
    machine.takes(server, now.available - before.available)
}

fn unknown_confirm(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        machine.is_refused(&transaction.confirm(), Code::UnknownId)?;
        machine.has(before)?;
        // It was no request for one either.
        machine.holds(&transaction)?;
        machine.rolls_back(&transaction)?;
    }
    Ok(())
}

fn unknown_rollback(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        machine.rolls_back(&transaction.without_key())?;
    }
    let mut stranger = Machine::connect(server)?;
    for transaction in Transaction::both(server) {
        stranger.rolls_back(&transaction)?;
        stranger.asks_again(&transaction.rollback(), &transaction.is_rolled_back())?;
    }
    let withdrawal = Transaction::withdrawal(server, amount(server)).without_key();
    stranger.is_refused(&withdrawal.rollback(), Code::NotLoggedIn)?;
    machine.has(before)
}

fn late_request(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut restarted = Machine::connect(server)?;
    for transaction in Transaction::both(server) {
        restarted.rolls_back(&transaction)?;
        for _ in 0..2 {
            machine.is_refused(&transaction.hold(), Code::AlreadyRolledBack)?;
        }
        machine.is_refused(&transaction.confirm(), Code::AlreadyRolledBack)?;
        machine.has(before)?;
    }
    Ok(())
}

fn declined(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let too_much = Transaction::withdrawal(server, before.available + amount(server));
    machine.is_refused(&too_much.hold(), Code::InsufficientFunds)?;
    machine.is_refused(&too_much.confirm(), Code::Declined)?;
    machine.is_refused(&too_much.rollback(), Code::Declined)?;
    machine.has(before)?;
    machine.is_refused(&too_much.hold(), Code::InsufficientFunds)?;
    machine.is_refused(&too_much.confirm(), Code::Declined)
}

fn key_is_enough(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut restarted = Machine::connect(server)?;
    let mut now = before;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        restarted.confirms(&transaction)?;
        now = transaction.confirmed_in(now);
        machine.has(now)?;
    }
    // A session of another card is no hindrance.
    restarted.log_in(&Card::ahona())?;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        restarted.rolls_back(&transaction)?;
        machine.has(now)?;
    }
    machine.takes(server, now.available - before.available)
}

fn other_key(server: &Server) -> Outcome {
    cannot_settle(server, Code::Mismatch, |transaction| {
        transaction.with_other_key(server)
    })
}

fn no_key(server: &Server) -> Outcome {
    cannot_settle(server, Code::NotLoggedIn, |transaction| {
        transaction.without_key()
    })
}

/// Neither the machine nor a stranger can settle a transaction that has been changed so.
fn cannot_settle(
    server: &Server,
    code: Code,
    changed: impl Fn(Transaction) -> Transaction,
) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut stranger = Machine::connect(server)?;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        let held = machine.balance()?;
        let changed = changed(transaction.clone());
        for request in [changed.confirm(), changed.rollback()] {
            machine.is_refused(&request, code)?;
            stranger.is_refused(&request, code)?;
        }
        machine.has(held)?;
        machine.rolls_back(&transaction)?;
    }
    machine.has(before)
}

fn by_card(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut stranger = Machine::connect(server)?;
    let mut other = Machine::with_card(server, &Card::ahona())?;
    let mut now = before;
    for transaction in Transaction::both(server) {
        let transaction = transaction.without_key();
        machine.holds(&transaction)?;
        let held = machine.balance()?;
        for request in [transaction.confirm(), transaction.rollback()] {
            stranger.is_refused(&request, Code::NotLoggedIn)?;
            other.is_refused(&request, Code::NotLoggedIn)?;
        }
        machine.has(held)?;
        machine.confirms(&transaction)?;
        now = transaction.confirmed_in(now);
    }
    machine.takes(server, now.available - before.available)
}
