//! Questions for the date and the time in turn, over UDP.
//!
//! Asked in turn, a late answer to one question is not taken for the answer to the next.

use std::io;
use std::time::{Duration, Instant};

use measure::subject::{Performed, Subject};
use proto::datetime::Request;

use crate::clock;
use crate::experiment::connection::RetryPolicy;
use crate::failure::Failure;
use crate::session::Target;

/// Between two questions to a server that is not ours: half the rate that `labserver` answers one
/// source at.
const PAUSE: Duration = Duration::from_millis(2);

#[derive(Debug)]
pub struct Clock {
    clock: clock::Clock,
    patience: RetryPolicy,
    next: Request,
    is_foreign: bool,
}

impl Clock {
    /// A client of the clock there, under the target's faults from here on.
    pub fn open(
        target: &Target,
        patience: &RetryPolicy,
        is_foreign: bool,
    ) -> Result<Clock, Failure> {
        Ok(Clock {
            clock: clock::Clock::open_at_one_address(target)?,
            patience: patience.clone(),
            next: Request::Date,
            is_foreign,
        })
    }

    /// Asks once; whether it was answered.
    fn attempt(&mut self, question: Request, performed: &mut Performed) -> Result<bool, Failure> {
        if self.patience.interrupt.came() {
            return Err(Failure::Interrupted);
        }
        let lost = |error: io::Error| match error.kind() {
            io::ErrorKind::ConnectionRefused => Failure::Lost(
                "nothing listens there: is `labserver --mode datetime` running?".into(),
            ),
            _ => Failure::Lost(format!("the server was lost: {error}").into()),
        };
        let sent = Instant::now();
        let by = sent + self.patience.timeout;
        let late = || performed.late.push(0);
        let answer = self.clock.ask_once(question, by, late);
        if let Some(answer) = answer.map_err(lost)? {
            return answer.map(|_| true).map_err(Failure::Refused);
        }
        performed.unanswered_since(sent);
        Ok(false)
    }
}

impl Subject for Clock {
    type Error = Failure;

    fn perform(&mut self) -> Result<Performed, Failure> {
        let question = self.next;
        self.next = match question {
            Request::Date => Request::Time,
            Request::Time | Request::Quit => Request::Date,
        };
        let mut performed = Performed::default();
        for attempts in 1..=self.patience.give_up_after {
            if self.attempt(question, &mut performed)? {
                performed.attempts.push(attempts);
                return Ok(performed);
            }
        }
        performed.given_up_after = Some(self.patience.give_up_after);
        Ok(performed)
    }

    fn rest(&self) -> Duration {
        if self.is_foreign {
            PAUSE
        } else {
            Duration::ZERO
        }
    }
}
