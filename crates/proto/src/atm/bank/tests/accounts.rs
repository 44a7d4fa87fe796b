//! Log-ins, locked cards, new accounts.

use super::*;

#[test]
fn three_wrong_pins_in_a_row_lock_the_card() {
    let mut books = books();
    check(&mut books, &log_in(1, false), "wrong-credentials");
    check(&mut books, &log_in(2, false), "wrong-credentials");
    check(&mut books, &log_in(3, true), "welcome Joty");
    for number in 4..=6 {
        check(&mut books, &log_in(number, false), "wrong-credentials");
    }
    check_inert(&mut books, &log_in(7, true), "card-locked");
    check_inert(&mut books, &log_in(8, false), "card-locked");
    check_inert(&mut books, &balance(), "card-locked");
    check(
        &mut books,
        &Operation::Unlock(card(CARD)),
        "available 100.00, held 0.00",
    );
    check_inert(
        &mut books,
        &Operation::Unlock(card(CARD)),
        "available 100.00, held 0.00",
    );
    check(&mut books, &log_in(9, false), "wrong-credentials");
    check(&mut books, &log_in(10, true), "welcome Joty");
    check_inert(&mut books, &Operation::Unlock(card("111111")), "unknown-id");
}

#[test]
fn a_lock_ends_by_itself_and_the_next_one_lasts_twice_as_long() {
    let mut books = books();
    let mut number = 0;
    let mut wrong = |books: &mut Books| {
        for _ in 0..WRONG_PINS {
            number += 1;
            check(books, &log_in(number, false), "wrong-credentials");
        }
    };
    for lock in [FIRST_LOCK, 2 * FIRST_LOCK, 4 * FIRST_LOCK] {
        wrong(&mut books);
        books.now += lock - 1;
        check_inert(&mut books, &log_in(1_000, true), "card-locked");
        check_inert(&mut books, &balance(), "card-locked");
        books.now += 1;
        check_inert(&mut books, &balance(), "available 100.00, held 0.00");
    }
    for _ in 0..100 {
        wrong(&mut books);
        books.now += LONGEST_LOCK;
    }
    // The right PIN ends the row.
    check(&mut books, &log_in(1_001, true), "welcome Joty");
    wrong(&mut books);
    books.now += FIRST_LOCK;
    check(&mut books, &log_in(1_002, true), "welcome Joty");
}

#[test]
fn a_good_log_in_that_is_repeated_is_answered_as_it_was_though_the_card_is_locked() {
    let mut books = books();
    check(&mut books, &log_in(1, true), "welcome Joty");
    for number in 2..=4 {
        check(&mut books, &log_in(number, false), "wrong-credentials");
    }
    check_inert(&mut books, &log_in(1, true), "welcome Joty");
    check_inert(&mut books, &log_in(1, false), "card-locked");
    check_inert(&mut books, &log_in(5, true), "card-locked");
    // In the session that it opens, the lock still stands.
    check_inert(&mut books, &balance(), "card-locked");
}

#[test]
fn a_repeated_log_in_does_not_burn_a_try() {
    let mut books = books();
    check(&mut books, &log_in(1, false), "wrong-credentials");
    check_inert(&mut books, &log_in(1, false), "wrong-credentials");
    // Nor can the PIN be guessed under the id of a failed log-in.
    check_inert(&mut books, &log_in(1, true), "wrong-credentials");
    assert_eq!(books.accounts[&card(CARD)].wrong_pins, 1);
}

#[test]
fn a_repeated_log_in_needs_the_right_pin_again() {
    let mut books = books();
    check(&mut books, &log_in(1, true), "welcome Joty");
    check_inert(&mut books, &log_in(1, true), "welcome Joty");
    check(&mut books, &log_in(1, false), "wrong-credentials");
    assert_eq!(books.accounts[&card(CARD)].wrong_pins, 1);
    check_inert(&mut books, &log_in(1, false), "wrong-credentials");
}

#[test]
fn the_last_wrong_pin_is_still_called_wrong_when_it_is_repeated() {
    let mut books = locked();
    check_inert(&mut books, &log_in(2, false), "wrong-credentials");
}

#[test]
fn an_unknown_card_is_refused_in_the_same_words_and_not_recorded() {
    let mut books = books();
    let unknown = Operation::LogIn {
        id: LoginId(Uuid::from_u128(1)),
        card: card("111111"),
        pin_matches: false,
    };
    let before = books.clone();
    let refusal = books.apply(&unknown).unwrap_err();
    assert_eq!(books, before);
    assert_eq!(Err(refusal), books.apply(&log_in(2, false)));
    // Nor does the same id with another card reveal anything of this one.
    for (number, pin_matches, answer) in
        [(2, true, "welcome Joty"), (1, false, "wrong-credentials")]
    {
        let other = Operation::LogIn {
            id: LoginId(Uuid::from_u128(number)),
            card: card(OTHER),
            pin_matches,
        };
        check(&mut books, &other, answer);
    }
}

#[test]
fn an_account_is_created_once() {
    let mut books = books();
    check_inert(&mut books, &create(1, CARD, "100"), "created, repeat");
    check_inert(&mut books, &create(1, CARD, "100.01"), "mismatch");
    check_inert(&mut books, &create(1, "111111", "100"), "mismatch");
    check_inert(&mut books, &create(3, CARD, "100"), "account-exists");
    for (holder, pin_hash) in [("Ahona", "hash"), ("Joty", "other")] {
        let operation = Operation::Create {
            id: CreationId(Uuid::from_u128(1)),
            card: card(CARD),
            holder: holder.parse().unwrap(),
            pin_hash: pin_hash.into(),
            opening: money("100"),
        };
        check_inert(&mut books, &operation, "mismatch");
    }
    check(&mut books, &create(4, "111111", "0"), "created");
}
