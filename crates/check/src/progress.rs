//! How far a check is, while it runs.

use std::io::{self, IsTerminal, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::run::Judgement;
use crate::verdict::Failure;

/// How far the check is, on standard error if that is a terminal.
pub struct Progress {
    all: usize,
    done: AtomicUsize,
    broken: AtomicUsize,
    is_shown: bool,
}

impl Progress {
    /// Of so many cases.
    pub fn new(all: usize) -> Progress {
        Progress {
            all,
            done: AtomicUsize::new(0),
            broken: AtomicUsize::new(0),
            is_shown: io::stderr().is_terminal(),
        }
    }

    /// Shows that one more is judged.
    pub fn show(&self, judgement: &Judgement) {
        let done = 1 + self.done.fetch_add(1, Ordering::Relaxed);
        let is_broken = matches!(judgement.outcome, Err(Failure::Broken(_)));
        let broken = usize::from(is_broken)
            + self
                .broken
                .fetch_add(usize::from(is_broken), Ordering::Relaxed);
        if self.is_shown {
            let all = self.all;
            let _ = write!(
                io::stderr(),
                "\r\x1b[K{done} of {all} judged, {broken} do not hold ({})",
                judgement.id
            );
        }
    }

    /// Takes it off the screen.
    pub fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
