//! What the bank adds to a recording.

use proto::atm::Answer;
use proto::atm::bank::Operation;
use proto::refusal::Refusal;
use record::{Detail, Note, NoteKind};

/// The id of the request that an operation comes from, if it has one.
pub fn id_of(operation: &Operation) -> Option<String> {
    match operation {
        Operation::Hold { id, .. }
        | Operation::Confirm { id, .. }
        | Operation::Rollback { id, .. }
        | Operation::Settle { id, .. } => Some(id.to_string()),
        Operation::LogIn { id, .. } => Some(id.to_string()),
        Operation::Create { id, .. } => Some(id.to_string()),
        Operation::Balance { .. } | Operation::Unlock(_) => None,
    }
}

/// What a recording says of an operation that the ledger has committed.
pub fn note(operation: &Operation, reply: &Result<Answer, Refusal>) -> Option<Note> {
    let about = id_of(operation)?;
    let repeated = |repeat: &bool| repeat.then_some(Detail::Repeat);
    let (kind, amount, detail) = match reply {
        Ok(Answer::Welcome { .. }) => (NoteKind::Welcome, None, None),
        Ok(Answer::Held { amount, repeat, .. }) => {
            (NoteKind::Held, Some(amount.to_string()), repeated(repeat))
        }
        Ok(Answer::Confirmed { repeat, .. }) => (NoteKind::Confirmed, None, repeated(repeat)),
        Ok(Answer::RolledBack { repeat, .. }) => (NoteKind::RolledBack, None, repeated(repeat)),
        Ok(Answer::Created { repeat, .. }) => (NoteKind::Created, None, repeated(repeat)),
        Ok(Answer::Balance { .. } | Answer::Terminal(_) | Answer::Bye) => return None,
        Err(refusal) => (NoteKind::Refused, None, Some(Detail::Code(refusal.code))),
    };
    Some(Note {
        about: Some(about),
        kind,
        amount,
        detail,
    })
}
