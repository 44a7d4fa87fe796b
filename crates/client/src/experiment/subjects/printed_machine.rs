//! Withdrawals at the printed bank of report 000, with the error that its printed client measures:
//! it says of some withdrawals that no notes came out, and the server rolls them back.
//!
//! The printed client leaves it at that. Here the customer wants the money, so the withdrawal is
//! made again until it is not called failed, which makes attempts that can be counted: 1/(1−p) of
//! them. Nothing is lost on the way, since the printed conversation ends with the first loss.

use std::time::Instant;

use measure::subject::{Audit, Performed, Subject};
use proto::handout::atm_login::{LOGGED_IN, WRONG_CRED};
use proto::mode::Transport;
use proto::refusal::{Code, Refusal};
use wire::fault::{FaultKind, FaultPlan, FaultSchedule};

use super::channel;
use crate::experiment::connection::RetryPolicy;
use crate::failure::Failure;
use crate::modes::handout::atm_login::dialogue::{Dialogue, Done, Operation};
use crate::modes::handout::talk::HandoutConnection;
use crate::session::Target;

/// What is withdrawn.
const AMOUNT: u64 = 1;

#[derive(Debug, Clone)]
pub struct Customer {
    /// The name, or the card.
    pub name: String,
    /// What is typed after it.
    pub password: String,
}

/// A printed cash machine whose customer withdraws again and again.
#[derive(Debug)]
pub struct PrintedMachine {
    dialogue: Dialogue,
    /// A withdrawal is called failed where this would lose a request.
    errors: FaultSchedule,
    patience: RetryPolicy,
    before: f64,
    withdrawn: u64,
}

impl PrintedMachine {
    pub fn open(
        target: &Target,
        customer: &Customer,
        plan: &FaultPlan,
        patience: &RetryPolicy,
    ) -> Result<PrintedMachine, Failure> {
        let mut talk = HandoutConnection::open(target)?;
        talk.send(&customer.name)?;
        talk.send(&customer.password)?;
        if talk.expect(&[WRONG_CRED, LOGGED_IN])? != LOGGED_IN {
            let words = format!(
                "the server does not know {} with that password: name another with --card, and the \
                 password in LABCLIENT_PIN",
                customer.name
            );
            return Err(Failure::Refused(Refusal::new(
                Code::WrongCredentials,
                words,
            )));
        }
        talk.send(LOGGED_IN)?;
        let mut dialogue = Dialogue::new(talk);
        let before = balance(&mut dialogue)?;
        Ok(PrintedMachine {
            dialogue,
            errors: plan.faults(channel(Transport::Tcp)).requests,
            patience: patience.clone(),
            before,
            withdrawn: 0,
        })
    }
}

impl Subject for PrintedMachine {
    type Error = Failure;

    fn perform(&mut self) -> Result<Performed, Failure> {
        let mut performed = Performed::default();
        for attempts in 1..=self.patience.give_up_after {
            if self.patience.interrupt.came() {
                return Err(Failure::Interrupted);
            }
            let began = Instant::now();
            let fails = self.errors.next_decision().kind == FaultKind::Drop;
            match self
                .dialogue
                .carry_out(Operation::Withdraw(AMOUNT), fails)?
            {
                Done::Withdrawn => {
                    self.withdrawn += AMOUNT;
                    performed.attempts.push(attempts);
                    return Ok(performed);
                }
                Done::RolledBack => performed.unanswered_since(began),
                Done::Refused(word) => {
                    return Err(Failure::Refused(Refusal::new(
                        Code::InsufficientFunds,
                        word,
                    )));
                }
                Done::Balance(_) | Done::Deposited => return Err(another_answer()),
            }
        }
        performed.given_up_after = Some(self.patience.give_up_after);
        Ok(performed)
    }

    fn audit(&mut self) -> Result<Audit, Failure> {
        let (before, after) = (self.before, balance(&mut self.dialogue)?);
        let sum = format!(
            "{before} less {} withdrawn, and {after} left",
            self.withdrawn
        );
        // Whole numbers, as long as nothing goes wrong.
        Ok(if before - self.withdrawn as f64 == after {
            Audit::Sound(sum)
        } else {
            Audit::Wrong(sum)
        })
    }
}

fn balance(dialogue: &mut Dialogue) -> Result<f64, Failure> {
    match dialogue.carry_out(Operation::Balance, false)? {
        Done::Balance(text) => text.parse().map_err(|_| another_answer()),
        Done::Withdrawn | Done::RolledBack | Done::Deposited | Done::Refused(_) => {
            Err(another_answer())
        }
    }
}

fn another_answer() -> Failure {
    Failure::Protocol("the server answered something else than was asked".into())
}
