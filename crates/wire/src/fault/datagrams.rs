//! Faults on a UDP socket: what an [`Endpoint`](crate::datagram::Endpoint) does instead of just
//! sending.
//!
//! A datagram that is late does not make those behind it late, so late ones are kept here and sent
//! when they are due, which is while the endpoint waits to receive.

use std::net::SocketAddr;
use std::time::Instant;

use super::crash::{CrashPoint, crash_if_due};
use super::schedule::{Schedule, Verdict};
use super::{Faults, Side};
use crate::record::tap::Struck;

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
    /// What happened to the datagram sent last, and when it is due if it is late, for a recording.
    struck: (Option<Struck>, Option<Instant>),
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
            struck: (None, None),
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

    /// What is to be sent at once, in order, when this datagram is sent now. One that is lost counts
    /// as [sent](Datagrams::after_send) by whoever asks.
    pub fn send(&mut self, letter: Letter, now: Instant) -> Vec<Letter> {
        if self.side == Side::Client {
            crash_if_due(CrashPoint::BeforeSend);
        }
        let fate = self.sent.next_fate();
        let struck = match fate.verdict {
            Verdict::Pass | Verdict::Cut => None,
            Verdict::Drop => Some(Struck::Dropped),
            Verdict::Error => Some(Struck::Refused),
            Verdict::Duplicate => Some(Struck::Duplicated),
            Verdict::Reorder => self.held_back.is_none().then_some(Struck::Reordered),
        };
        self.struck = (struck, None);
        let mut letters = match fate.verdict {
            Verdict::Drop => return Vec::new(),
            Verdict::Error => {
                self.refused += 1;
                return Vec::new();
            }
            // What finds another held back is what that one waits for.
            Verdict::Reorder if self.held_back.is_none() => {
                self.held_back = Some(letter);
                return Vec::new();
            }
            Verdict::Duplicate => vec![letter.clone(), letter],
            Verdict::Reorder | Verdict::Pass | Verdict::Cut => vec![letter],
        };
        letters.extend(self.held_back.take());
        if fate.delay.is_zero() {
            return letters;
        }
        let due = now + fate.delay;
        self.struck.1 = Some(due);
        let room = KEPT.saturating_sub(self.late.len());
        let place = self.late.partition_point(|(other, _)| *other <= due);
        let kept = letters.into_iter().take(room).map(|letter| (due, letter));
        self.late.splice(place..place, kept);
        Vec::new()
    }

    /// What happened to the datagram sent last, and when it is due if it is late.
    pub fn take_struck(&mut self) -> (Option<Struck>, Option<Instant>) {
        std::mem::take(&mut self.struck)
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
