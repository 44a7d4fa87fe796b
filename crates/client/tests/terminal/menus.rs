//! The menus of the hand-outs.

use proto::mode::Mode;
use testkit::service;
use testkit::terminal::key::CTRL_C;

use super::start;

#[test]
fn text_has_a_menu_whose_numbers_ask_for_the_rest() {
    let text = service::start(Mode::Text);
    let mut terminal = start(&["text"], &text);
    terminal.expect("1  Convert to lower case");
    for (number, prompt, typed, answer) in [
        ("1", "text to lower: ", "HELLO Wörld", "hello wörld"),
        ("2", "number: ", "97", "prime"),
        ("2", "number: ", "98", "not prime"),
        ("3", "number: ", "12321", "palindrome"),
    ] {
        terminal.answer("text> ", number);
        terminal.answer(prompt, typed);
        terminal.expect(&format!("\n{answer}\r\n"));
    }
    terminal.answer("text> ", "q");
    terminal.end_restored(0);
}

#[test]
fn help_shows_the_menu_again_with_its_numbers() {
    for (mode, menu) in [
        (Mode::Text, "1  Convert to lower case"),
        (Mode::Calc, "Type an expression"),
        (Mode::Echo, "Type a line and it comes back"),
        (Mode::Datetime, "3  Watch"),
    ] {
        let service = service::start(mode);
        let mut terminal = start(&[mode.name()], &service);
        for asked in ["help", "?", "q"] {
            terminal.expect(menu);
            terminal.answer(&format!("{}> ", mode.name()), asked);
        }
        terminal.end_restored(0);
    }
}

#[test]
fn ctrl_c_ends_a_watch_and_shows_the_menus_prompt_again() {
    let clock = service::start(Mode::Datetime);
    let mut terminal = start(&["datetime"], &clock);
    // Twice: what the first has left of itself must not end the second.
    for _ in 0..2 {
        terminal.answer("datetime> ", "watch");
        // The editor gives the terminal back; then comes the first answer, a date or a time.
        terminal.expect("[?2004l\r\n");
        terminal.expect("\r\n");
        terminal.press(CTRL_C);
    }
    terminal.answer("datetime> ", "date");
    terminal.expect("-");
    terminal.answer("datetime> ", "q");
    terminal.end_restored(0);
}

#[test]
fn a_prompt_stands_below_the_trace_of_what_happened_before_it() {
    let text = service::start(Mode::Text);
    let mut terminal = start(&["--trace", "text"], &text);
    terminal.expect("read 16 of 16 bytes");
    terminal.expect("text> ");
    for number in ["97", "101", "103", "107"] {
        terminal.enter(&format!("prime {number}"));
        terminal.expect(&format!("PRIME {number}"));
        terminal.expect("read 11 of 11 bytes");
        terminal.expect("text> ");
    }
    terminal.enter("q");
    terminal.end_restored(0);
}

#[test]
fn what_is_refused_is_reported_and_asked_again() {
    let text = service::start(Mode::Text);
    let mut terminal = start(&["text"], &text);
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
        terminal.answer("text> ", typed);
        terminal.expect(&format!("\n{words}\r\n"));
    }
    // An empty line is no mistake.
    terminal.answer("text> ", "");
    terminal.answer("text> ", "quit");
    terminal.end_restored(0);
}

#[test]
fn calc_takes_expressions_until_q() {
    let calc = service::start(Mode::Calc);
    let mut terminal = start(&["calc"], &calc);
    terminal.expect("q ends the session.");
    for (typed, answer) in [
        ("12 + 42", "54"),
        ("1 / 0", "division by zero"),
        (
            "12(10",
            "column 3: expected a blank after the number, not \"(\"",
        ),
        ("0.1 + 0.2", "0.3"),
    ] {
        terminal.answer("calc> ", typed);
        terminal.expect(&format!("\n{answer}\r\n"));
    }
    terminal.answer("calc> ", "q");
    terminal.end_restored(0);
}
