//! What an answer of the bank proves about a transaction.
//!
//! A hold may have been sent many times, and copies may still be in flight. So the question is not
//! what the one message that was answered did, but what can still happen to the id. That is certain
//! only if the bank answers from its record, as it will every other message with this id, or if it
//! must answer all of them alike.

use crate::atm::semantics::{Protection, Protections};
use crate::atm::{Answer, Money, Request};
use crate::refusal::{Code, Refusal};

/// What an answer proves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// The money is held until this machine settles it.
    Held {
        /// The available balance.
        available: Money,
    },
    /// It is booked.
    Confirmed,
    /// Nothing is or will be held for this id: it was rolled back.
    RolledBack,
    /// Nothing is or will be held for this id: it was declined.
    Declined(Refusal),
    /// The bank executed a request that this machine did not make.
    Disputed(Code),
    /// Nothing, and a repeat will not help: an earlier copy may have been executed, or a later one
    /// may be. Only a rollback makes it certain.
    NotGranted(Refusal),
    /// Nothing: repeat the request.
    NotKnown,
}

/// The verdict of the reply to this request.
pub(super) fn of(
    protections: Protections,
    request: &Request,
    reply: &Result<Answer, Refusal>,
) -> Verdict {
    match (request, reply) {
        (Request::Hold { .. }, Ok(Answer::Held { available, .. })) => Verdict::Held {
            available: *available,
        },
        (Request::Confirm { .. }, Ok(Answer::Confirmed { .. })) => Verdict::Confirmed,
        (Request::Rollback { .. }, Ok(Answer::RolledBack { .. })) => Verdict::RolledBack,
        (Request::Hold { .. }, Err(refusal)) => hold_refused(protections, refusal),
        (Request::Confirm { .. }, Err(refusal)) => confirmation_refused(refusal.code),
        (Request::Rollback { .. }, Err(refusal)) => rollback_refused(refusal),
        _ => Verdict::NotKnown,
    }
}

fn hold_refused(protections: Protections, refusal: &Refusal) -> Verdict {
    if !protections.has(Protection::ProvenDeclines) && refusal.code.is_definite() {
        return Verdict::Declined(refusal.clone());
    }
    match refusal.code {
        // From the record: decided on the first request, and the answer to every repeat.
        Code::InsufficientFunds
        | Code::CardLocked
        | Code::Declined
        | Code::AlreadyRolledBack
        // An amount that is too large for the account is recorded, and one that is too large for
        // the protocol is refused in each message alike.
        | Code::OutOfRange
        // The id belongs to another transaction, which a rollback would undo.
        | Code::Mismatch => Verdict::Declined(refusal.clone()),
        // Booked, although no notes have moved here.
        Code::AlreadyConfirmed => Verdict::Disputed(refusal.code),
        // Nothing was done, but a repeat may succeed.
        Code::Busy | Code::ShuttingDown | Code::TooSlow | Code::Unavailable | Code::OutOfTime => {
            Verdict::NotKnown
        }
        Code::Internal => Verdict::NotKnown,
        // True of this message only. Another one, with a log-in before it or undamaged, may have
        // been executed or may yet be.
        Code::NotLoggedIn
        | Code::WrongCredentials
        | Code::OutOfOrder
        | Code::Malformed
        | Code::UnknownVerb
        | Code::TooLong
        | Code::UnknownId
        | Code::AccountExists
        | Code::DivisionByZero
        | Code::NameTaken => Verdict::NotGranted(refusal.clone()),
    }
}

/// The notes have moved, so a confirmation is repeated without limit.
fn confirmation_refused(code: Code) -> Verdict {
    match code {
        Code::AlreadyConfirmed => Verdict::Confirmed,
        // The bank answered that the money is held, so it lost or undid the hold.
        Code::AlreadyRolledBack | Code::Declined | Code::UnknownId | Code::Mismatch => {
            Verdict::Disputed(code)
        }
        _ => Verdict::NotKnown,
    }
}

fn rollback_refused(refusal: &Refusal) -> Verdict {
    match refusal.code {
        Code::AlreadyRolledBack => Verdict::RolledBack,
        Code::Declined => Verdict::Declined(refusal.clone()),
        Code::AlreadyConfirmed => Verdict::Disputed(refusal.code),
        // `unknown-id` among them: a bank that leaves no tombstone may yet place the hold.
        _ => Verdict::NotKnown,
    }
}
