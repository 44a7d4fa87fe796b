//! Each rule of the bank, once; here, the operations that the tests use.

use alloc::format;

use super::*;
use crate::atm::memory::MemoryRows;
use uuid::Uuid;

pub(super) fn card(text: &str) -> CardNumber {
    text.parse().unwrap()
}

pub(super) fn money(text: &str) -> Money {
    text.parse().unwrap()
}

pub(super) fn create(number: u128, card_number: &str, opening: &str) -> Operation {
    Operation::Create {
        id: CreationId(Uuid::from_u128(number)),
        card: card(card_number),
        holder: "Joty".parse().unwrap(),
        pin_hash: "hash".into(),
        opening: money(opening),
    }
}

const KEY: Key = Key::new(1);
const CARD: &str = "123456789";
const OTHER: &str = "987654321";

/// Two accounts with 100.00 each.
fn books() -> MemoryRows {
    let mut books = MemoryRows::default();
    books.apply(&create(1, CARD, "100")).unwrap();
    books.apply(&create(2, OTHER, "100")).unwrap();
    books
}

fn with(number: u128) -> TransactionId {
    TransactionId::withdrawal(Uuid::from_u128(number))
}

fn dep(number: u128) -> TransactionId {
    TransactionId::deposit(Uuid::from_u128(number))
}

fn hold_by(card: Option<CardNumber>, id: TransactionId, amount: &str) -> Operation {
    Operation::Hold {
        id,
        card,
        amount: amount.parse().unwrap(),
        terminal: None,
        key: Some(KEY),
    }
}

fn by(card_number: Option<&str>, key: Option<Key>) -> Authorisation {
    let card = card_number.map(card);
    Authorisation { card, key }
}

fn confirm_by(id: TransactionId, by: Authorisation) -> Operation {
    Operation::Confirm { id, by }
}

fn roll_back_by(id: TransactionId, by: Authorisation) -> Operation {
    Operation::Rollback { id, by }
}

fn confirm(id: TransactionId) -> Operation {
    confirm_by(id, by(None, Some(KEY)))
}

fn roll_back(id: TransactionId) -> Operation {
    roll_back_by(id, by(None, Some(KEY)))
}

fn unlock(card_number: &str) -> Operation {
    Operation::Unlock(card(card_number))
}

/// The operation, if it is a hold, without a key.
fn without_key(mut operation: Operation) -> Operation {
    if let Operation::Hold { key, .. } = &mut operation {
        *key = None;
    }
    operation
}

fn hold(id: TransactionId, amount: &str) -> Operation {
    hold_by(Some(card(CARD)), id, amount)
}

fn log_in_with(card_number: &str, number: u128, pin_matches: bool) -> Operation {
    Operation::LogIn {
        id: LoginId(Uuid::from_u128(number)),
        card: card(card_number),
        pin_matches,
    }
}

fn log_in(number: u128, pin_matches: bool) -> Operation {
    log_in_with(CARD, number, pin_matches)
}

fn locked() -> MemoryRows {
    let mut books = books();
    for number in 0..3 {
        books.apply(&log_in(number, false)).unwrap_err();
    }
    books
}

impl MemoryRows {
    /// The reply as on the wire, without its id and the words of a refusal.
    fn reply(&mut self, operation: &Operation) -> String {
        match self.apply(operation) {
            Ok(answer) => {
                let text = format!("{answer}");
                match text.split_once(' ') {
                    Some((id, outcome)) if id.contains('_') => outcome.into(),
                    _ => text,
                }
            }
            Err(refusal) => refusal.code.as_str().into(),
        }
    }

    /// Applies the operation and checks the reply.
    #[track_caller]
    fn check(&mut self, operation: &Operation, expected: &str) {
        assert_eq!(self.reply(operation), expected, "{operation:?}");
    }

    /// Applies the operation, checks the reply, and that nothing has changed.
    #[track_caller]
    fn check_inert(&mut self, operation: &Operation, expected: &str) {
        let before = self.clone();
        self.check(operation, expected);
        assert_eq!(*self, before, "{operation:?}");
    }
}

fn balance() -> Operation {
    Operation::Balance {
        card: Some(card(CARD)),
    }
}

mod accounts;
mod transactions;
