//! Holds and settlements.

use super::*;
use crate::atm::record::Event;

#[test]
fn a_hold_lowers_what_is_available_and_a_confirmation_the_balance() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    books.check(&balance(), "available 70.00, held 30.00");
    books.check(&confirm(with(1)), "confirmed");
    books.check(&balance(), "available 70.00, held 0.00");
    assert_eq!(books.accounts[&card(CARD)].posted, money("70"));
}

#[test]
fn a_rollback_releases_the_hold() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    books.check(&roll_back(with(1)), "rolled back");
    books.check(&balance(), "available 100.00, held 0.00");
}

#[test]
fn the_whole_balance_may_be_withdrawn_and_no_hundredth_more() {
    let mut books = books();
    books.check(&hold(with(1), "100.01"), "insufficient-funds");
    books.check(&hold(with(2), "100"), "held 100.00, available 0.00");
    books.check(&hold(with(3), "0.01"), "insufficient-funds");
}

#[test]
fn a_repeat_is_answered_from_the_record_and_changes_nothing() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    books.check(&hold(with(2), "30"), "held 30.00, available 40.00");
    books.check_inert(&hold(with(1), "30"), "held 30.00, available 70.00, repeat");
    books.check(&confirm(with(1)), "confirmed");
    books.check_inert(&confirm(with(1)), "confirmed, repeat");
    books.check(&roll_back(with(2)), "rolled back");
    books.check_inert(&roll_back(with(2)), "rolled back, repeat");
}

#[test]
fn a_repeat_needs_neither_a_session_nor_an_unlocked_card() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    for number in 0..3 {
        books.check(&log_in(number, false), "wrong-credentials");
    }
    books.check(&hold(with(2), "30"), "card-locked");
    books.check_inert(&hold(with(1), "30"), "held 30.00, available 70.00, repeat");
    let repeat = hold_by(None, with(1), "30");
    books.check_inert(&repeat, "held 30.00, available 70.00, repeat");
    books.check(&confirm(with(1)), "confirmed");
}

#[test]
fn the_same_id_with_other_content_is_a_mismatch() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    books.check_inert(&hold(with(1), "30.01"), "mismatch");
    books.check_inert(&hold_by(Some(card(OTHER)), with(1), "30"), "mismatch");
    books.check(&hold(with(2), "500"), "insufficient-funds");
    books.check_inert(&hold(with(2), "50"), "mismatch");
}

#[test]
fn a_decline_stays_one_even_when_the_money_is_there_later() {
    let mut books = books();
    books.check(&hold(with(1), "150"), "insufficient-funds");
    books.check(&hold(dep(2), "100"), "held 100.00, available 100.00");
    books.check(&confirm(dep(2)), "confirmed");
    books.check_inert(&hold(with(1), "150"), "insufficient-funds");
    books.check_inert(&confirm(with(1)), "declined");
    books.check_inert(&roll_back(with(1)), "declined");
    books.check(&hold(with(3), "150"), "held 150.00, available 50.00");

    let mut books = locked();
    books.check(&hold(with(1), "10"), "card-locked");
    books.check(&unlock(CARD), "available 100.00, held 0.00");
    books.check_inert(&hold(with(1), "10"), "card-locked");
}

#[test]
fn a_rollback_that_overtakes_its_withdrawal_leaves_a_tombstone() {
    let mut books = books();
    books.check(&roll_back(with(1)), "rolled back");
    books.check_inert(&roll_back(with(1)), "rolled back, repeat");
    books.check_inert(&hold(with(1), "30"), "already-rolled-back");
    books.check_inert(&confirm(with(1)), "already-rolled-back");
}

#[test]
fn the_first_settlement_wins_and_the_other_is_refused() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    books.check(&confirm(with(1)), "confirmed");
    books.check_inert(&roll_back(with(1)), "already-confirmed");
    books.check_inert(&hold(with(1), "30"), "already-confirmed");
    books.check(&hold(with(2), "30"), "held 30.00, available 40.00");
    books.check(&roll_back(with(2)), "rolled back");
    books.check_inert(&confirm(with(2)), "already-rolled-back");
    books.check_inert(&hold(with(2), "30"), "already-rolled-back");
    books.check_inert(&confirm(with(3)), "unknown-id");
}

#[test]
fn money_paid_in_is_not_spendable_until_it_is_confirmed() {
    let mut books = books();
    books.check(&hold(dep(1), "50"), "held 50.00, available 100.00");
    books.check(&balance(), "available 100.00, held 0.00");
    books.check(&hold(with(2), "150"), "insufficient-funds");
    books.check(&confirm(dep(1)), "confirmed");
    books.check(&balance(), "available 150.00, held 0.00");
    books.check(&hold(dep(3), "50"), "held 50.00, available 150.00");
    books.check(&roll_back(dep(3)), "rolled back");
    books.check(&balance(), "available 150.00, held 0.00");
    assert_eq!(books.accounts[&card(CARD)].pending, Money::ZERO);
}

#[test]
fn a_deposit_beyond_the_largest_balance_is_declined_at_once() {
    let mut books = books();
    books.check(
        &hold(dep(1), "9999999899"),
        "held 9999999899.00, available 100.00",
    );
    books.check(&hold(dep(2), "1.00"), "out-of-range");
    books.check(&hold(dep(3), "0.99"), "held 0.99, available 100.00");
    books.check(&confirm(dep(3)), "confirmed");
    books.check(&confirm(dep(1)), "confirmed");
    books.check(&balance(), "available 9999999999.99, held 0.00");
}

#[test]
fn without_a_log_in_nothing_is_recorded() {
    let mut books = books();
    books.check_inert(&hold_by(None, with(1), "30"), "not-logged-in");
    books.check_inert(
        &hold_by(Some(card("111111")), with(1), "30"),
        "not-logged-in",
    );
    books.check_inert(&Operation::Balance { card: None }, "not-logged-in");
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
}

#[test]
fn what_has_a_key_is_settled_with_it_alone() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    for (settler, refusal) in [
        (by(None, None), "not-logged-in"),
        // The customer, who has the card, the PIN and the receipt.
        (by(Some(CARD), None), "not-logged-in"),
        (by(Some(CARD), Some(Key::new(2))), "mismatch"),
        (by(None, Some(Key::new(2))), "mismatch"),
    ] {
        books.check_inert(&confirm_by(with(1), settler.clone()), refusal);
        books.check_inert(&roll_back_by(with(1), settler), refusal);
    }
    // The same hold with another key is another request.
    books.check_inert(&without_key(hold(with(1), "30")), "mismatch");
    books.check(&confirm(with(1)), "confirmed");
    // Once settled, it is still protected.
    books.check_inert(&confirm_by(with(1), by(Some(CARD), None)), "not-logged-in");
}

#[test]
fn what_has_no_key_is_settled_in_a_session_of_its_card() {
    let mut books = books();
    books.check(
        &without_key(hold(with(1), "30")),
        "held 30.00, available 70.00",
    );
    for (settler, answer) in [
        (by(None, None), "not-logged-in"),
        (by(Some(OTHER), None), "not-logged-in"),
        (by(None, Some(KEY)), "mismatch"),
        (by(Some(CARD), None), "rolled back"),
    ] {
        books.check(&roll_back_by(with(1), settler), answer);
    }
}

#[test]
fn an_unknown_id_is_rolled_back_by_any_key_or_card_only() {
    let mut books = books();
    let id = with(1);
    books.check_inert(&roll_back_by(id, by(None, None)), "not-logged-in");
    books.check(&roll_back_by(id, by(Some(OTHER), None)), "rolled back");
    books.check_inert(&roll_back(id), "rolled back, repeat");
}

#[test]
fn a_hold_on_an_account_that_has_vanished_is_not_settled_by_guessing() {
    let mut books = books();
    books.check(&hold(with(1), "30"), "held 30.00, available 70.00");
    books.accounts.remove(&card(CARD));
    books.check_inert(&confirm(with(1)), "unavailable");
    books.check_inert(&roll_back(with(1)), "unavailable");
}

#[test]
fn the_history_has_the_events_in_order() {
    let mut books = books();
    books.apply(&hold(with(1), "30")).unwrap();
    books.apply(&hold(with(2), "300")).unwrap_err();
    books.apply(&confirm(with(1))).unwrap();
    books.apply(&roll_back(with(3))).unwrap();
    let events: Vec<_> = books
        .history
        .iter()
        .map(|entry| (entry.event, entry.id))
        .collect();
    let expected = [
        (Event::Opened, None),
        (Event::Opened, None),
        (Event::Held, Some(with(1))),
        (Event::Declined, Some(with(2))),
        (Event::Confirmed, Some(with(1))),
        (Event::RolledBack, Some(with(3))),
    ];
    assert_eq!(events, expected);
}
