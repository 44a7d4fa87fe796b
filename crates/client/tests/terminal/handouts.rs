//! The printed clients' questions, with a person to answer them.

use std::io::Write;
use std::sync::mpsc::channel;

use crate::person::{CTRL_C, CTRL_D, UP, start};
use crate::printed::Step::{Closes, Hears, HearsTheEnd, Says};
use crate::printed::{accept, hears, hears_the_end, printed, serving};

#[test]
fn the_text_menu_asks_for_each_part_and_again_after_a_wrong_choice() {
    let server = printed(vec![
        vec![Hears("convert HELLO World"), Says("hello"), Closes],
        vec![Hears("check 12321 palindrome"), Says("Palindrome"), Closes],
    ]);
    let mut person = start(&["handout", "text-menu"], &server.address());
    person.sees("3. Exit");
    person.sees("choice (1, 2 or 3): ");
    person.enters("1");
    person.sees("text: ");
    person.enters("HELLO World");
    person.sees("\nResponse: hello\r\n");
    person.sees("choice (1, 2 or 3): ");
    person.enters("4");
    person.sees("\nthere are the choices 1, 2 and 3\r\n");
    person.sees("choice (1, 2 or 3): ");
    person.enters("2");
    person.sees("number: ");
    person.enters("");
    person.sees("\nan empty line cannot be sent here\r\n");
    person.sees("number: ");
    person.enters("12321");
    person.sees("operation (prime or palindrome): ");
    person.enters("palindrome");
    person.sees("\nResponse: Palindrome\r\n");
    person.sees("choice (1, 2 or 3): ");
    person.enters("3");
    // What a person got wrong, and has put right, is no failure.
    person.returns_to_the_shell(0);
    server.was_told_all();
}

#[test]
fn the_cards_password_is_hidden() {
    let server = printed(vec![vec![
        Hears("VERIFY_CARD_AND_PASSWORD 123456789 s3cr3t"),
        Says("VERIFY_ACK FAILURE"),
        Closes,
    ]]);
    let mut person = start(&["handout", "atm-card"], &server.address());
    person.sees("6. Exit");
    person.sees("choice (1 to 6): ");
    person.enters("1");
    person.sees("card number: ");
    person.enters("123456789");
    person.sees("password: ");
    person.enters("s3cr3t");
    person.sees("\nResponse from bank server: VERIFY_ACK FAILURE\r\n");
    person.sees("choice (1 to 6): ");
    // Nor does it come back with the lines before.
    person.types(UP);
    person.sees("123456789");
    person.types(CTRL_C);
    let seen = person.returns_to_the_shell(0);
    assert!(!seen.contains("s3cr3t"), "{seen:?}");
    server.was_told_all();
}

#[test]
fn the_log_in_is_asked_for_until_it_is_taken_and_hides_the_password() {
    let server = printed(vec![vec![
        Hears("jamal"),
        Hears("s3cr3t"),
        Says("WRONG_CRED"),
        HearsTheEnd,
    ]]);
    let mut person = start(&["handout", "atm-login"], &server.address());
    person.sees("name: ");
    person.enters("jamal");
    person.sees("password: ");
    person.enters("s3cr3t");
    person.sees("\nWRONG_CRED\r\n");
    person.sees("name: ");
    person.types(CTRL_D);
    let seen = person.returns_to_the_shell(0);
    assert!(!seen.contains("s3cr3t"), "{seen:?}");
    server.was_told_all();
}

#[test]
fn the_calculator_warns_of_what_it_does_not_send() {
    let server = printed(vec![vec![
        Hears("Ann"),
        Hears("12 + 13"),
        Says("25.0"),
        Hears("q"),
        Closes,
    ]]);
    let mut person = start(&["handout", "calculator"], &server.address());
    person.sees("name: ");
    person.enters("Ann");
    person.sees("expression, or q: ");
    person.enters("12(10");
    person.sees("\nnot sent: ");
    person.sees("expression, or q: ");
    person.enters("12 + 13");
    person.sees("\n25.0\r\n");
    person.sees("expression, or q: ");
    person.enters("q");
    person.returns_to_the_shell(0);
    server.was_told_all();
}

#[test]
fn in_the_room_ones_own_lines_are_shown_and_others_do_not_mix_with_what_is_typed() {
    let (go_on, may_go_on) = channel();
    let server = serving(move |listener| {
        let mut stream = accept(listener);
        hears(&stream, "Ann");
        hears(&stream, "hello");
        may_go_on.recv().unwrap();
        stream.write_all(b"Joty: hi Ann").unwrap();
        hears(&stream, "half a line");
        hears(&stream, "quit");
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        hears_the_end(&stream);
    });
    let mut person = start(&["handout", "chat"], &server.address());
    person.sees("name: ");
    person.enters("Ann");
    person.sees("chat> ");
    person.enters("hello");
    person.sees("Ann: hello\r\n");
    person.types("half a ");
    person.sees("half a ");
    go_on.send(()).unwrap();
    person.sees("Joty: hi Ann\r\n");
    person.sees("chat> half a ");
    person.enters("line");
    person.sees("Ann: half a line\r\n");
    person.enters("quit");
    person.returns_to_the_shell(0);
    server.was_told_all();
}

#[test]
fn ctrl_c_says_quit_in_the_room() {
    let server = printed(vec![vec![Hears("Ann"), Hears("quit"), Closes]]);
    let mut person = start(&["handout", "chat"], &server.address());
    person.sees("name: ");
    person.enters("Ann");
    person.sees("chat> ");
    person.types(CTRL_C);
    person.returns_to_the_shell(0);
    server.was_told_all();
}
