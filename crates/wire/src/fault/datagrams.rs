//! Faults on a UDP socket: what an [`Endpoint`](crate::datagram::Endpoint) does instead of just
//! sending.
//!
//! A datagram that is late does not make those behind it late, so late ones are kept here and sent
//! when they are due, which is while the endpoint waits to receive.

use std::net::SocketAddr;
use std::time::Instant;

use super::Faults;
use super::crash::{CrashPoint, crash_if_due};
use super::pause::stop_for;
use super::schedule::{Fate, Schedule, Verdict};
use proto::side::Side;
use record::Tap;
use record::tap::Struck;

/// Datagrams that are kept at most, late or held back. More are lost, as in a router's queue.
const KEPT: usize = 4_096;

/// A datagram to be sent, and to whom; `None` is the connected peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// What.
    pub message: Vec<u8>,
    /// To whom.
    pub receiver: Option<SocketAddr>,
}

/// What happens to the datagrams of one socket.
#[derive(Debug)]
pub struct Datagrams {
    side: Side,
    sent: Schedule,
    received: Option<Schedule>,
    /// In the order in which they are due.
    late: Vec<(Instant, Letter)>,
    held_back: Option<Letter>,
    /// Requests that the client is to think refused.
    refused: u64,
}

impl Datagrams {
    /// Puts a socket under these faults.
    pub fn new(faults: Faults) -> Datagrams {
        let (sent, received) = match faults.channel.side {
            Side::Client => (faults.requests, faults.replies),
            Side::Server => (faults.replies, faults.requests),
        };
        Datagrams {
            received: Some(received),
            ..Datagrams::sending(faults.channel.side, sent)
        }
    }

    /// Puts under this schedule what is sent, and nothing that is received: one half of a proxy.
    pub fn sending(side: Side, sent: Schedule) -> Datagrams {
        Datagrams {
            side,
            sent,
            received: None,
            late: Vec::new(),
            held_back: None,
            refused: 0,
        }
    }

    /// The schedule of what is received, for somebody who carries it out.
    pub fn take_received(&mut self) -> Option<Schedule> {
        self.received.take()
    }

    /// Whether a datagram that arrived is lost.
    pub fn loses_arrival(&mut self) -> bool {
        let received = self.received.as_mut();
        let lost = received.is_some_and(|schedule| schedule.next_fate().verdict == Verdict::Drop);
        if !lost && self.side == Side::Client {
            crash_if_due(CrashPoint::AfterReply);
        }
        lost
    }

    /// Whether a request was refused, and its sender is to hear of it.
    pub fn take_refused(&mut self) -> bool {
        let any = self.refused > 0;
        self.refused = self.refused.saturating_sub(1);
        any
    }

    /// What is to be sent at once, in order, when this datagram is sent now, of which the tap is told
    /// what happens to it. One that is lost counts as [sent](Datagrams::after_send).
    pub fn send(&mut self, mut letter: Letter, tap: Option<&Tap>) -> Vec<Letter> {
        let fate = self.sent.next_fate();
        if let Some(pause) = fate.pause.filter(|_| is_sent(fate)) {
            if let Some(tap) = tap {
                tap.paused(pause);
            }
            stop_for(pause);
        }
        if self.side == Side::Client {
            crash_if_due(CrashPoint::BeforeSend);
        }
        let told = |struck, message: &[u8]| {
            if let Some(tap) = tap {
                tap.struck_sending(struck, message);
            }
        };
        let message = &mut letter.message;
        if is_sent(fate)
            && let Some(bit) = fate.corrupt.and_then(|flip| flip.bit(message.len()))
        {
            message[bit / 8] ^= 1 << (bit % 8);
            told(Struck::Corrupted(bit), message);
        }
        let mut letters = match fate.verdict {
            Verdict::Drop => {
                told(Struck::Dropped, message);
                self.after_send();
                return Vec::new();
            }
            Verdict::Error => {
                told(Struck::Refused, message);
                self.refused += 1;
                return Vec::new();
            }
            // What finds another held back is what that one waits for.
            Verdict::Reorder if self.held_back.is_none() => {
                told(Struck::Reordered, message);
                self.held_back = Some(letter);
                return Vec::new();
            }
            Verdict::Duplicate => {
                told(Struck::Duplicated, message);
                vec![letter.clone(), letter]
            }
            Verdict::Reorder | Verdict::Pass => vec![letter],
            // Nothing that happens to streams is in the schedule of datagrams.
            Verdict::Cut | Verdict::Reset | Verdict::Glue => vec![letter],
        };
        let now = Instant::now();
        if fate.delay.is_zero() {
            letters.extend(self.held_back.take());
            return letters;
        }
        let due = now + fate.delay;
        if let (Some(tap), Some(letter)) = (tap, letters.first()) {
            tap.delayed(due, &letter.message[..]);
        }
        letters.extend(self.held_back.take());
        let room = KEPT.saturating_sub(self.late.len());
        let place = self.late.partition_point(|(other, _)| *other <= due);
        let kept = letters.into_iter().take(room).map(|letter| (due, letter));
        self.late.splice(place..place, kept);
        Vec::new()
    }

    /// The late datagrams that are due by now.
    pub fn take_due(&mut self, now: Instant) -> Vec<Letter> {
        let count = self.late.partition_point(|(due, _)| *due <= now);
        self.late.drain(..count).map(|(_, letter)| letter).collect()
    }

    /// When the next late datagram is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.late.first().map(|(due, _)| *due)
    }

    /// A datagram was given to the operating system, or lost.
    pub fn after_send(&self) {
        crash_if_due(match self.side {
            Side::Client => CrashPoint::AfterSend,
            Side::Server => CrashPoint::AfterReply,
        });
    }
}

/// Whether anything is given to the operating system.
fn is_sent(fate: Fate) -> bool {
    !matches!(fate.verdict, Verdict::Drop | Verdict::Error)
}
