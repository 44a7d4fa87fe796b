//! The exercise in Kurose and Ross, *Computer Networking*: the protocol of a cash machine.
//!
//! `HELO Joty` → `500 AUTH REQUIRED!`, `PASSWD 1234` → `525 OK!`, `WITHDRAWL 500` → `525 OK!`. Each
//! message is a line. There are no ids: a repeat is executed again. The ledger stores each
//! withdrawal as a hold that is confirmed before the answer, so an answer that is lost leaves the
//! account debited.

use alloc::format;
use alloc::string::String;

use uuid::Uuid;

use super::bank::{Answer, Customer, Request};
use super::wording::{Step, Wording, verb_for_log};
use crate::atm::{self, Amount, Money, Pin, TransactionId};
use crate::refusal::{Code, Refusal};

/// Introduces the customer whose card is in the machine.
pub const HELO: &str = "HELO";
/// The customer's PIN follows.
pub const PASSWD: &str = "PASSWD";
/// Asks for the balance.
pub const BALANCE: &str = "BALANCE";
/// Asks for money; spelt as in the book.
pub const WITHDRAWL: &str = "WITHDRAWL";
/// Ends the conversation, by either side.
pub const BYE: &str = "BYE";

/// The answer to `HELO`.
pub const AUTH_REQUIRED: &str = "500 AUTH REQUIRED!";
/// The answer to a log-in or a withdrawal that succeeded.
pub const OK: &str = "525 OK!";
/// The answer to everything that is refused.
pub const ERROR: &str = "401 ERROR!";
/// Before the balance.
pub const AMOUNT: &str = "AMOUNT:";

/// The server's half. `I` generates a random UUID for each id.
#[derive(Debug)]
pub struct TextbookAtm<I> {
    ids: I,
    state: State,
}

/// What is expected next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// The customer's name.
    Name,
    /// The customer's password.
    Password(Customer),
    /// The answer to the log-in.
    Checking(Customer),
    /// A request of the customer, who has logged in.
    Session,
}

impl<I: FnMut() -> Uuid> TextbookAtm<I> {
    /// The beginning of a connection.
    pub fn new(ids: I) -> TextbookAtm<I> {
        TextbookAtm {
            ids,
            state: State::Name,
        }
    }

    fn request(&mut self, text: &str) -> Option<Step<Request>> {
        let (verb, rest) = text.split_once(' ').unwrap_or((text, ""));
        let rest = rest.trim();
        match (verb, self.state.clone()) {
            (HELO, _) if !rest.is_empty() => {
                self.state = State::Password(Customer(rest.into()));
                Some(Step::say(AUTH_REQUIRED))
            }
            (PASSWD, State::Password(customer)) => {
                let password = Pin::password(rest)?;
                self.state = State::Checking(customer.clone());
                Some(Step::Ask(Request::LogIn(customer, password)))
            }
            (BALANCE, State::Session) if rest.is_empty() => {
                Some(Step::Ask(Request::Session(atm::Request::Balance)))
            }
            (WITHDRAWL, State::Session) => self.withdraw(rest),
            (BYE, _) if rest.is_empty() => Some(Step::last(BYE)),
            _ => None,
        }
    }

    fn withdraw(&mut self, amount: &str) -> Option<Step<Request>> {
        let amount = match amount.parse::<Amount>() {
            Ok(amount) => amount,
            Err(refusal) if refusal.code == Code::OutOfRange => return Some(Step::say(ERROR)),
            Err(_) => return None,
        };
        let id = TransactionId::withdrawal((self.ids)());
        let key = None;
        Some(Step::Ask(Request::Session(atm::Request::Hold {
            id,
            amount,
            key,
        })))
    }
}

impl<I: FnMut() -> Uuid> Wording for TextbookAtm<I> {
    type Request = Request;
    type Answer = Answer;

    fn received(&mut self, message: &[u8]) -> Step<Request> {
        let text = str::from_utf8(message).ok();
        let step = text.and_then(|text| self.request(text.trim()));
        step.unwrap_or_else(|| Step::say(ERROR).not_understood())
    }

    fn expected(&self) -> &'static str {
        match self.state {
            State::Name => "HELO USERID, or BYE",
            State::Password(_) | State::Checking(_) => "PASSWD PASSWORD, HELO USERID, or BYE",
            State::Session => "BALANCE, WITHDRAWL AMOUNT, HELO USERID, or BYE",
        }
    }

    /// Only the verb, because a password may follow it.
    fn for_log(&self, message: &[u8]) -> String {
        verb_for_log(message)
    }

    fn answered(&mut self, answer: Result<Answer, Refusal>) -> Step<Request> {
        match answer {
            Ok(Answer::Welcome(_)) => {
                self.state = State::Session;
                Step::say(OK)
            }
            Ok(Answer::Atm(atm::Answer::Balance { available, .. })) => {
                Step::say(format!("{AMOUNT}{}", shortest(available)))
            }
            Ok(Answer::Atm(atm::Answer::Held { id, .. })) => {
                let key = None;
                Step::Ask(Request::Session(atm::Request::Confirm { id, key }))
            }
            Ok(Answer::Atm(_)) => Step::say(OK),
            Err(_) => {
                if let State::Checking(customer) = &self.state {
                    self.state = State::Password(customer.clone());
                }
                Step::say(ERROR)
            }
        }
    }

    fn refused_by_fault(&mut self) -> Step<Request> {
        Step::say(ERROR)
    }
}

/// Whole units, with two decimals only where there are hundredths.
fn shortest(money: Money) -> String {
    let text = format!("{money}");
    match text.strip_suffix(".00") {
        Some(units) => units.into(),
        None => text,
    }
}

#[cfg(test)]
mod tests;
