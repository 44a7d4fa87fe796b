//! Ctrl-C, and what else asks a program to end: for what takes long and has results worth keeping,
//! which ends early instead of at once ([`Interrupt`]), and for what must not end without saying
//! what is open ([`ExitMessage`]).

use std::io::{self, IsTerminal, Write};
use std::process;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use record::Recorder;
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use signal_hook::{flag, low_level};

use crate::failure::{Failure, Status};

/// Whether the person wants an end. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes Ctrl-C, and what else asks a program to end, over for the rest of the process.
    pub fn watch() -> Result<Interrupt, Failure> {
        let interrupt = Interrupt::default();
        let mut signals = vec![SIGINT, SIGTERM];
        #[cfg(unix)]
        signals.push(signal_hook::consts::SIGHUP);
        for signal in signals {
            flag::register(signal, Arc::clone(&interrupt.0)).map_err(cannot_watch)?;
        }
        Ok(interrupt)
    }

    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends this as Ctrl-C would.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What to print should the program be ended now: what is open, and what settles it.
/// Clones share it.
#[derive(Debug, Clone, Default)]
pub struct ExitMessage(Arc<Mutex<Option<String>>>);

impl ExitMessage {
    /// Takes Ctrl-C, and what else asks a program to end, over for the rest of the process: while
    /// there is something to print, the first is answered with that and [`Status::Unknown`]. A
    /// second one, or one while there is nothing, ends the process as it would end any other.
    ///
    /// The process ends on the thread that waits for signals, so whatever another thread waits for
    /// need not be woken. To the journal it is a crash like any other.
    pub fn watch(recorder: Option<Recorder>) -> Result<ExitMessage, Failure> {
        let notice = ExitMessage::default();
        let came = Arc::new(AtomicBool::new(false));
        // Not SIGHUP: when the terminal is gone nothing can be shown, and `nohup` is to keep
        // its promise.
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first finds that none came before it.
            flag::register_conditional_default(signal, Arc::clone(&came)).map_err(cannot_watch)?;
            flag::register(signal, Arc::clone(&came)).map_err(cannot_watch)?;
        }
        let mut signals = Signals::new([SIGINT, SIGTERM]).map_err(cannot_watch)?;
        let watched = notice.clone();
        thread::Builder::new()
            .name("signals".into())
            .spawn(move || {
                if let Some(signal) = signals.forever().next() {
                    watched.end(signal, recorder.as_ref());
                }
            })
            .map_err(cannot_watch)?;
        Ok(notice)
    }

    /// From here on this is to be printed, if anything.
    pub fn set(&self, words: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    fn end(&self, signal: i32, recorder: Option<&Recorder>) -> ! {
        // Held to the end: what is printed does not change meanwhile.
        let words = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut stderr = io::stderr();
        if words.is_some() && stderr.is_terminal() {
            // The terminal shows the key, as ^C.
            let _ = writeln!(stderr);
        }
        if let Some(recorder) = recorder {
            recorder.finish();
        }
        let Some(words) = words.as_ref() else {
            let _ = low_level::emulate_default_handler(signal);
            process::exit(128 + signal);
        };
        let _ = writeln!(stderr, "labclient: {words}");
        process::exit(Status::Unknown as i32);
    }
}

pub(crate) fn cannot_watch(error: io::Error) -> Failure {
    Failure::Resource(format!("cannot watch for Ctrl-C: {error}"))
}
