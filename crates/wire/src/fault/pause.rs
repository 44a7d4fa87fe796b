//! A process that stops for a while, as `SIGSTOP` and later `SIGCONT` would have it.
//!
//! The operating system goes on: it accepts connections and takes bytes, as far as its buffers go,
//! which is what makes a stopped process hard to tell from a slow one. Every thread that uses a
//! socket calls [`wait_while_stopped`] before it sends and after it has waited, so nothing
//! is sent, and nothing that arrives is handled. A real `SIGSTOP` would also give the terminal
//! back to the shell, which takes the program for one that its user has put aside.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Whether the process is stopped, to be read without the lock.
static IS_STOPPED: AtomicBool = AtomicBool::new(false);

static UNTIL: Mutex<Option<Instant>> = Mutex::new(None);

/// Stops this process for so long, and returns when it goes on. Pauses that overlap end together,
/// with the last.
pub fn stop_for(pause: Duration) {
    let until = Instant::now() + pause;
    let mut stopped = lock();
    *stopped = Some(stopped.map_or(until, |earlier| earlier.max(until)));
    IS_STOPPED.store(true, Ordering::Release);
    drop(stopped);
    wait_while_stopped();
}

/// Returns when this process is not stopped. Otherwise it costs one load.
#[inline]
pub fn wait_while_stopped() {
    if IS_STOPPED.load(Ordering::Acquire) {
        wait_until_it_goes_on();
    }
}

#[cold]
fn wait_until_it_goes_on() {
    while IS_STOPPED.load(Ordering::Acquire) {
        let mut stopped = lock();
        let rest = stopped.map_or(Duration::ZERO, |until| {
            until.saturating_duration_since(Instant::now())
        });
        if rest.is_zero() {
            *stopped = None;
            IS_STOPPED.store(false, Ordering::Release);
        } else {
            drop(stopped);
            std::thread::sleep(rest);
        }
    }
}

fn lock() -> MutexGuard<'static, Option<Instant>> {
    UNTIL.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_comes_by_while_the_process_is_stopped_waits_for_its_end() {
        let pause = Duration::from_millis(60);
        let began = Instant::now();
        let stopping = std::thread::spawn(move || stop_for(pause));
        while !IS_STOPPED.load(Ordering::Acquire) && !stopping.is_finished() {
            std::thread::yield_now();
        }
        wait_while_stopped();
        assert!(began.elapsed() >= pause);
        stopping.join().unwrap();
        assert!(!IS_STOPPED.load(Ordering::Acquire));
    }
}
