//! The machine, with a driver that has no bank.

use alloc::format;
use alloc::string::ToString;
use alloc::vec;

use uuid::Uuid;

use super::*;
use crate::atm::{Kind, TransactionId};
use crate::refusal::Code;

mod answers;
mod records;
mod restarts;
mod weaker;

const KEY: Key = Key::new(7);
const DRAWER: i64 = 10_000;

fn money(minor: i64) -> Money {
    Money::from_minor(minor).unwrap()
}

fn amount() -> Amount {
    Amount::new(money(500)).unwrap()
}

fn with(number: u128) -> TransactionId {
    TransactionId::withdrawal(Uuid::from_u128(number))
}

fn dep(number: u128) -> TransactionId {
    TransactionId::deposit(Uuid::from_u128(number))
}

fn hold(id: TransactionId) -> Request {
    let amount = amount();
    Request::Hold {
        id,
        amount,
        key: Some(KEY),
    }
}

fn confirm(id: TransactionId) -> Request {
    let key = Some(KEY);
    Request::Confirm { id, key }
}

fn rollback(id: TransactionId) -> Request {
    let key = Some(KEY);
    Request::Rollback { id, key }
}

fn held(id: TransactionId) -> Result<Answer, Refusal> {
    Ok(Answer::Held {
        id,
        amount: amount(),
        available: money(700),
        repeat: false,
    })
}

fn refused(code: Code) -> Result<Answer, Refusal> {
    Err(Refusal::new(code, ""))
}

fn confirmed(id: TransactionId) -> Result<Answer, Refusal> {
    Ok(Answer::Confirmed { id, repeat: false })
}

fn rolled_back(id: TransactionId) -> Result<Answer, Refusal> {
    Ok(Answer::RolledBack { id, repeat: false })
}

/// A machine with its journal, its drawer and its driver.
struct Driven {
    machine: Machine,
    journal: Vec<JournalRecord>,
    drawer: Money,
}

impl Driven {
    fn new() -> Driven {
        let drawer = money(DRAWER);
        let machine = Machine::recover(&[], drawer).unwrap();
        let mut driven = Driven {
            machine,
            journal: vec![],
            drawer,
        };
        assert_eq!(driven.run(), Action::Idle);
        driven
    }

    fn begin(&mut self, id: TransactionId, amount: Amount) -> Result<(), BeginError> {
        self.machine.begin(id, amount, KEY)
    }

    #[track_caller]
    fn shows(&mut self, outcome: Outcome) {
        assert_eq!(self.run(), Action::Show(outcome));
    }

    /// One that has sent the hold.
    fn asking(id: TransactionId) -> Driven {
        let mut driven = Driven::new();
        driven.begin(id, amount()).unwrap();
        assert_eq!(driven.run(), sends(hold(id), 1, false));
        driven
    }

    /// One that rolls back.
    fn rolling_back(id: TransactionId) -> Driven {
        let mut driven = Driven::asking(id);
        driven.machine.give_up();
        assert_eq!(driven.run(), sends(rollback(id), 1, false));
        driven
    }

    /// One that has moved the notes, and sent the confirmation.
    fn confirming(id: TransactionId) -> Driven {
        let mut driven = Driven::asking(id);
        driven.machine.answered(&hold(id), &held(id));
        assert_eq!(driven.run(), sends(confirm(id), 1, false));
        driven
    }

    /// Performs the actions that need neither the bank nor a customer.
    fn run(&mut self) -> Action {
        loop {
            match self.machine.next() {
                Action::Journal(record) => {
                    self.journal.push(record);
                    self.machine.journaled();
                }
                Action::MoveNotes { id, amount } => {
                    let money = amount.money();
                    self.drawer = match id.kind {
                        Kind::Withdrawal => self.drawer.checked_sub(money).unwrap(),
                        Kind::Deposit => self.drawer.checked_add(money).unwrap(),
                    };
                    self.machine.moved(self.drawer).unwrap();
                }
                Action::Pause { .. } => self.machine.paused(),
                next => return next,
            }
        }
    }

    fn texts(&self) -> Vec<alloc::string::String> {
        self.journal.iter().map(ToString::to_string).collect()
    }
}

fn sends(request: Request, attempt: u32, repeat: bool) -> Action {
    Action::Send {
        request,
        attempt,
        repeat,
    }
}

#[test]
fn a_withdrawal_is_journaled_held_dispensed_confirmed_and_shown() {
    let id = with(1);
    let mut driven = Driven::confirming(id);
    assert_eq!(driven.drawer, money(DRAWER - 500));
    driven.machine.answered(&confirm(id), &confirmed(id));
    let shown = Outcome::Moved {
        id,
        amount: amount(),
        available: Some(money(700)),
    };
    driven.shows(shown);
    driven.machine.shown();
    assert_eq!(driven.run(), Action::Idle);
    let expected = [
        "loaded 100.00".into(),
        format!("sending {id} 5.00 00000000000000000000000000000007"),
        format!("dispensing {id} 100.00"),
        format!("dispensed {id}"),
        format!("confirmed {id}"),
    ];
    assert_eq!(driven.texts(), expected);
}

#[test]
fn a_deposit_fills_the_drawer_and_is_spendable_at_the_end() {
    let id = dep(1);
    let mut driven = Driven::confirming(id);
    assert_eq!(driven.drawer, money(DRAWER + 500));
    assert_eq!(driven.machine.drawer(), driven.drawer);
    driven
        .machine
        .answered(&confirm(id), &Ok(Answer::Confirmed { id, repeat: true }));
    let Action::Show(Outcome::Moved { available, .. }) = driven.run() else {
        panic!("{:?}", driven.machine.next());
    };
    assert_eq!(available, Some(money(1200)));
    assert_eq!(
        driven.texts()[2..4],
        [format!("accepting {id} 100.00"), format!("accepted {id}")]
    );
}

#[test]
fn what_is_not_answered_is_sent_again_unchanged_and_marked_as_a_repeat() {
    let id = with(1);
    for (mut driven, request) in [
        (Driven::asking(id), hold(id)),
        (Driven::confirming(id), confirm(id)),
        (Driven::rolling_back(id), rollback(id)),
    ] {
        for attempt in 2..50 {
            driven.machine.lost();
            let pause = Action::Pause {
                attempt: attempt - 1,
            };
            assert_eq!(driven.machine.next(), pause);
            assert_eq!(driven.run(), sends(request.clone(), attempt, true));
        }
    }
}

#[test]
fn what_is_given_up_is_rolled_back_and_never_dispensed() {
    let id = with(1);
    let mut driven = Driven::rolling_back(id);
    driven.machine.answered(&hold(id), &held(id));
    assert_eq!(driven.run(), sends(rollback(id), 1, false));
    driven.machine.answered(&rollback(id), &rolled_back(id));
    let refusal = None;
    driven.shows(Outcome::RolledBack { id, refusal });
    assert_eq!(driven.drawer, money(DRAWER));
}

#[test]
fn it_is_too_late_to_give_up_once_the_money_is_held() {
    let id = with(1);
    let mut driven = Driven::asking(id);
    driven.machine.answered(&hold(id), &held(id));
    driven.machine.give_up();
    assert_eq!(driven.run(), sends(confirm(id), 1, false));
    driven.machine.give_up();
    assert_eq!(driven.run(), sends(confirm(id), 1, false));
}

#[test]
fn what_is_given_up_before_it_was_sent_is_rolled_back_too() {
    let id = with(1);
    let mut driven = Driven::new();
    driven.begin(id, amount()).unwrap();
    driven.machine.give_up();
    assert_eq!(driven.run(), sends(rollback(id), 1, false));
}

#[test]
fn a_drawer_that_is_stuck_means_a_rollback() {
    let id = with(1);
    let mut driven = Driven::asking(id);
    driven.machine.answered(&hold(id), &held(id));
    driven.machine.journaled();
    driven.machine.moved(driven.drawer).unwrap();
    assert_eq!(driven.run(), sends(rollback(id), 1, false));
}

#[test]
fn half_of_the_notes_stop_the_machine() {
    let id = with(1);
    let mut driven = Driven::asking(id);
    driven.machine.answered(&hold(id), &held(id));
    driven.machine.journaled();
    let damage = driven.machine.moved(money(DRAWER - 250)).unwrap_err();
    assert!(matches!(damage, Damage::Drawer { .. }));
}

#[test]
fn one_transaction_at_a_time_and_no_more_than_is_in_the_drawer() {
    let mut driven = Driven::new();
    let too_much = Amount::new(money(DRAWER + 1)).unwrap();
    assert_eq!(driven.begin(with(1), too_much), Err(BeginError::Drawer));
    let too_full = Amount::new(Money::MAX).unwrap();
    assert_eq!(driven.begin(dep(1), too_full), Err(BeginError::Drawer));
    driven.begin(with(1), amount()).unwrap();
    assert_eq!(driven.begin(with(2), amount()), Err(BeginError::Open));
    driven.run();
    assert_eq!(driven.begin(with(2), amount()), Err(BeginError::Open));
    assert_eq!(driven.machine.load(money(1)), Err(BeginError::Open));
}

#[test]
fn the_next_action_stays_the_same_until_it_was_done() {
    let id = with(1);
    let mut driven = Driven::asking(id);
    for _ in 0..3 {
        driven.machine.journaled();
        driven.machine.paused();
        driven.machine.shown();
        driven.machine.moved(money(DRAWER - 500)).unwrap();
        assert_eq!(driven.machine.next(), sends(hold(id), 1, false));
    }
}

#[test]
fn what_is_not_settled_is_not_known_yet_and_nothing_worse() {
    let id = with(1);
    for (driven, moved) in [
        (Driven::asking(id), false),
        (Driven::rolling_back(id), false),
        (Driven::confirming(id), true),
    ] {
        let outcome = driven.machine.outcome().unwrap();
        let amount = amount();
        assert_eq!(outcome, Outcome::Unsettled { id, amount, moved });
        let said = outcome.to_string();
        assert!(
            said.ends_with("not known yet") && !said.contains("fail"),
            "{said}"
        );
    }
    assert_eq!(Driven::new().machine.outcome(), None);
}
