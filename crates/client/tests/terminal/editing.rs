//! Line editing and history.

use proto::mode::Mode;

use crate::person::{BACKSPACE, CTRL_A, CTRL_U, LEFT, Person, UP, start};
use crate::services;

/// Presses these keys and Enter at the prompt, and reads this line.
#[track_caller]
fn typing_gives(person: &mut Person, keys: &str, answer: &str) {
    person.sees("text> ");
    person.enters(keys);
    person.sees(&format!("\n{answer}\r\n"));
}

#[test]
fn a_line_can_be_corrected_before_it_is_sent() {
    let text = services::start(Mode::Text);
    let mut person = start(&["text"], &text.address());
    typing_gives(&mut person, &format!("prime 98{BACKSPACE}7"), "prime");
    typing_gives(&mut person, &format!("ower ÀB{CTRL_A}l"), "àb");
    typing_gives(&mut person, &format!("lower ACD{LEFT}{LEFT}B"), "abcd");
    typing_gives(&mut person, &format!("nonsense{CTRL_U}prime 97"), "prime");
    typing_gives(&mut person, &format!("lower 日本é{BACKSPACE}X"), "日本x");
    person.sees("text> ");
    person.enters("q");
    person.returns_to_the_shell(0);
}

#[test]
fn the_arrow_brings_back_earlier_lines() {
    let text = services::start(Mode::Text);
    let mut person = start(&["text"], &text.address());
    typing_gives(&mut person, "lower FIRST", "first");
    typing_gives(&mut person, "lower SECOND", "second");
    typing_gives(&mut person, UP, "second");
    typing_gives(&mut person, &format!("{UP}{UP}{BACKSPACE}T"), "first");
    person.sees("text> ");
    person.enters("q");
    person.returns_to_the_shell(0);
}
