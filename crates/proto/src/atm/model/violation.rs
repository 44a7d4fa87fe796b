//! The properties that can be violated.

use alloc::vec::Vec;
use core::fmt;

use crate::atm::TransactionId;
use crate::atm::machine::Damage;
use crate::atm::record::Event;

/// A property that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Notes moved that the bank has neither held nor booked in that amount.
    NotesWithoutMoney(TransactionId),
    /// The bank has booked a transaction whose notes did not move.
    MoneyWithoutNotes(TransactionId),
    /// An id has more than one outcome.
    TwoOutcomes(TransactionId, Vec<Event>),
    /// An account is not the sum of its transactions.
    Unbalanced,
    /// A machine showed its customer an outcome that is not true.
    FalseStatement(TransactionId),
    /// The machine and the bank contradict each other.
    Disputed(TransactionId),
    /// A machine finds its journal and its drawer in contradiction.
    Damage(Damage),
    /// Without further faults, a hold is never settled.
    HeldIndefinitely(TransactionId),
    /// Without further faults, a machine does not become idle.
    NeverQuiescent,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Violation::NotesWithoutMoney(id) => {
                write!(
                    f,
                    "notes moved for {id}, but the bank does not have the money"
                )
            }
            Violation::MoneyWithoutNotes(id) => {
                write!(f, "the bank has booked {id}, but no notes moved")
            }
            Violation::TwoOutcomes(id, events) => {
                write!(f, "more than one outcome of {id}:")?;
                events
                    .iter()
                    .try_for_each(|event| write!(f, " {},", event.as_str()))?;
                f.write_str(" in this order")
            }
            Violation::Unbalanced => f.write_str("the account is not the sum of its transactions"),
            Violation::FalseStatement(id) => {
                write!(f, "the customer was shown a wrong outcome of {id}")
            }
            Violation::Disputed(id) => {
                write!(f, "the machine and the bank contradict each other on {id}")
            }
            Violation::Damage(damage) => write!(f, "a machine stops: {damage}"),
            Violation::HeldIndefinitely(id) => write!(f, "{id} is never settled"),
            Violation::NeverQuiescent => f.write_str("a machine never comes to rest"),
        }
    }
}
