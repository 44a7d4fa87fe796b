//! What came of judging a case.

use std::net::SocketAddr;
use std::time::Duration;

use proto::mode::Transport;
use wire::connection::ReceiveError;

/// What came of a case: nothing where the rule holds.
pub type Outcome = Result<(), Failure>;

/// Why a rule is not known to hold.
#[derive(Debug)]
pub enum Failure {
    /// The program breaks it.
    Broken(Box<Finding>),
    /// It could not be judged, and why.
    Undecided(String),
}

/// What was expected, and what came instead.
#[derive(Debug)]
pub struct Finding {
    /// What was sent before, as it stood on the wire.
    pub sent: Vec<u8>,
    /// What was expected.
    pub expected: Expected,
    /// What came.
    pub came: Came,
    /// What the difference points to, where that is known.
    pub cause: Option<String>,
}

/// What was expected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this message.
    Message(Vec<u8>),
    /// Something that these words describe.
    Described(String),
}

/// What came of a wait for a message.
#[derive(Debug)]
pub enum Came {
    /// A message.
    Message(Vec<u8>),
    /// These bytes, which are no message of the framing, and why.
    Unreadable(Vec<u8>, String),
    /// Nothing for so long, or only these first bytes of a message.
    Nothing(Duration, Vec<u8>),
    /// The end of the stream, after these first bytes of a message.
    End(Vec<u8>),
    /// The connection broke.
    Broken(String),
    /// Something that is no message, in words.
    Described(String),
}

impl Failure {
    /// The program broke the rule, in words.
    pub fn because(expected: impl Into<String>, came: impl Into<String>) -> Failure {
        Failure::Broken(Box::new(Finding {
            sent: Vec::new(),
            expected: Expected::Described(expected.into()),
            came: Came::Described(came.into()),
            cause: None,
        }))
    }

    /// Nothing can be said of a server that is not there over this transport.
    pub fn not_there(transport: Transport, address: SocketAddr) -> Failure {
        let (name, port) = (transport.name().to_uppercase(), address.port());
        Failure::Undecided(format!(
            "nothing listens on {name} port {port}: start it there as well, or `--skip {}`",
            transport.name()
        ))
    }

    /// Whether the connection ended where more was expected.
    pub fn shows_an_end(&self) -> bool {
        let Failure::Broken(finding) = self else {
            return false;
        };
        matches!(finding.came, Came::End(_) | Came::Broken(_))
    }

    /// With this cause, where none is known that lies nearer.
    #[must_use]
    pub fn caused_by(mut self, cause: &str) -> Failure {
        if let Failure::Broken(finding) = &mut self
            && finding.cause.is_none()
            && !cause.is_empty()
        {
            finding.cause = Some(cause.to_owned());
        }
        self
    }
}

impl Came {
    /// What came of a wait of this long, after which these bytes are no whole message.
    pub fn of(
        received: Result<Option<Vec<u8>>, ReceiveError>,
        waited: Duration,
        unfinished: Vec<u8>,
    ) -> Came {
        match received {
            Ok(Some(message)) => Came::Message(message),
            Ok(None) => Came::End(unfinished),
            Err(ReceiveError::Malformed(error)) => Came::Unreadable(unfinished, error.to_string()),
            Err(ReceiveError::Truncated(_)) => Came::End(unfinished),
            Err(
                ReceiveError::DeadlinePassed
                | ReceiveError::FrameTooSlow(_)
                | ReceiveError::Idle(_),
            ) => Came::Nothing(waited, unfinished),
            Err(error) => Came::Broken(error.to_string()),
        }
    }
}
