//! What a transaction of the ledger does: it lets [`decide_under`] say what each operation does to
//! what the one before it left, and commits the lot with one sync. Only then is there any reply.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use proto::atm::Answer;
use proto::atm::bank::{Decision, Known, Operation, decide_under};
use proto::atm::semantics::Protections;
use proto::refusal::{Code, Refusal};
use wire::fault::crash::{CrashPoint, crash_if_due};

use super::store::{CommitError, Store, StoreError};

/// How long transactions are started again, from the first of the same operations, and then to
/// look up what an unknown one did. Whoever waits for the ledger waits as long.
const PATIENCE: Duration = Duration::from_secs(5);

/// From one attempt to look up what was done to the next.
const RETRY_INTERVAL: Duration = Duration::from_millis(50);

/// What the bank says to an operation.
pub type Reply = Result<Answer, Refusal>;

/// Carries out the operations, with no thread between, and gives the reply to each.
pub fn carry_out(store: &mut dyn Store, operations: &[Operation]) -> Vec<Reply> {
    let mut writer = Writer {
        store,
        protections: Protections::ALL,
        observe: &|_, _| {},
    };
    writer.reply_to(operations)
}

/// Writes to a store.
pub struct Writer<'a> {
    /// Where the rows are.
    pub store: &'a mut dyn Store,
    /// What protects against repeats and losses.
    pub protections: Protections,
    /// Called with every operation and its reply as soon as both are on disk.
    pub observe: &'a dyn Fn(&Operation, &Reply),
}

impl Writer<'_> {
    /// Carries out the operations, together or one by one, and gives the reply to each.
    pub fn reply_to(&mut self, operations: &[Operation]) -> Vec<Reply> {
        if operations.is_empty() {
            return Vec::new();
        }
        self.reply_by(Instant::now() + PATIENCE, operations, false)
    }

    /// The same, with as many attempts as are needed and end in time. `is_unknown` says whether
    /// one before these may have been written: then only a look-up says what was done, which is
    /// to carry them out again, since what is known by its id is not done twice.
    fn reply_by(
        &mut self,
        mut deadline: Instant,
        operations: &[Operation],
        mut is_unknown: bool,
    ) -> Vec<Reply> {
        let failure = loop {
            let failure = match self.transact(operations) {
                Ok(replies) => return replies,
                Err(failure) => failure,
            };
            let has_time = Instant::now() < deadline;
            match &failure {
                _ if failure.is_conflict() && has_time => {
                    tracing::debug!(%failure, "the transaction starts again");
                }
                // One that the store cannot take must not be the ruin of the others.
                Failure::Operation(_)
                | Failure::Commit(CommitError::NothingDone(StoreError::Rejected(_)))
                    if operations.len() > 1 =>
                {
                    let alone = operations.chunks(1);
                    return alone
                        .flat_map(|operation| self.reply_by(deadline, operation, is_unknown))
                        .collect();
                }
                Failure::Commit(CommitError::Unknown(_))
                    if self.store.can_look_up() && (has_time || !is_unknown) =>
                {
                    if !is_unknown {
                        // To wait for the answer may have taken all the time.
                        deadline = Instant::now() + PATIENCE;
                    }
                    is_unknown = true;
                    tracing::warn!(%failure, operations = operations.len(), "to be looked up");
                }
                _ if is_unknown && has_time => thread::sleep(RETRY_INTERVAL),
                _ => break failure,
            }
        };
        tracing::error!(error = %failure, operations = operations.len(), "the ledger failed");
        let refusal = match failure {
            _ if is_unknown => unknown(),
            Failure::Begin(_) | Failure::Operation(_) => unavailable(),
            Failure::Commit(CommitError::NothingDone(_)) => unavailable(),
            Failure::Commit(CommitError::Unknown(_)) => unknown(),
        };
        operations.iter().map(|_| Err(refusal.clone())).collect()
    }

    /// Carries out the operations in one transaction.
    fn transact(&mut self, operations: &[Operation]) -> Result<Vec<Reply>, Failure> {
        let begun = self.store.begin(Timestamp::now(), operations);
        begun.map_err(Failure::Begin)?;
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

impl Failure {
    /// Whether the same operations may be carried out again at once.
    fn is_conflict(&self) -> bool {
        matches!(
            self,
            Failure::Begin(StoreError::Conflict(_))
                | Failure::Operation(StoreError::Conflict(_))
                | Failure::Commit(CommitError::NothingDone(StoreError::Conflict(_)))
        )
    }
}

/// The ledger failed, and nothing was done.
pub fn unavailable() -> Refusal {
    Refusal::new(
        Code::Unavailable,
        "the bank takes no business now; nothing was done",
    )
}

/// The ledger failed, and it is not known what was done.
pub fn unknown() -> Refusal {
    Refusal::new(
        Code::Internal,
        "the bank failed; ask again with the same id",
    )
}
