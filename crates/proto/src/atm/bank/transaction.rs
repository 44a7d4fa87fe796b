//! The two phases of a withdrawal or deposit.

use alloc::vec;

use super::{Authorisation, Decision, Known, card_locked, mismatch};
use crate::atm::record::{Account, Entry, Event, Status, Transaction, TransactionRecord, Write};
use crate::atm::semantics::{Protection, Protections};
use crate::atm::{Amount, Answer, CardNumber, Key, TransactionId};
use crate::name::Name;
use crate::refusal::{Code, Refusal};

pub(super) fn hold(
    protections: Protections,
    id: TransactionId,
    account: &Account,
    amount: Amount,
    terminal: Option<Name>,
    key: Option<Key>,
    now: u64,
) -> Decision {
    let outcome = match account.is_locked(now) {
        true => Err(card_locked()),
        false => account.with_hold(id.kind, amount.money()),
    };
    let (outcome, status, event) = match protections.has(Protection::TwoPhases) {
        true => (outcome, Status::Held, Event::Held),
        false => {
            let booked = |held: Account| held.with_entry(id.kind, amount.money()).unwrap_or(held);
            (outcome.map(booked), Status::Confirmed, Event::Confirmed)
        }
    };
    let account_after = outcome.as_ref().unwrap_or(account);
    let available = account_after.available();
    let transaction = |status| {
        let card = account.card.clone();
        let terminal = terminal.clone();
        Transaction {
            id,
            card,
            amount,
            available,
            terminal,
            key,
            status,
        }
    };
    match &outcome {
        Ok(account) => Decision::reply(Ok(Answer::Held {
            id,
            amount,
            available,
            repeat: false,
        }))
        .writing(vec![
            Write::PutAccount(account.clone()),
            put(transaction(status.clone())),
            entry(event, &transaction(status)),
        ]),
        Err(refusal) if !protections.has(Protection::StickyDeclines) => {
            Decision::reply(Err(refusal.clone()))
        }
        Err(refusal) => {
            let declined = transaction(Status::Declined(refusal.clone()));
            let entry = entry(Event::Declined, &declined);
            Decision::reply(Err(refusal.clone())).writing(vec![put(declined), entry])
        }
    }
}

pub(super) fn hold_again(
    protections: Protections,
    record: &TransactionRecord,
    card: Option<&CardNumber>,
    amount: Amount,
    key: Option<Key>,
) -> Decision {
    let transaction = match record {
        TransactionRecord::Transaction(transaction) => transaction,
        TransactionRecord::Tombstone(_) => return already_rolled_back(),
    };
    let differs = transaction.amount != amount
        || transaction.key != key
        || card.is_some_and(|card| *card != transaction.card);
    if differs && protections.has(Protection::ContentCheck) {
        return mismatch();
    }
    let Transaction { id, available, .. } = *transaction;
    let held = Answer::Held {
        id,
        amount,
        available,
        repeat: true,
    };
    match &transaction.status {
        Status::Held => Decision::reply(Ok(held)),
        Status::Confirmed if !protections.has(Protection::TwoPhases) => Decision::reply(Ok(held)),
        Status::Confirmed => already_confirmed(),
        Status::RolledBack => already_rolled_back(),
        Status::Declined(refusal) => Decision::reply(Err(refusal.clone())),
    }
}

/// Refuses an unauthorised settlement. A transaction with a key is settled with the key alone,
/// because its customer, who has the notes, has the card as well. An unknown transaction may be
/// rolled back with any key or card; the late hold is then refused.
pub(super) fn refuse_unauthorised(
    protections: Protections,
    by: &Authorisation,
    known: &Known,
) -> Option<Decision> {
    if !protections.has(Protection::SettlementKeys) {
        return None;
    }
    let Some(TransactionRecord::Transaction(transaction)) = &known.record else {
        return (by.key.is_none() && by.card.is_none()).then(unauthorised);
    };
    match (transaction.key, by.key) {
        (None, None) => (by.card.as_ref() != Some(&transaction.card)).then(unauthorised),
        (Some(_), None) => Some(unauthorised()),
        (key, given) => (key != given).then(mismatch),
    }
}

pub(super) fn confirm(id: TransactionId, known: &Known) -> Decision {
    let transaction = match &known.record {
        Some(TransactionRecord::Transaction(transaction)) => transaction,
        Some(TransactionRecord::Tombstone(_)) => return already_rolled_back(),
        None => return Decision::refuse(Code::UnknownId, "no such transaction"),
    };
    match &transaction.status {
        Status::Held => settle(transaction, true, known),
        Status::Confirmed => Decision::reply(Ok(Answer::Confirmed { id, repeat: true })),
        Status::RolledBack => already_rolled_back(),
        Status::Declined(refusal) => declined(refusal),
    }
}

pub(super) fn roll_back(protections: Protections, id: TransactionId, known: &Known) -> Decision {
    let transaction = match &known.record {
        Some(TransactionRecord::Transaction(transaction)) => transaction,
        Some(TransactionRecord::Tombstone(_)) => {
            return Decision::reply(Ok(Answer::RolledBack { id, repeat: true }));
        }
        None if !protections.has(Protection::Tombstones) => {
            return Decision::reply(Ok(Answer::RolledBack { id, repeat: false }));
        }
        None => {
            let entry = Entry {
                event: Event::RolledBack,
                card: None,
                id: Some(id),
                amount: None,
            };
            return Decision::reply(Ok(Answer::RolledBack { id, repeat: false })).writing(vec![
                Write::PutRecord(TransactionRecord::Tombstone(id)),
                Write::Append(entry),
            ]);
        }
    };
    match &transaction.status {
        Status::Held => settle(transaction, false, known),
        Status::RolledBack => Decision::reply(Ok(Answer::RolledBack { id, repeat: true })),
        Status::Confirmed => already_confirmed(),
        Status::Declined(refusal) => declined(refusal),
    }
}

/// Settles a hold, and nothing else, for an operator.
pub(super) fn settle_by_operator(id: TransactionId, moved: bool, known: &Known) -> Decision {
    // An unknown transaction is refused either way: an operator leaves no tombstone.
    let mut decision = if moved || known.record.is_none() {
        confirm(id, known)
    } else {
        roll_back(Protections::ALL, id, known)
    };
    if let Some(TransactionRecord::Transaction(transaction)) = &known.record
        && !decision.writes.is_empty()
    {
        decision.writes.push(entry(Event::ByOperator, transaction));
    }
    decision
}

fn settle(transaction: &Transaction, moved: bool, known: &Known) -> Decision {
    let (id, amount) = (transaction.id, transaction.amount.money());
    let with_entry = |account: &Account| account.with_entry(id.kind, amount);
    let without_hold = |account: &Account| account.without_hold(id.kind, amount);
    let (repeat, before) = (false, known.account.as_ref());
    let (account, status, event, answer) = if moved {
        let answer = Answer::Confirmed { id, repeat };
        (
            before.and_then(with_entry),
            Status::Confirmed,
            Event::Confirmed,
            answer,
        )
    } else {
        let answer = Answer::RolledBack { id, repeat };
        (
            before.and_then(without_hold),
            Status::RolledBack,
            Event::RolledBack,
            answer,
        )
    };
    // No account, or one without such a hold: the rows were changed by another program.
    let Some(account) = account else {
        return Decision::refuse(Code::Unavailable, "the ledger contradicts itself: audit it");
    };
    let settled = Transaction {
        status,
        ..transaction.clone()
    };
    let entry = entry(event, &settled);
    Decision::reply(Ok(answer)).writing(vec![Write::PutAccount(account), put(settled), entry])
}

fn put(transaction: Transaction) -> Write {
    Write::PutRecord(TransactionRecord::Transaction(transaction))
}

fn entry(event: Event, of: &Transaction) -> Write {
    let amount = Some(of.amount.money());
    Write::Append(Entry {
        event,
        card: Some(of.card.clone()),
        id: Some(of.id),
        amount,
    })
}

fn unauthorised() -> Decision {
    Decision::refuse(
        Code::NotLoggedIn,
        "to settle needs the key of the transaction or, if it has none, a log-in with its card",
    )
}

fn already_confirmed() -> Decision {
    Decision::refuse(
        Code::AlreadyConfirmed,
        "the transaction was confirmed before",
    )
}

fn already_rolled_back() -> Decision {
    Decision::refuse(
        Code::AlreadyRolledBack,
        "the transaction was rolled back before",
    )
}

fn declined(refusal: &Refusal) -> Decision {
    let words = alloc::format!("declined before: {}", refusal.code.as_str());
    Decision::refuse(Code::Declined, &words)
}
