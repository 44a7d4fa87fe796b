//! Rows of the file, read back into what they were. A row that this program cannot have written
//! is damage, and named.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use proto::atm::record::{Account, Entry, Event, Login, Status, Transaction, TransactionRecord};
use proto::atm::{Amount, Money};
use proto::refusal::{Code, Refusal};
use rusqlite::Row;
use rusqlite::types::{FromSql, Value};

use super::super::store::{Dated, StoreError};

macro_rules! accounts {
    ($rest:literal) => {
        concat!(
            "SELECT card, holder, pin_hash, created_by, opening, posted, held, pending, wrong_pins,
                    locked_until, lockouts
             FROM accounts ",
            $rest
        )
    };
}

macro_rules! transactions {
    ($rest:literal) => {
        concat!(
            "SELECT id, status, card, amount, available, terminal, decline_code, decline_words, at,
                    key
             FROM transactions ",
            $rest
        )
    };
}

pub(super) const ACCOUNT: &str = accounts!("WHERE card = ?1");
pub(super) const CREATED: &str = accounts!("WHERE created_by = ?1");
pub(super) const ACCOUNTS: &str = accounts!("ORDER BY card");
pub(super) const RECORD: &str = transactions!("WHERE id = ?1");
pub(super) const RECORDS: &str = transactions!("ORDER BY id");
pub(super) const UNSETTLED: &str = transactions!("WHERE status = 'held' ORDER BY at, id");
pub(super) const LOGIN: &str = "SELECT id, card, succeeded FROM logins WHERE card = ?1 AND id = ?2";
pub(super) const HISTORY: &str = "SELECT event, card, id, amount, at FROM history ORDER BY seq";
pub(super) const HISTORY_OF: &str =
    "SELECT event, card, id, amount, at FROM history WHERE card = ?1 ORDER BY seq";

pub(super) fn account(row: &Row<'_>) -> Result<Account, StoreError> {
    Ok(Account {
        card: parsed(row, 0)?,
        holder: parsed(row, 1)?,
        pin_hash: get(row, 2)?,
        created_by: parsed(row, 3)?,
        opening: money(row, 4)?,
        posted: money(row, 5)?,
        held: money(row, 6)?,
        pending: money(row, 7)?,
        wrong_pins: get(row, 8)?,
        locked_until: match get::<Option<i64>>(row, 9)? {
            Some(until) => {
                let until = u64::try_from(until);
                Some(until.map_err(|error| unreadable(row, 9, error))?)
            }
            None => None,
        },
        lockouts: get(row, 10)?,
    })
}

pub(super) fn record(row: &Row<'_>) -> Result<Dated<TransactionRecord>, StoreError> {
    let id = parsed(row, 0)?;
    let status = match get::<String>(row, 1)?.as_str() {
        "held" => Status::Held,
        "confirmed" => Status::Confirmed,
        "rolled back" => Status::RolledBack,
        "declined" => {
            let code: String = get(row, 6)?;
            let code = Code::parse(&code).ok_or_else(|| unreadable(row, 6, "no code"))?;
            Status::Declined(Refusal::new(code, get::<String>(row, 7)?))
        }
        "tombstone" => {
            for column in 2..=4 {
                absent(row, column)?;
            }
            return dated(row, 8, TransactionRecord::Tombstone(id));
        }
        _ => return Err(unreadable(row, 1, "no status")),
    };
    if !matches!(status, Status::Declined(_)) {
        absent(row, 6)?;
        absent(row, 7)?;
    }
    let transaction = Transaction {
        id,
        card: parsed(row, 2)?,
        amount: Amount::new(money(row, 3)?).ok_or_else(|| unreadable(row, 3, "no amount"))?,
        available: money(row, 4)?,
        terminal: optional(row, 5)?,
        key: optional(row, 9)?,
        status,
    };
    dated(row, 8, TransactionRecord::Transaction(transaction))
}

pub(super) fn login(row: &Row<'_>) -> Result<Login, StoreError> {
    Ok(Login {
        id: parsed(row, 0)?,
        card: parsed(row, 1)?,
        succeeded: get(row, 2)?,
    })
}

pub(super) fn entry(row: &Row<'_>) -> Result<Dated<Entry>, StoreError> {
    let event: String = get(row, 0)?;
    let amount = match get::<Option<i64>>(row, 3)? {
        Some(_) => Some(money(row, 3)?),
        None => None,
    };
    let entry = Entry {
        event: Event::parse(&event).ok_or_else(|| unreadable(row, 0, "no event"))?,
        card: optional(row, 1)?,
        id: optional(row, 2)?,
        amount,
    };
    dated(row, 4, entry)
}

/// The word that is stored for a status.
pub(super) fn status(status: &Status) -> &'static str {
    match status {
        Status::Held => "held",
        Status::Confirmed => "confirmed",
        Status::RolledBack => "rolled back",
        Status::Declined(_) => "declined",
    }
}

fn dated<T>(row: &Row<'_>, column: usize, value: T) -> Result<Dated<T>, StoreError> {
    let at = Timestamp::from_millisecond(get(row, column)?);
    Ok(Dated {
        at: at.map_err(|error| unreadable(row, column, error))?,
        row: value,
    })
}

fn money(row: &Row<'_>, column: usize) -> Result<Money, StoreError> {
    Money::from_minor(get(row, column)?).ok_or_else(|| unreadable(row, column, "out of range"))
}

fn parsed<T: FromStr<Err: Display>>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    let text: String = get(row, column)?;
    text.parse().map_err(|error| unreadable(row, column, error))
}

fn optional<T: FromStr<Err: Display>>(
    row: &Row<'_>,
    column: usize,
) -> Result<Option<T>, StoreError> {
    match get::<Option<String>>(row, column)? {
        Some(_) => parsed(row, column).map(Some),
        None => Ok(None),
    }
}

fn absent(row: &Row<'_>, column: usize) -> Result<(), StoreError> {
    match get::<Value>(row, column)? {
        Value::Null => Ok(()),
        _ => Err(unreadable(row, column, "out of place")),
    }
}

fn get<T: FromSql>(row: &Row<'_>, column: usize) -> Result<T, StoreError> {
    row.get(column)
        .map_err(|error| unreadable(row, column, error))
}

fn unreadable(row: &Row<'_>, column: usize, why: impl Display) -> StoreError {
    let name = row.as_ref().column_name(column).unwrap_or("?");
    StoreError::Damaged(format!("column {name}: {why}"))
}
