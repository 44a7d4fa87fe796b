//! The printed clients' questions, answered at a terminal.

use std::io::Write;
use std::sync::mpsc::channel;

use testkit::terminal::key::{CTRL_C, CTRL_D, UP};

use super::start;
use crate::printed::{accept, expect, expect_end, printed, serving};

#[test]
fn the_text_menu_asks_for_each_part_and_again_after_a_wrong_choice() {
    let server = printed(&[
        "C: convert HELLO World\nS: hello\nS closes",
        "C: check 12321 palindrome\nS: Palindrome\nS closes",
    ]);
    let mut terminal = start(&["handout", "text-menu"], &server);
    terminal.expect("3. Exit");
    terminal.answer("choice (1, 2 or 3): ", "1");
    terminal.answer("text: ", "HELLO World");
    terminal.expect("\nResponse: hello\r\n");
    terminal.answer("choice (1, 2 or 3): ", "4");
    terminal.expect("\nthere are the choices 1, 2 and 3\r\n");
    terminal.answer("choice (1, 2 or 3): ", "2");
    terminal.answer("number: ", "");
    terminal.expect("\nan empty line cannot be sent here\r\n");
    terminal.answer("number: ", "12321");
    terminal.answer("operation (prime or palindrome): ", "palindrome");
    terminal.expect("\nResponse: Palindrome\r\n");
    terminal.answer("choice (1, 2 or 3): ", "3");
    // What was typed wrong, and then right, is no failure.
    terminal.end_restored(0);
    server.finish();
}

#[test]
fn the_cards_password_is_hidden() {
    let server = printed(&["C: VERIFY_CARD_AND_PASSWORD 123456789 s3cr3t\n\
                S: VERIFY_ACK FAILURE\nS closes"]);
    let mut terminal = start(&["handout", "atm-card"], &server);
    terminal.expect("6. Exit");
    terminal.answer("choice (1 to 6): ", "1");
    terminal.answer("card number: ", "123456789");
    terminal.answer("password: ", "s3cr3t");
    terminal.expect("\nResponse from bank server: VERIFY_ACK FAILURE\r\n");
    terminal.expect("choice (1 to 6): ");
    // Nor does it come back with the lines before.
    terminal.press(UP);
    terminal.expect("123456789");
    terminal.press(CTRL_C);
    let seen = terminal.end_restored(0);
    assert!(!seen.contains("s3cr3t"), "{seen:?}");
    server.finish();
}

#[test]
fn the_log_in_is_asked_for_until_it_is_taken_and_hides_the_password() {
    let server = printed(&["C: jamal\nC: s3cr3t\nS: WRONG_CRED"]);
    let mut terminal = start(&["handout", "atm-login"], &server);
    terminal.answer("name: ", "jamal");
    terminal.answer("password: ", "s3cr3t");
    terminal.expect("\nWRONG_CRED\r\n");
    terminal.expect("name: ");
    terminal.press(CTRL_D);
    let seen = terminal.end_restored(0);
    assert!(!seen.contains("s3cr3t"), "{seen:?}");
    server.finish();
}

#[test]
fn the_textbooks_pin_is_hidden_and_the_menu_comes_after_it() {
    let server = printed(&[r"C: HELO Joty\n
S: 500 AUTH REQUIRED!\n
C: PASSWD s3cr3t\n
S: 525 OK!\n
C: BALANCE\n
S: AMOUNT:10000\n
C: BYE\n
S: BYE\n
S closes"]);
    let mut terminal = start(&["handout", "textbook-atm"], &server);
    terminal.answer("user id: ", "Joty");
    terminal.expect("\n500 AUTH REQUIRED!\r\n");
    terminal.answer("PIN: ", "s3cr3t");
    terminal.expect("\n525 OK!\r\n");
    terminal.expect("3. Exit");
    terminal.answer("choice (1, 2 or 3): ", "1");
    terminal.expect("\nAMOUNT:10000\r\n");
    terminal.answer("choice (1, 2 or 3): ", "2");
    terminal.answer("amount: ", "");
    terminal.expect("\nan empty line cannot be sent here\r\n");
    terminal.expect("amount: ");
    terminal.press(CTRL_D);
    let seen = terminal.end_restored(0);
    assert!(!seen.contains("s3cr3t"), "{seen:?}");
    server.finish();
}

#[test]
fn the_calculator_warns_of_what_it_does_not_send() {
    let server = printed(&["C: Ann\nC: 12 + 13\nS: 25.0\nC: q\nS closes"]);
    let mut terminal = start(&["handout", "calculator"], &server);
    terminal.answer("name: ", "Ann");
    terminal.answer("expression, or q: ", "12(10");
    terminal.expect("\nnot sent: ");
    terminal.answer("expression, or q: ", "12 + 13");
    terminal.expect("\n25.0\r\n");
    terminal.answer("expression, or q: ", "q");
    terminal.end_restored(0);
    server.finish();
}

#[test]
fn in_the_room_ones_own_lines_are_shown_and_others_do_not_mix_with_what_is_typed() {
    let (go_on, may_go_on) = channel();
    let server = serving(move |listener| {
        let mut stream = accept(&listener);
        expect(&stream, "Ann");
        expect(&stream, "hello");
        may_go_on.recv().unwrap();
        stream.write_all(b"Joty: hi Ann").unwrap();
        expect(&stream, "half a line");
        expect(&stream, "quit");
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        expect_end(&stream);
    });
    let mut terminal = start(&["handout", "chat"], &server);
    terminal.answer("name: ", "Ann");
    terminal.answer("chat> ", "hello");
    terminal.expect("Ann: hello\r\n");
    terminal.press("half a ");
    terminal.expect("half a ");
    go_on.send(()).unwrap();
    terminal.expect("Joty: hi Ann\r\n");
    terminal.answer("chat> half a ", "line");
    terminal.answer("Ann: half a line\r\n", "quit");
    terminal.end_restored(0);
    server.finish();
}

#[test]
fn ctrl_c_says_quit_in_the_room() {
    let server = printed(&["C: Ann\nC: quit\nS closes"]);
    let mut terminal = start(&["handout", "chat"], &server);
    terminal.answer("name: ", "Ann");
    terminal.expect("chat> ");
    terminal.press(CTRL_C);
    terminal.end_restored(0);
    server.finish();
}
