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

    /// How long until there is a token.
    pub fn wait(&self, now: Instant) -> Duration {
        self.look(now).0
    }

    /// Puts a token back that was taken.
    pub fn give_back(&mut self) {
        self.full_at = self.full_at.and_then(|at| at.checked_sub(self.interval));
    }

    /// Whether all that was taken has been replaced.
    pub fn is_full(&self, now: Instant) -> bool {
        self.full_at.is_none_or(|at| at <= now)
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

    #[test]
    fn a_token_that_is_put_back_can_be_had_again_and_no_more_than_the_burst() {
        let now = Instant::now();
        let mut bucket = TokenBucket::new(2, INTERVAL);
        bucket.give_back();
        assert!(bucket.try_take(now) && bucket.try_take(now) && !bucket.try_take(now));
        assert_eq!((bucket.wait(now), bucket.is_full(now)), (INTERVAL, false));
        bucket.give_back();
        assert!(bucket.try_take(now) && !bucket.try_take(now));
        let later = now + 2 * INTERVAL;
        assert!(bucket.is_full(later));
        bucket.give_back();
        assert!(bucket.try_take(later) && bucket.try_take(later) && !bucket.try_take(later));
    }
}
