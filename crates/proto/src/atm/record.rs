//! What the bank keeps: accounts, transactions, log-ins, and the history of it all.
//!
//! Plain rows. When each was written is for the ledger to add: there is no clock here.

use alloc::string::String;

use super::{Amount, CardNumber, CreationId, Holder, Key, Kind, LoginId, Money, TransactionId};
use crate::name::Name;
use crate::refusal::{Code, Refusal};

/// An account. `held <= posted`, and `posted + pending <= Money::MAX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The card, which is also the account's number.
    pub card: CardNumber,
    /// Whose it is.
    pub holder: Holder,
    /// The PIN, hashed; what the hash looks like is the server's affair.
    pub pin_hash: String,
    /// The request that created the account.
    pub created_by: CreationId,
    /// The balance it began with.
    pub opening: Money,
    /// The balance: `opening`, and every confirmed deposit, less every confirmed withdrawal.
    pub posted: Money,
    /// The part of `posted` that unsettled withdrawals hold.
    pub held: Money,
    /// The sum of unsettled deposits, no part of `posted`.
    pub pending: Money,
    /// Wrong PINs since the last right one, or since they locked the card.
    pub wrong_pins: u32,
    /// Until when the card is locked, in seconds since 1970; `None` when it was not, or an operator
    /// or the right PIN has ended it.
    pub locked_until: Option<u64>,
    /// How often it was locked since the last right PIN: each lock lasts longer.
    pub lockouts: u32,
}

impl Account {
    /// Whether the card is locked at this moment, in seconds since 1970.
    pub fn is_locked(&self, now: u64) -> bool {
        self.locked_until.is_some_and(|until| now < until)
    }

    /// What can be withdrawn. Nothing, should `held` exceed `posted`.
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

    /// The account with this hold taken off; `None` when there is no such hold.
    pub(super) fn without_hold(&self, kind: Kind, amount: Money) -> Option<Account> {
        let mut account = self.clone();
        match kind {
            Kind::Withdrawal => account.held = self.held.checked_sub(amount)?,
            Kind::Deposit => account.pending = self.pending.checked_sub(amount)?,
        }
        Some(account)
    }

    /// The account with this hold made an entry; `None` when there is no such hold.
    pub(super) fn with_entry(&self, kind: Kind, amount: Money) -> Option<Account> {
        let mut account = self.without_hold(kind, amount)?;
        account.posted = match kind {
            Kind::Withdrawal => account.posted.checked_sub(amount)?,
            Kind::Deposit => account.posted.checked_add(amount)?,
        };
        Some(account)
    }
}

/// What is known by the id of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It was asked for.
    Transaction(Transaction),
    /// It was rolled back before it was asked for, and can no longer be.
    Tombstone(TransactionId),
}

impl Record {
    /// The id it is known by.
    pub fn id(&self) -> TransactionId {
        match self {
            Record::Transaction(transaction) => transaction.id,
            Record::Tombstone(id) => *id,
        }
    }
}

/// A withdrawal or deposit that was asked for. Only its status ever changes, and only from
/// [`Status::Held`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transaction {
    /// What the machine called it.
    pub id: TransactionId,
    /// The account it moves money of.
    pub card: CardNumber,
    /// How much it moves.
    pub amount: Amount,
    /// What the machine was told is available, to be told again.
    pub available: Money,
    /// The machine that asked, when it gave its name.
    pub terminal: Option<Name>,
    /// What the machine proves itself by; none leaves the settlement to the card.
    pub key: Option<Key>,
    /// How far it got.
    pub status: Status,
}

/// How far a transaction got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Status {
    /// Not settled: notes may be out, or not.
    Held,
    /// The notes have moved.
    Confirmed,
    /// No notes moved.
    RolledBack,
    /// It was refused, with this, and had no effect.
    Declined(Refusal),
}

/// An attempt to log in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// What the machine called it.
    pub id: LoginId,
    /// The card.
    pub card: CardNumber,
    /// Whether the PIN was right.
    pub succeeded: bool,
}

/// An entry of the history, which only grows: a correction is another entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// What happened.
    pub event: Event,
    /// To which account; a rollback that nothing preceded concerns none.
    pub card: Option<CardNumber>,
    /// The transaction, when it was one.
    pub id: Option<TransactionId>,
    /// The money concerned, when there was any.
    pub amount: Option<Money>,
}

/// What the history tells of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// An account was created; the amount is its opening balance.
    Opened,
    /// A hold was placed.
    Held,
    /// A transaction was declined.
    Declined,
    /// A hold became an entry.
    Confirmed,
    /// A hold was released, or forestalled by a tombstone.
    RolledBack,
    /// The third wrong PIN locked the card.
    Locked,
    /// An operator unlocked the card.
    Unlocked,
    /// An operator settled the transaction, as the entry before this one says.
    ByOperator,
}

impl Event {
    /// Every event.
    pub const ALL: [Event; 8] = [
        Event::Opened,
        Event::Held,
        Event::Declined,
        Event::Confirmed,
        Event::RolledBack,
        Event::Locked,
        Event::Unlocked,
        Event::ByOperator,
    ];

    /// The word a ledger stores.
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Opened => "opened",
            Event::Held => "held",
            Event::Declined => "declined",
            Event::Confirmed => "confirmed",
            Event::RolledBack => "rolled back",
            Event::Locked => "locked",
            Event::Unlocked => "unlocked",
            Event::ByOperator => "by operator",
        }
    }

    /// The event with this word, if there is one.
    pub fn parse(text: &str) -> Option<Event> {
        Event::ALL.into_iter().find(|event| event.as_str() == text)
    }
}

/// One change. A ledger makes all changes of a decision, or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Write {
    /// Creates the account, or replaces it.
    PutAccount(Account),
    /// Creates what is known by this id, or replaces it.
    PutRecord(Record),
    /// Creates the log-in, or replaces it; of each card the newest [`LOGINS_KEPT`] stay.
    PutLogin(Login),
    /// Adds to the history.
    Append(Entry),
}

/// How many log-ins of a card are remembered, the newest. To forget a failed one takes this many
/// more, and the third that fails locks the card: so they come from somebody who knows the PIN.
pub const LOGINS_KEPT: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_stored_under_a_word_of_its_own() {
        for event in Event::ALL {
            assert_eq!(Event::parse(event.as_str()), Some(event));
        }
        assert_eq!(Event::parse("expired"), None);
    }
}
