//! How much of what one connection sends may be no request: the answers to more of it are held back,
//! and then it is closed, so that a program that sends nonsense in a loop slows itself alone.

use std::time::Duration;

/// Messages in a row that are no requests, and are answered at once: a student who tries things.
const FREE: u32 = 20;

/// Messages in a row, at most: a program, and not a person.
const MOST: u32 = 50;

/// What is said where there were more.
pub const TOO_MUCH: &str = "50 messages in a row were no requests; connect again to go on";

/// How long each answer is held back between the two.
const HELD_BACK: Duration = Duration::from_millis(100);

/// The messages of one connection that were no requests, since the last that was one.
#[derive(Debug, Default)]
pub struct BadInput {
    in_a_row: u32,
}

impl BadInput {
    /// A request came.
    pub fn ends(&mut self) {
        self.in_a_row = 0;
    }

    /// One more message is no request: how long to hold back the answer, or `None` when there were too
    /// many.
    pub fn goes_on(&mut self) -> Option<Duration> {
        self.in_a_row += 1;
        match self.in_a_row {
            number if number <= FREE => Some(Duration::ZERO),
            number if number <= MOST => Some(HELD_BACK),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_has_the_number() {
        assert!(TOO_MUCH.starts_with(&format!("{MOST} messages")));
    }

    #[test]
    fn nonsense_is_answered_at_once_then_held_back_and_then_no_more() {
        let mut bad_input = BadInput::default();
        for _ in 0..2 {
            let answers: Vec<_> = std::iter::from_fn(|| bad_input.goes_on()).collect();
            assert_eq!(answers.len(), MOST as usize);
            assert!(answers[..FREE as usize].iter().all(Duration::is_zero));
            assert!(answers[FREE as usize..].iter().all(|it| *it == HELD_BACK));
            bad_input.ends();
        }
    }
}
