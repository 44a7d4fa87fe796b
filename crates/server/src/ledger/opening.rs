//! How far the opening of accounts has come: a bar on a terminal, and else a line in the log now and
//! then.

use std::io;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use terminal::can_redraw;

/// Fewer accounts than these are open in a moment.
const FEW: usize = 50;

/// From one line of the log to the next.
const LINE_INTERVAL: Duration = Duration::from_secs(5);

/// Shows how many accounts are open, until it is dropped.
pub struct Progress {
    /// On a terminal, if there are many accounts, and the log is not to be quiet.
    bar: Option<ProgressBar>,
    open: usize,
    of: usize,
    next_line: Instant,
}

impl Progress {
    /// Of so many accounts, none is open yet.
    pub fn of(accounts: usize) -> Progress {
        let is_wanted = accounts >= FEW && tracing::enabled!(tracing::Level::INFO);
        Progress {
            bar: (is_wanted && can_redraw(&io::stderr())).then(|| bar(accounts)),
            open: 0,
            of: accounts,
            next_line: Instant::now() + LINE_INTERVAL,
        }
    }

    /// So many more are open.
    pub fn advance(&mut self, accounts: usize) {
        self.open += accounts;
        if let Some(bar) = &self.bar {
            bar.inc(accounts as u64);
        } else if self.open < self.of && Instant::now() >= self.next_line {
            tracing::info!(open = self.open, of = self.of, "opening accounts");
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

fn bar(accounts: usize) -> ProgressBar {
    let style = ProgressStyle::with_template("opening accounts {bar:30} {pos}/{len}  left: {eta}");
    let style = style.unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(accounts as u64).with_style(style)
}
