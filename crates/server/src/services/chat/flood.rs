//! How fast one connection may ask: a burst, then a rate. Requests above it are read later, which
//! the sender's operating system notices when its buffer is full; only a member that goes on
//! sending all the same, for long, is removed.

use std::time::{Duration, Instant};

use crate::token_bucket::TokenBucket;

/// Requests that are taken at once: a person who pastes a verse, a client that joins and asks.
const BURST: u32 = 20;

/// From one request to the next once the burst is used up. Ten lines a second is more than a person
/// types or reads, and in a room of 200 each line is written 200 times.
const INTERVAL: Duration = Duration::from_millis(100);

/// How long a member may be throttled without a pause. A person who pasted 600 lines meets it;
/// a client that waits for each answer never does.
const MAX_THROTTLED: Duration = Duration::from_secs(60);

/// What one connection has asked of late.
#[derive(Debug)]
pub struct Flood {
    bucket: TokenBucket,
    held_since: Option<Instant>,
}

impl Default for Flood {
    fn default() -> Flood {
        Flood {
            bucket: TokenBucket::new(BURST, INTERVAL),
            held_since: None,
        }
    }
}

impl Flood {
    /// A request came: how long to hold it back.
    pub fn hold(&mut self, now: Instant) -> Duration {
        self.bucket.take(now)
    }

    /// A request was held back, or not, and its sender went on sending meanwhile, or not: whether
    /// that has gone on for too long.
    pub fn is_persistent(&mut self, held: bool, sends_on: bool, now: Instant) -> bool {
        if !(held && sends_on) {
            self.held_since = None;
            return false;
        }
        let since = *self.held_since.get_or_insert(now);
        now.saturating_duration_since(since) >= MAX_THROTTLED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_who_sends_on_for_long_is_persistent() {
        let (mut flood, start) = (Flood::default(), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!flood.is_persistent(true, true, at(0)));
        assert!(!flood.is_persistent(true, true, at(59)));
        assert!(flood.is_persistent(true, true, at(60)));

        let mut waits = Flood::default();
        for second in 0..600 {
            assert!(!waits.is_persistent(true, second % 50 != 0, at(second)));
        }
    }
}
