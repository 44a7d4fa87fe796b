//! A ledger that is gone when the server is: for lectures and tests.

use std::collections::BTreeMap;

use jiff::Timestamp;
use proto::atm::bank::{Operation, Rows};
use proto::atm::memory::MemoryRows;
use proto::atm::record::{Account, Entry, Login, Status, Transaction, TransactionRecord, Write};
use proto::atm::{CardNumber, CreationId, LoginId, TransactionId};

use super::store::{CommitError, Dated, Store, StoreError, Visit, seconds};

/// Rows in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    books: MemoryRows,
    /// When each record was first written.
    asked: BTreeMap<TransactionId, Timestamp>,
    /// When each entry of the history was written.
    entered: Vec<Timestamp>,
    /// The open transaction: few enough writes that looking through them is quick.
    staged: Vec<(Timestamp, Write)>,
    at: Timestamp,
}

impl MemoryStore {
    /// No rows at all.
    pub fn new() -> MemoryStore {
        MemoryStore::default()
    }

    /// The newest change of the open transaction that `row` has something to say about.
    fn staged<T: Clone>(&self, row: impl Fn(&Write) -> Option<&T>) -> Option<T> {
        let mut newest = self.staged.iter().rev();
        newest.find_map(|(_, write)| row(write)).cloned()
    }
}

impl Store for MemoryStore {
    fn begin(&mut self, at: Timestamp, _: &[Operation]) -> Result<(), StoreError> {
        self.staged.clear();
        self.at = at;
        Ok(())
    }

    fn begin_reading(&mut self) -> Result<(), StoreError> {
        self.roll_back()
    }

    fn date(&mut self, at: Timestamp) {
        self.at = at;
    }

    fn write(&mut self, write: Write) -> Result<(), StoreError> {
        self.staged.push((self.at, write));
        Ok(())
    }

    fn commit(&mut self) -> Result<(), CommitError> {
        for (at, write) in self.staged.drain(..) {
            match &write {
                Write::PutRecord(record) => {
                    self.asked.entry(record.id()).or_insert(at);
                }
                Write::Append(_) => self.entered.push(at),
                Write::PutAccount(_) | Write::PutLogin(_) => {}
            }
            self.books.write(write);
        }
        Ok(())
    }

    fn roll_back(&mut self) -> Result<(), StoreError> {
        self.staged.clear();
        Ok(())
    }

    fn accounts(&mut self) -> Result<Vec<Account>, StoreError> {
        Ok(self.books.accounts.values().cloned().collect())
    }

    fn each_record(&mut self, visit: Visit<'_, TransactionRecord>) -> Result<(), StoreError> {
        for (&at, record) in self.asked.values().zip(self.books.records.values()) {
            let row = record.clone();
            visit(Dated { at, row });
        }
        Ok(())
    }

    fn each_login(&mut self, visit: &mut dyn FnMut(Login)) -> Result<(), StoreError> {
        let logins = self.books.logins.values().flatten();
        logins.cloned().for_each(visit);
        Ok(())
    }

    fn each_entry(
        &mut self,
        of: Option<&CardNumber>,
        visit: Visit<'_, Entry>,
    ) -> Result<(), StoreError> {
        for (&at, entry) in self.entered.iter().zip(&self.books.history) {
            if of.is_none() || entry.card.as_ref() == of {
                let row = entry.clone();
                visit(Dated { at, row });
            }
        }
        Ok(())
    }

    fn unsettled(&mut self) -> Result<Vec<Dated<Transaction>>, StoreError> {
        let mut unsettled = Vec::new();
        self.each_record(&mut |Dated { at, row }| match row {
            TransactionRecord::Transaction(row) if row.status == Status::Held => {
                unsettled.push(Dated { at, row });
            }
            TransactionRecord::Transaction(_) | TransactionRecord::Tombstone(_) => {}
        })?;
        unsettled.sort_by_key(|transaction| transaction.at);
        Ok(unsettled)
    }
}

impl Rows for MemoryStore {
    type Error = StoreError;

    fn account(&mut self, card: &CardNumber) -> Result<Option<Account>, StoreError> {
        let staged = self.staged(|write| match write {
            Write::PutAccount(account) if account.card == *card => Some(account),
            _ => None,
        });
        let Ok(committed) = self.books.account(card);
        Ok(staged.or(committed))
    }

    fn created(&mut self, id: CreationId) -> Result<Option<Account>, StoreError> {
        let staged = self.staged(|write| match write {
            Write::PutAccount(account) if account.created_by == id => Some(account),
            _ => None,
        });
        let Ok(committed) = self.books.created(id);
        Ok(staged.or(committed))
    }

    fn record(&mut self, id: TransactionId) -> Result<Option<TransactionRecord>, StoreError> {
        let staged = self.staged(|write| match write {
            Write::PutRecord(record) if record.id() == id => Some(record),
            _ => None,
        });
        let Ok(committed) = self.books.record(id);
        Ok(staged.or(committed))
    }

    fn login(&mut self, card: &CardNumber, id: LoginId) -> Result<Option<Login>, StoreError> {
        let staged = self.staged(|write| match write {
            Write::PutLogin(login) if login.id == id && login.card == *card => Some(login),
            _ => None,
        });
        let Ok(committed) = self.books.login(card, id);
        Ok(staged.or(committed))
    }

    fn now(&self) -> u64 {
        seconds(self.at)
    }
}
