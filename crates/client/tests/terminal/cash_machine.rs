//! A customer at the cash machine.

use proto::mode::Mode;

use crate::person::{CTRL_C, CTRL_D, CTRL_U, Person, UP, start};
use crate::services::{self, Service};

/// The hand-out's second account: its card does not contain its PIN.
const CARD: &str = "987654321";
const PIN: &str = "5678";

fn logged_in(bank: &Service, arguments: &[&str]) -> Person {
    let mut person = start(&[&["atm"], arguments].concat(), &bank.address());
    person.sees("Card number: ");
    person.enters(CARD);
    person.sees("PIN: ");
    person.enters(PIN);
    person.sees("Welcome, Ahona.");
    person.sees("1  Check the balance");
    person
}

#[test]
fn a_customer_logs_in_and_uses_the_menu() {
    let bank = services::start(Mode::Atm);
    let mut person = logged_in(&bank, &[]);
    person.sees("atm> ");
    person.enters("1");
    person.sees("\n5000.00\r\n");
    for (number, amount, receipt) in [
        (
            "2",
            "500",
            [
                "Withdrawal  500.00",
                "Available   4500.00",
                "Reference   WITH_",
            ],
        ),
        (
            "3",
            "20.50",
            [
                "Deposit     20.50",
                "Available   4520.50",
                "Reference   DEP_",
            ],
        ),
    ] {
        person.sees("atm> ");
        person.enters(number);
        person.sees("Amount: ");
        person.enters(amount);
        receipt
            .iter()
            .for_each(|row| person.sees(&format!("\n{row}")));
    }
    person.sees("atm> ");
    person.enters("withdraw 99999");
    person.sees("atm> ");
    person.enters("balance");
    person.sees("\n4520.50\r\n");
    person.sees("atm> ");
    person.enters("q");
    person.returns_to_the_shell(0);
}

#[test]
fn a_second_customer_can_follow_at_the_same_machine() {
    let bank = services::start(Mode::Atm);
    let mut person = logged_in(&bank, &[]);
    person.sees("atm> ");
    person.enters("4");
    person.sees("Card number: ");
    person.enters("123456789");
    person.sees("PIN: ");
    person.enters("1234");
    person.sees("Welcome, Joty.");
    person.sees("atm> ");
    person.enters("1");
    person.sees("\n10000.00\r\n");
    person.sees("atm> ");
    person.types(CTRL_D);
    person.returns_to_the_shell(0);
}

#[test]
fn the_pin_is_neither_shown_nor_remembered() {
    let bank = services::start(Mode::Atm);
    let mut person = logged_in(&bank, &[]);
    person.sees("atm> ");
    // All that is remembered, and one more.
    for _ in 0..4 {
        person.types(UP);
    }
    person.types(CTRL_U);
    person.enters("balance");
    person.sees("\n5000.00\r\n");
    // Another question for a PIN, with the arrow pressed in it.
    person.sees("atm> ");
    person.enters("4");
    person.sees("Card number: ");
    person.enters(CARD);
    person.sees("PIN: ");
    person.types(UP);
    person.types(CTRL_U);
    person.enters(PIN);
    person.sees("Welcome, Ahona.");
    person.sees("atm> ");
    person.types(&UP.repeat(8));
    person.types(CTRL_C);
    let seen = person.returns_to_the_shell(0);
    assert!(!seen.contains(PIN), "{seen:?}");
    for digit in PIN.chars() {
        // Nor one by one, as keys are echoed.
        let echoed = format!("PIN: {digit}");
        assert!(!seen.contains(&echoed), "{seen:?}");
    }
}

#[test]
fn a_wrong_pin_is_asked_for_again() {
    let bank = services::start(Mode::Atm);
    let mut person = start(&["atm", "balance"], &bank.address());
    person.sees("Card number: ");
    person.enters("12");
    person.sees("Card number: ");
    person.enters(CARD);
    person.sees("PIN: ");
    for (wrong, said) in [
        ("9999", "unknown card or wrong PIN; once more, or Ctrl-C"),
        // No PIN at all is no wrong one.
        ("12", "a PIN has 4 to 12 digits"),
        ("9998", "unknown card or wrong PIN; once more, or Ctrl-C"),
    ] {
        person.enters(wrong);
        person.sees(&format!("\n{said}\r\n"));
        person.sees("PIN: ");
    }
    person.enters(PIN);
    person.sees("\n5000.00\r\n");
    let seen = person.returns_to_the_shell(0);
    assert!(!seen.contains("999"), "{seen:?}");
}

#[test]
fn three_wrong_pins_end_it_and_it_is_said_who_unlocks_the_card() {
    let bank = services::start(Mode::Atm);
    let unlock = format!("unlocks it with `labserver ledger unlock {CARD}`, or it opens by itself");
    let mut person = start(&["atm", "--card", CARD], &bank.address());
    person.sees("PIN: ");
    for _ in 0..2 {
        person.enters("9999");
        person.sees("; once more, or Ctrl-C\r\n");
        person.sees("PIN: ");
    }
    person.enters("9999");
    person.sees("\nlabclient: ");
    let seen = person.returns_to_the_shell(1);
    assert!(seen.contains(&unlock), "{seen:?}");
    // The right one is too late.
    let mut person = start(&["atm", "--card", CARD], &bank.address());
    person.sees("PIN: ");
    person.enters(PIN);
    person.sees("\nlabclient: the card is locked");
    person.sees(&unlock);
    person.returns_to_the_shell(1);
}

#[test]
fn a_wrong_pin_of_the_next_customer_is_asked_for_again_too() {
    let bank = services::start(Mode::Atm);
    let mut person = logged_in(&bank, &[]);
    person.sees("atm> ");
    person.enters("4");
    person.sees("Card number: ");
    person.enters("123456789");
    person.sees("PIN: ");
    for wrong in ["9999", "9998"] {
        person.enters(wrong);
        person.sees("; once more, or Ctrl-C\r\n");
        person.sees("PIN: ");
    }
    person.enters("9997");
    person.sees("unlocks it with `labserver ledger unlock 123456789`");
    // The customer before has gone, and the next one gets in.
    person.sees("atm> ");
    person.enters("balance");
    person.sees("\nlog in first\r\n");
    person.sees("atm> ");
    person.enters("4");
    person.sees("Card number: ");
    person.enters(CARD);
    person.sees("PIN: ");
    person.enters(PIN);
    person.sees("Welcome, Ahona.");
    person.sees("atm> ");
    person.types(CTRL_D);
    person.returns_to_the_shell(0);
}

#[test]
fn a_bank_that_is_not_there_is_told_before_a_card_is_asked_for() {
    let bank = services::start(Mode::Atm);
    let address = bank.address();
    bank.stop();
    let mut person = start(&["atm"], &address);
    person.sees(&format!("labclient: nothing listens on {address}: "));
    let seen = person.returns_to_the_shell(3);
    assert!(!seen.contains("Card number"), "{seen:?}");
}

#[test]
fn ctrl_c_and_ctrl_d_give_up_at_the_pin_and_leave_the_terminal_as_it_was() {
    let bank = services::start(Mode::Atm);
    for key in [CTRL_C, CTRL_D] {
        let mut person = start(&["atm", "--card", CARD, "balance"], &bank.address());
        person.sees("PIN: ");
        person.types(key);
        let seen = person.returns_to_the_shell(0);
        assert!(!seen.contains("5000.00"), "{seen:?}");
    }
}

#[test]
fn a_bank_that_has_gone_is_waited_for_and_then_told() {
    let bank = services::start(Mode::Atm);
    let address = bank.address();
    let mut person = logged_in(&bank, &["--patience", "1"]);
    person.sees("atm> ");
    bank.stop();
    person.enters("balance");
    let words = format!("nothing listens on {address}: is `labserver --mode atm` running?");
    person.sees(&format!("\n{words}; asking again, 2nd attempt\r"));
    person.sees(&format!("\nlabclient: {words}\r"));
    person.returns_to_the_shell(3);
}
