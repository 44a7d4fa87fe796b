//! What the machine remembers and how a transaction ended, as members of a JSON object.

use proto::atm::machine::{JournalRecord, Outcome};
use proto::atm::{Amount, Kind, Money, TransactionId};
use proto::refusal::Code;
use serde_json::{Value, json};

/// A record of the journal: its first word, and what follows that by its name.
pub(super) fn of_record(text: &str) -> Value {
    let Ok(record) = text.parse::<JournalRecord>() else {
        return json!({"record": null, "text": text});
    };
    let word = text.split(' ').next();
    let mut members = json!({"record": word});
    if let Some(id) = record.id() {
        members["id"] = json!(id.to_string());
    }
    match record {
        JournalRecord::Loading(drawer)
        | JournalRecord::Loaded(drawer)
        | JournalRecord::Moving { drawer, .. } => {
            members["drawer"] = json!(drawer.to_string());
        }
        JournalRecord::Sending { amount, .. } => {
            members["amount"] = json!(amount.money().to_string())
        }
        JournalRecord::Declined(_, code) | JournalRecord::Disputed(_, code) => {
            members["code"] = json!(code.as_str());
        }
        JournalRecord::Moved(_)
        | JournalRecord::RollingBack(_)
        | JournalRecord::Confirmed(_)
        | JournalRecord::RolledBack(_) => {}
    }
    members
}

/// How a transaction ended, or that it has not.
pub(super) fn of_outcome(outcome: &Outcome) -> Value {
    let members = |id: &TransactionId, word: &str| {
        let kind = match id.kind {
            Kind::Withdrawal => "withdrawal",
            Kind::Deposit => "deposit",
        };
        json!({"id": id.to_string(), "kind": kind, "outcome": word})
    };
    match outcome {
        Outcome::Moved { id, amount, .. } => with_notes(members(id, "confirmed"), *amount, true),
        Outcome::Declined { id, refusal } => with_code(members(id, "declined"), refusal.code),
        Outcome::RolledBack { id, refusal } => {
            let members = members(id, "rolled-back");
            match refusal {
                Some(refusal) => with_code(members, refusal.code),
                None => members,
            }
        }
        Outcome::Unsettled { id, amount, moved } => {
            with_notes(members(id, "unsettled"), *amount, *moved)
        }
        Outcome::Disputed {
            id,
            amount,
            moved,
            code,
        } => with_code(with_notes(members(id, "disputed"), *amount, *moved), *code),
    }
}

fn with_notes(mut members: Value, amount: Amount, moved: bool) -> Value {
    let amount: Money = amount.money();
    members["amount"] = json!(amount.to_string());
    members["notes_moved"] = json!(moved);
    members
}

fn with_code(mut members: Value, code: Code) -> Value {
    members["code"] = json!(code.as_str());
    members
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "WITH_00000000-0000-7000-8000-000000000001";

    #[test]
    fn each_record_has_its_words_by_their_names() {
        for (text, members) in [
            (
                "loaded 10.00".into(),
                json!({"record": "loaded", "drawer": "10.00"}),
            ),
            (
                format!("sending {ID} 5.00"),
                json!({"record": "sending", "id": ID, "amount": "5.00"}),
            ),
            (
                format!("dispensing {ID} 10.00"),
                json!({"record": "dispensing", "id": ID, "drawer": "10.00"}),
            ),
            (
                format!("declined {ID} insufficient-funds"),
                json!({"record": "declined", "id": ID, "code": "insufficient-funds"}),
            ),
            (
                format!("confirmed {ID}"),
                json!({"record": "confirmed", "id": ID}),
            ),
            (
                "gibberish".into(),
                json!({"record": null, "text": "gibberish"}),
            ),
        ] {
            assert_eq!(of_record(&text), members);
        }
    }

    #[test]
    fn an_outcome_says_whether_notes_moved_and_what_the_bank_said() {
        let outcome = Outcome::Disputed {
            id: ID.parse().unwrap(),
            amount: "5".parse().unwrap(),
            moved: true,
            code: Code::AlreadyRolledBack,
        };
        assert_eq!(
            of_outcome(&outcome),
            json!({
                "id": ID, "kind": "withdrawal", "outcome": "disputed", "amount": "5.00",
                "notes_moved": true, "code": "already-rolled-back",
            })
        );
    }
}
