//! The client of a clock, asked over UDP: once, until it answers, or at random moments (`watch`).

pub(crate) mod watch;

use std::io;
use std::time::Instant;

use proto::datetime::{Answer, Request};
use proto::refusal::Refusal;
use proto::reply;
use proto::request::Request as _;

use crate::datagram::Asker;
use crate::failure::Failure;
use crate::session::Target;

/// The clock of a server.
#[derive(Debug)]
pub struct Clock {
    asker: Asker,
}

impl Clock {
    /// The clock there.
    ///
    /// # Errors
    /// When the server's name has no address.
    pub fn open(target: &Target) -> Result<Clock, Failure> {
        let asker = Asker::open(target)?;
        Ok(Clock { asker })
    }

    /// The clock at one address of the server, for a measurement.
    pub(crate) fn open_at_one_address(target: &Target) -> Result<Clock, Failure> {
        let mut asker = Asker::open(target)?;
        asker.keep_one_address();
        Ok(Clock { asker })
    }

    /// Asks for the date or the time. A late answer to the other question is passed over.
    ///
    /// # Errors
    /// When no answer comes, after several tries.
    pub fn ask(&mut self, request: Request) -> Result<Result<Answer, Refusal>, Failure> {
        let mut expected = request.answers();
        expected.push("ERR CODE".into());
        let question = request.to_string();
        self.asker.ask(question.as_bytes(), expected, |datagram| {
            request.read(reply_in(datagram)?)
        })
    }

    /// Asks once; `None` when no answer came by then. `late` is called for each reply that answers
    /// something else.
    pub(crate) fn ask_once(
        &mut self,
        request: Request,
        by: Instant,
        mut late: impl FnMut(),
    ) -> io::Result<Option<Result<Answer, Refusal>>> {
        let question = request.to_string();
        self.asker.ask_once(question.as_bytes(), by, |datagram| {
            let answer = request.read(reply_in(datagram)?);
            if answer.is_none() {
                late();
            }
            answer
        })
    }
}

/// The reply that a datagram is, if it is one.
fn reply_in(datagram: &[u8]) -> Option<Result<&str, Refusal>> {
    reply::parse(str::from_utf8(datagram).ok()?).ok()
}
