//! Texts that are put into lower case, over one connection.
//!
//! The service has no ids. Each text is another one, so that an answer shows which it belongs to.

use measure::subject::{Performed, Subject};
use proto::text::{Answer, Request};

use crate::experiment::connection::{RetryPolicy, RetryingConnection};
use crate::failure::Failure;
use crate::session::Session;

#[derive(Debug)]
pub struct Lowering {
    line: RetryingConnection,
    count: u64,
}

impl Lowering {
    pub fn over(session: Session, policy: &RetryPolicy) -> Lowering {
        Lowering {
            line: RetryingConnection {
                connection: session.into_connection(),
                policy: policy.clone(),
            },
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
        let most = self.line.policy.give_up_after;
        let answer = self
            .line
            .insist(&request, is_expected, most, &mut performed)?;
        answer.transpose().map_err(Failure::Refused)?;
        Ok(performed)
    }
}
