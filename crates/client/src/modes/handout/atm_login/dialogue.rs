//! What is said for one operation, once logged in.
//!
//! The dialogue says at every step what comes next, so nothing depends on how it is cut: the menu
//! that follows a refused deposit at once stays where it is until it is its turn.

use std::fmt;

use proto::atm::Kind;
use proto::handout::atm_login::{AMOUNT, ERROR_WITHDRAW, MENU, ROLLED_BACK, VALID_OPTION};
use proto::handout::float::repr;
use proto::handout::pickle::{self, PickleError, PickledAnswer};

use super::super::talk::{HandoutConnection, outcome_unknown};
use crate::failure::Failure;

/// Longest number: `repr` of a double has at most 24 characters.
const MAX_NUMBER: usize = 32;

/// Bytes of a pickle up to the length of the rest, and with it.
const BEFORE_LENGTH: usize = 3;
const HEADER: usize = BEFORE_LENGTH + 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    Balance,
    Withdraw(u64),
    Deposit(u64),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    /// There is so much, in the server's words.
    Balance(String),
    Withdrawn,
    /// It was not, and the server took the withdrawal back.
    RolledBack,
    Deposited,
    /// The server said no, with this word.
    Refused(&'static str),
}

#[derive(Debug)]
pub struct Dialogue {
    talk: HandoutConnection,
    /// Whether the last thing said was a number, of which the end may still be on its way.
    after_number: bool,
}

impl Dialogue {
    pub fn new(talk: HandoutConnection) -> Dialogue {
        Dialogue {
            talk,
            after_number: false,
        }
    }

    /// Does one operation, from the menu to the last word before the next menu. A withdrawal that
    /// the server grants is called failed if it `fails`.
    ///
    /// # Errors
    /// When the server is lost, or says something else than the printed one. [`Failure::Unknown`]
    /// when the amount was sent and what became of it is not known.
    pub fn carry_out(&mut self, operation: Operation, fails: bool) -> Result<Done, Failure> {
        self.menu()?;
        let choice = match operation {
            Operation::Balance => "1",
            Operation::Withdraw(_) => "2",
            Operation::Deposit(_) => "3",
        };
        self.talk.send(choice)?;
        self.talk.expect(&[VALID_OPTION])?;
        self.talk.send(VALID_OPTION)?;
        match operation {
            Operation::Balance => self.balance(),
            Operation::Withdraw(amount) => {
                self.talk.expect(&[AMOUNT])?;
                self.withdraw(amount, fails).map_err(unknown_if_lost)
            }
            Operation::Deposit(amount) => {
                self.talk.expect(&[AMOUNT])?;
                self.deposit(amount).map_err(unknown_if_lost)
            }
        }
    }

    pub fn leave(self) {
        self.talk.leave();
    }

    fn menu(&mut self) -> Result<(), Failure> {
        if std::mem::take(&mut self.after_number) {
            self.talk.take("the menu", |came| {
                let rest = came.iter().take_while(|byte| is_of_number(**byte)).count();
                Ok((rest < came.len()).then_some(((), rest)))
            })?;
        }
        self.talk.expect(&[MENU]).map(drop)
    }

    fn balance(&mut self) -> Result<Done, Failure> {
        let balance = self.talk.take("the balance", |came| {
            let length = came.iter().take_while(|byte| is_of_number(**byte)).count();
            let number = str::from_utf8(&came[..length]).unwrap_or_default();
            if is_whole_number(number) {
                return Ok(Some((number.to_owned(), length)));
            }
            match length < came.len() || length > MAX_NUMBER {
                true => Err("a number such as 500000.0".to_owned()),
                false => Ok(None),
            }
        })?;
        self.talk.send("BALANCE")?;
        self.after_number = true;
        Ok(Done::Balance(balance))
    }

    fn withdraw(&mut self, amount: u64, fails: bool) -> Result<Done, Failure> {
        self.talk.send(&repr(amount as f64))?;
        let done = match self.outcome()? {
            PickledAnswer::Moved { tid, .. } if tid.kind == Kind::Deposit => {
                return Err(wrong_kind("a withdrawal", "a deposit"));
            }
            PickledAnswer::Moved { .. } if fails => {
                self.talk.send(ERROR_WITHDRAW)?;
                self.talk.expect(&[ROLLED_BACK])?;
                self.talk.send("ROLLBACK_RECV")?;
                return Ok(Done::RolledBack);
            }
            PickledAnswer::Moved { .. } => Done::Withdrawn,
            PickledAnswer::NoBalance => Done::Refused("NO_BLNC"),
            PickledAnswer::InvalidInput => Done::Refused("INVALID_IN"),
        };
        // To a refusal too: the printed server waits for a word, and does not look at it.
        self.talk.send("WITHDRAW_RECV")?;
        Ok(done)
    }

    fn deposit(&mut self, amount: u64) -> Result<Done, Failure> {
        self.talk.send(&amount.to_string())?;
        match self.outcome()? {
            PickledAnswer::Moved { tid, .. } if tid.kind == Kind::Deposit => {
                self.talk.send("DEPOSIT_RECV")?;
                Ok(Done::Deposited)
            }
            // Nothing is awaited here: the menu follows at once.
            PickledAnswer::NoBalance => Ok(Done::Refused("NO_BLNC")),
            PickledAnswer::InvalidInput => Ok(Done::Refused("INVALID_IN")),
            PickledAnswer::Moved { .. } => Err(wrong_kind("a deposit", "a withdrawal")),
        }
    }

    fn outcome(&mut self) -> Result<PickledAnswer, Failure> {
        self.talk.take("a pickled answer", |came| {
            let length = whole_length(came).unwrap_or(came.len());
            match PickledAnswer::parse(&came[..length.min(came.len())]) {
                Ok(outcome) => Ok(Some((outcome, length))),
                Err(PickleError::Truncated(_)) => Ok(None),
                Err(error) => Err(error.to_string()),
            }
        })
    }
}

/// How long the pickle is, header and all, if its header is there and says what can be.
fn whole_length(came: &[u8]) -> Option<usize> {
    let length = came.get(BEFORE_LENGTH..HEADER)?.try_into().ok()?;
    let length = usize::try_from(u64::from_le_bytes(length)).ok()?;
    (length <= pickle::MAX_SIZE - HEADER).then(|| HEADER + length)
}

fn is_of_number(byte: u8) -> bool {
    byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.') || b"einfa".contains(&byte)
}

/// Whether Python could have written this for a float. It writes a digit behind the point, and two
/// behind the `e`, so half a number is mostly no number.
fn is_whole_number(text: &str) -> bool {
    let ends_well = match text.split_once('e') {
        Some((_, exponent)) => exponent.len() >= 3,
        None => text
            .split_once('.')
            .is_some_and(|(_, digits)| !digits.is_empty()),
    };
    (ends_well && text.parse::<f64>().is_ok()) || matches!(text, "inf" | "-inf" | "nan")
}

fn unknown_if_lost(failure: Failure) -> Failure {
    match failure {
        Failure::Lost(report) | Failure::Protocol(report) => outcome_unknown(report),
        failure => failure,
    }
}

fn wrong_kind(asked: &str, answered: &str) -> Failure {
    let words = format!("asked for {asked}, the server answered {answered}");
    Failure::Protocol(words.into())
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Operation::Balance => f.write_str("balance"),
            Operation::Withdraw(amount) => write!(f, "withdraw {}", repr(*amount as f64)),
            Operation::Deposit(amount) => write!(f, "deposit {amount}"),
        }
    }
}

/// Behind the operation.
impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Done::Balance(balance) => write!(f, " {balance}"),
            Done::Withdrawn | Done::Deposited => f.write_str(" OK"),
            Done::RolledBack => f.write_str(" ROLLED_BACK"),
            Done::Refused(word) => write!(f, " {word}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_a_number_is_told_from_a_whole_one_where_it_can_be() {
        for whole in [
            "500000.0", "-0.5", "1e+16", "1.25e-05", "inf", "-inf", "nan",
        ] {
            assert!(is_whole_number(whole), "{whole}");
        }
        for half in [
            "", "-", "5", "500000", "500000.", "1e", "1e+", "1e+1", "in", "na", ".",
        ] {
            assert!(!is_whole_number(half), "{half}");
        }
    }
}
