//! The sending half of a connection: messages to bytes, within deadlines.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use record::tap::Batch;
use record::{CloseReason, Closer, Tap};
use socket2::SockRef;

use super::{SendError, Traffic, write_held, write_within};
use crate::fault::crash::{after_send, before_send};
use crate::fault::outgoing::{Write, wait_until};
use crate::fault::pause::wait_while_stopped;
use crate::fault::sending::Break;
use crate::fault::stream::SharedFaults;
use crate::limits::Limits;

/// How long raw framing waits between two messages in the same direction, so that the peer's reads
/// tell them apart. The hand-outs' programs wait as long.
pub const RAW_PAUSE: Duration = Duration::from_millis(50);

/// Bytes of memory that are kept for the next message: short ones need no allocation each.
const KEPT_BUFFER: usize = 512;

/// The sending half of a [`Connection`](super::Connection).
#[derive(Debug)]
pub struct Writer {
    pub(super) stream: Arc<TcpStream>,
    pub(super) framing: Framing,
    pub(super) limits: Limits,
    /// What the next flush sends where there are no faults.
    pub(super) queued: Batch,
    pub(super) traffic: Traffic,
    pub(super) faults: Option<SharedFaults>,
    pub(super) tap: Option<Tap>,
    pub(super) is_finished: bool,
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

    /// Sends one message, which is masked as a whole in a recording where secrets are masked.
    ///
    /// # Errors
    /// As [`Writer::send`].
    pub fn send_secret(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.enqueue(message, true)?;
        self.flush()
    }

    /// Adds a message to those that the next [`flush`](Writer::flush) sends in one go.
    ///
    /// # Errors
    /// When it does not fit the framing.
    pub fn queue(&mut self, message: &[u8]) -> Result<(), SendError> {
        self.enqueue(message, false)
    }

    fn enqueue(&mut self, message: &[u8], is_secret: bool) -> Result<(), SendError> {
        if let Some(faults) = &self.faults {
            let mut bytes = Vec::new();
            let mut faults = faults.lock();
            if let Some(how) = faults.broken() {
                return Err(SendError::Broken(how));
            }
            self.framing.encode(message, &mut bytes)?;
            let mut sending = faults.decide(message, bytes, is_secret, Instant::now());
            sending.record(self.tap.as_ref());
            faults.outgoing.push(sending);
        } else {
            let start = self.queued.bytes.len();
            self.framing.encode(message, &mut self.queued.bytes)?;
            if self.tap.is_some() {
                let length = self.queued.bytes.len() - start;
                self.queued.add_message(length, is_secret);
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
        let Some(faults) = self.faults.clone() else {
            let write = Write::from(std::mem::take(&mut self.queued));
            let written = self.write(&write);
            self.queued = write.batch;
            self.queued.clear(KEPT_BUFFER);
            return written;
        };
        let queue = faults.lock().outgoing.take_queue();
        let side = faults.lock().side();
        for sending in queue {
            wait_until(sending.due);
            sending.pause(self.tap.as_ref());
            before_send(side);
            let (write, end) = faults.lock().outgoing.write(sending, Instant::now());
            if let Some(write) = write {
                self.write(&write)?;
            }
            if let Some(how) = end {
                return Err(self.break_off(how, &faults));
            }
            after_send(side);
        }
        Ok(())
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
        self.write(&Batch::of(bytes, false).into())
    }

    /// A fault ends the connection here.
    fn break_off(&mut self, how: Break, faults: &SharedFaults) -> SendError {
        match how {
            Break::Cut => {
                // Only half-closed: a reset could overtake the half message.
                let _ = self.finish();
                faults.lock().set_broken(how);
            }
            Break::Reset => {
                // The reset is sent when the last owner drops the socket.
                let _ = SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO));
                self.is_reset = true;
                faults.lock().set_broken(how);
                // Wakes the other half, and sends the peer nothing.
                let _ = self.stream.shutdown(Shutdown::Read);
            }
        }
        let error = SendError::Broken(how);
        if let Some(tap) = &self.tap {
            let words = (how == Break::Reset).then(|| error.to_string());
            tap.ends(Closer::Us, CloseReason::from(how), words);
        }
        error
    }

    fn write(&mut self, write: &Write) -> Result<(), SendError> {
        let moment = self.tap.as_ref().map(Tap::now);
        let mut written = 0;
        let sent = self.write_segments(write, &mut written);
        self.traffic.bytes += written as u64;
        if let (Some(tap), Some(moment)) = (&self.tap, moment) {
            tap.written(moment, &write.batch, written);
            match &sent {
                Err(SendError::Io(error)) => tap.broke(error),
                Err(error) => tap.ends(Closer::Us, CloseReason::Timeout, Some(error.to_string())),
                Ok(()) => {}
            }
        }
        sent
    }

    fn write_segments(&self, write: &Write, written: &mut usize) -> Result<(), SendError> {
        for (wait, segment) in write.segments() {
            std::thread::sleep(wait);
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
        let faults = self.faults.as_ref();
        if let Some(held) = faults.and_then(|faults| faults.lock().outgoing.take_held()) {
            write_held(&self.stream, &held, self.limits.write, self.tap.as_ref());
        }
        self.stream.shutdown(Shutdown::Write)?;
        let was_finished = std::mem::replace(&mut self.is_finished, true);
        if let Some(tap) = self.tap.as_ref().filter(|_| !was_finished) {
            tap.half_closed(Closer::Us);
        }
        Ok(())
    }

    /// Ends the connection in both directions, which also wakes a thread that reads from it.
    pub fn abort(&mut self) {
        if let Some(tap) = &self.tap {
            tap.ends(Closer::Us, CloseReason::Abort, None);
        }
        self.end();
    }

    /// Ends the stream in both directions, unless it is to be reset: the end would come first.
    pub(super) fn end(&self) {
        if !self.is_reset {
            let _ = self.stream.shutdown(Shutdown::Both);
        }
    }

    /// The recording tap of this connection, for what its messages do not show.
    pub fn tap(&self) -> Option<&Tap> {
        self.tap.as_ref()
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
