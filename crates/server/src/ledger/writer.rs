//! The thread that writes the ledger, and the [`Bank`] handle on it.
//!
//! It takes all operations that wait, lets [`decide_under`] say what each does to what the one
//! before it left, and commits the lot in one synced transaction. Only then does any caller get its
//! reply. While one transaction is synced the next one gathers, so that many machines share the
//! price of one sync.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use proto::atm::Answer;
use proto::atm::bank::{Decision, Known, Operation, decide_under};
use proto::atm::semantics::Protections;
use proto::refusal::{Code, Refusal};
use wire::fault::crash::{CrashPoint, crash_if_due};

use super::store::{CommitError, Store, StoreError};

/// Operations in one transaction, at most: enough to make the sync cheap for each, few enough that
/// the first does not wait long for the last.
pub const BATCH: usize = 256;

/// Operations that may wait for the writer. Who asks for one more waits until there is room.
pub const QUEUE: usize = 1024;

/// A handle on the bank, for as many threads as want one. When the last is dropped, the operations
/// under way are finished and the store is closed.
#[derive(Debug, Clone)]
pub struct Bank(Arc<Thread>);

#[derive(Debug)]
struct Thread {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Bank {
    /// Hands the store to a thread of its own.
    pub fn start(store: impl Store + 'static) -> io::Result<Bank> {
        Bank::start_observed(Protections::ALL, store, |_, _| {})
    }

    /// The same for a bank that has these protections alone, to show what each is for. `observe` is
    /// called with every operation and its reply as soon as both are on disk.
    pub fn start_observed(
        protections: Protections,
        mut store: impl Store + 'static,
        observe: impl Fn(&Operation, &Reply) + Send + 'static,
    ) -> io::Result<Bank> {
        let (jobs, waiting) = sync_channel(QUEUE);
        let write = move || {
            let mut writer = Writer {
                store: &mut store,
                protections,
                observe: &observe,
            };
            writer.run(&waiting);
        };
        let thread = thread::Builder::new().name("ledger".into()).spawn(write)?;
        Ok(Bank(Arc::new(Thread {
            jobs: Some(jobs),
            thread: Some(thread),
        })))
    }

    /// Has the bank do this, and waits until it is on disk.
    /// [`Code::Unavailable`] means that the ledger failed and nothing was done, [`Code::Internal`]
    /// that it is not known what was.
    pub fn apply(&self, operation: Operation) -> Result<Answer, Refusal> {
        let (reply, replied) = sync_channel(1);
        self.send(Job::Operation { operation, reply })?;
        // No reply means that the writer died, perhaps after it committed.
        replied.recv().unwrap_or_else(|_| Err(unknown()))
    }

    /// Reads what is committed. Nothing is written meanwhile, so it should be short.
    pub fn query<R: Send + 'static>(
        &self,
        read: impl FnOnce(&mut dyn Store) -> Result<R, StoreError> + Send + 'static,
    ) -> Result<R, Refusal> {
        let (reply, replied) = sync_channel(1);
        self.send(Job::Query(Box::new(move |store| {
            // Who asked may be gone.
            let _ = reply.send(read(store));
        })))?;
        match replied.recv() {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(error)) => {
                tracing::error!(%error, "the ledger cannot be read");
                Err(unavailable())
            }
            Err(_) => Err(unavailable()),
        }
    }

    fn send(&self, job: Job) -> Result<(), Refusal> {
        let jobs = self.0.jobs.as_ref().ok_or_else(unavailable)?;
        jobs.send(job).map_err(|_| unavailable())
    }
}

impl Drop for Thread {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported already.
            let _ = thread.join();
        }
    }
}

type Reply = Result<Answer, Refusal>;
type Read = Box<dyn FnOnce(&mut dyn Store) + Send>;

enum Job {
    Operation {
        operation: Operation,
        reply: SyncSender<Reply>,
    },
    Query(Read),
}

/// Carries out the operations, with no thread between, and gives the reply to each.
pub(super) fn carry_out<S: Store>(store: &mut S, operations: &[Operation]) -> Vec<Reply> {
    let mut writer = Writer {
        store,
        protections: Protections::ALL,
        observe: &|_, _| {},
    };
    writer.reply_to(operations)
}

struct Writer<'a, S> {
    store: &'a mut S,
    protections: Protections,
    observe: &'a dyn Fn(&Operation, &Reply),
}

impl<S: Store> Writer<'_, S> {
    fn run(&mut self, waiting: &Receiver<Job>) {
        while let Ok(first) = waiting.recv() {
            let mut operations = Vec::new();
            let mut callers = Vec::new();
            for job in std::iter::once(first).chain(waiting.try_iter()).take(BATCH) {
                match job {
                    Job::Operation { operation, reply } => {
                        operations.push(operation);
                        callers.push(reply);
                    }
                    Job::Query(read) => {
                        if catch_unwind(AssertUnwindSafe(|| read(self.store))).is_err() {
                            tracing::error!("a query of the ledger failed");
                        }
                    }
                }
            }
            for (caller, reply) in callers.iter().zip(self.reply_to(&operations)) {
                // The caller may be gone; what was done stays done.
                let _ = caller.send(reply);
            }
        }
    }

    /// Carries out the operations, together or one by one, and gives the reply to each.
    fn reply_to(&mut self, operations: &[Operation]) -> Vec<Reply> {
        if operations.is_empty() {
            return Vec::new();
        }
        let failure = match self.transact(operations) {
            Ok(replies) => return replies,
            // One that the store cannot take must not be the ruin of the others.
            Err(Failure::Operation(_)) if operations.len() > 1 => {
                let alone = operations.iter().map(std::slice::from_ref);
                return alone
                    .flat_map(|operation| self.reply_to(operation))
                    .collect();
            }
            Err(failure) => failure,
        };
        tracing::error!(error = %failure, operations = operations.len(), "the ledger failed");
        let refusal = match failure {
            Failure::Begin(_) | Failure::Operation(_) => unavailable(),
            Failure::Commit(CommitError::NothingDone(_)) => unavailable(),
            Failure::Commit(CommitError::Unknown(_)) => unknown(),
        };
        operations.iter().map(|_| Err(refusal.clone())).collect()
    }

    /// Carries out the operations in one transaction.
    fn transact(&mut self, operations: &[Operation]) -> Result<Vec<Reply>, Failure> {
        self.store.begin(Timestamp::now()).map_err(Failure::Begin)?;
        let decided = catch_unwind(AssertUnwindSafe(|| {
            let decide = |operation| self.decide(operation);
            operations.iter().map(decide).collect::<Result<Vec<_>, _>>()
        }));
        let error = match decided {
            Ok(Ok(replies)) => {
                crash_if_due(CrashPoint::BeforeCommit);
                self.store.commit().map_err(Failure::Commit)?;
                for (operation, reply) in operations.iter().zip(&replies) {
                    (self.observe)(operation, reply);
                }
                crash_if_due(CrashPoint::AfterCommit);
                return Ok(replies);
            }
            Ok(Err(error)) => error,
            Err(_) => StoreError::Failed("the rules of the bank panicked".into()),
        };
        if let Err(error) = self.store.roll_back() {
            tracing::error!(%error, "the ledger did not roll back");
        }
        Err(Failure::Operation(error))
    }

    /// Writes what the operation does to the open transaction.
    fn decide(&mut self, operation: &Operation) -> Result<Reply, StoreError> {
        let known = Known::look_up(operation, self.store)?;
        let Decision { reply, writes } = decide_under(self.protections, operation, &known);
        let mut writes = writes.into_iter();
        writes.try_for_each(|write| self.store.write(write))?;
        Ok(reply)
    }
}

/// Where a transaction failed.
#[derive(Debug, thiserror::Error)]
enum Failure {
    #[error("no transaction could be opened: {0}")]
    Begin(StoreError),
    #[error("an operation could not be carried out: {0}")]
    Operation(StoreError),
    #[error("{0}")]
    Commit(CommitError),
}

fn unavailable() -> Refusal {
    Refusal::new(
        Code::Unavailable,
        "the bank takes no business now; nothing was done",
    )
}

fn unknown() -> Refusal {
    Refusal::new(
        Code::Internal,
        "the bank failed; ask again with the same id",
    )
}
