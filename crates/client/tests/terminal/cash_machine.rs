//! A customer at the cash machine.

use proto::mode::Mode;
use testkit::service::{self, Service};
use testkit::terminal::Terminal;
use testkit::terminal::key::{CTRL_C, CTRL_D, CTRL_U, UP};

use super::start;

/// The hand-out's second account: its card does not contain its PIN.
const CARD: &str = "987654321";
const PIN: &str = "5678";

fn logged_in(bank: &Service, arguments: &[&str]) -> Terminal {
    let mut terminal = start(&[&["atm"], arguments].concat(), bank);
    terminal.answer("Card number: ", CARD);
    terminal.answer("PIN: ", PIN);
    terminal.expect("Welcome, Ahona.");
    terminal.expect("1  Check the balance");
    terminal
}

#[test]
fn a_customer_logs_in_and_uses_the_menu() {
    let bank = service::start(Mode::Atm);
    let mut terminal = logged_in(&bank, &[]);
    terminal.answer("atm> ", "1");
    terminal.expect("\n5000.00\r\n");
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
        terminal.answer("atm> ", number);
        terminal.answer("Amount: ", amount);
        receipt
            .iter()
            .for_each(|row| terminal.expect(&format!("\n{row}")));
    }
    terminal.answer("atm> ", "withdraw 99999");
    terminal.answer("atm> ", "balance");
    terminal.expect("\n4520.50\r\n");
    terminal.answer("atm> ", "q");
    terminal.end_restored(0);
}

#[test]
fn a_second_customer_can_follow_at_the_same_machine() {
    let bank = service::start(Mode::Atm);
    let mut terminal = logged_in(&bank, &[]);
    terminal.answer("atm> ", "4");
    terminal.answer("Card number: ", "123456789");
    terminal.answer("PIN: ", "1234");
    terminal.expect("Welcome, Joty.");
    terminal.answer("atm> ", "1");
    terminal.expect("\n10000.00\r\n");
    terminal.expect("atm> ");
    terminal.press(CTRL_D);
    terminal.end_restored(0);
}

#[test]
fn the_pin_is_neither_shown_nor_remembered() {
    let bank = service::start(Mode::Atm);
    let mut terminal = logged_in(&bank, &[]);
    terminal.expect("atm> ");
    // All that is remembered, and one more.
    for _ in 0..4 {
        terminal.press(UP);
    }
    terminal.press(CTRL_U);
    terminal.enter("balance");
    terminal.expect("\n5000.00\r\n");
    // Another question for a PIN, with the arrow pressed in it.
    terminal.answer("atm> ", "4");
    terminal.answer("Card number: ", CARD);
    terminal.expect("PIN: ");
    terminal.press(UP);
    terminal.press(CTRL_U);
    terminal.enter(PIN);
    terminal.expect("Welcome, Ahona.");
    terminal.expect("atm> ");
    terminal.press(&UP.repeat(8));
    terminal.press(CTRL_C);
    let seen = terminal.end_restored(0);
    assert!(!seen.contains(PIN), "{seen:?}");
    for digit in PIN.chars() {
        // Nor one by one, as keys are echoed.
        let echoed = format!("PIN: {digit}");
        assert!(!seen.contains(&echoed), "{seen:?}");
    }
}

#[test]
fn a_wrong_pin_is_asked_for_again() {
    let bank = service::start(Mode::Atm);
    let mut terminal = start(&["atm", "balance"], &bank);
    terminal.answer("Card number: ", "12");
    terminal.answer("Card number: ", CARD);
    terminal.expect("PIN: ");
    for (wrong, said) in [
        ("9999", "unknown card or wrong PIN; once more, or Ctrl-C"),
        // No PIN at all is no wrong one.
        ("12", "a PIN has 4 to 12 digits"),
        ("9998", "unknown card or wrong PIN; once more, or Ctrl-C"),
    ] {
        terminal.enter(wrong);
        terminal.expect(&format!("\n{said}\r\n"));
        terminal.expect("PIN: ");
    }
    terminal.enter(PIN);
    terminal.expect("\n5000.00\r\n");
    let seen = terminal.end_restored(0);
    assert!(!seen.contains("999"), "{seen:?}");
}

#[test]
fn three_wrong_pins_end_it_and_it_is_said_who_unlocks_the_card() {
    let bank = service::start(Mode::Atm);
    let unlock = format!("unlocks it with `labserver ledger unlock {CARD}`, or it opens by itself");
    let mut terminal = start(&["atm", "--card", CARD], &bank);
    terminal.expect("PIN: ");
    for _ in 0..2 {
        terminal.enter("9999");
        terminal.expect("; once more, or Ctrl-C\r\n");
        terminal.expect("PIN: ");
    }
    terminal.enter("9999");
    terminal.expect("\nlabclient: ");
    let seen = terminal.end_restored(1);
    assert!(seen.contains(&unlock), "{seen:?}");
    // The right one is too late.
    let mut terminal = start(&["atm", "--card", CARD], &bank);
    terminal.answer("PIN: ", PIN);
    terminal.expect("\nlabclient: the card is locked");
    terminal.expect(&unlock);
    terminal.end_restored(1);
}

#[test]
fn a_wrong_pin_of_the_next_customer_is_asked_for_again_too() {
    let bank = service::start(Mode::Atm);
    let mut terminal = logged_in(&bank, &[]);
    terminal.answer("atm> ", "4");
    terminal.answer("Card number: ", "123456789");
    terminal.expect("PIN: ");
    for wrong in ["9999", "9998"] {
        terminal.enter(wrong);
        terminal.expect("; once more, or Ctrl-C\r\n");
        terminal.expect("PIN: ");
    }
    terminal.enter("9997");
    terminal.expect("unlocks it with `labserver ledger unlock 123456789`");
    // The customer before has gone, and the next one gets in.
    terminal.answer("atm> ", "balance");
    terminal.expect("\nlog in first\r\n");
    terminal.answer("atm> ", "4");
    terminal.answer("Card number: ", CARD);
    terminal.answer("PIN: ", PIN);
    terminal.expect("Welcome, Ahona.");
    terminal.expect("atm> ");
    terminal.press(CTRL_D);
    terminal.end_restored(0);
}

#[test]
fn a_bank_that_is_not_there_is_reported_before_a_card_is_asked_for() {
    let bank = service::start(Mode::Atm);
    let address = bank.address();
    bank.stop();
    let mut terminal = start(&["atm"], address);
    terminal.expect(&format!("labclient: nothing listens on {address}: "));
    let seen = terminal.end_restored(3);
    assert!(!seen.contains("Card number"), "{seen:?}");
}

#[test]
fn ctrl_c_and_ctrl_d_give_up_at_the_pin_and_leave_the_terminal_as_it_was() {
    let bank = service::start(Mode::Atm);
    for key in [CTRL_C, CTRL_D] {
        let mut terminal = start(&["atm", "--card", CARD, "balance"], &bank);
        terminal.expect("PIN: ");
        terminal.press(key);
        let seen = terminal.end_restored(0);
        assert!(!seen.contains("5000.00"), "{seen:?}");
    }
}

#[test]
fn a_bank_that_has_gone_is_waited_for_and_then_reported() {
    let bank = service::start(Mode::Atm);
    let address = bank.address();
    let mut terminal = logged_in(&bank, &["--patience", "1"]);
    terminal.expect("atm> ");
    bank.stop();
    terminal.enter("balance");
    let words = format!("nothing listens on {address}: is `labserver --mode atm` running?");
    terminal.expect(&format!("\n{words}; asking again, 2nd attempt\r"));
    terminal.expect(&format!("\nlabclient: {words}\r"));
    terminal.end_restored(3);
}
