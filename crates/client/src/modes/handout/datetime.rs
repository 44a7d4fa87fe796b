//! Lab 002: date or time, asked over UDP at random moments.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use proto::handout::datetime::QUIT;
use proto::printable::printable;
use serde_json::json;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;
use wire::fault::generator::Xoshiro256PlusPlus;

use crate::datagram::Asker;
use crate::failure::{Failure, Status};
use crate::modes::datetime::Gap;
use crate::output::{Output, say};
use crate::session::Target;

/// How to ask.
pub struct Plan {
    /// From one question to the next.
    pub gap: Gap,
    /// End after so many.
    pub count: Option<u64>,
    /// Draws.
    pub draws: Xoshiro256PlusPlus,
}

/// Asks again and again, on a thread of its own, so that Ctrl-C ends it at once wherever it waits.
///
/// # Errors
/// When the server's name has no address, or Ctrl-C cannot be noticed.
pub fn run(target: &Target, plan: Plan, output: Output) -> Result<Status, Failure> {
    let cannot = |error| Failure::Resource(format!("cannot watch for Ctrl-C: {error}"));
    let mut signals = Signals::new([SIGINT]).map_err(cannot)?;
    let mut asker = Asker::open(target)?;
    let (tell, told) = mpsc::channel();
    let tell_interrupted = tell.clone();
    thread::spawn(move || {
        if signals.forever().next().is_some() {
            let _ = tell_interrupted.send(Err(Failure::Interrupted));
        }
    });
    thread::spawn(move || {
        let asked = ask_all(&mut asker, plan, output);
        if asked.is_ok() {
            say_goodbye(&mut asker);
        }
        tell.send(asked)
    });
    let ended = told.recv().unwrap_or(Err(Failure::Interrupted));
    if let Err(Failure::Interrupted) = ended {
        // The socket is with the thread, which waits for something.
        say_goodbye(&mut Asker::open(target)?);
    }
    ended
}

/// A lost answer is told and the next one asked for: the server may be restarting.
fn ask_all(asker: &mut Asker, mut plan: Plan, output: Output) -> Result<Status, Failure> {
    let mut status = Status::Done;
    let mut due = Instant::now();
    for _ in 0..plan.count.unwrap_or(u64::MAX) {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due = Instant::now() + draw_gap(&mut plan);
        let question = match plan.draws.up_to(1) {
            0 => Question::Date,
            _ => Question::Time,
        };
        let expected = vec!["a date, or a time of day".to_owned()];
        let asked = asker.ask(question.message(), expected, |answer| {
            (!question.is_late(answer)).then(|| String::from_utf8_lossy(answer).into_owned())
        });
        match asked {
            Ok(answer) => output.answer(&printable(&answer), json!({"received": answer}))?,
            Err(failure @ (Failure::Unreachable(_) | Failure::Lost(_) | Failure::Protocol(_))) => {
                output.failure(&failure)?;
                say(&failure.words().unwrap_or_default());
                status = status.worse(failure.status());
            }
            Err(failure) => return Err(failure),
        }
    }
    Ok(status)
}

fn draw_gap(plan: &mut Plan) -> Duration {
    let more = plan.gap.longest - plan.gap.shortest;
    let micros = u64::try_from(more.as_micros()).unwrap_or(u64::MAX);
    plan.gap.shortest + Duration::from_micros(plan.draws.up_to(micros))
}

/// Nothing depends on it: the server does not answer it, and goes on.
fn say_goodbye(asker: &mut Asker) {
    let _ = asker.tell(QUIT.as_bytes());
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Question {
    Date,
    Time,
}

impl Question {
    fn message(self) -> &'static [u8] {
        match self {
            Question::Date => b"SEND_DATE",
            Question::Time => b"SEND_TIME",
        }
    }

    /// Whether this is an answer to the other question, come late. The lab does not say what
    /// either looks like, so whatever is not that is taken.
    fn is_late(self, answer: &[u8]) -> bool {
        match self {
            Question::Date => has_shape(answer, b"00:00:00"),
            Question::Time => has_shape(answer, b"0000-00-00"),
        }
    }
}

/// Whether the bytes are those of the shape, with any digits in the place of its zeros.
fn has_shape(bytes: &[u8], shape: &[u8]) -> bool {
    let fits = |(byte, shape): (&u8, &u8)| match shape {
        b'0' => byte.is_ascii_digit(),
        mark => byte == mark,
    };
    bytes.len() == shape.len() && bytes.iter().zip(shape).all(fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_to_the_other_question_is_late_and_nothing_else_is() {
        let (date, time) = (b"2024-02-29", b"23:59:60");
        assert!(Question::Date.is_late(time) && !Question::Date.is_late(date));
        assert!(Question::Time.is_late(date) && !Question::Time.is_late(time));
        for other in [&b"Invalid request"[..], b"", b"29.02.2024", b"2024-02-2x"] {
            assert!(!Question::Date.is_late(other) && !Question::Time.is_late(other));
        }
    }

    #[test]
    fn gaps_are_drawn_between_the_two_ends() {
        let gap = Gap::parse("0.5..0.75").unwrap();
        let draws = Xoshiro256PlusPlus::from_seed(1);
        let mut plan = Plan {
            gap,
            count: None,
            draws,
        };
        for _ in 0..1_000 {
            let drawn = draw_gap(&mut plan);
            assert!((gap.shortest..=gap.longest).contains(&drawn), "{drawn:?}");
        }
    }
}
