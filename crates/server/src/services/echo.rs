//! Echo (RFC 862): every byte comes back, over TCP and UDP.
//!
//! There is no `READY` and no framing: echo is transparent. A piece is written back before the next
//! is read, as far as the operating system takes it at once. But a peer may send everything before
//! it reads anything; were the rest written before the next piece is read, both sides would fill
//! their buffers and deadlock. So the [replies](replies) that have to wait are written by a second
//! thread, and [`MAX_QUEUED_BYTES`] bytes may wait for it, besides as many that it has taken.

mod replies;

use std::io::{self, Read};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::time::Duration;

use record::tap::FaultEffect;
use record::{CloseReason, Closer, Tap};
use socket2::SockRef;
use wire::fault::pause::wait_while_stopped;
use wire::fault::{Exchange, FaultSchedule};

use self::replies::Replies;
use crate::connections::ConnectionPermit;
use crate::datagrams::refuse;
use crate::incoming::{IncomingBytes, IncomingConnection, IncomingDatagrams};
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
        stream.set_read_timeout(idle)?;
        stream.set_write_timeout(idle)?;
        let mut replies = Replies::new(self, stream, tap.clone(), replies);
        let read = read_all(stream, &mut replies, permit, requests, tap.as_ref());
        if let (Some(tap), Err(error)) = (&tap, &read) {
            match error.kind() {
                io::ErrorKind::TimedOut => {
                    tap.ends(Closer::Us, CloseReason::Timeout, Some(error.to_string()));
                }
                _ => tap.broke(error),
            }
        }
        if read.is_err() {
            // A reply may be waiting for a peer that is gone.
            end(stream);
        }
        let written = replies.finish();
        read.and(written)
    }
}

/// Echoes until the end of the stream. To the faults, what one read returned is a message: echo has
/// no other.
fn read_all(
    stream: &TcpStream,
    replies: &mut Replies<'_>,
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
        permit.makes_sense();
        let bytes = &piece[..length];
        if let Some(tap) = tap {
            tap.read(length, PIECE, bytes, None);
            tap.received(bytes);
        }
        let effect = requests.as_mut().and_then(FaultSchedule::next_received);
        if let (Some(tap), Some(effect)) = (tap, effect) {
            tap.fault_on_received(effect, bytes);
        }
        let copies = match effect {
            None => 1,
            Some(FaultEffect::Duplicated) => 2,
            Some(_) => 0,
        };
        for _ in 0..copies {
            if !replies.send(bytes)? {
                return Ok(()); // Finishing them says why.
            }
        }
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
