//! Texts that are put into lower case, over one connection.
//!
//! The service has no ids. Each text is another one, so that an answer tells which it belongs to.

use measure::subject::{Performed, Subject};
use proto::mode::Transport;
use proto::refusal::Refusal;
use proto::reply;
use proto::text::{Answer, Request};
use wire::fault::Plan;

use super::channel;
use crate::experiment::subject::{Line, Patience};
use crate::failure::Failure;
use crate::session::Session;

/// A client of the text service.
#[derive(Debug)]
pub struct Lowering {
    line: Line,
    give_up_after: u32,
    count: u64,
}

impl Lowering {
    /// A client over this conversation, under these faults from here on.
    pub fn over(session: Session, faults: Option<&Plan>, patience: &Patience) -> Lowering {
        let mut line = Line::over(session.into_connection(), patience);
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
        let lowered = |arguments: &str| {
            Answer::parse(&request, arguments)
                .filter(|answer| *answer == expected)
                .map(drop)
        };
        let accept = |reply: Result<&str, Refusal>| reply::read(reply, lowered);
        let mut performed = Performed::default();
        let message = request.to_string();
        let answer = self
            .line
            .insist(&message, accept, self.give_up_after, &mut performed)?;
        match answer {
            Some(Err(refusal)) => Err(Failure::Refused(refusal)),
            Some(Ok(())) | None => Ok(performed),
        }
    }
}
