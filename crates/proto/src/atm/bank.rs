//! What the bank does with a request: [`decide`], one pure function that every ledger runs.
//!
//! It is given an operation and all that is known about it, and returns the reply and the changes.
//! The ledger looks up, decides and writes in one transaction, and sends the reply only when that
//! is on disk.
//!
//! Three things come in a fixed order. First the id: what was done once is answered from the
//! record, whatever has become of the card or the session since. Then who asks: without a log-in,
//! or without an account, nothing is recorded. Then the rules of the account: what they decline is
//! recorded too.

use alloc::string::String;
use alloc::vec::Vec;

use super::record::{Account, Login, Record, Write};
use super::semantics::{Protection, Protections};
use super::{Amount, Answer, CardNumber, CreationId, Holder, Key, LoginId, Money, TransactionId};
use crate::name::Name;
use crate::refusal::{Code, Refusal};

mod account;
mod transaction;

/// Wrong PINs in a row that lock a card. They are counted across connections and restarts.
pub const WRONG_PINS: u32 = 3;

/// How long the first lock lasts, in seconds. Each that follows without a right PIN between lasts
/// twice as long, up to [`LONGEST_LOCK`]: at three guesses a day, the 10,000 PINs of four digits
/// take nine years, and nobody keeps a customer out for good.
pub const FIRST_LOCK: u64 = 5 * 60;

/// See [`FIRST_LOCK`].
pub const LONGEST_LOCK: u64 = 24 * 60 * 60;

/// What the bank is to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Open a session.
    LogIn {
        /// This attempt.
        id: LoginId,
        /// The card.
        card: CardNumber,
        /// Whether the PIN is that of the card; found out beforehand, since it takes long.
        pin_matches: bool,
    },
    /// Tell the balance.
    Balance {
        /// The session's card, after a log-in.
        card: Option<CardNumber>,
    },
    /// The first phase of a withdrawal or deposit, as the id says.
    Hold {
        /// The transaction.
        id: TransactionId,
        /// The session's card, after a log-in.
        card: Option<CardNumber>,
        /// How much.
        amount: Amount,
        /// The machine, when it gave its name.
        terminal: Option<Name>,
        /// What the machine will settle with.
        key: Option<Key>,
    },
    /// The second phase: the notes have moved.
    Confirm {
        /// The transaction.
        id: TransactionId,
        /// Who says so.
        by: Settler,
    },
    /// The second phase: no notes moved.
    Rollback {
        /// The transaction.
        id: TransactionId,
        /// Who says so.
        by: Settler,
    },
    /// Create an account.
    Create {
        /// This request.
        id: CreationId,
        /// The new card.
        card: CardNumber,
        /// Whose account it is.
        holder: Holder,
        /// The PIN, hashed such that the same id and PIN give the same hash.
        pin_hash: String,
        /// The balance to begin with.
        opening: Money,
    },
    /// An operator unlocks a card. The answer is the balance.
    Unlock(CardNumber),
    /// An operator settles a hold whose machine will not, having counted its drawer.
    Settle {
        /// The transaction.
        id: TransactionId,
        /// Whether the notes moved.
        moved: bool,
    },
}

/// Who settles a transaction: must have its key or, if it has none, its card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Settler {
    /// The session's card, after a log-in.
    pub card: Option<CardNumber>,
    /// The key that came with the request.
    pub key: Option<Key>,
}

/// The rows that an operation is about.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Known {
    /// The time, in seconds since 1970, UTC.
    pub now: u64,
    /// The account of the card; to settle a transaction, the account of its card.
    pub account: Option<Account>,
    /// What is known by the id of the transaction.
    pub record: Option<Record>,
    /// The log-in of this card with this id.
    pub login: Option<Login>,
    /// The account that the request with this id created.
    pub created: Option<Account>,
}

/// Where rows are looked up.
pub trait Rows {
    /// What can go wrong.
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
    /// What is known by this id.
    ///
    /// # Errors
    /// See [`account`](Rows::account).
    fn record(&mut self, id: TransactionId) -> Result<Option<Record>, Self::Error>;
    /// The log-in of this card with this id.
    ///
    /// # Errors
    /// See [`account`](Rows::account).
    fn login(&mut self, card: &CardNumber, id: LoginId) -> Result<Option<Login>, Self::Error>;
    /// The time, in seconds since 1970, UTC.
    fn now(&self) -> u64;
}

impl Known {
    /// Looks up what [`decide`] needs to know for this operation.
    ///
    /// # Errors
    /// When the ledger cannot be read.
    pub fn look_up<R: Rows>(operation: &Operation, rows: &mut R) -> Result<Known, R::Error> {
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
                if let Some(Record::Transaction(transaction)) = &known.record {
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

/// What the bank does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What it answers, once the changes are on disk.
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

/// What the bank does with an operation, given all that it knows about it.
pub fn decide(operation: &Operation, known: &Known) -> Decision {
    decide_under(Protections::ALL, operation, known)
}

/// What a bank does that has these protections alone, to show what each is for.
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
        Operation::Confirm { id, by } => transaction::refuse_stranger(protections, by, known)
            .unwrap_or_else(|| transaction::confirm(*id, known)),
        Operation::Rollback { id, by } => transaction::refuse_stranger(protections, by, known)
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
