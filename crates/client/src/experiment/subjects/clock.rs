//! Questions for the date and the time in turn, over UDP.
//!
//! Asked in turn, a late answer to one question is not taken for the answer to the next.

use std::io;
use std::time::{Duration, Instant};

use measure::subject::{Performed, Subject};
use proto::datetime::{Answer, Request};
use proto::mode::{Mode, Transport};
use proto::reply;
use wire::connect::resolve;
use wire::datagram::Endpoint;
use wire::fault::Plan;

use super::channel;
use crate::experiment::subject::Patience;
use crate::failure::Failure;

/// Between two questions to somebody else's server: half of what `labserver` answers one source.
const POLITE: Duration = Duration::from_millis(2);

/// A client of the clock.
#[derive(Debug)]
pub struct Clock {
    endpoint: Endpoint,
    patience: Patience,
    next: Request,
    is_foreign: bool,
}

impl Clock {
    /// A client of the clock there, under these faults from here on.
    ///
    /// # Errors
    /// When the server has no address, or no socket can be had.
    pub fn open(
        server: &str,
        faults: Option<&Plan>,
        patience: &Patience,
        is_foreign: bool,
    ) -> Result<Clock, Failure> {
        let addresses = resolve(server)
            .map_err(|error| Failure::cannot_connect(&error, Mode::Datetime.into()))?;
        // `localhost` may be ::1 first, while the server listens on 127.0.0.1 alone.
        let is_v4 = |address: &&std::net::SocketAddr| address.is_ipv4();
        let Some(address) = addresses.iter().find(is_v4).or(addresses.first()) else {
            return Err(Failure::Unreachable(
                format!("{server} has no address").into(),
            ));
        };
        let mut endpoint = Endpoint::connected_to(*address).map_err(|error| {
            Failure::Unreachable(format!("cannot send to {address}: {error}").into())
        })?;
        if let Some(plan) = faults {
            endpoint.inject(plan.faults(channel(Transport::Udp)));
        }
        Ok(Clock {
            endpoint,
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
        self.endpoint
            .send(question.to_string().as_bytes())
            .map_err(lost)?;
        let by = sent + self.patience.timeout;
        while let Some((datagram, _)) = self.endpoint.receive(Some(by)).map_err(lost)? {
            match str::from_utf8(datagram).ok().map(reply::parse) {
                Some(Ok(Ok(arguments))) => match Answer::parse(question, arguments) {
                    Some(_) => return Ok(true),
                    None => performed.late.push(0),
                },
                Some(Ok(Err(refusal))) => return Err(Failure::Refused(refusal)),
                // Whatever that is, it is no answer.
                Some(Err(_)) | None => {}
            }
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
            POLITE
        } else {
            Duration::ZERO
        }
    }
}
