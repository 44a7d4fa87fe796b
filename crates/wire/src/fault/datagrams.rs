//! Faults on a UDP socket.
//!
//! A datagram that is late does not make those behind it late, so late ones are kept here and sent
//! when they are due, which is while the endpoint waits to receive.

use std::net::SocketAddr;
use std::time::Instant;

use super::Faults;
use super::crash::{after_receive, after_send, before_send};
use super::schedule::FaultSchedule;
use super::sending::Sending;
use proto::side::Side;
use record::Tap;
use record::tap::FaultEffect;

/// Most datagrams that wait, late or held back. More are lost, as in a router's queue.
const KEPT: usize = 4_096;

/// A datagram to be sent, and to whom; `None` is the connected peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutgoingDatagram {
    /// What.
    pub message: Vec<u8>,
    /// To whom.
    pub receiver: Option<SocketAddr>,
}

/// What happens to the datagrams of one socket.
#[derive(Debug)]
pub struct Datagrams {
    side: Side,
    sent: FaultSchedule,
    received: Option<FaultSchedule>,
    /// In the order in which they are due.
    late: Vec<(Instant, OutgoingDatagram)>,
    held_back: Option<OutgoingDatagram>,
    /// Refused requests whose refusals were not received yet.
    refused: u64,
}

impl Datagrams {
    /// Puts a socket under these faults.
    pub fn new(faults: Faults) -> Datagrams {
        let side = faults.channel.side;
        let (sent, received) = faults.sent_and_received();
        Datagrams {
            received: Some(received),
            ..Datagrams::sending(side, sent)
        }
    }

    /// Puts under this schedule what is sent, and nothing that is received: one half of a proxy.
    pub fn sending(side: Side, sent: FaultSchedule) -> Datagrams {
        Datagrams {
            side,
            sent,
            received: None,
            late: Vec::new(),
            held_back: None,
            refused: 0,
        }
    }

    /// Takes out the schedule of what is received, for a caller that applies it itself.
    pub fn take_received(&mut self) -> Option<FaultSchedule> {
        self.received.take()
    }

    /// What happens to a datagram that was received, unless the schedule of that was taken out.
    pub fn arrived(&mut self) -> Option<FaultEffect> {
        let received = self.received.as_mut();
        let effect = received.and_then(FaultSchedule::next_received);
        if effect != Some(FaultEffect::Dropped) {
            after_receive(self.side);
        }
        effect
    }

    /// Whether a request was refused whose sender has not received the refusal yet.
    pub fn take_refused(&mut self) -> bool {
        let any = self.refused > 0;
        self.refused = self.refused.saturating_sub(1);
        any
    }

    /// Records what happens to this datagram, and gives what is to be sent now, in order. One that
    /// is lost counts as [sent](Datagrams::after_send).
    pub fn send(&mut self, datagram: OutgoingDatagram, tap: Option<&Tap>) -> Vec<OutgoingDatagram> {
        let OutgoingDatagram { message, receiver } = datagram;
        let decision = self.sent.next_decision();
        // What is late is late after the pause.
        let now = Instant::now() + decision.pause.unwrap_or_default();
        let may_hold = self.held_back.is_none();
        let mut sending = Sending::new(message, false, decision, may_hold, now, None);
        sending.pause(tap);
        before_send(self.side);
        sending.record(tap);
        if sending.has(FaultEffect::Dropped) {
            self.after_send();
        }
        self.refused += u64::from(sending.has(FaultEffect::Refused));
        let (due, is_held, copies) = (sending.due, sending.is_held(), sending.copies());
        let message = sending.bytes;
        let datagram = OutgoingDatagram { message, receiver };
        if is_held {
            self.held_back = Some(datagram);
            return Vec::new();
        }
        let mut datagrams = vec![datagram; copies];
        if copies > 0 {
            datagrams.extend(self.held_back.take());
        }
        if due == now {
            return datagrams;
        }
        let room = KEPT.saturating_sub(self.late.len());
        let place = self.late.partition_point(|(other, _)| *other <= due);
        let kept = datagrams.into_iter().take(room);
        let kept = kept.map(|datagram| (due, datagram));
        self.late.splice(place..place, kept);
        Vec::new()
    }

    /// The late datagrams that are due by now.
    pub fn take_due(&mut self, now: Instant) -> Vec<OutgoingDatagram> {
        let count = self.late.partition_point(|(due, _)| *due <= now);
        let due = self.late.drain(..count);
        due.map(|(_, datagram)| datagram).collect()
    }

    /// When the next late datagram is due.
    pub fn next_due(&self) -> Option<Instant> {
        self.late.first().map(|(due, _)| *due)
    }

    /// A datagram was given to the operating system, or lost.
    pub fn after_send(&self) {
        after_send(self.side);
    }
}
