//! Report 001, problem B: a bank with one request a connection.
//!
//! `WITHDRAW 123456789 500` → `WITHDRAW_ACK SUCCESS Withdrawn 500 successfully`. There are no ids
//! and no sessions: a card number authorises everything, and a repeat is executed again. The ledger
//! stores each withdrawal as a hold that is confirmed at once.

use alloc::format;
use alloc::string::{String, ToString};

use uuid::Uuid;

use super::bank::{Answer, Request};
use super::python::{integer, words};
use super::wording::{Step, Wording, verb_for_log};
use crate::atm::{self, Amount, CardNumber, CreationId, Holder, Money, Pin, TransactionId};
use crate::refusal::{Code, Refusal};

/// The answer to a request with too few words.
pub const INVALID: &str = "Invalid request";

/// The answer to a request refused by an injected fault.
pub const RANDOM_ERROR: &str = "ERROR_ACK Random error occurred";

/// The server's half. `I` generates a random UUID for each id.
#[derive(Debug)]
pub struct AtmCard<I> {
    ids: I,
    asked: Asked,
}

/// What the client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Asked {
    Nothing,
    Verification,
    Balance,
    Withdrawal(CardNumber, Amount),
    Deposit(CardNumber),
    Account,
}

impl<I: FnMut() -> Uuid> AtmCard<I> {
    /// The beginning of a connection.
    pub fn new(ids: I) -> AtmCard<I> {
        AtmCard {
            ids,
            asked: Asked::Nothing,
        }
    }

    fn request(&mut self, text: &str) -> Step<Request> {
        let mut words = words(text);
        let verb = words.next().unwrap_or_default();
        let mut word = || words.next().ok_or(INVALID);
        let step = match verb {
            "VERIFY_CARD_AND_PASSWORD" => word().and_then(|card| self.verify(card, word()?)),
            "BALANCE_INQUIRY" => word().and_then(|card| self.balance(card)),
            "WITHDRAW" => word().and_then(|card| self.withdraw(card, word()?)),
            "DEPOSIT" => word().and_then(|card| self.deposit(card, word()?)),
            "CREATE_ACCOUNT" => {
                word().and_then(|card| self.create(card, word()?, word()?, word()?))
            }
            // The printed server does not answer either.
            _ => Ok(Step::Close.not_understood()),
        };
        match step {
            Err(INVALID) => Step::last(INVALID).not_understood(),
            step => step.unwrap_or_else(Step::last),
        }
    }

    fn verify(&mut self, card: &str, password: &str) -> Result<Step<Request>, &'static str> {
        const FAILURE: &str = "VERIFY_ACK FAILURE";
        let card = CardNumber::free_form(card).ok_or(FAILURE)?;
        let password = Pin::password(password).ok_or(FAILURE)?;
        self.asked = Asked::Verification;
        Ok(Step::Ask(Request::Verify(card, password)))
    }

    fn balance(&mut self, card: &str) -> Result<Step<Request>, &'static str> {
        let card = CardNumber::free_form(card).ok_or(NO_BALANCE)?;
        self.asked = Asked::Balance;
        Ok(Step::Ask(Request::Card(card, atm::Request::Balance)))
    }

    fn withdraw(&mut self, card: &str, amount: &str) -> Result<Step<Request>, &'static str> {
        let card = CardNumber::free_form(card).ok_or(NO_WITHDRAWAL)?;
        let amount = match units(amount) {
            Some(Units::Some(amount)) => amount,
            Some(Units::TooMany) => return Err(INSUFFICIENT_FUNDS),
            Some(Units::None) | None => return Err("WITHDRAW_ACK FAILURE Invalid amount"),
        };
        let id = TransactionId::withdrawal((self.ids)());
        self.asked = Asked::Withdrawal(card.clone(), amount);
        Ok(hold(card, id, amount))
    }

    fn deposit(&mut self, card: &str, amount: &str) -> Result<Step<Request>, &'static str> {
        let card = CardNumber::free_form(card).ok_or(NO_DEPOSIT)?;
        let Some(Units::Some(amount)) = units(amount) else {
            return Err(INVALID_DEPOSIT);
        };
        let id = TransactionId::deposit((self.ids)());
        self.asked = Asked::Deposit(card.clone());
        Ok(hold(card, id, amount))
    }

    fn create(
        &mut self,
        card: &str,
        holder: &str,
        password: &str,
        opening: &str,
    ) -> Result<Step<Request>, &'static str> {
        let card = CardNumber::free_form(card).ok_or("CREATE_ACCOUNT_ACK FAILURE Invalid card")?;
        let holder: Holder = holder
            .parse()
            .map_err(|_| "CREATE_ACCOUNT_ACK FAILURE Invalid name")?;
        let pin = Pin::password(password).ok_or("CREATE_ACCOUNT_ACK FAILURE Invalid password")?;
        let opening = match units(opening) {
            Some(Units::Some(amount)) => amount.money(),
            Some(Units::None) if integer(opening).is_some_and(|n| !n.is_negative()) => Money::ZERO,
            _ => return Err("CREATE_ACCOUNT_ACK FAILURE Invalid amount"),
        };
        self.asked = Asked::Account;
        Ok(Step::Ask(Request::Session(atm::Request::Create {
            id: CreationId((self.ids)()),
            card,
            pin,
            opening,
            holder,
        })))
    }

    /// Translates an answer for the client; a hold is confirmed first.
    fn success(&self, answer: Answer) -> Step<Request> {
        match (&self.asked, answer) {
            (_, Answer::Welcome(_)) => Step::last("VERIFY_ACK SUCCESS"),
            (_, Answer::Atm(atm::Answer::Balance { available, .. })) => {
                Step::last(format!("BALANCE_ACK {}", whole(available)))
            }
            (
                Asked::Withdrawal(card, _) | Asked::Deposit(card),
                Answer::Atm(atm::Answer::Held { id, .. }),
            ) => Step::Ask(Request::Card(
                card.clone(),
                atm::Request::Confirm { id, key: None },
            )),
            (Asked::Withdrawal(_, amount), Answer::Atm(_)) => {
                let amount = whole(amount.money());
                Step::last(format!(
                    "WITHDRAW_ACK SUCCESS Withdrawn {amount} successfully"
                ))
            }
            (Asked::Deposit(_), Answer::Atm(_)) => {
                Step::last("DEPOSIT_ACK SUCCESS Amount deposited successfully")
            }
            (Asked::Account, Answer::Atm(_)) => Step::last(CREATED),
            (Asked::Nothing | Asked::Verification | Asked::Balance, Answer::Atm(_)) => Step::Close,
        }
    }

    fn failure(&self, refusal: &Refusal) -> &'static str {
        match (&self.asked, refusal.code) {
            (Asked::Verification, Code::WrongCredentials) => "VERIFY_ACK FAILURE",
            (Asked::Withdrawal(..), Code::InsufficientFunds) => INSUFFICIENT_FUNDS,
            (Asked::Deposit(_), Code::OutOfRange) => INVALID_DEPOSIT,
            // The printed server answers so, and changes nothing.
            (Asked::Account, Code::AccountExists) => CREATED,
            (Asked::Account, Code::Malformed) => "CREATE_ACCOUNT_ACK FAILURE Invalid card",
            (_, Code::Unavailable | Code::Internal | Code::Busy) => "ERROR_ACK Try again later",
            (Asked::Balance, _) => NO_BALANCE,
            (Asked::Withdrawal(..), _) => NO_WITHDRAWAL,
            (Asked::Deposit(_), _) => NO_DEPOSIT,
            (Asked::Nothing | Asked::Verification | Asked::Account, _) => INVALID,
        }
    }
}

fn hold(card: CardNumber, id: TransactionId, amount: Amount) -> Step<Request> {
    let key = None;
    Step::Ask(Request::Card(card, atm::Request::Hold { id, amount, key }))
}

const NO_BALANCE: &str = "BALANCE_ACK FAILURE Invalid card";
const NO_WITHDRAWAL: &str = "WITHDRAW_ACK FAILURE Invalid card";
// As printed.
const NO_DEPOSIT: &str = "DEPOSITE_ACK FAILURE Invalid card";
const INVALID_DEPOSIT: &str = "DEPOSITE_ACK FAILURE Invalid amount";
const INSUFFICIENT_FUNDS: &str = "WITHDRAW_ACK FAILURE Insufficient funds";
const CREATED: &str = "CREATE_ACCOUNT_ACK SUCCESS Account created successfully";

impl<I: FnMut() -> Uuid> Wording for AtmCard<I> {
    type Request = Request;
    type Answer = Answer;

    fn received(&mut self, message: &[u8]) -> Step<Request> {
        match str::from_utf8(message) {
            Ok(text) => self.request(text),
            Err(_) => Step::last(INVALID).not_understood(),
        }
    }

    fn expected(&self) -> &'static str {
        "VERIFY_CARD_AND_PASSWORD CARD PASSWORD, BALANCE_INQUIRY CARD, WITHDRAW CARD AMOUNT, \
         DEPOSIT CARD AMOUNT, or CREATE_ACCOUNT CARD NAME PASSWORD AMOUNT"
    }

    /// Only the verb, because passwords may follow it.
    fn for_log(&self, message: &[u8]) -> String {
        verb_for_log(message)
    }

    fn answered(&mut self, answer: Result<Answer, Refusal>) -> Step<Request> {
        match answer {
            Ok(answer) => self.success(answer),
            Err(refusal) => Step::last(self.failure(&refusal)),
        }
    }

    fn refused_by_fault(&mut self) -> Step<Request> {
        Step::last(RANDOM_ERROR)
    }
}

/// A number of whole units, as `int` reads it.
enum Units {
    /// Zero or negative.
    None,
    Some(Amount),
    /// More than any account can hold.
    TooMany,
}

fn units(text: &str) -> Option<Units> {
    let number = integer(text)?;
    let digits = number.digits().trim_start_matches('0');
    if number.is_negative() || digits.is_empty() {
        return Some(Units::None);
    }
    let amount = digits.parse::<Amount>().ok();
    Some(amount.map_or(Units::TooMany, Units::Some))
}

/// Whole units, rounded down.
fn whole(money: Money) -> String {
    (money.minor() / 100).to_string()
}

#[cfg(test)]
mod tests;
