//! One TCP stream as messages.
//!
//! A [`Connection`] is a [`Reader`] and a [`Writer`] over the same socket. Most conversations use
//! it whole; a chat room gives the two halves to two threads. Both halves share one descriptor:
//! nothing is cloned.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::frame::{DecodeError, Decoder, EncodeError, Framing, Truncated};

use crate::fault::Faults;
use crate::fault::stream::{Incoming, Outgoing, Received, halves, wait_until};
use crate::limits::Limits;

/// Longest wait for the peer to take our last words before the socket is closed.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// Most bytes that are read and thrown away while closing.
const CLOSE_DISCARD: usize = 256 * 1024;

/// How long raw framing waits between two messages in the same direction, so that the peer's reads
/// tell them apart. The hand-outs' programs wait as long.
pub const RAW_PAUSE: Duration = Duration::from_millis(50);

/// A framed TCP connection.
#[derive(Debug)]
pub struct Connection {
    /// Messages from the peer.
    pub reader: Reader,
    /// Messages to the peer.
    pub writer: Writer,
    peer: SocketAddr,
}

/// The receiving half of a [`Connection`].
#[derive(Debug)]
pub struct Reader {
    stream: Arc<TcpStream>,
    decoder: Decoder,
    limits: Limits,
    /// When the first byte of an unfinished message came.
    frame_began: Option<Instant>,
    traffic: Traffic,
    faults: Option<Box<Incoming>>,
}

/// The sending half of a [`Connection`].
#[derive(Debug)]
pub struct Writer {
    stream: Arc<TcpStream>,
    framing: Framing,
    limits: Limits,
    queued: Vec<u8>,
    traffic: Traffic,
    faults: Option<Box<Outgoing>>,
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
    /// The other half of the connection cut it.
    #[error("an injected fault cut the connection")]
    Cut,
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
    /// Half a message was sent, and the connection is at its end.
    #[error("an injected fault cut the connection")]
    Cut,
    /// The connection broke.
    #[error("{}", describe(.0))]
    Io(#[from] io::Error),
}

/// An I/O error in the words of somebody who looks at a connection.
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
        Connection::over(Arc::new(stream), framing, limits)
    }

    /// As [`Connection::new`], for a stream that somebody else also holds, to be able to end it.
    ///
    /// # Errors
    /// When the socket is no longer connected.
    pub fn over(
        stream: Arc<TcpStream>,
        framing: Framing,
        limits: Limits,
    ) -> io::Result<Connection> {
        // Otherwise a small message waits for the acknowledgement of the one before, up to 40 ms.
        stream.set_nodelay(true)?;
        let peer = stream.peer_addr()?;
        let reader = Reader {
            stream: Arc::clone(&stream),
            decoder: Decoder::new(framing),
            limits,
            frame_began: None,
            traffic: Traffic::default(),
            faults: None,
        };
        let writer = Writer {
            stream,
            framing,
            limits,
            queued: Vec::new(),
            traffic: Traffic::default(),
            faults: None,
        };
        Ok(Connection {
            reader,
            writer,
            peer,
        })
    }

    /// Puts every message from here on under these faults, except what [`Writer::greet`] sends.
    pub fn inject(&mut self, faults: Faults) {
        let (incoming, outgoing) = halves(faults);
        self.reader.faults = Some(Box::new(incoming));
        self.writer.faults = Some(Box::new(outgoing));
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
    /// overtakes the last answer. So: half-close, then read what still comes, for a while.
    pub fn close(mut self) {
        if self.writer.finish().is_ok() {
            self.reader.discard(Instant::now() + CLOSE_WAIT);
        }
        let _ = self.writer.stream.shutdown(Shutdown::Both);
    }
}

impl Reader {
    /// The next message, or `None` when the peer ended the stream between two messages.
    ///
    /// Waits at most until `by`, if given, besides the limits of the connection.
    ///
    /// # Errors
    /// After any error but a non-fatal [`DecodeError`], a passed deadline or an injected refusal,
    /// the stream is finished.
    pub fn receive(&mut self, by: Option<Instant>) -> Result<Option<Vec<u8>>, ReceiveError> {
        loop {
            let Some(faults) = &mut self.faults else {
                return self.read_message(by);
            };
            if faults.is_cut() {
                return Err(ReceiveError::Cut);
            }
            let received = match faults.waiting() {
                Some(received) => received,
                None => {
                    let look = faults.look_again().map(|after| Instant::now() + after);
                    let read = self.read_message(by.into_iter().chain(look).min());
                    let Some(faults) = &mut self.faults else {
                        return read;
                    };
                    match read {
                        Err(ReceiveError::DeadlinePassed)
                            if look.is_some() && by.is_none_or(|by| Instant::now() < by) =>
                        {
                            continue;
                        }
                        Ok(Some(message)) => faults.arrived(message),
                        Err(ReceiveError::Malformed(error)) if !error.is_fatal() => {
                            faults.unreadable();
                            return Err(error.into());
                        }
                        ended => return ended,
                    }
                }
            };
            match received {
                Received::Message(message) => return Ok(Some(message)),
                Received::Refused => return Err(ReceiveError::Injected),
                Received::Nothing => {}
            }
        }
    }

    /// As [`Reader::receive`], with no faults.
    fn read_message(&mut self, by: Option<Instant>) -> Result<Option<Vec<u8>>, ReceiveError> {
        let idle_since = Instant::now();
        loop {
            if let Some(message) = self.decoder.next_message()? {
                self.traffic.messages += 1;
                self.frame_began = None;
                return Ok(Some(message));
            }
            if !self.decoder.is_inside_message() {
                self.frame_began = None;
            } else if self.frame_began.is_none() {
                self.frame_began = Some(Instant::now());
            }
            let limit = match (self.frame_began, self.limits.idle) {
                (Some(began), _) => Some((
                    began + self.limits.frame,
                    ReceiveError::FrameTooSlow(self.limits.frame),
                )),
                (None, Some(idle)) => Some((idle_since + idle, ReceiveError::Idle(idle))),
                (None, None) => None,
            };
            let mut piece = [0; 16 * 1024];
            let piece = &mut piece[..self.decoder.piece_size()];
            let first = limit
                .as_ref()
                .map(|(at, _)| *at)
                .into_iter()
                .chain(by)
                .min();
            match self.read_before(piece, first)? {
                Some(0) => {
                    self.decoder.finish()?;
                    return Ok(None);
                }
                Some(length) => {
                    self.traffic.bytes += length as u64;
                    self.decoder.push(&piece[..length]);
                }
                None => match limit {
                    Some((at, error)) if by.is_none_or(|by| at <= by) => return Err(error),
                    Some(_) | None => return Err(ReceiveError::DeadlinePassed),
                },
            }
        }
    }

    /// Whether the peer has sent more than was received: a peer that sends without waiting for
    /// its answers. Asks the operating system, for at most a millisecond.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn is_behind(&self) -> io::Result<bool> {
        if !self.decoder.unfinished().is_empty() {
            return Ok(true);
        }
        self.stream
            .set_read_timeout(Some(Duration::from_millis(1)))?;
        match self.stream.peek(&mut [0]) {
            Ok(length) => Ok(length > 0),
            Err(error) if is_retryable(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Ends the connection after the other half has [finished](Writer::finish), such that the peer
    /// can still read what was sent last: see [`Connection::close`].
    pub fn close(mut self) {
        self.discard(Instant::now() + CLOSE_WAIT);
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// From here on, a message in raw framing has exactly this many bytes.
    pub fn set_message_length(&mut self, length: NonZeroUsize) {
        self.decoder.set_message_length(length);
    }

    /// The bytes of a message that is not complete yet: what a wrong framing looks like.
    pub fn unfinished(&self) -> &[u8] {
        self.decoder.unfinished()
    }

    /// What was received so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Reads once; `None` when the deadline passed first.
    fn read_before(&self, piece: &mut [u8], by: Option<Instant>) -> io::Result<Option<usize>> {
        loop {
            let Some(wait) = remaining(by) else {
                return Ok(None);
            };
            self.stream.set_read_timeout(wait)?;
            match (&*self.stream).read(piece) {
                Ok(length) => return Ok(Some(length)),
                Err(error) if is_retryable(&error) => {}
                Err(error) => return Err(error),
            }
        }
    }

    fn discard(&mut self, by: Instant) {
        let mut piece = [0; 4096];
        let mut discarded = 0;
        while let Ok(Some(length)) = self.read_before(&mut piece, Some(by)) {
            discarded += length;
            if length == 0 || discarded > CLOSE_DISCARD {
                break;
            }
        }
    }
}

impl Writer {
    /// Sends one message.
    ///
    /// # Errors
    /// When it does not fit the framing, the peer takes it too slowly, or the connection broke.
    pub fn send(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.queue(message)?;
        self.flush()
    }

    /// Sends messages one by one; in raw framing with a [pause](RAW_PAUSE) between them.
    ///
    /// # Errors
    /// As [`Writer::send`], for the first that fails.
    pub fn send_apart<M: AsRef<[u8]>>(&mut self, messages: &[M]) -> Result<(), SendError> {
        for (position, message) in messages.iter().enumerate() {
            if position > 0 && self.framing == Framing::Raw {
                std::thread::sleep(RAW_PAUSE);
            }
            self.send(message.as_ref())?;
        }
        Ok(())
    }

    /// Adds a message to those that the next [`flush`](Writer::flush) sends in one go.
    ///
    /// # Errors
    /// When it does not fit the framing.
    pub fn queue(&mut self, message: &[u8]) -> Result<(), SendError> {
        match &mut self.faults {
            None => self.framing.encode(message, &mut self.queued)?,
            Some(faults) if faults.is_cut() => return Err(SendError::Cut),
            Some(faults) => faults.queue(message, self.framing, &mut self.queued)?,
        }
        self.traffic.messages += 1;
        Ok(())
    }

    /// Sends all queued messages.
    ///
    /// # Errors
    /// When the peer takes them too slowly or the connection broke; what was not sent is lost.
    pub fn flush(&mut self) -> Result<(), SendError> {
        let bytes = std::mem::take(&mut self.queued);
        let Some(mut faults) = self.faults.take() else {
            return self.write(&bytes);
        };
        let written = self.write_faulted(&bytes, &mut faults);
        self.faults = Some(faults);
        written
    }

    /// Sends one message past all faults: the `READY` that a service opens with, without which
    /// there is no conversation to disturb. Nothing may be queued.
    ///
    /// # Errors
    /// As [`Writer::send`].
    pub fn greet(&mut self, message: &[u8]) -> Result<(), SendError> {
        let mut bytes = Vec::new();
        self.framing.encode(message, &mut bytes)?;
        self.traffic.messages += 1;
        self.write(&bytes)
    }

    fn write_faulted(&mut self, bytes: &[u8], faults: &mut Outgoing) -> Result<(), SendError> {
        let mut start = 0;
        for message in faults.take_queued() {
            wait_until(message.due);
            faults.before_message();
            self.write(&bytes[start..message.end])?;
            faults.after_message();
            start = message.end;
        }
        if faults.is_cut() {
            // Only half-closed: a reset could overtake the half message.
            let _ = self.finish();
            faults.tell_cut();
            return Err(SendError::Cut);
        }
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        let by = Instant::now() + self.limits.write;
        let mut rest = bytes;
        while !rest.is_empty() {
            let Some(wait) = remaining(Some(by)) else {
                return Err(SendError::WriteTooSlow(self.limits.write));
            };
            self.stream.set_write_timeout(wait)?;
            match (&*self.stream).write(rest) {
                Ok(length) => {
                    self.traffic.bytes += length as u64;
                    rest = &rest[length..];
                }
                Err(error) if is_retryable(&error) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// Half-closes: the peer reads an end of stream, and can still answer.
    ///
    /// # Errors
    /// When the connection broke before.
    pub fn finish(&mut self) -> io::Result<()> {
        self.stream.shutdown(Shutdown::Write)
    }

    /// Ends the connection in both directions, which also wakes whoever reads from it.
    pub fn abort(&mut self) {
        let _ = self.stream.shutdown(Shutdown::Both);
    }

    /// The framing in use.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// What was sent so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }
}

/// A timeout that ends at the deadline: `None` when it passed, `Some(None)` when there is none.
fn remaining(by: Option<Instant>) -> Option<Option<Duration>> {
    let Some(by) = by else { return Some(None) };
    let wait = by.saturating_duration_since(Instant::now());
    // The kernel takes zero for "no timeout".
    (!wait.is_zero()).then(|| Some(wait.max(Duration::from_millis(1))))
}

fn is_retryable(error: &io::Error) -> bool {
    use io::ErrorKind::{Interrupted, TimedOut, WouldBlock};
    matches!(error.kind(), Interrupted | TimedOut | WouldBlock)
}

#[cfg(test)]
mod tests;
