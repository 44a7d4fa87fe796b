//! The cash machine's side of a transaction, as a state machine without IO.
//!
//! A driver performs the [`Action`] that [`Machine::next`] returns, reports the result, and goes on
//! with the next:
//!
//! ```text
//! next() returns        the driver                                     and then calls
//! Journal(record)       appends the record and syncs                   journaled()
//! Send { request, … }   sends it, and waits for the answer             answered(…) or lost()
//! Pause { attempt }     waits, longer after each attempt              paused()
//! MoveNotes { … }       moves the notes, and counts the drawer         moved(count)
//! Show(outcome)         shows it to the customer                       shown()
//! Idle                  waits for a customer                           begin(…)
//! ```
//!
//! `next` returns the same action until its result is reported, and the state changes only once
//! its record is journaled, so the journal is never behind the state.
//! [`give_up`](Machine::give_up) may be called at any time. A driver may stop at any point, as in a
//! power failure: it shows the [`outcome`](Machine::outcome), and the next start continues from
//! the journal.
//!
//! # Why exactly once
//!
//! Two things survive a crash: the **journal**, each of whose records is synced before the next
//! action, and the **drawer**, whose notes can be counted.
//!
//! ```text
//!            sending ──── held ───► dispensing ── notes ──► dispensed ── CONFIRM ──► confirmed
//!               │                       │
//!               │ given up, restart     │ restart, and no notes moved
//!               └──────────┬────────────┘
//!                          ▼
//!                    rolling-back ── ROLLBACK ──► rolled-back
//! ```
//!
//! * Notes move in one state: after `dispensing`. It is written at most once for an id, after the
//!   bank's `held`, and never after `rolling-back`. So notes move at most once, and only if the
//!   money is held; and the bank keeps a hold until this machine settles it.
//! * From `dispensed` only CONFIRM is sent and from `rolling-back` only ROLLBACK, each until it is
//!   answered. So an account is debited if and only if the notes moved.
//! * After a crash in `dispensing`, the drawer decides: if its count is the one in the record, no
//!   notes moved; if it is less by the amount, they did. (A deposit is the same with the amount
//!   more: `accepting`, `accepted`.)
//! * A request without an answer is sent again unchanged, so the bank recognises its id. A refusal
//!   counts as a decline only where it proves that the id can never be granted (see
//!   `verdict.rs`); otherwise the machine asks again, or rolls back.
//! * One transaction at a time: an open one is settled before another begins.
//!
//! # The records, and why no fewer
//!
//! `sending` and `dispensing` precede what cannot be undone: a message, and notes. The four final
//! records close a transaction for the next start. `dispensed` and `rolling-back` record the count
//! of the drawer, which is not needed as evidence after them: the drawer may be filled again while
//! the bank is unreachable. `loaded` is the count to compare with, and `loading` precedes an
//! operator's change of the drawer's content, so that a crash in between does not look like a loss.
//! There is no record of `held`, since without `dispensing` a restart rolls back anyway: the
//! customer has left. Nor is there one of the card, which settling does not need. An idle machine
//! may replace its journal by a single `loaded`.
//!
//! # Assumptions
//!
//! A synced record is durable, and the driver detects a torn one by its checksum. The drawer moves
//! the whole amount or nothing, as a dispenser that stacks the notes first does; any other count is
//! [`Damage`], which an operator resolves. A reply is passed with the request that it answers, and
//! a hold is sent only in the session of its own card.

mod action;
mod journal;
mod outcome;
mod recovery;
mod verdict;

use alloc::vec::Vec;

pub use self::action::Action;
pub use self::journal::{BeginError, Damage, JournalRecord};
use self::journal::{JournalState, Open, Phase};
pub use self::outcome::Outcome;
use self::verdict::Verdict;
use super::semantics::{Protection, Protections};
use super::{Amount, Answer, Key, Money, Request, TransactionId};
use crate::refusal::Refusal;

/// A cash machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    protections: Protections,
    journal_state: JournalState,
    todo: Todo,
    /// The records to be journaled, in this order.
    unwritten: Vec<JournalRecord>,
    attempts: u32,
    repeat: bool,
    given_up: bool,
    /// The available balance in the answer to the hold.
    available: Option<Money>,
    /// The reason why the bank did not grant the hold.
    refusal: Option<Refusal>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Todo {
    Journal,
    Ask,
    Pause,
    Move,
    Show(Outcome),
    Rest,
}

impl Machine {
    /// The next action; the same until its result is reported.
    pub fn next(&self) -> Action {
        match (&self.todo, self.journal_state.open, self.unwritten.first()) {
            (Todo::Journal, _, Some(record)) => Action::Journal(*record),
            (Todo::Ask, Some(open), _) => Action::Send {
                request: request(&open),
                attempt: self.attempts.saturating_add(1),
                repeat: self.repeat || self.attempts > 0,
            },
            (Todo::Pause, Some(_), _) => Action::Pause {
                attempt: self.attempts,
            },
            (Todo::Move, Some(Open { id, amount, .. }), _) => Action::MoveNotes { id, amount },
            (Todo::Show(outcome), _, _) => Action::Show(outcome.clone()),
            (Todo::Journal | Todo::Ask | Todo::Pause | Todo::Move | Todo::Rest, _, _) => {
                Action::Idle
            }
        }
    }

    /// The expected content of the drawer; while notes may be moving, that before they do.
    pub fn drawer(&self) -> Money {
        self.journal_state.drawer
    }

    /// Whether no action is due, no transaction is open, and the drawer is closed.
    pub fn is_at_rest(&self) -> bool {
        self.todo == Todo::Rest && self.journal_state.open.is_none() && !self.journal_state.loading
    }

    /// The outcome of the open transaction, if there is one: unsettled.
    pub fn outcome(&self) -> Option<Outcome> {
        let Open {
            id, amount, phase, ..
        } = self.journal_state.open?;
        let moved = phase == Phase::Moved;
        Some(Outcome::Unsettled { id, amount, moved })
    }

    /// Begins a transaction, of the id's kind. The id and the key must be new.
    ///
    /// # Errors
    /// When the machine is not at rest, or the drawer cannot move this amount.
    pub fn begin(&mut self, id: TransactionId, amount: Amount, key: Key) -> Result<(), BeginError> {
        if !self.is_at_rest() {
            return Err(BeginError::Open);
        }
        let key = Some(key);
        let open = Open {
            id,
            amount,
            key,
            phase: Phase::Sending,
        };
        open.drawer_after(self.journal_state.drawer)
            .ok_or(BeginError::Drawer)?;
        self.given_up = false;
        self.available = None;
        self.refusal = None;
        self.write_before(
            Protection::JournalBeforeSend,
            JournalRecord::Sending { id, amount, key },
        );
        Ok(())
    }

    /// Begins a change of the drawer's content to this amount, by an operator. Once it is journaled
    /// the drawer may be opened; [`loaded`](Machine::loaded) ends it.
    ///
    /// # Errors
    /// When another action is due.
    pub fn load(&mut self, drawer: Money) -> Result<(), BeginError> {
        if self.todo != Todo::Rest {
            return Err(BeginError::Open);
        }
        self.write(JournalRecord::Loading(drawer));
        Ok(())
    }

    /// Reports that the operator has closed the drawer, and its content.
    pub fn loaded(&mut self, drawer: Money) {
        if self.journal_state.loading && self.todo == Todo::Rest {
            self.write(JournalRecord::Loaded(drawer));
        }
    }

    /// Reports that the record of [`Action::Journal`] is on disk.
    pub fn journaled(&mut self) {
        if self.todo != Todo::Journal {
            return;
        }
        let record = self.unwritten.remove(0);
        let ended = self.journal_state.open;
        self.journal_state.apply(&record);
        match ended {
            _ if !self.unwritten.is_empty() => {}
            Some(open) if self.journal_state.open.is_none() => self.show(&record, &open),
            _ => self.proceed(),
        }
    }

    /// Reports the bank's answer to a request. An answer to a request that is no longer pending is
    /// ignored.
    pub fn answered(&mut self, request: &Request, reply: &Result<Answer, Refusal>) {
        let Some(open) = self.open_for(request) else {
            return;
        };
        let id = open.id;
        match verdict::of(self.protections, request, reply) {
            Verdict::Held { available } => {
                self.available = Some(available);
                let drawer = self.journal_state.drawer;
                let moving = JournalRecord::Moving { id, drawer };
                self.write_before(Protection::JournalBeforeMove, moving);
            }
            Verdict::Confirmed => self.write(JournalRecord::Confirmed(id)),
            Verdict::RolledBack => self.write(JournalRecord::RolledBack(id)),
            Verdict::Declined(refusal) => {
                self.write(JournalRecord::Declined(id, refusal.code));
                // The refusal of the hold says more than that of the rollback.
                self.refusal.get_or_insert(refusal);
            }
            Verdict::Disputed(code) => self.write(JournalRecord::Disputed(id, code)),
            Verdict::NotGranted(refusal) => {
                self.refusal = Some(refusal);
                self.abandon();
            }
            Verdict::NotKnown => self.ask_again(),
        }
    }

    /// Reports that there was no answer, or an unreadable one.
    pub fn lost(&mut self) {
        if self.todo == Todo::Ask {
            self.ask_again();
        }
    }

    /// Reports that the pause is over.
    pub fn paused(&mut self) {
        if self.todo == Todo::Pause {
            self.todo = Todo::Ask;
        }
    }

    /// Reports the drawer's content after an attempt to move the notes. Only this count decides
    /// whether they moved.
    ///
    /// # Errors
    /// When neither all nor none of the notes have moved.
    pub fn moved(&mut self, drawer: Money) -> Result<(), Damage> {
        let moving = self
            .open_in(Phase::Moving)
            .filter(|_| self.todo == Todo::Move);
        let Some(open) = moving else {
            return Ok(());
        };
        if open.drawer_after(self.journal_state.drawer) == Some(drawer) {
            self.write(JournalRecord::Moved(open.id));
        } else {
            self.compare(drawer)?;
            self.write(JournalRecord::RollingBack(open.id));
        }
        Ok(())
    }

    /// Gives up: rolls back a hold that is not answered yet. Later it has no effect.
    pub fn give_up(&mut self) {
        if self.open_in(Phase::Sending).is_some() && matches!(self.todo, Todo::Ask | Todo::Pause) {
            self.abandon();
        } else if self.journal_state.open.is_none() && self.todo == Todo::Journal {
            // The id may already be in the journal, so it needs a final record there.
            self.given_up = true;
        }
    }

    /// Reports that the outcome was shown.
    pub fn shown(&mut self) {
        if matches!(self.todo, Todo::Show(_)) {
            self.todo = Todo::Rest;
        }
    }

    /// Sets the action that follows the last record.
    fn proceed(&mut self) {
        self.attempts = 0;
        let Some(open) = self.journal_state.open else {
            self.todo = Todo::Rest;
            return;
        };
        match open.phase {
            Phase::Sending if self.given_up => self.abandon(),
            Phase::Moved if !self.protections.has(Protection::TwoPhases) => {
                self.write(JournalRecord::Confirmed(open.id));
            }
            Phase::Moving => self.todo = Todo::Move,
            Phase::Sending | Phase::Moved | Phase::RollingBack => self.todo = Todo::Ask,
        }
    }

    /// Rolls back a hold whose outcome is unknown.
    fn abandon(&mut self) {
        let Some(open) = self.journal_state.open else {
            return;
        };
        match self.protections.has(Protection::RollbackOnGiveUp) {
            true => self.write(JournalRecord::RollingBack(open.id)),
            false => self.forget(),
        }
    }

    fn ask_again(&mut self) {
        if !self.protections.has(Protection::Resend) {
            return self.forget();
        }
        self.attempts = self.attempts.saturating_add(1);
        self.todo = Todo::Pause;
    }

    /// Drops the open transaction unsettled, as only a machine without protections does.
    fn forget(&mut self) {
        if let Some(unsettled) = self.outcome() {
            self.unwritten.clear();
            self.journal_state.open = None;
            self.todo = Todo::Show(unsettled);
        }
    }

    /// Makes this the next record to journal.
    fn write(&mut self, record: JournalRecord) {
        self.repeat = false;
        self.unwritten.push(record);
        self.todo = Todo::Journal;
    }

    /// Journals a record before acting on it, or after it if this protection is off.
    fn write_before(&mut self, protection: Protection, record: JournalRecord) {
        self.write(record);
        if !self.protections.has(protection) {
            self.journal_state.apply(&record);
            self.proceed();
        }
    }

    fn show(&mut self, end: &JournalRecord, open: &Open) {
        let outcome = Outcome::at_end(end, open, self.available, self.refusal.clone());
        self.todo = outcome.map_or(Todo::Rest, Todo::Show);
    }

    fn compare(&self, drawer: Money) -> Result<(), Damage> {
        let expected = self.journal_state.drawer;
        if drawer == expected || !self.protections.has(Protection::DrawerCheck) {
            return Ok(());
        }
        let found = drawer;
        Err(Damage::Drawer { expected, found })
    }

    fn open_in(&self, phase: Phase) -> Option<Open> {
        self.journal_state.open.filter(|open| open.phase == phase)
    }

    /// The open transaction, if this is what is asked about it.
    fn open_for(&self, asked: &Request) -> Option<Open> {
        let open = self.journal_state.open?;
        let asking = matches!(self.todo, Todo::Ask | Todo::Pause);
        let late_hold = Request::Hold {
            id: open.id,
            amount: open.amount,
            key: open.key,
        };
        let acts_on_late = !self.protections.has(Protection::RollbackIsFinal)
            && open.phase == Phase::RollingBack
            && *asked == late_hold;
        (asking && (*asked == request(&open) || acts_on_late)).then_some(open)
    }
}

/// What is asked of the bank about this transaction, when something is.
fn request(open: &Open) -> Request {
    let Open {
        id,
        amount,
        key,
        phase,
    } = *open;
    match phase {
        Phase::Sending | Phase::Moving => Request::Hold { id, amount, key },
        Phase::Moved => Request::Confirm { id, key },
        Phase::RollingBack => Request::Rollback { id, key },
    }
}

#[cfg(test)]
mod tests;
