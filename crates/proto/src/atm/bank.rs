//! The rules of the bank: [`decide`], a pure function that every ledger calls.
//!
//! It maps an operation and the rows concerned to the reply and the changes. The ledger looks up,
//! decides and writes in one transaction, and sends the reply only once that is durable.
//!
//! The order of the checks is fixed. First the id: a repeat is answered from the record, regardless
//! of the present state of the card and the session. Then the authorisation: without a log-in or an
//! account nothing is recorded. Then the rules of the account, whose declines are recorded.

use alloc::string::String;
use alloc::vec::Vec;

use super::record::{Account, Login, TransactionRecord, Write};
use super::semantics::{Protection, Protections};
use super::{Amount, Answer, CardNumber, CreationId, Holder, Key, LoginId, Money, TransactionId};
use crate::name::Name;
use crate::refusal::{Code, Refusal};

mod account;
mod transaction;

/// The number of wrong PINs in a row that locks a card, across connections and restarts.
pub const MAX_WRONG_PINS: u32 = 3;

/// The duration of the first lock, in seconds. It doubles with each lock until a right PIN, up to
/// [`MAX_LOCK_SECONDS`]: at three guesses a day, the 10,000 PINs of four digits take nine years,
/// and a customer cannot be locked out permanently.
pub const FIRST_LOCK_SECONDS: u64 = 5 * 60;

/// The longest duration of a lock, in seconds; see [`FIRST_LOCK_SECONDS`].
pub const MAX_LOCK_SECONDS: u64 = 24 * 60 * 60;

/// An operation of the bank.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Open a session.
    LogIn {
        /// This attempt.
        id: LoginId,
        /// The card.
        card: CardNumber,
        /// Whether the PIN is that of the card; checked beforehand, because hashing takes long.
        pin_matches: bool,
    },
    /// Return the balance.
    Balance {
        /// The session's card, after a log-in.
        card: Option<CardNumber>,
    },
    /// The first phase of a withdrawal or deposit, by the kind of the id.
    Hold {
        /// The transaction.
        id: TransactionId,
        /// The session's card, after a log-in.
        card: Option<CardNumber>,
        /// The amount.
        amount: Amount,
        /// The machine's name, if it gave one.
        terminal: Option<Name>,
        /// The key that will authorise the settlement.
        key: Option<Key>,
    },
    /// The second phase: the notes have moved.
    Confirm {
        /// The transaction.
        id: TransactionId,
        /// The authorisation.
        by: Authorisation,
    },
    /// The second phase: no notes moved.
    Rollback {
        /// The transaction.
        id: TransactionId,
        /// The authorisation.
        by: Authorisation,
    },
    /// Create an account.
    Create {
        /// This request.
        id: CreationId,
        /// The new card.
        card: CardNumber,
        /// The account's holder.
        holder: Holder,
        /// The PIN, hashed such that the same id and PIN give the same hash.
        pin_hash: String,
        /// The opening balance.
        opening: Money,
    },
    /// An operator unlocks a card. The answer is the balance.
    Unlock(CardNumber),
    /// An operator settles a hold by the count of the machine's drawer.
    Settle {
        /// The transaction.
        id: TransactionId,
        /// Whether the notes moved.
        moved: bool,
    },
}

/// The authorisation to settle a transaction: its key or, if it has none, its card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Authorisation {
    /// The session's card, after a log-in.
    pub card: Option<CardNumber>,
    /// The key that came with the request.
    pub key: Option<Key>,
}

/// The rows that an operation concerns.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The time, in seconds since 1970, UTC.
    pub now: u64,
    /// The account of the card; to settle a transaction, the account of its card.
    pub account: Option<Account>,
    /// The record with the id of the transaction.
    pub record: Option<TransactionRecord>,
    /// The log-in of this card with this id.
    pub login: Option<Login>,
    /// The account that the request with this id created.
    pub created: Option<Account>,
}

/// A source of rows.
pub trait Rows {
    /// The error of a failed look-up.
    type Error;
    /// The account of this card.
    ///
    /// # Errors
    /// When the ledger cannot be read, here and below.
    fn account(&mut self, card: &CardNumber) -> Result<Option<Account>, Self::Error>;
    /// The account that this request created.
    ///
    /// # Errors
    /// See [`account`](Rows::account).
    fn created(&mut self, id: CreationId) -> Result<Option<Account>, Self::Error>;
    /// The record with this id.
    ///
    /// # Errors
    /// See [`account`](Rows::account).
    fn record(&mut self, id: TransactionId) -> Result<Option<TransactionRecord>, Self::Error>;
    /// The log-in of this card with this id.
    ///
    /// # Errors
    /// See [`account`](Rows::account).
    fn login(&mut self, card: &CardNumber, id: LoginId) -> Result<Option<Login>, Self::Error>;
    /// The time, in seconds since 1970, UTC.
    fn now(&self) -> u64;
}

impl Known {
    /// Looks up the rows that [`decide`] needs for this operation.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn look_up<R: Rows + ?Sized>(
        operation: &Operation,
        rows: &mut R,
    ) -> Result<Known, R::Error> {
        let mut known = Known {
            now: rows.now(),
            ..Known::default()
        };
        match operation {
            Operation::LogIn { id, card, .. } => {
                known.login = rows.login(card, *id)?;
                known.account = rows.account(card)?;
            }
            Operation::Balance { card } => {
                known.account = card.as_ref().map_or(Ok(None), |card| rows.account(card))?;
            }
            Operation::Hold { id, card, .. } => {
                known.record = rows.record(*id)?;
                known.account = card.as_ref().map_or(Ok(None), |card| rows.account(card))?;
            }
            Operation::Confirm { id, .. }
            | Operation::Rollback { id, .. }
            | Operation::Settle { id, .. } => {
                known.record = rows.record(*id)?;
                if let Some(TransactionRecord::Transaction(transaction)) = &known.record {
                    known.account = rows.account(&transaction.card)?;
                }
            }
            Operation::Create { id, card, .. } => {
                known.created = rows.created(*id)?;
                known.account = rows.account(card)?;
            }
            Operation::Unlock(card) => known.account = rows.account(card)?,
        }
        Ok(known)
    }
}

/// The bank's decision.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// The reply, to be sent once the changes are durable.
    pub reply: Result<Answer, Refusal>,
    /// The changes, all or none.
    pub writes: Vec<Write>,
}

impl Decision {
    fn reply(reply: Result<Answer, Refusal>) -> Decision {
        Decision {
            reply,
            writes: Vec::new(),
        }
    }

    fn refuse(code: Code, words: &str) -> Decision {
        Decision::reply(Err(Refusal::new(code, words)))
    }

    fn writing(self, writes: Vec<Write>) -> Decision {
        Decision { writes, ..self }
    }
}

/// Decides an operation, given the rows that it concerns.
pub fn decide(operation: &Operation, known: &Known) -> Decision {
    decide_under(Protections::ALL, operation, known)
}

/// The same with only these protections.
pub fn decide_under(protections: Protections, operation: &Operation, known: &Known) -> Decision {
    match operation {
        Operation::LogIn {
            id,
            card,
            pin_matches,
        } => account::log_in(*id, card, *pin_matches, known),
        Operation::Balance { .. } => match &known.account {
            Some(account) if account.is_locked(known.now) => Decision::reply(Err(card_locked())),
            Some(account) => Decision::reply(Ok(balance(account))),
            None => not_logged_in(),
        },
        Operation::Hold {
            id,
            card,
            amount,
            terminal,
            key,
        } => {
            let record = known.record.as_ref();
            let record = record.filter(|_| protections.has(Protection::Deduplication));
            match (record, &known.account) {
                (Some(record), _) => {
                    transaction::hold_again(protections, record, card.as_ref(), *amount, *key)
                }
                (None, Some(account)) => {
                    let (terminal, now) = (terminal.clone(), known.now);
                    transaction::hold(protections, *id, account, *amount, terminal, *key, now)
                }
                (None, None) => not_logged_in(),
            }
        }
        Operation::Confirm { id, by } => transaction::refuse_unauthorised(protections, by, known)
            .unwrap_or_else(|| transaction::confirm(*id, known)),
        Operation::Rollback { id, by } => transaction::refuse_unauthorised(protections, by, known)
            .unwrap_or_else(|| transaction::roll_back(protections, *id, known)),
        Operation::Create {
            id,
            card,
            holder,
            pin_hash,
            opening,
        } => {
            let account = Account {
                card: card.clone(),
                holder: holder.clone(),
                pin_hash: pin_hash.clone(),
                created_by: *id,
                opening: *opening,
                posted: *opening,
                held: Money::ZERO,
                pending: Money::ZERO,
                wrong_pins: 0,
                locked_until: None,
                lockouts: 0,
            };
            account::create(account, known)
        }
        Operation::Unlock(_) => account::unlock(known),
        Operation::Settle { id, moved } => transaction::settle_by_operator(*id, *moved, known),
    }
}

fn balance(account: &Account) -> Answer {
    Answer::Balance {
        available: account.available(),
        held: account.held,
    }
}

fn not_logged_in() -> Decision {
    Decision::refuse(Code::NotLoggedIn, "log in first")
}

fn mismatch() -> Decision {
    Decision::refuse(
        Code::Mismatch,
        "this id was used before, with other content",
    )
}

fn card_locked() -> Refusal {
    Refusal::new(
        Code::CardLocked,
        "the card is locked for a while, after three wrong PINs; the bank can unlock it",
    )
}

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
