//! The rate of the log: so many lines of one kind about one address, and so many about all of them.
//! A kind is the place in the program that says it.
//!
//! Otherwise a peer could fill a disk with what is logged about it, forty times as fast as it
//! sends.

use std::collections::HashMap;
use std::fmt::Debug;
use std::hash::Hash;
use std::net::{IpAddr, SocketAddr};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id};
use tracing::{Event, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;
use tracing_subscriber::registry::LookupSpan;

use super::{Entry, Kind, Log};
use crate::connections::eviction::Source;

/// Lines of one kind about one address in each [`WINDOW`], by default: more than a
/// person reads, and than one client of a lab causes by hand.
pub const LINES: u32 = 100;

/// How long lines are counted together.
pub const WINDOW: Duration = Duration::from_secs(10);

/// So many times as many lines are logged about all addresses together: a class without
/// a flood. The log then grows by some 15 KiB a second for each kind, whatever comes.
const ALL: u32 = 10;

/// Kinds and addresses whose lines are counted at once. Beyond that, new addresses are counted
/// together.
const COUNTED: usize = 4_096;

/// Leaves out what is above the rate.
pub struct Rated(pub Log);

/// What was logged of late.
pub struct Rates<C> {
    most: u32,
    counted: HashMap<(C, Option<IpAddr>), Window>,
    swept: Option<Instant>,
}

struct Window {
    began: Instant,
    lines: u32,
    left_out: u64,
    /// What the lines that were left out say.
    message: String,
}

impl<C: Clone + Eq + Hash> Rates<C> {
    /// Nothing was logged yet; so many lines may be about one address.
    pub fn new(most: u32) -> Rates<C> {
        Rates {
            most,
            counted: HashMap::new(),
            swept: None,
        }
    }

    /// Whether a line from this place in the program about this address may be logged now. What is
    /// to be logged before it goes to `before`.
    pub(super) fn allow(
        &mut self,
        (place, peer): (C, Option<IpAddr>),
        now: Instant,
        message: impl Fn() -> String,
        before: &mut Vec<Entry>,
    ) -> bool {
        if now.saturating_duration_since(*self.swept.get_or_insert(now)) >= WINDOW {
            self.swept = Some(now);
            self.counted.retain(|(_, peer), window| {
                let is_over = window.is_over(now);
                if is_over {
                    before.extend(window.take_left_out(*peer));
                }
                !is_over
            });
        }
        for peer in peer.map(Some).into_iter().chain([None]) {
            let most = match peer {
                Some(_) => self.most,
                None => self.most.saturating_mul(ALL),
            };
            let key = (place.clone(), peer);
            if peer.is_some() && self.counted.len() >= COUNTED && !self.counted.contains_key(&key) {
                continue;
            }
            let window = self.counted.entry(key).or_insert_with(|| Window::new(now));
            if window.is_over(now) {
                before.extend(window.take_left_out(peer));
                *window = Window::new(now);
            }
            if window.lines < most {
                window.lines += 1;
                continue;
            }
            if window.left_out == 0 {
                window.message = message();
                before.push(Entry::LeavesOut(window.kind(peer)));
            }
            window.left_out += 1;
            return false;
        }
        true
    }

    /// What was left out and is not logged yet.
    pub(super) fn take_left_out(&mut self) -> Vec<Entry> {
        let left_out = self.counted.iter_mut();
        left_out
            .filter_map(|((_, peer), window)| window.take_left_out(*peer))
            .collect()
    }
}

impl Window {
    fn new(began: Instant) -> Window {
        Window {
            began,
            lines: 0,
            left_out: 0,
            message: String::new(),
        }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= WINDOW
    }

    fn kind(&self, peer: Option<IpAddr>) -> Kind {
        Kind {
            message: self.message.clone(),
            peer,
        }
    }

    fn take_left_out(&mut self, peer: Option<IpAddr>) -> Option<Entry> {
        let lines = std::mem::take(&mut self.left_out);
        (lines > 0).then(|| Entry::LeftOut(self.kind(peer), lines))
    }
}

/// The address that a span is about.
struct Peer(IpAddr);

impl<S: Subscriber + for<'s> LookupSpan<'s>> Layer<S> for Rated {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut looked = Looked::default();
        attributes.record(&mut looked);
        if let (Some(peer), Some(span)) = (looked.peer, context.span(id)) {
            span.extensions_mut().insert(Peer(peer));
        }
    }

    fn event_enabled(&self, event: &Event<'_>, context: Context<'_, S>) -> bool {
        let mut looked = Looked::default();
        event.record(&mut looked);
        let of_span = || {
            let mut spans = context.event_scope(event)?;
            spans.find_map(|span| span.extensions().get::<Peer>().map(|peer| peer.0))
        };
        let peer = looked.peer.or_else(of_span);
        let message = || {
            let mut looked = Looked {
                wants_message: true,
                ..Looked::default()
            };
            event.record(&mut looked);
            looked.message
        };
        let kind: (Identifier, _) = (event.metadata().callsite(), peer);
        let mut before = Vec::new();
        let mut rates = self.0.rates();
        let allowed = rates.allow(kind, Instant::now(), message, &mut before);
        drop(rates);
        before
            .into_iter()
            .for_each(|entry| self.0.queue.push(entry));
        allowed
    }
}

/// What is looked for in the fields of a span or an event.
#[derive(Default)]
struct Looked {
    peer: Option<IpAddr>,
    wants_message: bool,
    message: String,
}

impl Visit for Looked {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "peer" | "sender" | "client" => {
                let address = format!("{value:?}").parse::<SocketAddr>();
                self.peer = address.ok().map(|address| Source::from(address.ip()).0);
            }
            "message" if self.wants_message => self.message = format!("{value:?}"),
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOD: &str = "bad input";

    /// What is said of so many lines: `line`, or what is logged instead.
    struct Flood {
        rates: Rates<&'static str>,
        now: Instant,
    }

    impl Flood {
        fn new(most: u32) -> Flood {
            Flood {
                rates: Rates::new(most),
                now: Instant::now(),
            }
        }

        fn from(&mut self, peer: &str, count: usize) -> Vec<String> {
            let peer = (!peer.is_empty()).then(|| peer.parse().unwrap());
            let mut said = Vec::new();
            for _ in 0..count {
                let (mut before, message) = (Vec::new(), || FLOOD.to_owned());
                let kind = (FLOOD, peer);
                let allowed = self.rates.allow(kind, self.now, message, &mut before);
                said.extend(before.iter().map(in_words));
                said.extend(allowed.then(|| "line".to_owned()));
            }
            said
        }
    }

    fn in_words(entry: &Entry) -> String {
        let about = |kind: &Kind| {
            assert_eq!(kind.message, FLOOD);
            let peer = kind.peer.map(|peer| peer.to_string());
            peer.unwrap_or("all".to_owned())
        };
        match entry {
            Entry::LeavesOut(kind) => format!("leaves out, {}", about(kind)),
            Entry::LeftOut(kind, lines) => format!("left out {lines}, {}", about(kind)),
            Entry::Line(_) | Entry::Lost(_) => panic!(),
        }
    }

    #[test]
    fn a_flood_is_logged_at_the_rate_and_what_was_left_out_is_counted() {
        let mut flood = Flood::new(2);
        let said = flood.from("10.0.0.1", 9);
        assert_eq!(said, ["line", "line", "leaves out, 10.0.0.1"]);
        assert_eq!(flood.from("10.0.0.2", 1), ["line"]);
        flood.now += WINDOW;
        assert_eq!(flood.from("10.0.0.1", 1), ["left out 7, 10.0.0.1", "line"]);
    }

    #[test]
    fn the_next_line_of_any_kind_or_the_end_counts_what_was_left_out() {
        let mut flood = Flood::new(1);
        flood.from("10.0.0.1", 3);
        flood.now += WINDOW;
        assert_eq!(flood.from("", 1), ["left out 2, 10.0.0.1", "line"]);
        flood.from("10.0.0.1", 5);
        let left_out: Vec<_> = flood.rates.take_left_out().iter().map(in_words).collect();
        assert_eq!(left_out, ["left out 4, 10.0.0.1"]);
        assert_eq!(flood.rates.take_left_out().len(), 0);
    }

    #[test]
    fn many_addresses_together_have_a_rate_too_and_do_not_fill_the_memory() {
        let mut flood = Flood::new(2);
        let mut said = Vec::new();
        for number in 0..3 * COUNTED as u32 {
            said.extend(flood.from(&IpAddr::V4(number.into()).to_string(), 1));
            assert!(flood.rates.counted.len() <= COUNTED + 1);
        }
        let expected = vec!["line"; 2 * ALL as usize];
        assert_eq!(said, [&expected[..], &["leaves out, all"]].concat());
        flood.now += WINDOW;
        let said = flood.from("10.0.0.1", 1);
        let left_out = 3 * COUNTED - 2 * ALL as usize;
        assert_eq!(said, [&format!("left out {left_out}, all"), "line"]);
    }
}
