//! Lab 002: date or time, asked over UDP at random moments.

use std::time::Duration;

use proto::datetime::Request;
use proto::handout::datetime::QUIT;
use proto::printable::printable;
use serde_json::json;
use wire::fault::generator::Xoshiro256PlusPlus;

use crate::clock::watch::{self, Gap, Questions};
use crate::datagram::Asker;
use crate::failure::{Failure, Status};
use crate::output::Output;
use crate::session::Target;

/// Asks again and again, and says goodbye.
pub fn run(
    target: &Target,
    gap: Gap,
    count: Option<u64>,
    draws: Xoshiro256PlusPlus,
    output: Output,
) -> Result<Status, Failure> {
    let asker = Asker::open(target)?;
    let questions = Drawn { asker, gap, draws };
    let watched = watch::run(questions, count, output, |answer| {
        output.answer(&printable(&answer), json!({"received": answer}))
    })?;
    if watched.was_interrupted {
        // The socket is with the thread, which waits for something.
        say_goodbye(&mut Asker::open(target)?);
        return Err(Failure::Interrupted);
    }
    Ok(watched.status)
}

struct Drawn {
    asker: Asker,
    gap: Gap,
    draws: Xoshiro256PlusPlus,
}

impl Questions for Drawn {
    type Answer = String;

    fn gap(&mut self) -> Duration {
        draw_gap(self.gap, &mut self.draws)
    }

    fn ask(&mut self) -> Result<String, Failure> {
        let question = match self.draws.up_to(1) {
            0 => Request::Date,
            _ => Request::Time,
        };
        let expected = vec!["a date, or a time of day".to_owned()];
        let message = question.to_string();
        self.asker.ask(message.as_bytes(), expected, |answer| {
            (!is_late(question, answer)).then(|| String::from_utf8_lossy(answer).into_owned())
        })
    }

    fn finish(&mut self) {
        say_goodbye(&mut self.asker);
    }
}

fn draw_gap(gap: Gap, draws: &mut Xoshiro256PlusPlus) -> Duration {
    let more = gap.longest - gap.shortest;
    let micros = u64::try_from(more.as_micros()).unwrap_or(u64::MAX);
    gap.shortest + Duration::from_micros(draws.up_to(micros))
}

/// Nothing depends on it: the server does not answer it, and goes on.
fn say_goodbye(asker: &mut Asker) {
    let _ = asker.send(QUIT.as_bytes());
}

/// Whether this is an answer to the other question, come late. The lab does not say what either looks
/// like, so whatever is not that is taken.
fn is_late(question: Request, answer: &[u8]) -> bool {
    match question {
        Request::Date => has_shape(answer, b"00:00:00"),
        Request::Time | Request::Quit => has_shape(answer, b"0000-00-00"),
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
        assert!(is_late(Request::Date, time) && !is_late(Request::Date, date));
        assert!(is_late(Request::Time, date) && !is_late(Request::Time, time));
        for other in [&b"Invalid request"[..], b"", b"29.02.2024", b"2024-02-2x"] {
            assert!(!is_late(Request::Date, other) && !is_late(Request::Time, other));
        }
    }

    #[test]
    fn gaps_are_drawn_between_the_two_ends() {
        let gap = Gap::parse("0.5..0.75").unwrap();
        let mut draws = Xoshiro256PlusPlus::from_seed(1);
        for _ in 0..1_000 {
            let drawn = draw_gap(gap, &mut draws);
            assert!((gap.shortest..=gap.longest).contains(&drawn), "{drawn:?}");
        }
    }
}
