//! A connection or a socket over which a recorded conversation is held again.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::Transport;
use record::{Channel, CloseReason, FramingName};
use wire::connect::{ConnectError, connect, resolve};
use wire::connection::{Connection, ReceiveError};
use wire::datagram::{Endpoint, is_refused};
use wire::limits::Limits;

use super::answer::{Answer, first_difference};
use crate::failure::Failure;
use crate::modes::handout::talk::wait_after;

/// How long the rest of an answer without a framing may take that differs already.
const REST_WAIT: Duration = Duration::from_millis(200);

/// Longest answer without a framing, in bytes.
const MAX_ANSWER: usize = 16 * 1024 * 1024;

/// A connection or a socket.
pub enum Conversation {
    /// Over TCP.
    Stream {
        connection: Box<Connection>,
        /// The same socket, for bytes that need not be messages.
        stream: TcpStream,
        framing: Framing,
        /// When the last message without a framing was sent, if nothing was awaited since.
        unanswered: Option<Instant>,
    },
    /// Over UDP.
    Datagrams { endpoint: Box<Endpoint>, to: String },
}

/// The framing of a recorded connection; what has none is read as it comes.
pub fn framing_of(name: FramingName) -> Framing {
    match name {
        FramingName::Netstring => Framing::Netstring,
        FramingName::Len3 => Framing::Len3,
        FramingName::Line => Framing::Line,
        FramingName::Raw | FramingName::Stream | FramingName::Datagram => Framing::Raw,
    }
}

impl Conversation {
    /// Connects as this connection of the recording was.
    ///
    /// # Errors
    /// When there is no server.
    pub fn open(to: &str, channel: &Channel, timeout: Duration) -> Result<Conversation, Failure> {
        let unreachable = |error: io::Error| Failure::Unreachable(format!("{to}: {error}").into());
        let unconnected = |error: ConnectError| Failure::Unreachable(error.to_string().into());
        match channel.transport {
            Transport::Tcp => {
                let stream = connect(to, timeout).map_err(unconnected)?;
                stream
                    .set_write_timeout(Some(timeout))
                    .map_err(unreachable)?;
                let framing = framing_of(channel.framing);
                let shared = stream.try_clone().map_err(unreachable)?;
                let connection = Connection::new(shared, framing, Limits::CLIENT);
                Ok(Conversation::Stream {
                    connection: Box::new(connection.map_err(unreachable)?),
                    stream,
                    framing,
                    unanswered: None,
                })
            }
            Transport::Udp => {
                let addresses = resolve(to).map_err(unconnected)?;
                let endpoint = Endpoint::connected_to(addresses[0]).map_err(unreachable)?;
                Ok(Conversation::Datagrams {
                    endpoint: Box::new(endpoint),
                    to: to.to_owned(),
                })
            }
        }
    }

    /// Sends these bytes, each piece in a write of its own. Two messages that nothing keeps apart but
    /// time are kept apart, as the client did that was recorded.
    pub fn send(&mut self, pieces: &[Vec<u8>]) -> io::Result<()> {
        match self {
            Conversation::Stream {
                stream,
                framing,
                unanswered,
                ..
            } => {
                wait_after(unanswered.take());
                for piece in pieces {
                    stream.write_all(piece)?;
                }
                *unanswered = (*framing == Framing::Raw).then(Instant::now);
                Ok(())
            }
            Conversation::Datagrams { endpoint, .. } => {
                pieces.iter().try_for_each(|piece| endpoint.send(piece))
            }
        }
    }

    /// What comes next, when this is expected.
    ///
    /// # Errors
    /// When nothing listens at a UDP address.
    pub fn receive(&mut self, expected: &Answer, timeout: Duration) -> Result<Answer, Failure> {
        let by = Instant::now() + timeout;
        match self {
            Conversation::Stream {
                connection,
                framing,
                unanswered,
                ..
            } => {
                *unanswered = None;
                Ok(match (framing, expected) {
                    (Framing::Raw, Answer::Message(expected)) => {
                        receive_unframed(connection, expected, by)
                    }
                    _ => receive(connection, by),
                })
            }
            Conversation::Datagrams { endpoint, to } => match endpoint.receive(Some(by)) {
                Ok(Some((datagram, _))) => Ok(Answer::Message(datagram.to_vec())),
                Ok(None) => Ok(Answer::Silence),
                Err(error) if is_refused(&error) => Err(Failure::Unreachable(
                    format!("nothing listens on {to}").into(),
                )),
                Err(error) => Ok(Answer::Broken(error.to_string())),
            },
        }
    }

    /// Ends our stream; the server may go on sending.
    pub fn half_close(&self) {
        if let Conversation::Stream { stream, .. } = self {
            // A connection that is over has no stream left to end.
            let _ = stream.shutdown(Shutdown::Write);
        }
    }

    /// Closes it as it was closed.
    pub fn close(self, how: CloseReason) {
        if let Conversation::Stream { mut connection, .. } = self {
            match how {
                CloseReason::End => connection.close(),
                _ => connection.writer.abort(),
            }
        }
    }
}

fn receive(connection: &mut Connection, by: Instant) -> Answer {
    match connection.reader.receive(Some(by)) {
        Ok(Some(message)) => Answer::Message(message),
        Ok(None) => Answer::Ended,
        Err(ReceiveError::DeadlinePassed) => Answer::Silence,
        Err(ReceiveError::Malformed(_) | ReceiveError::Truncated(_)) => Answer::Unreadable,
        Err(error) => Answer::Broken(error.to_string()),
    }
}

/// Without a framing, an answer is as many bytes as were recorded, in any number of reads; what
/// differs is read until nothing more follows.
fn receive_unframed(connection: &mut Connection, expected: &[u8], by: Instant) -> Answer {
    let mut came = Vec::new();
    loop {
        let is_begun = first_difference(expected, &came).is_none_or(|at| at == came.len());
        if came.len() >= expected.len() && is_begun || came.len() > MAX_ANSWER {
            return Answer::Message(came);
        }
        let wait = match is_begun {
            true => by,
            false => by.min(Instant::now() + REST_WAIT),
        };
        match receive(connection, wait) {
            Answer::Message(piece) => came.extend(piece),
            other if came.is_empty() => return other,
            _ => return Answer::Message(came),
        }
    }
}
