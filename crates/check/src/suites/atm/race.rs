//! Several machines at the same time.

use std::sync::Barrier;
use std::thread;

use proto::refusal::Code;

use super::machine::{Card, Machine, is_refusal};
use super::transaction::{Balance, Transaction, amount};
use crate::case::Case;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// How often a race is run.
const ROUNDS: usize = 5;

/// The cases of machines at the same time.
pub(super) const CASES: &[Case] = &[
    Case::must(
        "race.two-withdrawals",
        "atm",
        "Two machines that withdraw from one account at once do not overdraw it: one is refused.",
        two_withdrawals,
    )
    .points(3)
    .seconds(1)
    .cause("another request comes between the look at the balance and the hold: no lock, no transaction"),
    Case::must(
        "race.same-id",
        "atm",
        "The same request on two connections at once is carried out once.",
        same_id,
    )
    .points(2)
    .seconds(1)
    .cause("another request comes between the look-up of the id and its record: no lock, no transaction"),
    Case::must(
        "race.confirm-and-rollback",
        "atm",
        "Of CONFIRM and ROLLBACK at once the first wins, and the other is told so.",
        confirm_and_rollback,
    )
    .points(2)
    .seconds(1)
    .cause("another request comes between the look at the status and its change: no lock, no transaction"),
];

/// Each of two machines sends its request at the same time; what each is answered.
fn at_once(machines: &mut [Machine; 2], requests: [&str; 2]) -> Result<[String; 2], Failure> {
    let start = Barrier::new(2);
    let [one, other] = machines;
    let ask = |machine: &mut Machine, request: &str| {
        start.wait();
        machine.peer.ask(request)
    };
    thread::scope(|scope| {
        let other = scope.spawn(|| ask(other, requests[1]));
        let one = ask(one, requests[0]);
        let other = other
            .join()
            .unwrap_or_else(|_| Err(Failure::Undecided("a thread panicked".into())));
        Ok([one?, other?])
    })
}

/// Two machines of the same card.
fn two(server: &Server) -> Result<([Machine; 2], Balance), Failure> {
    let (one, before) = Machine::with_funds(server)?;
    let other = Machine::with_card(server, &Card::joty())?;
    Ok(([one, other], before))
}

fn two_withdrawals(server: &Server) -> Outcome {
    let (mut machines, before) = two(server)?;
    for _ in 0..ROUNDS {
        // Either is possible, and not both.
        let withdrawals = [0, 1].map(|_| {
            let hundredths = before.available / 2 + amount(server);
            Transaction::withdrawal(server, hundredths)
        });
        let requests = withdrawals.each_ref().map(Transaction::hold);
        let answers = at_once(&mut machines, [&requests[0], &requests[1]])?;
        let refused = answers
            .each_ref()
            .map(|answer| is_refusal(answer, Code::InsufficientFunds));
        let winner = match refused {
            [false, true] => 0,
            [true, false] => 1,
            _ => {
                return machines[0].peer.found(
                    Expected::Described("one withdrawal held, and one insufficient-funds".into()),
                    Came::Described(format!("{:?} and {:?}", answers[0], answers[1])),
                );
            }
        };
        let won = &withdrawals[winner];
        machines[winner].is(&answers[winner], &won.is_held(before))?;
        machines[1 - winner].has(won.held_in(before))?;
        machines[1 - winner].rolls_back(won)?;
        machines[winner].has(before)?;
    }
    Ok(())
}

fn same_id(server: &Server) -> Outcome {
    let (mut machines, before) = two(server)?;
    let is_late = |said: &str| {
        [Code::Busy, Code::Unavailable]
            .iter()
            .any(|code| is_refusal(said, *code))
    };
    for _ in 0..ROUNDS {
        for transaction in Transaction::both(server) {
            let request = transaction.hold();
            let answers = at_once(&mut machines, [&request, &request])?;
            for (machine, said) in machines.iter().zip(&answers) {
                // It may be told to come again later.
                let is_held = said.starts_with(&format!("OK {} held ", transaction.id));
                if !is_late(said) && !is_held {
                    return machine.peer.found(
                        Expected::Described(format!("OK {} held …", transaction.id)),
                        Came::Message(said.clone().into()),
                    );
                }
            }
            machines[0].holds_again(&transaction)?;
            // What is on hold a second time is so after the rollback.
            machines[1].rolls_back(&transaction)?;
            machines[0].has(before)?;
        }
    }
    Ok(())
}

fn confirm_and_rollback(server: &Server) -> Outcome {
    let (mut machines, before) = two(server)?;
    let mut now = before;
    for round in 0..ROUNDS {
        let withdrawal = Transaction::withdrawal(server, amount(server));
        machines[0].holds(&withdrawal)?;
        let requests = [withdrawal.confirm(), withdrawal.rollback()];
        // One of the two threads is always a little earlier: each request is that one's in turn.
        let [first, second] = [round % 2, (round + 1) % 2];
        let mut answers = at_once(&mut machines, [&requests[first], &requests[second]])?;
        answers.rotate_left(first);
        let [confirm, rollback] = answers;
        if confirm == withdrawal.is_confirmed() && is_refusal(&rollback, Code::AlreadyConfirmed) {
            now = withdrawal.confirmed_in(now);
        } else if rollback != withdrawal.is_rolled_back()
            || !is_refusal(&confirm, Code::AlreadyRolledBack)
        {
            return machines[0].peer.found(
                Expected::Described(
                    "confirmed and already-confirmed, or already-rolled-back and rolled back"
                        .into(),
                ),
                Came::Described(format!("{confirm:?} and {rollback:?}")),
            );
        }
        machines[1].has(now)?;
        if now != before {
            machines[1].takes(server, now.available - before.available)?;
            now = before;
        }
    }
    machines[0].has(before)
}
