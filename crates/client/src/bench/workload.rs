//! What one connection of a bench asks, mode by mode.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use measure::bench::load::BoxedSubject;
use measure::bench::report::Description;
use measure::subject::{Performed, Subject};
use proto::calc;
use proto::frame::Framing;
use proto::name::Name;
use wire::connection::Connection;

use super::Service;
use crate::experiment::connection::{RetryPolicy, RetryingConnection};
use crate::experiment::subjects::cash_machine::{Account, Bank, CashMachine};
use crate::experiment::subjects::clock::Clock;
use crate::experiment::subjects::lowering::Lowering;
use crate::failure::Failure;
use crate::session::{Session, Target};

/// For a connection, its `READY` and a log-in.
const OPENING: Duration = Duration::from_secs(20);

/// Attempts of a request of a cash machine.
const MACHINE_ATTEMPTS: u32 = 5;

/// What the connections of a bench ask, and where.
#[derive(Debug)]
pub struct Workload {
    pub service: Service,
    /// `HOST:PORT` each; connections take them in turn.
    pub servers: Vec<String>,
    pub framing: Framing,
    /// For one answer.
    pub patience: RetryPolicy,
    /// The first of the accounts.
    pub account: Account,
    /// How many accounts, of cards in a row, the machines share.
    pub accounts: u32,
    /// Whether the server was started for this, without the limits that would be measured instead.
    pub is_own_server: bool,
    /// Withdrawals that were confirmed, of the machines that are gone.
    pub withdrawn: AtomicI64,
}

impl Workload {
    /// The connection of this number.
    pub fn connect(&self, number: u32) -> Result<BoxedSubject<'_, Failure>, Failure> {
        Ok(match self.service {
            Service::Text => {
                let session = Session::open(&self.target(number))?;
                Box::new(Lowering::over(session, &self.patience))
            }
            // As fast as is asked for.
            Service::Datetime => {
                Box::new(Clock::open(&self.target(number), &self.patience, false)?)
            }
            Service::Calc => Box::new(Calculating::open(self, number)?),
            // The room has a run of its own, in `chat`, which counts deliveries and not answers.
            Service::Echo | Service::Chat => Box::new(Echoing {
                line: self.retrying(self.target(number).connect()?),
                count: 0,
            }),
            Service::Atm => Box::new(Withdrawing {
                machine: self.machine(number)?,
                withdrawn: &self.withdrawn,
            }),
        })
    }

    /// The machine of this number, at its account.
    pub fn machine(&self, number: u32) -> Result<CashMachine, Failure> {
        let account = self.account.following(number % self.accounts)?;
        let patience = RetryPolicy {
            give_up_after: MACHINE_ATTEMPTS,
            ..self.patience.clone()
        };
        CashMachine::open(Bank::new(self.target(number), account, &patience)?)
    }

    /// The server of the connection of this number; the others in turn where it is gone.
    pub fn target(&self, number: u32) -> Target {
        let timeout = OPENING.max(self.patience.timeout);
        let first = number as usize % self.servers.len().max(1);
        let (after, from) = self.servers.split_at(first);
        let mut servers = from.iter().chain(after).cloned();
        let server = servers.next().unwrap_or_default();
        Target {
            framing: self.framing,
            others: servers.collect(),
            ..Target::new(self.service.mode(), server, timeout)
        }
    }

    fn retrying(&self, connection: Connection) -> RetryingConnection {
        RetryingConnection {
            connection,
            policy: self.patience.clone(),
        }
    }

    pub fn description(&self) -> Description {
        Description {
            mode: self.service.mode().name(),
            answers: match self.service {
                Service::Atm => "withdrawals",
                _ => "answers",
            },
            server: self.servers.join(","),
            is_own_server: self.is_own_server,
        }
    }
}

/// A cash machine that adds up its withdrawals with those of the others when it is gone.
struct Withdrawing<'a> {
    machine: CashMachine,
    withdrawn: &'a AtomicI64,
}

impl Subject for Withdrawing<'_> {
    type Error = Failure;

    fn perform(&mut self) -> Result<Performed, Failure> {
        self.machine.perform()
    }

    fn after_given_up(&mut self) -> Result<(), Failure> {
        self.machine.after_given_up()
    }
}

impl Drop for Withdrawing<'_> {
    fn drop(&mut self) {
        self.withdrawn
            .fetch_add(self.machine.withdrawn, Ordering::Relaxed);
    }
}

struct Calculating {
    line: RetryingConnection,
    count: u64,
}

impl Calculating {
    fn open(workload: &Workload, number: u32) -> Result<Calculating, Failure> {
        let mut session = Session::open(&workload.target(number))?;
        let name: Name = format!("bench-{number}")
            .parse()
            .map_err(Failure::Refused)?;
        let hello = calc::Request::Hello(name);
        session.ask(&hello)?.map_err(Failure::Refused)?;
        Ok(Calculating {
            line: workload.retrying(session.into_connection()),
            count: 0,
        })
    }
}

impl Subject for Calculating {
    type Error = Failure;

    fn perform(&mut self) -> Result<Performed, Failure> {
        // Another sum each time, so that a late answer is no answer to the next one.
        self.count += 1;
        let sum = format!("{} + 42", self.count);
        let request = calc::Request::Calc(sum.parse().map_err(Failure::Refused)?);
        let expected = (self.count + 42).to_string();
        let is_expected = |answer: &calc::Answer| matches!(answer, calc::Answer::Value(value) if value.text == expected);
        let mut performed = Performed::default();
        let answer = self.line.insist(&request, is_expected, 1, &mut performed)?;
        answer.transpose().map_err(Failure::Refused)?;
        Ok(performed)
    }
}

struct Echoing {
    line: RetryingConnection,
    count: u64,
}

impl Subject for Echoing {
    type Error = Failure;

    fn perform(&mut self) -> Result<Performed, Failure> {
        self.count += 1;
        let text = format!("echo {}", self.count);
        let mut performed = Performed::default();
        let echo = self.line.exchange(&text, &mut performed, |echo| {
            if echo == text {
                Ok(Some(()))
            } else if echo.starts_with("echo ") && echo.len() <= text.len() {
                // A late one, of a text before.
                Ok(None)
            } else {
                Err(Failure::Protocol("another text came back".into()))
            }
        })?;
        performed.given_up_after = echo.is_none().then_some(1);
        Ok(performed)
    }
}
