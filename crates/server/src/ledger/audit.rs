//! The proof that no money came or went: available + held + cash out = opening + paid in.
//!
//! The balances that the bank keeps are believed nowhere. Each is computed twice again, from the
//! transactions and from the history, and all three must agree. So must the outcome of every id:
//! what the history has of it is one of the ways a transaction can go, and ends as the
//! transaction says.

use std::collections::BTreeMap;
use std::fmt;

use proto::atm::record::{Account, Entry, Event, Status, TransactionRecord};
use proto::atm::{CardNumber, Kind, Money, TransactionId};

use super::store::{Store, StoreError};

/// What an audit found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Report {
    /// Number of accounts.
    pub accounts: usize,
    /// Number of transactions, tombstones included.
    pub transactions: usize,
    /// Number of entries in the history.
    pub entries: usize,
    /// Transactions that are not settled.
    pub unsettled: usize,
    /// The sums over all accounts.
    pub totals: Totals,
    /// What is wrong, in words; nothing when the ledger is sound.
    pub violations: Vec<String>,
}

/// Sums in hundredths: of balances as they are stored, and of movements as the history has them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Totals {
    /// Stored: what can be withdrawn.
    pub available: i128,
    /// Stored: what unsettled withdrawals hold.
    pub held: i128,
    /// Stored: unsettled deposits. No part of any balance.
    pub pending: i128,
    /// History: balances that accounts began with.
    pub opening: i128,
    /// History: confirmed deposits.
    pub paid_in: i128,
    /// History: confirmed withdrawals.
    pub cash_out: i128,
}

/// Audits the ledger as it is at one moment.
///
/// # Errors
/// When the ledger cannot be read.
pub fn audit(store: &mut dyn Store) -> Result<Report, StoreError> {
    store.begin_reading()?;
    let report = audit_open(store);
    store.roll_back()?;
    report
}

/// The same in a transaction that is [open for reading](Store::begin_reading) already.
///
/// # Errors
/// When the ledger cannot be read.
pub fn audit_open(store: &mut dyn Store) -> Result<Report, StoreError> {
    let mut audit = Audit::default();
    for account in store.accounts()? {
        audit.account(&account);
    }
    store.each_record(&mut |dated| audit.record(&dated.row))?;
    store.each_entry(None, &mut |dated| audit.entry(&dated.row))?;
    Ok(audit.report())
}

/// The balances of one account, in hundredths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Balances {
    posted: i128,
    held: i128,
    pending: i128,
}

impl Balances {
    fn settle(&mut self, kind: Kind, amount: i128) {
        match kind {
            Kind::Withdrawal => self.posted -= amount,
            Kind::Deposit => self.posted += amount,
        }
    }

    fn hold(&mut self, kind: Kind, amount: i128) {
        match kind {
            Kind::Withdrawal => self.held += amount,
            Kind::Deposit => self.pending += amount,
        }
    }
}

/// One account, computed three ways.
#[derive(Debug, Default)]
struct Sums {
    /// The opening balance that is stored; `None` when there is no such account.
    opening: Option<i128>,
    /// How often it was opened by the history, normally once.
    opened: usize,
    stored: Balances,
    by_transactions: Balances,
    by_history: Balances,
}

/// One id: what is stored about it, and what the history has.
#[derive(Debug, Default)]
struct TransactionHistory {
    outcome: Option<Event>,
    terms: Option<(CardNumber, i128)>,
    events: Vec<Event>,
}

#[derive(Default)]
struct Audit {
    report: Report,
    accounts: BTreeMap<CardNumber, Sums>,
    histories: BTreeMap<TransactionId, TransactionHistory>,
}

impl Audit {
    fn violation(&mut self, words: String) {
        self.report.violations.push(words);
    }

    fn account(&mut self, account: &Account) {
        self.report.accounts += 1;
        let totals = &mut self.report.totals;
        totals.available += minor(account.posted) - minor(account.held);
        totals.held += minor(account.held);
        totals.pending += minor(account.pending);
        let sums = self.accounts.entry(account.card.clone()).or_default();
        let opening = minor(account.opening);
        sums.opening = Some(opening);
        sums.stored = Balances {
            posted: minor(account.posted),
            held: minor(account.held),
            pending: minor(account.pending),
        };
        sums.by_transactions.posted += opening;
        let card = account.card.masked();
        if account.held > account.posted {
            self.violation(format!("{card}: holds more than it has"));
        }
        if account.posted.checked_add(account.pending).is_none() {
            self.violation(format!("{card}: may exceed the largest balance"));
        }
    }

    fn record(&mut self, record: &TransactionRecord) {
        self.report.transactions += 1;
        let history = self.histories.entry(record.id()).or_default();
        let TransactionRecord::Transaction(transaction) = record else {
            history.outcome = Some(Event::RolledBack);
            return;
        };
        let (kind, card) = (transaction.id.kind, &transaction.card);
        let amount = minor(transaction.amount.money());
        history.terms = Some((card.clone(), amount));
        let account = self.accounts.entry(card.clone()).or_default();
        let sums = &mut account.by_transactions;
        history.outcome = Some(match transaction.status {
            Status::Held => {
                self.report.unsettled += 1;
                sums.hold(kind, amount);
                Event::Held
            }
            Status::Confirmed => {
                sums.settle(kind, amount);
                Event::Confirmed
            }
            Status::RolledBack => Event::RolledBack,
            Status::Declined(_) => Event::Declined,
        });
    }

    fn entry(&mut self, entry: &Entry) {
        self.report.entries += 1;
        let amount = entry.amount.map_or(0, minor);
        if let Some(card) = &entry.card {
            let sums = self.accounts.entry(card.clone()).or_default();
            let balances = &mut sums.by_history;
            let kind = entry.id.map(|id| id.kind);
            match (entry.event, kind) {
                (Event::Opened, _) => {
                    balances.posted += amount;
                    sums.opened += 1;
                    self.report.totals.opening += amount;
                }
                (Event::Held, Some(kind)) => balances.hold(kind, amount),
                (Event::RolledBack, Some(kind)) => balances.hold(kind, -amount),
                (Event::Confirmed, Some(kind)) => {
                    balances.hold(kind, -amount);
                    balances.settle(kind, amount);
                    match kind {
                        Kind::Withdrawal => self.report.totals.cash_out += amount,
                        Kind::Deposit => self.report.totals.paid_in += amount,
                    }
                }
                (Event::Declined, _) | (Event::Locked | Event::Unlocked | Event::ByOperator, _) => {
                }
                (Event::Held | Event::RolledBack | Event::Confirmed, None) => {
                    let event = entry.event.as_str();
                    self.violation(format!(
                        "the history has an entry `{event}` of no transaction"
                    ));
                }
            }
        }
        let Some(id) = entry.id else { return };
        let history = self.histories.entry(id).or_default();
        if entry.event != Event::ByOperator {
            history.events.push(entry.event);
        }
        let terms = entry.card.clone().map(|card| (card, amount));
        if history.terms != terms {
            self.violation(format!("{id}: the history names another account or amount"));
        }
    }

    fn report(mut self) -> Report {
        for (card, sums) in std::mem::take(&mut self.accounts) {
            let card = card.masked();
            if sums.opening.is_none() {
                self.violation(format!("{card}: is moved money of, and does not exist"));
            }
            if sums.opened != 1 {
                self.violation(format!("{card}: was opened {} times", sums.opened));
            }
            let by_transactions = ("transactions", sums.by_transactions);
            for (source, balances) in [by_transactions, ("history", sums.by_history)] {
                if balances != sums.stored {
                    let stored = sums.stored;
                    self.violation(format!(
                        "{card}: has {stored}, but {balances} by its {source}"
                    ));
                }
            }
        }
        for (id, history) in std::mem::take(&mut self.histories) {
            if let Some(violation) = history.violation() {
                self.violation(format!("{id}: {violation}"));
            }
        }
        if !self.report.totals.balance() {
            self.violation("the totals do not balance".into());
        }
        self.report
    }
}

impl TransactionHistory {
    fn violation(&self) -> Option<String> {
        let legal: &[Event] = match (self.outcome, &self.terms) {
            (None, _) => return Some("is in the history, but not recorded".into()),
            (Some(Event::Held), _) => &[Event::Held],
            (Some(Event::Confirmed), _) => &[Event::Held, Event::Confirmed],
            (Some(Event::RolledBack), Some(_)) => &[Event::Held, Event::RolledBack],
            (Some(Event::RolledBack), None) => &[Event::RolledBack],
            (Some(event), _) => &[event],
        };
        let words = |events: &[Event]| {
            let words: Vec<_> = events.iter().map(|event| event.as_str()).collect();
            words.join(", then ")
        };
        (self.events != legal).then(|| {
            let events = match self.events.is_empty() {
                true => "nothing".into(),
                false => words(&self.events),
            };
            let recorded = words(legal);
            format!("the history has {events}, where {recorded} is recorded")
        })
    }
}

impl Totals {
    /// Whether what there is equals what came in.
    pub fn balance(&self) -> bool {
        self.available + self.held + self.cash_out == self.opening + self.paid_in
    }
}

fn minor(money: Money) -> i128 {
    money.minor().into()
}

/// Hundredths as decimal text, negative ones too.
pub(super) fn decimal(minor: i128) -> String {
    let sign = if minor < 0 { "-" } else { "" };
    format!(
        "{sign}{}.{:02}",
        minor.unsigned_abs() / 100,
        minor.unsigned_abs() % 100
    )
}

impl fmt::Display for Balances {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [posted, held, pending] = [self.posted, self.held, self.pending].map(decimal);
        write!(f, "posted {posted}, held {held}, pending {pending}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let totals = &self.totals;
        let mut line = |words: &str, minor| writeln!(f, "{words:<20}{:>18}", decimal(minor));
        line("  available", totals.available)?;
        line("+ held", totals.held)?;
        line("+ cash out", totals.cash_out)?;
        line("=", totals.available + totals.held + totals.cash_out)?;
        line("  opening", totals.opening)?;
        line("+ paid in", totals.paid_in)?;
        line("=", totals.opening + totals.paid_in)?;
        if totals.pending != 0 {
            line("  deposits pending", totals.pending)?;
        }
        writeln!(
            f,
            "accounts {}, transactions {} (unsettled {}), history entries {}",
            self.accounts, self.transactions, self.unsettled, self.entries
        )?;
        for violation in &self.violations {
            writeln!(f, "violation: {violation}")?;
        }
        match self.violations.len() {
            0 => write!(f, "sound: every balance follows from the history"),
            1 => write!(f, "NOT SOUND: 1 violation"),
            many => write!(f, "NOT SOUND: {many} violations"),
        }
    }
}

#[cfg(test)]
mod tests;
