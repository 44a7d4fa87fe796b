//! Withdrawals by a cash machine: the real state machine, with a journal and a drawer on disk, over
//! one connection that is kept.
//!
//! The machine of `labclient atm` takes a new connection and pauses longer and longer after each
//! timeout, as it should where a bank may be down. Here the bank is there and messages are lost, and
//! what is to be seen is how often each has to be sent; so this one asks again at once, on the same
//! connection. Every answer of the bank names the transaction it is about, so a late one is known.

use std::io::{self, Write};
use std::time::Duration;

use measure::subject::{Audit, Performed, Subject};
use proto::atm::machine::Outcome;
use proto::atm::semantics::Semantics;
use proto::atm::{Amount, Answer, CardNumber, LoginId, Money, Pin, Request, TransactionId};
use proto::mode::Transport;
use proto::name::Name;
use proto::refusal::{Code, Refusal};
use tempfile::{NamedTempFile, TempDir};
use uuid::Uuid;
use wire::fault::FaultPlan;

use super::channel;
use crate::cash_machine::driver::{BankLine, Driver, Stopped};
use crate::cash_machine::storage::MachineDirectory;
use crate::experiment::connection::{RetryPolicy, RetryingConnection};
use crate::failure::Failure;
use crate::interrupt::Interrupt;
use crate::session::{Session, Target};

/// What is withdrawn.
const AMOUNT: &str = "0.01";

/// What is in an account of our own: more than a machine's drawer holds.
const OPENING: &str = "5000000.00";

/// How long and how often to ask where no fault disturbs it.
const CALM: (Duration, u32) = (Duration::from_secs(2), 5);

/// How often to ask where a fault disturbs it that is not ours to switch off, and where what is
/// asked is not measured.
const INSISTENT: u32 = 10_000;

#[derive(Debug, Clone)]
pub struct Account {
    pub card: CardNumber,
    pub pin: Pin,
}

/// The bank as one machine sees it.
#[derive(Debug)]
pub struct Bank {
    target: Target,
    account: Account,
    patience: RetryPolicy,
    amount: Amount,
    /// Faults of this program from the log-in on.
    faults: Option<FaultPlan>,
}

/// A cash machine with a customer who withdraws again and again.
#[derive(Debug)]
pub struct CashMachine {
    bank: Bank,
    line: RetryingConnection,
    machines: MachineDirectory,
    driver: Driver,
    /// What was available when the customer logged in.
    pub before: Money,
    /// Withdrawals whose notes moved and which are confirmed.
    pub withdrawn: i64,
    /// Machines that were left with a transaction which could not be settled.
    unsettled: u32,
    // Removed with the journals in it.
    _directory: TempDir,
}

/// The bank on a connection that is kept, asked again at once, so often at most.
struct MeasuredLine<'a> {
    line: &'a mut RetryingConnection,
    most: u32,
    performed: &'a mut Performed,
}

impl BankLine for MeasuredLine<'_> {
    fn ask(
        &mut self,
        request: &Request,
        attempt: u32,
    ) -> Result<Option<Result<Answer, Refusal>>, Failure> {
        let answer = self.line.attempt(request, |_| true, self.performed)?;
        if answer.is_some() {
            self.performed.attempts.push(attempt);
        }
        Ok(answer)
    }

    fn pause(&mut self, attempts: u32) -> bool {
        let is_last = attempts >= self.most;
        if is_last {
            self.performed.given_up_after = Some(attempts);
        }
        !is_last
    }
}

impl Account {
    /// The account of the card with the `number`-th number after this one, with the same PIN.
    pub fn following(&self, number: u32) -> Result<Account, Failure> {
        let first = self.card.to_string();
        let card: u64 = first.parse().unwrap_or(u64::MAX);
        let card = card.saturating_add(u64::from(number));
        Ok(Account {
            card: format!("{card:0width$}", width = first.len())
                .parse()
                .map_err(Failure::usage)?,
            pin: self.pin.clone(),
        })
    }
}

/// An account of a server of our own: the n-th of [`accounts_file`].
pub fn own_account(number: u32) -> Result<Account, Failure> {
    Ok(Account {
        card: (100_000_001 + u64::from(number))
            .to_string()
            .parse()
            .map_err(Failure::usage)?,
        pin: "1234".parse().map_err(Failure::usage)?,
    })
}

/// A file for `--accounts` with so many accounts.
pub fn accounts_file(count: u32) -> Result<NamedTempFile, Failure> {
    let write = || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        for number in 0..count {
            writeln!(
                file,
                "[[account]]\ncard = \"{}\"\npin = \"1234\"\nholder = \"Measurement\"\nbalance = \"{OPENING}\"",
                100_000_001 + u64::from(number)
            )?;
        }
        file.flush()?;
        Ok(file)
    };
    write().map_err(|error| Failure::Resource(format!("cannot write a file of accounts: {error}")))
}

impl Bank {
    pub fn new(
        mut target: Target,
        account: Account,
        patience: &RetryPolicy,
    ) -> Result<Bank, Failure> {
        Ok(Bank {
            faults: target.faults.take(),
            target,
            account,
            patience: patience.clone(),
            amount: AMOUNT.parse().map_err(Failure::Refused)?,
        })
    }

    /// A conversation with the customer logged in. A bank that hashes many PINs at once may ask to
    /// come again.
    fn log_in(&self) -> Result<RetryingConnection, Failure> {
        let request = Request::LogIn {
            id: LoginId(Uuid::now_v7()),
            card: self.account.card.clone(),
            pin: self.account.pin.clone(),
        };
        for pause in [50, 100, 200, 400, 800, 1600] {
            let mut session = Session::open(&self.target)?;
            match session.ask(&request)? {
                Ok(_) => {
                    return Ok(RetryingConnection {
                        connection: session.into_connection(),
                        policy: self.patience.clone(),
                    });
                }
                Err(refusal) if refusal.code == Code::Busy => {}
                Err(refusal) => return Err(Failure::Refused(refusal)),
            }
            if self.patience.interrupt.came() {
                return Err(Failure::Interrupted);
            }
            std::thread::sleep(Duration::from_millis(pause));
        }
        Err(Failure::Unreachable(
            "the bank is too busy to log in".into(),
        ))
    }

    /// The bank without faults of ours, to settle and to audit.
    fn calm(&self) -> Result<RetryingConnection, Failure> {
        let mut line = self.log_in()?;
        line.policy.timeout = CALM.0;
        line.policy.interrupt = Interrupt::default();
        Ok(line)
    }
}

impl CashMachine {
    /// A machine with its customer logged in and its journal in a directory of its own.
    pub fn open(bank: Bank) -> Result<CashMachine, Failure> {
        let (machines, directory) = MachineDirectory::temporary()?;
        let mut line = bank.log_in()?;
        let driver = new_machine(&machines, 1, &mut line)?;
        let before = balance(&mut line, INSISTENT)?
            .ok_or_else(|| Failure::Lost("the bank did not tell the balance".into()))?
            .0;
        if let Some(plan) = &bank.faults {
            line.connection.inject(plan.faults(channel(Transport::Tcp)));
        }
        Ok(CashMachine {
            bank,
            line,
            machines,
            driver,
            before,
            withdrawn: 0,
            unsettled: 0,
            _directory: directory,
        })
    }

    /// Makes sure that the account and the drawer are good for so many withdrawals.
    pub fn needs(&self, withdrawals: u64) -> Result<(), Failure> {
        let (amount, drawer) = (self.bank.amount.money(), self.driver.storage.drawer());
        let withdrawn = i64::try_from(withdrawals).unwrap_or(i64::MAX);
        let needed = withdrawn.saturating_mul(amount.minor());
        if needed > self.before.min(drawer).minor() {
            return Err(Failure::Usage(format!(
                "{withdrawals} withdrawals of {amount} are more than the {} in the account or the \
                 {drawer} in the drawer: lower --operations",
                self.before
            )));
        }
        Ok(())
    }
}

impl Subject for CashMachine {
    type Error = Failure;

    fn perform(&mut self) -> Result<Performed, Failure> {
        let id = TransactionId::withdrawal(Uuid::now_v7());
        self.driver
            .begin(id, self.bank.amount)?
            .map_err(|not_now| Failure::Unknown(format!("{not_now:?}").into()))?;
        let mut performed = Performed::default();
        let mut line = MeasuredLine {
            line: &mut self.line,
            most: self.bank.patience.give_up_after,
            performed: &mut performed,
        };
        match self.driver.run(&mut line)? {
            Stopped::Shown(Outcome::Moved { .. }) => {
                self.withdrawn += 1;
                Ok(performed)
            }
            Stopped::Shown(
                Outcome::Declined { refusal, .. }
                | Outcome::RolledBack {
                    refusal: Some(refusal),
                    ..
                },
            ) => Err(Failure::Refused(refusal)),
            Stopped::Shown(outcome) => Err(Failure::Unknown(outcome.to_string().into())),
            Stopped::Idle => Err(nothing_to_do()),
            Stopped::OutOfAttempts => Ok(performed),
        }
    }

    /// Settles a withdrawal that was given up, so that the next one can begin and the balance can be
    /// checked: without faults if they are ours, else with more patience.
    fn after_given_up(&mut self) -> Result<(), Failure> {
        self.driver.give_up();
        // What was tried so often continues from there.
        self.driver.resume();
        let mut calm;
        let (line, most) = if self.bank.faults.is_some() {
            calm = self.bank.calm()?;
            // Attempts go on counting for the exchange that was given up.
            let most = self.bank.patience.give_up_after.saturating_add(CALM.1);
            (&mut calm, most)
        } else {
            (&mut self.line, INSISTENT)
        };
        let stopped = self.driver.run(&mut MeasuredLine {
            line,
            most,
            performed: &mut Performed::default(),
        })?;
        match stopped {
            Stopped::Shown(Outcome::Moved { .. }) => self.withdrawn += 1,
            Stopped::Shown(_) => {}
            Stopped::Idle => return Err(nothing_to_do()),
            Stopped::OutOfAttempts => {
                self.unsettled += 1;
                self.driver = new_machine(&self.machines, self.unsettled + 1, &mut self.line)?;
            }
        }
        Ok(())
    }

    fn audit(&mut self) -> Result<Audit, Failure> {
        if self.unsettled > 0 {
            return Ok(Audit::NotKnown(format!(
                "{} withdrawals could not be settled",
                self.unsettled
            )));
        }
        let balance = if self.bank.faults.is_some() {
            balance(&mut self.bank.calm()?, CALM.1)?
        } else {
            balance(&mut self.line, INSISTENT)?
        };
        let Some((after, held)) = balance else {
            return Ok(Audit::NotKnown("the bank did not tell the balance".into()));
        };
        let (before, amount) = (self.before, self.bank.amount.money());
        let sum = format!(
            "{before} less {} withdrawals of {amount}, and {after} left, {held} held",
            self.withdrawn
        );
        let expected = before.minor() - self.withdrawn * amount.minor();
        Ok(if expected == after.minor() && held.minor() == 0 {
            Audit::Sound(sum)
        } else {
            Audit::Wrong(sum)
        })
    }
}

fn new_machine(
    machines: &MachineDirectory,
    number: u32,
    line: &mut RetryingConnection,
) -> Result<Driver, Failure> {
    let name: Name = format!("ATM-{number}").parse().map_err(Failure::Refused)?;
    let protections = Semantics::ExactlyOnce.protections();
    let mut driver = Driver::new(machines.open(Some(&name), protections)?);
    // What is in the drawer is its first record.
    driver.run(&mut MeasuredLine {
        line,
        most: 1,
        performed: &mut Performed::default(),
    })?;
    Ok(driver)
}

fn nothing_to_do() -> Failure {
    Failure::Unknown("the machine has nothing to do in the middle of a withdrawal".into())
}

/// What is available and what is held, asked at most so often.
fn balance(line: &mut RetryingConnection, most: u32) -> Result<Option<(Money, Money)>, Failure> {
    let is_expected = |answer: &Answer| matches!(answer, Answer::Balance { .. });
    let mut unmeasured = Performed::default();
    let answer = line.insist(&Request::Balance, is_expected, most, &mut unmeasured)?;
    match answer.transpose().map_err(Failure::Refused)? {
        Some(Answer::Balance { available, held }) => Ok(Some((available, held))),
        Some(_) | None => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_in_a_row_keep_their_length() {
        let card = |first: &str, number| {
            let account = Account {
                card: first.parse().unwrap(),
                pin: "1234".parse().unwrap(),
            };
            account.following(number).map(|it| it.card.to_string()).ok()
        };
        for (first, number, expected) in [
            ("123456789", 0, Some("123456789")),
            ("123456789", 11, Some("123456800")),
            ("000099", 1, Some("000100")),
            ("9999999999999999999", 1, None),
        ] {
            assert_eq!(card(first, number).as_deref(), expected, "{first}");
        }
    }
}
