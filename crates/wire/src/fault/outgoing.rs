//! The messages of one direction of a stream, from the faults to the socket.
//!
//! [`Outgoing::decide`] says what happens to a message. The caller records that and
//! [pushes](Outgoing::push) the message, takes it out when it is due, and writes what
//! [`Outgoing::write`] gives.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::schedule::FaultSchedule;
use super::sending::{Break, Sending, segments};
use record::tap::Batch;

/// How long a message waits at most for the next one, to be sent together with it. A client that
/// asks one thing at a time sends none, and is only delayed.
pub const GLUE_WAIT: Duration = Duration::from_millis(200);

/// The messages of one direction that are not written yet.
#[derive(Debug)]
pub struct Outgoing {
    schedule: FaultSchedule,
    /// When the last message is due: those behind it are not written before.
    latest: Option<Instant>,
    queue: VecDeque<Sending>,
    /// What waits for the next message, and how long at most.
    held: Option<(Sending, Instant)>,
}

/// What is written in one go, or in segments.
#[derive(Debug)]
pub struct Write {
    /// The messages.
    pub batch: Batch,
    split: Option<usize>,
}

impl Outgoing {
    /// No message yet.
    pub fn new(schedule: FaultSchedule) -> Outgoing {
        Outgoing {
            schedule,
            latest: None,
            queue: VecDeque::new(),
            held: None,
        }
    }

    /// Whether a message may have to wait for the next one.
    pub fn may_hold(&self) -> bool {
        self.schedule.may_glue()
    }

    /// Decides what happens to the next message.
    pub fn decide(&mut self, bytes: Vec<u8>, is_secret: bool, now: Instant) -> Sending {
        let decision = self.schedule.next_decision();
        let mut before = self.queue.iter().rev();
        let may_hold = match before.find(|sending| sending.copies() > 0) {
            // What finds another held is what that one waits for.
            Some(last) => !last.is_held(),
            None => self.held.is_none(),
        };
        let sending = Sending::new(bytes, is_secret, decision, may_hold, now, self.latest);
        if !sending.is_lost() {
            self.latest = Some(sending.due);
        }
        sending
    }

    /// Queues a message.
    pub fn push(&mut self, sending: Sending) {
        self.queue.push_back(sending);
    }

    /// Queues bytes to which no fault does anything, behind the messages before them.
    pub fn push_unaffected(&mut self, bytes: Vec<u8>, now: Instant) {
        let due = self.latest.map_or(now, |latest| latest.max(now));
        self.latest = Some(due);
        self.push(Sending::unaffected(bytes, false, due));
    }

    /// What is queued.
    pub fn queue(&self) -> &VecDeque<Sending> {
        &self.queue
    }

    /// All that is queued, in order, whenever it is due.
    pub fn take_queue(&mut self) -> VecDeque<Sending> {
        std::mem::take(&mut self.queue)
    }

    /// The first that is queued, if it is due.
    pub fn pop_due(&mut self, now: Instant) -> Option<Sending> {
        if self.queue.front()?.due > now {
            return None;
        }
        self.queue.pop_front()
    }

    /// What is written of this message now, if anything, and how the connection ends then, if it does.
    pub fn write(&mut self, sending: Sending, now: Instant) -> (Option<Write>, Option<Break>) {
        let (copies, end) = (sending.copies(), sending.end());
        if copies == 0 {
            return (None, end);
        }
        if sending.is_held() {
            self.held = Some((sending, now + GLUE_WAIT));
            return (None, None);
        }
        let held = self.take_held();
        // What goes in one segment with another is not split.
        let split = sending.split().filter(|_| held.is_none());
        let mut batch = held.unwrap_or_default();
        for _ in 0..copies {
            batch.bytes.extend(sending.written());
            batch.add_message(sending.bytes.len(), sending.is_secret);
        }
        (Some(Write { batch, split }), end)
    }

    /// What waited for the next message, which is not coming.
    pub fn take_held(&mut self) -> Option<Batch> {
        let (held, _) = self.held.take()?;
        Some(Batch::of(held.bytes, held.is_secret))
    }

    /// What waited for the next message, if it waited long enough.
    pub fn take_overdue(&mut self, now: Instant) -> Option<Batch> {
        self.held_until().filter(|until| *until <= now)?;
        self.take_held()
    }

    /// Until when a message waits for the next one, if one does.
    pub fn held_until(&self) -> Option<Instant> {
        self.held.as_ref().map(|(_, until)| *until)
    }
}

impl Write {
    /// The segments it is written in, and how long to wait before each.
    pub fn segments(&self) -> impl Iterator<Item = (Duration, &[u8])> {
        segments(&self.batch.bytes, self.split)
    }
}

impl From<Batch> for Write {
    fn from(batch: Batch) -> Write {
        Write { batch, split: None }
    }
}

/// Waits until then; not at all when that is past.
pub fn wait_until(due: Instant) {
    std::thread::sleep(due.saturating_duration_since(Instant::now()));
}
