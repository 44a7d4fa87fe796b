//! The lease of a server: until when it counts as there, without another word of it.

use std::time::{Duration, Instant};

/// When this server's lease was renewed.
#[derive(Debug)]
pub struct Lease {
    length: Duration,
    /// The last time, and since when there was no gap.
    renewed: Option<(Instant, Instant)>,
}

impl Lease {
    /// One of this length, which was not renewed yet.
    pub fn new(length: Duration) -> Lease {
        Lease {
            length,
            renewed: None,
        }
    }

    /// When it is to be renewed: three times before it expires.
    pub fn due(&self) -> Instant {
        match self.renewed {
            Some((last, _)) => last + self.length / 3,
            None => Instant::now(),
        }
    }

    /// It was renewed, at this moment or a little later.
    pub fn was_renewed(&mut self, now: Instant) {
        let without_gap = self
            .renewed
            .filter(|(last, _)| now.saturating_duration_since(*last) < self.length * 2 / 3);
        let since = without_gap.map_or(now, |(_, since)| since);
        self.renewed = Some((now, since));
    }

    /// It cannot be renewed.
    pub fn has_gap(&mut self) {
        self.renewed = None;
    }

    /// Whether it was renewed for a whole lease without a gap: then Redis was there for as long, and
    /// servers that did not renew theirs are gone. After Redis was away, each has that long to come
    /// back.
    pub fn is_without_gap(&self) -> bool {
        let whole = |(last, since): (Instant, Instant)| last - since > self.length;
        let soon = |(last, _): (Instant, Instant)| last.elapsed() < self.length * 2 / 3;
        self.renewed
            .is_some_and(|renewed| whole(renewed) && soon(renewed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn others_are_removed_only_after_a_whole_lease_without_a_gap() {
        let (length, start) = (Duration::from_secs(3600), Instant::now());
        let mut lease = Lease::new(length);
        assert!(lease.due() <= Instant::now());
        // In times to come, since a computer may have been started just now.
        let at = |minutes: u64| start + Duration::from_secs(60 * minutes);
        for minute in [0, 20, 40, 60] {
            lease.was_renewed(at(minute));
            assert!(!lease.is_without_gap());
        }
        lease.was_renewed(at(80));
        assert!(lease.is_without_gap());
        assert_eq!(lease.due(), at(100));
        // Redis was away for a while, or this server was.
        lease.was_renewed(at(121));
        assert!(!lease.is_without_gap());
        for minute in [140, 160, 180] {
            lease.was_renewed(at(minute));
        }
        assert!(!lease.is_without_gap());
        lease.was_renewed(at(200));
        assert!(lease.is_without_gap());
        lease.has_gap();
        assert!(!lease.is_without_gap());
    }

    #[test]
    fn one_that_was_not_renewed_of_late_is_not_without_a_gap() {
        let mut lease = Lease::new(Duration::from_millis(30));
        let start = Instant::now();
        while !lease.is_without_gap() {
            lease.was_renewed(Instant::now());
            assert!(start.elapsed() < Duration::from_secs(60));
        }
        std::thread::sleep(Duration::from_millis(21));
        assert!(!lease.is_without_gap());
    }
}
