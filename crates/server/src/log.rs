//! The log, on standard error.
//!
//! A line goes into a bounded queue, and a thread of its own writes it: a standard error that is
//! not read stops no service, and the end of the program does not wait for it. Lines that found no
//! room are counted, and the count is logged in their place. One kind of line about one address has
//! a rate.

mod fields;
mod rate;
mod warnings;

use std::io::{self, Write};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use std::{fmt, panic, thread};

use proto::printable::printable;
use record::queue::{Item, Queue};
use terminal::is_coloured;
use tracing::callsite::Identifier;
use tracing::field::display;
use tracing::level_filters::LevelFilter;
use tracing::{Dispatch, dispatcher};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Registry, fmt as lines};

use fields::Fields;
use rate::{Rated, Rates};

pub use rate::{LINES, WINDOW};
pub use warnings::Warnings;

/// Most bytes of lines that wait to be written: some 5,000 of them.
pub const MOST_BYTES: usize = 1024 * 1024;

/// How long the end of the program, or a crash on purpose, waits for lines that are not written
/// yet.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people
    Text,
    /// One JSON object a line
    Json,
}

/// How to log.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How a line is written.
    pub format: Format,
    /// 0 logs what an operator wants to know; higher logs more, lower only warnings, then only
    /// errors.
    pub verbosity: i8,
    /// Most lines of one kind about one address in each [`WINDOW`]; 0 sets no limit.
    pub rate: u32,
}

/// What is written to standard error. Clones share it.
#[derive(Clone)]
pub struct Log {
    queue: Arc<Queue<Entry>>,
    rates: Arc<Mutex<Rates<Identifier>>>,
    warnings: Warnings,
}

/// What waits to be written.
enum Entry {
    /// A line that is ready.
    Line(Vec<u8>),
    /// Lines before this place that found no room.
    Lost(u64),
    /// From here on, lines like this one are left out for a while.
    LeavesOut(Kind),
    /// How many there were.
    LeftOut(Kind, u64),
}

/// What lines have in common that share a rate.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Kind {
    /// What such a line says.
    message: String,
    /// The peer it is about; `None` is all of them, or none.
    peer: Option<IpAddr>,
}

/// Starts logging: every event of [`tracing`] from here on, and every panic.
///
/// # Errors
/// When there is no thread for it.
pub fn start(settings: Settings) -> io::Result<Log> {
    let log = Log {
        queue: Arc::new(Queue::new(MOST_BYTES, Duration::ZERO)),
        rates: Arc::new(Mutex::new(Rates::new(settings.rate))),
        warnings: Warnings::default(),
    };
    let level = match settings.verbosity {
        ..=-2 => LevelFilter::ERROR,
        -1 => LevelFilter::WARN,
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        2.. => LevelFilter::TRACE,
    };
    let rated = (settings.rate > 0).then(|| Rated(log.clone()));
    let kept = Some(log.warnings.clone());
    let queued = dispatch(settings.format, level, (rated, kept), log.clone());
    let direct = dispatch(settings.format, LevelFilter::WARN, (None, None), io::stderr);
    let written = log.clone();
    thread::Builder::new()
        .name("log".into())
        .spawn(move || written.write_all(&direct))?;
    // Only a second start in the same process fails, and then the first one holds.
    let _ = dispatcher::set_global_default(queued);
    // The usual hook writes to standard error itself, and would wait for its reader.
    panic::set_hook(Box::new(|panic| {
        tracing::error!("{}", printable(&panic.to_string().replace('\n', " ")));
    }));
    Ok(log)
}

fn dispatch<W>(
    format: Format,
    level: LevelFilter,
    (rated, kept): (Option<Rated>, Option<Warnings>),
    writer: W,
) -> Dispatch
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let registry = Registry::default().with(level).with(rated).with(kept);
    // A closed standard error is no reason to say anything there.
    let layer = lines::layer()
        .with_writer(writer)
        .with_target(false)
        .log_internal_errors(false);
    match format {
        Format::Text => {
            let layer = layer.fmt_fields(Fields);
            Dispatch::new(registry.with(layer.with_ansi(is_coloured(&io::stderr()))))
        }
        Format::Json => Dispatch::new(registry.with(layer.json().flatten_event(true))),
    }
}

impl Log {
    /// Says this and a line feed, as it is.
    pub fn say(&self, words: impl fmt::Display) {
        self.queue.push(Entry::Line(format!("{words}\n").into()));
    }

    /// The last warnings and errors.
    pub fn warnings(&self) -> Warnings {
        self.warnings.clone()
    }

    /// Says what is not said yet, and waits until everything is written, at most [`FLUSH_TIMEOUT`].
    pub fn flush(&self) {
        let left_out = self.rates().take_left_out();
        left_out
            .into_iter()
            .for_each(|entry| self.queue.push(entry));
        self.queue
            .wait_until_written(Instant::now() + FLUSH_TIMEOUT);
    }

    fn rates(&self) -> MutexGuard<'_, Rates<Identifier>> {
        self.rates.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_all(&self, direct: &Dispatch) {
        while let Some(entries) = self.queue.take() {
            for entry in entries {
                // There is nowhere to report that standard error cannot be written.
                match entry {
                    Entry::Line(line) => drop(io::stderr().write_all(&line)),
                    summary => dispatcher::with_default(direct, || summary.log()),
                }
            }
        }
    }
}

impl Entry {
    /// Logs what is not a line yet.
    fn log(self) {
        let (kind, lines) = match self {
            Entry::Line(_) => return,
            Entry::Lost(lines) => {
                return tracing::warn!(lines, "nobody read the log: lines are missing here");
            }
            Entry::LeavesOut(kind) => (kind, None),
            Entry::LeftOut(kind, lines) => (kind, Some(lines)),
        };
        let (kind, peer) = (kind.message, kind.peer.map(display));
        match lines {
            None => tracing::warn!(kind, peer, "too many lines: leaving some out"),
            Some(lines) => tracing::warn!(kind, peer, lines, "lines were left out"),
        }
    }
}

impl Item for Entry {
    fn size(&self) -> usize {
        let text = match self {
            Entry::Line(line) => line.len(),
            Entry::LeavesOut(kind) | Entry::LeftOut(kind, _) => kind.message.len(),
            Entry::Lost(_) => 0,
        };
        size_of::<Entry>() + text
    }

    fn lost(self, count: u64) -> Entry {
        Entry::Lost(count)
    }
}

/// Puts each line into the queue: it comes in one piece.
impl Write for Log {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let length = line.len();
        let mut line = line.to_owned();
        proto::atm::mask_quoted(&mut line);
        self.queue.push(Entry::Line(line));
        Ok(length)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Log;

    fn make_writer(&self) -> Log {
        self.clone()
    }
}
