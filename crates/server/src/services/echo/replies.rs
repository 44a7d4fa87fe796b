//! The replies to one peer: written at once, or else by a second thread, in order.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use record::tap::Batch;
use record::{CloseReason, Closer, Tap};
use socket2::SockRef;
use wire::at_once;
use wire::fault::FaultSchedule;
use wire::fault::outgoing::{GLUE_WAIT, Outgoing, Write, wait_until};
use wire::fault::pause::wait_while_stopped;
use wire::fault::sending::Break;

use super::{Echo, MAX_QUEUED_BYTES, MAX_QUEUED_BYTES_TOTAL, end, timeout_as_idle};
use crate::outbound::OutboundQueue;

/// The replies to one peer.
pub struct Replies<'a> {
    echo: &'a Echo,
    stream: &'a Arc<TcpStream>,
    tap: Option<Tap>,
    /// What faults do to them, until the second thread has it.
    faults: Option<FaultSchedule>,
    /// A reply under faults may have to wait for its time or for the next one: all of them are left
    /// to the second thread.
    are_faulted: bool,
    waiting: Waiting,
    writer: Option<RunningWriter>,
}

/// The second thread.
struct RunningWriter {
    queue: Arc<OutboundQueue>,
    written: Receiver<io::Result<()>>,
}

/// How many bytes wait to be written.
#[derive(Clone)]
struct Waiting {
    to_peer: Arc<AtomicUsize>,
    to_all: Arc<AtomicUsize>,
}

impl Replies<'_> {
    /// None so far.
    pub fn new<'a>(
        echo: &'a Echo,
        stream: &'a Arc<TcpStream>,
        tap: Option<Tap>,
        faults: Option<FaultSchedule>,
    ) -> Replies<'a> {
        let waiting = Waiting {
            to_peer: Arc::default(),
            to_all: Arc::clone(&echo.waiting),
        };
        Replies {
            echo,
            stream,
            tap,
            are_faulted: faults.is_some(),
            faults,
            waiting,
            writer: None,
        }
    }

    /// Sends a reply, or leaves it to the second thread; `false` when that one failed before.
    pub fn send(&mut self, reply: &[u8]) -> io::Result<bool> {
        let may_write = !self.are_faulted && self.waiting.is_nothing();
        let written = if may_write { self.write(reply)? } else { 0 };
        match &reply[written..] {
            [] => Ok(true),
            rest => self.queue(rest.to_vec()),
        }
    }

    /// Writes as much of it as the operating system takes at once.
    fn write(&self, reply: &[u8]) -> io::Result<usize> {
        wait_while_stopped();
        let moment = self.tap.as_ref().map(Tap::now);
        let written = match at_once::write(self.stream, reply) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => 0,
            written => written?,
        };
        if let (Some(tap), Some(moment), 1..) = (&self.tap, moment, written) {
            tap.sent(moment, &reply[..written]);
        }
        Ok(written)
    }

    fn queue(&mut self, reply: Vec<u8>) -> io::Result<bool> {
        if self.writer.is_none() {
            self.writer = Some(self.start_writer()?);
        }
        let Some(RunningWriter { queue, .. }) = &self.writer else {
            return Ok(false);
        };
        if self.waiting.exceeds_total() {
            queue.wait_until_empty();
        }
        let length = reply.len();
        self.waiting.add(length);
        let is_queued = queue.push_waiting(reply).is_ok();
        if !is_queued {
            self.waiting.remove(length);
        }
        Ok(is_queued)
    }

    fn start_writer(&mut self) -> io::Result<RunningWriter> {
        let queue = Arc::new(OutboundQueue::new(MAX_QUEUED_BYTES));
        let writer = Writer {
            stream: Arc::clone(self.stream),
            tap: self.tap.clone(),
            queue: Arc::clone(&queue),
            waiting: self.waiting.clone(),
            faults: self.faults.take().map(Outgoing::new),
        };
        let (sender, written) = channel();
        self.echo
            .threads
            .run(move || drop(sender.send(writer.write_all())))?;
        Ok(RunningWriter { queue, written })
    }

    /// Waits until all is written, and half-closes.
    pub fn finish(self) -> io::Result<()> {
        if let Some(RunningWriter { queue, written }) = self.writer {
            queue.close();
            written.recv().unwrap_or(Ok(()))?;
        }
        let _ = self.stream.shutdown(Shutdown::Write);
        if let Some(tap) = &self.tap {
            tap.half_closed(Closer::Us);
        }
        Ok(())
    }
}

impl Waiting {
    fn add(&self, bytes: usize) {
        self.to_peer.fetch_add(bytes, Ordering::Relaxed);
        self.to_all.fetch_add(bytes, Ordering::Relaxed);
    }

    fn remove(&self, bytes: usize) {
        self.to_all.fetch_sub(bytes, Ordering::Relaxed);
        // What comes after it is written after it.
        self.to_peer.fetch_sub(bytes, Ordering::Release);
    }

    fn is_nothing(&self) -> bool {
        self.to_peer.load(Ordering::Acquire) == 0
    }

    fn exceeds_total(&self) -> bool {
        self.to_all.load(Ordering::Relaxed) > MAX_QUEUED_BYTES_TOTAL
    }
}

/// Writes the replies that have to wait.
struct Writer {
    stream: Arc<TcpStream>,
    tap: Option<Tap>,
    queue: Arc<OutboundQueue>,
    waiting: Waiting,
    faults: Option<Outgoing>,
}

impl Writer {
    fn write_all(mut self) -> io::Result<()> {
        let written = self.write_pieces();
        if written.is_err() {
            self.queue.close();
            // Wakes the reader; what still waits is not written any more.
            end(&self.stream);
            while let Some(rest) = self.queue.take() {
                self.waiting.remove(bytes(&rest));
            }
        }
        written
    }

    fn write_pieces(&mut self) -> io::Result<()> {
        while let Some(mut pieces) = self.take() {
            let taken = Instant::now();
            while let Some(piece) = pieces.pop_front() {
                let length = piece.len();
                let written = self.write(piece, taken);
                self.waiting.remove(length);
                if written.is_err() {
                    self.waiting.remove(bytes(&pieces));
                    return written;
                }
            }
        }
        self.write_held()
    }

    /// What waits to be written; waits for something. What was held back in vain for that is
    /// written meanwhile.
    fn take(&mut self) -> Option<VecDeque<Vec<u8>>> {
        if self
            .faults
            .as_ref()
            .and_then(Outgoing::held_until)
            .is_some()
        {
            let taken = self.queue.take_within(GLUE_WAIT);
            if taken.as_ref().is_none_or(|taken| !taken.is_empty()) {
                return taken;
            }
            // If it cannot be written, the next write fails too.
            let _ = self.write_held();
        }
        self.queue.take()
    }

    fn write_held(&mut self) -> io::Result<()> {
        let held = self.faults.as_mut().and_then(Outgoing::take_held);
        held.map_or(Ok(()), |held| self.put(&held.into()))
    }

    fn write(&mut self, piece: Vec<u8>, taken: Instant) -> io::Result<()> {
        let Some(faults) = &mut self.faults else {
            return self.put(&Batch::of(piece, false).into());
        };
        let mut sending = faults.decide(piece, false, taken);
        sending.record(self.tap.as_ref());
        wait_until(sending.due);
        sending.pause(self.tap.as_ref());
        let (write, end) = faults.write(sending, Instant::now());
        if let Some(write) = write {
            self.put(&write)?;
        }
        end.map_or(Ok(()), |how| self.break_off(how))
    }

    fn put(&self, write: &Write) -> io::Result<()> {
        let moment = self.tap.as_ref().map(Tap::now);
        for (wait, segment) in write.segments() {
            if !wait.is_zero() {
                thread::sleep(wait);
            }
            self.write_all_of(segment)?;
        }
        if let (Some(tap), Some(moment)) = (&self.tap, moment) {
            tap.written(moment, &write.batch, write.batch.bytes.len());
        }
        Ok(())
    }

    /// A fault ends the connection here.
    fn break_off(&self, how: Break) -> io::Result<()> {
        if how == Break::Reset {
            SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO))?;
        }
        if let Some(tap) = &self.tap {
            tap.ends(Closer::Us, CloseReason::from(how), Some(how.to_string()));
        }
        Err(io::Error::other(how.to_string()))
    }

    fn write_all_of(&self, bytes: &[u8]) -> io::Result<()> {
        wait_while_stopped();
        (&*self.stream).write_all(bytes).map_err(timeout_as_idle)
    }
}

fn bytes(pieces: &VecDeque<Vec<u8>>) -> usize {
    pieces.iter().map(Vec::len).sum()
}
