//! The loops: threads, one a connection, that ask until enough was asked.

use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::tally::{ErrorKind, OperationError, Tally};
use crate::Error;
use crate::subject::Subject;

/// Between two attempts to connect again.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

/// A server that answers no connection for so long is gone. Without this, a bench that ends after a
/// number of requests would go on for hours, counting failures.
const MAX_SILENCE: Duration = Duration::from_secs(if cfg!(test) { 2 } else { 10 });

/// Requests of one connection that must have failed in a row besides: with few of them, 10 s are
/// soon over.
const MIN_FAILED_IN_A_ROW: u32 = 3;

/// In an open loop, how long after the end a request may still be asked. Later, it is counted as
/// [`NEVER_ASKED`].
const MAX_DELAY: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });

/// The label of a request of an open loop that was due while no connection was free.
const NEVER_ASKED: &str = "never asked, 5 s after the end";

/// How often a waiting thread checks whether it is to end.
pub const POLL_INTERVAL: Duration = Duration::from_millis(50);

/// A thread asks a blocking socket: it needs no deep stack.
pub const STACK_SIZE: usize = 512 * 1024;

/// The subject of one connection.
pub type BoxedSubject<'a, E> = Box<dyn Subject<Error = E> + 'a>;

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
struct Schedule<'a> {
    load: &'a Load,
    next: AtomicU64,
    is_interrupted: &'a (dyn Fn() -> bool + Sync),
    /// Whether one of them could not begin, so that there is nothing to measure.
    is_over: AtomicBool,
    /// What [`answered_at`](Schedule::answered_at) is counted from.
    base: Instant,
    /// When the last answer came on any connection, in milliseconds.
    answered_at: AtomicU64,
    /// Whether it ended because no connection was answered any more.
    is_silent: AtomicBool,
}

impl Schedule<'_> {
    fn answered(&self) {
        let now = self.base.elapsed().as_millis() as u64;
        self.answered_at.store(now, Ordering::Relaxed);
    }

    /// Ends it when no connection was answered for long. `in_a_row` failed on this one.
    fn failed(&self, in_a_row: u32) {
        let last = Duration::from_millis(self.answered_at.load(Ordering::Relaxed));
        if in_a_row >= MIN_FAILED_IN_A_ROW && self.base.elapsed().saturating_sub(last) > MAX_SILENCE
        {
            self.is_silent.store(true, Ordering::Relaxed);
            self.is_over.store(true, Ordering::Relaxed);
        }
    }

    /// Requests that were due and never asked, when so many were asked.
    fn never_asked(&self, asked: u64) -> u64 {
        let (Some(rate), Some(duration)) = (self.load.rate, self.load.duration) else {
            return 0;
        };
        if (self.is_interrupted)() || self.is_over.load(Ordering::Relaxed) {
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
            let is_late = end.is_some_and(|end| now >= end + MAX_DELAY);
            if (self.is_interrupted)() || self.is_over.load(Ordering::Relaxed) || is_late {
                return None;
            }
            if now >= due {
                return Some(if self.load.rate.is_some() { due } else { now });
            }
            thread::sleep((due - now).min(POLL_INTERVAL));
        }
    }
}

/// Asks on so many connections at once. `connect` sets up the one of this number.
///
/// # Errors
/// When one cannot be set up at the start.
pub fn run<'a, E: OperationError + From<Error> + Send>(
    load: &Load,
    is_interrupted: &(dyn Fn() -> bool + Sync),
    connect: impl Fn(u32) -> Result<BoxedSubject<'a, E>, E> + Sync,
) -> Result<Tally, E> {
    let schedule = Schedule {
        load,
        next: AtomicU64::new(0),
        is_interrupted,
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
            let (schedule, gate, connect) = (&schedule, &gate, &connect);
            let tell_ready = tell_ready.clone();
            let ask = move || ask(schedule, gate, &tell_ready, || connect(number));
            let thread = thread::Builder::new().stack_size(STACK_SIZE);
            match thread.spawn_scoped(scope, ask) {
                Ok(thread) => threads.push(thread),
                Err(error) => {
                    let words = format!("cannot start a thread for connection {number}: {error}");
                    failed = Some(Error::Resource(words).into());
                    schedule.is_over.store(true, Ordering::Relaxed);
                    break;
                }
            }
        }
        ready.iter().take(threads.len()).for_each(drop);
        let started = Instant::now();
        schedule.answered();
        drop(closed);
        let joined = threads.into_iter().map(|thread| {
            let lost = |_| E::from(Error::Resource("a thread ended badly".into()));
            thread.join().map_err(lost).flatten()
        });
        let joined = joined.collect::<Result<Vec<Tally>, E>>();
        (started, failed.map_or(joined, Err))
    });
    let mut all = Tally::default();
    for tally in tallies? {
        all.add(&tally);
    }
    all.elapsed = started.elapsed();
    all.was_interrupted = is_interrupted();
    let is_silent = schedule.is_silent.load(Ordering::Relaxed);
    all.fell_silent = is_silent.then_some(MAX_SILENCE);
    let never_asked = schedule.never_asked(all.asked);
    if never_asked > 0 {
        all.errors.insert(NEVER_ASKED.to_owned(), never_asked);
    }
    Ok(all)
}

/// Asks on one connection, and on another one when it is lost.
fn ask<'a, E: OperationError>(
    schedule: &Schedule,
    gate: &RwLock<()>,
    tell_ready: &Sender<()>,
    connect: impl Fn() -> Result<BoxedSubject<'a, E>, E>,
) -> Result<Tally, E> {
    let mut tally = Tally::default();
    let connect = |tally: &mut Tally| {
        let began = Instant::now();
        let connected = connect()?;
        tally.connecting.record(began.elapsed());
        Ok(connected)
    };
    let first = connect(&mut tally);
    // The thread that opens the gate waits for this.
    let _ = tell_ready.send(());
    drop(gate.read());
    if first.is_err() {
        schedule.is_over.store(true, Ordering::Relaxed);
    }
    let start = Instant::now();
    let mut connection = Some(first?);
    let mut failed_in_a_row = 0;
    while let Some(due) = schedule.next(start) {
        tally.asked += 1;
        if failed_in_a_row > 0 {
            schedule.failed(failed_in_a_row);
        }
        let connected = connection.take().map_or_else(|| connect(&mut tally), Ok);
        let mut connected = match connected {
            Ok(connected) => connected,
            Err(error) => {
                tally.failed(error.kind());
                failed_in_a_row += 1;
                thread::sleep(RECONNECT_PAUSE);
                continue;
            }
        };
        match perform(connected.as_mut()) {
            Ok(true) => {
                tally.latency.record(due.elapsed());
                schedule.answered();
                failed_in_a_row = 0;
            }
            Ok(false) => {
                tally.error("timeout");
                failed_in_a_row += 1;
            }
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => break,
                refused @ ErrorKind::Refused(_) => {
                    tally.failed(refused);
                    schedule.answered();
                }
                lost => {
                    tally.failed(lost);
                    // Over UDP, a server that is gone is noticed only here.
                    if failed_in_a_row > 0 {
                        thread::sleep(RECONNECT_PAUSE);
                    }
                    failed_in_a_row += 1;
                    continue;
                }
            },
        }
        connection = Some(connected);
    }
    Ok(tally)
}

/// Performs one operation: whether it was answered in time.
fn perform<E>(connection: &mut dyn Subject<Error = E>) -> Result<bool, E> {
    if connection.perform()?.given_up_after.is_none() {
        return Ok(true);
    }
    connection.after_given_up()?;
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::subject::Performed;
    use std::sync::atomic::AtomicU32;

    /// A connection whose operations are answered, or not, or fail, as this says.
    struct Scripted<F>(F);

    impl<F: FnMut() -> Result<bool, ErrorKind>> Subject for Scripted<F> {
        type Error = ErrorKind;

        fn perform(&mut self) -> Result<Performed, ErrorKind> {
            let is_answered = (self.0)()?;
            Ok(Performed {
                given_up_after: (!is_answered).then_some(1),
                ..Performed::default()
            })
        }
    }

    impl OperationError for ErrorKind {
        fn kind(&self) -> ErrorKind {
            *self
        }
    }

    impl From<Error> for ErrorKind {
        fn from(_: Error) -> ErrorKind {
            ErrorKind::Other
        }
    }

    fn scripted<'a>(
        perform: impl FnMut() -> Result<bool, ErrorKind> + 'a,
    ) -> Result<BoxedSubject<'a, ErrorKind>, ErrorKind> {
        Ok(Box::new(Scripted(perform)))
    }

    fn never() -> bool {
        false
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
            let tally = run(&load(rate), &never, |_| {
                set_ups.fetch_add(1, Ordering::Relaxed);
                scripted(|| match visits.fetch_add(1, Ordering::Relaxed) {
                    3 => Ok(false),
                    5 => Err(ErrorKind::Lost),
                    _ => Ok(true),
                })
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
        let stalled = Load {
            connections: 1,
            ..load(Some(1000.0))
        };
        let tally = run(&stalled, &never, |_| {
            let mut has_stalled = false;
            scripted(move || {
                if !std::mem::replace(&mut has_stalled, true) {
                    thread::sleep(Duration::from_millis(200));
                }
                Ok(true)
            })
        });
        // The k-th was due after k ms and asked after 200 at the earliest.
        let median = tally.unwrap().latency.json()["p50"].as_f64().unwrap();
        assert!(median >= 140.0, "{median} ms");
    }

    #[test]
    fn in_an_open_loop_what_was_due_and_never_asked_is_counted() {
        let overload = Load {
            connections: 2,
            requests: None,
            duration: Some(Duration::from_millis(100)),
            rate: Some(1000.0),
        };
        let tally = run(&overload, &never, |_| {
            scripted(|| {
                thread::sleep(MAX_DELAY + Duration::from_millis(200));
                Ok(true)
            })
        });
        let tally = tally.unwrap();
        let asked = tally.latency.len();
        assert!((1..=2).contains(&asked), "{asked}");
        assert_eq!(tally.errors[NEVER_ASKED], 100 - asked);
        assert_eq!(tally.errors.len(), 1);
    }

    #[test]
    fn a_server_that_answers_nobody_any_more_ends_it() {
        let endless = Load {
            requests: Some(u64::MAX),
            ..load(None)
        };
        let set_ups = AtomicU32::new(0);
        let tally = run(&endless, &never, |_| {
            let mut is_gone = set_ups.fetch_add(1, Ordering::Relaxed) >= 3;
            scripted(move || match std::mem::replace(&mut is_gone, true) {
                false => Ok(true),
                true => Err(ErrorKind::Lost),
            })
        });
        let tally = tally.unwrap();
        assert_eq!(tally.latency.len(), 3);
        assert_eq!(tally.fell_silent, Some(MAX_SILENCE));
        assert_eq!(tally.errors.keys().collect::<Vec<_>>(), ["connection lost"]);
    }

    #[test]
    fn a_connection_that_cannot_be_set_up_at_the_start_ends_it() {
        let failed = run(&load(None), &never, |number| match number {
            2 => Err(ErrorKind::Unreachable),
            _ => scripted(|| Ok(true)),
        });
        assert_eq!(failed.unwrap_err(), ErrorKind::Unreachable);
    }

    #[test]
    fn an_interrupt_ends_it_with_what_is_done() {
        let tally = run(&load(None), &|| true, |_| scripted(|| Ok(true))).unwrap();
        assert!(tally.was_interrupted);
        assert_eq!(tally.latency.len(), 0);
    }
}
