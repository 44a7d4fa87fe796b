//! The ledger in PostgreSQL, where several servers may have it open: the same tables as in SQLite, in
//! the schema `socketlab`.
//!
//! A transaction takes two round trips, however many operations it carries: one opens it, locks the
//! rows that they need and fetches them; the other writes all changes and commits. What another
//! server has locked is waited for. When it wrote the same id a moment earlier, the transaction
//! starts again and finds it.
//!
//! When the answer to a commit does not come, it is not known whether it lasts. The connection is
//! given up, and the operations are carried out again, on a new one: what was done is found by its
//! id. Rows that the lost transaction still holds are waited for, and a commit there that waits for
//! its standby is not seen before. What a failover may still undo is therefore never answered.

use jiff::Timestamp;
use proto::atm::bank::{Operation, Rows};
use proto::atm::record::{Account, Entry, Login, Transaction, TransactionRecord, Write};
use proto::atm::{CardNumber, CreationId, LoginId, TransactionId};
use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::rows::{self, Columns, accounts, history, logins, transactions};
use super::store::{CommitError, Dated, Store, StoreError, Visit, seconds};

mod address;
mod batch;
mod calls;
mod connection;
mod open;
mod password;
mod statements;
mod tls;

pub use self::address::{Address, AddressError};
use self::batch::{Batch, Wanted};
use self::calls::Failure;
use self::open::{Durability, Pause, Session};
pub use self::open::{OpenError, Purpose};

const ACCOUNT: &str = accounts!("WHERE card = $1");
const CREATED: &str = accounts!("WHERE created_by = $1");
const RECORD: &str = transactions!("WHERE id = $1");
const LOGIN: &str = logins!("WHERE card = $1 AND id = $2");
const HISTORY_OF: &str = history!("WHERE card = $1 ORDER BY seq");

/// Rows in a database.
#[derive(Debug)]
pub struct PostgresStore {
    address: Address,
    purpose: Purpose,
    session: Option<Session>,
    transaction: Open,
    /// The server to begin with when there is no session.
    next: usize,
    pause: Pause,
    durability: Option<Durability>,
}

/// The open transaction.
#[derive(Debug)]
enum Open {
    None,
    Reading,
    Writing(Box<Batch>),
}

/// Opens the ledger at this address.
///
/// # Errors
/// See [`OpenError`].
pub fn open(address: &Address, purpose: Purpose) -> Result<PostgresStore, OpenError> {
    let mut store = PostgresStore {
        address: address.clone(),
        purpose,
        session: None,
        transaction: Open::None,
        next: 0,
        pause: Pause::default(),
        durability: None,
    };
    store.connect()?;
    Ok(store)
}

impl PostgresStore {
    /// Sends the changes, and ends the transaction if it is to.
    fn send(&mut self, end: Option<&'static str>) -> Result<(), Failure> {
        let Open::Writing(batch) = &mut self.transaction else {
            return Err(Failure::Store(StoreError::Failed(
                "no transaction is open".into(),
            )));
        };
        let changes = batch.take_changes();
        self.call_once(&mut |session: &Session| {
            let Session {
                connection,
                statements,
                ..
            } = session;
            let sent = changes.send(&connection.client, statements, end);
            Ok(connection.wait(sent)?)
        })
    }
}

impl Store for PostgresStore {
    fn begin(&mut self, _: Timestamp, operations: &[Operation]) -> Result<(), StoreError> {
        self.roll_back()?;
        let wanted = Wanted::by(operations);
        let fetched = self.call(
            |Session {
                 connection,
                 statements,
                 ..
             }| {
                let fetched = batch::begin(&connection.client, statements, &wanted);
                Ok(connection.wait(fetched)?)
            },
        );
        let batch = fetched.and_then(|fetched| Batch::new(wanted, &fetched));
        match batch {
            Ok(batch) => {
                self.transaction = Open::Writing(Box::new(batch));
                Ok(())
            }
            Err(error) => {
                self.abandon();
                Err(error)
            }
        }
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.roll_back()?;
        // A server that was cut off may still take itself for the primary, and know of less than
        // the others. But it ends no transaction that has locked a row: see `statements`.
        let mut confirmed = Ok(());
        for _ in 0..self.address.servers() {
            confirmed = self.execute("BEGIN; SELECT FROM ledger FOR UPDATE; COMMIT");
            if confirmed.is_ok() || self.session.is_some() {
                break;
            }
        }
        if let Err(error) = confirmed {
            self.abandon();
            return Err(error);
        }
        self.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")?;
        self.transaction = Open::Reading;
        Ok(())
    }

    fn date(&mut self, at: Timestamp) {
        if let Open::Writing(batch) = &mut self.transaction {
            batch.at = at;
        }
    }

    fn write(&mut self, write: Write) -> Result<(), StoreError> {
        let Open::Writing(batch) = &mut self.transaction else {
            return Err(StoreError::Failed("no transaction is open".into()));
        };
        if batch.write(write) {
            self.send(None)?;
            if let Open::Writing(batch) = &mut self.transaction {
                batch.forget_rows();
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        if let Some(session) = &self.session {
            session.connection.take_warning();
        }
        let sent = self.send(Some("COMMIT"));
        let warning = self
            .session
            .as_ref()
            .and_then(|session| session.connection.take_warning());
        match (sent, warning) {
            (Ok(()), None) => {
                self.transaction = Open::None;
                Ok(())
            }
            // Such as that it is committed here, but that its wait for a standby was cancelled.
            (Ok(()), Some(warning)) => {
                self.disconnect();
                Err(CommitError::Unknown(StoreError::Failed(warning.into())))
            }
            // What PostgreSQL refuses, it undoes.
            (Err(Failure::Call(error)), _) if !error.ends_connection() => {
                self.abandon();
                Err(CommitError::NothingDone(error.into()))
            }
            (Err(failure), _) => {
                self.disconnect();
                Err(CommitError::Unknown(failure.into()))
            }
        }
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        match self.transaction {
            Open::None => {}
            Open::Reading | Open::Writing(_) => self.abandon(),
        }
        Ok(())
    }

    fn can_look_up(&self) -> bool {
        true
    }

    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        let mut accounts = Vec::new();
        let visit = &mut |account| accounts.push(account);
        self.each(rows::ACCOUNTS, &[], rows::account, visit)?;
        Ok(accounts)
    }

    fn each_record(&mut self, visit: Visit<'_, TransactionRecord>) -> Result<(), StoreError> {
        self.each(rows::RECORDS, &[], rows::record, visit)
    }

    fn each_login(&mut self, visit: &mut dyn FnMut(Login)) -> Result<(), StoreError> {
        self.each(rows::LOGINS, &[], rows::login, visit)
    }

    fn each_entry(
        &mut self,
        of: Option<&CardNumber>,
        visit: Visit<'_, Entry>,
    ) -> Result<(), StoreError> {
        match of {
            Some(card) => self.each(HISTORY_OF, &[card.as_str()], rows::entry, visit),
            None => self.each(rows::HISTORY, &[], rows::entry, visit),
        }
    }

    fn unsettled(&mut self) -> Result<Vec<Dated<Transaction>>, StoreError> {
        let mut unsettled = Vec::new();
        self.each(rows::UNSETTLED, &[], rows::record, &mut |dated| {
            unsettled.extend(dated.transaction());
        })?;
        Ok(unsettled)
    }
}

impl PostgresStore {
    /// Ends the open transaction without its changes. When that fails, the connection ends, and
    /// PostgreSQL undoes them.
    fn abandon(&mut self) {
        self.transaction = Open::None;
        if let Some(Session { connection, .. }) = &self.session
            && connection
                .wait(connection.client.batch_execute("ROLLBACK"))
                .is_err()
        {
            self.disconnect();
        }
    }
}

impl Rows for PostgresStore {
    type Error = StoreError;

    fn account(&mut self, card: &CardNumber) -> Result<Option<Account>, StoreError> {
        match &self.transaction {
            Open::Writing(batch) => batch.account(card),
            _ => self.find(ACCOUNT, &[card.as_str()], rows::account),
        }
    }

    fn created(&mut self, id: CreationId) -> Result<Option<Account>, StoreError> {
        if let Open::Writing(batch) = &mut self.transaction {
            let Ok(account) = batch.rows.created(id);
            return Ok(account);
        }
        self.find(CREATED, &[&id.to_string()], rows::account)
    }

    fn record(&mut self, id: TransactionId) -> Result<Option<TransactionRecord>, StoreError> {
        if let Open::Writing(batch) = &mut self.transaction {
            let Ok(record) = batch.rows.record(id);
            return Ok(record);
        }
        let dated = self.find(RECORD, &[&id.to_string()], rows::record)?;
        Ok(dated.map(|dated| dated.row))
    }

    fn login(&mut self, card: &CardNumber, id: LoginId) -> Result<Option<Login>, StoreError> {
        if let Open::Writing(batch) = &mut self.transaction {
            let Ok(login) = batch.rows.login(card, id);
            return Ok(login);
        }
        self.find(LOGIN, &[card.as_str(), &id.to_string()], rows::login)
    }

    fn now(&self) -> u64 {
        seconds(match &self.transaction {
            Open::Writing(batch) => batch.at,
            _ => Timestamp::now(),
        })
    }
}

impl Columns for Row {
    fn text(&self, column: usize) -> Result<Option<String>, String> {
        self.try_get(column).map_err(|error| error.to_string())
    }

    fn integer(&self, column: usize) -> Result<Option<i64>, String> {
        match *self.columns()[column].type_() {
            Type::BOOL => self
                .try_get(column)
                .map(|value: Option<bool>| value.map(i64::from)),
            _ => self.try_get(column),
        }
        .map_err(|error| error.to_string())
    }

    fn name(&self, column: usize) -> &str {
        self.columns()[column].name()
    }
}

#[cfg(test)]
#[cfg(target_os = "linux")]
mod tests;
