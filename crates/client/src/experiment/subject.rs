//! A conversation in which a request is repeated until it is answered.

use std::time::{Duration, Instant};

use measure::subject::Performed;
use proto::printable::quoted;
use proto::refusal::Refusal;
use proto::reply;
use proto::request::Request;
use wire::connection::{Connection, ReceiveError};

use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// How long to wait, and how often to ask.
#[derive(Debug, Clone)]
pub struct RetryPolicy {
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
pub struct RetryingConnection {
    connection: Connection,
    timeout: Duration,
    interrupt: Interrupt,
}

impl RetryingConnection {
    /// A conversation that is open.
    pub fn over(connection: Connection, patience: &RetryPolicy) -> RetryingConnection {
        RetryingConnection {
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
