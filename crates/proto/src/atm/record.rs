//! The bank's rows: accounts, transactions, log-ins, and the history.
//!
//! They have no time stamps: the ledger adds them.

use alloc::string::String;

use super::{Amount, CardNumber, CreationId, Holder, Key, Kind, LoginId, Money, TransactionId};
use crate::name::Name;
use crate::refusal::{Code, Refusal};

/// An account. `held <= posted`, and `posted + pending <= Money::MAX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The card, which is also the account's number.
    pub card: CardNumber,
    /// The account's holder.
    pub holder: Holder,
    /// The hash of the PIN, in a form that the server chooses.
    pub pin_hash: String,
    /// The request that created the account.
    pub created_by: CreationId,
    /// The opening balance.
    pub opening: Money,
    /// The balance: `opening`, and every confirmed deposit, less every confirmed withdrawal.
    pub posted: Money,
    /// The part of `posted` that unsettled withdrawals hold.
    pub held: Money,
    /// The sum of unsettled deposits, no part of `posted`.
    pub pending: Money,
    /// Wrong PINs since the last right one, or since they locked the card.
    pub wrong_pins: u32,
    /// The end of the latest lock, in seconds since 1970; `None` when there was none, or an
    /// operator or the right PIN has ended it.
    pub locked_until: Option<u64>,
    /// The number of locks since the last right PIN: each lasts longer.
    pub lockouts: u32,
}

impl Account {
    /// Whether the card is locked at this moment, in seconds since 1970.
    pub fn is_locked(&self, now: u64) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// The available balance; zero should `held` exceed `posted`.
    pub fn available(&self) -> Money {
        self.posted.checked_sub(self.held).unwrap_or(Money::ZERO)
    }

    /// The account with this hold placed.
    pub(super) fn with_hold(&self, kind: Kind, amount: Money) -> Result<Account, Refusal> {
        let mut account = self.clone();
        match kind {
            Kind::Withdrawal => {
                let words = || alloc::format!("only {} available", self.available());
                let refusal = || Refusal::new(Code::InsufficientFunds, words());
                self.available().checked_sub(amount).ok_or_else(refusal)?;
                account.held = self.held.checked_add(amount).ok_or_else(refusal)?;
            }
            Kind::Deposit => {
                let words = || alloc::format!("the largest balance is {}", Money::MAX);
                let refusal = || Refusal::new(Code::OutOfRange, words());
                account.pending = self.pending.checked_add(amount).ok_or_else(refusal)?;
                self.posted
                    .checked_add(account.pending)
                    .ok_or_else(refusal)?;
            }
        }
        Ok(account)
    }

    /// The account with this hold released; `None` when there is no such hold.
    pub(super) fn without_hold(&self, kind: Kind, amount: Money) -> Option<Account> {
        let mut account = self.clone();
        match kind {
            Kind::Withdrawal => account.held = self.held.checked_sub(amount)?,
            Kind::Deposit => account.pending = self.pending.checked_sub(amount)?,
        }
        Some(account)
    }

    /// The account with this hold posted; `None` when there is no such hold.
    pub(super) fn with_entry(&self, kind: Kind, amount: Money) -> Option<Account> {
        let mut account = self.without_hold(kind, amount)?;
        account.posted = match kind {
            Kind::Withdrawal => account.posted.checked_sub(amount)?,
            Kind::Deposit => account.posted.checked_add(amount)?,
        };
        Some(account)
    }
}

/// The record of an id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TransactionRecord {
    /// A transaction that was requested.
    Transaction(Transaction),
    /// A rollback that preceded its transaction, which is then refused.
    Tombstone(TransactionId),
}

impl TransactionRecord {
    /// The id.
    pub fn id(&self) -> TransactionId {
        match self {
            TransactionRecord::Transaction(transaction) => transaction.id,
            TransactionRecord::Tombstone(id) => *id,
        }
    }
}

/// A withdrawal or deposit that was requested. Only its status changes, and only from
/// [`Status::Held`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// The id, which the machine chose.
    pub id: TransactionId,
    /// The account.
    pub card: CardNumber,
    /// The amount.
    pub amount: Amount,
    /// The available balance in the answer, for a repeat of it.
    pub available: Money,
    /// The machine's name, if it gave one.
    pub terminal: Option<Name>,
    /// The key that authorises the settlement; without one, the card does.
    pub key: Option<Key>,
    /// The status.
    pub status: Status,
}

/// The status of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Not settled: the notes may have moved or not.
    Held,
    /// The notes have moved.
    Confirmed,
    /// No notes moved.
    RolledBack,
    /// It was refused with this, and had no effect.
    Declined(Refusal),
}

/// An attempt to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The id, which the machine chose.
    pub id: LoginId,
    /// The card.
    pub card: CardNumber,
    /// Whether the PIN was right.
    pub succeeded: bool,
}

/// An entry of the history, which only grows: a correction is another entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The event.
    pub event: Event,
    /// The account; a rollback that preceded its transaction has none.
    pub card: Option<CardNumber>,
    /// The transaction, if the event is one of a transaction.
    pub id: Option<TransactionId>,
    /// The amount, if there is one.
    pub amount: Option<Money>,
}

named! {
    /// An event of the history.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Event by as_str {
        /// An account was created; the amount is its opening balance.
        Opened => "opened",
        /// A hold was placed.
        Held => "held",
        /// A transaction was declined.
        Declined => "declined",
        /// A hold was posted.
        Confirmed => "confirmed",
        /// A hold was released, or prevented by a tombstone.
        RolledBack => "rolled back",
        /// The third wrong PIN locked the card.
        Locked => "locked",
        /// An operator unlocked the card.
        Unlocked => "unlocked",
        /// An operator settled the transaction with the preceding entry.
        ByOperator => "by operator",
    }
}

/// One change. A ledger makes all changes of a decision, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Creates the account, or replaces it.
    PutAccount(Account),
    /// Creates the record of this id, or replaces it.
    PutRecord(TransactionRecord),
    /// Creates or replaces the log-in; the newest [`MAX_LOGINS_PER_CARD`] of each card are kept.
    PutLogin(Login),
    /// Appends to the history.
    Append(Entry),
}

/// The number of the newest log-ins of a card that are kept. To evict a failed one takes this many
/// more, which requires the PIN, since the third failure locks the card.
pub const MAX_LOGINS_PER_CARD: usize = 16;
