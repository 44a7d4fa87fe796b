//! What can go wrong, in words that say what was tried, what happened and what to do next.

use std::io;
use std::process::ExitCode;

use proto::frame::EncodeError;
use proto::mode::Mode;
use proto::printable::printable;
use proto::refusal::{Code, Refusal};
use wire::connect::ConnectError;

/// What the process tells its caller.
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
    /// The server said something else than a script says: what.
    Unexpected(String),
    /// What was typed makes no sense: why.
    Usage(String),
    /// One line or text cannot be sent: why. Nothing was, and the conversation can go on.
    Unsendable(Refusal),
    /// The server is not reachable, or not the right one: how, and what to do. Nothing was asked.
    Unreachable(String),
    /// The server was lost after it was asked, before it answered: how.
    Lost(String),
    /// The outcome of a transaction is not known yet: what is being done about it. Or it is, and
    /// could not be printed: what was done.
    Unknown(String),
    /// Nobody reads our output any more, which is how `| head` ends. Nothing is to be said.
    OutputClosed,
    /// The person pressed Ctrl-C.
    Interrupted,
}

impl Failure {
    /// The process's exit status.
    pub fn status(&self) -> Status {
        match self {
            Failure::Refused(_) | Failure::Unexpected(_) => Status::Refused,
            Failure::Usage(_) | Failure::Unsendable(_) => Status::Usage,
            Failure::Unreachable(_) | Failure::Lost(_) => Status::Unreachable,
            Failure::Unknown(_) => Status::Unknown,
            Failure::OutputClosed | Failure::Interrupted => Status::Done,
        }
    }

    /// What to tell the person, if anything.
    pub fn words(&self) -> Option<String> {
        match self {
            Failure::Refused(refusal) | Failure::Unsendable(refusal) => Some(words_of(refusal)),
            Failure::Unexpected(words)
            | Failure::Usage(words)
            | Failure::Unreachable(words)
            | Failure::Lost(words)
            | Failure::Unknown(words) => Some(words.clone()),
            Failure::OutputClosed | Failure::Interrupted => None,
        }
    }

    /// No connection could be made.
    pub fn cannot_connect(error: &ConnectError, mode: Mode) -> Failure {
        let hint = match error {
            ConnectError::Unresolved { .. } => "write --server HOST:PORT".to_owned(),
            ConnectError::Unreachable { .. } => {
                format!("is `labserver --mode {}` running?", mode.name())
            }
        };
        Failure::Unreachable(format!("{error}: {hint}"))
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
            _ => Failure::Unreachable(format!("cannot write to standard output: {error}")),
        }
    }
}

/// A refusal for a person: its words, or its code where there are none. They come from the server,
/// so they are made printable.
pub fn words_of(refusal: &Refusal) -> String {
    match refusal.words.as_str() {
        "" => refusal.code.as_str().replace('-', " "),
        words => printable(words),
    }
}
