//! The bank is killed, and starts again: what it has answered stands, and what it has not is done
//! once or not at all.

use std::thread;
use std::time::Duration;

use proto::refusal::Code;
use rand::RngExt;

use super::machine::{Card, Machine};
use super::transaction::{Balance, Transaction, amount, id, money};
use crate::case::Case;
use crate::server::Server;
use crate::verdict::Outcome;

/// The cases of a bank that is killed.
pub(super) const CASES: &[Case] = &[
    Case::must(
        "crash.after-hold",
        "atm",
        "What is on hold is so after the bank was killed: its repeat is answered, and it can be settled.",
        after_hold,
    )
    .points(3)
    .seconds(2)
    .cause("the hold is kept in memory, or written after the answer"),
    Case::must(
        "crash.after-settlement",
        "atm",
        "What was confirmed or rolled back is so after the bank was killed.",
        after_settlement,
    )
    .points(3)
    .seconds(2)
    .cause("the settlement is kept in memory, or written after the answer"),
    Case::must(
        "crash.after-decline",
        "atm",
        "What was declined is so after the bank was killed.",
        after_decline,
    )
    .seconds(2)
    .cause("only what succeeded is written"),
    Case::must(
        "crash.after-early-rollback",
        "atm",
        "The rollback of an id that was unknown is kept: the late withdrawal is refused after the \
         bank was killed.",
        after_early_rollback,
    )
    .points(2)
    .seconds(2)
    .cause("the rollback of an unknown id leaves no record, or one in memory only"),
    Case::must(
        "crash.wrong-pins",
        "atm",
        "Wrong PINs are counted across restarts, and a locked card stays locked.",
        wrong_pins,
    )
    .points(2)
    .seconds(3)
    .cause("the count of wrong PINs is kept in memory"),
    Case::must(
        "crash.log-in-id",
        "atm",
        "A failed log-in that is repeated under its id after the bank was killed is no second attempt.",
        log_in_id,
    )
    .seconds(3)
    .cause("the ids of failed log-ins are kept in memory"),
    Case::must(
        "crash.account",
        "atm",
        "A new account is there after the bank was killed, once.",
        account,
    )
    .seconds(2),
    Case::must(
        "crash.before-answer",
        "atm",
        "A request whose answer was lost because the bank was killed is carried out once: asked again, \
         it has one outcome, and the money adds up.",
        before_answer,
    )
    .points(3)
    .seconds(4)
    .cause("the effect is written in one step and the id, or the answer, in another"),
];

fn after_hold(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let (mut machine, before) = Machine::with_funds(server)?;
    let transactions = Transaction::both(server);
    let undone = Transaction::withdrawal(server, amount(server));
    for transaction in &transactions {
        machine.holds(transaction)?;
    }
    machine.holds(&undone)?;
    crash(server, machine)?;
    let mut machine = Machine::connect(server)?;
    machine.holds_again(&undone)?;
    machine.rolls_back(&undone)?;
    let mut now = before;
    for transaction in &transactions {
        machine.holds_again(transaction)?;
        machine.confirms(transaction)?;
        now = transaction.confirmed_in(now);
    }
    machine.log_in(&Card::joty())?;
    machine.has(now)
}

fn after_settlement(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let (mut machine, before) = Machine::with_funds(server)?;
    let confirmed = Transaction::both(server);
    let undone = Transaction::withdrawal(server, amount(server));
    let mut now = before;
    machine.holds(&undone)?;
    machine.rolls_back(&undone)?;
    for transaction in &confirmed {
        machine.holds(transaction)?;
        machine.confirms(transaction)?;
        now = transaction.confirmed_in(now);
    }
    crash(server, machine)?;
    let mut machine = Machine::connect(server)?;
    machine.asks_again(&undone.rollback(), &undone.is_rolled_back())?;
    machine.is_refused(&undone.hold(), Code::AlreadyRolledBack)?;
    for transaction in &confirmed {
        machine.asks_again(&transaction.confirm(), &transaction.is_confirmed())?;
        machine.is_refused(&transaction.hold(), Code::AlreadyConfirmed)?;
        machine.is_refused(&transaction.rollback(), Code::AlreadyConfirmed)?;
    }
    machine.log_in(&Card::joty())?;
    machine.has(now)
}

fn after_decline(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let (mut machine, before) = Machine::with_funds(server)?;
    let too_much = Transaction::withdrawal(server, before.available + 1_00);
    machine.is_refused(&too_much.hold(), Code::InsufficientFunds)?;
    crash(server, machine)?;
    let mut machine = Machine::with_card(server, &Card::joty())?;
    machine.takes(server, -1_00)?;
    machine.is_refused(&too_much.hold(), Code::InsufficientFunds)?;
    machine.has(before.with(1_00))
}

fn after_early_rollback(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let late = Transaction::both(server);
    let mut machine = Machine::connect(server)?;
    for transaction in &late {
        machine.rolls_back(transaction)?;
    }
    crash(server, machine)?;
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in &late {
        machine.is_refused(&transaction.hold(), Code::AlreadyRolledBack)?;
        machine.asks_again(&transaction.rollback(), &transaction.is_rolled_back())?;
    }
    machine.has(before)
}

fn wrong_pins(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let card = Card::expendable(server)?;
    let mut machine = Machine::connect(server)?;
    for _ in 0..2 {
        machine.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
    }
    crash(server, machine)?;
    let mut machine = Machine::connect(server)?;
    machine.fails_to_log_in(&card.mistyped(), Code::WrongCredentials)?;
    machine.fails_to_log_in(&card, Code::CardLocked)?;
    crash(server, machine)?;
    Machine::connect(server)?.fails_to_log_in(&card, Code::CardLocked)
}

fn log_in_id(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let card = Card::expendable(server)?;
    let id = id("LOGIN");
    let mut machine = Machine::connect(server)?;
    machine.is_refused(&card.mistyped().log_in(&id), Code::WrongCredentials)?;
    crash(server, machine)?;
    let mut machine = Machine::connect(server)?;
    for _ in 0..3 {
        machine.is_refused(&card.mistyped().log_in(&id), Code::WrongCredentials)?;
    }
    machine.log_in(&card)
}

fn account(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let card = Card::fresh(server);
    let opening = amount(server);
    let id = id("ACC");
    let request = card.creation(&id, &money(opening));
    let answer = format!("OK {id} created");
    let mut machine = Machine::connect(server)?;
    machine.asks(&request, &answer)?;
    crash(server, machine)?;
    let mut machine = Machine::connect(server)?;
    let opened = Balance {
        available: opening,
        held: 0,
    };
    machine.log_in(&card)?;
    machine.has(opened)?;
    machine.asks_again(&request, &answer)?;
    machine.has(opened)
}

fn before_answer(server: &Server) -> Outcome {
    server.can_be_restarted()?;
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut now = before;
    for transaction in Transaction::both(server) {
        machine.peer.send(&transaction.hold())?;
        crash_soon(server, machine)?;
        machine = Machine::with_card(server, &Card::joty())?;
        machine.holds_again(&transaction)?;
        machine.peer.send(&transaction.confirm())?;
        crash_soon(server, machine)?;
        machine = Machine::with_card(server, &Card::joty())?;
        machine.asks_again(&transaction.confirm(), &transaction.is_confirmed())?;
        now = transaction.confirmed_in(now);
        machine.has(now)?;
    }
    Ok(())
}

/// Kills the bank, and starts it again.
fn crash(server: &Server, machine: Machine) -> Outcome {
    server.crash()?;
    // What the connection leaves at the bank's port would keep it from one that does not ask to reuse
    // its address.
    machine.peer.reset();
    server.restart()
}

/// The same while it does what it was asked, sooner or later.
fn crash_soon(server: &Server, machine: Machine) -> Outcome {
    let microseconds = server.random.borrow_mut().random_range(0..3_000);
    thread::sleep(Duration::from_micros(microseconds));
    crash(server, machine)
}
