//! Answers, on standard output: a line of text each, or with `--json` an object each.

use std::io::{self, Write};

use proto::refusal::Refusal;
use proto::reply;
use serde_json::{Value, json};

use crate::failure::Failure;

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Output {
    /// One JSON object an answer.
    pub json: bool,
}

impl Output {
    /// Prints one line, and flushes: the reader may be a program that waits for it.
    pub(crate) fn line(self, line: &str) -> Result<(), Failure> {
        let mut stdout = io::stdout().lock();
        writeln!(stdout, "{line}")
            .and_then(|()| stdout.flush())
            .map_err(|error| Failure::cannot_print(&error))
    }

    /// Prints an answer: as text, or as these members of an object.
    pub(crate) fn answer(self, text: &str, mut members: Value) -> Result<(), Failure> {
        if !self.json {
            return self.line(text);
        }
        members["ok"] = json!(true);
        self.line(&members.to_string())
    }

    /// Prints a refusal in the place of an answer, so that answers stay in step with requests.
    pub(crate) fn refusal(self, refusal: &Refusal) -> Result<(), Failure> {
        if self.json {
            return self.failure(&Failure::Refused(refusal.clone()));
        }
        let line = reply::render::<&str>(&Err(refusal.clone()));
        self.line(&proto::printable::printable(&line))
    }

    /// Prints a failure as an object, where answers are objects. Its text goes to standard error.
    ///
    /// # Errors
    /// When standard output is closed.
    pub fn failure(self, failure: &Failure) -> Result<(), Failure> {
        match failure.object() {
            Some(object) if self.json => self.line(&object.to_string()),
            Some(_) | None => Ok(()),
        }
    }
}

/// Prints a line that is no answer, on standard error.
pub fn say(words: &str) {
    let _ = writeln!(io::stderr(), "{words}");
}
