//! How far the opening of accounts, or the hashing of their PINs, has come: a bar on a terminal, and
//! else a line in the log now and then.

use std::io;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use terminal::can_redraw;

/// Fewer accounts than these are open in a moment.
const FEW: usize = 50;

/// From one line of the log to the next.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows how many accounts are done, until it is dropped.
pub struct Progress {
    /// What is done with them.
    what: &'static str,
    /// On a terminal, if there are many accounts, and the log is not to be quiet.
    bar: Option<ProgressBar>,
    done: usize,
    of: usize,
    next_line: Instant,
}

impl Progress {
    /// Of so many accounts, none is done yet; `what` is done with them, as "opening accounts".
    pub fn of(accounts: usize, what: &'static str) -> Progress {
        let is_wanted = accounts >= FEW && tracing::enabled!(tracing::Level::INFO);
        Progress {
            what,
            bar: (is_wanted && can_redraw(&io::stderr())).then(|| bar(accounts, what)),
            done: 0,
            of: accounts,
            next_line: Instant::now() + LINE_INTERVAL,
        }
    }

    /// So many more are done.
    pub fn advance(&mut self, accounts: usize) {
        self.done += accounts;
        if let Some(bar) = &self.bar {
            bar.inc(accounts as u64);
        } else if self.done < self.of && Instant::now() >= self.next_line {
            tracing::info!(done = self.done, of = self.of, "{}", self.what);
            self.next_line = Instant::now() + LINE_INTERVAL;
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

fn bar(accounts: usize, what: &'static str) -> ProgressBar {
    let style = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}  left: {eta}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(accounts as u64).with_style(style);
    bar.with_message(what)
}
