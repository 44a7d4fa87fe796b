//! Texts that are put into lower case, over one connection.
//!
//! The service has no ids. Each text is another one, so that an answer tells which it belongs to.

use measure::subject::{Performed, Subject};
use proto::mode::Transport;
use proto::text::{Answer, Request};
use wire::fault::FaultPlan;

use super::channel;
use crate::experiment::subject::{RetryPolicy, RetryingConnection};
use crate::failure::Failure;
use crate::session::Session;

/// A client of the text service.
#[derive(Debug)]
pub struct Lowering {
    line: RetryingConnection,
    give_up_after: u32,
    count: u64,
}

impl Lowering {
    /// A client over this conversation, under these faults from here on.
    pub fn over(session: Session, faults: Option<&FaultPlan>, patience: &RetryPolicy) -> Lowering {
        let mut line = RetryingConnection::over(session.into_connection(), patience);
        if let Some(plan) = faults {
            line.connection()
                .inject(plan.faults(channel(Transport::Tcp)));
        }
        Lowering {
            line,
            give_up_after: patience.give_up_after,
            count: 0,
        }
    }
}

impl Subject for Lowering {
    type Error = Failure;

    fn perform(&mut self) -> Result<Performed, Failure> {
        self.count += 1;
        let request = Request::Lower(format!("HELLO World {}", self.count));
        let expected = Answer::Lower(format!("hello world {}", self.count));
        let mut performed = Performed::default();
        let is_expected = |answer: &Answer| *answer == expected;
        let answer = self
            .line
            .insist(&request, is_expected, self.give_up_after, &mut performed)?;
        match answer {
            Some(Err(refusal)) => Err(Failure::Refused(refusal)),
            Some(Ok(_)) | None => Ok(performed),
        }
    }
}
