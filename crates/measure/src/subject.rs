//! What is measured: something that performs one operation after another and says how many attempts
//! each took.
//!
//! An **operation** is what a user wants done: a withdrawal, a line in lower case, the time. It
//! consists of one or more **exchanges**, each a request that is sent again, unchanged, until it is
//! answered. Each time it is sent is an **attempt**. There is no pause between two attempts but the
//! timeout itself, so that the number of attempts and the time they take are as in the theory.

use std::time::{Duration, Instant};

/// Something that can be measured.
pub trait Subject {
    /// Why there is no going on.
    type Error;

    /// Performs one operation, to its end or until one of its exchanges is given up.
    ///
    /// # Errors
    /// When there is no going on: the server is gone or refuses, or the user interrupts.
    fn perform(&mut self) -> Result<Performed, Self::Error>;

    /// Brings a subject whose operation was given up to where the next can begin. Not measured.
    ///
    /// # Errors
    /// As [`perform`](Subject::perform).
    fn after_given_up(&mut self) -> Result<(), Self::Error> {
        Ok(())
    }

    /// How long to leave the server alone between two operations. Not measured.
    fn rest(&self) -> Duration {
        Duration::ZERO
    }

    /// What is known at the end of whether everything was done exactly once.
    ///
    /// # Errors
    /// As [`perform`](Subject::perform).
    fn audit(&mut self) -> Result<Audit, Self::Error> {
        Ok(Audit::NothingToCheck)
    }
}

/// What one operation took, besides the time, which the caller measures.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Performed {
    /// The attempts of each exchange that was begun, in order. Without the last when the operation
    /// was given up.
    pub attempts: Vec<u32>,
    /// The attempts of the exchange that was given up, if one was.
    pub given_up_after: Option<u32>,
    /// For each answer that came after its exchange was over, during which exchange of this
    /// operation it came; the first is 0. It belongs to the one before: an attempt was no loss.
    pub late: Vec<usize>,
    /// Time spent on attempts that were not answered in time, and how many those were.
    pub waited: Duration,
    /// How many attempts were not answered in time.
    pub unanswered: u32,
}

/// Whether everything was done exactly once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Audit {
    /// The operations change nothing.
    NothingToCheck,
    /// It was: in words.
    Sound(String),
    /// It cannot be known: why.
    NotKnown(String),
    /// It was not: how.
    Wrong(String),
}

impl Performed {
    /// All attempts, of whatever was answered or given up.
    pub fn total_attempts(&self) -> u64 {
        let attempts = self.attempts.iter().chain(&self.given_up_after);
        attempts.map(|attempts| u64::from(*attempts)).sum()
    }

    /// An attempt that was sent at this moment was not answered in time.
    pub fn unanswered_since(&mut self, sent: Instant) {
        self.waited += sent.elapsed();
        self.unanswered += 1;
    }
}
