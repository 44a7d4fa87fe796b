//! Lower case, prime, palindrome: a function of the request alone.

use std::time::{Duration, Instant};

use proto::refusal::{Code, Refusal};
use proto::text::{Answer, Integer, Request};

use crate::connections::ConnectionStatus;
use crate::conversation::{Conversation, log_answer};
use crate::primality::is_prime;
use crate::turns::Turns;

/// A number of so many digits is tested in about a millisecond, and at once; a longer one takes its
/// turn.
const QUICK_DIGITS: usize = 200;

/// The text service.
#[derive(Debug, Clone)]
pub struct Text {
    /// How long one primality test may compute, and how long it waits for its turn.
    prime_budget: Duration,
    /// The turns of all connections.
    turns: Turns,
    /// Whose turn it is.
    whose: Option<ConnectionStatus>,
}

impl Text {
    /// The service, each of whose primality tests may compute so long.
    pub fn new(prime_budget: Duration) -> Text {
        Text {
            prime_budget,
            turns: Turns::new(),
            whose: None,
        }
    }

    /// The service as this connection has it: its long tests take turns with those of others.
    #[must_use]
    pub fn for_connection(&self, whose: ConnectionStatus) -> Text {
        Text {
            whose: Some(whose),
            ..self.clone()
        }
    }

    fn is_prime(&self, number: &Integer) -> Result<bool, Refusal> {
        let _turn = match number.digits().len() {
            ..=QUICK_DIGITS => None,
            _ => {
                let turn = self.turns.take(self.whose.as_ref(), self.prime_budget);
                let words = "too many long numbers are being tested; try again later";
                Some(turn.ok_or_else(|| Refusal::new(Code::Busy, words))?)
            }
        };
        is_prime(number, Instant::now() + self.prime_budget)
    }
}

impl Conversation for Text {
    type Request = Request;
    type Answer = Answer;

    fn answer(&mut self, request: Request) -> Result<Answer, Refusal> {
        let reply = match &request {
            Request::Lower(text) => Ok(Answer::Lower(text.to_lowercase())),
            Request::Prime(number) => self.is_prime(number).map(Answer::Prime),
            Request::Palindrome(number) => Ok(Answer::Palindrome(number.is_palindrome())),
            Request::Quit => return Ok(Answer::Bye),
        };
        log_answer(&request, &reply);
        reply
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(request: &str) -> Result<String, Code> {
        let mut text = Text::new(Duration::from_secs(60));
        text.answer(request.parse().unwrap())
            .map(|a| a.to_string())
            .map_err(|r| r.code)
    }

    #[test]
    fn the_whole_line_is_lowered_with_its_blanks_in_every_script() {
        assert_eq!(answer("LOWER HELLO  World "), Ok("hello  world ".into()));
        assert_eq!(answer("LOWER ÀÉ ΟΔΟΣ"), Ok("àé οδος".into()));
        assert_eq!(answer("LOWER "), Ok("".into()));
    }

    #[test]
    fn lowering_may_grow_the_text() {
        assert_eq!(answer("LOWER \u{130}").unwrap().len(), 3);
    }

    #[test]
    fn numbers_below_two_are_not_prime_and_two_is() {
        for (numbers, expected) in [("-7 0 1 104730", "not prime"), ("2 97 007", "prime")] {
            for number in numbers.split(' ') {
                let answer = answer(&format!("PRIME {number}"));
                assert_eq!(answer, Ok(expected.into()), "{number}");
            }
        }
    }

    #[test]
    fn a_number_beyond_the_stated_range_is_refused_and_never_guessed() {
        let number = "1".repeat(60_000);
        assert_eq!(answer(&format!("PRIME {number}")), Err(Code::OutOfRange));
        assert_eq!(answer(&format!("PRIME -{number}")), Ok("not prime".into()));
        let answer = answer(&format!("PALINDROME {number}"));
        assert_eq!(answer, Ok("palindrome".into()));
    }

    #[test]
    fn a_budget_that_is_spent_ends_in_a_refusal() {
        let mut text = Text::new(Duration::ZERO);
        // A prime of 1,031 digits, all of them one: no small factor settles it early.
        let request = format!("PRIME {}", "1".repeat(1_031)).parse().unwrap();
        assert_eq!(text.answer(request).unwrap_err().code, Code::OutOfTime);
        // The largest prime below 2^64, and the largest number for which an answer is promised.
        for (number, expected) in [(18446744073709551557, true), (u64::MAX, false)] {
            let request = format!("PRIME {number}").parse().unwrap();
            assert_eq!(text.answer(request), Ok(Answer::Prime(expected)));
        }
    }
}
