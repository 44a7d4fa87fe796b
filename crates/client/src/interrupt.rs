//! Ctrl-C for what takes long and has results worth keeping: it ends early instead of at once.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};

use crate::failure::Failure;

/// Whether the person wants an end. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Interrupt(Arc<AtomicBool>);

impl Interrupt {
    /// Takes Ctrl-C, and what else asks a program to end, over for the rest of the process.
    ///
    /// # Errors
    /// When signals cannot be watched.
    pub fn watch() -> Result<Interrupt, Failure> {
        let interrupt = Interrupt::default();
        let mut signals = vec![SIGINT, SIGTERM];
        #[cfg(unix)]
        signals.push(signal_hook::consts::SIGHUP);
        for signal in signals {
            signal_hook::flag::register(signal, Arc::clone(&interrupt.0))
                .map_err(|error| Failure::Resource(format!("cannot watch for Ctrl-C: {error}")))?;
        }
        Ok(interrupt)
    }

    /// Whether it came.
    pub fn came(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Ends this as Ctrl-C would.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
