//! Report 000, problem B: a cash machine with a log-in, a menu, and pickled answers.
//!
//! Both sides take turns, and most replies of the client are read and ignored. The exception is the
//! one after a withdrawal: anything but `ERROR_WITHDRAW` means that the notes are out. If the
//! client disconnects instead, its withdrawal stays unsettled.

use alloc::format;
use alloc::string::String;
use alloc::vec;

use uuid::Uuid;

use super::bank::{Answer, Customer, Request};
use super::float::repr;
use super::pickle::PickledAnswer;
use super::python::hundredths;
use super::wording::{Step, Wording};
use crate::atm::{self, Amount, Kind, Money, Pin, TransactionId};
use crate::refusal::{Code, Refusal};

/// The menu, 99 bytes.
pub const MENU: &str = concat!(
    "\nSelect one\n",
    "                1. Check Balance\n",
    "                2. Withdraw\n",
    "                3. Deposit"
);

/// The answer to a wrong name or password.
pub const WRONG_CRED: &str = "WRONG_CRED";
/// The answer to a log-in, and the client's reply.
pub const LOGGED_IN: &str = "LOGGED_IN";
/// The answer to a choice that is not on the menu.
pub const INVALID_OPTION: &str = "INVALID_OPTION";
/// The answer to one that is.
pub const VALID_OPTION: &str = "VALID_OPTION";
/// Asks for the amount.
pub const AMOUNT: &str = "AMOUNT";
/// The client's reply to a withdrawal when no notes came out.
pub const ERROR_WITHDRAW: &str = "ERROR_WITHDRAW";
/// The client's reply to a withdrawal whose notes came out.
pub const WITHDRAW_RECV: &str = "WITHDRAW_RECV";
/// The withdrawal was undone.
pub const ROLLED_BACK: &str = "ROLLED_BACK";

/// The server's half. `I` generates a random UUID for each id.
#[derive(Debug)]
pub struct AtmLogin<I> {
    ids: I,
    state: State,
}

/// What is expected next.
#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    /// A name.
    Name,
    /// The answer to a log-in with name and password concatenated.
    CheckingConcatenated(Customer),
    /// The password of this customer; `None` if the name was refused.
    Password(Option<Customer>),
    /// The answer to the log-in.
    Checking,
    /// The client's `LOGGED_IN`.
    LoggedIn,
    /// A choice from the menu.
    Choice,
    /// The client's `VALID_OPTION`, after it chose a transaction, or else the balance.
    Chosen(Option<Kind>),
    /// The balance.
    AskingBalance,
    /// The amount.
    Amount(Kind),
    /// The answer to a hold.
    Holding,
    /// Whether the notes came out.
    NotesOut(TransactionId),
    /// The answer to a confirmation.
    Confirming,
    /// The answer to a rollback.
    RollingBack,
    /// The answer to the confirmation of a deposit.
    Depositing(TransactionId, Amount),
    /// The balance after a deposit.
    Deposited(TransactionId, Amount),
    /// A reply that is ignored, before the menu.
    Acknowledgement,
}

impl<I: FnMut() -> Uuid> AtmLogin<I> {
    /// The beginning of a connection.
    pub fn new(ids: I) -> AtmLogin<I> {
        AtmLogin {
            ids,
            state: State::Name,
        }
    }

    fn go(&mut self, state: State, step: Step<Request>) -> Step<Request> {
        self.state = state;
        step
    }

    fn ask(&mut self, state: State, request: atm::Request) -> Step<Request> {
        self.go(state, Step::Ask(Request::Session(request)))
    }

    fn menu(&mut self) -> Step<Request> {
        self.go(State::Choice, Step::say(MENU))
    }

    fn name(&mut self, text: &str) -> Step<Request> {
        let customer = Customer(text.into());
        match Pin::password(text) {
            Some(concatenated) => self.go(
                State::CheckingConcatenated(customer),
                Step::Ask(Request::LogInConcatenated(concatenated)),
            ),
            None => self.go(State::Password(Some(customer)), Step::Listen),
        }
    }

    fn password(&mut self, customer: Option<Customer>, text: &str) -> Step<Request> {
        match (customer, Pin::password(text)) {
            (Some(customer), Some(password)) => self.go(
                State::Checking,
                Step::Ask(Request::LogIn(customer, password)),
            ),
            _ => self.go(State::Name, Step::say(WRONG_CRED)),
        }
    }

    fn choice(&mut self, text: &str) -> Step<Request> {
        let chosen = match text {
            "1" => None,
            "2" => Some(Kind::Withdrawal),
            "3" => Some(Kind::Deposit),
            _ => {
                let step = Step::say(INVALID_OPTION).not_understood();
                return self.go(State::Acknowledgement, step);
            }
        };
        self.go(State::Chosen(chosen), Step::say(VALID_OPTION))
    }

    fn amount(&mut self, kind: Kind, text: &str) -> Step<Request> {
        let Some(hundredths) = hundredths(text).filter(|hundredths| *hundredths > 0) else {
            return self
                .declined(kind, PickledAnswer::InvalidInput)
                .not_understood();
        };
        let Some(amount) = Money::from_minor(hundredths).and_then(Amount::new) else {
            // More than any account can hold.
            let reason = match kind {
                Kind::Withdrawal => PickledAnswer::NoBalance,
                Kind::Deposit => PickledAnswer::InvalidInput,
            };
            return self.declined(kind, reason);
        };
        let (uuid, key) = ((self.ids)(), None);
        let id = TransactionId { kind, uuid };
        self.ask(State::Holding, atm::Request::Hold { id, amount, key })
    }

    /// The client replies to every answer to a withdrawal, but to a deposit only if it succeeds: a
    /// declined one is followed by the menu at once.
    fn declined(&mut self, kind: Kind, outcome: PickledAnswer) -> Step<Request> {
        let pickle = outcome.to_bytes();
        match kind {
            Kind::Withdrawal => self.go(State::Acknowledgement, Step::say(pickle)),
            Kind::Deposit => self.go(
                State::Choice,
                Step::Say(vec![pickle, MENU.as_bytes().to_vec()]),
            ),
        }
    }

    fn held(&mut self, id: TransactionId, amount: Amount, available: Money) -> Step<Request> {
        match id.kind {
            Kind::Withdrawal => {
                let outcome = PickledAnswer::Moved {
                    tid: id,
                    amount: double(amount.money()),
                    balance: double(available),
                };
                self.go(State::NotesOut(id), Step::say(outcome.to_bytes()))
            }
            Kind::Deposit => self.ask(
                State::Depositing(id, amount),
                atm::Request::Confirm { id, key: None },
            ),
        }
    }

    fn refused(&mut self, state: State, refusal: &Refusal) -> Step<Request> {
        match state {
            State::CheckingConcatenated(customer) => {
                self.go(State::Password(Some(customer)), Step::Listen)
            }
            State::Checking => self.go(State::Name, Step::say(WRONG_CRED)),
            State::Holding if refusal.code == Code::InsufficientFunds => {
                self.declined(Kind::Withdrawal, PickledAnswer::NoBalance)
            }
            State::Holding if refusal.code == Code::OutOfRange => {
                self.declined(Kind::Deposit, PickledAnswer::InvalidInput)
            }
            // The transaction stays unsettled in the ledger; the client cannot settle it.
            State::Confirming => self.menu(),
            // The protocol has no message for an unavailable bank.
            _ => self.go(state, Step::Close),
        }
    }
}

impl<I: FnMut() -> Uuid> Wording for AtmLogin<I> {
    type Request = Request;
    type Answer = Answer;

    fn received(&mut self, message: &[u8]) -> Step<Request> {
        let text = String::from_utf8_lossy(message);
        match self.state.clone() {
            State::Name => self.name(&text),
            State::Password(customer) => self.password(customer, &text),
            State::LoggedIn if text == LOGGED_IN => self.menu(),
            State::LoggedIn => self.go(State::Name, Step::Listen.not_understood()),
            State::Choice => self.choice(&text),
            State::Chosen(None) => self.ask(State::AskingBalance, atm::Request::Balance),
            State::Chosen(Some(kind)) => self.go(State::Amount(kind), Step::say(AMOUNT)),
            State::Amount(kind) => self.amount(kind, &text),
            State::NotesOut(id) if text == ERROR_WITHDRAW => {
                self.ask(State::RollingBack, atm::Request::Rollback { id, key: None })
            }
            State::NotesOut(id) => {
                let step = self.ask(State::Confirming, atm::Request::Confirm { id, key: None });
                match &*text {
                    WITHDRAW_RECV => step,
                    _ => step.not_understood(),
                }
            }
            State::Acknowledgement => self.menu(),
            // A request to the service is pending.
            State::CheckingConcatenated(_)
            | State::Checking
            | State::AskingBalance
            | State::Holding
            | State::Confirming
            | State::RollingBack
            | State::Depositing(..)
            | State::Deposited(..) => Step::Listen,
        }
    }

    fn expected(&self) -> &'static str {
        match &self.state {
            State::Name => "a name",
            State::Password(_) => "a password",
            State::LoggedIn => "LOGGED_IN; anything else leads back to the log-in",
            State::Choice => "1, 2 or 3",
            State::Amount(_) => "an amount above zero",
            State::NotesOut(_) => "WITHDRAW_RECV or ERROR_WITHDRAW; anything else confirms",
            _ => "any reply",
        }
    }

    /// Any message may be a password, if a client is out of step.
    fn for_log(&self, message: &[u8]) -> String {
        format!("{} bytes", message.len())
    }

    fn awaits_secret(&self) -> bool {
        matches!(self.state, State::Password(_))
    }

    fn answered(&mut self, answer: Result<Answer, Refusal>) -> Step<Request> {
        let answer = match answer {
            Ok(Answer::Welcome(_)) => return self.go(State::LoggedIn, Step::say(LOGGED_IN)),
            Ok(Answer::Atm(answer)) => answer,
            Err(refusal) => return self.refused(self.state.clone(), &refusal),
        };
        match (self.state.clone(), answer) {
            (State::Deposited(tid, amount), atm::Answer::Balance { available, .. }) => {
                let outcome = PickledAnswer::Moved {
                    tid,
                    amount: double(amount.money()),
                    balance: double(available),
                };
                self.go(State::Acknowledgement, Step::say(outcome.to_bytes()))
            }
            (_, atm::Answer::Balance { available, .. }) => {
                self.go(State::Acknowledgement, Step::say(repr(double(available))))
            }
            (
                _,
                atm::Answer::Held {
                    id,
                    amount,
                    available,
                    ..
                },
            ) => self.held(id, amount, available),
            (State::Depositing(id, amount), atm::Answer::Confirmed { .. }) => {
                self.ask(State::Deposited(id, amount), atm::Request::Balance)
            }
            (_, atm::Answer::Confirmed { .. }) => self.menu(),
            (_, atm::Answer::RolledBack { .. }) => {
                self.go(State::Acknowledgement, Step::say(ROLLED_BACK))
            }
            (state, _) => self.go(state, Step::Close),
        }
    }

    fn refused_by_fault(&mut self) -> Step<Request> {
        match self.state.clone() {
            // The password that follows belongs to no name.
            State::Name => self.go(State::Password(None), Step::Listen),
            State::Password(_) => self.go(State::Name, Step::say(WRONG_CRED)),
            State::Choice => self.go(State::Acknowledgement, Step::say(INVALID_OPTION)),
            State::Amount(kind) => self.declined(kind, PickledAnswer::InvalidInput),
            // The protocol has no refusal of an acknowledgement.
            _ => Step::Close,
        }
    }

    fn unfinished(&self) -> Option<String> {
        match &self.state {
            State::NotesOut(id) => Some(format!(
                "{id} is neither confirmed nor rolled back: the notes may be out"
            )),
            _ => None,
        }
    }
}

/// The nearest double. Money has at most twelve digits, so hundredths are exact, and the division
/// rounds once.
fn double(money: Money) -> f64 {
    money.minor() as f64 / 100.0
}

#[cfg(test)]
mod tests;
