//! The sending half of a connection: messages to bytes, within deadlines.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::frame::Framing;

use super::{SendError, Traffic, is_retryable, remaining};
use crate::fault::stream::{Outgoing, wait_until};
use crate::limits::Limits;

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
