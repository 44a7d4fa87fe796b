//! The outcome of a transaction, as shown to the customer.

use core::fmt;

use super::journal::{JournalRecord, Open, Phase};
use crate::atm::{Amount, Kind, Money, TransactionId};
use crate::refusal::{Code, Refusal};

/// How a transaction ended, as far as it is certain.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// The notes have moved, and the bank has booked it.
    Moved {
        /// The transaction.
        id: TransactionId,
        /// The amount.
        amount: Amount,
        /// The available balance, unless the machine restarted in between.
        available: Option<Money>,
    },
    /// Declined: nothing moved, and nothing is held.
    Declined {
        /// The transaction.
        id: TransactionId,
        /// The reason.
        refusal: Refusal,
    },
    /// Rolled back: nothing moved, and nothing is held.
    RolledBack {
        /// The transaction.
        id: TransactionId,
        /// The bank's refusal; none when it did not answer in time.
        refusal: Option<Refusal>,
    },
    /// Not known yet: the machine has to settle it with the bank first.
    Unsettled {
        /// The transaction.
        id: TransactionId,
        /// The amount.
        amount: Amount,
        /// Whether the notes have certainly moved.
        moved: bool,
    },
    /// The machine and the bank contradict each other, which an operator has to resolve.
    Disputed {
        /// The transaction.
        id: TransactionId,
        /// The amount.
        amount: Amount,
        /// Whether the notes have moved.
        moved: bool,
        /// The code of the bank's refusal.
        code: Code,
    },
}

impl Outcome {
    /// The outcome of a transaction, by its final record.
    pub(super) fn at_end(
        record: &JournalRecord,
        open: &Open,
        available: Option<Money>,
        refusal: Option<Refusal>,
    ) -> Option<Outcome> {
        let Open { id, amount, .. } = *open;
        Some(match record {
            JournalRecord::Confirmed(_) => Outcome::Moved {
                id,
                amount,
                available: match id.kind {
                    Kind::Withdrawal => available,
                    Kind::Deposit => available.and_then(|held| held.checked_add(amount.money())),
                },
            },
            JournalRecord::RolledBack(_) => Outcome::RolledBack { id, refusal },
            JournalRecord::Declined(_, code) => Outcome::Declined {
                id,
                refusal: refusal.unwrap_or_else(|| Refusal::new(*code, "")),
            },
            JournalRecord::Disputed(_, code) => Outcome::Disputed {
                id,
                amount,
                moved: open.phase == Phase::Moved,
                code: *code,
            },
            _ => return None,
        })
    }

    /// The transaction.
    pub fn id(&self) -> TransactionId {
        match self {
            Outcome::Moved { id, .. }
            | Outcome::Declined { id, .. }
            | Outcome::RolledBack { id, .. }
            | Outcome::Unsettled { id, .. }
            | Outcome::Disputed { id, .. } => *id,
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let notes = |id: &TransactionId, moved: &bool| match (id.kind, moved) {
            (Kind::Withdrawal, true) => "the notes are out",
            (Kind::Deposit, true) => "the notes are in",
            (_, false) => "no notes were seen to move",
        };
        match self {
            Outcome::Moved { id, amount, .. } => match id.kind {
                Kind::Withdrawal => write!(f, "{amount} withdrawn"),
                Kind::Deposit => write!(f, "{amount} paid in"),
            },
            Outcome::Declined { refusal, .. } => write!(f, "declined: {}", refusal.code.as_str()),
            Outcome::RolledBack { refusal, .. } => {
                f.write_str("rolled back, nothing moved")?;
                match refusal {
                    Some(refusal) => write!(f, ": {}", refusal.code.as_str()),
                    None => Ok(()),
                }
            }
            Outcome::Unsettled { id, moved, .. } => {
                write!(f, "{}; the outcome is not known yet", notes(id, moved))
            }
            Outcome::Disputed {
                id, moved, code, ..
            } => write!(
                f,
                "{}, but the bank says {}; a person has to look",
                notes(id, moved),
                code.as_str()
            ),
        }
    }
}
