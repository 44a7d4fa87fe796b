//! One conversation with a TCP service: connect, check that it is the right service in the right
//! framing, ask and be answered.

use std::io;
use std::time::{Duration, Instant};

use proto::frame::{Decoder, Framing};
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::printable::quoted;
use proto::refusal::Refusal;
use proto::reply;
use proto::request::{QUIT, Request};
use proto::side::Side;
use record::{Mask, Recorder, Tap, What};
use wire::connect::connect;
use wire::connection::{Connection, ReceiveError, SendError};
use wire::fault::{Channel, Exchange, Faults, Plan};
use wire::limits::Limits;

use crate::evidence::{Evidence, OpenRequest, Section, SentSecrets};
use crate::failure::{Failure, Report, words_of};

/// How long to wait for the answer to `QUIT`.
pub const GOODBYE: Duration = Duration::from_secs(1);

/// How long to wait for the rest of the last words of a server that closed the conversation.
const FAREWELL: Duration = Duration::from_millis(100);

/// When to look whether a `READY` has come in another framing, which would never be complete.
const FIRST_LOOK: Duration = Duration::from_millis(500);

/// Where the secrets of what is said are.
pub const SECRETS: Option<Mask> = Some(proto::atm::secrets);

/// Whom to talk to, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// The service expected there.
    pub mode: Mode,
    /// `HOST:PORT`.
    pub server: String,
    /// The framing.
    pub framing: Framing,
    /// For connecting, and for each answer.
    pub timeout: Duration,
    /// Faults to inject into what is said.
    pub faults: Option<Plan>,
    /// The hand-out whose words are spoken; `None` speaks our own protocol.
    pub handout: Option<Handout>,
    /// Who takes down what is said.
    pub recorder: Option<Recorder>,
}

/// An open conversation.
#[derive(Debug)]
pub struct Session {
    connection: Connection,
    target: Target,
    /// Requests that were sent.
    asked: u64,
    secrets: SentSecrets,
}

impl Target {
    /// The name of the service in a recording.
    pub fn service(&self) -> &'static str {
        self.handout.map_or(self.mode, Handout::mode).name()
    }

    /// Connects, without expecting anything to be said.
    ///
    /// # Errors
    /// When no address answers.
    pub fn connect(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect_undisturbed()?;
        if let Some(faults) = self.faults(Transport::Tcp, Exchange::Transparent) {
            connection.inject(faults);
        }
        Ok(connection)
    }

    /// What happens to the messages of the next connection or socket on purpose, if anything.
    pub fn faults(&self, transport: Transport, exchange: Exchange) -> Option<Faults> {
        let plan = self.faults.as_ref()?;
        let number = match transport {
            Transport::Tcp => plan.next_connection(),
            Transport::Udp => 0,
        };
        Some(plan.faults(Channel {
            side: Side::Client,
            transport,
            number,
            exchange,
        }))
    }

    fn connect_undisturbed(&self) -> Result<Connection, Failure> {
        let unreachable =
            |error: io::Error| Failure::Unreachable(format!("{}: {error}", self.server).into());
        let stream = connect(&self.server, self.timeout).map_err(|error| {
            self.tell_failed(&error.to_string());
            Failure::cannot_connect(&error, self.mode)
        })?;
        let mut connection =
            Connection::new(stream, self.framing, Limits::CLIENT).map_err(unreachable)?;
        if let Some(recorder) = &self.recorder {
            let number = recorder.next_connection();
            connection
                .record(recorder, self.service(), number, SECRETS)
                .map_err(unreachable)?;
        }
        Ok(connection)
    }

    /// Has it recorded that the server could not be reached.
    pub fn tell_failed(&self, words: &str) {
        if let Some(recorder) = &self.recorder {
            let words = words.to_owned();
            recorder.record(None, What::Failed { words });
        }
    }
}

impl Session {
    /// Connects, and waits for the service to say `READY`.
    ///
    /// # Errors
    /// When nobody listens there, or somebody else does, or in another framing.
    pub fn open(target: &Target) -> Result<Session, Failure> {
        let mut connection = target.connect_undisturbed()?;
        let by = Instant::now() + target.timeout;
        let mut first = connection
            .reader
            .receive(Some(by.min(Instant::now() + FIRST_LOOK)));
        let in_other_framing = framing_of_ready(connection.reader.unfinished()).is_some();
        if matches!(first, Err(ReceiveError::DeadlinePassed)) && !in_other_framing {
            first = connection.reader.receive(Some(by));
        }
        let message = match first {
            Ok(Some(message)) => message,
            Ok(None) => {
                let words = format!("{} closed the connection at once", target.server);
                return Err(Failure::Unreachable(no_ready(target, words, b"")));
            }
            Err(error) => {
                if let (ReceiveError::DeadlinePassed, Some(tap)) = (&error, connection.tap()) {
                    tap.timed_out(target.timeout, "no READY");
                }
                return Err(not_ready(target, connection.reader.unfinished(), &error));
            }
        };
        let text = String::from_utf8_lossy(&message);
        match reply::parse_ready(&text) {
            Some((service, reply::VERSION)) if service == target.mode.name() => {
                if let Some(faults) = target.faults(Transport::Tcp, Exchange::Answered) {
                    connection.inject(faults);
                }
                Ok(Session {
                    connection,
                    target: target.clone(),
                    asked: 0,
                    secrets: SentSecrets::default(),
                })
            }
            Some((service, reply::VERSION)) => Err(wrong_service(target, service)),
            Some((_, version)) => Err(Failure::Unreachable(
                format!(
                    "{} speaks version {version} of the protocol, this client version {}: use a \
                     labserver of the same release",
                    target.server,
                    reply::VERSION
                )
                .into(),
            )),
            None => match reply::parse(&text) {
                Ok(Err(refusal)) => Err(Failure::Refused(refusal)),
                Ok(Ok(_)) | Err(_) => Err(wrong_greeting(target, &message)),
            },
        }
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
        let section = Section::Service(self.target.mode);
        let said = self.secrets.hide(&message);
        let said = quoted(&String::from_utf8_lossy(&said));
        let broken = |words: String, section| {
            let evidence = self.evidence(&text, &expected, &message, section);
            Failure::Protocol(self.report(&words, evidence))
        };
        let Ok(message) = str::from_utf8(&message) else {
            return Err(broken(format!("{said} is not UTF-8"), Section::Messages));
        };
        match reply::parse(message) {
            Ok(reply) => match (request.read(reply.clone()), reply) {
                (Some(answer), _) => Ok(answer.map_err(|Refusal { code, words }| {
                    let words = self.secrets.hide_text(&words);
                    Refusal { code, words }
                })),
                // Of the connection, and not of the request.
                (None, Err(refusal)) if refusal.code.is_passing() => {
                    Err(Failure::Lost(words_of(&refusal).into()))
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
        self.asked += 1;
        self.secrets.learn(request.as_bytes());
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
        let report = |words: String, section| {
            let evidence = self.evidence(request, expected, unfinished, section);
            self.report(&words, evidence)
        };
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
                        Section::Service(self.target.mode),
                    ),
                    _ => broken(format!(
                        "within {seconds} s only the beginning of a message came"
                    )),
                }
            }
            (Ok(None) | Err(_), Err(error)) => lost(error.to_string(), Section::Closing),
            (Err(error), Ok(())) if breaks_the_protocol(&error) => broken(error.to_string()),
            (Err(error), Ok(())) => lost(error.to_string(), Section::Closing),
        }
    }

    /// Whether the server ended the conversation while nothing was asked, as it does with one that
    /// was idle for long. A late answer to an earlier request is an end too: what follows it would
    /// be taken for the answer to another.
    pub fn has_ended(&mut self) -> bool {
        let is_over = self.connection.reader.is_ready();
        if is_over {
            // So that a recording has what was said last.
            let by = Instant::now() + FAREWELL;
            let _ = self.connection.reader.receive(Some(by));
        }
        is_over
    }

    /// What is recorded of this conversation, for what is not told by its messages.
    pub fn tap(&self) -> Option<&Tap> {
        self.connection.tap()
    }

    /// How many requests were sent.
    pub fn asked(&self) -> u64 {
        self.asked
    }

    /// The connection, for a service that speaks without being asked.
    pub fn into_connection(self) -> Connection {
        self.connection
    }

    /// Says `QUIT` and closes. The server's goodbye is awaited, but nothing depends on it.
    pub fn quit(mut self) {
        let _ = self.exchange(QUIT, &Vec::new, GOODBYE);
        self.connection.writer.abort();
    }

    fn report(&self, words: &str, evidence: Evidence) -> Report {
        Report::new(format!("{}: {words}", self.target.server), evidence)
    }

    fn evidence(
        &self,
        request: &str,
        expected: &dyn Fn() -> Vec<String>,
        came: &[u8],
        section: Section,
    ) -> Evidence {
        Evidence {
            request: Some(OpenRequest::new(self.asked, request, &self.secrets)),
            expected: expected(),
            came: self.secrets.hide(came),
            section,
        }
    }
}

/// Whether the peer sent what it may not, and not the network or the peer's end is to blame.
pub fn breaks_the_protocol(error: &ReceiveError) -> bool {
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

/// No `READY` came: in these words, and what came instead.
fn no_ready(target: &Target, words: String, came: &[u8]) -> Report {
    let ready = reply::ready(target.mode);
    let mut expected = vec![ready.clone()];
    let mut framed = Vec::new();
    if target.framing != Framing::Raw
        && target.framing.encode(ready.as_bytes(), &mut framed).is_ok()
    {
        let framed = framed.escape_ascii();
        expected[0] = format!("{ready} (on the wire: {framed})");
    }
    let evidence = Evidence {
        request: None,
        expected,
        came: came.to_owned(),
        section: Section::Messages,
    };
    Report::new(words, evidence)
}

fn wrong_service(target: &Target, service: &str) -> Failure {
    let known = match Mode::parse(service) {
        Some(mode) => format!("ask it with `labclient {}`, or", mode.name()),
        None => "give --server".to_owned(),
    };
    Failure::Unreachable(
        format!(
            "{} is the service {}, not {}: {known} give the address of `labserver --mode {}`",
            target.server,
            quoted(service),
            target.mode.name(),
            target.mode.name()
        )
        .into(),
    )
}

fn not_ready(target: &Target, unfinished: &[u8], error: &ReceiveError) -> Failure {
    if !unfinished.is_empty() {
        return wrong_greeting(target, unfinished);
    }
    match error {
        ReceiveError::DeadlinePassed => {
            let words = format!(
                "{} took the connection but said nothing within {} s: is it `labserver --mode {}`?",
                target.server,
                target.timeout.as_secs_f32(),
                target.mode.name()
            );
            Failure::Protocol(no_ready(target, words, b""))
        }
        error => {
            let words = format!("{}: {error}", target.server);
            Failure::Unreachable(no_ready(target, words, b""))
        }
    }
}

/// The first words of the server are no `READY` in our framing.
fn wrong_greeting(target: &Target, bytes: &[u8]) -> Failure {
    match framing_of_ready(bytes) {
        Some(framing) if framing != target.framing => Failure::Unreachable(
            format!(
                "{} speaks {framing} framing, this client {}: add --wire {framing}",
                target.server, target.framing
            )
            .into(),
        ),
        Some(_) | None => {
            let heard = quoted(&String::from_utf8_lossy(bytes));
            let words = format!(
                "{} opened with {heard} and not with READY: something else listens there, or it \
                 breaks the protocol",
                target.server
            );
            Failure::Protocol(no_ready(target, words, bytes))
        }
    }
}

/// The framing in which these bytes are a `READY`.
fn framing_of_ready(bytes: &[u8]) -> Option<Framing> {
    Framing::ALL.into_iter().find(|framing| {
        let mut decoder = Decoder::new(*framing);
        decoder.push(bytes);
        let first = decoder.next_message().ok().flatten();
        first.is_some_and(|message| {
            str::from_utf8(&message)
                .ok()
                .and_then(reply::parse_ready)
                .is_some()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_framing_is_recognised_by_its_ready() {
        for framing in Framing::ALL {
            let mut bytes = Vec::new();
            framing.encode(b"READY text 1", &mut bytes).unwrap();
            assert_eq!(framing_of_ready(&bytes), Some(framing));
        }
        assert_eq!(framing_of_ready(b"SSH-2.0-x\r\n"), None);
        assert_eq!(framing_of_ready(b""), None);
    }
}
