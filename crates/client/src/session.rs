//! One conversation with a TCP service: connect, check that it is the right service in the right
//! framing, ask and be answered.

mod ready;
mod target;

use std::time::{Duration, Instant};

use proto::mode::Transport;
use proto::printable::quoted;
use proto::refusal::{Code, Refusal};
use proto::reply;
use proto::request::{QUIT, Request};
use record::Tap;
use wire::connection::{Connection, ReceiveError, SendError};
use wire::fault::Exchange;

use crate::evidence::{Section, SentRequests};
use crate::failure::{Failure, Report, refusal_text};

pub(crate) use self::ready::ready_in;
pub use self::target::Target;

/// How long to wait for the answer to `QUIT`.
pub const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// How long to wait for the rest of the last message of a server that closed the conversation.
const LAST_MESSAGE_TIMEOUT: Duration = Duration::from_millis(100);

/// An open conversation.
#[derive(Debug)]
pub struct Session {
    connection: Connection,
    /// This server is the one that answered.
    target: Target,
    /// Why the servers before it were passed over.
    passed_over: Vec<String>,
    sent: SentRequests,
}

impl Session {
    /// Connects to the first server that is there and takes the connection, and waits for the service
    /// to say `READY`.
    ///
    /// # Errors
    /// When nothing listens there, or another service, or in another framing: at none of them.
    pub fn open(target: &Target) -> Result<Session, Failure> {
        let mut target = target.clone();
        let mut passed_over = Vec::new();
        for _ in 0..target.others.len() {
            match Session::open_at(&target) {
                Err(failure @ (Failure::Unreachable(_) | Failure::Protocol(_))) => {
                    passed_over.extend(failure.words());
                }
                Err(Failure::Refused(refusal)) if is_turned_away(&refusal) => {
                    passed_over.push(format!("{}: {}", target.server, refusal_text(&refusal)));
                }
                opened => return opened.map(|session| session.after(passed_over)),
            }
            target.go_on();
        }
        match Session::open_at(&target) {
            Err(Failure::Unreachable(last) | Failure::Protocol(last))
                if !passed_over.is_empty() =>
            {
                passed_over.push(last.to_string());
                Err(Failure::Unreachable(passed_over.join("; ").into()))
            }
            opened => opened.map(|session| session.after(passed_over)),
        }
    }

    fn after(self, passed_over: Vec<String>) -> Session {
        Session {
            passed_over,
            ..self
        }
    }

    fn open_at(target: &Target) -> Result<Session, Failure> {
        let mut connection = target.connect_without_faults()?;
        ready::receive(target, &mut connection)?;
        if let Some(faults) = target.faults(Transport::Tcp, Exchange::Answered) {
            connection.inject(faults);
        }
        Ok(Session {
            connection,
            target: target.clone(),
            passed_over: Vec::new(),
            sent: SentRequests::default(),
        })
    }

    /// Sends a request and waits for its answer, or the refusal.
    ///
    /// # Errors
    /// [`Failure::Protocol`] when something else comes than answers it, [`Failure::Lost`] when
    /// nothing does.
    pub fn ask<R: Request>(&mut self, request: &R) -> Result<Result<R::Answer, Refusal>, Failure> {
        let text = request.to_string();
        let expected = || {
            let mut expected = request.answers();
            expected.push(request.refused());
            expected
        };
        let message = self.exchange(&text, &expected, self.target.timeout)?;
        let section = Section::of(self.target.peer);
        let said = String::from_utf8_lossy(&message);
        let said = quoted(&self.sent.secrets.hide_text(&said));
        let broken = |words: String, section| {
            Failure::Protocol(self.report(&words, expected(), &message, section))
        };
        let Ok(message) = str::from_utf8(&message) else {
            return Err(broken(format!("{said} is not UTF-8"), Section::Messages));
        };
        match reply::parse(message) {
            Ok(reply) => match (request.read(reply.clone()), reply) {
                (Some(answer), _) => Ok(answer.map_err(|Refusal { code, words }| {
                    let words = self.sent.secrets.hide_text(&words);
                    Refusal { code, words }
                })),
                // Of the connection, and not of the request.
                (None, Err(refusal)) if refusal.code.is_transient() => {
                    Err(Failure::Lost(refusal_text(&refusal).into()))
                }
                (None, _) => {
                    let verb = proto::request::split_verb(&text).0;
                    Err(broken(format!("{said} does not answer {verb}"), section))
                }
            },
            Err(_) if message.starts_with("ERR ") => {
                let words = format!("{said} is a refusal with no code of the list");
                Err(broken(words, Section::Refusals))
            }
            Err(error) => Err(broken(format!("{said} is {error}"), section)),
        }
    }

    /// Sends a request and waits for the message that follows it.
    fn exchange(
        &mut self,
        request: &str,
        expected: &dyn Fn() -> Vec<String>,
        timeout: Duration,
    ) -> Result<Vec<u8>, Failure> {
        self.sent.push(request);
        self.sent.secrets.learn(request.as_bytes());
        let sent = self.connection.writer.send(request.as_bytes());
        if let Err(SendError::Encode(error)) = sent {
            return Err(Failure::does_not_fit(&error));
        }
        // Even when sending failed there may be an answer that says why: `ERR shutting-down`.
        let received = self
            .connection
            .reader
            .receive(Some(Instant::now() + timeout));
        let unfinished = self.connection.reader.unfinished();
        let report = |words: String, section| self.report(&words, expected(), unfinished, section);
        let seconds = timeout.as_secs_f32();
        let broken = |words| Err(Failure::Protocol(report(words, Section::Messages)));
        let lost = |words, section| Err(Failure::Lost(report(words, section)));
        match (received, sent) {
            (Ok(Some(message)), _) => Ok(message),
            (Ok(None), Ok(())) => lost("the server closed the connection".into(), Section::Closing),
            (Err(ReceiveError::DeadlinePassed), _) => {
                if let Some(tap) = self.tap() {
                    tap.timed_out(timeout, "no answer");
                }
                match unfinished {
                    [] => lost(
                        format!("no answer within {seconds} s"),
                        Section::of(self.target.peer),
                    ),
                    _ => broken(format!(
                        "within {seconds} s only the beginning of a message came"
                    )),
                }
            }
            (Ok(None) | Err(_), Err(error)) => lost(error.to_string(), Section::Closing),
            (Err(error), Ok(())) if is_protocol_error(&error) => broken(error.to_string()),
            (Err(error), Ok(())) => lost(error.to_string(), Section::Closing),
        }
    }

    /// Whether the server ended the conversation while nothing was asked, as it does with one that
    /// was idle for long. A late answer to an earlier request is an end too: what follows it would
    /// be taken for the answer to another.
    pub(crate) fn has_ended(&mut self) -> bool {
        let is_over = self.connection.reader.is_ready();
        if is_over {
            // So that a recording has what was said last.
            let by = Instant::now() + LAST_MESSAGE_TIMEOUT;
            let _ = self.connection.reader.receive(Some(by));
        }
        is_over
    }

    /// The server that answered, with the others in turn after it.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// Why the servers before this one were passed over.
    pub(crate) fn passed_over(&self) -> &[String] {
        &self.passed_over
    }

    /// What is recorded of this conversation, for events that are no messages.
    pub(crate) fn tap(&self) -> Option<&Tap> {
        self.connection.tap()
    }

    /// How many requests were sent.
    pub(crate) fn asked(&self) -> u64 {
        self.sent.count
    }

    /// The connection, for a service that speaks without being asked.
    pub(crate) fn into_connection(self) -> Connection {
        self.connection
    }

    /// Says `QUIT` and closes. The server's goodbye is awaited, but nothing depends on it.
    pub fn quit(mut self) {
        let _ = self.exchange(QUIT, &Vec::new, GOODBYE_TIMEOUT);
        self.connection.writer.abort();
    }

    fn report(&self, words: &str, expected: Vec<String>, came: &[u8], section: Section) -> Report {
        let evidence = self.sent.evidence(expected, came, section);
        Report::new(format!("{}: {words}", self.target.server), evidence)
    }
}

/// Whether a server says that it cannot at the moment, and has done nothing: another one may.
pub(crate) fn is_turned_away(refusal: &Refusal) -> bool {
    matches!(
        refusal.code,
        Code::Busy | Code::ShuttingDown | Code::Unavailable
    )
}

/// Whether the peer sent what it may not, and not the network or the peer's end is to blame.
pub fn is_protocol_error(error: &ReceiveError) -> bool {
    match error {
        ReceiveError::Truncated(_) | ReceiveError::Malformed(_) | ReceiveError::FrameTooSlow(_) => {
            true
        }
        ReceiveError::Idle(_)
        | ReceiveError::DeadlinePassed
        | ReceiveError::Injected
        | ReceiveError::Broken(_)
        | ReceiveError::Io(_) => false,
    }
}
