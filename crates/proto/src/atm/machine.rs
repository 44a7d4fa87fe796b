//! The cash machine's side of a transaction, as a state machine without any IO: it is told what
//! happened, and says what to do next.
//!
//! A driver asks [`Machine::next`] and does what it says, one [`Action`] after another:
//!
//! ```text
//! next() says           the driver                                     and then calls
//! Journal(record)       appends the record and syncs                   journaled()
//! Send { request, … }   sends it, and waits for the answer             answered(…) or lost()
//! Pause { attempt }     waits, the longer the higher the attempt       paused()
//! MoveNotes { … }       moves the notes, and counts the drawer         moved(count)
//! Show(outcome)         tells the customer                             shown()
//! Idle                  has time for a customer                        begin(…)
//! ```
//!
//! `next` says the same until it was done, so nothing is forgotten; and only what was journaled
//! leads on, so the journal never lags behind. [`give_up`](Machine::give_up) may be called at any
//! time. To stop, the driver just stops, as a power cut would: it shows
//! [`outcome`](Machine::outcome), and the next start goes on from the journal.
//!
//! # Why exactly once
//!
//! Two things survive a crash: the **journal**, whose records are each synced before the next
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
//! * Notes move in one place: after `dispensing`. That is written once for an id, when the bank
//!   has said `held`, and never after `rolling-back`. So notes move at most once, and only if the
//!   money is held; and the bank keeps a hold until this machine settles it.
//! * From `dispensed` only CONFIRM is sent and from `rolling-back` only ROLLBACK, each until it is
//!   answered. So an account is debited if and only if the notes moved.
//! * A crash after `dispensing` leaves one question, and the drawer answers it: with the count that
//!   the record has, no notes moved; with the amount less, they did. (A deposit is the same with
//!   the amount more: `accepting`, `accepted`.)
//! * What was not answered is sent again unchanged, so the bank knows it by its id. A refusal is
//!   taken for a decline only where it proves that the id can never be granted (see
//!   `verdict.rs`); otherwise the machine asks again, or rolls back.
//! * One transaction at a time: what is open is settled before anything new begins.
//!
//! # The records, and why no fewer
//!
//! `sending` and `dispensing` come before what cannot be taken back: a message, and notes. The four
//! that end a transaction say so to the next start. `dispensed` and `rolling-back` record what the
//! drawer told; after them its count is no evidence any more, and it may be filled again while the
//! bank is out of reach. `loaded` is what a count is compared with, and `loading` comes before an
//! operator changes what is in the drawer, so that a crash in between is not taken for a loss.
//! There is no record of `held`, since without `dispensing` a restart rolls back in any case: the
//! customer has gone. Nor of the card, which settling does not need. An idle machine may replace its
//! journal by one `loaded`.
//!
//! # Assumptions
//!
//! A synced record stays, and one that was cut short is removed by the driver's checksum. The
//! drawer moves the whole amount or nothing, as a dispenser does that stacks the notes first; any
//! other count is [`Damage`], and a person counts. A reply is handed in with the request that it
//! answers, and a hold is only ever sent in the session of its own card.

mod journal;
mod outcome;
mod recovery;
mod verdict;

use alloc::vec::Vec;

pub use self::journal::{Damage, NotNow, Record};
use self::journal::{Open, Phase, Standing};
pub use self::outcome::Outcome;
use self::verdict::Verdict;
use super::semantics::{Protection, Protections};
use super::{Amount, Answer, Money, Request, TransactionId};
use crate::refusal::Refusal;

/// What to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Append this to the journal, and sync it.
    Journal(Record),
    /// Send this to the bank. A hold needs the session of the customer's card, the others none.
    Send {
        /// The same at every attempt.
        request: Request,
        /// Counted from 1.
        attempt: u32,
        /// Whether it may have been sent before, by this machine or before it restarted.
        repeat: bool,
    },
    /// Wait a moment, and take a new connection.
    Pause {
        /// How many attempts there were.
        attempt: u32,
    },
    /// Dispense these notes, or take them in, as the id says; then count what is in the drawer.
    MoveNotes {
        /// The transaction.
        id: TransactionId,
        /// How much.
        amount: Amount,
    },
    /// Tell the customer, or after a restart the operator.
    Show(Outcome),
    /// Nothing; a transaction can begin.
    Idle,
}

/// A cash machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Machine {
    protections: Protections,
    standing: Standing,
    todo: Todo,
    /// What is to be journaled, in this order; the first of them now, when `todo` says so.
    unwritten: Vec<Record>,
    attempts: u32,
    repeat: bool,
    given_up: bool,
    /// What the bank said was left, when it held the money.
    available: Option<Money>,
    /// Why the bank did not grant it, or declined it.
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
    /// What to do next; the same until it was done.
    pub fn next(&self) -> Action {
        match (&self.todo, self.standing.open, self.unwritten.first()) {
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

    /// What the drawer should have in it; while notes may be moving, before they do.
    pub fn drawer(&self) -> Money {
        self.standing.drawer
    }

    /// Whether there is nothing to do, nothing is open, and the drawer is closed.
    pub fn is_at_rest(&self) -> bool {
        self.todo == Todo::Rest && self.standing.open.is_none() && !self.standing.loading
    }

    /// What is to be said about the transaction that is open, if one is: that it is not known yet.
    pub fn outcome(&self) -> Option<Outcome> {
        let Open { id, amount, phase } = self.standing.open?;
        let moved = phase == Phase::Moved;
        Some(Outcome::Unsettled { id, amount, moved })
    }

    /// Begins a transaction, withdrawal or deposit as the id says. The id must be a new one.
    ///
    /// # Errors
    /// When there is something else to do, or the drawer cannot move as much.
    pub fn begin(&mut self, id: TransactionId, amount: Amount) -> Result<(), NotNow> {
        if !self.is_at_rest() {
            return Err(NotNow::Open);
        }
        let phase = Phase::Sending;
        let open = Open { id, amount, phase };
        open.drawer_after(self.standing.drawer)
            .ok_or(NotNow::Drawer)?;
        self.given_up = false;
        self.available = None;
        self.refusal = None;
        self.write_before(
            Protection::JournalBeforeSend,
            Record::Sending { id, amount },
        );
        Ok(())
    }

    /// An operator is about to change what is in the drawer, to have this much in it. Once that is
    /// journaled the drawer may be opened; [`loaded`](Machine::loaded) ends it.
    ///
    /// # Errors
    /// When there is something else to do.
    pub fn load(&mut self, drawer: Money) -> Result<(), NotNow> {
        if self.todo != Todo::Rest {
            return Err(NotNow::Open);
        }
        self.write(Record::Loading(drawer));
        Ok(())
    }

    /// The operator has closed the drawer, and this is in it now.
    pub fn loaded(&mut self, drawer: Money) {
        if self.standing.loading && self.todo == Todo::Rest {
            self.write(Record::Loaded(drawer));
        }
    }

    /// The record of [`Action::Journal`] is on disk.
    pub fn journaled(&mut self) {
        if self.todo != Todo::Journal {
            return;
        }
        let record = self.unwritten.remove(0);
        let ended = self.standing.open;
        self.standing.follow(&record);
        match ended {
            _ if !self.unwritten.is_empty() => {}
            Some(open) if self.standing.open.is_none() => self.show(&record, &open),
            _ => self.proceed(),
        }
    }

    /// The bank answered this request. What is not asked any more is ignored: its answer is late.
    pub fn answered(&mut self, request: &Request, reply: &Result<Answer, Refusal>) {
        let Some(open) = self.open_for(request) else {
            return;
        };
        let id = open.id;
        match verdict::of(self.protections, request, reply) {
            Verdict::Held { available } => {
                self.available = Some(available);
                let drawer = self.standing.drawer;
                let moving = Record::Moving { id, drawer };
                self.write_before(Protection::JournalBeforeMove, moving);
            }
            Verdict::Confirmed => self.write(Record::Confirmed(id)),
            Verdict::RolledBack => self.write(Record::RolledBack(id)),
            Verdict::Declined(refusal) => {
                self.write(Record::Declined(id, refusal.code));
                // What a rollback is told says less than what the hold was.
                self.refusal.get_or_insert(refusal);
            }
            Verdict::Disputed(code) => self.write(Record::Disputed(id, code)),
            Verdict::NotGranted(refusal) => {
                self.refusal = Some(refusal);
                self.abandon();
            }
            Verdict::NotKnown => self.ask_again(),
        }
    }

    /// There was no answer, or none that could be read.
    pub fn lost(&mut self) {
        if self.todo == Todo::Ask {
            self.ask_again();
        }
    }

    /// The pause is over.
    pub fn paused(&mut self) {
        if self.todo == Todo::Pause {
            self.todo = Todo::Ask;
        }
    }

    /// The notes were moved, if they could be, and this is in the drawer now. Nobody is believed
    /// about notes but the drawer.
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
        if open.drawer_after(self.standing.drawer) == Some(drawer) {
            self.write(Record::Moved(open.id));
        } else {
            self.compare(drawer)?;
            self.write(Record::RollingBack(open.id));
        }
        Ok(())
    }

    /// The customer has waited long enough. While the hold is not answered it is rolled back;
    /// later it is too late, and there is no effect.
    pub fn give_up(&mut self) {
        if self.open_in(Phase::Sending).is_some() && matches!(self.todo, Todo::Ask | Todo::Pause) {
            self.abandon();
        } else if self.standing.open.is_none() && self.todo == Todo::Journal {
            // The id may be in the journal by now, so it has to have an end there.
            self.given_up = true;
        }
    }

    /// The outcome was shown.
    pub fn shown(&mut self) {
        if matches!(self.todo, Todo::Show(_)) {
            self.todo = Todo::Rest;
        }
    }

    /// What comes after the last record.
    fn proceed(&mut self) {
        self.attempts = 0;
        let Some(open) = self.standing.open else {
            self.todo = Todo::Rest;
            return;
        };
        match open.phase {
            Phase::Sending if self.given_up => self.abandon(),
            Phase::Moved if !self.protections.has(Protection::TwoPhases) => {
                self.write(Record::Confirmed(open.id));
            }
            Phase::Moving => self.todo = Todo::Move,
            Phase::Sending | Phase::Moved | Phase::RollingBack => self.todo = Todo::Ask,
        }
    }

    /// Ends the attempt to have the money held.
    fn abandon(&mut self) {
        let Some(open) = self.standing.open else {
            return;
        };
        match self.protections.has(Protection::RollbackOnGiveUp) {
            true => self.write(Record::RollingBack(open.id)),
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

    /// Leaves the transaction open for ever, as no machine should.
    fn forget(&mut self) {
        if let Some(unsettled) = self.outcome() {
            self.unwritten.clear();
            self.standing.open = None;
            self.todo = Todo::Show(unsettled);
        }
    }

    /// To be journaled next.
    fn write(&mut self, record: Record) {
        self.repeat = false;
        self.unwritten.push(record);
        self.todo = Todo::Journal;
    }

    /// To be journaled next, if this protection is in place; if not, some time later.
    fn write_before(&mut self, protection: Protection, record: Record) {
        self.write(record);
        if !self.protections.has(protection) {
            self.standing.follow(&record);
            self.proceed();
        }
    }

    fn show(&mut self, end: &Record, open: &Open) {
        let ended = outcome::Ended {
            id: open.id,
            amount: open.amount,
            moved: open.phase == Phase::Moved,
            available: self.available,
            refusal: self.refusal.clone(),
        };
        self.todo = match ended.by(end) {
            Some(outcome) => Todo::Show(outcome),
            None => Todo::Rest,
        };
    }

    fn compare(&self, drawer: Money) -> Result<(), Damage> {
        let expected = self.standing.drawer;
        if drawer == expected || !self.protections.has(Protection::DrawerCheck) {
            return Ok(());
        }
        let found = drawer;
        Err(Damage::Drawer { expected, found })
    }

    fn open_in(&self, phase: Phase) -> Option<Open> {
        self.standing.open.filter(|open| open.phase == phase)
    }

    /// The open transaction, if this is what is asked about it.
    fn open_for(&self, asked: &Request) -> Option<Open> {
        let open = self.standing.open?;
        let asking = matches!(self.todo, Todo::Ask | Todo::Pause);
        let late_hold = Request::Hold {
            id: open.id,
            amount: open.amount,
        };
        let acts_on_late = !self.protections.has(Protection::RollbackIsFinal)
            && open.phase == Phase::RollingBack
            && *asked == late_hold;
        (asking && (*asked == request(&open) || acts_on_late)).then_some(open)
    }
}

/// What is asked of the bank about this transaction, when something is.
fn request(open: &Open) -> Request {
    let Open { id, amount, phase } = *open;
    match phase {
        Phase::Sending | Phase::Moving => Request::Hold { id, amount },
        Phase::Moved => Request::Confirm(id),
        Phase::RollingBack => Request::Rollback(id),
    }
}

#[cfg(test)]
mod tests;
