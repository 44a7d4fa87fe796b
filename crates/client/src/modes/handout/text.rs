//! Reports 000 and 001, problem A: lower case, prime, palindrome.

use proto::handout::text_session::NOT_AVAILABLE;

use super::person::{Field, Menu, Person};
use super::talk::{HandoutConnection, NO_ANSWER};
use crate::failure::{Failure, Status};
use crate::output::{Output, say};
use crate::session::Target;

/// What the printed server of report 000 says to a number.
const CHECKED: [&str; 5] = [
    "It is a prime number.",
    "It is not a prime number.",
    "It is palindrome.",
    "It is not palindrome.",
    NOT_AVAILABLE,
];

const NUMBER: Field = (Person::word, "number: ");
const OPERATION: Field = (Person::word, "operation (prime or palindrome): ");

const MENU: Menu = Menu {
    text: "\
1. Convert to lower case
2. Check a number
3. Exit",
    prompt: "choice (1, 2 or 3): ",
    invalid: "there are the choices 1, 2 and 3",
    requests: &[
        ("convert", &[(Person::words, "text: ")]),
        ("check", &[NUMBER, OPERATION]),
    ],
};

/// Has every line answered over one connection, until there are no more.
pub fn session(target: &Target, output: Output) -> Result<Status, Failure> {
    let mut talk = HandoutConnection::open(target)?;
    let mut person = Person::open(target, output)?;
    while let Some(line) = person.message("text, or a number and prime or palindrome: ")? {
        talk.send(&line)?;
        // Only for where an answer ends that comes in pieces. The server's Unicode may be newer.
        let lower = line.to_lowercase();
        let likely = match line.starts_with(|first: char| first.is_ascii_digit()) {
            true => &CHECKED[..],
            false => &[lower.as_str()],
        };
        person.show("", &talk.answer(likely)?)?;
    }
    talk.close();
    Ok(person.status)
}

/// Asks what to do, and does it over a connection of its own, until the user leaves.
pub fn menu(target: &Target, output: Output) -> Result<Status, Failure> {
    let mut person = Person::open(target, output)?;
    say(MENU.text);
    while let Some(request) = person.request(&MENU)? {
        let mut talk = HandoutConnection::open(target)?;
        talk.send(&request)?;
        let answer = talk.everything()?;
        if answer.is_empty() {
            person.show_failure("Response: ", &Failure::Lost(NO_ANSWER.into()))?;
        } else {
            person.show("Response: ", &answer)?;
        }
    }
    Ok(person.status)
}
