//! Who is ended when all places are taken and one more peer comes: a rule over what is known, which
//! touches no connection.
//!
//! Each service has a share of the places. One that has less than its share takes what it needs;
//! the services that have more give it. Among their connections, the source that has most gives
//! one: of its connections that never said anything or of those that did, whichever are more, the
//! one that has been quiet longest. A peer that said something and is alone at its source is
//! spared, unless a service would stay below its share for it.
//!
//! So one source cannot keep another out, nor one service another, and a silent peer keeps out
//! none. Many people behind one address are one source here: they are the first to give, but they
//! give the connection that is used least, and none before all places are taken.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};

/// Where connections come from, as far as places are shared: an IPv4 address, or the 64 bits of an
/// IPv6 network. One host has all addresses of such a network to choose from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Source(pub IpAddr);

impl From<IpAddr> for Source {
    fn from(address: IpAddr) -> Source {
        Source(match address.to_canonical() {
            IpAddr::V6(address) if !address.is_loopback() => {
                let network = address.to_bits() & !u128::from(u64::MAX);
                Ipv6Addr::from_bits(network).into()
            }
            address => address,
        })
    }
}

/// How the places are shared between the services.
#[derive(Debug, Clone)]
pub struct Shares {
    places: usize,
    parts: Vec<(&'static str, usize)>,
}

impl Shares {
    /// Shares so many places between services, each named with its parts of the whole.
    pub fn new(places: usize, parts: Vec<(&'static str, usize)>) -> Shares {
        Shares { places, parts }
    }

    /// All places.
    pub fn places(&self) -> usize {
        self.places
    }

    /// Of so many places, those that a service has before others: all shares together are at most
    /// all places.
    fn of(&self, service: &str, places: usize) -> usize {
        let all: usize = self.parts.iter().map(|(_, parts)| parts).sum();
        let of_it = self.parts.iter().filter(|(name, _)| *name == service);
        let parts: usize = of_it.map(|(_, parts)| parts).sum();
        places * parts / all.max(1)
    }
}

/// A peer that needs a place.
#[derive(Debug, Clone, Copy)]
pub struct Newcomer {
    /// The service that it comes for; `None` for one of those that are open, which needs something
    /// else that the operating system does not grant.
    pub service: Option<&'static str>,
    /// Where it comes from; `None` when it could not be accepted yet.
    pub source: Option<Source>,
}

/// What is known of an open connection.
#[derive(Debug, Clone, Copy)]
pub struct Known {
    /// Its number; an older connection has a smaller one.
    pub id: u64,
    /// The service that it came for.
    pub service: &'static str,
    /// Where it comes from.
    pub source: Source,
    /// Whether it ever said anything.
    pub has_spoken: bool,
    /// When it said something last, or was opened, on a clock that all of them share.
    pub quiet_since: u64,
}

/// The connection to end for the newcomer, by its number; `None` when it gets no place.
///
/// It is asked when all places are taken, or when the operating system grants no more than those
/// that are open.
pub fn choose_evicted(open: &[Known], newcomer: Newcomer, shares: &Shares) -> Option<u64> {
    let mut taken = HashMap::new();
    for service in open.iter().map(|it| it.service).chain(newcomer.service) {
        *taken.entry(service).or_insert(0) += 1;
    }
    let all: usize = taken.values().sum();
    let places = all.saturating_sub(1).min(shares.places);
    taken.retain(|service, taken| *taken > shares.of(service, places));
    let has_its_share = newcomer.service.is_none_or(|it| taken.contains_key(it));
    let givers = || open.iter().filter(|it| taken.contains_key(it.service));

    let mut crowds: HashMap<Source, Crowd> = HashMap::new();
    if let Some(source) = newcomer.source.filter(|_| has_its_share) {
        crowds.entry(source).or_default().all += 1;
    }
    for giver in givers() {
        let crowd = crowds.entry(giver.source).or_default();
        crowd.all += 1;
        crowd.alike[usize::from(giver.has_spoken)] += 1;
    }
    let rank = |giver: &Known| {
        let Crowd { all, alike } = crowds.get(&giver.source).copied().unwrap_or_default();
        let alike = alike[usize::from(giver.has_spoken)];
        let longest_quiet = Reverse((giver.quiet_since, giver.id));
        (all, alike, longest_quiet)
    };
    let is_spared = |giver: &Known| has_its_share && giver.has_spoken && rank(giver).0 == 1;
    let gone = givers()
        .filter(|it| !is_spared(it))
        .max_by_key(|it| rank(it));
    gone.map(|it| it.id)
}

/// The connections of one source.
#[derive(Debug, Clone, Copy, Default)]
struct Crowd {
    /// The newcomer too.
    all: usize,
    /// Those that never said anything, and those that did.
    alike: [usize; 2],
}

#[cfg(test)]
mod tests;
