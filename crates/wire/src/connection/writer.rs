//! The sending half of a connection: messages to bytes, within deadlines.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use proto::frame::Framing;
use socket2::SockRef;

use super::{SendError, Traffic, write_alone, write_within};
use crate::fault::pause::{stop_for, wait_while_stopped};
use crate::fault::sending::segments;
use crate::fault::stream::{Break, Outgoing, Sending, wait_until};
use crate::limits::Limits;
use record::tap::WriteTap;
use record::{By, How, Tap};

/// How long raw framing waits between two messages in the same direction, so that the peer's reads
/// tell them apart. The hand-outs' programs wait as long.
pub const RAW_PAUSE: Duration = Duration::from_millis(50);

/// The sending half of a [`Connection`](super::Connection).
#[derive(Debug)]
pub struct Writer {
    pub(super) stream: Arc<TcpStream>,
    pub(super) framing: Framing,
    pub(super) limits: Limits,
    pub(super) queued: Vec<u8>,
    pub(super) traffic: Traffic,
    pub(super) faults: Option<Box<Outgoing>>,
    pub(super) tap: Option<Box<WriteTap>>,
    /// Whether the peer finds a reset when the socket is closed.
    pub(super) is_reset: bool,
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
        let start = self.queued.len();
        let is_secret = self.tap.as_ref().is_some_and(|tap| tap.is_secret());
        match &mut self.faults {
            None => self.framing.encode(message, &mut self.queued)?,
            Some(faults) => match faults.broken() {
                Some(how) => return Err(SendError::Broken(how)),
                None => {
                    let tap = self.tap.as_ref().map(|tap| tap.tap());
                    faults.queue(message, self.framing, is_secret, tap)?;
                }
            },
        }
        if let Some(tap) = &mut self.tap {
            tap.secret_is_told();
            if self.faults.is_none() {
                tap.queued(self.queued.len() - start, is_secret);
            }
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
        let written = match self.faults.take() {
            None => self.write(&bytes, None),
            Some(mut faults) => {
                let written = self.write_faulted(&mut faults);
                self.faults = Some(faults);
                written
            }
        };
        if let Some(tap) = &mut self.tap {
            tap.forget();
        }
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
        if let Some(tap) = &mut self.tap {
            tap.queued(bytes.len(), false);
        }
        self.write(&bytes, None)
    }

    fn write_faulted(&mut self, faults: &mut Outgoing) -> Result<(), SendError> {
        for sending in faults.take_queued() {
            wait_until(sending.due);
            if let Some(pause) = sending.pause {
                if let Some(tap) = &self.tap {
                    tap.tap().paused(pause);
                }
                stop_for(pause);
            }
            faults.before_message();
            if sending.waits {
                faults.glue(sending);
            } else {
                self.write_sending(&sending, faults)?;
            }
            faults.after_message();
        }
        Ok(())
    }

    fn write_sending(&mut self, sending: &Sending, faults: &mut Outgoing) -> Result<(), SendError> {
        let each = sending.to_write();
        if !each.is_empty() {
            let mut bytes = Vec::new();
            let glued = faults.take_glued();
            if let Some(glued) = &glued {
                self.expect(glued);
                bytes.extend(&glued.bytes);
            }
            self.expect(sending);
            bytes.extend(each);
            // What goes in one segment is not split.
            let split = sending.split.filter(|_| glued.is_none());
            self.write(&bytes, split)?;
        }
        match sending.end {
            Some(how) => Err(self.break_off(how, faults)),
            None => Ok(()),
        }
    }

    /// These bytes are written next.
    fn expect(&mut self, sending: &Sending) {
        if let Some(tap) = &mut self.tap {
            for _ in 0..sending.copies {
                tap.queued(sending.bytes.len(), sending.is_secret);
            }
        }
    }

    /// A fault ends the connection here.
    fn break_off(&mut self, how: Break, faults: &mut Outgoing) -> SendError {
        match how {
            Break::Cut => {
                // Only half-closed: a reset could overtake the half message.
                let _ = self.finish();
                faults.tell_broken(how);
            }
            Break::Reset => {
                // The reset is sent when the last one lets go of the socket.
                let _ = SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO));
                self.is_reset = true;
                faults.tell_broken(how);
                // Wakes the other half, and tells the peer nothing.
                let _ = self.stream.shutdown(Shutdown::Read);
            }
        }
        let error = SendError::Broken(how);
        if let Some(tap) = &self.tap {
            let words = (how == Break::Reset).then(|| error.to_string());
            tap.tap().ends(By::Us, How::from(how), words);
        }
        error
    }

    fn write(&mut self, bytes: &[u8], split: Option<NonZeroUsize>) -> Result<(), SendError> {
        let moment = self.tap.as_ref().map(|tap| tap.tap().now());
        let mut written = 0;
        let sent = self.write_segments(bytes, split, &mut written);
        self.traffic.bytes += written as u64;
        if let (Some(tap), Some(moment)) = (&mut self.tap, moment) {
            tap.written(moment, bytes, written);
            match &sent {
                Err(SendError::Io(error)) => tap.tap().broke(error),
                Err(error) => {
                    let words = Some(error.to_string());
                    tap.tap().ends(By::Us, How::Timeout, words);
                }
                Ok(()) => {}
            }
        }
        sent
    }

    fn write_segments(
        &self,
        bytes: &[u8],
        split: Option<NonZeroUsize>,
        written: &mut usize,
    ) -> Result<(), SendError> {
        let (segments, wait) = segments(bytes, split);
        for (position, segment) in segments.enumerate() {
            if position > 0 {
                std::thread::sleep(wait);
            }
            wait_while_stopped();
            write_within(&self.stream, segment, self.limits.write, written)?;
        }
        Ok(())
    }

    /// Half-closes: the peer reads an end of stream, and can still answer.
    ///
    /// # Errors
    /// When the connection broke before.
    pub fn finish(&mut self) -> io::Result<()> {
        if self.is_reset {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        if let Some(glued) = self.faults.as_ref().and_then(|faults| faults.take_glued()) {
            let tap = self.tap.as_ref().map(|tap| tap.tap());
            write_alone(&self.stream, &glued, self.limits.write, tap);
        }
        self.stream.shutdown(Shutdown::Write)?;
        if let Some(tap) = &mut self.tap {
            tap.finished();
        }
        Ok(())
    }

    /// Ends the connection in both directions, which also wakes whoever reads from it.
    pub fn abort(&mut self) {
        if let Some(tap) = &mut self.tap {
            tap.aborted();
        }
        self.end();
    }

    /// Ends the stream in both directions, unless it is to be reset: the end would come first.
    pub(super) fn end(&self) {
        if !self.is_reset {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// Has the next message masked as a whole in a recording, where secrets are masked.
    pub fn next_is_secret(&mut self) {
        if let Some(tap) = &mut self.tap {
            tap.next_is_secret();
        }
    }

    /// What is recorded of this connection, for what is not told by its messages.
    pub fn tap(&self) -> Option<&Tap> {
        self.tap.as_ref().map(|tap| tap.tap())
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
