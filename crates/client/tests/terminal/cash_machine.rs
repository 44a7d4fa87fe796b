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
fn a_wrong_pin_is_refused_and_the_machine_gives_the_card_back() {
    let bank = services::start(Mode::Atm);
    let mut person = start(&["atm", "--card", CARD], &bank.address());
    person.sees("PIN: ");
    person.enters("9999");
    person.sees("\nlabclient: ");
    let seen = person.returns_to_the_shell(1);
    assert!(!seen.contains("9999"), "{seen:?}");
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
    person.sees("stopping");
    person.sees("atm> ");
    person.enters("balance");
    person.sees(&format!("\nlabclient: {address}: "));
    person.returns_to_the_shell(3);
}
