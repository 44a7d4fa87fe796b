//! The [`Bank`]: a handle on the ledger, for any number of threads.
//!
//! A caller that finds the ledger free carries out its own operation, so that a lone one waits for
//! no other thread. What comes meanwhile is queued, and a thread takes over: it commits all that is
//! queued in one synced transaction, and again while there is more. So many machines share the
//! price of one sync.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};

use proto::atm::Answer;
use proto::atm::bank::Operation;
use proto::atm::semantics::Protections;
use proto::refusal::Refusal;

use super::store::{Store, StoreError};
use super::writer::{Reply, Writer, unavailable, unknown};

/// Operations in one transaction, at most: enough to make the sync cheap for each, few enough that
/// the first does not wait long for the last.
pub const BATCH: usize = 256;

/// Operations that may wait for the ledger. Who asks for one more waits until there is room.
pub const QUEUE: usize = 1024;

/// A handle on the bank, for as many threads as want one. When the last is dropped, the operations
/// under way are finished and the store is closed.
#[derive(Clone)]
pub struct Bank(Arc<Thread>);

struct Thread {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    queue: Mutex<Queue>,
    turn_passed: Condvar,
    room_made: Condvar,
    ledger: Mutex<Ledger>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Job>,
    turn: Turn,
    is_closed: bool,
}

/// Whose turn it is to use the ledger. Jobs are queued only while a thread has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Turn {
    #[default]
    Nobody,
    /// Of a caller, for its own job.
    Caller,
    /// Of the thread, for the queue.
    Thread,
}

struct Ledger {
    store: Box<dyn Store>,
    protections: Protections,
    observe: Observe,
}

type Observe = Box<dyn Fn(&Operation, &Reply) + Send>;
type Read = Box<dyn FnOnce(&mut dyn Store) + Send>;

enum Job {
    Operation(Operation, Ticket),
    Query(Read),
}

impl Bank {
    /// Opens a bank over the store.
    ///
    /// # Errors
    /// When there is no thread for it.
    #[cfg(test)]
    pub fn start(store: impl Store + 'static) -> io::Result<Bank> {
        Bank::start_observed(Protections::ALL, Box::new(store), |_, _| {})
    }

    /// The same for a bank that has these protections alone, to show what each is for. `observe` is
    /// called with every operation and its reply as soon as both are on disk.
    ///
    /// # Errors
    /// When there is no thread for it.
    pub fn start_observed(
        protections: Protections,
        store: Box<dyn Store>,
        observe: impl Fn(&Operation, &Reply) + Send + 'static,
    ) -> io::Result<Bank> {
        let shared = Arc::new(Shared {
            queue: Mutex::default(),
            turn_passed: Condvar::new(),
            room_made: Condvar::new(),
            ledger: Mutex::new(Ledger {
                store,
                protections,
                observe: Box::new(observe),
            }),
        });
        let working = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("ledger".into())
            .spawn(move || working.work())?;
        Ok(Bank(Arc::new(Thread {
            shared,
            thread: Some(thread),
        })))
    }

    /// Has the bank do this, and waits until it is on disk.
    /// [`Code::Unavailable`](proto::refusal::Code::Unavailable) means that the ledger failed and
    /// nothing was done, [`Code::Internal`](proto::refusal::Code::Internal) that it is not known
    /// what was.
    pub fn apply(&self, operation: Operation) -> Result<Answer, Refusal> {
        let reply = Arc::default();
        let ticket = Ticket(Arc::clone(&reply));
        self.0.shared.submit(Job::Operation(operation, ticket));
        reply.wait().clone()
    }

    /// Reads what is committed. Nothing is written meanwhile, so it should be short.
    pub fn query<R: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Store) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Refusal> {
        let (result, read_result) = sync_channel(1);
        self.0.shared.submit(Job::Query(Box::new(move |store| {
            // Who asked waits for it.
            let _ = result.send(read(store));
        })));
        match read_result.recv() {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => {
                tracing::error!(%error, "the ledger cannot be read");
                Err(unavailable())
            }
            Err(_) => Err(unavailable()),
        }
    }
}

impl std::fmt::Debug for Bank {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bank").finish_non_exhaustive()
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        self.shared.lock().is_closed = true;
        self.shared.turn_passed.notify_one();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Carries out the job, if it is nobody's turn, or queues it.
    fn submit(&self, job: Job) {
        let is_full = |queue: &mut Queue| queue.turn != Turn::Nobody && queue.jobs.len() >= QUEUE;
        let waited = self.room_made.wait_while(self.lock(), is_full);
        let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
        if queue.turn != Turn::Nobody {
            queue.jobs.push_back(job);
            return;
        }
        queue.turn = Turn::Caller;
        drop(queue);
        self.carry_out([job]);
        if self.lock().pass_turn() == Turn::Thread {
            self.turn_passed.notify_one();
        }
    }

    /// Carries out what is queued whenever the turn is passed here, until the bank is closed.
    fn work(&self) {
        let waits = |queue: &mut Queue| queue.turn != Turn::Thread && !queue.is_closed;
        loop {
            let waited = self.turn_passed.wait_while(self.lock(), waits);
            let mut queue = waited.unwrap_or_else(PoisonError::into_inner);
            if queue.turn != Turn::Thread {
                return;
            }
            let was_full = queue.jobs.len() >= QUEUE;
            let size = queue.jobs.len().min(BATCH);
            let jobs: Vec<Job> = queue.jobs.drain(..size).collect();
            drop(queue);
            if was_full {
                self.room_made.notify_all();
            }
            self.carry_out(jobs);
            self.lock().pass_turn();
        }
    }

    /// Carries out all operations in one transaction, after all queries.
    fn carry_out(&self, jobs: impl IntoIterator<Item = Job>) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut operations, mut tickets) = (Vec::new(), Vec::new());
        for job in jobs {
            match job {
                Job::Operation(operation, ticket) => {
                    operations.push(operation);
                    tickets.push(ticket);
                }
                Job::Query(read) => {
                    if catch_unwind(AssertUnwindSafe(|| read(&mut *ledger.store))).is_err() {
                        tracing::error!("a query of the ledger failed");
                    }
                }
            }
        }
        let replies = catch_unwind(AssertUnwindSafe(|| ledger.writer().reply_to(&operations)));
        drop(ledger);
        let replies = replies.unwrap_or_else(|_| {
            // What the transaction left open, the next one rolls back.
            tracing::error!("the ledger panicked; whether it committed is not known");
            Vec::new()
        });
        for (ticket, reply) in tickets.into_iter().zip(replies) {
            ticket.reply(reply);
        }
    }
}

impl Queue {
    /// Ends a turn: the next one is the thread's when anything is queued.
    fn pass_turn(&mut self) -> Turn {
        self.turn = match self.jobs.is_empty() {
            true => Turn::Nobody,
            false => Turn::Thread,
        };
        self.turn
    }
}

impl Ledger {
    fn writer(&mut self) -> Writer<'_> {
        Writer {
            store: &mut *self.store,
            protections: self.protections,
            observe: &*self.observe,
        }
    }
}

/// The place of a reply. Dropped without one, it takes that it is not known what was done.
struct Ticket(Arc<OnceLock<Reply>>);

impl Ticket {
    fn reply(self, reply: Reply) {
        // The only one.
        let _ = self.0.set(reply);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.0.get_or_init(|| Err(unknown()));
    }
}

#[cfg(test)]
mod tests;
