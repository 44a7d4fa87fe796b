//! A limit on a rate: a burst, then one for each interval.

use std::time::{Duration, Instant};

/// What is left of a rate.
#[derive(Debug)]
pub struct TokenBucket {
    burst: u32,
    interval: Duration,
    /// When all that was taken will have been replaced.
    full_at: Option<Instant>,
}

impl TokenBucket {
    /// A full bucket, to which a token is added in each interval.
    pub fn new(burst: u32, interval: Duration) -> TokenBucket {
        TokenBucket {
            burst,
            interval,
            full_at: None,
        }
    }

    /// Takes a token, in advance if need be: how long until it is there.
    pub fn take(&mut self, now: Instant) -> Duration {
        let (wait, from) = self.look(now);
        self.full_at = Some(from + self.interval);
        wait
    }

    /// Takes a token if there is one.
    pub fn try_take(&mut self, now: Instant) -> bool {
        let is_there = self.look(now).0.is_zero();
        if is_there {
            self.take(now);
        }
        is_there
    }

    fn look(&self, now: Instant) -> (Duration, Instant) {
        let from = self.full_at.map_or(now, |at| at.max(now));
        let most = self.interval * self.burst.saturating_sub(1);
        ((from - now).saturating_sub(most), from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    #[test]
    fn a_burst_is_had_at_once_and_then_one_for_each_interval() {
        let start = Instant::now();
        let mut bucket = TokenBucket::new(20, INTERVAL);
        for burst_at in [start, start + Duration::from_secs(3600)] {
            for _ in 0..20 {
                assert_eq!(bucket.take(burst_at), Duration::ZERO);
            }
            for number in 0..5 {
                let now = burst_at + INTERVAL * number;
                assert!(!bucket.try_take(now));
                assert_eq!(bucket.take(now), INTERVAL);
            }
        }
    }
}
