//! What faults do to one direction of a connection through the proxy: which messages are struck,
//! and what is late.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use record::Tap;
use wire::fault::Schedule;
use wire::fault::stream::{GLUE_WAIT, Sending, Timetable};

/// Late messages in one direction beyond which nothing is read, and their bytes. What one read
/// returned always fits.
const LATE: usize = 4_096;
const LATE_BYTES: usize = 256 * 1024;

/// What a direction needs that is under faults.
#[derive(Debug)]
pub struct Faulty {
    schedule: Schedule,
    /// Longest time from the first byte of a message to its last.
    hold: Duration,
    /// When the first byte of the message that is held came.
    held_since: Option<Instant>,
    timetable: Timetable,
    late: VecDeque<Sending>,
    late_bytes: usize,
    /// What waits for the next message, and how long at most.
    glued: Option<(Sending, Instant)>,
}

impl Faulty {
    /// No message came yet. One that is not whole after `hold` is no longer held.
    pub fn new(schedule: Schedule, hold: Duration) -> Faulty {
        Faulty {
            schedule,
            hold,
            held_since: None,
            timetable: Timetable::default(),
            late: VecDeque::new(),
            late_bytes: 0,
            glued: None,
        }
    }

    /// Whether the last message is there that is written: the connection ends with it.
    pub fn ends(&self) -> bool {
        self.late.back().is_some_and(|late| late.end.is_some())
    }

    /// Until when nothing is read, because enough is late, or nothing may follow.
    pub fn reads_not_before(&self) -> Option<Instant> {
        let first = self.late.front()?;
        let is_full = self.late.len() > LATE || self.late_bytes > LATE_BYTES;
        (is_full || self.ends()).then_some(first.due)
    }

    /// The first late bytes, if they are due.
    pub fn take_due(&mut self) -> Option<Sending> {
        let is_due = self.late.front()?.due <= Instant::now();
        let late = if is_due { self.late.pop_front() } else { None }?;
        self.late_bytes -= late.bytes.len();
        Some(late)
    }

    /// When something is to be done although nothing came.
    pub fn next_deadline(&self) -> Option<Instant> {
        let held = self.held_since.map(|since| since + self.hold);
        let late = self.late.front().map(|late| late.due);
        let glued = self.glued.as_ref().map(|(_, by)| *by);
        held.into_iter().chain(late).chain(glued).min()
    }

    /// Whether the message that is held is not whole in time.
    pub fn is_held_too_long(&self) -> bool {
        self.held_since
            .is_some_and(|since| since.elapsed() >= self.hold)
    }

    /// Bytes that make no message are not struck, and keep their place.
    pub fn loose(&mut self, bytes: Vec<u8>, came: Instant) -> Sending {
        Sending::untouched(bytes, self.timetable.due(came, Duration::ZERO))
    }

    /// What is written of a message after the faults, if anything.
    pub fn strike(
        &mut self,
        message: Vec<u8>,
        came: Instant,
        tap: Option<&Tap>,
    ) -> Option<Sending> {
        let fate = self.schedule.next_fate();
        // What finds another waiting is what that one waits for.
        let may_wait = match self.late.back() {
            Some(last) => !last.waits,
            None => self.glued.is_none(),
        };
        let timetable = &mut self.timetable;
        let due = |delay| timetable.due(came, delay);
        let sending = Sending::of(message, false, fate, may_wait, tap, due);
        (sending.copies > 0 || sending.end.is_some()).then_some(sending)
    }

    /// Has this wait for the next message.
    pub fn glue(&mut self, sending: Sending) {
        self.glued = Some((sending, Instant::now() + GLUE_WAIT));
    }

    /// What waited for the next message, which is about to be written; or for the end of the stream.
    pub fn take_glued(&mut self) -> Option<Sending> {
        self.glued.take().map(|(sending, _)| sending)
    }

    /// What waited long enough for a next message.
    pub fn take_released(&mut self) -> Option<Sending> {
        let released = self.glued.take_if(|(_, by)| *by <= Instant::now());
        released.map(|(sending, _)| sending)
    }

    /// How long a message is held.
    pub fn hold(&self) -> Duration {
        self.hold
    }

    /// The first part of a message came then, if none is held yet.
    pub fn holds_since(&mut self, came: Instant) {
        self.held_since.get_or_insert(came);
    }

    /// No part of a message is held any more.
    pub fn holds_none(&mut self) {
        self.held_since = None;
    }

    /// Whether these bytes are late, or behind some that are.
    pub fn must_wait(&self, late: &Sending) -> bool {
        !self.late.is_empty() || late.due > Instant::now()
    }

    /// Keeps them until they are due.
    pub fn keep(&mut self, late: Sending) {
        self.late_bytes += late.bytes.len();
        self.late.push_back(late);
    }

    /// When the first late bytes are due.
    pub fn first_due(&self) -> Option<Instant> {
        self.late.front().map(|late| late.due)
    }
}
