//! The menus of the hand-outs.

use proto::mode::Mode;

use crate::person::{CTRL_C, start};
use crate::services;

#[test]
fn text_has_a_menu_whose_numbers_ask_for_the_rest() {
    let text = services::start(Mode::Text);
    let mut person = start(&["text"], &text.address());
    person.sees("1  Convert to lower case");
    for (number, prompt, typed, answer) in [
        ("1", "text to lower: ", "HELLO Wörld", "hello wörld"),
        ("2", "number: ", "97", "prime"),
        ("2", "number: ", "98", "not prime"),
        ("3", "number: ", "12321", "palindrome"),
    ] {
        person.sees("text> ");
        person.enters(number);
        person.sees(prompt);
        person.enters(typed);
        person.sees(&format!("\n{answer}\r\n"));
    }
    person.sees("text> ");
    person.enters("q");
    person.returns_to_the_shell(0);
}

#[test]
fn help_shows_the_menu_again_with_its_numbers() {
    for (mode, menu) in [
        (Mode::Text, "1  Convert to lower case"),
        (Mode::Calc, "Type an expression"),
        (Mode::Echo, "Type a line and it comes back"),
        (Mode::Datetime, "3  Watch"),
    ] {
        let service = services::start(mode);
        let mut person = start(&[mode.name()], &service.address());
        for asked in ["help", "?", "q"] {
            person.sees(menu);
            person.sees(&format!("{}> ", mode.name()));
            person.enters(asked);
        }
        person.returns_to_the_shell(0);
    }
}

#[test]
fn ctrl_c_ends_a_watch_and_shows_the_menus_prompt_again() {
    let clock = services::start(Mode::Datetime);
    let mut person = start(&["datetime"], &clock.address());
    // Twice: what the first has left of itself must not end the second.
    for _ in 0..2 {
        person.sees("datetime> ");
        person.enters("watch");
        // The editor gives the terminal back; then comes the first answer, a date or a time.
        person.sees("[?2004l\r\n");
        person.sees("\r\n");
        person.types(CTRL_C);
    }
    person.sees("datetime> ");
    person.enters("date");
    person.sees("-");
    person.sees("datetime> ");
    person.enters("q");
    person.returns_to_the_shell(0);
}

#[test]
fn a_prompt_stands_below_the_trace_of_what_happened_before_it() {
    let text = services::start(Mode::Text);
    let mut person = start(&["--trace", "text"], &text.address());
    person.sees("read 16 of 16 bytes");
    person.sees("text> ");
    for number in ["97", "101", "103", "107"] {
        person.enters(&format!("prime {number}"));
        person.sees(&format!("PRIME {number}"));
        person.sees("read 11 of 11 bytes");
        person.sees("text> ");
    }
    person.enters("q");
    person.returns_to_the_shell(0);
}

#[test]
fn what_is_refused_is_told_and_asked_again() {
    let text = services::start(Mode::Text);
    let mut person = start(&["text"], &text.address());
    for (typed, words) in [
        (
            "square 7",
            "\"square\" is none of: lower TEXT, prime NUMBER, palindrome NUMBER, quit",
        ),
        (
            "prime x",
            "a number is digits with an optional minus, not \"x\"",
        ),
        ("prime 7", "prime"),
    ] {
        person.sees("text> ");
        person.enters(typed);
        person.sees(&format!("\n{words}\r\n"));
    }
    // An empty line is no mistake.
    person.sees("text> ");
    person.enters("");
    person.sees("text> ");
    person.enters("quit");
    person.returns_to_the_shell(0);
}

#[test]
fn calc_takes_expressions_until_q() {
    let calc = services::start(Mode::Calc);
    let mut person = start(&["calc"], &calc.address());
    person.sees("q ends the session.");
    for (typed, answer) in [
        ("12 + 42", "54"),
        ("1 / 0", "division by zero"),
        (
            "12(10",
            "column 3: expected a blank after the number, not \"(\"",
        ),
        ("0.1 + 0.2", "0.3"),
    ] {
        person.sees("calc> ");
        person.enters(typed);
        person.sees(&format!("\n{answer}\r\n"));
    }
    person.sees("calc> ");
    person.enters("q");
    person.returns_to_the_shell(0);
}
