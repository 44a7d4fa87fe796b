//! What asks the server to stop: signals, and the end of standard input.

use std::{fs, io, thread};

use anyhow::Context;
use record::Recorder;
use server::Stopper;
use server::log::Log;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook::iterator::Signals;

/// Stops the server, once asked to.
#[derive(Clone)]
pub struct Stopping {
    /// The server.
    pub stopper: Stopper,
    /// Its recorder, if it has one.
    pub recorder: Option<Recorder>,
    /// Its log.
    pub log: Log,
}

impl Stopping {
    /// The first SIGINT, SIGTERM or SIGHUP lets conversations end; a second SIGINT or SIGTERM ends
    /// the process. SIGUSR1 and SIGUSR2 do nothing.
    pub fn on_signals(self) -> anyhow::Result<()> {
        let mut watched = vec![SIGINT, SIGTERM, SIGUSR1, SIGUSR2];
        if !is_hangup_ignored() {
            watched.push(SIGHUP);
        }
        let mut signals = Signals::new(watched).context("cannot watch for signals")?;
        let watch = move || {
            let mut is_stopping = false;
            for signal in signals.forever() {
                match signal {
                    SIGUSR1 | SIGUSR2 => {}
                    // When a terminal is closed, the system and the shell may each send one.
                    SIGHUP if is_stopping => {}
                    _ if is_stopping => self.at_once(signal),
                    _ => self.begin("open conversations may end; once more to stop at once"),
                }
                is_stopping |= !matches!(signal, SIGUSR1 | SIGUSR2);
            }
        };
        thread::Builder::new()
            .name("signals".into())
            .spawn(watch)
            .context("cannot start a thread for signals")?;
        Ok(())
    }

    /// The end of standard input lets conversations end, as the first signal does. What comes
    /// before it says nothing.
    pub fn at_end_of_input(self) -> anyhow::Result<()> {
        let watch = move || {
            // One that cannot be read has no end to wait for: the process that held it is gone.
            if let Err(error) = io::copy(&mut io::stdin(), &mut io::sink()) {
                tracing::warn!("cannot read standard input: {error}");
            }
            self.begin("standard input ended");
        };
        thread::Builder::new()
            .name("stdin".into())
            .spawn(watch)
            .context("cannot start a thread for standard input")?;
        Ok(())
    }

    fn begin(&self, why: &str) {
        if let Some(recorder) = &self.recorder {
            recorder.stopping();
        }
        // Once it stops, the process may end before another line is logged.
        tracing::info!("stopping: {why}");
        self.stopper.stop();
    }

    fn at_once(&self, signal: i32) -> ! {
        tracing::warn!("stopping at once");
        if let Some(recorder) = &self.recorder {
            recorder.finish();
        }
        self.log.flush();
        std::process::exit(128 + signal)
    }
}

/// Whether this process was started to outlive its terminal, as `nohup` does. Linux shows it;
/// elsewhere it is taken for no.
fn is_hangup_ignored() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    is_ignored(&status, SIGHUP)
}

/// Whether a process with this status ignores this signal: one bit for each, from 1.
fn is_ignored(status: &str, signal: i32) -> bool {
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let ignored = ignored.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    ignored.is_some_and(|mask| mask >> (signal - 1) & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ignored_signal_is_a_bit_of_the_mask() {
        let nohup = "Name:\tlabserver\nSigBlk:\t0000000000000001\nSigIgn:\t0000000000001001\n";
        assert!(is_ignored(nohup, SIGHUP));
        assert!(!is_ignored(nohup, SIGTERM));
        let blocked = "SigBlk:\t0000000000000001\nSigIgn:\t0000000000001000\n";
        assert!(!is_ignored(blocked, SIGHUP));
        assert!(!is_ignored("", SIGHUP));
    }
}
