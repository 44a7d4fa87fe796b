//! Which side's record of a connection is taken, when both sides recorded it.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use proto::mode::Transport;
use proto::side::Side;
use record::{Channel, CloseReason, Event, EventKind, Run};

use super::packet::Pair;

/// What one side recorded of a connection, or of the datagrams between two ends.
#[derive(Debug)]
pub(super) struct View<'a> {
    pub side: Side,
    pub transport: Transport,
    pub ends: Pair,
    /// In the order in which they happened.
    pub events: Vec<&'a Event>,
    /// When each happened, in nanoseconds since 1970; never going back.
    pub times: Vec<u64>,
}

/// Each connection of these runs once.
///
/// The two sides' records of one are known by their addresses. Where both have it, that side's is
/// taken which is more complete: that has the beginning and the end, and then, that has more bytes.
pub(super) fn choose(runs: &[Run]) -> Vec<View<'_>> {
    let mut by_ends: BTreeMap<(&str, Pair), [Vec<View>; 2]> = BTreeMap::new();
    for view in runs.iter().flat_map(views_of) {
        let key = (view.transport.name(), view.ends);
        let sides = by_ends.entry(key).or_default();
        sides[usize::from(view.side == Side::Server)].push(view);
    }
    let mut chosen = Vec::new();
    for [client, server] in by_ends.into_values() {
        let completeness = |views: &[View]| {
            let each = views.iter().map(View::completeness);
            each.fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1))
        };
        let (best, mut more) = match completeness(&server) > completeness(&client) {
            true => (server, client),
            false => (client, server),
        };
        match best.len() >= more.len() {
            true => more.clear(),
            // The same ports were used again later, and then only the other side recorded it.
            false => more.retain(|view| best.iter().all(|best| !best.overlaps(view))),
        }
        chosen.extend(best);
        chosen.extend(more);
    }
    chosen.sort_by_key(|view| view.times.first().copied());
    chosen
}

fn views_of(run: &Run) -> Vec<View<'_>> {
    let started = u64::try_from(run.header.wall.as_nanosecond()).unwrap_or(0);
    let mut numbers: HashMap<&Channel, usize> = HashMap::new();
    let mut views: Vec<View> = Vec::new();
    for event in &run.events {
        let Some(channel) = &event.channel else {
            continue;
        };
        let number = *numbers.entry(channel).or_insert_with(|| {
            views.push(View {
                side: event.side,
                transport: channel.transport,
                ends: ends_of(event.side, channel),
                events: Vec::new(),
                times: Vec::new(),
            });
            views.len() - 1
        });
        views[number].events.push(event);
    }
    for view in &mut views {
        // Two threads may be at one connection, and the one that closes it need not be the last
        // to look at the clock.
        view.events
            .sort_by_key(|event| matches!(event.kind, EventKind::Closed { .. }));
        let mut latest = 0;
        view.times.extend(view.events.iter().map(|event| {
            latest = started.saturating_add(event.t).max(latest);
            latest
        }));
    }
    views.retain(View::shows_something);
    views
}

impl View<'_> {
    /// Whether it has the beginning, and the end of both directions, and how many bytes.
    fn completeness(&self) -> (usize, usize) {
        let ends = self.events.iter().map(|event| match &event.kind {
            _ if self.transport == Transport::Udp => 0,
            EventKind::Connected => 1,
            EventKind::Closed {
                how: CloseReason::End | CloseReason::Reset,
                ..
            } => 2,
            EventKind::Closed { .. } => 1,
            _ => 0,
        });
        let crossed = self.events.iter().filter_map(|event| event.kind.crossed());
        let bytes = crossed.map(|(_, bytes)| 1 + bytes.0.len());
        (ends.sum(), bytes.sum())
    }

    fn overlaps(&self, other: &View) -> bool {
        self.times.first() <= other.times.last() && other.times.first() <= self.times.last()
    }

    /// Whether there are packets of it.
    fn shows_something(&self) -> bool {
        self.events.iter().any(|event| {
            let is_made = self.transport == Transport::Tcp && event.kind == EventKind::Connected;
            is_made || event.kind.crossed().is_some()
        })
    }
}

/// The two ends, in one IP version.
fn ends_of(side: Side, channel: &Channel) -> Pair {
    let peer = channel.peer.ip().to_canonical();
    let local = match channel.local.ip().to_canonical() {
        // A socket that listens everywhere: on this machine a peer on it sees the same address.
        any if any.is_unspecified() && peer.is_loopback() => peer,
        any if any.is_unspecified() => match peer {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        },
        local => local,
    };
    let local = SocketAddr::new(local, channel.local.port());
    let peer = SocketAddr::new(peer, channel.peer.port());
    let (client, server) = match side {
        Side::Client => (local, peer),
        Side::Server => (peer, local),
    };
    Pair { client, server }
}
