//! The bank of the model: its durable state, its working state, and the answers that await a
//! commit.

use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::hash::{Hash, Hasher};

use super::Scenario;
use super::fingerprint::{self, Fingerprint};
use crate::atm::bank::{Authorisation, Operation};
use crate::atm::memory::MemoryRows;
use crate::atm::record::{Account, Event, Status, Transaction, TransactionRecord, Write};
use crate::atm::semantics::{Protection, Protections};
use crate::atm::{Answer, Request, TransactionId};
use crate::refusal::{Code, Refusal};

/// A message in flight; an answer carries the request that it answers.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Message {
    pub machine: usize,
    pub request: Request,
    pub reply: Option<Result<Answer, Refusal>>,
}

/// A multiset of messages, by fingerprint and number of the copy: any of them may arrive next.
pub(super) type Messages = BTreeMap<(Fingerprint, u8), Rc<Message>>;

pub(super) fn post(messages: &mut Messages, message: Rc<Message>) {
    let key = fingerprint::of(&*message);
    let copy = messages.range((key, 0)..=(key, u8::MAX)).count();
    messages.insert((key, copy as u8), message);
}

/// The bank's rows, and the outcomes of each id.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ledger {
    pub books: MemoryRows,
    pub outcomes: BTreeMap<TransactionId, Vec<Event>>,
    fingerprint: Fingerprint,
}

impl Hash for Ledger {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.fingerprint.hash(state);
    }
}

impl Ledger {
    pub fn new(account: Account) -> Ledger {
        let mut ledger = Ledger {
            books: MemoryRows::default(),
            outcomes: BTreeMap::new(),
            fingerprint: 0,
        };
        ledger.books.write(Write::PutAccount(account));
        ledger.mark();
        ledger
    }

    pub fn transactions(&self) -> impl Iterator<Item = &Transaction> {
        self.books
            .records
            .values()
            .filter_map(|record| match record {
                TransactionRecord::Transaction(transaction) => Some(transaction),
                TransactionRecord::Tombstone(_) => None,
            })
    }

    fn apply(
        &mut self,
        protections: Protections,
        operation: &Operation,
    ) -> Result<Answer, Refusal> {
        let reply = self.books.apply_under(protections, operation);
        for entry in self.books.history.drain(..) {
            if let Some(id) = entry.id {
                self.outcomes.entry(id).or_default().push(entry.event);
            }
        }
        self.mark();
        reply
    }

    fn mark(&mut self) {
        let accounts = self.books.accounts.values();
        let accounts: Vec<_> = accounts.map(|a| (a.posted, a.held, a.pending)).collect();
        let status = |record: &TransactionRecord| match record {
            TransactionRecord::Tombstone(_) => (0, None),
            TransactionRecord::Transaction(transaction) => {
                let amounts = Some((transaction.amount, transaction.available));
                match transaction.status {
                    Status::Held => (1, amounts),
                    Status::Confirmed => (2, amounts),
                    Status::RolledBack => (3, amounts),
                    Status::Declined(_) => (4, amounts),
                }
            }
        };
        let records = self.books.records.iter();
        let records: Vec<_> = records.map(|(id, record)| (*id, status(record))).collect();
        self.fingerprint = fingerprint::of(&(accounts, records, &self.outcomes));
    }
}

/// The state in which the bank receives a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reception {
    /// The session is logged in with the card.
    LoggedIn,
    /// The session has no log-in.
    LoggedOut,
    /// The bank is unavailable.
    Closed,
}

#[derive(Debug, Clone, Hash)]
pub(super) struct Bank {
    pub durable: Rc<Ledger>,
    pub working: Rc<Ledger>,
    /// Answers that await the commit.
    pub waiting: Messages,
}

impl Bank {
    /// The answer to a request, and the ledger after it if it changes.
    pub fn decide(
        &self,
        scenario: &Scenario,
        request: &Request,
        reception: Reception,
    ) -> (Result<Answer, Refusal>, Option<Ledger>) {
        let card = (reception == Reception::LoggedIn).then(|| scenario.account.card.clone());
        let operation = match request {
            Request::Hold { id, amount, key } => Operation::Hold {
                id: *id,
                card,
                amount: *amount,
                terminal: None,
                key: *key,
            },
            Request::Confirm { id, key } => Operation::Confirm {
                id: *id,
                by: Authorisation { card, key: *key },
            },
            Request::Rollback { id, key } => Operation::Rollback {
                id: *id,
                by: Authorisation { card, key: *key },
            },
            _ => return (Err(Refusal::new(Code::OutOfOrder, "")), None),
        };
        if reception == Reception::Closed {
            return (Err(Refusal::new(Code::Unavailable, "")), None);
        }
        let mut ledger = Ledger::clone(&self.working);
        let reply = ledger.apply(scenario.protections, &operation);
        let changed = ledger.fingerprint != self.working.fingerprint;
        (reply, changed.then_some(ledger))
    }

    /// Handles a request, and sends the answer or keeps it until the commit.
    pub fn receive(
        &mut self,
        scenario: &Scenario,
        message: &Message,
        reception: Reception,
        network: &mut Messages,
    ) {
        let (reply, ledger) = self.decide(scenario, &message.request, reception);
        if let Some(ledger) = ledger {
            self.working = Rc::new(ledger);
        }
        let answer = Rc::new(Message {
            reply: Some(reply),
            ..message.clone()
        });
        // Even an answer that changes nothing may depend on uncommitted state.
        match self.is_clean() || !scenario.protections.has(Protection::ReplyAfterCommit) {
            true => post(network, answer),
            false => post(&mut self.waiting, answer),
        }
    }

    /// Handles a rollback by a customer who has the card and the id, but no key.
    pub fn roll_back_without_key(&mut self, scenario: &Scenario, id: TransactionId) {
        let request = Request::Rollback { id, key: None };
        let (_, ledger) = self.decide(scenario, &request, Reception::LoggedIn);
        if let Some(ledger) = ledger {
            self.working = Rc::new(ledger);
        }
    }

    /// Whether a crash loses nothing.
    pub fn is_clean(&self) -> bool {
        self.waiting.is_empty() && self.durable.fingerprint == self.working.fingerprint
    }

    pub fn commit(&mut self, network: &mut Messages) {
        self.durable = Rc::clone(&self.working);
        for (_, message) in core::mem::take(&mut self.waiting) {
            post(network, message);
        }
    }

    pub fn crash(&mut self) {
        self.working = Rc::clone(&self.durable);
        self.waiting.clear();
    }
}
