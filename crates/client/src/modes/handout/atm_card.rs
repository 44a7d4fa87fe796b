//! Report 001, problem B: a bank that is asked one thing a connection.

use proto::printable::quoted;
use serde_json::json;
use wire::fault::generator::Xoshiro256PlusPlus;

use super::person::{Person, fits};
use super::talk::{HandoutConnection, NO_ANSWER, may_be_done, outcome_unknown};
use crate::failure::{Failure, Status};
use crate::menu::asks_for_help;
use crate::output::{Output, say};
use crate::session::Target;

const MENU: &str = "\
1. Verify a card
2. Balance
3. Withdraw
4. Create an account
5. Deposit
6. Exit";

/// What is sent, and whether it moves money or makes an account.
struct Request {
    message: String,
    changes: bool,
}

/// How often a request is not sent, and what decides it.
pub struct Errors {
    /// In how many of a hundred requests, 0 to 100.
    pub percent: u8,
    /// Draws.
    pub draws: Xoshiro256PlusPlus,
}

impl Errors {
    fn strikes(&mut self) -> bool {
        self.percent > 0 && self.draws.up_to(99) < u64::from(self.percent)
    }
}

/// Asks what to do, and does it over a connection of its own, until the person leaves.
pub fn run(target: &Target, mut errors: Errors, output: Output) -> Result<Status, Failure> {
    let mut person = Person::open(target, output)?;
    say(MENU);
    match (ask_all(target, &mut errors, &mut person), person.status()) {
        (Ok(()), status) => Ok(status),
        // That money may have moved stays the worst of it.
        (Err(Failure::Unreachable(words) | Failure::Lost(words)), Status::Unknown) => {
            Err(Failure::Unknown(words))
        }
        (Err(failure), _) => Err(failure),
    }
}

fn ask_all(target: &Target, errors: &mut Errors, person: &mut Person) -> Result<(), Failure> {
    while let Some(choice) = person.line("choice (1 to 6): ")? {
        let request = match choice.trim() {
            "1" => verify(person)?,
            "2" => balance(person)?,
            "3" => move_money(person, "WITHDRAW")?,
            "4" => create(person)?,
            "5" => move_money(person, "DEPOSIT")?,
            "6" => break,
            choice if asks_for_help(choice) => {
                say(MENU);
                continue;
            }
            _ => {
                say("there are the choices 1 to 6");
                continue;
            }
        };
        let Some(request) = request else { break };
        if let Err(words) = fits(&request.message) {
            person.refuse(&words);
            continue;
        }
        let talk = HandoutConnection::open(target)?;
        if errors.strikes() {
            talk.leave();
            let object = json!({"ok": false, "error": "ERROR"});
            person.show_failed("ERROR", &object)?;
            continue;
        }
        ask(talk, &request, person)?;
    }
    Ok(())
}

fn ask(mut talk: HandoutConnection, request: &Request, person: &mut Person) -> Result<(), Failure> {
    let asked = talk
        .send(&request.message)
        .and_then(|()| talk.everything())
        .map_err(|failure| match failure {
            Failure::Lost(report) | Failure::Protocol(report) if request.changes => {
                outcome_unknown(report)
            }
            failure => failure,
        });
    let answer = asked?;
    let before = "Response from bank server: ";
    if !answer.is_empty() {
        let shown = person.show(before, &answer);
        return shown.map_err(|failure| match request.changes {
            true => {
                let why = failure.words();
                let why = why.as_deref().unwrap_or("nobody reads standard output");
                let said = quoted(&answer);
                Failure::Unknown(format!("the bank said {said}; it was not printed ({why})").into())
            }
            false => failure,
        });
    }
    let failure = match request.changes {
        true => Failure::Unknown(may_be_done(NO_ANSWER).into()),
        false => Failure::Lost(NO_ANSWER.into()),
    };
    person.show_failure(before, &failure)
}

fn verify(person: &mut Person) -> Result<Option<Request>, Failure> {
    let Some(card) = person.word("card number: ")? else {
        return Ok(None);
    };
    let password = person.hidden_word("password: ")?;
    Ok(password.map(|password| Request {
        message: format!("VERIFY_CARD_AND_PASSWORD {card} {password}"),
        changes: false,
    }))
}

fn balance(person: &mut Person) -> Result<Option<Request>, Failure> {
    let card = person.word("card number: ")?;
    Ok(card.map(|card| Request {
        message: format!("BALANCE_INQUIRY {card}"),
        changes: false,
    }))
}

fn move_money(person: &mut Person, verb: &str) -> Result<Option<Request>, Failure> {
    let Some(card) = person.word("card number: ")? else {
        return Ok(None);
    };
    let amount = person.word("amount: ")?;
    Ok(amount.map(|amount| Request {
        message: format!("{verb} {card} {amount}"),
        changes: true,
    }))
}

fn create(person: &mut Person) -> Result<Option<Request>, Failure> {
    let Some(card) = person.word("card number: ")? else {
        return Ok(None);
    };
    let Some(name) = person.word("name: ")? else {
        return Ok(None);
    };
    let Some(password) = person.hidden_word("password: ")? else {
        return Ok(None);
    };
    let balance = person.word("initial balance: ")?;
    Ok(balance.map(|balance| Request {
        message: format!("CREATE_ACCOUNT {card} {name} {password} {balance}"),
        changes: true,
    }))
}
