//! What the machine has its driver do.

use super::journal::JournalRecord;
use super::outcome::Outcome;
use crate::atm::{Amount, Request, TransactionId};

/// The next thing for the driver to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Append a record to the journal, and sync it.
    Journal(JournalRecord),
    /// Send a request to the bank. A hold needs a session of the customer's card, the others none.
    Send {
        /// The request, identical at each attempt.
        request: Request,
        /// The number of the attempt, from 1.
        attempt: u32,
        /// Whether it may have been sent before, by this machine or before it restarted.
        repeat: bool,
    },
    /// Wait, and open a new connection.
    Pause {
        /// The number of attempts so far.
        attempt: u32,
    },
    /// Dispense notes, or accept them, by the kind of the id; then count the drawer.
    MoveNotes {
        /// The transaction.
        id: TransactionId,
        /// The amount.
        amount: Amount,
    },
    /// Show the outcome to the customer, or after a restart to the operator.
    Show(Outcome),
    /// Nothing: a transaction can begin.
    Idle,
}
