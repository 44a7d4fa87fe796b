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

#[derive(Debug, Clone)]
pub struct RetryPolicy {
    /// For one answer.
    pub timeout: Duration,
    pub give_up_after: u32,
    /// Whether the user wants an end.
    pub interrupt: Interrupt,
}

/// A conversation whose answers say by themselves what they answer, so that it goes on after a
/// timeout and a late answer is not taken for the next one.
#[derive(Debug)]
pub struct RetryingConnection {
    pub connection: Connection,
    pub policy: RetryPolicy,
}

impl RetryingConnection {
    /// Sends a message once and waits until `accept` takes a message for its answer; `None` when none
    /// came in time. What `accept` passes over is a late answer to an earlier attempt, and is counted.
    pub fn exchange<A>(
        &mut self,
        message: &str,
        performed: &mut Performed,
        accept: impl Fn(&str) -> Result<Option<A>, Failure>,
    ) -> Result<Option<A>, Failure> {
        if self.policy.interrupt.came() {
            return Err(Failure::Interrupted);
        }
        let lost = |what: String| Failure::Lost(format!("the server was lost: {what}").into());
        let sent = Instant::now();
        let (reader, writer) = (&mut self.connection.reader, &mut self.connection.writer);
        writer
            .send(message.as_bytes())
            .map_err(|error| lost(error.to_string()))?;
        loop {
            let message = match reader.receive(Some(sent + self.policy.timeout)) {
                Ok(Some(message)) => message,
                Ok(None) => return Err(lost("it closed the connection".into())),
                Err(ReceiveError::DeadlinePassed) => {
                    performed.unanswered_since(sent);
                    return Ok(None);
                }
                Err(error) => return Err(lost(error.to_string())),
            };
            match accept(&String::from_utf8_lossy(&message))? {
                Some(answer) => return Ok(Some(answer)),
                None => performed.late.push(performed.attempts.len()),
            }
        }
    }

    /// Sends the request once, and waits for its answer if that is the one expected; `None` when none
    /// came in time.
    pub fn attempt<R: Request>(
        &mut self,
        request: &R,
        is_expected: impl Fn(&R::Answer) -> bool,
        performed: &mut Performed,
    ) -> Result<Option<Result<R::Answer, Refusal>>, Failure> {
        self.exchange(&request.to_string(), performed, |text| {
            let reply = reply::parse(text).map_err(|error| {
                let words = format!("the server said {}, which is {error}", quoted(text));
                Failure::Protocol(words.into())
            })?;
            let answer = request.read(reply);
            Ok(answer.filter(|answer| answer.as_ref().map_or(true, &is_expected)))
        })
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
