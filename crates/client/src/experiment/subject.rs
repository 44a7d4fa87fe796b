//! What an experiment measures: something that performs one operation after another and says how
//! many attempts each took.
//!
//! An **operation** is what a user wants done: a withdrawal, a line in lower case, the time. It
//! consists of one or more **exchanges**, each a request that is sent again, unchanged, until it is
//! answered. Each time it is sent is an **attempt**. There is no pause between two attempts but the
//! timeout itself, so that the number of attempts and the time they take are as in the theory.

use std::time::{Duration, Instant};

use proto::printable::quoted;
use proto::refusal::Refusal;
use proto::reply;
use proto::request::Request;
use wire::connection::{Connection, ReceiveError};

use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Something that can be measured. A new kind of subject, as a hand-out's cash machine, implements
/// this and is made in [`subjects`](super::subjects).
pub trait Subject {
    /// Performs one operation, to its end or until one of its exchanges is given up.
    ///
    /// # Errors
    /// When there is no going on: the server is gone, refuses, or the person wants an end.
    fn perform(&mut self) -> Result<Performed, Failure>;

    /// Brings a subject whose operation was given up to where the next can begin. Not measured.
    ///
    /// # Errors
    /// As [`perform`](Subject::perform).
    fn after_given_up(&mut self) -> Result<(), Failure> {
        Ok(())
    }

    /// How long to leave the server alone between two operations. Not measured.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// What is known at the end of whether everything was done exactly once.
    ///
    /// # Errors
    /// As [`perform`](Subject::perform).
    fn audit(&mut self) -> Result<Audit, Failure> {
        Ok(Audit::NothingToCheck)
    }
}

/// What one operation took, besides the time, which whoever performs it measures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Performed {
    /// The attempts of each exchange that was begun, in order. Without the last when the operation
    /// was given up.
    pub attempts: Vec<u32>,
    /// The attempts of the exchange that was given up, if one was.
    pub given_up_after: Option<u32>,
    /// For each answer that came after its exchange was over, during which exchange of this
    /// operation it came; the first is 0. It belongs to the one before: an attempt was no loss.
    pub late: Vec<usize>,
    /// Time spent on attempts that were not answered in time, and how many those were.
    pub waited: Duration,
    /// How many attempts were not answered in time.
    pub unanswered: u32,
}

/// Whether everything was done exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// The operations change nothing.
    NothingToCheck,
    /// It was: in words.
    Sound(String),
    /// It cannot be known: why.
    NotKnown(String),
    /// It was not: how.
    Wrong(String),
}

/// How long to wait, and how often to ask.
#[derive(Debug, Clone)]
pub struct Patience {
    /// For one answer.
    pub timeout: Duration,
    /// Attempts after which an exchange is given up.
    pub give_up_after: u32,
    /// Whether the person wants an end.
    pub interrupt: Interrupt,
}

/// A conversation whose answers say by themselves what they answer, so that it goes on after a
/// timeout and a late answer is not taken for the next one.
#[derive(Debug)]
pub struct Line {
    connection: Connection,
    timeout: Duration,
    interrupt: Interrupt,
}

impl Performed {
    /// All attempts, of whatever was answered or given up.
    pub fn total_attempts(&self) -> u64 {
        let attempts = self.attempts.iter().chain(&self.given_up_after);
        attempts.map(|attempts| u64::from(*attempts)).sum()
    }

    /// An attempt that was sent at this moment was not answered in time.
    pub fn unanswered_since(&mut self, sent: Instant) {
        self.waited += sent.elapsed();
        self.unanswered += 1;
    }
}

impl Line {
    /// A conversation that is open.
    pub fn over(connection: Connection, patience: &Patience) -> Line {
        Line {
            connection,
            timeout: patience.timeout,
            interrupt: patience.interrupt.clone(),
        }
    }

    /// The connection, to inject faults.
    pub fn connection(&mut self) -> &mut Connection {
        &mut self.connection
    }

    /// Waits this long for each answer from here on, until this interrupt.
    pub fn set_patience(&mut self, timeout: Duration, interrupt: Interrupt) {
        self.timeout = timeout;
        self.interrupt = interrupt;
    }

    /// Sends the request once and waits for its answer; `None` when none came in time. What does not
    /// answer it, or is not the answer expected, is a late one to an earlier attempt, and is counted.
    ///
    /// # Errors
    /// When the server is lost, or the person wants an end.
    pub fn attempt<R: Request>(
        &mut self,
        request: &R,
        is_expected: impl Fn(&R::Answer) -> bool,
        performed: &mut Performed,
    ) -> Result<Option<Result<R::Answer, Refusal>>, Failure> {
        if self.interrupt.came() {
            return Err(Failure::Interrupted);
        }
        let lost = |what: String| Failure::Lost(format!("the server was lost: {what}").into());
        let sent = Instant::now();
        let writer = &mut self.connection.writer;
        writer
            .send(request.to_string().as_bytes())
            .map_err(|error| lost(error.to_string()))?;
        loop {
            let message = match self.connection.reader.receive(Some(sent + self.timeout)) {
                Ok(Some(message)) => message,
                Ok(None) => return Err(lost("it closed the connection".into())),
                Err(ReceiveError::DeadlinePassed) => {
                    performed.unanswered_since(sent);
                    return Ok(None);
                }
                Err(error) => return Err(lost(error.to_string())),
            };
            let text = String::from_utf8_lossy(&message);
            match reply::parse(&text) {
                Ok(reply) => match request.read(reply) {
                    Some(answer) if answer.as_ref().map_or(true, &is_expected) => {
                        return Ok(Some(answer));
                    }
                    Some(_) | None => performed.late.push(performed.attempts.len()),
                },
                Err(error) => {
                    let words = format!("the server said {}, which is {error}", quoted(&text));
                    return Err(Failure::Protocol(words.into()));
                }
            }
        }
    }

    /// Asks until there is an answer, at most so often; `None` when there was none.
    ///
    /// # Errors
    /// When the server is lost, or the person wants an end.
    pub fn insist<R: Request>(
        &mut self,
        request: &R,
        is_expected: impl Fn(&R::Answer) -> bool,
        most: u32,
        performed: &mut Performed,
    ) -> Result<Option<Result<R::Answer, Refusal>>, Failure> {
        for attempts in 1..=most {
            if let Some(answer) = self.attempt(request, &is_expected, performed)? {
                performed.attempts.push(attempts);
                return Ok(Some(answer));
            }
        }
        performed.given_up_after = Some(most);
        Ok(None)
    }
}
