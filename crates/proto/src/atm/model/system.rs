//! A state of the system: the bank, the machines with their journals and drawers, and the network.

use alloc::rc::Rc;
use alloc::vec::Vec;

use super::bank::{Bank, Ledger, Message, Messages};
use super::fingerprint::{self, Fingerprint};
use super::violation::Violation;
use super::{Faults, Scenario};
use crate::atm::machine::{Action, JournalRecord, Machine};
use crate::atm::{Amount, Money, Request, TransactionId};

/// A cash machine, with its storage, its customers and what it did with the notes.
#[derive(Debug, Clone, Hash)]
pub(super) struct CashMachine {
    pub state: Machine,
    pub journal: Vec<JournalRecord>,
    pub drawer: Money,
    /// The number of transactions begun.
    pub begun: usize,
    /// Whether a request was sent that is neither answered nor timed out.
    pub waiting: bool,
    /// The notes that moved.
    pub moved: Vec<(TransactionId, Amount)>,
}

#[derive(Debug, Clone)]
pub(super) struct System {
    pub scenario: Rc<Scenario>,
    pub bank: Bank,
    pub machines: Vec<Rc<CashMachine>>,
    pub network: Messages,
    pub left: Faults,
    /// What the step that led here violated.
    pub violation: Option<Violation>,
}

impl System {
    pub fn new(scenario: Scenario) -> System {
        let ledger = Rc::new(Ledger::new(scenario.account.clone()));
        let drawer = scenario.drawer;
        let journal = alloc::vec![JournalRecord::Loaded(drawer)];
        let recovered = scenario.customers.iter().map(|_| {
            let state = Machine::recover_under(scenario.protections, &journal, drawer).ok()?;
            Some(Rc::new(CashMachine {
                state,
                journal: journal.clone(),
                drawer,
                begun: 0,
                waiting: false,
                moved: Vec::new(),
            }))
        });
        System {
            machines: recovered.flatten().collect(),
            bank: Bank {
                durable: Rc::clone(&ledger),
                working: ledger,
                waiting: Messages::new(),
            },
            network: Messages::new(),
            left: scenario.faults,
            violation: None,
            scenario: Rc::new(scenario),
        }
    }

    /// Identifies the state apart from the faults left.
    pub fn fingerprint(&self) -> Fingerprint {
        let network: Vec<_> = self.network.keys().collect();
        let waiting: Vec<_> = self.bank.waiting.keys().collect();
        let bank = (&self.bank.durable, &self.bank.working, waiting);
        fingerprint::of(&(bank, &self.machines, network))
    }

    pub fn fingerprint_with_faults(&self) -> Fingerprint {
        fingerprint::of(&(self.fingerprint(), self.left))
    }

    /// The id and the amount of this machine's next transaction.
    pub fn customer(&self, machine: usize) -> Option<(TransactionId, Amount)> {
        let number = self.machines.get(machine)?.begun;
        let (kind, amount) = *self.scenario.customers.get(machine)?.get(number)?;
        Some((self.scenario.id(machine, number, kind), amount))
    }

    /// This machine's open transaction, if the bank knows it.
    pub fn open_at_the_bank(&self, machine: usize) -> Option<TransactionId> {
        let id = self.machines.get(machine)?.state.outcome()?.id();
        self.bank
            .working
            .books
            .records
            .contains_key(&id)
            .then_some(id)
    }

    /// The request that the receiver of an answer waits for, if it is not the one answered.
    pub fn request_awaited_instead(&self, message: &Message) -> Option<Request> {
        let machine = self.machines.get(message.machine)?;
        match machine.state.next() {
            Action::Send { request, .. } if machine.waiting && request != message.request => {
                Some(request)
            }
            _ => None,
        }
    }

    /// Whether the request that this machine waits for, or its answer, may still arrive.
    pub fn is_in_flight(&self, number: usize) -> bool {
        let Some(machine) = self.machines.get(number) else {
            return false;
        };
        let Action::Send { request, .. } = machine.state.next() else {
            return false;
        };
        let mut messages = self.network.values().chain(self.bank.waiting.values());
        messages.any(|message| message.machine == number && message.request == request)
    }

    pub fn peek(&self, number: u8) -> Option<Rc<Message>> {
        self.network.values().nth(number.into()).cloned()
    }
}
