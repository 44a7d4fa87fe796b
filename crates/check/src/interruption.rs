//! Ctrl-C, which ends a check and not its report.

use std::io;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Set by the first SIGINT or SIGTERM; the second one ends this program at once.
///
/// # Errors
/// When signals cannot be handled.
pub fn interruption() -> io::Result<Arc<AtomicBool>> {
    let is_interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_default(signal, Arc::clone(&is_interrupted))?;
        signal_hook::flag::register(signal, Arc::clone(&is_interrupted))?;
    }
    Ok(is_interrupted)
}
