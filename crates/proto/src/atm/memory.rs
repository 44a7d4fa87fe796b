//! The bank's rows in memory, for the ledger without a file, the tests, and the model checker.

use alloc::collections::{BTreeMap, VecDeque};
use alloc::vec::Vec;
use core::convert::Infallible;

use super::bank::{Decision, Known, Operation, Rows, decide_under};
use super::record::{Account, Entry, Login, MAX_LOGINS_PER_CARD, TransactionRecord, Write};
use super::semantics::Protections;
use super::{Answer, CardNumber, CreationId, LoginId, TransactionId};
use crate::refusal::Refusal;

/// All rows of a bank.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MemoryRows {
    /// By card.
    pub accounts: BTreeMap<CardNumber, Account>,
    /// The card of each account, by the request that created it.
    pub created: BTreeMap<CreationId, CardNumber>,
    /// By id.
    pub records: BTreeMap<TransactionId, TransactionRecord>,
    /// The newest [`MAX_LOGINS_PER_CARD`] log-ins of each card, the oldest first.
    pub logins: BTreeMap<CardNumber, VecDeque<Login>>,
    /// The oldest first.
    pub history: Vec<Entry>,
    /// The time, in seconds since 1970, which the caller sets.
    pub now: u64,
}

impl MemoryRows {
    /// Looks up, decides and writes.
    ///
    /// # Errors
    /// The refusal, when the bank refuses.
    pub fn apply(&mut self, operation: &Operation) -> Result<Answer, Refusal> {
        self.apply_under(Protections::ALL, operation)
    }

    /// The same with only these protections.
    ///
    /// # Errors
    /// The refusal, when the bank refuses.
    pub fn apply_under(
        &mut self,
        protections: Protections,
        operation: &Operation,
    ) -> Result<Answer, Refusal> {
        let Ok(known) = Known::look_up(operation, self);
        let Decision { reply, writes } = decide_under(protections, operation, &known);
        writes.into_iter().for_each(|write| self.write(write));
        reply
    }

    /// Applies one change.
    pub fn write(&mut self, write: Write) {
        match write {
            Write::PutAccount(account) => {
                self.created
                    .insert(account.created_by, account.card.clone());
                self.accounts.insert(account.card.clone(), account);
            }
            Write::PutRecord(record) => {
                self.records.insert(record.id(), record);
            }
            Write::PutLogin(login) => self.put_login(login),
            Write::Append(entry) => self.history.push(entry),
        }
    }

    fn put_login(&mut self, login: Login) {
        let logins = self.logins.entry(login.card.clone()).or_default();
        if let Some(known) = logins.iter_mut().find(|known| known.id == login.id) {
            *known = login;
            return;
        }
        logins.push_back(login);
        if logins.len() > MAX_LOGINS_PER_CARD {
            logins.pop_front();
        }
    }
}

impl Rows for MemoryRows {
    type Error = Infallible;

    fn account(&mut self, card: &CardNumber) -> Result<Option<Account>, Infallible> {
        Ok(self.accounts.get(card).cloned())
    }

    fn created(&mut self, id: CreationId) -> Result<Option<Account>, Infallible> {
        Ok(self
            .created
            .get(&id)
            .and_then(|card| self.accounts.get(card))
            .cloned())
    }

    fn record(&mut self, id: TransactionId) -> Result<Option<TransactionRecord>, Infallible> {
        Ok(self.records.get(&id).cloned())
    }

    fn login(&mut self, card: &CardNumber, id: LoginId) -> Result<Option<Login>, Infallible> {
        let mut logins = self.logins.get(card).into_iter().flatten();
        Ok(logins.find(|login| login.id == id).cloned())
    }

    fn now(&self) -> u64 {
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn login(number: usize) -> Login {
        let id = LoginId(Uuid::from_u128(number as u128));
        Login {
            id,
            card: "123456".parse().unwrap(),
            succeeded: true,
        }
    }

    #[test]
    fn the_oldest_log_ins_of_a_card_are_forgotten() {
        let mut books = MemoryRows::default();
        for number in 0..=MAX_LOGINS_PER_CARD {
            books.write(Write::PutLogin(login(number)));
        }
        let card = login(0).card;
        assert_eq!(books.login(&card, login(0).id), Ok(None));
        assert_eq!(books.login(&card, login(1).id), Ok(Some(login(1))));
        // A change of a known one evicts none.
        books.write(Write::PutLogin(Login {
            succeeded: false,
            ..login(1)
        }));
        assert_eq!(books.logins[&card].len(), MAX_LOGINS_PER_CARD);
        let changed = books.login(&card, login(1).id).unwrap().unwrap();
        assert!(!changed.succeeded);
    }
}
