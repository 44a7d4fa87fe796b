//! A request that is asked again, because it or its answer was lost, is done once.

use proto::refusal::Code;

use super::machine::{Card, Machine, with_two_decimals};
use super::settle::is_refused_once_settled;
use super::transaction::{Transaction, amount};
use crate::case::{Case, DELIMITED};
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// The cases of repeated requests.
pub(super) const CASES: &[Case] = &[
    Case::must(
        "repeat.once",
        "atm",
        "A request that comes again with its id is answered again, and not carried out again.",
        once,
    )
    .points(3)
    .cause("the id is not looked up: the repeat is a second withdrawal"),
    Case::must(
        "repeat.marked",
        "atm",
        "The answer to a repeat is that of the first, with `, repeat` behind it.",
        marked,
    ),
    Case::must(
        "repeat.first-balance",
        "atm",
        "The answer to a repeat has the available balance of the first answer, not that of now.",
        first_balance,
    )
    .cause("the answer is put together again, and not taken from the record"),
    Case::must(
        "repeat.before-login",
        "atm",
        "A repeat is answered from its record on a new connection, before any log-in.",
        before_login,
    )
    .points(2)
    .cause("the session is looked at before the id: a machine that restarts has no PIN"),
    Case::must(
        "repeat.lost-request",
        "atm",
        "A request whose connection breaks before the answer, and that comes again on another, is \
         carried out once.",
        lost_request,
    )
    .points(3)
    .cause("whether the first was carried out is not known to the machine, but must be to the bank"),
    Case::must(
        "repeat.lost-answer",
        "atm",
        "A request whose answer is lost, and that comes again after a new log-in, is carried out once.",
        lost_answer,
    )
    .points(3)
    .cause("ids are kept for the connection, or for the session, and not for the bank"),
    Case::must(
        "repeat.doubled",
        "atm",
        "A request that arrives twice at once is answered twice and carried out once.",
        doubled,
    )
    .points(2)
    .framings(DELIMITED),
    Case::must(
        "repeat.other-amount",
        "atm",
        "The same id with another amount is `mismatch`, and changes nothing.",
        other_amount,
    )
    .points(2)
    .cause("the content of the id is not compared with that on record"),
    Case::must(
        "repeat.other-key",
        "atm",
        "The same id with another key, or with none, is `mismatch`, and changes nothing.",
        other_key,
    )
    .cause("the key is a part of the content, as the amount is"),
    Case::must(
        "repeat.other-card",
        "atm",
        "The same id in a session of another card is `mismatch`, and changes nothing.",
        other_card,
    )
    .cause("the card is a part of the content, as the amount is"),
    Case::must(
        "repeat.settled",
        "atm",
        "A withdrawal or deposit that comes again after it was settled is `already-confirmed` or \
         `already-rolled-back`, not `held`: who reads `held` may pay out.",
        settled,
    )
    .points(2),
    Case::must(
        "repeat.declined",
        "atm",
        "A decline is recorded: money that arrives later does not turn its repeat into a withdrawal, \
         and a new attempt has a new id.",
        declined,
    )
    .points(2)
    .cause("only what succeeded is recorded under its id"),
];

/// The answer to the first phase, which must succeed. What is available then is judged by the cases of
/// money.
fn first_answer(machine: &mut Machine, transaction: &Transaction) -> Result<String, Failure> {
    let said = machine.peer.ask(&transaction.hold())?;
    let held = format!("OK {} held ", transaction.id);
    match said.starts_with(&held) {
        true => Ok(with_two_decimals(&said)),
        false => {
            let expected = Expected::Described(format!("{held}…"));
            machine.peer.found(expected, Came::Message(said.into()))
        }
    }
}

fn once(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut now = before;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        let held = machine.balance()?;
        for _ in 0..3 {
            machine.holds_again(&transaction)?;
        }
        machine.has(held)?;
        machine.confirms(&transaction)?;
        now = transaction.confirmed_in(now);
        machine.has(now)?;
    }
    machine.takes(server, now.available - before.available)?;
    machine.has(before)
}

fn marked(server: &Server) -> Outcome {
    let (mut machine, _) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        let request = transaction.hold();
        let answer = first_answer(&mut machine, &transaction)?;
        machine.asks(&request, &format!("{answer}, repeat"))?;
        machine.asks(&request, &format!("{answer}, repeat"))?;
        let answer = transaction.is_rolled_back();
        machine.asks(&transaction.rollback(), &answer)?;
        machine.asks(&transaction.rollback(), &format!("{answer}, repeat"))?;
    }
    let withdrawal = Transaction::withdrawal(server, amount(server));
    machine.holds(&withdrawal)?;
    machine.confirms(&withdrawal)?;
    let repeated = format!("{}, repeat", withdrawal.is_confirmed());
    machine.asks(&withdrawal.confirm(), &repeated)?;
    machine.takes(server, -withdrawal.hundredths)
}

fn first_balance(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let [withdrawal, deposit] = Transaction::both(server);
    let other = Transaction::withdrawal(server, amount(server));
    let withdrawn = first_answer(&mut machine, &withdrawal)?;
    let deposited = first_answer(&mut machine, &deposit)?;
    machine.holds(&other)?;
    machine.asks_again(&withdrawal.hold(), &withdrawn)?;
    machine.asks_again(&deposit.hold(), &deposited)?;
    for transaction in [withdrawal, deposit, other] {
        machine.rolls_back(&transaction)?;
    }
    machine.has(before)
}

fn before_login(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        let held = machine.balance()?;
        let mut restarted = Machine::connect(server)?;
        restarted.holds_again(&transaction)?;
        machine.has(held)?;
        machine.rolls_back(&transaction)?;
        restarted.is_refused(&transaction.hold(), Code::AlreadyRolledBack)?;
    }
    machine.has(before)
}

fn lost_request(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut now = before;
    for transaction in Transaction::both(server) {
        let mut cut = Machine::with_card(server, &Card::joty())?;
        cut.peer.send(&transaction.hold())?;
        cut.peer.reset();
        machine.holds_again(&transaction)?;
        let mut cut = Machine::connect(server)?;
        cut.peer.send(&transaction.confirm())?;
        cut.peer.reset();
        machine.asks_again(&transaction.confirm(), &transaction.is_confirmed())?;
        now = transaction.confirmed_in(now);
        machine.has(now)?;
    }
    machine.takes(server, now.available - before.available)
}

fn lost_answer(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let withdrawal = Transaction::withdrawal(server, amount(server));
    machine.holds(&withdrawal)?;
    machine.peer.reset();
    let mut machine = Machine::with_card(server, &Card::joty())?;
    machine.holds_again(&withdrawal)?;
    machine.has(withdrawal.held_in(before))?;
    machine.confirms(&withdrawal)?;
    machine.peer.reset();
    let mut machine = Machine::with_card(server, &Card::joty())?;
    machine.asks_again(&withdrawal.confirm(), &withdrawal.is_confirmed())?;
    machine.has(withdrawal.confirmed_in(before))?;
    machine.takes(server, -withdrawal.hundredths)
}

fn doubled(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        let request = machine.peer.frame(&transaction.hold())?;
        machine
            .peer
            .send_bytes(&[&request[..], &request[..]].concat())?;
        let held = format!("OK {} held …", transaction.id);
        let first = machine.peer.answer(&held)?;
        let second = machine.peer.answer(&held)?;
        let again = second.strip_suffix(", repeat").unwrap_or(&second);
        machine.is(again, &with_two_decimals(&first))?;
        machine.holds_again(&transaction)?;
        machine.rolls_back(&transaction)?;
    }
    machine.has(before)
}

/// What comes with other content changes nothing: it is on hold as it was, and can be settled.
fn mismatches(server: &Server, others: fn(&Server, &Transaction) -> Vec<Transaction>) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        let held = machine.balance()?;
        for other in others(server, &transaction) {
            machine.is_refused(&other.hold(), Code::Mismatch)?;
            machine.has(held)?;
        }
        machine.holds_again(&transaction)?;
        machine.rolls_back(&transaction)?;
        machine.has(before)?;
    }
    Ok(())
}

fn other_amount(server: &Server) -> Outcome {
    mismatches(server, |_, transaction| {
        let hundredths = transaction.hundredths;
        [hundredths + 1_00, hundredths * 10, hundredths - 1_00]
            .map(|other| transaction.with_amount(other))
            .into()
    })
}

fn other_key(server: &Server) -> Outcome {
    mismatches(server, |server, transaction| {
        vec![
            transaction.with_other_key(server),
            transaction.clone().without_key(),
        ]
    })
}

fn other_card(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let mut other = Machine::with_card(server, &Card::ahona())?;
    let others = other.balance()?;
    for transaction in Transaction::both(server) {
        machine.holds(&transaction)?;
        let held = machine.balance()?;
        other.is_refused(&transaction.hold(), Code::Mismatch)?;
        other.has(others)?;
        machine.has(held)?;
        machine.rolls_back(&transaction)?;
    }
    machine.has(before)
}

fn settled(server: &Server) -> Outcome {
    is_refused_once_settled(server, Transaction::hold, Transaction::hold)
}

fn declined(server: &Server) -> Outcome {
    let (mut machine, before) = Machine::with_funds(server)?;
    let too_much = Transaction::withdrawal(server, before.available + 1_00);
    machine.is_refused(&too_much.hold(), Code::InsufficientFunds)?;
    let deposit = Transaction::deposit(server, amount(server));
    machine.holds(&deposit)?;
    machine.confirms(&deposit)?;
    let now = deposit.confirmed_in(before);
    machine.is_refused(&too_much.hold(), Code::InsufficientFunds)?;
    machine.has(now)?;
    let again = Transaction::withdrawal(server, too_much.hundredths);
    machine.holds(&again)?;
    machine.rolls_back(&again)?;
    machine.takes(server, deposit.hundredths)?;
    machine.has(before)
}
