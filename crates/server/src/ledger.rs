//! The bank's ledger: where the truth is kept.
//!
//! A [`Store`] keeps rows; [`memory`] and [`sqlite`] are two. It is written by one thread, behind
//! the [`Bank`] handle: that thread takes all operations that wait, lets [`decide_under`] say what each
//! does to what the one before it left, and commits the lot in one synced transaction. Only then
//! does any caller get its reply. While one transaction is synced the next one gathers, so that
//! many machines share the price of one sync.
//!
//! [`audit`] proves afterwards that no money came or went; [`accounts`] says which accounts there
//! are to begin with; [`command`] is what an operator sees of it.

use std::fmt::Display;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};

use jiff::Timestamp;
use proto::atm::bank::{Decision, Known, Operation, Rows, decide_under};
use proto::atm::record::{Account, Entry, Record, Transaction, Write};
use proto::atm::semantics::Protections;
use proto::atm::{Answer, CardNumber};
use proto::refusal::{Code, Refusal};
use wire::fault::crash::{CrashPoint, crash_if_due};

pub mod accounts;
pub mod audit;
pub mod command;
pub mod memory;
pub mod sqlite;

/// Operations in one transaction, at most: enough to make the sync cheap for each, few enough that
/// the first does not wait long for the last.
pub const BATCH: usize = 256;

/// Operations that may wait for the writer. Who asks for one more waits until there is room.
pub const QUEUE: usize = 1024;

/// Where rows are kept. Reads see what was written in the open transaction.
pub trait Store: Rows<Error = StoreError> + Send {
    /// Opens a transaction for writing; all it writes is dated `at`. What an earlier transaction
    /// left uncommitted is gone.
    ///
    /// # Errors
    /// When there is none; then nothing was done.
    fn begin(&mut self, at: Timestamp) -> Result<(), StoreError>;

    /// Opens a transaction in which every read sees the same moment, and others may write.
    /// [`roll_back`](Store::roll_back) ends it.
    ///
    /// # Errors
    /// When there is none.
    fn begin_reading(&mut self) -> Result<(), StoreError>;

    /// Makes one change in the open transaction.
    ///
    /// # Errors
    /// When it cannot be made. The transaction must then be rolled back.
    fn write(&mut self, write: Write) -> Result<(), StoreError>;

    /// Makes the changes of the open transaction last.
    ///
    /// # Errors
    /// Which say whether that is certain not to have happened.
    fn commit(&mut self) -> Result<(), CommitError>;

    /// Forgets the changes of the open transaction, if there is one.
    ///
    /// # Errors
    /// When that fails. They do not last all the same.
    fn roll_back(&mut self) -> Result<(), StoreError>;

    /// All accounts, by card number.
    ///
    /// # Errors
    /// When the ledger cannot be read, here and below.
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError>;

    /// Visits all records, by id. Each is dated when it was first asked for.
    ///
    /// # Errors
    /// See [`accounts`](Store::accounts).
    fn each_record(&mut self, visit: &mut dyn FnMut(Dated<Record>)) -> Result<(), StoreError>;

    /// Visits the history, the oldest entry first: of one account, or all of it.
    ///
    /// # Errors
    /// See [`accounts`](Store::accounts).
    fn each_entry(
        &mut self,
        of: Option<&CardNumber>,
        visit: &mut dyn FnMut(Dated<Entry>),
    ) -> Result<(), StoreError>;

    /// Transactions that are neither confirmed nor rolled back, the oldest first.
    ///
    /// # Errors
    /// See [`accounts`](Store::accounts).
    fn unsettled(&mut self) -> Result<Vec<Dated<Transaction>>, StoreError>;
}

/// A row, and when it was first written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated<T> {
    /// When.
    pub at: Timestamp,
    /// What.
    pub row: T,
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine beneath failed.
    #[error("{0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
    /// A row is not what this program writes.
    #[error("the ledger is damaged: {0}")]
    Damaged(String),
}

/// Why a transaction did not commit.
#[derive(Debug, thiserror::Error)]
pub enum CommitError {
    /// None of it lasts.
    #[error("nothing was written: {0}")]
    NothingDone(StoreError),
    /// It may last, or not; looking up an id will tell.
    #[error("not known whether it was written: {0}")]
    Unknown(StoreError),
}

/// A handle on the bank, for as many threads as want one. When the last is dropped, the operations
/// under way are finished and the store is closed.
#[derive(Debug, Clone)]
pub struct Bank(Arc<Writer>);

impl Bank {
    /// Hands the store to a thread of its own.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start(store: impl Store + 'static) -> io::Result<Bank> {
        Bank::start_under(Protections::ALL, store)
    }

    /// The same for a bank that has these protections alone, to show what each is for.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start_under(protections: Protections, store: impl Store + 'static) -> io::Result<Bank> {
        Bank::start_observed(protections, store, |_, _| {})
    }

    /// As [`Bank::start_under`], with somebody told of every operation and its reply as soon as both
    /// are on disk.
    ///
    /// # Errors
    /// When there is no thread to be had.
    pub fn start_observed(
        protections: Protections,
        store: impl Store + 'static,
        committed: impl Fn(&Operation, &Result<Answer, Refusal>) + Send + 'static,
    ) -> io::Result<Bank> {
        let (jobs, waiting) = sync_channel(QUEUE);
        let thread = thread::Builder::new()
            .name("ledger".into())
            .spawn(move || serve(protections, store, waiting, &committed))?;
        Ok(Bank(Arc::new(Writer {
            jobs: Some(jobs),
            thread: Some(thread),
        })))
    }

    /// Has the bank do this, and waits until it is on disk.
    ///
    /// # Errors
    /// The bank's refusal. [`Code::Unavailable`] when the ledger failed and nothing was done,
    /// [`Code::Internal`] when it failed and it is not known what was.
    pub fn apply(&self, operation: Operation) -> Result<Answer, Refusal> {
        let (reply, replied) = sync_channel(1);
        self.send(Job::Operation { operation, reply })?;
        // No reply means that the writer died, perhaps after it committed.
        replied.recv().unwrap_or_else(|_| Err(unknown()))
    }

    /// Reads what is committed. Nothing is written meanwhile, so it should be short.
    ///
    /// # Errors
    /// [`Code::Unavailable`] when the ledger cannot be read.
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

#[derive(Debug)]
struct Writer {
    jobs: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Writer {
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

fn serve<S: Store>(
    protections: Protections,
    mut store: S,
    waiting: Receiver<Job>,
    committed: &dyn Fn(&Operation, &Reply),
) {
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
                    if catch_unwind(AssertUnwindSafe(|| read(&mut store))).is_err() {
                        tracing::error!("a query of the ledger failed");
                    }
                }
            }
        }
        for (caller, reply) in callers.iter().zip(replies_told(
            protections,
            &mut store,
            &operations,
            committed,
        )) {
            // Who asked may be gone; what was done stays done.
            let _ = caller.send(reply);
        }
    }
}

/// Applies the operations and says what to reply to each, when that may be said.
fn replies<S: Store>(
    protections: Protections,
    store: &mut S,
    operations: &[Operation],
) -> Vec<Reply> {
    replies_told(protections, store, operations, &|_, _| {})
}

/// As [`replies`], with each told as soon as it is on disk.
fn replies_told<S: Store>(
    protections: Protections,
    store: &mut S,
    operations: &[Operation],
    committed: &dyn Fn(&Operation, &Reply),
) -> Vec<Reply> {
    if operations.is_empty() {
        return Vec::new();
    }
    let failure = match apply_together(protections, store, operations, committed) {
        Ok(replies) => return replies,
        // One that the store cannot take must not be the ruin of the others.
        Err(Failure::Operation(_)) if operations.len() > 1 => {
            let alone = operations.iter().map(std::slice::from_ref);
            return alone
                .flat_map(|operation| replies_told(protections, store, operation, committed))
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

fn apply_together<S: Store>(
    protections: Protections,
    store: &mut S,
    operations: &[Operation],
    committed: &dyn Fn(&Operation, &Reply),
) -> Result<Vec<Reply>, Failure> {
    store.begin(Timestamp::now()).map_err(Failure::Begin)?;
    let decided: Result<Result<Vec<Reply>, _>, _> = catch_unwind(AssertUnwindSafe(|| {
        operations
            .iter()
            .map(|operation| apply(protections, store, operation))
            .collect()
    }));
    let error = match decided {
        Ok(Ok(replies)) => {
            crash_if_due(CrashPoint::BeforeCommit);
            store.commit().map_err(Failure::Commit)?;
            for (operation, reply) in operations.iter().zip(&replies) {
                committed(operation, reply);
            }
            crash_if_due(CrashPoint::AfterCommit);
            return Ok(replies);
        }
        Ok(Err(error)) => error,
        Err(_) => StoreError::Failed("the rules of the bank panicked".into()),
    };
    if let Err(error) = store.roll_back() {
        tracing::error!(%error, "the ledger did not roll back");
    }
    Err(Failure::Operation(error))
}

fn apply<S: Store>(
    protections: Protections,
    store: &mut S,
    operation: &Operation,
) -> Result<Reply, StoreError> {
    let known = Known::look_up(operation, store)?;
    let Decision { reply, writes } = decide_under(protections, operation, &known);
    writes
        .into_iter()
        .try_for_each(|write| store.write(write))?;
    Ok(reply)
}

/// The time as the rules of the bank have it: in seconds since 1970.
pub(crate) fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
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

impl StoreError {
    fn damaged(what: impl Display) -> StoreError {
        StoreError::Damaged(what.to_string())
    }
}

#[cfg(test)]
mod tests;
