//! How long the answers of a judged program are waited for.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::verdict::{Came, Failure, Outcome};

/// Cases that may wait in vain for the whole of it. Where no machine is so busy, more of them tell
/// nothing new, and a program that never answers would be waited for in each of all its cases.
const IN_VAIN: u32 = 6;

/// What is left of it after these: a fifth.
const LESS: u32 = 5;

/// How long the answers of one program are waited for.
#[derive(Debug)]
pub struct Patience {
    whole: Duration,
    in_vain: AtomicU32,
}

impl Patience {
    /// This long, at first.
    pub fn new(whole: Duration) -> Patience {
        Patience {
            whole,
            in_vain: AtomicU32::new(0),
        }
    }

    /// How long the next case waits.
    pub fn for_a_case(&self) -> Duration {
        match self.in_vain.load(Ordering::Relaxed) {
            ..IN_VAIN => self.whole,
            _ => self.whole / LESS,
        }
    }

    /// A case came to this.
    pub fn learn(&self, outcome: &Outcome) {
        if let Err(Failure::Broken(finding)) = outcome
            && let Came::Nothing(waited, _) = finding.came
            && waited >= self.whole
        {
            self.in_vain.fetch_add(1, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::verdict::{Expected, Finding};

    fn nothing_in(waited: Duration) -> Outcome {
        Err(Failure::Broken(Box::new(Finding {
            sent: Vec::new(),
            expected: Expected::Message(b"OK prime".to_vec()),
            came: Came::Nothing(waited, Vec::new()),
            cause: None,
        })))
    }

    #[test]
    fn a_program_that_does_not_answer_case_after_case_is_waited_for_less_long() {
        let whole = Duration::from_secs(10);
        let patience = Patience::new(whole);
        for _ in 0..IN_VAIN {
            assert_eq!(patience.for_a_case(), whole);
            patience.learn(&nothing_in(whole));
        }
        assert_eq!(patience.for_a_case(), Duration::from_secs(2));
    }

    #[test]
    fn wrong_answers_and_short_waits_leave_it_as_it_is() {
        let whole = Duration::from_secs(10);
        let patience = Patience::new(whole);
        for _ in 0..2 * IN_VAIN {
            patience.learn(&Ok(()));
            patience.learn(&Err(Failure::because("an answer", "another")));
            patience.learn(&Err(Failure::Undecided("no account".into())));
            patience.learn(&nothing_in(whole / 2));
        }
        assert_eq!(patience.for_a_case(), whole);
    }
}
