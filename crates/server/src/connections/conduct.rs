//! How the connections of each source behave: one that opens many which never ask for anything is
//! slowed, and then refused, before it costs others anything.
//!
//! Each connection takes a token of its source, and gives it back with its first request, or when it
//! is [evicted](super::eviction) without having had to wait: silence has its own rule. What stays
//! taken is what came to nothing: connections that were closed again, or sent what is no request. Of
//! those a source may have as many at once as there are places, and then so many a second. The next
//! ones wait for their tokens, each in its own thread, and those that would wait too long are
//! refused.
//!
//! So a class behind one address may come all at once, as often as it likes, as long as it asks for
//! something; connections that are open are not touched; and who comes new from an address that
//! floods shares its wait, but no other address does.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use super::eviction::Source;
use crate::token_bucket::TokenBucket;

/// From one connection that may come to nothing to the next, once as many did as there are places:
/// 50 a second are far above what a person causes, and cost a hundredth of a core.
const INTERVAL: Duration = Duration::from_millis(20);

/// The longest wait of a connection: a client waits so long for an answer without thinking that the
/// server is gone. It also bounds the threads that wait, to a hundred for each source.
pub const MAX_WAIT: Duration = Duration::from_secs(2);

/// Sources that are watched at once. Beyond that, those that owe nothing are forgotten, and if all
/// owe something, new ones are not watched.
const WATCHED: usize = 4_096;

/// What was seen of all sources.
#[derive(Debug)]
pub struct Conduct {
    /// How many connections of a source may come to nothing at once.
    burst: u32,
    sources: HashMap<Source, Watched>,
}

#[derive(Debug)]
struct Watched {
    bucket: TokenBucket,
    /// What was said of it since it owed nothing.
    said: Option<News>,
}

/// What happens to a source for the first time since it owed nothing: to be logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum News {
    /// Its new connections wait.
    Slowed,
    /// They are refused.
    Refused,
}

impl Conduct {
    /// Of sources that may have so many connections at once.
    pub fn new(places: usize) -> Conduct {
        Conduct {
            burst: u32::try_from(places).unwrap_or(u32::MAX).max(1),
            sources: HashMap::new(),
        }
    }

    /// Whether one more connection of this source is refused.
    pub fn refuses(&self, source: Source, now: Instant) -> bool {
        let watched = self.sources.get(&source);
        watched.is_some_and(|it| it.bucket.wait(now) > MAX_WAIT)
    }

    /// A connection of this source comes: how long it has to wait.
    pub fn take(&mut self, source: Source, now: Instant) -> Duration {
        if self.sources.len() >= WATCHED && !self.sources.contains_key(&source) {
            self.sources
                .retain(|_, watched| !watched.bucket.is_full(now));
            if self.sources.len() >= WATCHED {
                return Duration::ZERO;
            }
        }
        let burst = self.burst;
        let watched = self.sources.entry(source).or_insert_with(|| Watched {
            bucket: TokenBucket::new(burst, INTERVAL),
            said: None,
        });
        if watched.bucket.is_full(now) {
            watched.said = None;
        }
        watched.bucket.take(now)
    }

    /// A connection of this source has asked for something, or gave way to another.
    pub fn give_back(&mut self, source: Source) {
        if let Some(watched) = self.sources.get_mut(&source) {
            watched.bucket.give_back();
        }
    }

    /// Whether this is news of the source.
    pub fn is_new(&mut self, source: Source, news: News) -> bool {
        let Some(watched) = self.sources.get_mut(&source) else {
            return false;
        };
        let is_new = watched.said < Some(news);
        watched.said = watched.said.max(Some(news));
        is_new
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;

    fn source(number: u32) -> Source {
        IpAddr::V4(number.into()).into()
    }

    /// A connection that comes to nothing: how long it waited, or `None` when it was refused.
    fn come(conduct: &mut Conduct, from: u32, now: Instant) -> Option<Duration> {
        let is_refused = conduct.refuses(source(from), now);
        (!is_refused).then(|| conduct.take(source(from), now))
    }

    #[test]
    fn a_flood_is_slowed_and_then_refused_and_no_other_source_is() {
        let (mut conduct, now) = (Conduct::new(10), Instant::now());
        for _ in 0..10 {
            assert_eq!(come(&mut conduct, 1, now), Some(Duration::ZERO));
        }
        let waits: Vec<_> = (0..1_000)
            .map_while(|_| come(&mut conduct, 1, now))
            .collect();
        assert!(waits.is_sorted());
        assert_eq!(waits[0], INTERVAL);
        assert_eq!(*waits.last().unwrap(), MAX_WAIT);
        assert_eq!(come(&mut conduct, 1, now), None);
        assert_eq!(come(&mut conduct, 2, now), Some(Duration::ZERO));
        // One is let in as each wait is over, and after a pause all is well.
        assert!(come(&mut conduct, 1, now + INTERVAL).is_some());
        assert_eq!(come(&mut conduct, 1, now + INTERVAL), None);
        let later = now + 3 * MAX_WAIT;
        assert_eq!(come(&mut conduct, 1, later), Some(Duration::ZERO));
    }

    #[test]
    fn connections_that_ask_for_something_are_never_slowed() {
        let (mut conduct, now) = (Conduct::new(10), Instant::now());
        for _ in 0..10_000 {
            for _ in 0..10 {
                assert_eq!(come(&mut conduct, 1, now), Some(Duration::ZERO));
            }
            (0..10).for_each(|_| conduct.give_back(source(1)));
        }
    }

    #[test]
    fn it_is_said_once_until_all_is_well_again() {
        let (mut conduct, now) = (Conduct::new(1), Instant::now());
        let news = |conduct: &mut Conduct| {
            [News::Slowed, News::Refused, News::Slowed].map(|it| conduct.is_new(source(1), it))
        };
        assert_eq!(news(&mut conduct), [false; 3], "it was never seen");
        conduct.take(source(1), now);
        assert_eq!(news(&mut conduct), [true, true, false]);
        conduct.take(source(1), now);
        assert_eq!(news(&mut conduct), [false; 3]);
        conduct.take(source(1), now + MAX_WAIT);
        assert_eq!(news(&mut conduct), [true, true, false]);
    }

    #[test]
    fn many_sources_do_not_fill_the_memory() {
        let (mut conduct, now) = (Conduct::new(1), Instant::now());
        for number in 0..2 * WATCHED as u32 {
            conduct.take(source(number), now);
        }
        assert_eq!(conduct.sources.len(), WATCHED);
        conduct.take(source(u32::MAX), now + MAX_WAIT);
        assert_eq!(conduct.sources.len(), 1);
    }
}
