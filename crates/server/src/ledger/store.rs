//! Where the rows of the ledger are kept.

use jiff::Timestamp;
use proto::atm::CardNumber;
use proto::atm::bank::{Operation, Rows};
use proto::atm::record::{Account, Entry, Login, Transaction, TransactionRecord, Write};

/// Where rows are kept. Reads see what was written in the open transaction.
pub trait Store: Rows<Error = StoreError> + Send {
    /// Opens a transaction for writing; all it writes is dated `at`, unless the store has a clock of
    /// its own. A store that is far away fetches here what these operations need, and need read no
    /// other rows. What an earlier transaction left uncommitted is gone.
    fn begin(&mut self, at: Timestamp, operations: &[Operation]) -> Result<(), StoreError>;

    /// Opens a transaction in which every read sees the same moment, and others may write.
    /// [`roll_back`](Store::roll_back) ends it.
    fn begin_reading(&mut self) -> Result<(), StoreError>;

    /// Dates what is written from here on in the open transaction: for rows that another store had.
    fn date(&mut self, at: Timestamp);

    /// Makes one change in the open transaction, which must be rolled back when this fails.
    fn write(&mut self, write: Write) -> Result<(), StoreError>;

    /// Makes the changes of the open transaction last.
    fn commit(&mut self) -> Result<(), CommitError>;

    /// Forgets the changes of the open transaction, if there is one. They do not last either when
    /// this fails.
    fn roll_back(&mut self) -> Result<(), StoreError>;

    /// Whether another transaction may see what became of one whose end is unknown.
    fn can_look_up(&self) -> bool {
        false
    }

    /// All accounts, by card number.
    fn accounts(&mut self) -> Result<Vec<Account>, StoreError>;

    /// Visits all records, by id. Each is dated when it was first asked for.
    fn each_record(&mut self, visit: Visit<'_, TransactionRecord>) -> Result<(), StoreError>;

    /// Visits the log-ins that are kept, in the order in which they are to be forgotten.
    fn each_login(&mut self, visit: &mut dyn FnMut(Login)) -> Result<(), StoreError>;

    /// Visits the history, the oldest entry first: of one account, or all of it.
    fn each_entry(
        &mut self,
        of: Option<&CardNumber>,
        visit: Visit<'_, Entry>,
    ) -> Result<(), StoreError>;

    /// Transactions that are neither confirmed nor rolled back, the oldest first.
    fn unsettled(&mut self) -> Result<Vec<Dated<Transaction>>, StoreError>;
}

/// What is called with each row.
pub type Visit<'a, T> = &'a mut dyn FnMut(Dated<T>);

/// A row, and when it was first written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dated<T> {
    /// The time of writing.
    pub at: Timestamp,
    /// The row.
    pub row: T,
}

impl Dated<TransactionRecord> {
    /// The transaction, if it is not a tombstone.
    pub fn transaction(self) -> Option<Dated<Transaction>> {
        match self.row {
            TransactionRecord::Transaction(row) => Some(Dated { at: self.at, row }),
            TransactionRecord::Tombstone(_) => None,
        }
    }
}

/// Why a store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine beneath failed.
    #[error("{0}")]
    Failed(Box<dyn std::error::Error + Send + Sync>),
    /// Another server changed the same rows meanwhile: the transaction has written nothing, and the
    /// same operations may be carried out again.
    #[error("another server changed the same rows: {0}")]
    Conflict(String),
    /// The engine does not take one of the rows: the transaction has written nothing.
    #[error("a row is not taken: {0}")]
    Rejected(String),
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
    /// It may last, or not; a look-up of an id shows which.
    #[error("not known whether it was written: {0}")]
    Unknown(StoreError),
}

/// The time as the rules of the bank have it: in seconds since 1970.
pub fn seconds(at: Timestamp) -> u64 {
    u64::try_from(at.as_second()).unwrap_or(0)
}
