//! The driver of the cash machine's state machine: does what [`Machine`] says, one action after
//! another, with a real journal and a real drawer. How the bank is asked, and how often, is the
//! [`BankLine`]'s.

use proto::atm::machine::{Action, BeginError, Machine, Outcome};
use proto::atm::{Amount, Answer, Key, Kind, Money, Request, TransactionId};
use proto::refusal::Refusal;

use super::storage::MachineStorage;
use crate::failure::Failure;

/// The way to the bank, and the policy of retries.
pub trait BankLine {
    /// Sends the request once, for the `attempt`-th time; `None` when it was not answered.
    fn ask(
        &mut self,
        request: &Request,
        attempt: u32,
    ) -> Result<Option<Result<Answer, Refusal>>, Failure>;

    /// Waits after that many attempts; `false` when there is to be no other.
    fn pause(&mut self, attempts: u32) -> bool;

    /// Called before each action, with the transaction that is open.
    fn before(&mut self, _action: &Action, _open: Option<&Outcome>) {}
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stopped {
    Shown(Outcome),
    Idle,
    OutOfAttempts,
}

/// A state machine with its journal and its drawer.
#[derive(Debug)]
pub struct Driver {
    machine: Machine,
    pub storage: MachineStorage,
}

impl Driver {
    pub fn new((storage, machine): (MachineStorage, Machine)) -> Driver {
        Driver { machine, storage }
    }

    /// Begins a transaction, which [`run`](Driver::run) carries out.
    ///
    /// # Errors
    /// When the journal cannot be written. It is not begun when something else is open, or the
    /// drawer cannot move as much.
    pub fn begin(
        &mut self,
        id: TransactionId,
        amount: Amount,
    ) -> Result<Result<(), BeginError>, Failure> {
        self.storage.shorten(&self.machine)?;
        Ok(self.machine.begin(id, amount, Key::new(rand::random())))
    }

    /// The transaction that is open, if one is: that its outcome is not known.
    pub fn open(&self) -> Option<Outcome> {
        let mut open = self.machine.outcome()?;
        if let Outcome::Unsettled { moved, .. } = &mut open {
            // The drawer knows before the journal does.
            *moved |= self.storage.drawer() != self.machine.drawer();
        }
        Some(open)
    }

    /// Does what the machine says until it has an outcome, nothing left to do, or the line wants no
    /// other attempt.
    pub fn run(&mut self, bank: &mut impl BankLine) -> Result<Stopped, Failure> {
        loop {
            let action = self.machine.next();
            bank.before(&action, self.open().as_ref());
            match action {
                Action::Journal(record) => {
                    self.storage.keep(&record)?;
                    self.machine.journaled();
                }
                Action::Send {
                    request, attempt, ..
                } => match bank.ask(&request, attempt)? {
                    Some(reply) => self.machine.answered(&request, &reply),
                    None => self.machine.lost(),
                },
                Action::Pause { attempt } => {
                    if !bank.pause(attempt) {
                        return Ok(Stopped::OutOfAttempts);
                    }
                    self.machine.paused();
                }
                Action::MoveNotes { id, amount } => {
                    let before = self.machine.drawer();
                    let after = match id.kind {
                        Kind::Withdrawal => before.checked_sub(amount.money()),
                        Kind::Deposit => before.checked_add(amount.money()),
                    };
                    if let Some(after) = after {
                        self.storage.move_notes(after)?;
                    }
                    self.machine
                        .moved(self.storage.drawer())
                        .map_err(|damage| Failure::Unknown(damage.to_string().into()))?;
                }
                Action::Show(outcome) => {
                    self.machine.shown();
                    return Ok(Stopped::Shown(outcome));
                }
                Action::Idle => return Ok(Stopped::Idle),
            }
        }
    }

    /// Gives up a transaction that ran out of attempts; `false` where it is too late for that, so
    /// that it stays open.
    pub fn give_up(&mut self) -> bool {
        self.machine.give_up();
        !matches!(self.machine.next(), Action::Pause { .. })
    }

    /// Ends the pause after the last attempt, so that [`run`](Driver::run) makes another.
    pub fn resume(&mut self) {
        self.machine.paused();
    }

    /// Fills or empties the drawer; `false` when a transaction is open.
    pub fn load(&mut self, count: Money, bank: &mut impl BankLine) -> Result<bool, Failure> {
        if self.machine.load(count).is_err() {
            return Ok(false);
        }
        self.run(bank)?;
        self.storage.move_notes(count)?;
        self.machine.loaded(self.storage.drawer());
        self.run(bank)?;
        Ok(true)
    }
}
