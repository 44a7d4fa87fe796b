//! A bank that does not answer: what is shown meanwhile, and at Ctrl-C.

use std::thread;

use testkit::terminal::Terminal;
use testkit::terminal::key::CTRL_C;

use super::{start, start_in};
use crate::bare_servers::{bank, bank_over, welcome};

const WITHDRAW: &[&str] = &["atm", "--card", "987654321", "withdraw", "500"];

/// The command twice: the second time with what the first left behind.
const TWICE: &str = "trap : INT; stty sane; \"$0\" \"$@\"; \"$0\" \"$@\"; status=$?; echo; stty -a; \
                     exit $status";

/// More than are ever made.
const CONNECTIONS: usize = 1_000;

/// A bank that says nothing to a request, and keeps the connection.
fn silent_bank() -> String {
    bank(|request| {
        welcome(request).or_else(|| {
            loop {
                thread::park()
            }
        })
    })
}

/// A bank that breaks off the connection at a request.
fn rude_bank() -> String {
    bank_over(CONNECTIONS, welcome)
}

fn log_in(terminal: &mut Terminal) {
    terminal.answer("PIN: ", "5678");
}

#[test]
fn each_repeat_is_announced_with_its_reason() {
    let bank = silent_bank();
    let mut terminal = start(WITHDRAW, &bank);
    log_in(&mut terminal);
    terminal.expect("\nno answer within 3 s; asking again with the same id, 2nd attempt\r\n");
    terminal.press(CTRL_C);
    terminal.end_restored(4);
}

#[test]
fn ctrl_c_says_that_the_outcome_is_not_known_and_who_settles_it() {
    let bank = silent_bank();
    let mut terminal = start(WITHDRAW, &bank);
    log_in(&mut terminal);
    terminal.expect("asking again");
    terminal.press(CTRL_C);
    terminal.expect("\nlabclient: WITH_");
    terminal.expect("the outcome is not known yet (interrupted): machine ATM-1 settles it ");
    terminal.expect(&format!("`labclient atm settle --server {bank}` "));
    terminal.end_restored(4);
}

#[test]
fn what_was_left_open_is_shown_before_it_is_settled() {
    let bank = rude_bank();
    let quickly = ["--patience", "0.5"];
    let mut terminal = start_in(TWICE, &[WITHDRAW, &quickly].concat(), &bank);
    log_in(&mut terminal);
    terminal.expect("\nno answer in all that time; rolling it back\r");
    terminal.expect("\nlabclient: WITH_");
    terminal.expect("\nsettling first: WITH_");
    terminal.expect(", 500.00\r\n");
    let seen = terminal.end_restored(4);
    // No PIN is asked for before that.
    assert_eq!(seen.matches("PIN: \r").count(), 1, "{seen:?}");
}

#[test]
fn objects_are_not_mixed_with_words_about_the_wait() {
    let bank = rude_bank();
    let quickly = ["--patience", "0.5", "--json"];
    let mut terminal = start(&[WITHDRAW, &quickly].concat(), &bank);
    log_in(&mut terminal);
    terminal.expect("\nlabclient: WITH_");
    let seen = terminal.end_restored(4);
    assert!(!seen.contains("attempt"), "{seen:?}");
}

#[test]
fn ctrl_c_while_nothing_is_open_ends_it_as_any_other_program() {
    let bank = silent_bank();
    let balance = ["atm", "--card", "987654321", "balance"];
    let mut terminal = start(&balance, &bank);
    log_in(&mut terminal);
    terminal.expect("asking again, 2nd attempt");
    terminal.press(CTRL_C);
    terminal.end_restored(130);
}
