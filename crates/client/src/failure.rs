//! What can go wrong, in words that say what was tried, what happened and what to do next.

use std::fmt;
use std::io;
use std::ops::Deref;
use std::process::ExitCode;

use measure::bench::tally::{ErrorKind, OperationError};
use proto::frame::EncodeError;
use proto::printable::printable;
use proto::refusal::{Code, Refusal};
use serde_json::{Value, json};
use wire::connect::ConnectError;

use crate::evidence::Evidence;
use crate::peer::Peer;

/// The exit status of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Done.
    Done = 0,
    /// The service said no.
    Refused = 1,
    /// The command line makes no sense.
    Usage = 2,
    /// The server is not reachable, or was lost.
    Unreachable = 3,
    /// The outcome is not known yet, or could not be printed.
    Unknown = 4,
    /// The server broke the protocol, or did not keep to a script.
    Protocol = 5,
    /// This computer failed: a file, a thread, the terminal, standard output.
    Resource = 6,
}

impl Status {
    /// The one of two that the caller must learn: that money may have moved first of all.
    pub fn worse(self, other: Status) -> Status {
        let rising = [
            Status::Done,
            Status::Refused,
            Status::Usage,
            Status::Resource,
            Status::Unreachable,
            Status::Protocol,
            Status::Unknown,
        ];
        let worst = rising
            .into_iter()
            .rfind(|status| [self, other].contains(status));
        worst.unwrap_or(self)
    }
}

impl From<Status> for ExitCode {
    fn from(status: Status) -> ExitCode {
        ExitCode::from(status as u8)
    }
}

/// Why a mode ended early.
#[derive(Debug)]
pub enum Failure {
    /// The service said no.
    Refused(Refusal),
    /// What was typed makes no sense: why.
    Usage(String),
    /// One line or text cannot be sent: why. Nothing was, and the conversation can go on.
    Unsendable(Refusal),
    /// This computer did not do its part, a file, a thread, the terminal or standard output: why.
    Resource(String),
    /// The server is not reachable, or not the right one: how, and what to do. Nothing was asked.
    Unreachable(Report),
    /// The server was lost after it was asked, before it answered: how.
    Lost(Report),
    /// The server said what the protocol or the script does not have, or did not say what it has
    /// to: what.
    Protocol(Report),
    /// The outcome of a transaction is not known yet: what is being done about it. Or it is, and
    /// could not be printed: what was done.
    Unknown(Report),
    /// Standard output is closed, which is how `| head` ends. Nothing is printed.
    OutputClosed,
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = self.words();
        f.write_str(words.as_deref().unwrap_or(match self {
            Failure::OutputClosed => "standard output is closed",
            _ => "interrupted",
        }))
    }
}

impl std::error::Error for Failure {}

/// A failure of a conversation: in one line, and with its circumstances where they are known. It
/// reads as its words.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    words: String,
    /// The transaction that it is about.
    id: Option<String>,
    evidence: Option<Box<Evidence>>,
}

impl Report {
    /// Words, and what they are about.
    pub fn new(words: String, evidence: Evidence) -> Report {
        Report {
            words,
            id: None,
            evidence: Some(Box::new(evidence)),
        }
    }

    /// The same, about the transaction with this id.
    #[must_use]
    pub fn about(self, id: impl fmt::Display) -> Report {
        Report {
            id: Some(id.to_string()),
            ..self
        }
    }

    /// The same circumstances in other words.
    #[must_use]
    pub fn reworded(self, reword: impl FnOnce(&str) -> String) -> Report {
        Report {
            words: reword(&self.words),
            ..self
        }
    }
}

impl From<String> for Report {
    fn from(words: String) -> Report {
        Report {
            words,
            ..Report::default()
        }
    }
}

impl From<&str> for Report {
    fn from(words: &str) -> Report {
        words.to_owned().into()
    }
}

impl Deref for Report {
    type Target = str;

    fn deref(&self) -> &str {
        &self.words
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

impl Failure {
    /// The process's exit status.
    pub fn status(&self) -> Status {
        match self {
            Failure::Refused(_) => Status::Refused,
            Failure::Usage(_) | Failure::Unsendable(_) => Status::Usage,
            Failure::Resource(_) => Status::Resource,
            Failure::Unreachable(_) | Failure::Lost(_) => Status::Unreachable,
            Failure::Protocol(_) => Status::Protocol,
            Failure::Unknown(_) => Status::Unknown,
            Failure::OutputClosed | Failure::Interrupted => Status::Done,
        }
    }

    /// One line for the user, if there is anything to say.
    pub fn words(&self) -> Option<String> {
        match self {
            Failure::Refused(refusal) | Failure::Unsendable(refusal) => Some(refusal_text(refusal)),
            Failure::Usage(words) | Failure::Resource(words) => Some(words.clone()),
            failure => failure.report().map(Report::to_string),
        }
    }

    /// What was going on, where that is known.
    pub fn evidence(&self) -> Option<&Evidence> {
        self.report()?.evidence.as_deref()
    }

    fn report(&self) -> Option<&Report> {
        match self {
            Failure::Unreachable(report)
            | Failure::Lost(report)
            | Failure::Protocol(report)
            | Failure::Unknown(report) => Some(report),
            _ => None,
        }
    }

    /// Whether something had been asked and was not answered, so that the server may have done it.
    pub fn was_asked(&self) -> bool {
        match self {
            Failure::Lost(_) => true,
            Failure::Protocol(_) => self.evidence().is_none_or(|it| it.request.is_some()),
            _ => false,
        }
    }

    /// All for the user: the words, and the evidence in lines below.
    pub fn with_evidence(&self) -> Option<String> {
        let words = self.words()?;
        Some(match self.evidence() {
            Some(evidence) => format!("{words}\n{evidence}"),
            None => words,
        })
    }

    /// As a JSON object, where there is anything to say: its kind, the exit status it alone leads
    /// to, its words, and the code of a refusal or what was going on.
    pub fn object(&self) -> Option<Value> {
        let kind = match self {
            Failure::Refused(_) => "refused",
            Failure::Usage(_) => "usage",
            Failure::Unsendable(_) => "unsendable",
            Failure::Resource(_) => "resource",
            Failure::Unreachable(_) => "unreachable",
            Failure::Lost(_) => "lost",
            Failure::Protocol(_) => "protocol",
            Failure::Unknown(_) => "unknown",
            Failure::OutputClosed | Failure::Interrupted => return None,
        };
        let mut object = json!({"ok": false, "kind": kind, "status": self.status() as u8});
        match self {
            Failure::Refused(refusal) | Failure::Unsendable(refusal) => {
                object["error"] = json!(refusal.words);
                object["code"] = json!(refusal.code.as_str());
                object["definite"] = json!(refusal.code.is_definite());
            }
            failure => object["error"] = json!(failure.words()),
        }
        if let Some(id) = self.report().and_then(|report| report.id.as_ref()) {
            object["id"] = json!(id);
        }
        if let Some(Value::Object(members)) = self.evidence().map(Evidence::members)
            && let Some(object) = object.as_object_mut()
        {
            object.extend(members);
        }
        Some(object)
    }

    /// What was given on the command line makes no sense.
    pub(crate) fn usage(refusal: Refusal) -> Failure {
        Failure::Usage(refusal.words)
    }

    /// No connection could be made.
    pub fn cannot_connect(error: &ConnectError, peer: Peer) -> Failure {
        let hint = match error {
            ConnectError::Unresolved { .. } => "write --server HOST:PORT".to_owned(),
            ConnectError::Unreachable { .. } => format!("is `{peer}` running?"),
        };
        Failure::Unreachable(format!("{error}: {hint}").into())
    }

    /// A text is no message in the framing.
    pub fn does_not_fit(error: &EncodeError) -> Failure {
        let code = match error {
            EncodeError::TooLong { .. } => Code::TooLong,
            EncodeError::LineBreak | EncodeError::EmptyRaw => Code::Malformed,
        };
        Failure::Unsendable(Refusal::new(code, error))
    }

    /// Standard output cannot be written.
    pub fn cannot_print(error: &io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::OutputClosed,
            _ => Failure::Resource(format!("cannot write to standard output: {error}")),
        }
    }
}

impl From<measure::Error> for Failure {
    fn from(error: measure::Error) -> Failure {
        match error {
            measure::Error::Occupied(words) => Failure::Usage(words),
            measure::Error::Resource(words) => Failure::Resource(words),
        }
    }
}

impl OperationError for Failure {
    fn kind(&self) -> ErrorKind {
        match self {
            Failure::Refused(refusal) => ErrorKind::Refused(refusal.code.as_str()),
            Failure::Unreachable(_) => ErrorKind::Unreachable,
            Failure::Lost(_) => ErrorKind::Lost,
            Failure::Protocol(_) => ErrorKind::Protocol,
            Failure::Interrupted => ErrorKind::Interrupted,
            Failure::Usage(_)
            | Failure::Resource(_)
            | Failure::Unsendable(_)
            | Failure::Unknown(_)
            | Failure::OutputClosed => ErrorKind::Other,
        }
    }
}

/// A refusal for a person: its words, or its code where there are none. They come from the server,
/// so they are made printable.
pub fn refusal_text(refusal: &Refusal) -> String {
    match refusal.words.as_str() {
        "" => refusal.code.as_str().replace('-', " "),
        words => printable(words),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn that_money_may_have_moved_is_the_worst_and_done_the_least() {
        let all = [
            Status::Done,
            Status::Refused,
            Status::Usage,
            Status::Resource,
            Status::Unreachable,
            Status::Protocol,
            Status::Unknown,
        ];
        for (position, status) in all.into_iter().enumerate() {
            for other in &all[..position] {
                assert_eq!(status.worse(*other), status);
                assert_eq!(other.worse(status), status);
            }
        }
    }

    #[test]
    fn an_object_names_the_kind_and_the_status() {
        let refused = Failure::Refused(Refusal::new(Code::Busy, "full"));
        assert_eq!(
            refused.object().unwrap().to_string(),
            r#"{"code":"busy","definite":true,"error":"full","kind":"refused","ok":false,"status":1}"#
        );
        let lost = Failure::Lost("gone".into());
        assert_eq!(
            lost.object().unwrap().to_string(),
            r#"{"error":"gone","kind":"lost","ok":false,"status":3}"#
        );
        assert_eq!(Failure::Interrupted.object(), None);
    }
}
