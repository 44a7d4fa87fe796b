//! Threads that are kept when their connection ends, for the next one.
//!
//! A thread made for each short connection halves the rate at which they can be served.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// The stack of a connection's thread, in bytes. The deepest frame holds a read buffer of 16 KiB;
/// nothing recurses on a peer's input.
pub const STACK_SIZE: usize = 256 * 1024;

/// How long a thread without work is kept.
const KEPT_FOR: Duration = Duration::from_secs(10);

type Job = Box<dyn FnOnce() + Send>;

/// A set of threads that grows with the work and shrinks without it. Clones share it.
#[derive(Clone, Default)]
pub struct Threads {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    work_came: Condvar,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    /// Threads that wait for work.
    idle: usize,
}

impl Threads {
    /// Runs the job on a thread of its own: one that waits, or a new one. A job that panics ends
    /// alone.
    ///
    /// # Errors
    /// When the operating system grants no more threads; the job is dropped.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut queue = self.shared.lock();
        if queue.idle > queue.jobs.len() {
            queue.jobs.push_back(Box::new(job));
            self.shared.work_came.notify_one();
            return Ok(());
        }
        drop(queue);
        let shared = Arc::clone(&self.shared);
        let first: Job = Box::new(job);
        thread::Builder::new()
            .name("connection".into())
            .stack_size(STACK_SIZE)
            .spawn(move || shared.work(first))
            .map(drop)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn work(&self, first: Job) {
        let mut next = Some(first);
        while let Some(job) = next {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a connection's thread panicked; the server goes on");
            }
            next = self.wait_for_work();
        }
    }

    fn wait_for_work(&self) -> Option<Job> {
        let mut queue = self.lock();
        queue.idle += 1;
        let (mut queue, _) = self
            .work_came
            .wait_timeout_while(queue, KEPT_FOR, |queue| queue.jobs.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        queue.idle -= 1;
        queue.jobs.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_finished_thread_takes_the_next_job() {
        let threads = Threads::default();
        let (tell, told) = mpsc::channel();
        let mut ids = Vec::new();
        for _ in 0..3 {
            let tell = tell.clone();
            threads
                .run(move || tell.send(thread::current().id()).unwrap())
                .unwrap();
            ids.push(told.recv().unwrap());
            while threads.shared.lock().idle == 0 {
                thread::yield_now();
            }
        }
        assert_eq!(ids[0], ids[1]);
        assert_eq!(ids[1], ids[2]);
    }

    #[test]
    fn jobs_that_wait_for_each_other_each_have_a_thread() {
        let threads = Threads::default();
        let barrier = Arc::new(std::sync::Barrier::new(21));
        for _ in 0..20 {
            let barrier = Arc::clone(&barrier);
            threads
                .run(move || {
                    barrier.wait();
                })
                .unwrap();
        }
        barrier.wait();
    }

    #[test]
    fn a_job_that_panics_ends_alone() {
        let threads = Threads::default();
        let (tell, told) = mpsc::channel();
        threads.run(|| panic!("on purpose")).unwrap();
        threads.run(move || tell.send(()).unwrap()).unwrap();
        told.recv().unwrap();
    }
}
