//! Small bounds, and what each protection is for. Deeper ones: `cargo run --release --example
//! model`.

use super::*;
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
fn a_deposit_happens_exactly_once_with_any_two_faults() {
    holds(&scenario(&[&[(DEPOSIT, 60)]], Faults::any(2)));
}

#[test]
fn what_the_account_does_not_cover_never_happens() {
    holds(&scenario(&[&[(WITHDRAW, 101)]], Faults::any(2)));
}

#[test]
fn of_two_customers_one_after_another_only_one_gets_the_money() {
    holds(&scenario(
        &[&[(WITHDRAW, 60), (WITHDRAW, 60)]],
        Faults::any(2),
    ));
}

#[test]
fn of_two_machines_at_once_only_one_gets_the_money() {
    holds(&scenario(
        &[&[(WITHDRAW, 60)], &[(WITHDRAW, 60)]],
        Faults::any(1),
    ));
}

#[test]
fn a_deposit_here_and_a_withdrawal_of_it_there_do_not_disturb_each_other() {
    holds(&scenario(
        &[&[(WITHDRAW, 101)], &[(DEPOSIT, 1)]],
        Faults::any(1),
    ));
}

#[test]
fn of_two_machines_with_the_same_id_one_is_refused() {
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

/// What is found first when this protection alone is taken away.
#[track_caller]
fn without(protection: Protection, scenario: Scenario) -> Violation {
    let protections = Protections::ALL.without(protection);
    let found = fails(&Scenario {
        protections,
        ..scenario
    });
    assert!(found.steps.len() + found.sequel.len() <= 30, "{found}");
    found.violation
}

fn one_withdrawal() -> Scenario {
    scenario(&[&[(WITHDRAW, 60)]], Faults::any(2))
}

fn first() -> TransactionId {
    TransactionId::withdrawal(Uuid::from_u128(1))
}

#[test]
fn without_two_phases_what_is_given_up_is_booked_all_the_same() {
    let found = without(Protection::TwoPhases, one_withdrawal());
    assert_eq!(found, Violation::Disputed(first()));
}

#[test]
fn without_deduplication_a_repeat_has_an_outcome_of_its_own() {
    let found = without(Protection::Deduplication, one_withdrawal());
    let events = alloc::vec![Event::Held, Event::Declined];
    assert_eq!(found, Violation::TwoOutcomes(first(), events));
}

#[test]
fn without_the_content_check_one_machine_settles_what_another_holds() {
    let found = without(Protection::ContentCheck, colliding());
    assert_eq!(found, Violation::Disputed(first()));
}

#[test]
fn without_sticky_declines_a_late_repeat_is_granted() {
    let customers: &[&[_]] = &[&[(WITHDRAW, 101)], &[(DEPOSIT, 1)]];
    let found = without(
        Protection::StickyDeclines,
        scenario(customers, Faults::any(1)),
    );
    assert_eq!(found, Violation::FalseStatement(first()));
}

#[test]
fn without_tombstones_a_hold_comes_after_its_rollback() {
    let found = without(Protection::Tombstones, one_withdrawal());
    assert_eq!(found, Violation::FalseStatement(first()));
}

#[test]
fn without_keys_a_customer_rolls_back_what_was_paid_out() {
    let found = without(Protection::SettlementKeys, one_withdrawal());
    assert_eq!(found, Violation::NotesWithoutMoney(first()));
}

#[test]
fn a_bank_that_answers_before_it_commits_forgets_what_it_promised() {
    let found = without(Protection::ReplyAfterCommit, one_withdrawal());
    assert_eq!(found, Violation::NotesWithoutMoney(first()));
}

#[test]
fn a_machine_that_sends_before_it_journals_forgets_what_it_asked_for() {
    let found = without(Protection::JournalBeforeSend, one_withdrawal());
    assert_eq!(found, Violation::HeldIndefinitely(first()));
}

#[test]
fn a_machine_that_dispenses_before_it_journals_finds_notes_missing() {
    let found = without(Protection::JournalBeforeMove, one_withdrawal());
    assert!(matches!(found, Violation::Damage(_)), "{found:?}");
}

#[test]
fn without_a_resend_a_lost_answer_leaves_a_hold() {
    let found = without(Protection::Resend, one_withdrawal());
    assert_eq!(found, Violation::HeldIndefinitely(first()));
}

#[test]
fn a_refusal_of_one_attempt_says_nothing_about_another() {
    let found = without(Protection::ProvenDeclines, one_withdrawal());
    assert_eq!(found, Violation::FalseStatement(first()));
}

#[test]
fn a_refusal_that_came_twice_is_taken_for_that_of_the_next_request() {
    let customers: &[&[_]] = &[&[(WITHDRAW, 101), (WITHDRAW, 60)]];
    let found = without(
        Protection::NamedAnswers,
        scenario(customers, Faults::any(2)),
    );
    let second = TransactionId::withdrawal(Uuid::from_u128(2));
    assert_eq!(found, Violation::FalseStatement(second));
}

#[test]
fn what_is_given_up_and_not_rolled_back_is_held_indefinitely() {
    let found = without(Protection::RollbackOnGiveUp, one_withdrawal());
    assert_eq!(found, Violation::HeldIndefinitely(first()));
}

#[test]
fn a_machine_that_dispenses_after_a_rollback_gives_notes_away() {
    let found = without(Protection::RollbackIsFinal, one_withdrawal());
    assert_eq!(found, Violation::NotesWithoutMoney(first()));
}

#[test]
fn a_machine_that_forgets_at_a_restart_leaves_a_hold() {
    let found = without(Protection::SettleOnRestart, one_withdrawal());
    assert_eq!(found, Violation::HeldIndefinitely(first()));
}

#[test]
fn a_machine_that_does_not_count_its_notes_rolls_back_what_it_dispensed() {
    let found = without(Protection::DrawerCheck, one_withdrawal());
    assert_eq!(found, Violation::NotesWithoutMoney(first()));
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
    let lost = Faults {
        in_all: 1,
        losses: 1,
        ..Faults::default()
    };
    let doubled = Faults {
        in_all: 1,
        duplicates: 1,
        ..Faults::default()
    };
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
