//! One TCP stream as messages.
//!
//! A [`Connection`] is a [`Reader`] and a [`Writer`] over the same socket. Most conversations use
//! it whole; a chat room gives the two halves to two threads. Both halves share one descriptor:
//! nothing is cloned.

use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::frame::{DecodeError, Decoder, EncodeError, Framing, Truncated};

use record::tap::{Batch, ReadTap};
use record::{CloseReason, Closer, Mask, Recorder, Tap};

use crate::at_once;
use crate::deadline::Waiter;
use crate::fault::Faults;
use crate::fault::pause::wait_while_stopped;
use crate::fault::sending::Break;
use crate::fault::stream::SharedFaults;
use crate::limits::Limits;

mod framed;
mod piece;
mod reader;
mod writer;

pub use self::reader::Reader;
pub use self::writer::{RAW_PAUSE, Writer};

/// Longest wait for the peer to take our last words before the socket is closed.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// A framed TCP connection.
#[derive(Debug)]
pub struct Connection {
    /// Messages from the peer.
    pub reader: Reader,
    /// Messages to the peer.
    pub writer: Writer,
    peer: SocketAddr,
}

/// What passed one half of a connection.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Whole messages.
    pub messages: u64,
    /// Bytes, framing included.
    pub bytes: u64,
}

/// Why no message was received.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// The stream ended inside a message.
    #[error(transparent)]
    Truncated(#[from] Truncated),
    /// The bytes are no message of this framing.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// A message began and did not end in time.
    #[error("a message was not complete after {} s", .0.as_secs_f32())]
    FrameTooSlow(Duration),
    /// No message began in time.
    #[error("nothing was said for {} s", .0.as_secs_f32())]
    Idle(Duration),
    /// The caller's own deadline passed.
    #[error("no message in time")]
    DeadlinePassed,
    /// A request came that is to be refused with these words, and not carried out.
    #[error("{}", crate::fault::INJECTED)]
    Injected,
    /// A fault in the other half of the connection ended it.
    #[error("{0}")]
    Broken(Break),
    /// The connection broke.
    #[error("{}", describe(.0))]
    Io(#[from] io::Error),
}

/// Why a message was not sent.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    /// It does not fit the framing. Nothing was written, and the connection is as good as before.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The peer does not read.
    #[error("the peer took no more bytes for {} s", .0.as_secs_f32())]
    WriteTooSlow(Duration),
    /// A fault ended the connection, inside the message or instead of it.
    #[error("{0}")]
    Broken(Break),
    /// The connection broke.
    #[error("{}", describe(.0))]
    Io(#[from] io::Error),
}

/// An I/O error as an event of a connection.
fn describe(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionReset => "the peer reset the connection".into(),
        io::ErrorKind::BrokenPipe => "the peer closed the connection".into(),
        _ => error.to_string(),
    }
}

impl Connection {
    /// Takes over a connected stream, and sends without delay from here on.
    ///
    /// # Errors
    /// When the socket is no longer connected.
    pub fn new(stream: TcpStream, framing: Framing, limits: Limits) -> io::Result<Connection> {
        let peer = stream.peer_addr()?;
        // Otherwise a small message waits for the acknowledgement of the one before, up to 40 ms.
        stream.set_nodelay(true)?;
        Ok(Connection::over(Arc::new(stream), peer, framing, limits))
    }

    /// As [`Connection::new`], for a stream from this peer that sends without delay already, and that
    /// another thread shares, to be able to end it.
    pub fn over(
        stream: Arc<TcpStream>,
        peer: SocketAddr,
        framing: Framing,
        limits: Limits,
    ) -> Connection {
        let reader = Reader {
            stream: Arc::clone(&stream),
            decoder: Decoder::new(framing),
            limits,
            read_size: None,
            frame_began: None,
            has_ended: false,
            traffic: Traffic::default(),
            faults: None,
            tap: None,
            waiter: Waiter::default(),
        };
        let writer = Writer {
            stream,
            framing,
            limits,
            queued: Batch::default(),
            traffic: Traffic::default(),
            faults: None,
            tap: None,
            is_finished: false,
            is_reset: false,
        };
        Connection {
            reader,
            writer,
            peer,
        }
    }

    /// Injects these faults into every message from here on, except what [`Writer::greet`] sends.
    pub fn inject(&mut self, faults: Faults) {
        let faults = SharedFaults::new(faults);
        self.reader.faults = Some(faults.clone());
        self.writer.faults = Some(faults);
    }

    /// Records everything from here on, as of a connection of this service and this number.
    ///
    /// # Errors
    /// When the socket is no longer connected.
    pub fn record(
        &mut self,
        recorder: &Recorder,
        service: &str,
        number: u64,
        mask: Option<Mask>,
    ) -> io::Result<()> {
        let framing = self.writer.framing;
        let stream = &self.writer.stream;
        let tap = Tap::on_stream(recorder, service, framing.into(), number, stream, mask)?;
        let unfinished = self.reader.decoder.unfinished();
        self.reader.tap = Some(Box::new(ReadTap::new(tap.clone(), framing, unfinished)));
        self.writer.tap = Some(tap);
        Ok(())
    }

    /// The recording tap of this connection, for what its messages do not show.
    pub fn tap(&self) -> Option<&Tap> {
        self.writer.tap()
    }

    /// The other end's address.
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// The two halves, for two threads. The connection is closed when the writer
    /// [finishes](Writer::finish) and then the reader [closes](Reader::close).
    pub fn split(self) -> (Reader, Writer) {
        (self.reader, self.writer)
    }

    /// Ends the connection such that the peer can still read what was sent last.
    ///
    /// Closing a socket with unread bytes makes the kernel reset the connection, and the reset
    /// overtakes the last answer. So: half-close, then read what still comes, for a while, unless the
    /// stream has ended.
    pub fn close(mut self) {
        // A recording shows the half-close, and a fault may hold back what is still to be written.
        let is_plain = self.reader.tap.is_none() && self.reader.faults.is_none();
        if is_plain && self.reader.is_over() {
            return;
        }
        if self.writer.finish().is_ok() {
            if self.reader.is_over() {
                return;
            }
            self.reader.discard(Instant::now() + CLOSE_WAIT);
        }
        self.writer.end();
    }
}

impl ReceiveError {
    /// Records what it means for the connection.
    fn record(&self, tap: &mut ReadTap) {
        let words = self.to_string();
        if let ReceiveError::Truncated(_) | ReceiveError::FrameTooSlow(_) = self {
            tap.unreadable(0, &words);
        }
        let how = match self {
            ReceiveError::FrameTooSlow(_) | ReceiveError::Idle(_) => CloseReason::Timeout,
            ReceiveError::Broken(how) => CloseReason::from(*how),
            ReceiveError::Io(error) => return tap.tap().broke(error),
            ReceiveError::Truncated(_)
            | ReceiveError::Malformed(_)
            | ReceiveError::DeadlinePassed
            | ReceiveError::Injected => return,
        };
        tap.tap().ends(Closer::Us, how, Some(words));
    }
}

/// Writes all of these bytes, or as many as the peer takes within `limit`; `written` grows by them.
fn write_within(
    stream: &TcpStream,
    bytes: &[u8],
    limit: Duration,
    written: &mut usize,
) -> Result<(), SendError> {
    // Nearly always the operating system takes all of it at once, and there is no deadline to be set.
    let mut rest = bytes;
    let mut took = |took: io::Result<usize>| match took {
        Ok(length) => {
            *written += length;
            rest = &rest[length..];
            Ok(rest)
        }
        Err(error) if is_retryable(&error) => Ok(rest),
        Err(error) => Err(error),
    };
    let mut rest = took(at_once::write(stream, bytes))?;
    if rest.is_empty() {
        return Ok(());
    }
    let by = Instant::now() + limit;
    while !rest.is_empty() {
        let wait = by.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            return Err(SendError::WriteTooSlow(limit));
        }
        stream.set_write_timeout(Some(wait))?;
        let mut stream = stream;
        rest = took(stream.write(rest))?;
    }
    Ok(())
}

/// Writes what was held back for a next message that did not come. If it cannot be written, the next
/// call on the connection fails too.
fn write_held(stream: &TcpStream, held: &Batch, limit: Duration, tap: Option<&Tap>) {
    wait_while_stopped();
    let moment = tap.map(Tap::now);
    let mut written = 0;
    let _ = write_within(stream, &held.bytes, limit, &mut written);
    if let (Some(tap), Some(moment)) = (tap, moment) {
        tap.written(moment, held, written);
    }
}

fn is_retryable(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

#[cfg(test)]
mod tests;
