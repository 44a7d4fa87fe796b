//! Terminals that cannot do much, and answers that go elsewhere.

use proto::mode::Mode;
use testkit::service;

use super::start_in;
use crate::printed::printed;

#[test]
fn prompts_are_seen_while_the_answers_go_to_a_file() {
    let text = service::start(Mode::Text);
    let redirected =
        "stty sane; \"$0\" \"$@\" >answers; status=$?; cat answers; stty -a; exit $status";
    let mut terminal = start_in(redirected, &["text"], &text);
    terminal.answer("text> ", "lower FIRST");
    terminal.answer("text> ", "lower SECOND");
    terminal.answer("text> ", "q");
    // The file, and nothing else in it.
    terminal.expect("\nfirst\r\nsecond\r\nspeed ");
    terminal.end_restored(0);
}

#[test]
fn a_pin_is_not_asked_for_where_the_terminal_would_show_it() {
    let bank = service::start(Mode::Atm);
    let plain = "stty sane; TERM=dumb \"$0\" \"$@\"; status=$?; stty -a; exit $status";
    let mut terminal = start_in(plain, &["atm", "--card", "987654321"], &bank);
    terminal.expect(
        "labclient: this terminal would show the PIN: set LABCLIENT_PIN or give --pin-file",
    );
    let seen = terminal.end_restored(2);
    assert!(!seen.contains("PIN: \r"), "{seen:?}");
}

#[test]
fn nor_is_the_password_of_a_hand_out() {
    let plain = "stty sane; TERM=dumb \"$0\" \"$@\"; status=$?; stty -a; exit $status";
    let server = printed(&[]);
    let mut terminal = start_in(plain, &["handout", "atm-card"], &server);
    terminal.answer("choice (1 to 6): ", "1");
    terminal.answer("card number: ", "123456789");
    terminal.expect("\nlabclient: this terminal would show the password: ");
    let seen = terminal.end_restored(2);
    assert!(!seen.contains("password: \r"), "{seen:?}");
}

#[test]
fn a_terminal_that_cannot_edit_can_still_be_typed_at() {
    let text = service::start(Mode::Text);
    let plain = "stty sane; TERM=dumb \"$0\" \"$@\"; status=$?; stty -a; exit $status";
    let mut terminal = start_in(plain, &["text"], &text);
    terminal.answer("text> ", "lower FIRST");
    terminal.expect("\nfirst\r\n");
    terminal.answer("text> ", "q");
    terminal.end_restored(0);
}
