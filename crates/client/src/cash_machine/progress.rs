//! What is shown on a terminal while the machine waits for the bank: that it asks again, and
//! what it settles first. A program that reads lines, or objects, has no use for it.

use std::io::{self, IsTerminal};
use std::time::{Duration, Instant};

use record::Recorder;

use crate::output::say;
use crate::session::Target;
use record::wording::nth_attempt;

/// How often the same wait is shown. A bank that is gone refuses a connection twice a second.
const BETWEEN: Duration = Duration::from_secs(3);

/// Says on standard error what the machine waits for, if that is a terminal.
#[derive(Debug, Default)]
pub struct Progress {
    is_shown: bool,
    recorder: Option<Recorder>,
    /// Before the reasons of failures, which need not say each time whose they are.
    server: String,
    last: Option<Instant>,
}

impl Progress {
    /// For a person who uses this program by a terminal, and this server with it; each line stands
    /// below the trace of what happened before it.
    pub fn on_terminal(target: &Target) -> Progress {
        Progress {
            is_shown: io::stdin().is_terminal() && io::stderr().is_terminal(),
            recorder: target.recorder.clone(),
            server: format!("{}: ", target.server),
            last: None,
        }
    }

    pub fn show(&self, words: &str) {
        if self.is_shown {
            if let Some(recorder) = &self.recorder {
                recorder.flush();
            }
            say(words);
        }
    }

    /// Shows why the same is done again, and how: at the second attempt, and then now and then.
    pub fn again(&mut self, why: &str, how: &str, attempt: u32) {
        let is_due = |last: Instant| last.elapsed() >= BETWEEN;
        if attempt > 2 && !self.last.is_none_or(is_due) {
            return;
        }
        self.last = Some(Instant::now());
        let why = why.strip_prefix(&self.server).unwrap_or(why);
        self.show(&format!("{why}; {how}, {}", nth_attempt(attempt)));
    }
}
