//! What one direction of a connection through the proxy needs under faults: the messages that are
//! late, and how long a part of one is held.

use std::time::{Duration, Instant};

use wire::fault::FaultSchedule;
use wire::fault::outgoing::Outgoing;

/// Late messages in one direction beyond which nothing is read, and their bytes. What one read
/// returned always fits.
const LATE: usize = 4_096;
const LATE_BYTES: usize = 256 * 1024;

/// What a direction needs that is under faults.
#[derive(Debug)]
pub struct PumpFaults {
    /// Its messages that are not written yet.
    pub outgoing: Outgoing,
    /// Longest time from the first byte of a message to its last.
    pub hold: Duration,
    /// When the first byte of the message that is held came.
    pub held_since: Option<Instant>,
}

impl PumpFaults {
    /// No message came yet. One that is not whole after `hold` is no longer held.
    pub fn new(schedule: FaultSchedule, hold: Duration) -> PumpFaults {
        PumpFaults {
            outgoing: Outgoing::new(schedule),
            hold,
            held_since: None,
        }
    }

    /// Whether the last message is there that is written: the connection ends with it.
    pub fn ends(&self) -> bool {
        let last = self.outgoing.queue().back();
        last.is_some_and(|last| last.end().is_some())
    }

    /// Until when nothing is read, because enough is late, or nothing may follow.
    pub fn reads_not_before(&self) -> Option<Instant> {
        let late = self.outgoing.queue();
        let bytes = || late.iter().map(|late| late.bytes.len()).sum::<usize>();
        let is_full = late.len() > LATE || bytes() > LATE_BYTES;
        self.first_due().filter(|_| is_full || self.ends())
    }

    /// When something is to be done although nothing came.
    pub fn next_deadline(&self) -> Option<Instant> {
        let held = self.held_since.map(|since| since + self.hold);
        let glued = self.outgoing.held_until();
        [held, self.first_due(), glued].into_iter().flatten().min()
    }

    /// Whether the message that is held is not whole in time.
    pub fn is_held_too_long(&self) -> bool {
        self.held_since
            .is_some_and(|since| since.elapsed() >= self.hold)
    }

    /// When the first late bytes are due.
    pub fn first_due(&self) -> Option<Instant> {
        self.outgoing.queue().front().map(|late| late.due)
    }
}
