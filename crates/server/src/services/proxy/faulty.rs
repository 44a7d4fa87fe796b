//! What faults do to one direction of a connection through the proxy: which messages are struck,
//! and what is late.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use wire::fault::stream::Timetable;
use wire::fault::{Schedule, Verdict};
use wire::record::tap::{Struck, Tap};

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
    late: VecDeque<Late>,
    late_bytes: usize,
}

/// Bytes that are written when they are due.
#[derive(Debug)]
pub struct Late {
    /// Not before.
    pub due: Instant,
    /// What.
    pub bytes: Vec<u8>,
    /// How often they are written.
    pub copies: u8,
    /// Nothing comes after it.
    pub is_last: bool,
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
        }
    }

    /// Whether the last message is there that is written: it will be cut.
    pub fn ends(&self) -> bool {
        self.late.back().is_some_and(|late| late.is_last)
    }

    /// Until when nothing is read, because enough is late, or nothing may follow.
    pub fn reads_not_before(&self) -> Option<Instant> {
        let first = self.late.front()?;
        let is_full = self.late.len() > LATE || self.late_bytes > LATE_BYTES;
        (is_full || self.ends()).then_some(first.due)
    }

    /// The first late bytes, if they are due.
    pub fn take_due(&mut self) -> Option<Late> {
        let is_due = self.late.front()?.due <= Instant::now();
        let late = if is_due { self.late.pop_front() } else { None }?;
        self.late_bytes -= late.bytes.len();
        Some(late)
    }

    /// When something is to be done although nothing came.
    pub fn next_deadline(&self) -> Option<Instant> {
        let held = self.held_since.map(|since| since + self.hold);
        let late = self.late.front().map(|late| late.due);
        held.into_iter().chain(late).min()
    }

    /// Whether the message that is held is not whole in time.
    pub fn is_held_too_long(&self) -> bool {
        self.held_since
            .is_some_and(|since| since.elapsed() >= self.hold)
    }

    /// Bytes that make no message are not struck, and keep their place.
    pub fn loose(&mut self, bytes: Vec<u8>, came: Instant) -> Late {
        Late {
            due: self.timetable.due(came, Duration::ZERO),
            bytes,
            copies: 1,
            is_last: false,
        }
    }

    /// What is left of a message after the faults.
    pub fn strike(
        &mut self,
        mut message: Vec<u8>,
        came: Instant,
        tap: Option<&Tap>,
    ) -> Option<Late> {
        let fate = self.schedule.next_fate();
        let half = message.len() / 2;
        let struck = match fate.verdict {
            Verdict::Drop => Some(Struck::Dropped),
            Verdict::Cut => Some(Struck::Cut(half)),
            Verdict::Duplicate => Some(Struck::Duplicated),
            Verdict::Pass | Verdict::Error | Verdict::Reorder => None,
        };
        if let (Some(tap), Some(struck)) = (tap, struck) {
            tap.struck_sending(struck, &message[..]);
        }
        if fate.verdict == Verdict::Drop {
            return None;
        }
        let due = self.timetable.due(came, fate.delay);
        if let Some(tap) = tap
            && !fate.delay.is_zero()
        {
            tap.delayed(due, &message[..]);
        }
        if fate.verdict == Verdict::Cut {
            message.truncate(half);
        }
        Some(Late {
            due,
            bytes: message,
            copies: 1 + u8::from(fate.verdict == Verdict::Duplicate),
            is_last: fate.verdict == Verdict::Cut,
        })
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
    pub fn must_wait(&self, late: &Late) -> bool {
        !self.late.is_empty() || late.due > Instant::now()
    }

    /// Keeps them until they are due.
    pub fn keep(&mut self, late: Late) {
        self.late_bytes += late.bytes.len();
        self.late.push_back(late);
    }

    /// When the first late bytes are due.
    pub fn first_due(&self) -> Option<Instant> {
        self.late.front().map(|late| late.due)
    }
}
