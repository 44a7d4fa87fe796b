//! The answers for programs: objects whose members are what the tables show, and more. Money is
//! text, as `"500.00"`, since a JSON number need not be exact; times are RFC 3339, in UTC.

use std::io::{self, Write};

use jiff::Timestamp;
use proto::atm::record::{Account, Entry, Transaction};
use proto::atm::{Answer, CardNumber, Kind};
use serde_json::{Value, json};

use super::super::audit::{Report, decimal};
use super::super::store::{Dated, seconds};

/// What an audit found, in one object.
pub fn report(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let totals = &report.totals;
    line(
        out,
        json!({
            "sound": report.violations.is_empty(),
            "available": decimal(totals.available),
            "held": decimal(totals.held),
            "cash_out": decimal(totals.cash_out),
            "opening": decimal(totals.opening),
            "paid_in": decimal(totals.paid_in),
            "pending": decimal(totals.pending),
            "accounts": report.accounts,
            "transactions": report.transactions,
            "unsettled": report.unsettled,
            "entries": report.entries,
            "violations": report.violations,
        }),
    )
}

/// Accounts, an object each.
pub fn accounts(accounts: &[Account], now: Timestamp, out: &mut impl Write) -> io::Result<()> {
    let now = seconds(now);
    accounts.iter().try_for_each(|account| {
        line(
            out,
            json!({
                "card": account.card.as_str(),
                "holder": account.holder.as_str(),
                "available": account.available().to_string(),
                "held": account.held.to_string(),
                "pending": account.pending.to_string(),
                "opening": account.opening.to_string(),
                "locked": account.is_locked(now),
                "locked_until": account.locked_until.filter(|until| now < *until).and_then(moment),
            }),
        )
    })
}

/// A time in seconds since 1970, as text.
fn moment(seconds: u64) -> Option<String> {
    let moment = Timestamp::from_second(i64::try_from(seconds).ok()?).ok()?;
    Some(moment.to_string())
}

/// One entry of a history.
pub fn entry(Dated { at, row }: &Dated<Entry>, out: &mut impl Write) -> io::Result<()> {
    line(
        out,
        json!({
            "at": at.to_string(),
            "event": row.event.as_str(),
            "card": row.card.as_ref().map(CardNumber::as_str),
            "id": row.id.map(|id| id.to_string()),
            "amount": row.amount.map(|amount| amount.to_string()),
        }),
    )
}

/// Transactions that are not settled, an object each.
pub fn unsettled(
    transactions: &[Dated<Transaction>],
    now: Timestamp,
    out: &mut impl Write,
) -> io::Result<()> {
    transactions.iter().try_for_each(|Dated { at, row }| {
        let kind = match row.id.kind {
            Kind::Withdrawal => "withdrawal",
            Kind::Deposit => "deposit",
        };
        line(
            out,
            json!({
                "at": at.to_string(),
                "age_seconds": now.duration_since(*at).as_secs().max(0),
                "kind": kind,
                "id": row.id.to_string(),
                "card": row.card.as_str(),
                "amount": row.amount.to_string(),
                "terminal": row.terminal.as_ref().map(|name| name.as_str()),
            }),
        )
    })
}

/// A card that is not locked any more, if it was.
pub fn unlocked(card: &CardNumber, was_locked: bool, out: &mut impl Write) -> io::Result<()> {
    line(
        out,
        json!({"card": card.as_str(), "was_locked": was_locked}),
    )
}

/// A transaction that an operator settled.
pub fn settled(answer: &Answer, out: &mut impl Write) -> io::Result<()> {
    let (id, settled, repeat) = match answer {
        Answer::Confirmed { id, repeat } => (id, "confirmed", repeat),
        Answer::RolledBack { id, repeat } => (id, "rolled back", repeat),
        // The rules of the bank have no other answer to this.
        other => return line(out, json!({"answer": other.to_string()})),
    };
    line(
        out,
        json!({"id": id.to_string(), "settled": settled, "repeat": repeat}),
    )
}

fn line(out: &mut impl Write, value: Value) -> io::Result<()> {
    writeln!(out, "{value}")
}
