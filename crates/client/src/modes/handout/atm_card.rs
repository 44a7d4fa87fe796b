//! Report 001, problem B: a bank that is asked one thing a connection.

use serde_json::json;
use wire::fault::generator::Xoshiro256PlusPlus;

use super::person::{Field, Menu, Person};
use super::talk::{HandoutConnection, NO_ANSWER, may_be_done, not_printed, outcome_unknown};
use crate::failure::{Failure, Status};
use crate::output::{Output, say};
use crate::session::Target;

const CARD: Field = (Person::word, "card number: ");
const PASSWORD: Field = (Person::hidden_word, "password: ");
const AMOUNT: Field = (Person::word, "amount: ");
const NAME: Field = (Person::word, "name: ");
const BALANCE: Field = (Person::word, "initial balance: ");

const MENU: Menu = Menu {
    text: "\
1. Verify a card
2. Balance
3. Withdraw
4. Create an account
5. Deposit
6. Exit",
    prompt: "choice (1 to 6): ",
    invalid: "there are the choices 1 to 6",
    requests: &[
        ("VERIFY_CARD_AND_PASSWORD", &[CARD, PASSWORD]),
        ("BALANCE_INQUIRY", &[CARD]),
        ("WITHDRAW", &[CARD, AMOUNT]),
        ("CREATE_ACCOUNT", &[CARD, NAME, PASSWORD, BALANCE]),
        ("DEPOSIT", &[CARD, AMOUNT]),
    ],
};

/// The requests that move money or make an account.
const CHANGING: [&str; 3] = ["WITHDRAW ", "CREATE_ACCOUNT ", "DEPOSIT "];

/// How often a request is not sent, and what decides it.
pub struct Errors {
    /// In how many of a hundred requests, 0 to 100.
    pub percent: u8,
    pub draws: Xoshiro256PlusPlus,
}

impl Errors {
    fn strikes(&mut self) -> bool {
        self.percent > 0 && self.draws.up_to(99) < u64::from(self.percent)
    }
}

/// Asks what to do, and does it over a connection of its own, until the user leaves.
pub fn run(target: &Target, mut errors: Errors, output: Output) -> Result<Status, Failure> {
    let mut person = Person::open(target, output)?;
    say(MENU.text);
    match (
        ask_all(target, &mut errors, &mut person, output),
        person.status,
    ) {
        (Ok(()), status) => Ok(status),
        // That money may have moved stays the worst of it.
        (Err(Failure::Unreachable(words) | Failure::Lost(words)), Status::Unknown) => {
            Err(Failure::Unknown(words))
        }
        (Err(failure), _) => Err(failure),
    }
}

fn ask_all(
    target: &Target,
    errors: &mut Errors,
    person: &mut Person,
    output: Output,
) -> Result<(), Failure> {
    while let Some(request) = person.request(&MENU)? {
        let talk = HandoutConnection::open(target)?;
        if errors.strikes() {
            talk.leave();
            let object = json!({"ok": false, "error": "ERROR"}).to_string();
            output.line(if output.json { &object } else { "ERROR" })?;
            continue;
        }
        ask(talk, &request, person)?;
    }
    Ok(())
}

fn ask(mut talk: HandoutConnection, request: &str, person: &mut Person) -> Result<(), Failure> {
    let changes = CHANGING.iter().any(|verb| request.starts_with(verb));
    let asked =
        talk.send(request)
            .and_then(|()| talk.everything())
            .map_err(|failure| match failure {
                Failure::Lost(report) | Failure::Protocol(report) if changes => {
                    outcome_unknown(report)
                }
                failure => failure,
            });
    let answer = asked?;
    let before = "Response from bank server: ";
    if !answer.is_empty() {
        let shown = person.show(before, &answer);
        return shown.map_err(|failure| match changes {
            true => not_printed(&answer, &failure),
            false => failure,
        });
    }
    let failure = match changes {
        true => Failure::Unknown(may_be_done(NO_ANSWER).into()),
        false => Failure::Lost(NO_ANSWER.into()),
    };
    person.show_failure(before, &failure)
}
