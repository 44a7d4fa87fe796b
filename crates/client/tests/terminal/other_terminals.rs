//! Terminals that cannot do much, and answers that go elsewhere.

use proto::mode::Mode;

use crate::person::start_in;
use crate::printed::printed;
use crate::services;

#[test]
fn prompts_are_seen_while_the_answers_go_to_a_file() {
    let text = services::start(Mode::Text);
    let redirected =
        "stty sane; \"$0\" \"$@\" >answers; status=$?; cat answers; stty -a; exit $status";
    let mut person = start_in(redirected, &["text"], &text.address());
    person.sees("text> ");
    person.enters("lower FIRST");
    person.sees("text> ");
    person.enters("lower SECOND");
    person.sees("text> ");
    person.enters("q");
    // The file, and nothing else in it.
    person.sees("\nfirst\r\nsecond\r\nspeed ");
    person.returns_to_the_shell(0);
}

#[test]
fn a_pin_is_not_asked_for_where_the_terminal_would_show_it() {
    let bank = services::start(Mode::Atm);
    let plain = "stty sane; TERM=dumb \"$0\" \"$@\"; status=$?; stty -a; exit $status";
    let mut person = start_in(plain, &["atm", "--card", "987654321"], &bank.address());
    person
        .sees("labclient: this terminal would show the PIN: set LABCLIENT_PIN or give --pin-file");
    let seen = person.returns_to_the_shell(2);
    assert!(!seen.contains("PIN: \r"), "{seen:?}");
}

#[test]
fn nor_is_the_password_of_a_hand_out() {
    let plain = "stty sane; TERM=dumb \"$0\" \"$@\"; status=$?; stty -a; exit $status";
    let server = printed(vec![]);
    let mut person = start_in(plain, &["handout", "atm-card"], &server.address());
    person.sees("choice (1 to 6): ");
    person.enters("1");
    person.sees("card number: ");
    person.enters("123456789");
    person.sees("\nlabclient: this terminal would show the password: ");
    let seen = person.returns_to_the_shell(2);
    assert!(!seen.contains("password: \r"), "{seen:?}");
}

#[test]
fn a_terminal_that_cannot_edit_can_still_be_typed_at() {
    let text = services::start(Mode::Text);
    let plain = "stty sane; TERM=dumb \"$0\" \"$@\"; status=$?; stty -a; exit $status";
    let mut person = start_in(plain, &["text"], &text.address());
    person.sees("text> ");
    person.enters("lower FIRST");
    person.sees("\nfirst\r\n");
    person.sees("text> ");
    person.enters("q");
    person.returns_to_the_shell(0);
}
