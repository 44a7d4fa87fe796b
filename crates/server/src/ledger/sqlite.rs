//! The ledger in one SQLite file, which any SQLite tool can read while the bank is open.
//!
//! Every commit is synced (`synchronous=FULL`: with a write-ahead log, less than that may lose the
//! last ones). The schema repeats the rules that a table can express, so that another program
//! cannot break them by accident either: balances have bounds, a settled transaction stays as it
//! is, the history only grows. The bank itself writes without the `CHECK`s of the columns, which
//! are half of the work of a withdrawal: its types have these bounds, `put_account` checks what
//! two columns have in common, a server that opens the ledger checks every row, and an audit reads
//! every row back into the same types.

use std::io;
use std::path::Path;

use jiff::Timestamp;
use proto::atm::bank::{Operation, Rows};
use proto::atm::record::{
    Account, Entry, Login, MAX_LOGINS_PER_CARD, Status, Transaction, TransactionRecord, Write,
};
use proto::atm::{CardNumber, CreationId, LoginId, TransactionId};
use rusqlite::{Connection, ErrorCode, OptionalExtension, Params, Row, params};

use super::rows::{self, Columns, Read, accounts, history, logins, transactions};
use super::store::{CommitError, Dated, Store, StoreError, Visit, seconds};

mod lock;
mod open;

use self::lock::Lock;
pub use self::open::{Access, OpenError, open, open_beside};

const ACCOUNT: &str = accounts!("WHERE card = ?1");
const CREATED: &str = accounts!("WHERE created_by = ?1");
const RECORD: &str = transactions!("WHERE id = ?1");
const LOGIN: &str = logins!("WHERE card = ?1 AND id = ?2");
const HISTORY_OF: &str = history!("WHERE card = ?1 ORDER BY seq");

/// Rows in a file.
#[derive(Debug)]
pub struct SqliteStore {
    connection: Connection,
    at: Timestamp,
    /// Held as long as the store is open, so that no second bank opens the same ledger. Dropped
    /// after the connection, as it must be.
    _lock: Option<Lock>,
}

impl SqliteStore {
    fn new(connection: Connection, lock: Option<Lock>) -> SqliteStore {
        connection.set_prepared_statement_cache_capacity(32);
        SqliteStore {
            connection,
            at: Timestamp::UNIX_EPOCH,
            _lock: lock,
        }
    }

    /// Writes all that is committed now into a new file of its own, also while a server has the ledger
    /// open, whose transactions wait for nothing.
    ///
    /// # Errors
    /// When there is such a file already, or it cannot be written.
    pub fn copy_to(&self, path: &Path) -> Result<(), StoreError> {
        // SQLite takes an empty file for a new one: this one is its owner's alone from the beginning.
        let failed = |error: io::Error| StoreError::Failed(error.into());
        if path.exists() {
            return Err(failed(io::ErrorKind::AlreadyExists.into()));
        }
        state::open(path).map_err(failed)?;
        let name = path.to_str().ok_or_else(|| {
            let words = "SQLite writes no file whose name is not UTF-8";
            StoreError::Failed(words.into())
        })?;
        self.execute("VACUUM INTO ?1", params![name])
    }

    fn execute(&self, sql: &str, params: impl Params) -> Result<(), StoreError> {
        self.change(sql, params).map(drop)
    }

    /// Whether the statement changed any row.
    fn change(&self, sql: &str, params: impl Params) -> Result<bool, StoreError> {
        Ok(self.connection.prepare_cached(sql)?.execute(params)? > 0)
    }

    /// The one row that the query finds, if any.
    fn find<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: Read<T>,
    ) -> Result<Option<T>, StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        statement
            .query_row(params, |row| Ok(read(row)))
            .optional()?
            .transpose()
    }

    fn each<T>(
        &self,
        sql: &str,
        params: impl Params,
        read: Read<T>,
        visit: &mut dyn FnMut(T),
    ) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        let mut rows = statement.query(params)?;
        while let Some(row) = rows.next()? {
            visit(read(row)?);
        }
        Ok(())
    }

    /// How an account began stays as it is: of a known one, only what changes is written.
    fn put_account(&self, account: &Account) -> Result<(), StoreError> {
        if account.held > account.posted || account.posted.checked_add(account.pending).is_none() {
            return Err(StoreError::Failed("a balance is out of bounds".into()));
        }
        let locked_until = account.locked_until.map(u64::cast_signed);
        let is_known = self.change(
            "UPDATE accounts SET posted = ?2, held = ?3, pending = ?4, wrong_pins = ?5,
                                 locked_until = ?6, lockouts = ?7
             WHERE card = ?1",
            params![
                account.card.as_str(),
                account.posted.minor(),
                account.held.minor(),
                account.pending.minor(),
                account.wrong_pins,
                locked_until,
                account.lockouts,
            ],
        )?;
        if is_known {
            return Ok(());
        }
        self.execute(
            "INSERT INTO accounts (card, holder, pin_hash, created_by, opening, posted, held,
                                   pending, wrong_pins, locked_until, lockouts)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
            params![
                account.card.as_str(),
                account.holder.as_str(),
                account.pin_hash,
                account.created_by.to_string(),
                account.opening.minor(),
                account.posted.minor(),
                account.held.minor(),
                account.pending.minor(),
                account.wrong_pins,
                locked_until,
                account.lockouts,
            ],
        )
    }

    fn put_record(&self, record: &TransactionRecord) -> Result<(), StoreError> {
        let transaction = match record {
            TransactionRecord::Transaction(transaction) => transaction,
            TransactionRecord::Tombstone(id) => {
                return self.execute(
                    "INSERT INTO transactions (id, status, at) VALUES (?1, 'tombstone', ?2)",
                    params![id.to_string(), self.at.as_millisecond()],
                );
            }
        };
        let (code, words) = match &transaction.status {
            Status::Confirmed | Status::RolledBack if self.settle(transaction)? => return Ok(()),
            Status::Declined(refusal) => (Some(refusal.code.as_str()), Some(&refusal.words)),
            Status::Held | Status::Confirmed | Status::RolledBack => (None, None),
        };
        self.execute(
            "INSERT INTO transactions (id, status, card, amount, available, terminal,
                                       decline_code, decline_words, at, key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
            params![
                transaction.id.to_string(),
                rows::status(&transaction.status),
                transaction.card.as_str(),
                transaction.amount.money().minor(),
                transaction.available.minor(),
                transaction.terminal.as_ref().map(|name| name.as_str()),
                code,
                words,
                self.at.as_millisecond(),
                transaction.key.map(|key| key.reveal().to_string()),
            ],
        )
    }

    /// Writes the outcome of a transaction that is held, and nothing else of it. Says whether it is
    /// held: one that another store had is not known at all.
    fn settle(&self, transaction: &Transaction) -> Result<bool, StoreError> {
        self.change(
            "UPDATE transactions SET status = ?2 WHERE id = ?1 AND status = 'held'",
            params![
                transaction.id.to_string(),
                rows::status(&transaction.status)
            ],
        )
    }

    fn put_login(&self, login: &Login) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO logins (id, card, succeeded) VALUES (?1, ?2, ?3)
             ON CONFLICT (card, id) DO UPDATE SET succeeded = ?3",
            params![login.id.to_string(), login.card.as_str(), login.succeeded],
        )?;
        self.execute(
            "DELETE FROM logins WHERE card = ?1 AND seq <=
                 (SELECT seq FROM logins WHERE card = ?1 ORDER BY seq DESC LIMIT 1 OFFSET ?2)",
            params![login.card.as_str(), MAX_LOGINS_PER_CARD as i64],
        )
    }

    fn append(&self, entry: &Entry) -> Result<(), StoreError> {
        self.execute(
            "INSERT INTO history (at, event, card, id, amount) VALUES (?1, ?2, ?3, ?4, ?5)",
            params![
                self.at.as_millisecond(),
                entry.event.as_str(),
                entry.card.as_ref().map(|card| card.as_str()),
                entry.id.map(|id| id.to_string()),
                entry.amount.map(|amount| amount.minor()),
            ],
        )
    }
}

impl Store for SqliteStore {
    fn begin(&mut self, at: Timestamp, _: &[Operation]) -> Result<(), StoreError> {
        self.roll_back()?;
        self.at = at;
        // Immediate, for what is read here decides what is written.
        self.execute("BEGIN IMMEDIATE", [])
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.roll_back()?;
        self.execute("BEGIN", [])
    }

    fn date(&mut self, at: Timestamp) {
        self.at = at;
    }

    fn write(&mut self, write: Write) -> Result<(), StoreError> {
        match &write {
            Write::PutAccount(account) => self.put_account(account),
            Write::PutRecord(record) => self.put_record(record),
            Write::PutLogin(login) => self.put_login(login),
            Write::Append(entry) => self.append(entry),
        }
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        let Err(error) = self.execute("COMMIT", []) else {
            return Ok(());
        };
        let rolled_back = self.roll_back().is_ok();
        // Where a write or a sync failed, the log may hold the whole transaction all the same.
        match has_code(&error, &[ErrorCode::DiskFull, ErrorCode::DatabaseBusy]) && rolled_back {
            true => Err(CommitError::NothingDone(error)),
            false => Err(CommitError::Unknown(error)),
        }
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        // Some failures have rolled back already.
        if self.connection.is_autocommit() {
            Ok(())
        } else {
            self.execute("ROLLBACK", [])
        }
    }

    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let mut accounts = Vec::new();
        let visit = &mut |account| accounts.push(account);
        self.each(rows::ACCOUNTS, [], rows::account, visit)?;
        Ok(accounts)
    }

    fn each_record(&mut self, visit: Visit<'_, TransactionRecord>) -> Result<(), StoreError> {
        self.each(rows::RECORDS, [], rows::record, visit)
    }

    fn each_login(&mut self, visit: &mut dyn FnMut(Login)) -> Result<(), StoreError> {
        self.each(rows::LOGINS, [], rows::login, visit)
    }

    fn each_entry(
        &mut self,
        of: Option<&CardNumber>,
        visit: Visit<'_, Entry>,
    ) -> Result<(), StoreError> {
        match of {
            Some(card) => self.each(HISTORY_OF, [card.as_str()], rows::entry, visit),
            None => self.each(rows::HISTORY, [], rows::entry, visit),
        }
    }

    fn unsettled(&mut self) -> Result<Vec<Dated<Transaction>>, StoreError> {
        let mut unsettled = Vec::new();
        self.each(rows::UNSETTLED, [], rows::record, &mut |dated| {
            unsettled.extend(dated.transaction());
        })?;
        Ok(unsettled)
    }
}

impl Rows for SqliteStore {
    type Error = StoreError;

    fn account(&mut self, card: &CardNumber) -> Result<Option<Account>, StoreError> {
        self.find(ACCOUNT, [card.as_str()], rows::account)
    }

    fn created(&mut self, id: CreationId) -> Result<Option<Account>, StoreError> {
        self.find(CREATED, [id.to_string()], rows::account)
    }

    fn record(&mut self, id: TransactionId) -> Result<Option<TransactionRecord>, StoreError> {
        let dated = self.find(RECORD, [id.to_string()], rows::record)?;
        Ok(dated.map(|dated| dated.row))
    }

    fn login(&mut self, card: &CardNumber, id: LoginId) -> Result<Option<Login>, StoreError> {
        self.find(LOGIN, [card.as_str(), &id.to_string()], rows::login)
    }

    fn now(&self) -> u64 {
        seconds(self.at)
    }
}

impl Columns for Row<'_> {
    fn text(&self, column: usize) -> Result<Option<String>, String> {
        self.get(column).map_err(|error| error.to_string())
    }

    fn integer(&self, column: usize) -> Result<Option<i64>, String> {
        self.get(column).map_err(|error| error.to_string())
    }

    fn name(&self, column: usize) -> &str {
        self.as_ref().column_name(column).unwrap_or("?")
    }
}

fn has_code(error: &StoreError, codes: &[ErrorCode]) -> bool {
    let StoreError::Failed(error) = error else {
        return false;
    };
    let error = error.downcast_ref::<rusqlite::Error>();
    error
        .and_then(|error| error.sqlite_error_code())
        .is_some_and(|code| codes.contains(&code))
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        StoreError::Failed(Box::new(error))
    }
}

#[cfg(test)]
mod tests;
