//! Text, and the calculator.

use proto::handout::Handout;
use testkit::peer::reset;

use super::{answer_to, ask, ask_apart, connect_and_leave, hear_the_end, say, started};

#[test]
fn a_text_session_has_any_number_of_requests_and_may_be_repeated() {
    let server = started(Handout::TextSession);
    for _ in 0..2 {
        let mut stream = server.connect();
        for (message, answer) in [
            (&b"HELLO  World \n"[..], &b"hello  world \n"[..]),
            ("ÀÉ ΟΔΟΣ".as_bytes(), "àé οδος".as_bytes()),
            (b"97 prime", b"It is a prime number."),
            (b"98 prime", b"It is not a prime number."),
            (b"1 prime", b"It is not a prime number."),
            (b"12321 palindrome", b"It is palindrome."),
            (b"010 palindrome", b"It is palindrome."),
            (b"10 palindrome", b"It is not palindrome."),
            (b"7 square", b"Operation not available"),
            (b"12321", b"Operation not available"),
            (b"7 prime x", b"Operation not available"),
            (b"7x prime", b"Operation not available"),
            (b"\xff\xfe", b"Operation not available"),
            (b"prime", b"prime"),
        ] {
            ask(&mut stream, message, answer);
        }
        reset(stream);
        connect_and_leave(&server);
    }
}

#[test]
fn a_number_may_fill_the_whole_message() {
    let server = started(Handout::TextSession);
    let mut stream = server.connect();
    // 10^1017 + 1 is divisible by 11, since 1017 is odd.
    let number = format!("1{}1", "0".repeat(1_016));
    let message = format!("{number} prime");
    assert_eq!(message.len(), 1_024);
    ask(
        &mut stream,
        message.as_bytes(),
        b"It is not a prime number.",
    );
    let message = format!("{} palindrome", "1".repeat(1_013));
    assert_eq!(message.len(), 1_024);
    ask(&mut stream, message.as_bytes(), b"It is palindrome.");
}

#[test]
fn a_text_that_lower_case_makes_longer_than_a_message_comes_back_whole() {
    let server = started(Handout::TextSession);
    let mut stream = server.connect();
    let message = "\u{130}".repeat(500);
    let answer = message.to_lowercase();
    assert_eq!((message.len(), answer.len()), (1_000, 1_500));
    ask(&mut stream, message.as_bytes(), answer.as_bytes());
}

#[test]
fn two_text_sessions_at_once_do_not_disturb_each_other() {
    let server = started(Handout::TextSession);
    let (mut one, mut other) = (server.connect(), server.connect());
    ask(&mut one, b"ONE", b"one");
    ask(&mut other, b"7 prime", b"It is a prime number.");
    reset(one);
    ask(&mut other, b"8 prime", b"It is not a prime number.");
}

#[test]
fn a_menu_request_is_answered_once_and_the_connection_closed() {
    let server = started(Handout::TextMenu);
    for _ in 0..2 {
        for (message, answer) in [
            (&b"convert HELLO WORLD"[..], "hello"),
            (b"check 97 prime", "Prime"),
            (b"check 1 prime", "Not Prime"),
            (b"check -7 prime", "Not Prime"),
            (b"check +7 prime", "Prime"),
            (b"check 007 palindrome", "Palindrome"),
            (b"check -5 palindrome", "Not Palindrome"),
            (b"check 1_001 palindrome", "Palindrome"),
            (b"check 12 palindrome", "Not Palindrome"),
            (b"check 10000000000000000051 prime", "Prime"),
            (b"check x prime", "Invalid request"),
            (b"check 7", "Invalid request"),
            (b"check 7 square", "Invalid request"),
            (b"convert", "Invalid request"),
            (b"lower X", "Invalid request"),
            (b"\xff", "Invalid request"),
        ] {
            assert_eq!(answer_to(&server, message), answer, "{message:?}");
        }
        connect_and_leave(&server);
        let mut killed = server.connect();
        say(&mut killed, b"check 97 prime");
        reset(killed);
    }
}

#[test]
fn a_calculator_session_begins_with_a_name_and_ends_with_q() {
    let server = started(Handout::Calculator);
    for name in ["Joty", "Joty Saha"] {
        let mut stream = server.connect();
        let sum = ask_apart(&mut stream, name.as_bytes(), b"1 + 1", b"1 + 1");
        assert_eq!(sum, b"2.0");
        for (expression, answer) in [
            ("12 + 13", "25.0"),
            ("0.1 + 0.2", "0.30000000000000004"),
            ("-7 / 2", "-3.5"),
            ("12(10", "Invalid expression"),
            ("1 / 0", "Invalid expression"),
            ("10000000000000000 * 10", "1e+17"),
        ] {
            ask(&mut stream, expression.as_bytes(), answer.as_bytes());
        }
        say(&mut stream, b"q");
        hear_the_end(&mut stream);
        let mut killed = server.connect();
        say(&mut killed, b"Ahona");
        reset(killed);
        connect_and_leave(&server);
    }
}

#[test]
fn two_calculators_at_once_have_a_name_each() {
    let server = started(Handout::Calculator);
    let (mut one, mut other) = (server.connect(), server.connect());
    let sum = ask_apart(&mut one, b"Joty", b"1 + 1", b"1 + 1");
    assert_eq!(sum, b"2.0");
    let product = ask_apart(&mut other, b"1 + 1", b"2 * 3", b"2 * 3");
    assert_eq!(product, b"6.0");
    ask(&mut one, b"3 - 1", b"2.0");
}
