//! Faults on a stream: what a [`Reader`](crate::connection::Reader) and a
//! [`Writer`](crate::connection::Writer) do instead of just receiving and sending.
//!
//! A doubled request has two answers, and a peer that sent or meant one would take the second for
//! the answer to its next request. So one of the two is taken back: by the server before it is sent,
//! by the client before it is seen. Which one is found by counting: requests are answered in order,
//! so the answer to the n-th request that was let through is the n-th answer. Events are answers to
//! nothing and are not counted.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proto::frame::{EncodeError, Framing};
use proto::refusal::{Code, Refusal};
use proto::reply;

use super::crash::{CrashPoint, crash_if_due};
use super::schedule::{Schedule, Verdict};
pub use super::sending::{Break, Sending};
use super::{Exchange, Faults, INJECTED};
use proto::side::Side;
use record::Tap;
use record::tap::{Said, Struck};

/// Short enough not to be noticed by a person, and to disturb no measurement of refusals by much.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

/// How long a message waits at most for the next one, to be sent together with it. Whoever asks one
/// thing at a time gives none, and is only made to wait.
pub const GLUE_WAIT: Duration = Duration::from_millis(200);

/// What the two halves of a connection have to tell each other.
#[derive(Debug, Default)]
struct Shared {
    /// Requests that were let through so far, each to be answered.
    requests: u64,
    /// Answers so far.
    answers: u64,
    /// The numbers of the answers to be taken back.
    taken_back: VecDeque<u64>,
    /// Requests that the client is to think refused.
    refused: u64,
    /// Nothing more is sent or received.
    broken: Option<Break>,
    /// What waits for the next message, and how long at most.
    glued: Option<(Sending, Instant)>,
}

impl Shared {
    /// The last request was let through once more.
    fn doubled(&mut self, exchange: Exchange) {
        self.requests += 1;
        if exchange == Exchange::Answered {
            self.taken_back.push_back(self.requests);
        }
    }

    /// Whether this message is an answer that is to be taken back.
    fn takes_back(&mut self, message: &[u8]) -> bool {
        if reply::is_event(message) {
            return false;
        }
        self.answers += 1;
        let is_taken_back = self.taken_back.front() == Some(&self.answers);
        if is_taken_back {
            self.taken_back.pop_front();
        }
        is_taken_back
    }
}

/// What happens to the messages a [`Reader`](crate::connection::Reader) receives.
#[derive(Debug)]
pub struct Incoming {
    side: Side,
    exchange: Exchange,
    schedule: Schedule,
    shared: Arc<Mutex<Shared>>,
    /// A request that is to be received once more.
    again: Option<Vec<u8>>,
    /// What happened to the message last read, for a recording.
    struck: Option<Struck>,
    /// Whether the other half may have something that waits for its next message.
    may_glue: bool,
}

/// What happens to the messages a [`Writer`](crate::connection::Writer) sends.
#[derive(Debug)]
pub struct Outgoing {
    side: Side,
    exchange: Exchange,
    schedule: Schedule,
    shared: Arc<Mutex<Shared>>,
    timetable: Timetable,
    queued: Vec<Sending>,
    broken: Option<Break>,
}

/// What becomes of a message that was read from the socket.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// It is received.
    Message(Vec<u8>),
    /// It is to be answered with a refusal instead.
    Refused,
    /// It never came.
    Nothing,
}

/// Puts both halves of a connection under these faults.
pub fn halves(faults: Faults) -> (Incoming, Outgoing) {
    let Faults {
        channel,
        requests,
        replies,
    } = faults;
    let (received, sent) = match channel.side {
        Side::Client => (replies, requests),
        Side::Server => (requests, replies),
    };
    let shared = Arc::new(Mutex::new(Shared::default()));
    let incoming = Incoming {
        may_glue: sent.may_glue(),
        side: channel.side,
        exchange: channel.exchange,
        schedule: received,
        shared: Arc::clone(&shared),
        again: None,
        struck: None,
    };
    let outgoing = Outgoing {
        side: channel.side,
        exchange: channel.exchange,
        schedule: sent,
        shared,
        timetable: Timetable::default(),
        queued: Vec::new(),
        broken: None,
    };
    (incoming, outgoing)
}

impl Incoming {
    /// What is to be received before anything is read from the socket.
    pub fn waiting(&mut self) -> Option<Received> {
        let mut shared = lock(&self.shared);
        if let Some(message) = self.again.take() {
            shared.doubled(self.exchange);
            return Some(Received::Message(message));
        }
        if shared.refused > 0 {
            shared.refused -= 1;
            drop(shared);
            let refusal = Refusal::new(Code::Unavailable, INJECTED);
            let refusal = reply::render::<&str>(&Err(refusal)).into_bytes();
            return Some(self.judge(refusal));
        }
        None
    }

    /// What becomes of a message that was read.
    pub fn arrived(&mut self, message: Vec<u8>) -> Received {
        if self.side == Side::Client && lock(&self.shared).takes_back(&message) {
            self.struck = Some(Struck::TakenBack);
            return Received::Nothing;
        }
        self.judge(message)
    }

    /// What happened to the message that [arrived](Incoming::arrived) last, if anything.
    pub fn take_struck(&mut self) -> Option<Struck> {
        self.struck.take()
    }

    /// After how long a reader that waits for the socket is to look here again, because the writer
    /// may have refused a request, or ended the connection, or something waits for a next message
    /// that may never come.
    pub fn look_again(&self) -> Option<Duration> {
        (self.side == Side::Client || self.may_glue).then_some(LOOK_AGAIN)
    }

    /// Has written what waited long enough for the next message. Nothing else is written meanwhile.
    pub fn release(&self, write: impl FnOnce(&Sending)) {
        if self.may_glue {
            let mut shared = lock(&self.shared);
            if let Some((sending, _)) = shared.glued.take_if(|(_, by)| *by <= Instant::now()) {
                write(&sending);
            }
        }
    }

    /// Bytes were read that make no message, and the conversation goes on: the server answers them
    /// as it does a request.
    pub fn unreadable(&mut self) {
        if self.side == Side::Server {
            lock(&self.shared).requests += 1;
        }
    }

    /// How the other half ended the connection, if it did.
    pub fn broken(&self) -> Option<Break> {
        lock(&self.shared).broken
    }

    fn judge(&mut self, message: Vec<u8>) -> Received {
        let verdict = self.schedule.next_fate().verdict;
        self.struck = match verdict {
            Verdict::Drop => Some(Struck::Dropped),
            Verdict::Error => Some(Struck::Refused),
            Verdict::Duplicate => Some(Struck::Duplicated),
            _ => None,
        };
        if verdict == Verdict::Drop {
            return Received::Nothing;
        }
        match self.side {
            Side::Client => crash_if_due(CrashPoint::AfterReply),
            Side::Server => lock(&self.shared).requests += 1,
        }
        match verdict {
            Verdict::Error => return Received::Refused,
            Verdict::Duplicate => self.again = Some(message.clone()),
            _ => {}
        }
        Received::Message(message)
    }
}

impl Outgoing {
    /// Queues what is to be written of this message, and has the tap told of what faults do to it.
    ///
    /// # Errors
    /// When the message does not fit the framing; it then counts for nothing.
    pub fn queue(
        &mut self,
        message: &[u8],
        framing: Framing,
        is_secret: bool,
        tap: Option<&Tap>,
    ) -> Result<(), EncodeError> {
        let mut bytes = Vec::new();
        framing.encode(message, &mut bytes)?;
        let mut shared = lock(&self.shared);
        if self.side == Side::Server && shared.takes_back(message) {
            if let Some(tap) = tap {
                let said = Said {
                    bytes: &bytes,
                    is_secret,
                };
                tap.struck_sending(Struck::TakenBack, said);
            }
            self.queued.push(Sending::nothing());
            return Ok(());
        }
        let fate = self.schedule.next_fate();
        let is_sent = !matches!(
            fate.verdict,
            Verdict::Drop | Verdict::Error | Verdict::Reset
        );
        if self.side == Side::Client && is_sent {
            shared.requests += 1;
        }
        match fate.verdict {
            Verdict::Error => shared.refused += 1,
            Verdict::Duplicate => shared.doubled(self.exchange),
            _ => {}
        }
        // What finds another waiting is what that one waits for.
        let may_wait = match self.queued.last() {
            Some(last) => !last.waits,
            None => shared.glued.is_none(),
        };
        drop(shared);
        let now = Instant::now();
        let timetable = &mut self.timetable;
        let sending = Sending::of(bytes, is_secret, fate, may_wait, tap, |delay| {
            timetable.due(now, delay)
        });
        self.queued.push(sending);
        Ok(())
    }

    /// What is to be written, in order; nothing is queued any more.
    pub fn take_queued(&mut self) -> Vec<Sending> {
        std::mem::take(&mut self.queued)
    }

    /// Has this wait for the next message.
    pub fn glue(&self, sending: Sending) {
        lock(&self.shared).glued = Some((sending, Instant::now() + GLUE_WAIT));
    }

    /// What waited for the next message, which is about to be written.
    pub fn take_glued(&self) -> Option<Sending> {
        let glued = lock(&self.shared).glued.take();
        glued.map(|(sending, _)| sending)
    }

    /// A message is about to be written.
    pub fn before_message(&self) {
        if self.side == Side::Client {
            crash_if_due(CrashPoint::BeforeSend);
        }
    }

    /// A message was written.
    pub fn after_message(&self) {
        crash_if_due(match self.side {
            Side::Client => CrashPoint::AfterSend,
            Side::Server => CrashPoint::AfterReply,
        });
    }

    /// How the last message ended the connection, so that nothing can follow it.
    pub fn broken(&self) -> Option<Break> {
        self.broken
    }

    /// The last message is out: the other half of the connection ends too.
    pub fn tell_broken(&mut self, how: Break) {
        self.broken = Some(how);
        lock(&self.shared).broken = Some(how);
    }
}

/// When messages are due that are late each by its own time and stay in order, as on a stream.
#[derive(Debug, Default)]
pub struct Timetable {
    latest: Option<Instant>,
}

impl Timetable {
    /// When a message is due that was sent at `sent`.
    pub fn due(&mut self, sent: Instant, delay: Duration) -> Instant {
        let due = self
            .latest
            .map_or(sent + delay, |latest| latest.max(sent + delay));
        self.latest = Some(due);
        due
    }
}

/// Waits until then; not at all when that is past.
pub fn wait_until(due: Instant) {
    let wait = due.saturating_duration_since(Instant::now());
    if !wait.is_zero() {
        std::thread::sleep(wait);
    }
}

fn lock(shared: &Mutex<Shared>) -> MutexGuard<'_, Shared> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
