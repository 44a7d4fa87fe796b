//! Small bounds, and what each protection is for. Deeper ones: `cargo run --release --example
//! model`.

use super::*;
use crate::atm::machine::Damage;
use crate::atm::record::Event;
use crate::atm::semantics::{Protection, Semantics};

const WITHDRAW: Kind = Kind::Withdrawal;
const DEPOSIT: Kind = Kind::Deposit;

/// Machines with their customers, at an account of 1.00.
fn scenario(customers: &[&[(Kind, i64)]], faults: Faults) -> Scenario {
    let amount = |minor| Amount::new(Money::from_minor(minor).unwrap()).unwrap();
    let of_machine = |queue: &&[(Kind, i64)]| {
        let customer = |(kind, minor): &(Kind, i64)| (*kind, amount(*minor));
        queue.iter().map(customer).collect()
    };
    Scenario {
        protections: Protections::ALL,
        customers: customers.iter().map(of_machine).collect(),
        account: Scenario::account(Money::from_minor(100).unwrap()).unwrap(),
        drawer: Money::from_minor(1000).unwrap(),
        faults,
        same_ids: false,
    }
}

#[track_caller]
fn holds(scenario: &Scenario) {
    let report = check(scenario, usize::MAX);
    if let Some(found) = report.counterexample {
        panic!("\n{found}");
    }
    assert!(report.exhaustive);
}

#[track_caller]
fn fails(scenario: &Scenario) -> Counterexample {
    let report = check(scenario, usize::MAX);
    let found = report.counterexample;
    found.unwrap_or_else(|| panic!("{} states, and nothing found", report.states))
}

#[test]
fn a_withdrawal_happens_exactly_once_with_any_three_faults() {
    holds(&scenario(&[&[(WITHDRAW, 60)]], Faults::any(3)));
}

#[test]
fn every_transaction_happens_exactly_once() {
    let sixty = (WITHDRAW, 60);
    let scenarios: [(&[&[_]], u8); 5] = [
        (&[&[(DEPOSIT, 60)]], 2),
        // More than the account covers.
        (&[&[(WITHDRAW, 101)]], 2),
        // Of two customers one after another, or of two machines at once, one gets the money.
        (&[&[sixty, sixty]], 2),
        (&[&[sixty], &[sixty]], 1),
        // A deposit, and its withdrawal at another machine.
        (&[&[(WITHDRAW, 101)], &[(DEPOSIT, 1)]], 1),
    ];
    for (customers, faults) in scenarios {
        holds(&scenario(customers, Faults::any(faults)));
    }
    // Of two machines with the same id one is refused.
    holds(&colliding());
}

/// Two machines that make the same id, on a network that loses and doubles.
fn colliding() -> Scenario {
    let faults = Faults {
        in_all: 2,
        losses: 1,
        duplicates: 1,
        ..Faults::default()
    };
    Scenario {
        same_ids: true,
        ..scenario(&[&[(WITHDRAW, 30)], &[(WITHDRAW, 40)]], faults)
    }
}

fn one_withdrawal() -> Scenario {
    scenario(&[&[(WITHDRAW, 60)]], Faults::any(2))
}

fn first() -> TransactionId {
    TransactionId::withdrawal(Uuid::from_u128(1))
}

#[test]
fn each_protection_prevents_a_violation() {
    let (id, second) = (first(), TransactionId::withdrawal(Uuid::from_u128(2)));
    let one = one_withdrawal();
    let two = scenario(&[&[(WITHDRAW, 101), (WITHDRAW, 60)]], Faults::any(2));
    let beside_deposit = scenario(&[&[(WITHDRAW, 101)], &[(DEPOSIT, 1)]], Faults::any(1));
    let twice = Violation::TwoOutcomes(id, alloc::vec![Event::Held, Event::Declined]);
    let damage = Violation::Damage(Damage::Drawer {
        expected: Money::from_minor(1000).unwrap(),
        found: Money::from_minor(940).unwrap(),
    });
    let table = [
        // What is given up is booked all the same.
        (Protection::TwoPhases, &one, Violation::Disputed(id)),
        // A repeat has an outcome of its own.
        (Protection::Deduplication, &one, twice),
        // One machine settles what another holds.
        (
            Protection::ContentCheck,
            &colliding(),
            Violation::Disputed(id),
        ),
        // A late repeat is granted.
        (
            Protection::StickyDeclines,
            &beside_deposit,
            Violation::FalseStatement(id),
        ),
        // A hold comes after its rollback.
        (Protection::Tombstones, &one, Violation::FalseStatement(id)),
        // A customer rolls back what was paid out.
        (
            Protection::SettlementKeys,
            &one,
            Violation::NotesWithoutMoney(id),
        ),
        // The bank forgets what it promised.
        (
            Protection::ReplyAfterCommit,
            &one,
            Violation::NotesWithoutMoney(id),
        ),
        // The machine forgets what it asked for.
        (
            Protection::JournalBeforeSend,
            &one,
            Violation::HeldIndefinitely(id),
        ),
        // The machine finds notes missing.
        (Protection::JournalBeforeMove, &one, damage),
        // A lost answer leaves a hold.
        (Protection::Resend, &one, Violation::HeldIndefinitely(id)),
        // A refusal that arrives twice is taken for that of the next request.
        (
            Protection::NamedAnswers,
            &two,
            Violation::FalseStatement(second),
        ),
        // A refusal of one attempt is taken for one of all.
        (
            Protection::ProvenDeclines,
            &one,
            Violation::FalseStatement(id),
        ),
        // What is given up stays held.
        (
            Protection::RollbackOnGiveUp,
            &one,
            Violation::HeldIndefinitely(id),
        ),
        // The machine dispenses after a rollback.
        (
            Protection::RollbackIsFinal,
            &one,
            Violation::NotesWithoutMoney(id),
        ),
        // A restart leaves a hold.
        (
            Protection::SettleOnRestart,
            &one,
            Violation::HeldIndefinitely(id),
        ),
        // The machine rolls back what it dispensed.
        (
            Protection::DrawerCheck,
            &one,
            Violation::NotesWithoutMoney(id),
        ),
    ];
    assert!(table.iter().map(|row| row.0).eq(Protection::ALL));
    for (protection, scenario, expected) in table {
        let found = fails(&Scenario {
            protections: Protections::ALL.without(protection),
            ..scenario.clone()
        });
        assert!(found.steps.len() + found.sequel.len() <= 30, "{found}");
        assert_eq!(found.violation, expected, "{protection}");
    }
}

fn under(semantics: Semantics, faults: Faults) -> Scenario {
    Scenario {
        protections: semantics.protections(),
        ..scenario(&[&[(WITHDRAW, 40)]], faults)
    }
}

#[test]
fn when_nothing_fails_any_semantics_will_do() {
    for semantics in Semantics::ALL {
        holds(&under(semantics, Faults::default()));
    }
}

#[test]
fn each_semantics_does_what_its_name_says_to_a_lost_message_and_a_doubled_one() {
    let (mut lost, mut doubled) = (Faults::default(), Faults::default());
    (lost.in_all, lost.losses) = (1, 1);
    (doubled.in_all, doubled.duplicates) = (1, 1);
    let violation = |semantics, faults| {
        let report = check(&under(semantics, faults), usize::MAX);
        report.counterexample.map(|found| found.violation)
    };
    let id = first();
    let twice = Violation::TwoOutcomes(id, alloc::vec![Event::Confirmed, Event::Confirmed]);
    let never = Violation::MoneyWithoutNotes(id);
    for (semantics, when_lost, when_doubled) in [
        (Semantics::Maybe, Some(&never), Some(&twice)),
        (Semantics::AtLeastOnce, Some(&twice), Some(&twice)),
        (Semantics::AtMostOnce, Some(&never), None),
        (Semantics::ExactlyOnce, None, None),
    ] {
        assert_eq!(
            violation(semantics, lost).as_ref(),
            when_lost,
            "{semantics}"
        );
        let found = violation(semantics, doubled);
        assert_eq!(found.as_ref(), when_doubled, "{semantics}");
    }
}

#[test]
fn a_counterexample_reads_as_a_numbered_sequence() {
    let scenario = Scenario {
        protections: Protections::ALL.without(Protection::ReplyAfterCommit),
        ..one_withdrawal()
    };
    let expected = "  1. machine 1: a customer comes
  2. machine 1: journals `sending WITH_1 0.60 KEY_1`
  3. machine 1: sends `WITHDRAW WITH_1 0.60 KEY_1`
  4. bank: receives `WITHDRAW WITH_1 0.60 KEY_1` of machine 1, decides `OK WITH_1 held 0.60, available 0.40`
  5. bank: is killed, and starts with what it has committed
     and with no further fault
  6. machine 1: receives `OK WITH_1 held 0.60, available 0.40`
  7. machine 1: journals `dispensing WITH_1 10.00`
  8. machine 1: dispenses 0.60
     => notes moved for WITH_1, but the bank does not have the money";
    assert_eq!(alloc::format!("{}", fails(&scenario)), expected);
}
