//! Threads that are kept when their connection ends, for the next one.
//!
//! A thread made for each short connection halves the rate at which they can be served.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;
use std::time::Duration;

/// The stack of a connection's thread, in bytes. The deepest frame holds a read buffer of 4 KiB;
/// nothing recurses on a peer's input.
pub const STACK_SIZE: usize = 256 * 1024;

/// How long a thread without work is kept.
const KEPT_FOR: Duration = Duration::from_secs(10);

/// How long a job waits for the thread that was to be done when room was made, before more is made:
/// several may have waited for the same one.
const SOON: Duration = Duration::from_millis(100);

/// How often room is made for one job.
const TRIES: usize = 3;

type Job = Box<dyn FnOnce() + Send>;

/// A set of threads that grows with the work and shrinks without it. Clones share it.
#[derive(Clone)]
pub struct Threads {
    shared: Arc<Shared>,
    stack_size: usize,
}

#[derive(Default)]
struct Shared {
    queue: Mutex<Queue>,
    work_came: Condvar,
    work_went: Condvar,
    make_room: OnceLock<MakeRoom>,
}

type MakeRoom = Box<dyn Fn() -> bool + Send + Sync>;

#[derive(Default)]
struct Queue {
    jobs: VecDeque<(u64, Job)>,
    next_id: u64,
    /// Threads that wait for work.
    idle: usize,
    /// Jobs for which no thread was granted.
    short: usize,
}

impl Threads {
    /// Of which the operating system grants none.
    #[cfg(test)]
    pub fn none() -> Threads {
        Threads {
            stack_size: usize::MAX / 4,
            ..Threads::default()
        }
    }

    /// What to do when the operating system grants no more threads: it says whether some thread
    /// will soon be done. Only the first call counts.
    pub fn when_short(&self, make_room: impl Fn() -> bool + Send + Sync + 'static) {
        let _ = self.shared.make_room.set(Box::new(make_room));
    }

    /// Whether jobs wait for a thread, which any that is done should become.
    pub fn are_short(&self) -> bool {
        !self.shared.lock().jobs.is_empty()
    }

    /// Runs the job on a thread of its own: one that waits, or a new one; or, when the operating
    /// system grants no more, the next one that is done, if [room can be made](Self::when_short). A
    /// job that panics ends alone.
    pub fn run(&self, job: impl FnOnce() + Send + 'static) -> io::Result<()> {
        let mut queue = self.shared.lock();
        let is_idle = queue.idle > queue.jobs.len();
        let id = queue.push(Box::new(job));
        drop(queue);
        if is_idle {
            self.shared.work_came.notify_one();
            return Ok(());
        }
        let shared = Arc::clone(&self.shared);
        let spawned = thread::Builder::new()
            .name("connection".into())
            .stack_size(self.stack_size)
            .spawn(move || shared.work());
        match spawned {
            Err(error) if !self.shared.finds_thread(id) => Err(error),
            Ok(_) | Err(_) => Ok(()),
        }
    }
}

impl Default for Threads {
    fn default() -> Threads {
        Threads {
            shared: Arc::default(),
            stack_size: STACK_SIZE,
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has room made until a thread takes this job. When none does, the job is dropped.
    fn finds_thread(&self, id: u64) -> bool {
        let waits = |queue: &mut Queue| queue.jobs.iter().any(|(other, _)| *other == id);
        let tries = self.make_room.get().into_iter().cycle();
        for make_room in tries.take(TRIES) {
            let is_made = make_room();
            let mut queue = self.lock();
            queue.short += 1;
            self.work_came.notify_one();
            let waited = self.work_went.wait_timeout_while(queue, SOON, waits);
            let (mut queue, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
            queue.short -= 1;
            drop(queue);
            if !timeout.timed_out() {
                return true;
            }
            if !is_made {
                break;
            }
        }
        let mut queue = self.lock();
        let place = queue.jobs.iter().position(|(other, _)| *other == id);
        let left = place.and_then(|place| queue.jobs.remove(place));
        drop(queue);
        // Or it was taken at the last moment.
        left.is_none()
    }

    fn work(&self) {
        while let Some(job) = self.wait_for_work() {
            if catch_unwind(AssertUnwindSafe(job)).is_err() {
                tracing::error!("a connection's thread panicked; the server goes on");
            }
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
        let job = queue.jobs.pop_front();
        let is_awaited = queue.short > 0;
        drop(queue);
        if is_awaited {
            self.work_went.notify_all();
        }
        job.map(|(_, job)| job)
    }
}

impl Queue {
    fn push(&mut self, job: Job) -> u64 {
        let id = self.next_id;
        self.next_id += 1;
        self.jobs.push_back((id, job));
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_finished_thread_takes_the_next_job() {
        let threads = Threads::default();
        let (tx, rx) = mpsc::channel();
        let mut ids = Vec::new();
        for _ in 0..3 {
            let tx = tx.clone();
            threads
                .run(move || tx.send(thread::current().id()).unwrap())
                .unwrap();
            ids.push(rx.recv().unwrap());
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
    fn a_job_for_which_no_thread_is_granted_is_done_by_the_next_one_if_there_is_to_be_one() {
        let threads = Threads::default();
        // No operating system grants so much.
        let short = Threads {
            stack_size: usize::MAX / 4,
            ..threads.clone()
        };
        assert!(short.run(|| panic!("no thread runs this")).is_err());
        let (end, ended) = mpsc::channel();
        let (tx, rx) = mpsc::channel();
        let first_tx = tx.clone();
        let first = move || {
            ended.recv().unwrap();
            first_tx.send(thread::current().id()).unwrap();
        };
        threads.run(first).unwrap();
        threads.when_short(move || end.send(()).is_ok());
        short
            .run(move || tx.send(thread::current().id()).unwrap())
            .unwrap();
        assert_eq!(rx.recv().unwrap(), rx.recv().unwrap());
    }

    #[test]
    fn a_job_that_panics_ends_alone() {
        let threads = Threads::default();
        let (tx, rx) = mpsc::channel();
        threads.run(|| panic!("on purpose")).unwrap();
        threads.run(move || tx.send(()).unwrap()).unwrap();
        rx.recv().unwrap();
    }
}
