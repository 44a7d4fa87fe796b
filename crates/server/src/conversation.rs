//! The loop of every service that answers one request at a time.
//!
//! A service is a [`Conversation`]: requests in, answers out, no socket in sight. [`Conversations`]
//! does the rest: the opening `READY`, deadlines, bad input, `QUIT`, the end.

use std::fmt;
use std::io;
use std::thread;
use std::time::Instant;

use proto::atm::without_quoted_digits;
use proto::frame::Framing;
use proto::mode::Mode;
use proto::printable::{excerpt, printable};
use proto::refusal::{Code, Refusal};
use proto::reply;
use proto::request::Request;
use wire::connection::{Connection, ReceiveError, SendError};
use wire::fault::Exchange;

use crate::bad_input::{self, BadInput};
use crate::connections::{ConnectionPermit, ConnectionStatus};
use crate::incoming::IncomingConnection;
use crate::service::{End, TcpService};

/// One peer's conversation with a service.
pub trait Conversation {
    /// What may be asked.
    type Request: Request;
    /// What is answered, after `OK`.
    type Answer: fmt::Display;

    /// Answers one request. `QUIT` is a request like any other; the connection is closed after its
    /// answer.
    fn answer(&mut self, request: Self::Request) -> Result<Self::Answer, Refusal>;

    /// Whether the peer still has to log in, for which there is a deadline.
    fn awaits_login(&self) -> bool {
        false
    }

    /// Whether its requests have cards and PINs in them, so that no digit of a bad one is logged.
    fn receives_secrets(&self) -> bool {
        false
    }
}

/// A service of conversations in our own protocol.
pub struct Conversations<F> {
    mode: Mode,
    framing: Framing,
    begin: F,
}

impl<C: Conversation, F: Fn(ConnectionStatus) -> C + Send + Sync> Conversations<F> {
    /// The conversations of this mode, each begun by `begin`.
    pub fn new(mode: Mode, framing: Framing, begin: F) -> Conversations<F> {
        Conversations {
            mode,
            framing,
            begin,
        }
    }
}

impl<C: Conversation, F: Fn(ConnectionStatus) -> C + Send + Sync> TcpService for Conversations<F> {
    fn serve(&self, mut incoming: IncomingConnection<'_>) -> io::Result<End> {
        let (permit, login_by) = (incoming.permit, incoming.login_by);
        let mut conversation = (self.begin)(permit.watch());
        if conversation.receives_secrets() {
            incoming.mask = proto::atm::secrets_in_bank_message;
        }
        let mut connection = incoming.messages(self.framing, Exchange::Answered)?;
        let end = match connection.writer.greet(reply::ready(self.mode).as_bytes()) {
            Ok(()) => exchange(&mut conversation, &mut connection, permit, login_by),
            Err(error) => End::Broken(error.to_string()),
        };
        connection.close();
        Ok(end)
    }

    fn refusal_framing(&self) -> Option<Framing> {
        Some(self.framing)
    }
}

fn exchange<C: Conversation>(
    conversation: &mut C,
    connection: &mut Connection,
    permit: &ConnectionPermit,
    login_by: Instant,
) -> End {
    let mut bad_input = BadInput::default();
    loop {
        let by = conversation.awaits_login().then_some(login_by);
        let (reply, end) = match connection.reader.receive(by) {
            Ok(Some(message)) => {
                permit.has_spoken();
                match request(conversation, &message) {
                    Ok(request) => {
                        permit.makes_sense();
                        bad_input.ends();
                        answer(conversation, request)
                    }
                    Err(refusal) => refuse_bad(refusal, &mut bad_input),
                }
            }
            Ok(None) if permit.is_stopping() => {
                let words = "the server is stopping; nothing after this was done";
                refuse(Refusal::new(Code::ShuttingDown, words), Some(End::Stopping))
            }
            Ok(None) => return End::Closed,
            Err(error) => match refusal_of(&error, LOG_IN) {
                Some((refusal, is_fatal)) => {
                    let words = fit_to_log(conversation, &refusal);
                    match error {
                        // Where it is the end, the end is logged with these words.
                        _ if is_fatal => refuse(refusal, Some(End::Broken(words))),
                        ReceiveError::Injected => refuse(refusal, None),
                        _ => {
                            log_bad_input(&words);
                            refuse_bad(refusal, &mut bad_input)
                        }
                    }
                }
                None => return End::Broken(error.to_string()),
            },
        };
        if let Err(error) = send(connection, &reply) {
            return End::Broken(error.to_string());
        }
        if let Some(end) = end {
            return end;
        }
    }
}

fn request<C: Conversation>(conversation: &C, message: &[u8]) -> Result<C::Request, Refusal> {
    let request = as_text(message).and_then(str::parse::<C::Request>);
    request.inspect_err(|refusal| log_bad_input(&fit_to_log(conversation, refusal)))
}

fn answer<C: Conversation>(conversation: &mut C, request: C::Request) -> (String, Option<End>) {
    let end = (request == C::Request::QUIT).then_some(End::Quit);
    (reply::render(&conversation.answer(request)), end)
}

/// Refuses what is no request, later and finally for the last time if there was too much of it.
fn refuse_bad(refusal: Refusal, bad_input: &mut BadInput) -> (String, Option<End>) {
    match bad_input.goes_on() {
        Some(held_back) => {
            thread::sleep(held_back);
            refuse(refusal, None)
        }
        None => {
            let words = bad_input::TOO_MUCH;
            refuse(
                Refusal::new(Code::Busy, words),
                Some(End::Broken(words.into())),
            )
        }
    }
}

/// The words of a refusal, with no digit of what the peer sent where it may be a secret.
fn fit_to_log<C: Conversation>(conversation: &C, refusal: &Refusal) -> String {
    match conversation.receives_secrets() {
        true => without_quoted_digits(&refusal.words),
        false => refusal.words.clone(),
    }
}

/// Logs that something came that is no request, in the words of its refusal.
pub fn log_bad_input(words: &str) {
    tracing::warn!(refused = %printable(words), "bad input");
}

/// Logs a request and its answer, for services that receive no secrets.
pub fn log_answer<A: fmt::Display>(request: &impl fmt::Display, reply: &Result<A, Refusal>) {
    let asked = Excerpt(request);
    match reply {
        Ok(answer) => tracing::info!(%asked, answer = %Excerpt(answer), "answered"),
        Err(refusal) => {
            let (refused, words) = (refusal.code.as_str(), printable(&refusal.words));
            tracing::info!(%asked, refused, words, "refused");
        }
    }
}

/// The beginning of something, made only where it is logged.
struct Excerpt<'a, T>(&'a T);

impl<T: fmt::Display> fmt::Display for Excerpt<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&excerpt(&self.0.to_string()))
    }
}

/// The message as text.
pub fn as_text(message: &[u8]) -> Result<&str, Refusal> {
    str::from_utf8(message).map_err(|error| {
        let byte = error.valid_up_to() + 1;
        Refusal::malformed(format!("not UTF-8: byte {byte} is no text"))
    })
}

/// What the deadline of a peer that has not logged in waits for.
pub const LOG_IN: &str = "log-in";

/// The refusal of a message that could not be received, and whether it ends the conversation;
/// `None` when the peer is gone. `awaited` is what the caller's deadline waits for.
pub fn refusal_of(error: &ReceiveError, awaited: &str) -> Option<(Refusal, bool)> {
    let code = match error {
        ReceiveError::Malformed(proto::frame::DecodeError::TooLong { .. }) => Code::TooLong,
        ReceiveError::Malformed(_) | ReceiveError::Truncated(_) => Code::Malformed,
        ReceiveError::FrameTooSlow(_) | ReceiveError::Idle(_) => Code::TooSlow,
        ReceiveError::DeadlinePassed => {
            let words = format!("no {awaited} in time");
            return Some((Refusal::new(Code::TooSlow, words), true));
        }
        ReceiveError::Injected => Code::Unavailable,
        ReceiveError::Broken(_) | ReceiveError::Io(_) => return None,
    };
    let fatal = match error {
        ReceiveError::Malformed(error) => error.is_fatal(),
        ReceiveError::Injected => false,
        _ => true,
    };
    Some((Refusal::new(code, error), fatal))
}

/// Sends a reply; one that does not fit the framing becomes a refusal that does.
pub fn send(connection: &mut Connection, reply: &str) -> Result<(), SendError> {
    match connection.writer.send(reply.as_bytes()) {
        Err(SendError::Encode(error)) => {
            let refusal = Refusal::new(Code::TooLong, format!("the answer: {error}"));
            let refusal = reply::render::<&str>(&Err(refusal));
            connection.writer.send(refusal.as_bytes())
        }
        sent => sent,
    }
}

fn refuse(refusal: Refusal, end: Option<End>) -> (String, Option<End>) {
    (reply::render::<&str>(&Err(refusal)), end)
}
