//! The open transaction: the rows that were fetched for it, and its changes, which go to PostgreSQL
//! together.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::pin::Pin;

use futures_util::future::{try_join_all, try_join5};
use jiff::Timestamp;
use proto::atm::bank::Operation;
use proto::atm::memory::MemoryRows;
use proto::atm::record::{
    Account, Entry, Login, MAX_LOGINS_PER_CARD, Status, TransactionRecord, Write,
};
use proto::atm::{CardNumber, TransactionId};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Error, Row, Statement};

use super::super::rows;
use super::super::store::StoreError;
use super::statements::Statements;

/// More changes than any batch of the bank makes. With so many, as of another ledger's rows, they
/// go to PostgreSQL before the rest comes.
pub(super) const MANY: usize = 4096;

/// What the operations of a transaction need.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    cards: BTreeSet<CardNumber>,
    ids: BTreeSet<TransactionId>,
    created: Vec<String>,
    logins: BTreeSet<CardNumber>,
}

impl Wanted {
    pub(super) fn by(operations: &[Operation]) -> Wanted {
        let mut wanted = Wanted::default();
        for operation in operations {
            match operation {
                Operation::LogIn { card, .. } => {
                    wanted.cards.insert(card.clone());
                    wanted.logins.insert(card.clone());
                }
                Operation::Balance { card } => wanted.cards.extend(card.clone()),
                Operation::Hold { id, card, .. } => {
                    wanted.ids.insert(*id);
                    wanted.cards.extend(card.clone());
                }
                Operation::Confirm { id, .. }
                | Operation::Rollback { id, .. }
                | Operation::Settle { id, .. } => {
                    wanted.ids.insert(*id);
                }
                Operation::Create { id, card, .. } => {
                    wanted.created.push(id.to_string());
                    wanted.cards.insert(card.clone());
                }
                Operation::Unlock(card) => {
                    wanted.cards.insert(card.clone());
                }
            }
        }
        wanted
    }
}

/// What PostgreSQL has of it.
#[derive(Debug)]
pub(super) struct Fetched {
    accounts: Vec<Row>,
    records: Vec<Row>,
    logins: Vec<Row>,
    clock: Vec<Row>,
}

/// Opens a transaction and fetches its rows, in one round trip. They are locked until it ends, and
/// read after they are locked.
pub(super) async fn begin(
    client: &Client,
    statements: &Statements,
    wanted: &Wanted,
) -> Result<Fetched, Error> {
    let cards = texts(&wanted.cards);
    let ids: Vec<String> = wanted.ids.iter().map(TransactionId::to_string).collect();
    let logins = texts(&wanted.logins);
    let by: [&(dyn ToSql + Sync); 3] = [&cards, &ids, &wanted.created];
    let (_, accounts, records, logins, clock) = try_join5(
        client.batch_execute("BEGIN"),
        client.query(&statements.lock_accounts, &by),
        client.query(&statements.lock_transactions, &[&ids]),
        client.query(&statements.logins, &[&logins]),
        client.query(&statements.clock, &[]),
    )
    .await?;
    Ok(Fetched {
        accounts,
        records,
        logins,
        clock,
    })
}

/// An open transaction.
#[derive(Debug)]
pub(super) struct Batch {
    /// What was fetched, with the changes since.
    pub(super) rows: MemoryRows,
    /// Cards that were looked for: whoever is not among the rows has no account.
    cards: BTreeSet<CardNumber>,
    /// What PostgreSQL has already.
    stored_cards: BTreeSet<CardNumber>,
    stored_ids: BTreeSet<TransactionId>,
    /// Not sent yet.
    writes: Vec<(Timestamp, Write)>,
    /// When what is written now is dated.
    pub(super) at: Timestamp,
}

impl Batch {
    pub(super) fn new(wanted: Wanted, fetched: &Fetched) -> Result<Batch, StoreError> {
        let damaged = |error: &dyn std::fmt::Display| StoreError::Damaged(error.to_string());
        let clock = fetched.clock.first().ok_or_else(|| damaged(&"no clock"))?;
        let clock = clock.try_get(0).map_err(|error| damaged(&error))?;
        let at = Timestamp::from_millisecond(clock).map_err(|error| damaged(&error))?;
        let mut rows = MemoryRows::default();
        for account in &fetched.accounts {
            rows.write(Write::PutAccount(rows::account(account)?));
        }
        for record in &fetched.records {
            rows.write(Write::PutRecord(rows::record(record)?.row));
        }
        for login in &fetched.logins {
            rows.write(Write::PutLogin(rows::login(login)?));
        }
        Ok(Batch {
            cards: wanted.cards,
            stored_cards: rows.accounts.keys().cloned().collect(),
            stored_ids: rows.records.keys().copied().collect(),
            rows,
            writes: Vec::new(),
            at,
        })
    }

    /// The account of this card, as this transaction has it.
    pub(super) fn account(&self, card: &CardNumber) -> Result<Option<Account>, StoreError> {
        match self.rows.accounts.get(card) {
            None if !self.cards.contains(card) => {
                // Its transaction was committed after the accounts had been fetched.
                let words = "an account was not fetched".to_owned();
                Err(StoreError::Conflict(words))
            }
            account => Ok(account.cloned()),
        }
    }

    /// Makes a change, and says whether it is time to send all of them.
    pub(super) fn write(&mut self, write: Write) -> bool {
        self.writes.push((self.at, write.clone()));
        self.rows.write(write);
        self.writes.len() >= MANY
    }

    /// Takes the changes that were not sent yet.
    pub(super) fn take_changes(&mut self) -> Changes {
        let mut changes = Changes::default();
        let mut touched = BTreeSet::new();
        let mut asked = BTreeMap::new();
        for (at, write) in self.writes.drain(..) {
            match write {
                Write::PutAccount(account) => {
                    touched.insert(account.card);
                }
                Write::PutRecord(record) => {
                    asked.entry(record.id()).or_insert(at);
                }
                Write::PutLogin(login) => changes.put_login(login),
                Write::Append(entry) => changes.history.push((at, entry)),
            }
        }
        // In this order all servers write them, so that no two wait for each other.
        for card in touched {
            let Some(account) = self.rows.accounts.get(&card) else {
                continue;
            };
            match self.stored_cards.insert(card) {
                true => changes.opened.push(account.clone()),
                false => changes.accounts.push(account.clone()),
            }
        }
        for (id, at) in asked {
            let Some(record) = self.rows.records.get(&id) else {
                continue;
            };
            match self.stored_ids.insert(id) {
                true => changes.asked.push((at, record.clone())),
                false => changes.settled.push(record.clone()),
            }
        }
        changes
    }

    /// Forgets the rows, which so many changes do not look at again.
    pub(super) fn forget_rows(&mut self) {
        self.rows = MemoryRows::default();
    }
}

/// The changes of a transaction.
#[derive(Debug, Default)]
pub(super) struct Changes {
    opened: Vec<Account>,
    accounts: Vec<Account>,
    asked: Vec<(Timestamp, TransactionRecord)>,
    settled: Vec<TransactionRecord>,
    logins: Vec<Login>,
    history: Vec<(Timestamp, Entry)>,
}

type Call<'a> = Pin<Box<dyn Future<Output = Result<(), Error>> + 'a>>;

impl Changes {
    /// One row for each log-in, with its last outcome.
    fn put_login(&mut self, login: Login) {
        let mut logins = self.logins.iter_mut();
        match logins.find(|known| known.id == login.id && known.card == login.card) {
            Some(known) => *known = login,
            None => self.logins.push(login),
        }
    }

    /// Sends the changes and what ends the transaction, if that is its time, in one round trip.
    pub(super) async fn send(
        &self,
        client: &Client,
        statements: &Statements,
        end: Option<&'static str>,
    ) -> Result<(), Error> {
        let mut calls: Vec<Call<'_>> = Vec::new();
        let run = |statement, columns: Vec<Column>| -> Call<'_> {
            Box::pin(execute(client, statement, columns))
        };
        // Each row after those that it refers to.
        if !self.opened.is_empty() {
            calls.push(run(&statements.open_accounts, opened(&self.opened)));
        }
        if !self.accounts.is_empty() {
            calls.push(run(&statements.change_accounts, changed(&self.accounts)));
        }
        if !self.asked.is_empty() {
            calls.push(run(&statements.add_transactions, asked(&self.asked)));
        }
        if !self.settled.is_empty() {
            calls.push(run(&statements.settle_transactions, settled(&self.settled)));
        }
        if !self.logins.is_empty() {
            calls.push(run(&statements.put_logins, logins(&self.logins)));
            let cards = column(&self.logins, |login| login.card.as_str().to_owned());
            let kept: Column = Box::new(MAX_LOGINS_PER_CARD as i64);
            calls.push(run(&statements.forget_logins, vec![cards, kept]));
        }
        if !self.history.is_empty() {
            calls.push(run(&statements.append_history, history(&self.history)));
        }
        if let Some(end) = end {
            calls.push(Box::pin(client.batch_execute(end)));
        }
        try_join_all(calls).await.map(drop)
    }
}

/// An array for a parameter.
type Column = Box<dyn ToSql + Sync>;

async fn execute(
    client: &Client,
    statement: &Statement,
    columns: Vec<Column>,
) -> Result<(), Error> {
    let parameters: Vec<&(dyn ToSql + Sync)> = columns.iter().map(|column| &**column).collect();
    client.execute(statement, &parameters).await.map(drop)
}

fn column<R, T>(rows: &[R], of: impl Fn(&R) -> T) -> Column
where
    Vec<T>: ToSql + Sync + 'static,
{
    Box::new(rows.iter().map(of).collect::<Vec<T>>())
}

fn texts(cards: &BTreeSet<CardNumber>) -> Vec<&str> {
    cards.iter().map(CardNumber::as_str).collect()
}

fn opened(accounts: &[Account]) -> Vec<Column> {
    let mut columns = vec![
        column(accounts, |account| account.card.as_str().to_owned()),
        column(accounts, |account| account.holder.as_str().to_owned()),
        column(accounts, |account| account.pin_hash.clone()),
        column(accounts, |account| account.created_by.to_string()),
        column(accounts, |account| account.opening.minor()),
    ];
    columns.extend(changeable(accounts));
    columns
}

fn changed(accounts: &[Account]) -> Vec<Column> {
    let mut columns = vec![column(accounts, |account| account.card.as_str().to_owned())];
    columns.extend(changeable(accounts));
    columns
}

/// What changes of an account that is open.
fn changeable(accounts: &[Account]) -> [Column; 6] {
    [
        column(accounts, |account| account.posted.minor()),
        column(accounts, |account| account.held.minor()),
        column(accounts, |account| account.pending.minor()),
        column(accounts, |account| i64::from(account.wrong_pins)),
        column(accounts, |account| {
            account.locked_until.map(u64::cast_signed)
        }),
        column(accounts, |account| i64::from(account.lockouts)),
    ]
}

fn asked(records: &[(Timestamp, TransactionRecord)]) -> Vec<Column> {
    let of = |record: &TransactionRecord| match record {
        TransactionRecord::Transaction(transaction) => Some(transaction.clone()),
        TransactionRecord::Tombstone(_) => None,
    };
    let rows: Vec<_> = records.iter().map(|(_, record)| of(record)).collect();
    let refusal = |status: &Status| match status {
        Status::Declined(refusal) => Some(refusal.clone()),
        Status::Held | Status::Confirmed | Status::RolledBack => None,
    };
    let refusals: Vec<_> = rows
        .iter()
        .map(|row| row.as_ref().and_then(|row| refusal(&row.status)))
        .collect();
    vec![
        column(records, |(_, record)| record.id().to_string()),
        column(records, |(_, record)| status(record)),
        column(&rows, |row| Some(row.as_ref()?.card.as_str().to_owned())),
        column(&rows, |row| Some(row.as_ref()?.amount.money().minor())),
        column(&rows, |row| Some(row.as_ref()?.available.minor())),
        column(&rows, |row| {
            Some(row.as_ref()?.terminal.as_ref()?.as_str().to_owned())
        }),
        column(&refusals, |refusal| Some(refusal.as_ref()?.code.as_str())),
        column(&refusals, |refusal| Some(refusal.as_ref()?.words.clone())),
        column(records, |(at, _)| at.as_millisecond()),
        column(&rows, |row| Some(row.as_ref()?.key?.reveal().to_string())),
    ]
}

fn settled(records: &[TransactionRecord]) -> Vec<Column> {
    vec![
        column(records, |record| record.id().to_string()),
        column(records, status),
    ]
}

fn status(record: &TransactionRecord) -> &'static str {
    match record {
        TransactionRecord::Transaction(transaction) => rows::status(&transaction.status),
        TransactionRecord::Tombstone(_) => "tombstone",
    }
}

fn logins(logins: &[Login]) -> Vec<Column> {
    vec![
        column(logins, |login| login.id.to_string()),
        column(logins, |login| login.card.as_str().to_owned()),
        column(logins, |login| login.succeeded),
    ]
}

fn history(entries: &[(Timestamp, Entry)]) -> Vec<Column> {
    vec![
        column(entries, |(at, _)| at.as_millisecond()),
        column(entries, |(_, entry)| entry.event.as_str()),
        column(entries, |(_, entry)| {
            Some(entry.card.as_ref()?.as_str().to_owned())
        }),
        column(entries, |(_, entry)| Some(entry.id?.to_string())),
        column(entries, |(_, entry)| Some(entry.amount?.minor())),
    ]
}
