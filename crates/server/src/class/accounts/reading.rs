//! A file of accounts, as a teacher writes it: a table, or TOML.

use std::fmt::Display;
use std::path::Path;
use std::str::FromStr;

use csv::{ReaderBuilder, Trim};
use proto::atm::{CardNumber, Holder, Money, Pin};
use proto::refusal::Refusal;
use serde::Deserialize;
use toml::Spanned;

use crate::class::files::read_text;
use crate::ledger::accounts::AccountsError;

/// Bytes of a file of accounts, at most.
pub const MAX_SIZE: u64 = 16 * 1024 * 1024;

/// The balance of an account for which none is given.
pub const BALANCE: &str = "10000.00";

/// What a table of accounts may have in its first line.
const COLUMNS: [&str; 5] = ["group", "card", "pin", "holder", "balance"];

/// An account as the teacher gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The line of the file, from 1.
    pub line: usize,
    /// The group that has it; `None` is each.
    pub group: Option<String>,
    /// Its card.
    pub card: CardNumber,
    /// `None` has one made up.
    pub pin: Option<Pin>,
    /// Whose it is.
    pub holder: Holder,
    /// The balance it begins with.
    pub balance: Money,
}

/// Reads a file of accounts: a table if its name ends in `.csv`, or else TOML as
/// `labserver ledger accounts --example` prints it, in which an account may also have a `group`.
///
/// # Errors
/// When the file cannot be read, or something in it is wrong.
pub fn read(path: &Path) -> Result<Vec<Row>, AccountsError> {
    let text = read_text(path, MAX_SIZE).map_err(|error| AccountsError::Io(path.into(), error))?;
    match path
        .extension()
        .is_some_and(|it| it.eq_ignore_ascii_case("csv"))
    {
        true => from_table(path, &text),
        false => from_toml(path, &text),
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Toml {
    #[serde(default)]
    account: Vec<TomlRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TomlRow {
    group: Option<String>,
    card: Spanned<String>,
    pin: Option<Spanned<String>>,
    holder: Spanned<String>,
    balance: Option<Spanned<String>>,
}

/// The accounts of a TOML file with this text.
///
/// # Errors
/// When something in it is wrong.
pub fn from_toml(file: &Path, text: &str) -> Result<Vec<Row>, AccountsError> {
    let line_at = |at: usize| {
        let before = text.get(..at).unwrap_or(text);
        before.matches('\n').count() + 1
    };
    let parsed: Toml = toml::from_str(text).map_err(|error| {
        let at = error.span().unwrap_or(0..0).start;
        wrong(file, line_at(at), &error.message())
    })?;
    let row = |row: TomlRow| {
        let value = |text: &Spanned<String>| (text.get_ref().clone(), line_at(text.span().start));
        let (card, line) = value(&row.card);
        Ok(Row {
            line,
            group: row.group,
            card: field(file, line, &card)?,
            pin: optional(file, row.pin.as_ref().map(value))?,
            holder: field(file, line, row.holder.get_ref())?,
            balance: match optional(file, row.balance.as_ref().map(value))? {
                Some(balance) => balance,
                None => field(file, line, BALANCE)?,
            },
        })
    };
    parsed.account.into_iter().map(row).collect()
}

/// A table with the names of its columns in its first line, separated by commas or, as some
/// spreadsheets do, by semicolons.
pub fn from_table(file: &Path, text: &str) -> Result<Vec<Row>, AccountsError> {
    let text = text.trim_start_matches('\u{feff}');
    let head = text.lines().next().unwrap_or_default();
    let separator = match head.contains(';') && !head.contains(',') {
        true => b';',
        false => b',',
    };
    let mut table = ReaderBuilder::new()
        .delimiter(separator)
        .trim(Trim::All)
        .from_reader(text.as_bytes());
    // A position is where the record before ended, which empty lines may follow.
    let line_at = |position: Option<&csv::Position>| {
        let byte = position.and_then(|position| usize::try_from(position.byte()).ok());
        let byte = byte.unwrap_or(0).min(text.len());
        let rest = &text.as_bytes()[byte..];
        let empty = rest
            .iter()
            .take_while(|byte| b"\r\n".contains(byte))
            .count();
        let before = &text.as_bytes()[..byte + empty];
        before.iter().filter(|byte| **byte == b'\n').count() + 1
    };
    let failed = |error: csv::Error| {
        let line = line_at(error.position());
        let words = match error.into_kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => format!("{len} fields, where the first line has {expected_len}"),
            kind => format!("{kind:?}"),
        };
        wrong(file, line, &words)
    };
    let names: Vec<String> = table
        .headers()
        .map_err(failed)?
        .iter()
        .map(str::to_ascii_lowercase)
        .collect();
    let known = || format!("of {}", COLUMNS.join(", "));
    for (at, name) in names.iter().enumerate() {
        if !COLUMNS.contains(&name.as_str()) || names[..at].contains(name) {
            let words = format!("a column {name:?}: each at most once, {}", known());
            return Err(wrong(file, 1, &words));
        }
    }
    for needed in ["card", "holder"] {
        if !names.iter().any(|name| name == needed) {
            let words = format!("no column {needed:?} in the first line, {}", known());
            return Err(wrong(file, 1, &words));
        }
    }
    let mut rows = Vec::new();
    for record in table.records() {
        let record = record.map_err(failed)?;
        let line = line_at(record.position());
        let value = |name: &str| {
            let at = names.iter().position(|it| it == name)?;
            let text = record.get(at).unwrap_or_default();
            (!text.is_empty()).then(|| (text.to_owned(), line))
        };
        let given = |name: &str| value(name).map(|(text, _)| text).unwrap_or_default();
        rows.push(Row {
            line,
            group: value("group").map(|(text, _)| text),
            card: field(file, line, &given("card"))?,
            pin: optional(file, value("pin"))?,
            holder: field(file, line, &given("holder"))?,
            balance: match optional(file, value("balance"))? {
                Some(balance) => balance,
                None => field(file, line, BALANCE)?,
            },
        });
    }
    Ok(rows)
}

fn optional<T: FromStr<Err = Refusal>>(
    file: &Path,
    value: Option<(String, usize)>,
) -> Result<Option<T>, AccountsError> {
    let parse = |(text, line): (String, usize)| field(file, line, &text);
    value.map(parse).transpose()
}

fn field<T: FromStr<Err = Refusal>>(
    file: &Path,
    line: usize,
    text: &str,
) -> Result<T, AccountsError> {
    text.parse().map_err(|refusal| wrong(file, line, &refusal))
}

/// What is wrong in this line.
pub fn wrong(file: &Path, line: usize, words: &dyn Display) -> AccountsError {
    AccountsError::Wrong {
        file: file.into(),
        line,
        words: words.to_string(),
    }
}
