//! What is lost on purpose, and what theory expects of it.

use std::fmt;

use super::rates::Rate;

/// Which messages are lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Requests: nothing is done.
    Request,
    /// Replies: it is done, and the client does not learn of it.
    Reply,
    /// Both, independently of each other.
    Both,
    /// Nothing: the client calls withdrawals failed, as the hand-outs' printed one does.
    CalledFailed,
}

impl Loss {
    /// How likely an attempt is answered when each message is lost with this probability.
    pub fn chance_of_answer(self, probability: f64) -> f64 {
        let arrives = 1.0 - probability;
        match self {
            Loss::Request | Loss::Reply | Loss::CalledFailed => arrives,
            Loss::Both => arrives * arrives,
        }
    }

    /// How often a request is sent until it is answered, on average. Infinite when nothing comes
    /// through.
    pub fn expected_attempts(self, rate: Rate) -> f64 {
        1.0 / self.chance_of_answer(rate.probability())
    }

    /// The expected attempts as a formula.
    pub fn formula(self) -> &'static str {
        match self {
            Loss::Request | Loss::Reply | Loss::CalledFailed => "1/(1−p)",
            Loss::Both => "1/(1−p)²",
        }
    }

    /// The name in the parameters of a run.
    pub fn name(self) -> &'static str {
        match self {
            Loss::Request => "request",
            Loss::Reply => "reply",
            Loss::Both => "both",
            Loss::CalledFailed => "called-failed",
        }
    }
}

/// In words: what happens to what.
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Loss::Request => "requests lost",
            Loss::Reply => "replies lost",
            Loss::Both => "requests and replies lost",
            Loss::CalledFailed => "withdrawals called failed",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::rates::Rates;

    #[test]
    fn theory_expects_the_square_when_both_ways_lose() {
        let rate = |percent| Rates::parse(percent).unwrap().0[0];
        let half = rate("50");
        assert_eq!(Loss::Request.expected_attempts(half), 2.0);
        assert_eq!(Loss::Reply.expected_attempts(half), 2.0);
        assert_eq!(Loss::Both.expected_attempts(half), 4.0);
        assert!(Loss::Both.expected_attempts(rate("100")).is_infinite());
    }
}
