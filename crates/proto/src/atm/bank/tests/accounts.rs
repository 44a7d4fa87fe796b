//! Log-ins, locked cards, new accounts.

use super::*;

#[test]
fn three_wrong_pins_in_a_row_lock_the_card() {
    let mut books = books();
    books.check(&log_in(1, false), "wrong-credentials");
    books.check(&log_in(2, false), "wrong-credentials");
    books.check(&log_in(3, true), "welcome Joty");
    for number in 4..=6 {
        books.check(&log_in(number, false), "wrong-credentials");
    }
    books.check_inert(&log_in(7, true), "card-locked");
    books.check_inert(&log_in(8, false), "card-locked");
    books.check_inert(&balance(), "card-locked");
    books.check(&unlock(CARD), "available 100.00, held 0.00");
    books.check_inert(&unlock(CARD), "available 100.00, held 0.00");
    books.check(&log_in(9, false), "wrong-credentials");
    books.check(&log_in(10, true), "welcome Joty");
    books.check_inert(&unlock("111111"), "unknown-id");
}

#[test]
fn a_lock_ends_by_itself_and_the_next_one_lasts_twice_as_long() {
    let mut books = books();
    let mut number = 0;
    let mut wrong = |books: &mut MemoryRows| {
        for _ in 0..MAX_WRONG_PINS {
            number += 1;
            books.check(&log_in(number, false), "wrong-credentials");
        }
    };
    for lock in [
        FIRST_LOCK_SECONDS,
        2 * FIRST_LOCK_SECONDS,
        4 * FIRST_LOCK_SECONDS,
    ] {
        wrong(&mut books);
        books.now += lock - 1;
        books.check_inert(&log_in(1_000, true), "card-locked");
        books.check_inert(&balance(), "card-locked");
        books.now += 1;
        books.check_inert(&balance(), "available 100.00, held 0.00");
    }
    for _ in 0..100 {
        wrong(&mut books);
        books.now += MAX_LOCK_SECONDS;
    }
    // The right PIN ends the row.
    books.check(&log_in(1_001, true), "welcome Joty");
    wrong(&mut books);
    books.now += FIRST_LOCK_SECONDS;
    books.check(&log_in(1_002, true), "welcome Joty");
}

#[test]
fn a_good_log_in_that_is_repeated_is_answered_as_it_was_though_the_card_is_locked() {
    let mut books = books();
    books.check(&log_in(1, true), "welcome Joty");
    for number in 2..=4 {
        books.check(&log_in(number, false), "wrong-credentials");
    }
    books.check_inert(&log_in(1, true), "welcome Joty");
    books.check_inert(&log_in(1, false), "card-locked");
    books.check_inert(&log_in(5, true), "card-locked");
    // In the session that it opens, the lock still stands.
    books.check_inert(&balance(), "card-locked");
}

#[test]
fn a_repeated_log_in_does_not_burn_a_try() {
    let mut books = books();
    books.check(&log_in(1, false), "wrong-credentials");
    books.check_inert(&log_in(1, false), "wrong-credentials");
    // Nor can the PIN be guessed under the id of a failed log-in.
    books.check_inert(&log_in(1, true), "wrong-credentials");
    assert_eq!(books.accounts[&card(CARD)].wrong_pins, 1);
}

#[test]
fn a_repeated_log_in_needs_the_right_pin_again() {
    let mut books = books();
    books.check(&log_in(1, true), "welcome Joty");
    books.check_inert(&log_in(1, true), "welcome Joty");
    books.check(&log_in(1, false), "wrong-credentials");
    assert_eq!(books.accounts[&card(CARD)].wrong_pins, 1);
    books.check_inert(&log_in(1, false), "wrong-credentials");
}

#[test]
fn the_last_wrong_pin_is_still_called_wrong_when_it_is_repeated() {
    let mut books = locked();
    books.check_inert(&log_in(2, false), "wrong-credentials");
}

#[test]
fn an_unknown_card_is_refused_in_the_same_words_and_not_recorded() {
    let mut books = books();
    let unknown = log_in_with("111111", 1, false);
    let before = books.clone();
    let refusal = books.apply(&unknown).unwrap_err();
    assert_eq!(books, before);
    assert_eq!(Err(refusal), books.apply(&log_in(2, false)));
    // Nor does the same id with another card reveal anything of this one.
    books.check(&log_in_with(OTHER, 2, true), "welcome Joty");
    books.check(&log_in_with(OTHER, 1, false), "wrong-credentials");
}

#[test]
fn an_account_is_created_once() {
    let mut books = books();
    books.check_inert(&create(1, CARD, "100"), "created, repeat");
    books.check_inert(&create(1, CARD, "100.01"), "mismatch");
    books.check_inert(&create(1, "111111", "100"), "mismatch");
    books.check_inert(&create(3, CARD, "100"), "account-exists");
    for (holder, pin_hash) in [("Ahona", "hash"), ("Joty", "other")] {
        let operation = Operation::Create {
            id: CreationId(Uuid::from_u128(1)),
            card: card(CARD),
            holder: holder.parse().unwrap(),
            pin_hash: pin_hash.into(),
            opening: money("100"),
        };
        books.check_inert(&operation, "mismatch");
    }
    books.check(&create(4, "111111", "0"), "created");
}
