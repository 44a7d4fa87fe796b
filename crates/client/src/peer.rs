//! What is expected at the other end.

use std::fmt;

use proto::handout::Handout;
use proto::mode::Mode;
use wire::fault::Exchange;

/// The server program that is expected at the other end. It is displayed as the command that starts
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Peer {
    /// A service that speaks our own protocol.
    Mode(Mode),
    /// A hand-out's server, whose messages are what one read returns, and which says no `READY`.
    Handout(Handout),
}

impl Peer {
    pub fn service(self) -> Mode {
        match self {
            Peer::Mode(mode) => mode,
            Peer::Handout(handout) => handout.mode(),
        }
    }

    pub fn name(self) -> &'static str {
        match self {
            Peer::Mode(mode) => mode.name(),
            Peer::Handout(handout) => handout.name(),
        }
    }

    pub fn default_port(self) -> u16 {
        match self {
            Peer::Mode(mode) => mode.default_port(),
            Peer::Handout(handout) => handout.port(),
        }
    }

    /// What is known of its messages.
    pub fn exchange(self) -> Exchange {
        match self {
            Peer::Mode(Mode::Text | Mode::Atm | Mode::Calc | Mode::Chat | Mode::Datetime) => {
                Exchange::Answered
            }
            Peer::Mode(Mode::Echo | Mode::Script) | Peer::Handout(_) => Exchange::Transparent,
        }
    }
}

impl From<Mode> for Peer {
    fn from(mode: Mode) -> Peer {
        Peer::Mode(mode)
    }
}

impl From<Handout> for Peer {
    fn from(handout: Handout) -> Peer {
        Peer::Handout(handout)
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Peer::Mode(mode) => write!(f, "labserver --mode {}", mode.name()),
            Peer::Handout(handout) => write!(f, "labserver --handout {}", handout.name()),
        }
    }
}
