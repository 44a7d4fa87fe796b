//! The log, on standard error.

use std::io::{self, IsTerminal};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Registry, fmt};

/// How a log line is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Starts logging. `verbosity` 0 tells what a person who runs a lab wants to know; higher tells
/// more, lower only warnings, then only errors.
pub fn start(format: Format, verbosity: i8) {
    let level = match verbosity {
        ..=-2 => LevelFilter::ERROR,
        -1 => LevelFilter::WARN,
        0 => LevelFilter::INFO,
        1 => LevelFilter::DEBUG,
        2.. => LevelFilter::TRACE,
    };
    let registry = Registry::default().with(level);
    // A closed standard error is no reason to say anything there.
    let layer = fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .log_internal_errors(false);
    let started = match format {
        Format::Text => registry
            .with(layer.with_ansi(io::stderr().is_terminal()))
            .try_init(),
        Format::Json => registry.with(layer.json().flatten_event(true)).try_init(),
    };
    // Only a second start in the same process fails, and then the first one holds.
    drop(started);
}
