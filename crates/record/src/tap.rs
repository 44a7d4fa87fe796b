//! The events of one connection or socket.
//!
//! A [`Tap`] is shared by the two halves of a connection. It turns bytes into events, masks what is
//! secret, remembers how the connection began to end, and records its end when the last half is
//! dropped.

use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use self::framing::{is_one_message, needed, payload};
use super::bytes::Bytes;
use super::event::{Channel, CloseReason, Closer, DropCause, EventKind, FramingName, Message};
use super::recorder::{Ends, EventTime, Recorder, nanoseconds};
use proto::mode::Transport;
use proto::side::Direction;

mod batch;
mod framing;
mod reading;

pub use self::batch::Batch;
pub use self::reading::ReadTap;

/// Where the secrets of a message are, framing excluded. It may be asked about a part of a message,
/// or about what is none.
pub type Mask = fn(&[u8]) -> Vec<Range<usize>>;

/// What a masked byte is shown as.
const MASKED: u8 = b'*';

/// The recording tap of one connection or socket.
#[derive(Debug, Clone)]
pub struct Tap(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    recorder: Recorder,
    channel: Channel,
    mask: Option<Mask>,
    end: Mutex<End>,
}

/// The end of a connection.
#[derive(Debug)]
enum End {
    /// Nothing is known of it.
    Open,
    /// It ends like this.
    Known(Closer, CloseReason, Option<String>),
    /// It was recorded, or never will be: the socket has many peers.
    Over,
}

/// Bytes on the wire, framing included.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    /// The bytes.
    pub bytes: &'a [u8],
    /// Whether the whole message is a secret.
    pub is_secret: bool,
}

impl<'a> From<&'a [u8]> for Frame<'a> {
    fn from(bytes: &'a [u8]) -> Frame<'a> {
        Frame {
            bytes,
            is_secret: false,
        }
    }
}

/// What a fault does to a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultEffect {
    /// It is lost.
    Dropped,
    /// It is one of the two answers to a duplicated request, and not passed on.
    Suppressed,
    /// It is refused.
    Refused,
    /// It is sent or handled twice.
    Duplicated,
    /// Only this many of its bytes are sent.
    Cut(usize),
    /// It is held back until the next one is sent.
    Reordered,
    /// It is sent in segments of this many bytes.
    Split(usize),
    /// It is held back, and sent in one segment with the next one.
    Glued,
    /// The connection is reset instead.
    Reset,
    /// This bit of it is flipped.
    Corrupted(usize),
    /// It is not sent before this moment.
    Delayed(Instant),
}

impl Tap {
    /// A tap on a connection, or on a client's UDP socket, which is made now and ends when the last
    /// clone is dropped.
    pub fn connected(recorder: &Recorder, channel: Channel, mask: Option<Mask>) -> Tap {
        let tap = Tap::new(recorder, channel, mask, End::Open);
        tap.record(EventKind::Connected);
        let shared: Arc<dyn Ends> = Arc::clone(&tap.0) as _;
        recorder.opened(Arc::downgrade(&shared));
        tap
    }

    /// A tap on a stream that is connected now.
    ///
    /// # Errors
    /// When it is no longer connected.
    pub fn on_stream(
        recorder: &Recorder,
        service: &str,
        framing: FramingName,
        connection: u64,
        stream: &TcpStream,
        mask: Option<Mask>,
    ) -> io::Result<Tap> {
        let channel = Channel {
            service: service.to_owned(),
            transport: Transport::Tcp,
            framing,
            connection,
            local: stream.local_addr()?,
            peer: stream.peer_addr()?,
        };
        Ok(Tap::connected(recorder, channel, mask))
    }

    /// A tap on a UDP socket. One that is not connected is a server's: its peer is wherever a
    /// datagram comes from or goes to.
    ///
    /// # Errors
    /// When the operating system cannot say its address.
    pub fn on_socket(
        recorder: &Recorder,
        service: &str,
        connection: u64,
        socket: &UdpSocket,
        mask: Option<Mask>,
    ) -> io::Result<Tap> {
        let local = socket.local_addr()?;
        let peer = socket.peer_addr().ok();
        let channel = Channel {
            service: service.to_owned(),
            transport: Transport::Udp,
            framing: FramingName::Datagram,
            connection,
            local,
            peer: peer.unwrap_or(local),
        };
        Ok(match peer {
            Some(_) => Tap::connected(recorder, channel, mask),
            None => Tap::new(recorder, channel, mask, End::Over),
        })
    }

    fn new(recorder: &Recorder, channel: Channel, mask: Option<Mask>, end: End) -> Tap {
        Tap(Arc::new(Shared {
            recorder: recorder.clone(),
            channel,
            mask,
            end: Mutex::new(end),
        }))
    }

    /// Now.
    pub fn now(&self) -> EventTime {
        self.0.recorder.now()
    }

    /// This was given to the operating system, from that moment on.
    pub fn sent<'a>(&self, moment: EventTime, frame: impl Into<Frame<'a>>) {
        if self.skips(Some(self.outward())) {
            return;
        }
        let message = self.message(self.outward(), frame.into());
        self.record_at(moment, EventKind::Sent(message));
    }

    /// Of these messages, the first `written` bytes were.
    pub fn written(&self, moment: EventTime, batch: &Batch, written: usize) {
        let mut rest = &batch.bytes[..written];
        for &(length, is_secret) in batch.messages() {
            let bytes = &rest[..length.min(rest.len())];
            rest = &rest[bytes.len()..];
            if bytes.is_empty() || self.skips(Some(self.outward())) {
                continue;
            }
            let mut message = self.message(self.outward(), Frame { bytes, is_secret });
            if bytes.len() < length {
                (message.text, message.partial) = (None, true);
            }
            self.record_at(moment, EventKind::Sent(message));
        }
    }

    /// This came, and made a message.
    pub fn received<'a>(&self, frame: impl Into<Frame<'a>>) {
        if self.skips(Some(self.inward())) {
            return;
        }
        let message = self.message(self.inward(), frame.into());
        self.record(EventKind::Received(message));
    }

    /// This came, and made no message.
    pub fn unreadable<'a>(&self, frame: impl Into<Frame<'a>>, words: &str) {
        let frame = frame.into();
        if !frame.bytes.is_empty() {
            let message = self.message(self.inward(), frame);
            self.record(EventKind::Unreadable {
                direction: message.direction,
                bytes: message.bytes,
                words: words.to_owned(),
            });
        }
    }

    /// A read returned so many bytes, and could have returned `asked`; `here` are the bytes that
    /// wait to make a message.
    pub fn read(&self, got: usize, asked: usize, here: &[u8], length: Option<NonZeroUsize>) {
        if self.skips(None) {
            return;
        }
        self.record(EventKind::Read {
            got,
            asked,
            have: here.len(),
            need: needed(self.0.channel.framing, here, length),
        });
    }

    /// A fault has this effect on what is sent: `frame` is all of it, as it is sent.
    pub fn fault_on_sent<'a>(&self, effect: FaultEffect, frame: impl Into<Frame<'a>>) {
        self.fault(effect, self.message(self.outward(), frame.into()));
    }

    /// A fault has this effect on what was received.
    pub fn fault_on_received<'a>(&self, effect: FaultEffect, frame: impl Into<Frame<'a>>) {
        self.fault(effect, self.message(self.inward(), frame.into()));
    }

    /// A fault stops this process for so long, now.
    pub fn paused(&self, pause: Duration) {
        let stopped = nanoseconds(pause);
        self.record(EventKind::Paused { stopped });
    }

    /// Whether bytes of this message are masked.
    pub fn masks(&self, bytes: &[u8]) -> bool {
        let payload = payload(self.0.channel.framing, bytes);
        self.masked(&bytes[payload], false).1
    }

    /// A read found the end of the stream.
    pub fn input_ended(&self) {
        match self.0.recorder.closer() {
            Closer::Peer => self.half_closed(Closer::Peer),
            // We ended our own input, and the peer may go on sending for all we know.
            Closer::Us => self.ends(Closer::Us, CloseReason::End, None),
        }
    }

    /// One side sends no more.
    pub fn half_closed(&self, by: Closer) {
        self.record(EventKind::HalfClosed { by });
        self.ends(by, CloseReason::End, None);
    }

    /// The connection ends, and this is how. The first call counts, except that
    /// a failure replaces an end in order.
    pub fn ends(&self, by: Closer, how: CloseReason, words: Option<String>) {
        let mut end = self.0.end.lock().unwrap_or_else(PoisonError::into_inner);
        // An end in order is one only if nothing worse follows.
        let is_worse = !matches!(how, CloseReason::End | CloseReason::Abort);
        match &*end {
            End::Over => {}
            End::Known(_, first, _) if *first != CloseReason::End || !is_worse => {}
            End::Known(..) | End::Open => *end = End::Known(by, how, words),
        }
    }

    /// The connection broke.
    pub fn broke(&self, error: &io::Error) {
        let how = match error.kind() {
            io::ErrorKind::ConnectionReset => CloseReason::Reset,
            _ => CloseReason::Broken,
        };
        self.ends(Closer::Peer, how, Some(error.to_string()));
    }

    /// A wait ended with nothing.
    pub fn timed_out(&self, waited: Duration, words: &str) {
        let (waited, words) = (nanoseconds(waited), words.to_owned());
        self.record(EventKind::TimedOut { waited, words });
    }

    /// What was asked before is asked again, now for the `attempt`-th time.
    pub fn resent(&self, attempt: u32, request: &[u8]) {
        let (shown, _) = self.masked(request, false);
        let text = String::from_utf8_lossy(&shown).into_owned();
        self.record(EventKind::Resent { attempt, text });
    }

    /// Something failed, and it may go on.
    pub fn failed(&self, words: &str) {
        let words = words.to_owned();
        self.record(EventKind::Failed { words });
    }

    /// A tap on the same socket, for this peer of it.
    pub fn with_peer(&self, peer: SocketAddr) -> Tap {
        let channel = Channel {
            peer,
            ..self.0.channel.clone()
        };
        Tap::new(&self.0.recorder, channel, self.0.mask, End::Over)
    }

    fn fault(&self, effect: FaultEffect, message: Message) {
        let dropped = |cause, message| EventKind::Dropped { cause, message };
        self.record(match effect {
            FaultEffect::Dropped => dropped(DropCause::Drop, message),
            FaultEffect::Suppressed => dropped(DropCause::Duplicate, message),
            FaultEffect::Refused => EventKind::Refused(message),
            FaultEffect::Duplicated => EventKind::Duplicated(message),
            FaultEffect::Cut(sent) => EventKind::Cut { sent, message },
            FaultEffect::Reordered => EventKind::Reordered(message),
            FaultEffect::Split(size) => EventKind::Split { size, message },
            FaultEffect::Glued => EventKind::Glued(message),
            FaultEffect::Reset => EventKind::Reset(message),
            FaultEffect::Corrupted(bit) => EventKind::Corrupted { bit, message },
            FaultEffect::Delayed(due) => EventKind::Delayed {
                until: self.0.recorder.since_start(due),
                message,
            },
        });
    }

    fn outward(&self) -> Direction {
        Direction::sent_by(self.0.recorder.side())
    }

    fn inward(&self) -> Direction {
        Direction::received_by(self.0.recorder.side())
    }

    fn message(&self, direction: Direction, frame: Frame<'_>) -> Message {
        let payload = payload(self.0.channel.framing, frame.bytes);
        let (shown, masked) = self.masked(&frame.bytes[payload.clone()], frame.is_secret);
        let mut bytes = frame.bytes.to_vec();
        bytes[payload].copy_from_slice(&shown);
        let text = is_one_message(self.0.channel.framing, frame.bytes).then_some(shown);
        Message {
            direction,
            bytes: Bytes(bytes),
            text: text.and_then(|text| String::from_utf8(text).ok()),
            masked,
            partial: false,
        }
    }

    /// The payload with its secrets masked, and whether there were any.
    fn masked(&self, payload: &[u8], is_secret: bool) -> (Vec<u8>, bool) {
        let mut shown = payload.to_vec();
        let Some(mask) = self.0.recorder.masks().then_some(self.0.mask) else {
            return (shown, false);
        };
        let secrets = match (is_secret, mask) {
            (true, _) => std::iter::once(0..payload.len()).collect(),
            (false, Some(mask)) => mask(payload),
            (false, None) => Vec::new(),
        };
        let mut any = false;
        for secret in secrets {
            if let Some(secret) = shown.get_mut(secret) {
                any |= !secret.is_empty();
                secret.fill(MASKED);
            }
        }
        (shown, any)
    }

    fn skips(&self, message: Option<Direction>) -> bool {
        self.0.recorder.skips(&self.0.channel, message)
    }

    fn record(&self, kind: EventKind) {
        self.0.recorder.record(Some(&self.0.channel), kind);
    }

    fn record_at(&self, moment: EventTime, kind: EventKind) {
        let channel = Some(&self.0.channel);
        self.0.recorder.record_at(moment, channel, kind);
    }
}

impl Ends for Shared {
    fn record_end(&self) {
        let end = &self.end;
        let end = std::mem::replace(
            &mut *end.lock().unwrap_or_else(PoisonError::into_inner),
            End::Over,
        );
        let (by, how, words) = match end {
            End::Over => return,
            End::Open => (Closer::Us, CloseReason::End, None),
            End::Known(by, how, words) => (by, how, words),
        };
        let kind = EventKind::Closed { by, how, words };
        self.recorder.record(Some(&self.channel), kind);
    }
}

/// The connection is over when its last half is dropped.
impl Drop for Shared {
    fn drop(&mut self) {
        self.record_end();
    }
}
