//! The loops: threads, one a connection, that ask until enough was asked.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::tally::{NEVER_ASKED, Tally};
use super::visitors::Visitor;
use crate::failure::Failure;
use crate::interrupt::Interrupt;

/// Between two tries to connect again.
const RECONNECT: Duration = Duration::from_millis(20);

/// A server that answers nobody for so long is gone: without this, a bench that ends after so many
/// requests would go on for hours, counting failures.
const SILENCE: Duration = Duration::from_secs(10);

/// As many requests of a connection must have failed in a row: with few requests, 10 s are nothing.
const FAILED_IN_A_ROW: u32 = 3;

/// In an open loop, how late a request may be asked after the end. What is due still later is not
/// asked, and counted as such.
const LATEST: Duration = Duration::from_secs(5);

/// The longest a thread sleeps without a look whether it is to end.
const LOOK: Duration = Duration::from_millis(50);

/// A thread asks a blocking socket: it needs no deep stack.
const STACK: usize = 512 * 1024;

/// How much is asked.
#[derive(Debug, Clone)]
pub struct Load {
    /// Connections at once.
    pub connections: u32,
    /// Requests in all, if they end it.
    pub requests: Option<u64>,
    /// How long, if that ends it.
    pub duration: Option<Duration>,
    /// Requests a second over all connections, for an open loop.
    pub rate: Option<f64>,
}

/// Which request is next, and when it is due.
struct Counter<'a> {
    load: &'a Load,
    next: AtomicU64,
    interrupt: &'a Interrupt,
    /// Whether one of them could not begin, so that there is nothing to measure.
    is_over: AtomicBool,
    /// What [`answered_at`](Counter::answered_at) is counted from.
    base: Instant,
    /// When the last answer came to anybody, in milliseconds.
    answered_at: AtomicU64,
    /// Whether it ended because nobody was answered any more.
    is_silent: AtomicBool,
}

impl Counter<'_> {
    fn answered(&self) {
        let now = self.base.elapsed().as_millis() as u64;
        self.answered_at.store(now, Ordering::Relaxed);
    }

    /// Ends it when nobody was answered for long. `in_a_row` is about the connection that asks.
    fn failed(&self, in_a_row: u32) {
        let last = Duration::from_millis(self.answered_at.load(Ordering::Relaxed));
        if in_a_row >= FAILED_IN_A_ROW && self.base.elapsed().saturating_sub(last) > SILENCE {
            self.is_silent.store(true, Ordering::Relaxed);
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Requests that were due and never asked, when so many were asked.
    fn never_asked(&self, asked: u64) -> u64 {
        let (Some(rate), Some(duration)) = (self.load.rate, self.load.duration) else {
            return 0;
        };
        if self.interrupt.came() || self.is_over.load(Ordering::Relaxed) {
            return 0;
        }
        let due = (rate * duration.as_secs_f64()).ceil() as u64;
        let due = self.load.requests.map_or(due, |most| due.min(most));
        due.saturating_sub(asked)
    }

    /// The moment from which the next request is measured, after waiting for it; `None` when there
    /// are no more.
    fn next(&self, start: Instant) -> Option<Instant> {
        let number = self.next.fetch_add(1, Ordering::Relaxed);
        if self.load.requests.is_some_and(|most| number >= most) {
            return None;
        }
        let due = match self.load.rate {
            Some(rate) => start + Duration::from_secs_f64(number as f64 / rate),
            None => Instant::now(),
        };
        let end = self.load.duration.map(|duration| start + duration);
        if end.is_some_and(|end| due >= end) {
            return None;
        }
        loop {
            let now = Instant::now();
            if self.interrupt.came() || self.is_over.load(Ordering::Relaxed) {
                return None;
            }
            // Late, and late beyond the end: it was due, and nobody came to ask it in time.
            if end.is_some_and(|end| now >= end + LATEST) {
                return None;
            }
            if now >= due {
                return Some(if self.load.rate.is_some() { due } else { now });
            }
            thread::sleep((due - now).min(LOOK));
        }
    }
}

/// Asks with so many visitors at once, each on a connection of its own.
///
/// # Errors
/// When a visitor cannot be set up at the start.
pub fn run<V: Visitor>(
    load: &Load,
    interrupt: &Interrupt,
    set_up: impl Fn(u32) -> Result<V, Failure> + Sync,
) -> Result<Tally, Failure> {
    let counter = Counter {
        load,
        next: AtomicU64::new(0),
        interrupt,
        is_over: AtomicBool::new(false),
        base: Instant::now(),
        answered_at: AtomicU64::new(0),
        is_silent: AtomicBool::new(false),
    };
    // All are connected before the first asks, so that connecting is not measured with it: each
    // says that it is ready, and then waits for the gate.
    let gate = RwLock::new(());
    let (tell_ready, ready) = channel();
    let (started, tallies) = thread::scope(|scope| {
        let closed = gate.write();
        let (mut threads, mut failed) = (Vec::new(), None);
        for number in 0..load.connections {
            let (counter, gate, set_up) = (&counter, &gate, &set_up);
            let tell_ready = tell_ready.clone();
            let ask = move || visit(counter, gate, &tell_ready, || set_up(number));
            let thread = thread::Builder::new().stack_size(STACK);
            match thread.spawn_scoped(scope, ask) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    let words = format!("cannot start a thread for connection {number}: {error}");
                    failed = Some(Failure::Resource(words));
                    counter.is_over.store(true, Ordering::Relaxed);
                    break;
                }
            }
        }
        ready.iter().take(threads.len()).for_each(drop);
        let started = Instant::now();
        counter.answered();
        drop(closed);
        let joined = threads.into_iter().map(|thread| {
            let lost = |_| Failure::Resource("a thread ended badly".into());
            thread.join().map_err(lost).flatten()
        });
        let joined = joined.collect::<Result<Vec<Tally>, Failure>>();
        (started, failed.map_or(joined, Err))
    });
    let mut all = Tally::default();
    for tally in tallies? {
        all.add(&tally);
    }
    all.elapsed = started.elapsed();
    all.was_interrupted = interrupt.came();
    all.fell_silent = counter.is_silent.load(Ordering::Relaxed).then_some(SILENCE);
    let never_asked = counter.never_asked(all.asked);
    if never_asked > 0 {
        all.errors.insert(NEVER_ASKED.to_owned(), never_asked);
    }
    Ok(all)
}

/// One connection's part.
fn visit<V: Visitor>(
    counter: &Counter,
    gate: &RwLock<()>,
    tell_ready: &Sender<()>,
    set_up: impl Fn() -> Result<V, Failure>,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    let began = Instant::now();
    let first = set_up();
    tally.connected(began.elapsed());
    // Whoever opens the gate waits for this.
    let _ = tell_ready.send(());
    drop(gate.read());
    if first.is_err() {
        counter.is_over.store(true, Ordering::Relaxed);
    }
    let start = Instant::now();
    let mut visitor = Some(first?);
    let mut failed_in_a_row = 0;
    while let Some(due) = counter.next(start) {
        tally.asked += 1;
        if failed_in_a_row > 0 {
            counter.failed(failed_in_a_row);
        }
        let mut present = match visitor.take() {
            Some(present) => present,
            None => {
                let began = Instant::now();
                match set_up() {
                    Ok(present) => {
                        tally.connected(began.elapsed());
                        present
                    }
                    Err(failure) => {
                        tally.failed(&failure);
                        failed_in_a_row += 1;
                        thread::sleep(RECONNECT);
                        continue;
                    }
                }
            }
        };
        match present.visit() {
            Ok(true) => {
                tally.answered(due.elapsed());
                counter.answered();
                failed_in_a_row = 0;
                visitor = Some(present);
            }
            Ok(false) => {
                tally.timed_out();
                failed_in_a_row += 1;
                visitor = Some(present);
            }
            Err(Failure::Interrupted) => {
                visitor = Some(present);
                break;
            }
            Err(failure) => {
                tally.failed(&failure);
                match failure {
                    // The conversation goes on.
                    Failure::Refused(_) => {
                        counter.answered();
                        visitor = Some(present);
                    }
                    _ => {
                        tally.withdrawn += present.withdrawn();
                        // Over UDP, a server that is gone is noticed only here.
                        if failed_in_a_row > 0 {
                            thread::sleep(RECONNECT);
                        }
                        failed_in_a_row += 1;
                    }
                }
            }
        }
    }
    tally.withdrawn += visitor.map_or(0, |present| present.withdrawn());
    Ok(tally)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU32;

    struct Counting<'a>(&'a AtomicU64);

    impl Visitor for Counting<'_> {
        fn visit(&mut self) -> Result<bool, Failure> {
            let number = self.0.fetch_add(1, Ordering::Relaxed);
            match number {
                3 => Ok(false),
                5 => Err(Failure::Lost("gone".into())),
                _ => Ok(true),
            }
        }
    }

    fn load(rate: Option<f64>) -> Load {
        Load {
            connections: 3,
            requests: Some(100),
            duration: None,
            rate,
        }
    }

    #[test]
    fn every_request_is_made_once_in_either_loop_and_errors_are_told_apart() {
        for rate in [None, Some(10_000.0)] {
            let (visits, set_ups) = (AtomicU64::new(0), AtomicU32::new(0));
            let tally = run(&load(rate), &Interrupt::default(), |_| {
                set_ups.fetch_add(1, Ordering::Relaxed);
                Ok(Counting(&visits))
            });
            let tally = tally.unwrap();
            assert_eq!(visits.into_inner(), 100);
            assert_eq!(tally.latency.len(), 98);
            let errors: Vec<_> = tally.errors.into_iter().collect();
            assert_eq!(
                errors,
                [("connection lost".into(), 1), ("timeout".into(), 1)]
            );
            let connected = set_ups.into_inner();
            assert!((3..=4).contains(&connected), "{connected}");
            assert_eq!(tally.connecting.len(), u64::from(connected));
        }
    }

    #[test]
    fn in_an_open_loop_a_stall_counts_for_all_that_was_due_meanwhile() {
        struct Stalling(bool);
        impl Visitor for Stalling {
            fn visit(&mut self) -> Result<bool, Failure> {
                if !std::mem::replace(&mut self.0, true) {
                    thread::sleep(Duration::from_millis(200));
                }
                Ok(true)
            }
        }
        let stalled = Load {
            connections: 1,
            ..load(Some(1000.0))
        };
        let tally = run(&stalled, &Interrupt::default(), |_| Ok(Stalling(false))).unwrap();
        // The k-th was due after k ms and asked after 200 at the earliest.
        let median = tally.latency.value_at_quantile(0.5);
        assert!(median >= 140_000_000, "{median} ns");
    }

    #[test]
    fn in_an_open_loop_what_was_due_and_never_asked_is_counted() {
        struct Slow;
        impl Visitor for Slow {
            fn visit(&mut self) -> Result<bool, Failure> {
                thread::sleep(LATEST + Duration::from_millis(200));
                Ok(true)
            }
        }
        let overload = Load {
            connections: 2,
            requests: None,
            duration: Some(Duration::from_millis(100)),
            rate: Some(1000.0),
        };
        let tally = run(&overload, &Interrupt::default(), |_| Ok(Slow)).unwrap();
        let asked = tally.latency.len();
        assert!((1..=2).contains(&asked), "{asked}");
        assert_eq!(tally.errors[NEVER_ASKED], 100 - asked);
        assert_eq!(tally.errors.len(), 1);
    }

    #[test]
    fn a_server_that_answers_nobody_any_more_ends_it() {
        struct Gone(bool);
        impl Visitor for Gone {
            fn visit(&mut self) -> Result<bool, Failure> {
                match std::mem::replace(&mut self.0, true) {
                    false => Ok(true),
                    true => Err(Failure::Lost("gone".into())),
                }
            }
        }
        let endless = Load {
            requests: Some(u64::MAX),
            ..load(None)
        };
        let set_ups = AtomicU32::new(0);
        let tally = run(&endless, &Interrupt::default(), |_| {
            Ok(Gone(set_ups.fetch_add(1, Ordering::Relaxed) >= 3))
        });
        let tally = tally.unwrap();
        assert_eq!(tally.latency.len(), 3);
        assert_eq!(tally.fell_silent, Some(SILENCE));
        assert_eq!(tally.errors.keys().collect::<Vec<_>>(), ["connection lost"]);
    }

    #[test]
    fn a_visitor_that_cannot_be_set_up_at_the_start_ends_it() {
        let failed = run(&load(None), &Interrupt::default(), |number| match number {
            2 => Err(Failure::Unreachable("nobody".into())),
            _ => Ok(Counting(&NEVER)),
        });
        assert!(matches!(failed, Err(Failure::Unreachable(_))));
    }

    static NEVER: AtomicU64 = AtomicU64::new(10);

    #[test]
    fn an_interrupt_ends_it_with_what_is_done() {
        let interrupt = Interrupt::default();
        interrupt.raise();
        let tally = run(&load(None), &interrupt, |_| Ok(Counting(&NEVER))).unwrap();
        assert!(tally.was_interrupted);
        assert_eq!(tally.latency.len(), 0);
    }
}
