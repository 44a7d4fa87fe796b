//! How fast one connection may ask: a burst, then a rate. Requests above it are read later, which
//! the sender's operating system notices when its buffer is full; only a member that goes on
//! sending all the same, for long, is removed.

use std::time::{Duration, Instant};

use crate::token_bucket::TokenBucket;

/// Requests that are taken at once: a person who pastes a verse, a client that joins and asks.
const BURST: u32 = 20;

/// How long a member may be throttled without a pause. A person who pasted 600 lines meets it;
/// a client that waits for each answer never does.
const MAX_THROTTLED: Duration = Duration::from_secs(60);

/// What one connection has asked of late.
#[derive(Debug)]
pub struct Flood {
    /// `None` sets no limit.
    bucket: Option<TokenBucket>,
    held_since: Option<Instant>,
}

impl Flood {
    /// A connection that may ask so often a second; 0 sets no limit.
    pub fn new(requests_per_second: u32) -> Flood {
        let interval = Duration::from_secs(1).checked_div(requests_per_second);
        Flood {
            bucket: interval.map(|interval| TokenBucket::new(BURST, interval)),
            held_since: None,
        }
    }

    /// A request came: how long to hold it back.
    pub fn hold(&mut self, now: Instant) -> Duration {
        let bucket = self.bucket.as_mut();
        bucket.map_or(Duration::ZERO, |bucket| bucket.take(now))
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
        let (mut flood, start) = (Flood::new(10), Instant::now());
        let at = |seconds| start + Duration::from_secs(seconds);
        assert!(!flood.is_persistent(true, true, at(0)));
        assert!(!flood.is_persistent(true, true, at(59)));
        assert!(flood.is_persistent(true, true, at(60)));

        let mut waits = Flood::new(10);
        for second in 0..600 {
            assert!(!waits.is_persistent(true, second % 50 != 0, at(second)));
        }
    }

    #[test]
    fn after_a_burst_requests_are_held_back_to_the_rate_and_without_one_never() {
        let now = Instant::now();
        let hold_of_last = |rate, requests| {
            let mut flood = Flood::new(rate);
            let holds = (0..requests).map(|_| flood.hold(now));
            holds.last().unwrap()
        };
        assert_eq!(hold_of_last(10, BURST), Duration::ZERO);
        assert_eq!(hold_of_last(10, BURST + 2), Duration::from_millis(200));
        assert_eq!(hold_of_last(1, BURST + 2), Duration::from_secs(2));
        assert_eq!(hold_of_last(0, 10_000), Duration::ZERO);
    }
}
