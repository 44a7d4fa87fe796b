//! Holds and settlements.

use super::*;
use crate::atm::record::Event;

#[test]
fn a_hold_lowers_what_is_available_and_a_confirmation_the_balance() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    check(&mut books, &balance(), "available 70.00, held 30.00");
    check(&mut books, &confirm(with(1)), "confirmed");
    check(&mut books, &balance(), "available 70.00, held 0.00");
    assert_eq!(books.accounts[&card(CARD)].posted, money("70"));
}

#[test]
fn a_rollback_releases_the_hold() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    check(&mut books, &roll_back(with(1)), "rolled back");
    check(&mut books, &balance(), "available 100.00, held 0.00");
}

#[test]
fn the_whole_balance_may_be_withdrawn_and_no_hundredth_more() {
    let mut books = books();
    check(&mut books, &hold(with(1), "100.01"), "insufficient-funds");
    check(
        &mut books,
        &hold(with(2), "100"),
        "held 100.00, available 0.00",
    );
    check(&mut books, &hold(with(3), "0.01"), "insufficient-funds");
}

#[test]
fn a_repeat_is_answered_from_the_record_and_changes_nothing() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    check(
        &mut books,
        &hold(with(2), "30"),
        "held 30.00, available 40.00",
    );
    check_inert(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00, repeat",
    );
    check(&mut books, &confirm(with(1)), "confirmed");
    check_inert(&mut books, &confirm(with(1)), "confirmed, repeat");
    check(&mut books, &roll_back(with(2)), "rolled back");
    check_inert(&mut books, &roll_back(with(2)), "rolled back, repeat");
}

#[test]
fn a_repeat_needs_neither_a_session_nor_an_unlocked_card() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    for number in 0..3 {
        check(&mut books, &log_in(number, false), "wrong-credentials");
    }
    check(&mut books, &hold(with(2), "30"), "card-locked");
    check_inert(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00, repeat",
    );
    let repeat = hold_by(None, with(1), "30");
    check_inert(&mut books, &repeat, "held 30.00, available 70.00, repeat");
    check(&mut books, &confirm(with(1)), "confirmed");
}

#[test]
fn the_same_id_with_other_content_is_a_mismatch() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    check_inert(&mut books, &hold(with(1), "30.01"), "mismatch");
    check_inert(
        &mut books,
        &hold_by(Some(card(OTHER)), with(1), "30"),
        "mismatch",
    );
    check(&mut books, &hold(with(2), "500"), "insufficient-funds");
    check_inert(&mut books, &hold(with(2), "50"), "mismatch");
}

#[test]
fn a_decline_stays_one_even_when_the_money_is_there_later() {
    let mut books = books();
    check(&mut books, &hold(with(1), "150"), "insufficient-funds");
    check(
        &mut books,
        &hold(dep(2), "100"),
        "held 100.00, available 100.00",
    );
    check(&mut books, &confirm(dep(2)), "confirmed");
    check_inert(&mut books, &hold(with(1), "150"), "insufficient-funds");
    check_inert(&mut books, &confirm(with(1)), "declined");
    check_inert(&mut books, &roll_back(with(1)), "declined");
    check(
        &mut books,
        &hold(with(3), "150"),
        "held 150.00, available 50.00",
    );

    let mut books = locked();
    check(&mut books, &hold(with(1), "10"), "card-locked");
    check(
        &mut books,
        &Operation::Unlock(card(CARD)),
        "available 100.00, held 0.00",
    );
    check_inert(&mut books, &hold(with(1), "10"), "card-locked");
}

#[test]
fn a_rollback_that_overtakes_its_withdrawal_leaves_a_tombstone() {
    let mut books = books();
    check(&mut books, &roll_back(with(1)), "rolled back");
    check_inert(&mut books, &roll_back(with(1)), "rolled back, repeat");
    check_inert(&mut books, &hold(with(1), "30"), "already-rolled-back");
    check_inert(&mut books, &confirm(with(1)), "already-rolled-back");
}

#[test]
fn the_first_settlement_wins_and_the_other_is_told_so() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    check(&mut books, &confirm(with(1)), "confirmed");
    check_inert(&mut books, &roll_back(with(1)), "already-confirmed");
    check_inert(&mut books, &hold(with(1), "30"), "already-confirmed");
    check(
        &mut books,
        &hold(with(2), "30"),
        "held 30.00, available 40.00",
    );
    check(&mut books, &roll_back(with(2)), "rolled back");
    check_inert(&mut books, &confirm(with(2)), "already-rolled-back");
    check_inert(&mut books, &hold(with(2), "30"), "already-rolled-back");
    check_inert(&mut books, &confirm(with(3)), "unknown-id");
}

#[test]
fn money_paid_in_is_not_spendable_until_it_is_confirmed() {
    let mut books = books();
    check(
        &mut books,
        &hold(dep(1), "50"),
        "held 50.00, available 100.00",
    );
    check(&mut books, &balance(), "available 100.00, held 0.00");
    check(&mut books, &hold(with(2), "150"), "insufficient-funds");
    check(&mut books, &confirm(dep(1)), "confirmed");
    check(&mut books, &balance(), "available 150.00, held 0.00");
    check(
        &mut books,
        &hold(dep(3), "50"),
        "held 50.00, available 150.00",
    );
    check(&mut books, &roll_back(dep(3)), "rolled back");
    check(&mut books, &balance(), "available 150.00, held 0.00");
    assert_eq!(books.accounts[&card(CARD)].pending, Money::ZERO);
}

#[test]
fn a_deposit_beyond_the_largest_balance_is_declined_at_once() {
    let mut books = books();
    check(
        &mut books,
        &hold(dep(1), "9999999899"),
        "held 9999999899.00, available 100.00",
    );
    check(&mut books, &hold(dep(2), "1.00"), "out-of-range");
    check(
        &mut books,
        &hold(dep(3), "0.99"),
        "held 0.99, available 100.00",
    );
    check(&mut books, &confirm(dep(3)), "confirmed");
    check(&mut books, &confirm(dep(1)), "confirmed");
    check(&mut books, &balance(), "available 9999999999.99, held 0.00");
}

#[test]
fn without_a_log_in_nothing_is_recorded() {
    let mut books = books();
    check_inert(&mut books, &hold_by(None, with(1), "30"), "not-logged-in");
    check_inert(
        &mut books,
        &hold_by(Some(card("111111")), with(1), "30"),
        "not-logged-in",
    );
    check_inert(
        &mut books,
        &Operation::Balance { card: None },
        "not-logged-in",
    );
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
}

#[test]
fn what_has_a_key_is_settled_with_it_alone() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    for (settler, refusal) in [
        (by(None, None), "not-logged-in"),
        // The customer, who has the card, the PIN and the receipt.
        (by(Some(CARD), None), "not-logged-in"),
        (by(Some(CARD), Some(Key::new(2))), "mismatch"),
        (by(None, Some(Key::new(2))), "mismatch"),
    ] {
        let id = with(1);
        let confirm = Operation::Confirm {
            id,
            by: settler.clone(),
        };
        check_inert(&mut books, &confirm, refusal);
        check_inert(
            &mut books,
            &Operation::Rollback { id, by: settler },
            refusal,
        );
    }
    // To ask for the hold again with another key is to ask for something else.
    let mut other = hold(with(1), "30");
    if let Operation::Hold { key, .. } = &mut other {
        *key = None;
    }
    check_inert(&mut books, &other, "mismatch");
    check(&mut books, &confirm(with(1)), "confirmed");
    // Once settled, it is still protected.
    let by = by(Some(CARD), None);
    check_inert(
        &mut books,
        &Operation::Confirm { id: with(1), by },
        "not-logged-in",
    );
}

#[test]
fn what_has_no_key_is_settled_in_a_session_of_its_card() {
    let mut books = books();
    let mut hold = hold(with(1), "30");
    if let Operation::Hold { key, .. } = &mut hold {
        *key = None;
    }
    check(&mut books, &hold, "held 30.00, available 70.00");
    for (settler, answer) in [
        (by(None, None), "not-logged-in"),
        (by(Some(OTHER), None), "not-logged-in"),
        (by(None, Some(KEY)), "mismatch"),
        (by(Some(CARD), None), "rolled back"),
    ] {
        let id = with(1);
        check(&mut books, &Operation::Rollback { id, by: settler }, answer);
    }
}

#[test]
fn what_is_not_known_is_rolled_back_by_any_key_or_card_and_by_nobody_else() {
    let mut books = books();
    let id = with(1);
    let stranger = by(None, None);
    check_inert(
        &mut books,
        &Operation::Rollback { id, by: stranger },
        "not-logged-in",
    );
    let customer = by(Some(OTHER), None);
    check(
        &mut books,
        &Operation::Rollback { id, by: customer },
        "rolled back",
    );
    check_inert(&mut books, &roll_back(id), "rolled back, repeat");
}

#[test]
fn a_hold_on_an_account_that_has_vanished_is_not_settled_by_guessing() {
    let mut books = books();
    check(
        &mut books,
        &hold(with(1), "30"),
        "held 30.00, available 70.00",
    );
    books.accounts.remove(&card(CARD));
    check_inert(&mut books, &confirm(with(1)), "unavailable");
    check_inert(&mut books, &roll_back(with(1)), "unavailable");
}

#[test]
fn the_history_tells_what_happened_in_order() {
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
