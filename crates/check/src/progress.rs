//! How far a check is, while it runs.

use std::io::{self, Write};
use std::sync::atomic::{AtomicUsize, Ordering};

use terminal::can_redraw;

/// How many of all are done, on standard error if that is a terminal
/// that can take it back.
pub struct Progress {
    all: usize,
    done: AtomicUsize,
    is_shown: bool,
}

impl Progress {
    /// Of so many.
    pub fn new(all: usize) -> Progress {
        Progress {
            all,
            done: AtomicUsize::new(0),
            is_shown: can_redraw(&io::stderr()),
        }
    }

    /// Of so many, and not shown.
    pub fn hidden(all: usize) -> Progress {
        Progress {
            is_shown: false,
            ..Progress::new(all)
        }
    }

    /// One more is done: what, in words that follow `3 of 10`.
    pub fn show(&self, words: &str) {
        let done = 1 + self.done.fetch_add(1, Ordering::Relaxed);
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K{done} of {} {words}", self.all);
        }
    }

    /// Takes it off the screen.
    pub fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}
