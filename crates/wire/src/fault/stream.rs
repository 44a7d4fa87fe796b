//! Faults on a connection: which of the messages it receives and sends are affected, and how.
//!
//! A duplicated request has two answers, and a peer that sent or meant one would take the second for
//! the answer to its next request. So one of the two is suppressed: by the server before it is sent,
//! by the client before it is seen. Which one is found by counting: requests are answered in order,
//! so the answer to the n-th request that was let through is the n-th answer. Events are answers to
//! nothing and are not counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proto::reply;
use proto::side::Side;
use record::tap::FaultEffect;

use super::crash::after_receive;
use super::outgoing::Outgoing;
use super::schedule::FaultSchedule;
use super::sending::{Break, Sending};
use super::{Exchange, FaultScope, Faults, injected_refusal};

/// Short enough not to be noticed by a user, and to distort no measurement of refusals by much.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// What happens to the messages of one connection.
#[derive(Debug)]
pub struct StreamFaults {
    side: Side,
    exchange: Exchange,
    received: FaultSchedule,
    /// What is sent.
    pub outgoing: Outgoing,
    /// Requests that were let through so far, each to be answered.
    requests: u64,
    /// Answers so far.
    answers: u64,
    /// The numbers of the answers to be suppressed.
    suppressed: VecDeque<u64>,
    /// Refused requests whose refusals were not received yet.
    refused: u64,
    /// A request that is to be received once more.
    again: Option<Vec<u8>>,
    broken: Option<Break>,
}

/// The faults of a connection, shared by its two halves.
#[derive(Debug, Clone)]
pub struct SharedFaults(Arc<Mutex<StreamFaults>>);

impl SharedFaults {
    /// Puts a connection under these faults.
    pub fn new(faults: Faults) -> SharedFaults {
        SharedFaults(Arc::new(Mutex::new(StreamFaults::new(faults))))
    }

    /// For one of the two halves.
    pub fn lock(&self) -> MutexGuard<'_, StreamFaults> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl StreamFaults {
    fn new(faults: Faults) -> StreamFaults {
        let FaultScope { side, exchange, .. } = faults.channel;
        let (sent, received) = faults.sent_and_received();
        StreamFaults {
            side,
            exchange,
            received,
            outgoing: Outgoing::new(sent),
            requests: 0,
            answers: 0,
            suppressed: VecDeque::new(),
            refused: 0,
            again: None,
            broken: None,
        }
    }

    /// Which program this is.
    pub fn side(&self) -> Side {
        self.side
    }

    /// What is received before anything is read from the socket: the copy of a request, or the
    /// refusal of one that was not sent.
    pub fn pending(&mut self) -> Option<Vec<u8>> {
        if let Some(request) = self.again.take() {
            self.duplicated();
            return Some(request);
        }
        while self.refused > 0 {
            self.refused -= 1;
            let refusal = injected_refusal().into_bytes();
            if self.let_in(&refusal).is_none() {
                return Some(refusal);
            }
        }
        None
    }

    /// What happens to a message that was read. It is received if nothing happens to it, or if it is
    /// duplicated.
    pub fn arrived(&mut self, message: &[u8]) -> Option<FaultEffect> {
        if self.side == Side::Client && self.suppresses(message) {
            return Some(FaultEffect::Suppressed);
        }
        self.let_in(message)
    }

    /// Bytes were read that make no message, and the conversation goes on: the server answers them
    /// as it does a request.
    pub fn unreadable(&mut self) {
        if self.side == Side::Server {
            self.requests += 1;
        }
    }

    /// Decides what happens to a message that is sent, whose bytes on the wire these are.
    pub fn decide(
        &mut self,
        message: &[u8],
        bytes: Vec<u8>,
        is_secret: bool,
        now: Instant,
    ) -> Sending {
        if self.side == Side::Server && self.suppresses(message) {
            return Sending::suppressed(bytes, is_secret, now);
        }
        let sending = self.outgoing.decide(bytes, is_secret, now);
        if self.side == Side::Client {
            self.requests += u64::from(sending.copies() > 0);
            self.refused += u64::from(sending.has(FaultEffect::Refused));
            if sending.has(FaultEffect::Duplicated) {
                self.duplicated();
            }
        }
        sending
    }

    /// How often a reader that waits for the socket is to look here, because the writer
    /// may have refused a request, or ended the connection, or something waits for a next message
    /// that may never come.
    pub fn poll_interval(&self) -> Option<Duration> {
        (self.side == Side::Client || self.outgoing.may_hold()).then_some(POLL_INTERVAL)
    }

    /// How a fault ended the connection, if one did: nothing more is sent or received.
    pub fn broken(&self) -> Option<Break> {
        self.broken
    }

    /// A fault ended the connection.
    pub fn set_broken(&mut self, how: Break) {
        self.broken = Some(how);
    }

    fn let_in(&mut self, message: &[u8]) -> Option<FaultEffect> {
        let effect = self.received.next_received();
        if effect == Some(FaultEffect::Dropped) {
            return effect;
        }
        after_receive(self.side);
        if self.side == Side::Server {
            self.requests += 1;
        }
        if effect == Some(FaultEffect::Duplicated) {
            self.again = Some(message.to_vec());
        }
        effect
    }

    /// The last request was let through once more.
    fn duplicated(&mut self) {
        self.requests += 1;
        if self.exchange == Exchange::Answered {
            self.suppressed.push_back(self.requests);
        }
    }

    /// Whether this message is an answer that is to be suppressed.
    fn suppresses(&mut self, message: &[u8]) -> bool {
        if reply::is_event(message) {
            return false;
        }
        self.answers += 1;
        let is_suppressed = self.suppressed.front() == Some(&self.answers);
        if is_suppressed {
            self.suppressed.pop_front();
        }
        is_suppressed
    }
}

#[cfg(test)]
mod tests;
