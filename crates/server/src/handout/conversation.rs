//! The loop of a printed conversation.

use std::io;

use proto::handout::Handout;
use proto::handout::wording::{Step, Wording};
use proto::refusal::Refusal;
use wire::connection::{Connection, ReceiveError, SendError, Writer};

use super::exchange_of;
use crate::bad_input::{self, BadInput};
use crate::connections::{ConnectionPermit, ConnectionStatus};
use crate::incoming::IncomingConnection;
use crate::service::{End, TcpService};

/// The service of a hand-out whose conversations this begins, each a wording and what answers its
/// requests.
pub struct WordedConversations<F> {
    /// The hand-out.
    pub handout: Handout,
    /// Begins the conversation of a new connection.
    pub begin: F,
}

impl<F, W, A> TcpService for WordedConversations<F>
where
    F: Fn(ConnectionStatus) -> (W, A) + Send + Sync,
    W: Wording,
    A: FnMut(W::Request) -> Result<W::Answer, Refusal>,
{
    fn serve(&self, incoming: IncomingConnection<'_>) -> io::Result<End> {
        let permit = incoming.permit;
        let mut connection =
            incoming.messages(self.handout.framing(), exchange_of(self.handout))?;
        let (mut wording, ask) = (self.begin)(permit.watch());
        let end = hold(&mut wording, ask, &mut connection, permit);
        if let Some(unfinished) = wording.unfinished() {
            tracing::warn!("the client left: {unfinished}");
        }
        connection.close();
        Ok(end)
    }
}

/// Holds the conversation until either side ends it.
///
/// A client that resets the connection has ended it: several of the printed ones leave without
/// having read the last answer.
fn hold<W: Wording>(
    wording: &mut W,
    mut ask: impl FnMut(W::Request) -> Result<W::Answer, Refusal>,
    connection: &mut Connection,
    permit: &ConnectionPermit,
) -> End {
    let mut bad_input = BadInput::default();
    loop {
        let expected = wording.expected();
        let received = match wording.awaits_secret() {
            true => connection.reader.receive_secret(None),
            false => connection.reader.receive(None),
        };
        let mut step = match received {
            Ok(Some(message)) => {
                permit.has_spoken();
                match wording.received(&message) {
                    Step::NotUnderstood(step) => {
                        not_understood(&wording.for_log(&message), expected);
                        match bad_input.goes_on() {
                            Some(held_back) => std::thread::sleep(held_back),
                            None => return End::Broken(bad_input::TOO_MUCH.into()),
                        }
                        *step
                    }
                    step => {
                        permit.makes_sense();
                        bad_input.ends();
                        step
                    }
                }
            }
            Ok(None) if permit.is_stopping() => return End::Stopping,
            Ok(None) => return End::Closed,
            Err(ReceiveError::Injected) => wording.refused_by_fault(),
            Err(ReceiveError::Io(error)) if is_gone(&error) => return End::Closed,
            Err(error) => return End::Broken(error.to_string()),
        };
        let end = loop {
            step = match step {
                Step::Ask(request) => wording.answered(ask(request)),
                Step::NotUnderstood(step) => *step,
                Step::Listen => break None,
                Step::Say(messages) => {
                    let sent = send_apart(&mut connection.writer, &messages);
                    break sent.err().map(|error| not_sent(&error));
                }
                Step::Last(message) => {
                    let sent = send(&mut connection.writer, &message).err();
                    break Some(sent.map_or(End::Done, |error| not_sent(&error)));
                }
                Step::Close => break Some(End::Quit),
            };
        };
        if let Some(end) = end {
            return end;
        }
    }
}

/// Logs what a client of the hand-out said, and what it may say.
pub fn not_understood(for_log: &str, expected: &str) {
    tracing::warn!("not understood: {for_log}; understood here: {expected}");
}

fn send_apart(writer: &mut Writer, messages: &[Vec<u8>]) -> Result<(), SendError> {
    for (position, message) in messages.iter().enumerate() {
        if position > 0 {
            std::thread::sleep(wire::connection::RAW_PAUSE);
        }
        send(writer, message)?;
    }
    Ok(())
}

/// Sends a message in one write, however long lower case has made it.
fn send(writer: &mut Writer, message: &[u8]) -> Result<(), SendError> {
    for piece in message.chunks(writer.framing().max_payload()) {
        writer.queue(piece)?;
    }
    writer.flush()
}

fn not_sent(error: &SendError) -> End {
    match error {
        SendError::Io(error) if is_gone(error) => End::Closed,
        error => End::Broken(error.to_string()),
    }
}

fn is_gone(error: &io::Error) -> bool {
    use io::ErrorKind::{BrokenPipe, ConnectionReset};
    matches!(error.kind(), BrokenPipe | ConnectionReset)
}
