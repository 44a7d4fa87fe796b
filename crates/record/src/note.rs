//! Notes: what a cash machine's journal and the bank's ledger say, which is not on the wire.

use proto::atm::Kind::{Deposit, Withdrawal};
use proto::atm::machine::JournalRecord;
use proto::refusal::Code;
use proto::side::Side;
use serde::{Deserialize, Serialize};

/// An entry of a cash machine's journal or of the bank's ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    /// The id of the transaction, log-in or account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// What happened to it.
    #[serde(rename = "what")]
    pub kind: NoteKind,
    /// How much money, as `500.00`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// The code of a refusal, or that the answer is a repeated one.
    #[serde(default, rename = "words", skip_serializing_if = "Option::is_none")]
    pub detail: Option<Detail>,
}

/// What a note says, in the words of `docs/recording.md`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NoteKind {
    /// The bank may receive the id from now on.
    Sending,
    /// The notes of a withdrawal may move from now on; the amount is in the drawer before.
    Dispensing,
    /// The notes of a deposit may move from now on; the amount is in the drawer before.
    Accepting,
    /// Notes moved; the amount is in the drawer now.
    Drawer,
    /// The notes of a withdrawal have moved.
    Dispensed,
    /// The notes of a deposit have moved.
    Accepted,
    /// No notes moved, and none will.
    RollingBack,
    /// The transaction is booked.
    Confirmed,
    /// The transaction is undone.
    RolledBack,
    /// The bank declined the transaction.
    Declined,
    /// The machine and the bank contradict each other.
    Disputed,
    /// An operator is about to change what is in the drawer.
    Loading,
    /// The amount is in the drawer, as an operator left or found it.
    Loaded,
    /// A log-in succeeded.
    Welcome,
    /// The bank holds the amount.
    Held,
    /// An account was opened.
    Created,
    /// The bank refused a request.
    Refused,
    /// A word of another version.
    #[serde(untagged)]
    Other(String),
}

/// What else a note says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum Detail {
    /// The answer is the recorded one, and nothing was done anew.
    Repeat,
    /// Why the bank refused.
    Code(Code),
    /// Text of another version.
    Other(String),
}

const REPEAT: &str = "repeat";

impl From<String> for Detail {
    fn from(text: String) -> Detail {
        match Code::parse(&text) {
            Some(code) => Detail::Code(code),
            None if text == REPEAT => Detail::Repeat,
            None => Detail::Other(text),
        }
    }
}

impl From<Detail> for String {
    fn from(detail: Detail) -> String {
        detail.as_str().to_owned()
    }
}

impl Detail {
    fn as_str(&self) -> &str {
        match self {
            Detail::Repeat => REPEAT,
            Detail::Code(code) => code.as_str(),
            Detail::Other(text) => text,
        }
    }
}

impl From<NoteKind> for Note {
    fn from(kind: NoteKind) -> Note {
        Note {
            about: None,
            kind,
            amount: None,
            detail: None,
        }
    }
}

impl From<&JournalRecord> for Note {
    fn from(record: &JournalRecord) -> Note {
        let (kind, amount, code) = match record {
            JournalRecord::Loading(drawer) => (NoteKind::Loading, Some(*drawer), None),
            JournalRecord::Loaded(drawer) => (NoteKind::Loaded, Some(*drawer), None),
            JournalRecord::Sending { amount, .. } => {
                (NoteKind::Sending, Some(amount.money()), None)
            }
            JournalRecord::Moving { id, drawer } => match id.kind {
                Withdrawal => (NoteKind::Dispensing, Some(*drawer), None),
                Deposit => (NoteKind::Accepting, Some(*drawer), None),
            },
            JournalRecord::Moved(id) => match id.kind {
                Withdrawal => (NoteKind::Dispensed, None, None),
                Deposit => (NoteKind::Accepted, None, None),
            },
            JournalRecord::RollingBack(_) => (NoteKind::RollingBack, None, None),
            JournalRecord::Confirmed(_) => (NoteKind::Confirmed, None, None),
            JournalRecord::RolledBack(_) => (NoteKind::RolledBack, None, None),
            JournalRecord::Declined(_, code) => (NoteKind::Declined, None, Some(*code)),
            JournalRecord::Disputed(_, code) => (NoteKind::Disputed, None, Some(*code)),
        };
        Note {
            about: record.id().map(|id| id.to_string()),
            kind,
            amount: amount.map(|amount| amount.to_string()),
            detail: code.map(Detail::Code),
        }
    }
}

impl Note {
    /// The code of the refusal, if there was one.
    pub fn code(&self) -> Option<Code> {
        match self.detail {
            Some(Detail::Code(code)) => Some(code),
            _ => None,
        }
    }

    /// The note in words, without its id. `side` recorded it; `show` makes text printable.
    pub fn words(&self, side: Side, show: &dyn Fn(&str) -> String) -> String {
        let book = match side {
            Side::Client => "journal: ",
            Side::Server => "ledger: ",
        };
        let (book, words) = match &self.kind {
            NoteKind::Drawer => ("", "drawer"),
            NoteKind::Loading => ("", "loading the drawer:"),
            NoteKind::Loaded => ("", "drawer loaded:"),
            NoteKind::Welcome => ("", "logged in"),
            NoteKind::Refused => ("", "refused"),
            NoteKind::Sending => (book, "sending"),
            NoteKind::Dispensing => (book, "dispensing, drawer"),
            NoteKind::Accepting => (book, "accepting, drawer"),
            NoteKind::Dispensed => (book, "notes dispensed"),
            NoteKind::Accepted => (book, "notes accepted"),
            NoteKind::RollingBack => (book, "rolling back"),
            NoteKind::RolledBack => (book, "rolled back"),
            NoteKind::Confirmed => (book, "confirmed"),
            NoteKind::Declined => (book, "declined"),
            NoteKind::Disputed => (book, "disputed"),
            NoteKind::Held => (book, "held"),
            NoteKind::Created => (book, "account opened"),
            NoteKind::Other(word) => (book, &show(word)[..]),
        };
        let mut shown = format!("{book}{words}");
        if let Some(amount) = &self.amount {
            shown += &format!(" {}", show(amount));
        }
        match &self.detail {
            None => {}
            Some(Detail::Repeat) => shown += ", repeated",
            Some(detail) => shown += &format!(" ({})", show(detail.as_str())),
        }
        shown
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_note_is_written_in_the_words_of_the_format() {
        let id = "WITH_018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a51";
        let amount = r#","amount":"1.00""#;
        let code = r#","words":"card-locked""#;
        for (record, what, rest) in [
            ("loading 1.00", "loading", amount),
            ("loaded 1.00", "loaded", amount),
            ("sending ID 1.00", "sending", amount),
            ("dispensing ID 1.00", "dispensing", amount),
            ("accepting DEP 1.00", "accepting", amount),
            ("dispensed ID", "dispensed", ""),
            ("accepted DEP", "accepted", ""),
            ("rolling-back ID", "rolling-back", ""),
            ("confirmed ID", "confirmed", ""),
            ("rolled-back ID", "rolled-back", ""),
            ("declined ID card-locked", "declined", code),
            ("disputed ID card-locked", "disputed", code),
        ] {
            let record = record.replace("ID", id);
            let record = record.replace("DEP", &id.replace("WITH", "DEP"));
            let record: JournalRecord = record.parse().unwrap();
            let about = record.id().map(|id| format!(r#""about":"{id}","#));
            let about = about.unwrap_or_default();
            let json = format!(r#"{{{about}"what":"{what}"{rest}}}"#);
            let note = Note::from(&record);
            assert_eq!(serde_json::to_string(&note).unwrap(), json);
            assert!(!matches!(note.kind, NoteKind::Other(_)));
            assert_eq!(serde_json::from_str::<Note>(&json).unwrap(), note);
        }
    }

    #[test]
    fn words_of_another_version_are_kept() {
        let json = r#"{"what":"burnt","words":"by fire"}"#;
        let note: Note = serde_json::from_str(json).unwrap();
        assert_eq!(note.kind, NoteKind::Other("burnt".into()));
        assert_eq!(note.detail, Some(Detail::Other("by fire".into())));
        assert_eq!(serde_json::to_string(&note).unwrap(), json);
    }
}
