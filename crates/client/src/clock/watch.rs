//! Questions at random moments, until there were enough or Ctrl-C ends them.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use crate::failure::{Failure, Status};
use crate::interrupt::cannot_watch;
use crate::options::parse_seconds;
use crate::output::{Output, say};

/// The shortest and the longest time between two questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gap {
    pub shortest: Duration,
    pub longest: Duration,
}

pub trait Questions: Send + 'static {
    type Answer: Send;

    /// Draws the time from the next question to the one after it.
    fn gap(&mut self) -> Duration;

    /// Draws a question, and asks it.
    fn ask(&mut self) -> Result<Self::Answer, Failure>;

    fn finish(&mut self) {}
}

#[derive(Debug, Clone, Copy)]
pub struct Watched {
    /// The worst that happened.
    pub status: Status,
    pub answered: u64,
    pub was_interrupted: bool,
}

enum Event<A> {
    Asked(Result<A, Failure>),
    Finished,
    Interrupted,
}

/// Asks so often, or until Ctrl-C. Questions are asked on a thread of their own, so that Ctrl-C ends
/// it at once whatever is waited for. A lost answer is reported and the next question asked: the
/// server may be restarting.
pub fn run<Q: Questions>(
    mut questions: Q,
    count: Option<u64>,
    output: Output,
    mut show: impl FnMut(Q::Answer) -> Result<(), Failure>,
) -> Result<Watched, Failure> {
    let (events, happened) = mpsc::channel();
    let interrupt = Interrupt::take_over(events.clone())?;
    let asking = thread::Builder::new().spawn(move || {
        let mut due = Instant::now();
        for _ in 0..count.unwrap_or(u64::MAX) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due = Instant::now() + questions.gap();
            // The receiver is gone when the watch was ended.
            if events.send(Event::Asked(questions.ask())).is_err() {
                return;
            }
        }
        questions.finish();
        let _ = events.send(Event::Finished);
    });
    asking.map_err(|error| Failure::Resource(format!("cannot start a thread: {error}")))?;
    let mut watched = Watched {
        status: Status::Done,
        answered: 0,
        was_interrupted: false,
    };
    for event in happened {
        match event {
            Event::Asked(Ok(answer)) => {
                watched.answered += 1;
                show(answer)?;
            }
            Event::Asked(Err(
                failure @ (Failure::Unreachable(_) | Failure::Lost(_) | Failure::Protocol(_)),
            )) => {
                watched.status = watched.status.worse(failure.status());
                output.failure(&failure)?;
                say(&failure.words().unwrap_or_default());
            }
            Event::Asked(Err(failure)) => return Err(failure),
            Event::Finished => break,
            Event::Interrupted => {
                watched.was_interrupted = true;
                break;
            }
        }
    }
    drop(interrupt);
    Ok(watched)
}

/// Ctrl-C for as long as a watch lasts; before and after it ends the program.
struct Interrupt {
    signals: signal_hook::iterator::Handle,
    ends_program: &'static AtomicBool,
}

/// Whether Ctrl-C ends the program. A signal that was watched once is never given back to the system;
/// while this is set, it is as if it were.
fn ends_program() -> io::Result<&'static AtomicBool> {
    static ENDS_PROGRAM: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if ENDS_PROGRAM.get().is_none() {
        let flag = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_default(SIGINT, Arc::clone(&flag))?;
        let _ = ENDS_PROGRAM.set(flag);
    }
    ENDS_PROGRAM
        .get()
        .map(|flag| &**flag)
        .ok_or_else(|| io::ErrorKind::Other.into())
}

impl Interrupt {
    /// Sends an event for each from here on.
    fn take_over<A: Send + 'static>(events: Sender<Event<A>>) -> Result<Interrupt, Failure> {
        let ends_program = ends_program().map_err(cannot_watch)?;
        let mut signals = Signals::new([SIGINT]).map_err(cannot_watch)?;
        ends_program.store(false, Ordering::SeqCst);
        let handle = signals.handle();
        let watching = thread::Builder::new().spawn(move || {
            for _ in signals.forever() {
                let _ = events.send(Event::Interrupted);
            }
        });
        watching.map_err(cannot_watch)?;
        Ok(Interrupt {
            signals: handle,
            ends_program,
        })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.ends_program.store(true, Ordering::SeqCst);
        self.signals.close();
    }
}

impl Default for Gap {
    fn default() -> Gap {
        Gap {
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(2),
        }
    }
}

impl Gap {
    /// Reads two numbers of seconds, as `1..2`.
    pub fn parse(text: &str) -> Result<Gap, String> {
        let (shortest, longest) = text
            .split_once("..")
            .ok_or("two numbers of seconds, as in 1..2")?;
        let gap = Gap {
            shortest: match shortest {
                "0" => Duration::ZERO,
                shortest => parse_seconds(shortest)?,
            },
            longest: parse_seconds(longest)?,
        };
        if gap.shortest > gap.longest {
            return Err("the shorter time first, as in 1..2".into());
        }
        Ok(gap)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_two_numbers_of_seconds_the_shorter_first() {
        assert_eq!(Gap::parse("1..2"), Ok(Gap::default()));
        let half = Duration::from_millis(500);
        assert_eq!(
            Gap::parse("0.5..0.5"),
            Ok(Gap {
                shortest: half,
                longest: half
            })
        );
        assert_eq!(Gap::parse("0..1").unwrap().shortest, Duration::ZERO);
        for text in ["", "1", "2..1", "1..", "..2", "-1..2", "1..inf", "NaN..2"] {
            assert!(Gap::parse(text).is_err(), "{text:?}");
        }
    }
}
