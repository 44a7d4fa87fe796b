//! A client that somebody starts by hand, who is told here what it is to be asked, and asked what it
//! shows.

use std::io::{self, BufRead, Write};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::interruption::interruption;
use crate::prose::prose;
use crate::verdict::{Failure, Outcome};

/// How often it is looked whether the client is done.
const POLL: Duration = Duration::from_millis(50);

/// How long a client must be done: one that has lost its connection may make it again.
const CALM: Duration = Duration::from_secs(1);

/// What a client that is started by hand has printed, in words.
pub const SEEN_BY_HAND: &str = "what it showed is on its own screen";

/// Who starts the client, at this terminal.
#[derive(Debug, Clone)]
pub struct Hand {
    /// What is typed here, a line each; disconnected at the end of the input.
    typed: Arc<Mutex<Receiver<String>>>,
    is_interrupted: Arc<AtomicBool>,
}

impl Hand {
    /// Who sits at the standard input; what they are told goes to standard error.
    ///
    /// # Errors
    /// When signals cannot be handled.
    pub fn at_terminal() -> io::Result<Hand> {
        let (line, typed) = channel();
        thread::spawn(move || {
            let mut lines = io::stdin().lock().lines();
            while let Some(Ok(text)) = lines.next()
                && line.send(text).is_ok()
            {}
        });
        Ok(Hand {
            typed: Arc::new(Mutex::new(typed)),
            is_interrupted: interruption()?,
        })
    }

    /// Which case is next.
    pub fn begins(&self, id: &str, rule: &str) {
        tell(&format!("\n{id}\n  {}\n", prose(rule, 2)));
    }

    /// What came of it.
    pub fn ends(&self, outcome: &Outcome) {
        tell(match outcome {
            Ok(()) => "  It holds.\n",
            Err(Failure::Broken(_)) => "  It does not hold: the report at the end says why.\n",
            Err(Failure::Undecided(_)) => {
                "\n  It was not judged: the report at the end says why.\n"
            }
        });
    }

    pub(super) fn ask_to_start(&self, server: SocketAddr) {
        let (host, port) = (server.ip(), server.port());
        tell(&format!("  Start your client at {host}, port {port}.\n"));
    }

    pub(super) fn ask_to_type<'l>(&self, lines: impl Iterator<Item = &'l str>) {
        let lines: String = lines.map(|line| format!("      {line}\n")).collect();
        if !lines.is_empty() {
            tell(&format!("  Type, or choose from its menu:\n{lines}"));
        }
    }

    /// Waits until the client has done that: so it is said here, or this is true for a while.
    pub(super) fn waits(&self, is_done: impl Fn() -> Result<bool, Failure>) -> Result<(), Failure> {
        tell("  Then end it. (Enter: it has ended) ");
        let mut done_since = None;
        loop {
            match self.next_line()? {
                Some(_) => break,
                None if !is_done()? => done_since = None,
                None => {
                    let since = *done_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= CALM {
                        tell("\n");
                        break;
                    }
                }
            }
        }
        Ok(())
    }

    /// The client must have shown this.
    pub(super) fn has_seen(&self, text: &str) -> Outcome {
        let expected = format!("{text} in what it shows");
        self.is_answered(&format!("Does it show `{text}`?"), true, &expected)
    }

    /// The right answer to the question must be given.
    pub fn answers(&self, question: &str, is_right: bool) -> Outcome {
        let right = if is_right { "yes" } else { "no" };
        self.is_answered(
            question,
            is_right,
            &format!("the answer {right} to: {question}"),
        )
    }

    /// The number that the question is answered with.
    pub fn count(&self, question: &str) -> Result<usize, Failure> {
        self.answer(&format!("{question} (a number)"), |line| line.parse().ok())
    }

    fn is_answered(&self, question: &str, is_right: bool, expected: &str) -> Outcome {
        let is_yes = self.answer(&format!("{question} (y or n)"), |line| {
            match line.chars().next()? {
                'y' | 'Y' => Some(true),
                'n' | 'N' => Some(false),
                _ => None,
            }
        })?;
        let answer = if is_yes { "yes" } else { "no" };
        match is_yes == is_right {
            true => Ok(()),
            false => Err(Failure::because(expected, format!("the answer {answer}"))),
        }
    }

    /// Asks until the answer is one.
    fn answer<T>(
        &self,
        question: &str,
        understood: impl Fn(&str) -> Option<T>,
    ) -> Result<T, Failure> {
        loop {
            tell(&format!("  {question} "));
            let line = loop {
                if let Some(line) = self.next_line()? {
                    break line;
                }
            };
            if let Some(answer) = understood(line.trim()) {
                return Ok(answer);
            }
        }
    }

    /// The next line that is typed here, if that is soon.
    fn next_line(&self) -> Result<Option<String>, Failure> {
        self.goes_on()?;
        let typed = self.typed.lock().unwrap_or_else(PoisonError::into_inner);
        match typed.recv_timeout(POLL) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                let words = "the standard input has ended, and nobody is there to be asked";
                Err(Failure::Undecided(words.into()))
            }
        }
    }

    /// That it was not interrupted.
    pub(super) fn goes_on(&self) -> Result<(), Failure> {
        match self.is_interrupted.load(Ordering::Relaxed) {
            true => Err(Failure::Undecided("interrupted".into())),
            false => Ok(()),
        }
    }
}

fn tell(words: &str) {
    let _ = io::stderr().write_all(words.as_bytes());
}
