//! The receiving half of a connection: bytes to messages, within deadlines.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

use proto::frame::{DecodeError, Decoder};
use record::tap::{FaultEffect, ReadTap};

use super::piece::Piece;
use super::{CLOSE_WAIT, ReceiveError, Traffic, is_retryable, write_held};
use crate::at_once;
use crate::deadline::Waiter;
use crate::fault::pause::wait_while_stopped;
use crate::fault::sending::Break;
use crate::fault::stream::SharedFaults;
use crate::limits::Limits;

/// Most bytes that are read and thrown away while closing.
const CLOSE_DISCARD: usize = 256 * 1024;

/// The receiving half of a [`Connection`](super::Connection).
#[derive(Debug)]
pub struct Reader {
    pub(super) stream: Arc<TcpStream>,
    pub(super) decoder: Decoder,
    pub(super) limits: Limits,
    /// Most bytes that one read takes, if fewer than usual.
    pub(super) read_size: Option<NonZeroUsize>,
    /// When the first byte of an unfinished message came.
    pub(super) frame_began: Option<Instant>,
    /// Whether a read has found the end of the stream.
    pub(super) has_ended: bool,
    pub(super) traffic: Traffic,
    pub(super) faults: Option<SharedFaults>,
    pub(super) tap: Option<Box<ReadTap>>,
    pub(super) waiter: Waiter,
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
        self.receive_as(false, by)
    }

    /// As [`Reader::receive`], and the message is masked as a whole in a recording, where secrets are
    /// masked.
    ///
    /// # Errors
    /// As [`Reader::receive`].
    pub fn receive_secret(&mut self, by: Option<Instant>) -> Result<Option<Vec<u8>>, ReceiveError> {
        self.receive_as(true, by)
    }

    fn receive_as(
        &mut self,
        is_secret: bool,
        by: Option<Instant>,
    ) -> Result<Option<Vec<u8>>, ReceiveError> {
        let Some(faults) = self.faults.clone() else {
            return self.read_message(is_secret, by);
        };
        loop {
            if let Some(how) = self.broken() {
                return Err(ReceiveError::Broken(how));
            }
            // What waited long enough for the next message. Nothing else is written meanwhile.
            if let Some(held) = faults.lock().outgoing.take_overdue(Instant::now()) {
                let tap = self.tap.as_ref().map(|tap| tap.tap());
                write_held(&self.stream, &held, self.limits.write, tap);
            }
            if let Some(message) = faults.lock().pending() {
                return Ok(Some(message));
            }
            let poll_at = faults.lock().poll_interval().map(|it| Instant::now() + it);
            let message = match self.read_message(is_secret, by.into_iter().chain(poll_at).min()) {
                Ok(Some(message)) => message,
                Err(ReceiveError::DeadlinePassed)
                    if poll_at.is_some() && by.is_none_or(|by| Instant::now() < by) =>
                {
                    continue;
                }
                Err(ReceiveError::Malformed(error)) if !error.is_fatal() => {
                    faults.lock().unreadable();
                    return Err(error.into());
                }
                ended => return ended,
            };
            let effect = faults.lock().arrived(&message);
            if let (Some(tap), Some(effect)) = (&self.tap, effect) {
                tap.fault(effect);
            }
            match effect {
                None | Some(FaultEffect::Duplicated) => return Ok(Some(message)),
                Some(FaultEffect::Refused) => return Err(ReceiveError::Injected),
                Some(_) => {} // It never came.
            }
        }
    }

    /// As [`Reader::receive`], with no faults, and recorded.
    fn read_message(
        &mut self,
        is_secret: bool,
        by: Option<Instant>,
    ) -> Result<Option<Vec<u8>>, ReceiveError> {
        if let Some(tap) = &mut self.tap {
            tap.set_awaits_secret(is_secret);
        }
        let read = self.read_unrecorded(by);
        if let (Some(tap), Err(error)) = (&mut self.tap, &read) {
            error.record(tap);
        }
        read
    }

    /// The next message that can be made of what was read.
    fn decode(&mut self) -> Result<Option<Vec<u8>>, DecodeError> {
        let decoded = self.decoder.next_message();
        if let Some(tap) = &mut self.tap {
            tap.decoded(&decoded, self.decoder.unfinished().len());
        }
        decoded
    }

    fn read_unrecorded(&mut self, by: Option<Instant>) -> Result<Option<Vec<u8>>, ReceiveError> {
        let idle_since = Instant::now();
        let mut first_read = Some(idle_since);
        loop {
            if let Some(message) = self.decode()? {
                self.traffic.messages += 1;
                self.frame_began = None;
                return Ok(Some(message));
            }
            let now = first_read.take().unwrap_or_else(Instant::now);
            if !self.decoder.is_inside_message() {
                self.frame_began = None;
            } else if self.frame_began.is_none() {
                self.frame_began = Some(now);
            }
            let (ends, error) = match (self.frame_began, self.limits.idle) {
                (Some(began), _) => {
                    let limit = self.limits.frame;
                    (Some(began + limit), ReceiveError::FrameTooSlow(limit))
                }
                (None, Some(idle)) => (Some(idle_since + idle), ReceiveError::Idle(idle)),
                (None, None) => (None, ReceiveError::DeadlinePassed),
            };
            let most = self.read_size.map_or(usize::MAX, NonZeroUsize::get);
            let most = self.decoder.piece_size().min(most);
            let ends_by = ends.into_iter().chain(by).min();
            let take = |reader: &mut Reader, bytes: &[u8]| reader.take(bytes, most);
            match self.read_before(most, ends_by, now, take)? {
                Some(taken) => {
                    if taken? == 0 {
                        self.decoder.finish()?;
                        return Ok(None);
                    }
                }
                None if ends.is_some_and(|at| by.is_none_or(|by| at <= by)) => return Err(error),
                None => return Err(ReceiveError::DeadlinePassed),
            }
        }
    }

    /// Whether the peer has sent more than was received: a peer that sends without waiting for
    /// its answers. Asks the operating system.
    ///
    /// # Errors
    /// When the connection broke.
    pub fn is_behind(&self) -> io::Result<bool> {
        if !self.decoder.unfinished().is_empty() {
            return Ok(true);
        }
        match at_once::peek(&self.stream, &mut [0]) {
            Ok(length) => Ok(length > 0),
            Err(error) if is_retryable(&error) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Whether there is something to be received now, without waiting for it: bytes that came, or
    /// the end of the stream.
    pub fn is_ready(&self) -> bool {
        if !self.decoder.unfinished().is_empty() {
            return true;
        }
        let peeked = at_once::peek(&self.stream, &mut [0]);
        !matches!(peeked, Err(error) if is_retryable(&error))
    }

    /// Ends the connection after the other half has [finished](super::Writer::finish), such that the peer
    /// can still read what was sent last: see [`Connection::close`](super::Connection::close).
    pub fn close(mut self) {
        if !self.is_over() && self.broken() != Some(Break::Reset) {
            self.discard(Instant::now() + CLOSE_WAIT);
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// Whether the stream has ended and all of it was read. Where this side has ended its input, as a
    /// server does that stops, the peer may have sent more since.
    pub(super) fn is_over(&self) -> bool {
        self.has_ended && !self.is_behind().unwrap_or(false)
    }

    /// How a fault in the other half ended the connection, if one did.
    fn broken(&self) -> Option<Break> {
        self.faults.as_ref().and_then(|it| it.lock().broken())
    }

    /// From here on, a message in raw framing has exactly this many bytes, or is what a read returns.
    pub fn set_message_length(&mut self, length: impl Into<Option<NonZeroUsize>>) {
        let length = length.into();
        self.decoder.set_message_length(length);
        if let Some(tap) = &mut self.tap {
            tap.set_message_length(length);
        }
    }

    /// From here on, one read takes at most this many bytes: to show that a message and a read are
    /// two things.
    pub fn set_read_size(&mut self, most: NonZeroUsize) {
        self.read_size = Some(most);
    }

    /// The bytes of a message that is not complete yet: what a wrong framing looks like.
    pub fn unfinished(&self) -> &[u8] {
        self.decoder.unfinished()
    }

    /// What was received so far.
    pub fn traffic(&self) -> Traffic {
        self.traffic
    }

    /// Takes what one read returned that could have returned `asked` bytes, and says how many they
    /// are.
    fn take(&mut self, bytes: &[u8], asked: usize) -> Result<usize, ReceiveError> {
        if let (true, Some(Break::Reset)) = (bytes.is_empty(), self.broken()) {
            return Err(ReceiveError::Broken(Break::Reset));
        }
        if let Some(tap) = &mut self.tap {
            tap.read(bytes, asked);
        }
        self.has_ended |= bytes.is_empty();
        self.traffic.bytes += bytes.len() as u64;
        self.decoder.push(bytes);
        Ok(bytes.len())
    }

    /// Reads once, now, at most so many bytes; `None` when the deadline passed first.
    fn read_before<T>(
        &mut self,
        most: usize,
        by: Option<Instant>,
        mut now: Instant,
        take: impl FnOnce(&mut Reader, &[u8]) -> T,
    ) -> io::Result<Option<T>> {
        loop {
            let wait = by.map(|by| by.saturating_duration_since(now));
            if wait.is_some_and(|wait| wait.is_zero()) {
                return Ok(None);
            }
            if self.waiter.may_read(&*self.stream, wait)? {
                match Piece::new().read(&self.stream, most) {
                    Ok(bytes) => {
                        wait_while_stopped();
                        return Ok(Some(take(self, bytes)));
                    }
                    Err(error) if is_retryable(&error) => {}
                    Err(error) => return Err(error),
                }
            }
            now = Instant::now();
        }
    }

    pub(super) fn discard(&mut self, by: Instant) {
        let mut discarded = 0;
        let discard = |reader: &mut Reader, bytes: &[u8]| {
            if let Some(tap) = &mut reader.tap {
                tap.read(bytes, Decoder::MAX_PIECE);
                tap.unreadable(0, "came while closing, and was thrown away");
            }
            bytes.len()
        };
        while let Ok(Some(length)) =
            self.read_before(Decoder::MAX_PIECE, Some(by), Instant::now(), discard)
        {
            discarded += length;
            if length == 0 || discarded > CLOSE_DISCARD {
                break;
            }
        }
    }
}
