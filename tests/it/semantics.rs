//! What the lecture says of the four semantics, at a real bank and a real machine.

use std::time::Duration;

use proto::atm::semantics::Semantics;
use testkit::at_once;

use self::example::{Trouble, withdraw_under};

#[path = "../../examples/semantics.rs"]
#[expect(dead_code, reason = "its main function is for a person")]
mod example;

/// Notes out, balance and verdict, in the order of the semantics.
fn each_under(trouble: Trouble) -> Vec<String> {
    at_once(Semantics::ALL, |semantics| {
        // Long enough that on a busy machine no other answer than the lost one is late.
        let seen = withdraw_under(semantics, trouble, Duration::from_secs(5)).unwrap();
        let (notes, balance, verdict) = (seen.notes, seen.balance, seen.verdict);
        format!("{semantics}: {notes}, {balance}, {verdict}")
    })
}

#[test]
fn a_lost_reply_loses_or_doubles_money_unless_it_is_exactly_once() {
    let expected = [
        "maybe: 0.00, 9500.00, debited, no notes",
        "at-least-once: 500.00, 9000.00, debited twice",
        "at-most-once: 0.00, 9500.00, debited, no notes",
        "exactly-once: 500.00, 9500.00, exactly once",
    ];
    assert_eq!(each_under(Trouble::LostReply), expected);
}

#[test]
fn a_doubled_request_is_done_twice_where_the_bank_does_not_know_it_again() {
    let expected = [
        "maybe: 500.00, 9000.00, debited twice",
        "at-least-once: 500.00, 9000.00, debited twice",
        "at-most-once: 500.00, 9500.00, exactly once",
        "exactly-once: 500.00, 9500.00, exactly once",
    ];
    assert_eq!(each_under(Trouble::DoubledRequest), expected);
}

#[test]
fn when_nothing_goes_wrong_all_semantics_are_the_same() {
    for seen in each_under(Trouble::None) {
        assert!(seen.ends_with(": 500.00, 9500.00, exactly once"), "{seen}");
    }
}
