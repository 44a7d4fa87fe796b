//! Rows of a database, read back into what they were. The engines have the same tables, and so the
//! same columns. A row that this program cannot have written is damage, and named.

use std::fmt::Display;
use std::str::FromStr;

use jiff::Timestamp;
use proto::atm::record::{Account, Entry, Event, Login, Status, Transaction, TransactionRecord};
use proto::atm::{Amount, Money};
use proto::refusal::{Code, Refusal};

use super::store::{Dated, StoreError};

/// The columns that [`account`] reads, from the table, with the rest of the query.
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
pub(super) use accounts;

/// The columns that [`record`] reads, from the table, with the rest of the query.
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
pub(super) use transactions;

/// The columns that [`login`] reads, from the table, with the rest of the query.
macro_rules! logins {
    ($rest:literal) => {
        concat!("SELECT id, card, succeeded FROM logins ", $rest)
    };
}
pub(super) use logins;

/// The columns that [`entry`] reads, from the table, with the rest of the query.
macro_rules! history {
    ($rest:literal) => {
        concat!("SELECT event, card, id, amount, at FROM history ", $rest)
    };
}
pub(super) use history;

pub(super) const ACCOUNTS: &str = accounts!("ORDER BY card");
pub(super) const RECORDS: &str = transactions!("ORDER BY id");
pub(super) const UNSETTLED: &str = transactions!("WHERE status = 'held' ORDER BY at, id");
pub(super) const LOGINS: &str = logins!("ORDER BY seq");
pub(super) const HISTORY: &str = history!("ORDER BY seq");

/// What reads a row.
pub(super) type Read<T> = fn(&dyn Columns) -> Result<T, StoreError>;

/// A row of an engine. Columns are counted from 0.
pub(super) trait Columns {
    /// A text, or `None` where the column is null.
    fn text(&self, column: usize) -> Result<Option<String>, String>;

    /// A number, or `None` where the column is null; a truth value is 0 or 1.
    fn integer(&self, column: usize) -> Result<Option<i64>, String>;

    /// What the column is called.
    fn name(&self, column: usize) -> &str;
}

pub(super) fn account(row: &dyn Columns) -> Result<Account, StoreError> {
    Ok(Account {
        card: parsed(row, 0)?,
        holder: parsed(row, 1)?,
        pin_hash: text(row, 2)?,
        created_by: parsed(row, 3)?,
        opening: money(row, 4)?,
        posted: money(row, 5)?,
        held: money(row, 6)?,
        pending: money(row, 7)?,
        wrong_pins: number(row, 8)?,
        locked_until: match maybe_integer(row, 9)? {
            Some(_) => Some(number(row, 9)?),
            None => None,
        },
        lockouts: number(row, 10)?,
    })
}

pub(super) fn record(row: &dyn Columns) -> Result<Dated<TransactionRecord>, StoreError> {
    let id = parsed(row, 0)?;
    let status = match text(row, 1)?.as_str() {
        "held" => Status::Held,
        "confirmed" => Status::Confirmed,
        "rolled back" => Status::RolledBack,
        "declined" => {
            let code = text(row, 6)?;
            let code = Code::parse(&code).ok_or_else(|| unreadable(row, 6, "no code"))?;
            Status::Declined(Refusal::new(code, text(row, 7)?))
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

pub(super) fn login(row: &dyn Columns) -> Result<Login, StoreError> {
    Ok(Login {
        id: parsed(row, 0)?,
        card: parsed(row, 1)?,
        succeeded: match integer(row, 2)? {
            0 => false,
            1 => true,
            _ => return Err(unreadable(row, 2, "neither 0 nor 1")),
        },
    })
}

pub(super) fn entry(row: &dyn Columns) -> Result<Dated<Entry>, StoreError> {
    let event = text(row, 0)?;
    let amount = match maybe_integer(row, 3)? {
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

fn dated<T>(row: &dyn Columns, column: usize, value: T) -> Result<Dated<T>, StoreError> {
    let at = Timestamp::from_millisecond(integer(row, column)?);
    Ok(Dated {
        at: at.map_err(|error| unreadable(row, column, error))?,
        row: value,
    })
}

fn money(row: &dyn Columns, column: usize) -> Result<Money, StoreError> {
    Money::from_minor(integer(row, column)?).ok_or_else(|| unreadable(row, column, "out of range"))
}

fn parsed<T: FromStr<Err: Display>>(row: &dyn Columns, column: usize) -> Result<T, StoreError> {
    let text = text(row, column)?;
    text.parse().map_err(|error| unreadable(row, column, error))
}

fn optional<T: FromStr<Err: Display>>(
    row: &dyn Columns,
    column: usize,
) -> Result<Option<T>, StoreError> {
    match maybe_text(row, column)? {
        Some(_) => parsed(row, column).map(Some),
        None => Ok(None),
    }
}

fn absent(row: &dyn Columns, column: usize) -> Result<(), StoreError> {
    // An engine may refuse to read a null of the other type.
    match (row.text(column), row.integer(column)) {
        (Ok(None), _) | (_, Ok(None)) => Ok(()),
        _ => Err(unreadable(row, column, "out of place")),
    }
}

fn number<T: TryFrom<i64, Error: Display>>(
    row: &dyn Columns,
    column: usize,
) -> Result<T, StoreError> {
    T::try_from(integer(row, column)?).map_err(|error| unreadable(row, column, error))
}

fn text(row: &dyn Columns, column: usize) -> Result<String, StoreError> {
    maybe_text(row, column)?.ok_or_else(|| unreadable(row, column, "null"))
}

fn integer(row: &dyn Columns, column: usize) -> Result<i64, StoreError> {
    maybe_integer(row, column)?.ok_or_else(|| unreadable(row, column, "null"))
}

fn maybe_text(row: &dyn Columns, column: usize) -> Result<Option<String>, StoreError> {
    row.text(column)
        .map_err(|error| unreadable(row, column, error))
}

fn maybe_integer(row: &dyn Columns, column: usize) -> Result<Option<i64>, StoreError> {
    row.integer(column)
        .map_err(|error| unreadable(row, column, error))
}

fn unreadable(row: &dyn Columns, column: usize, why: impl Display) -> StoreError {
    let name = row.name(column);
    StoreError::Damaged(format!("column {name}: {why}"))
}
