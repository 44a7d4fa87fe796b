//! The audit: the bank's ledger compared with the drawers.

use anyhow::{Context, Result};
use client::cash_machine::drawer::Drawer;
use proto::atm::record::{Account, Status, Transaction};
use proto::atm::{Kind, Money};
use proto::name::Name;
use server::ledger::audit::audit;
use server::ledger::sqlite::Access;

use crate::programs::Place;

/// The result of the audit, once all is settled.
#[derive(Debug, Default)]
pub struct Books {
    /// In hundredths: debited without notes, or paid in without a credit.
    pub lost: i64,
    /// In hundredths: notes without a debit, or a credit without notes.
    pub duplicated: i64,
    /// All discrepancies, in words.
    pub wrong: Vec<String>,
    /// Every transaction in the ledger.
    pub transactions: Vec<Transaction>,
}

impl Books {
    /// Reads the ledger and counts the drawers of these machines, each of which held `filling`.
    /// Neither the bank nor a machine may be running.
    pub fn close(place: &Place, terminals: &[String], filling: Money) -> Result<Books> {
        let mut books = Books::default();
        let store = place.ledger.open_beside(Access::Read);
        let mut store = store.context("the ledger cannot be opened")?;
        let report = audit(&mut *store)?;
        books.wrong.extend(report.violations);
        let locked = |account: &&Account| account.lockouts > 0;
        for account in store.accounts()?.iter().filter(locked) {
            // No customer types a wrong PIN.
            let words = format!("the card {} is locked", account.card);
            books.wrong.push(words);
        }
        store.each_record(&mut |dated| {
            books
                .transactions
                .extend(dated.transaction().map(|dated| dated.row));
        })?;
        let mine = |transaction: &Transaction| {
            let name = transaction.terminal.as_ref().map(Name::as_str);
            name.is_some_and(|name| terminals.iter().any(|terminal| terminal == name))
        };
        // A ledger of several trials has those of other machines.
        books.transactions.retain(mine);
        let is_held = |transaction: &&Transaction| transaction.status == Status::Held;
        let unsettled = books.transactions.iter().filter(is_held).count();
        if unsettled > 0 {
            let words = format!("{unsettled} transactions are not settled");
            books.wrong.push(words);
        }
        for terminal in terminals {
            let drawer = Drawer::open(&place.drawer(terminal), filling)
                .with_context(|| format!("the drawer of {terminal} cannot be counted"))?;
            let booked = books.booked(terminal);
            let surplus = drawer.count().minor() - (filling.minor() + booked);
            books.lost += surplus.max(0);
            books.duplicated += (-surplus).max(0);
            if surplus != 0 {
                let should = Money::from_minor(filling.minor() + booked);
                books.wrong.push(format!(
                    "{terminal} has {} in its drawer; by what the bank has booked it should be {}",
                    drawer.count(),
                    should.map_or_else(|| "less than nothing".into(), |money| money.to_string())
                ));
            }
        }
        Ok(books)
    }

    /// The change of this machine's drawer by the ledger, in hundredths.
    fn booked(&self, terminal: &str) -> i64 {
        let confirmed = self
            .of(terminal)
            .filter(|transaction| transaction.status == Status::Confirmed);
        let moved = confirmed.map(|transaction| {
            let amount = transaction.amount.money().minor();
            match transaction.id.kind {
                Kind::Withdrawal => -amount,
                Kind::Deposit => amount,
            }
        });
        moved.sum()
    }

    /// This machine's transactions.
    pub fn of(&self, terminal: &str) -> impl Iterator<Item = &Transaction> {
        self.transactions.iter().filter(move |transaction| {
            transaction
                .terminal
                .as_ref()
                .is_some_and(|name| name.as_str() == terminal)
        })
    }
}
