//! Client and server on one core. Left alone, the scheduler runs the two ends of one connection on
//! one core or on two, and the rates of these differ by several times.

use std::panic;
use std::thread;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Does this on a thread that runs on one core only; programs that it starts inherit that.
pub fn on_one_core<T: Send>(work: impl FnOnce() -> Result<T> + Send) -> Result<T> {
    let pinned = || {
        let permitted = sched_getaffinity(None)?;
        let first = (0..CpuSet::MAX_CPU).find(|core| permitted.is_set(*core));
        let mut one = CpuSet::new();
        one.set(first.context("no core is permitted")?);
        sched_setaffinity(None, &one).context("cannot be bound to one core")?;
        work()
    };
    thread::scope(|scope| {
        let joined = scope.spawn(pinned).join();
        joined.unwrap_or_else(|panicked| panic::resume_unwind(panicked))
    })
}
