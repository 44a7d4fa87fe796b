//! Echo (RFC 862): every byte comes back, over TCP and UDP.
//!
//! There is no `READY` and no framing: echo is transparent. A peer may send everything before it
//! reads anything; were each piece written before the next is read, both sides would fill their
//! buffers and deadlock. So one thread reads, another writes, and [`MAX_QUEUED_BYTES`] bytes may
//! wait between them, besides as many that the writer has taken.

use std::collections::VecDeque;
use std::io::{self, Read, Write as _};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use record::tap::{Batch, FaultEffect};
use record::{CloseReason, Closer, Tap};
use socket2::SockRef;
use wire::fault::outgoing::{GLUE_WAIT, Outgoing, Write, wait_until};
use wire::fault::pause::wait_while_stopped;
use wire::fault::sending::Break;
use wire::fault::{Exchange, FaultSchedule};

use crate::connections::ConnectionPermit;
use crate::datagrams::refuse;
use crate::incoming::{IncomingBytes, IncomingConnection, IncomingDatagrams};
use crate::outbound::OutboundQueue;
use crate::service::{End, TcpService, UdpService};
use crate::threads::Threads;

/// Most bytes that wait to be written back to one peer.
pub const MAX_QUEUED_BYTES: usize = 64 * 1024 * 1024;

/// Most bytes that wait over all peers. Beyond, a peer must read before more is read from it.
pub const MAX_QUEUED_BYTES_TOTAL: usize = 256 * 1024 * 1024;

const PIECE: usize = 64 * 1024;

/// The echo service.
#[derive(Clone)]
pub struct Echo {
    threads: Threads,
    waiting: Arc<AtomicUsize>,
}

/// Echo over UDP.
pub struct EchoDatagrams;

impl UdpService for EchoDatagrams {
    fn serve(&self, incoming: IncomingDatagrams<'_>) {
        let echo = |datagram: &[u8], _| Some(datagram.to_vec());
        incoming.answer(Exchange::Transparent, echo, refuse);
    }
}

impl TcpService for Echo {
    /// Echoes until the peer half-closes and has everything back.
    fn serve(&self, incoming: IncomingConnection<'_>) -> io::Result<End> {
        let permit = incoming.permit;
        let bytes = incoming.bytes()?;
        let stream = Arc::clone(&bytes.stream);
        Ok(match self.echo(bytes, incoming.limits.idle, permit) {
            Ok(()) if permit.is_stopping() => End::Stopping,
            Ok(()) => End::Closed,
            Err(error) => {
                end(&stream);
                End::Broken(error.to_string())
            }
        })
    }
}

impl Echo {
    /// Echo, with writers from these threads.
    pub fn new(threads: Threads) -> Echo {
        Echo {
            threads,
            waiting: Arc::default(),
        }
    }

    fn echo(
        &self,
        incoming: IncomingBytes,
        idle: Option<Duration>,
        permit: &ConnectionPermit,
    ) -> io::Result<()> {
        let (stream, tap) = (&incoming.stream, incoming.tap);
        let (requests, replies) = incoming.faults.unzip();
        stream.set_nodelay(true)?;
        stream.set_read_timeout(idle)?;
        stream.set_write_timeout(idle)?;
        let queue = Arc::new(OutboundQueue::new(MAX_QUEUED_BYTES));
        let (written_tx, written) = std::sync::mpsc::channel();
        let writer = Writer {
            tap: tap.clone(),
            stream: Arc::clone(stream),
            queue: Arc::clone(&queue),
            waiting: Arc::clone(&self.waiting),
            faults: replies.map(Outgoing::new),
        };
        self.threads
            .run(move || drop(written_tx.send(writer.write_all())))?;

        let read = self.read_all(stream, &queue, permit, requests, tap.as_ref());
        queue.close();
        if let (Some(tap), Err(error)) = (&tap, &read) {
            match error.kind() {
                io::ErrorKind::TimedOut => {
                    tap.ends(Closer::Us, CloseReason::Timeout, Some(error.to_string()));
                }
                _ => tap.broke(error),
            }
        }
        if read.is_err() {
            // The writer may be waiting for a peer that is gone.
            end(stream);
        }
        let written = written.recv().unwrap_or(Ok(()));
        read.and(written)
    }

    /// To the faults, what one read returned is a message: echo has no other.
    fn read_all(
        &self,
        stream: &TcpStream,
        queue: &OutboundQueue,
        permit: &ConnectionPermit,
        mut requests: Option<FaultSchedule>,
        tap: Option<&Tap>,
    ) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let length = match (&mut &*stream).read(&mut piece) {
                Ok(0) => {
                    if let Some(tap) = tap {
                        tap.read(0, PIECE, &[], None);
                        tap.input_ended();
                    }
                    return Ok(());
                }
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(timeout_as_idle(error)),
            };
            wait_while_stopped();
            permit.has_spoken();
            if let Some(tap) = tap {
                tap.read(length, PIECE, &piece[..length], None);
                tap.received(&piece[..length]);
            }
            if self.waiting.load(Ordering::Relaxed) > MAX_QUEUED_BYTES_TOTAL {
                queue.wait_until_empty();
            }
            let effect = requests.as_mut().and_then(FaultSchedule::next_received);
            if let (Some(tap), Some(effect)) = (tap, effect) {
                tap.fault_on_received(effect, &piece[..length]);
            }
            let copies = match effect {
                None => 1,
                Some(FaultEffect::Duplicated) => 2,
                Some(_) => 0,
            };
            for _ in 0..copies {
                self.waiting.fetch_add(length, Ordering::Relaxed);
                if queue.push_waiting(piece[..length].to_vec()).is_err() {
                    self.waiting.fetch_sub(length, Ordering::Relaxed);
                    return Ok(()); // The writer failed, and says why.
                }
            }
        }
    }
}

struct Writer {
    stream: Arc<TcpStream>,
    tap: Option<Tap>,
    queue: Arc<OutboundQueue>,
    waiting: Arc<AtomicUsize>,
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
                self.forget(&rest);
            }
        } else {
            let _ = self.stream.shutdown(Shutdown::Write);
            if let Some(tap) = &self.tap {
                tap.half_closed(Closer::Us);
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
                self.waiting.fetch_sub(length, Ordering::Relaxed);
                if written.is_err() {
                    self.forget(&pieces);
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

    fn forget<'a>(&self, pieces: impl IntoIterator<Item = &'a Vec<u8>>) {
        let bytes = pieces.into_iter().map(Vec::len).sum();
        self.waiting.fetch_sub(bytes, Ordering::Relaxed);
    }
}

/// Ends the stream in both directions. One that a fault resets is only read no more: the peer is to
/// find the reset, which is sent when the last owner drops the socket, and no end before it.
fn end(stream: &TcpStream) {
    let is_reset = matches!(SockRef::from(stream).linger(), Ok(Some(Duration::ZERO)));
    let _ = stream.shutdown(match is_reset {
        true => Shutdown::Read,
        false => Shutdown::Both,
    });
}

fn timeout_as_idle(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => {
            io::Error::new(io::ErrorKind::TimedOut, "the peer was idle too long")
        }
        _ => error,
    }
}
