//! What the bank adds to a recording.

use proto::atm::Answer;
use proto::atm::bank::Operation;
use proto::refusal::Refusal;
use record::{About, Recorder};

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

/// Records the outcome of an operation that the ledger has committed.
pub fn note(recorder: &Recorder, operation: &Operation, reply: &Result<Answer, Refusal>) {
    let about = id_of(operation);
    if about.is_none() {
        return;
    }
    let (what, amount, words) = match reply {
        Ok(Answer::Welcome { .. }) => ("welcome", None, None),
        Ok(Answer::Held { amount, repeat, .. }) => {
            ("held", Some(amount.to_string()), repeated(*repeat))
        }
        Ok(Answer::Confirmed { repeat, .. }) => ("confirmed", None, repeated(*repeat)),
        Ok(Answer::RolledBack { repeat, .. }) => ("rolled-back", None, repeated(*repeat)),
        Ok(Answer::Created { repeat, .. }) => ("created", None, repeated(*repeat)),
        Ok(Answer::Balance { .. } | Answer::Terminal(_) | Answer::Bye) => return,
        Err(refusal) => ("refused", None, Some(refusal.code.as_str().to_owned())),
    };
    recorder.note(
        what,
        About {
            about,
            amount,
            words,
        },
    );
}

fn repeated(repeat: bool) -> Option<String> {
    repeat.then(|| "repeat".to_owned())
}
