//! The sending half of a connection: messages to bytes, within deadlines.

use std::io::{self, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::frame::Framing;

use super::{SendError, Traffic, is_retryable, remaining};
use crate::fault::stream::{Outgoing, wait_until};
use crate::limits::Limits;
use crate::record::tap::{Said, Struck, WriteTap};
use crate::record::{By, How, Tap};

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
        match &mut self.faults {
            None => self.framing.encode(message, &mut self.queued)?,
            Some(faults) if faults.is_cut() => return Err(SendError::Cut),
            Some(faults) => faults.queue(message, self.framing, &mut self.queued)?,
        }
        if self.tap.is_some() {
            self.tell_queued(message, start);
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
            None => self.write(&bytes),
            Some(mut faults) => {
                let written = self.write_faulted(&bytes, &mut faults);
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
            if let Some(tap) = &self.tap {
                tap.tap().ends(By::Us, How::Cut, None);
            }
            return Err(SendError::Cut);
        }
        Ok(())
    }

    /// Tells what was queued from `start` on, and what a fault did to it.
    fn tell_queued(&mut self, message: &[u8], start: usize) {
        let Some(tap) = &mut self.tap else { return };
        let is_secret = tap.take_secret();
        let (struck, due) = match &mut self.faults {
            Some(faults) => faults.take_struck(),
            None => (None, None),
        };
        if struck.is_none() && due.is_none() {
            return tap.queued(self.queued.len() - start, is_secret);
        }
        let mut bytes = Vec::new();
        if self.framing.encode(message, &mut bytes).is_err() {
            return; // It was encoded before.
        }
        let said = Said {
            bytes: &bytes,
            is_secret,
        };
        if let Some(struck) = struck {
            tap.tap().struck_sending(struck, said);
        }
        if let Some(due) = due {
            tap.tap().delayed(due, said);
        }
        let times = match struck {
            Some(Struck::Dropped | Struck::TakenBack | Struck::Refused) => 0,
            Some(Struck::Duplicated) => 2,
            Some(Struck::Cut(_) | Struck::Reordered) | None => 1,
        };
        for _ in 0..times {
            tap.queued(bytes.len(), is_secret);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), SendError> {
        let Some(moment) = self.tap.as_ref().map(|tap| tap.tap().now()) else {
            return self.write_untold(bytes);
        };
        let before = self.traffic.bytes;
        let sent = self.write_untold(bytes);
        let written = usize::try_from(self.traffic.bytes - before).unwrap_or(bytes.len());
        if let Some(tap) = &mut self.tap {
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

    fn write_untold(&mut self, bytes: &[u8]) -> Result<(), SendError> {
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
        let _ = self.stream.shutdown(Shutdown::Both);
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
