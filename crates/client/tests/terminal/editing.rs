//! Line editing and history.

use proto::mode::Mode;
use testkit::service;
use testkit::terminal::Terminal;
use testkit::terminal::key::{BACKSPACE, CTRL_A, CTRL_U, LEFT, UP};

use super::start;

/// Presses these keys and Enter at the prompt, and reads this line.
#[track_caller]
fn typing_gives(terminal: &mut Terminal, keys: &str, answer: &str) {
    terminal.answer("text> ", keys);
    terminal.expect(&format!("\n{answer}\r\n"));
}

#[test]
fn a_line_can_be_corrected_before_it_is_sent() {
    let text = service::start(Mode::Text);
    let mut terminal = start(&["text"], &text);
    typing_gives(&mut terminal, &format!("prime 98{BACKSPACE}7"), "prime");
    typing_gives(&mut terminal, &format!("ower ÀB{CTRL_A}l"), "àb");
    typing_gives(&mut terminal, &format!("lower ACD{LEFT}{LEFT}B"), "abcd");
    typing_gives(&mut terminal, &format!("nonsense{CTRL_U}prime 97"), "prime");
    typing_gives(&mut terminal, &format!("lower 日本é{BACKSPACE}X"), "日本x");
    terminal.answer("text> ", "q");
    terminal.end_restored(0);
}

#[test]
fn the_arrow_brings_back_earlier_lines() {
    let text = service::start(Mode::Text);
    let mut terminal = start(&["text"], &text);
    typing_gives(&mut terminal, "lower FIRST", "first");
    typing_gives(&mut terminal, "lower SECOND", "second");
    typing_gives(&mut terminal, UP, "second");
    typing_gives(&mut terminal, &format!("{UP}{UP}{BACKSPACE}T"), "first");
    terminal.answer("text> ", "q");
    terminal.end_restored(0);
}
