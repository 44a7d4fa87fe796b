//! The threads of a room's client: one for each thing that happens when it likes.

use std::sync::mpsc::{SyncSender, TrySendError};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::failure::Failure;

/// Starts a thread.
///
/// # Errors
/// When there is none to be had.
pub fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map(drop)
        .map_err(|error| Failure::Resource(format!("cannot start a thread: {error}")))
}

/// Says goodbye at the first signal, and tells of the end, in words, at the second. While the editor
/// runs, Ctrl-C is a key, which comes here too.
///
/// # Errors
/// When signals cannot be watched.
pub fn leave_on_signals<H: Send + 'static>(
    say_goodbye: impl Fn() + Clone + Send + 'static,
    tell: SyncSender<H>,
    closed: fn(String) -> H,
) -> Result<(), Failure> {
    let mut signals = Signals::new([SIGINT, SIGTERM])
        .map_err(|error| Failure::Resource(format!("cannot watch for signals: {error}")))?;
    start("signals", move || {
        for (count, signal) in signals.forever().enumerate() {
            if count == 0 {
                // The link may be busy with a line that the server does not take.
                let _ = start("goodbye", say_goodbye.clone());
            } else if let Err(TrySendError::Full(_)) = tell.try_send(closed("interrupted".into())) {
                // What is shown is not taken either.
                std::process::exit(128 + signal);
            }
        }
    })
}
