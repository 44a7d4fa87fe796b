//! How a conversation at a terminal ends, and what it leaves behind.

use proto::mode::Mode;
use testkit::service;
use testkit::terminal::key::{CTRL_C, CTRL_D};

use super::start;

#[test]
fn ctrl_c_and_ctrl_d_end_and_leave_the_terminal_as_it_was() {
    for mode in [Mode::Text, Mode::Calc, Mode::Echo, Mode::Datetime] {
        let service = service::start(mode);
        for key in [CTRL_C, CTRL_D] {
            let mut terminal = start(&[mode.name()], &service);
            terminal.expect(&format!("{}> ", mode.name()));
            terminal.press(key);
            terminal.end_restored(0);
        }
    }
}

#[test]
fn ctrl_c_ends_in_the_middle_of_a_line_and_in_a_question_of_the_menu() {
    let text = service::start(Mode::Text);
    let mut terminal = start(&["text"], &text);
    terminal.expect("text> ");
    terminal.press("lower half");
    terminal.press(CTRL_C);
    terminal.end_restored(0);
    let mut terminal = start(&["text"], &text);
    terminal.answer("text> ", "1");
    terminal.expect("text to lower: ");
    terminal.press(CTRL_C);
    terminal.end_restored(0);
}

#[test]
fn a_server_that_has_gone_is_reported_at_the_next_line() {
    let calc = service::start(Mode::Calc);
    let address = calc.address();
    let mut terminal = start(&["calc"], address);
    terminal.answer("calc> ", "1 + 1");
    terminal.expect("\n2\r\n");
    terminal.expect("calc> ");
    calc.stop();
    terminal.enter("2 + 2");
    // Its last words, then that it is gone.
    terminal.expect("\nthe server is stopping; nothing after this was done\r\n");
    terminal.answer("calc> ", "2 + 2");
    terminal.expect(&format!("\nlabclient: {address}: the "));
    terminal.expect(" the connection\r\n");
    terminal.end_restored(3);
}

#[test]
fn no_server_is_reported_before_anything_is_asked() {
    let text = service::start(Mode::Text);
    let address = text.address();
    text.stop();
    let mut terminal = start(&["text"], address);
    terminal.expect(&format!("labclient: nothing listens on {address}: "));
    let seen = terminal.end_restored(3);
    assert!(!seen.contains("text> "), "{seen:?}");
}
