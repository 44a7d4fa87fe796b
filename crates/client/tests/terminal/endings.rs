//! How a conversation at a terminal ends, and what it leaves behind.

use proto::mode::Mode;

use crate::person::{CTRL_C, CTRL_D, start};
use crate::services;

#[test]
fn ctrl_c_and_ctrl_d_end_and_leave_the_terminal_as_it_was() {
    for mode in [Mode::Text, Mode::Calc, Mode::Echo, Mode::Datetime] {
        let service = services::start(mode);
        for key in [CTRL_C, CTRL_D] {
            let mut person = start(&[mode.name()], &service.address());
            person.sees(&format!("{}> ", mode.name()));
            person.types(key);
            person.returns_to_the_shell(0);
        }
    }
}

#[test]
fn ctrl_c_ends_in_the_middle_of_a_line_and_in_a_question_of_the_menu() {
    let text = services::start(Mode::Text);
    let mut person = start(&["text"], &text.address());
    person.sees("text> ");
    person.types("lower half");
    person.types(CTRL_C);
    person.returns_to_the_shell(0);
    let mut person = start(&["text"], &text.address());
    person.sees("text> ");
    person.enters("1");
    person.sees("text to lower: ");
    person.types(CTRL_C);
    person.returns_to_the_shell(0);
}

#[test]
fn a_server_that_has_gone_is_told_at_the_next_line() {
    let calc = services::start(Mode::Calc);
    let address = calc.address();
    let mut person = start(&["calc"], &address);
    person.sees("calc> ");
    person.enters("1 + 1");
    person.sees("\n2\r\n");
    person.sees("calc> ");
    calc.stop();
    person.enters("2 + 2");
    // Its last words, then that it is gone.
    person.sees("\nthe server is stopping; nothing after this was done\r\n");
    person.sees("calc> ");
    person.enters("2 + 2");
    person.sees(&format!("\nlabclient: {address}: the "));
    person.sees(" the connection\r\n");
    person.returns_to_the_shell(3);
}

#[test]
fn no_server_is_told_before_anything_is_asked() {
    let text = services::start(Mode::Text);
    let address = text.address();
    text.stop();
    let mut person = start(&["text"], &address);
    person.sees(&format!("labclient: nothing listens on {address}: "));
    let seen = person.returns_to_the_shell(3);
    assert!(!seen.contains("text> "), "{seen:?}");
}
