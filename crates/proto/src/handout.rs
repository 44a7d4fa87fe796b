//! The hand-outs: the protocols of the programs printed in the labs, for the same services.
//!
//! A [`Handout`] is a printed pair of programs, either half of which can be replaced by ours:
//! `labserver --handout atm-card`, `labclient handout atm-card`. It determines the service or the
//! script, the port, and the framing: to nearly all printed programs, a message is what one read
//! returned.
//! The modules below translate their messages into requests of the service, and its answers into
//! the bytes that they expect. The services are the same as without a hand-out.

use crate::frame::Framing;
use crate::mode::{Mode, Transport};

pub mod atm_card;
pub mod atm_login;
pub mod bank;
pub mod calculator;
pub mod chat;
pub mod datetime;
pub mod float;
pub mod pickle;
pub mod python;
pub mod text_menu;
pub mod text_session;
pub mod textbook_atm;
pub mod wording;

// In the order of the reports and labs, and then the textbook.
named! {
    /// A printed pair of programs.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Handout by name {
        /// Report 000, problem A: lower case, prime, palindrome over one connection.
        TextSession => "text-session",
        /// Report 000, problem B: a cash machine with a log-in and pickled answers.
        AtmLogin => "atm-login",
        /// Report 001, problem A: one request a connection, chosen from a menu.
        TextMenu => "text-menu",
        /// Report 001, problem B: a bank with one request a connection.
        AtmCard => "atm-card",
        /// Lab 002: a joke over UDP.
        Joke => "joke",
        /// Lab 002: date and time over UDP.
        Datetime => "datetime",
        /// Lab 002: knock, knock.
        KnockKnock => "knock-knock",
        /// Lab 002: a calculator with a named session.
        Calculator => "calculator",
        /// Lab 002: a chat room.
        Chat => "chat",
        /// Lab 003: a greeting for each connection.
        Greeting => "greeting",
        /// Lab 003: messages of 16 octets.
        Sixteen => "sixteen",
        /// Lab 003, the task: three digits of length.
        LengthPrefix => "length-prefix",
        /// Lab 004: echo over TCP.
        Echo => "echo",
        /// Lab 004: accepted, until close.
        Accepted => "accepted",
        /// Lab 004: a datagram without an answer.
        Udp => "udp",
        /// The exercise in Kurose and Ross: the protocol of a cash machine.
        TextbookAtm => "textbook-atm",
    }
}

/// What implements a hand-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Implementation {
    /// A service, with the hand-out's protocol.
    Service(Mode),
    /// One of the shipped scripts, by its name.
    Script(&'static str),
}

impl Handout {
    /// The report, lab or book that prints it.
    pub fn source(self) -> &'static str {
        match self {
            Handout::TextSession => "report 000, problem A",
            Handout::AtmLogin => "report 000, problem B",
            Handout::TextMenu => "report 001, problem A",
            Handout::AtmCard => "report 001, problem B",
            Handout::Joke
            | Handout::Datetime
            | Handout::KnockKnock
            | Handout::Calculator
            | Handout::Chat => "lab 002",
            Handout::Greeting | Handout::Sixteen => "lab 003",
            Handout::LengthPrefix => "lab 003, the task",
            Handout::Echo | Handout::Accepted | Handout::Udp => "lab 004",
            Handout::TextbookAtm => "Kurose and Ross",
        }
    }

    /// A short description.
    pub fn title(self) -> &'static str {
        match self {
            Handout::TextSession => "lower case, prime, palindrome, over one connection",
            Handout::AtmLogin => "a cash machine with a log-in and pickled answers",
            Handout::TextMenu => "convert and check, one request a connection",
            Handout::AtmCard => "a bank, one request a connection",
            Handout::Joke => "a UDP joke",
            Handout::Datetime => "date and time",
            Handout::KnockKnock => "Knock Knock.. / Whose there?",
            Handout::Calculator => "a calculator with a named session",
            Handout::Chat => "a chat room",
            Handout::Greeting => "a greeting of 28 octets",
            Handout::Sixteen => "messages of 16 octets",
            Handout::LengthPrefix => "messages behind three digits of length",
            Handout::Echo => "echo",
            Handout::Accepted => "accepted, until close",
            Handout::Udp => "a datagram without an answer",
            Handout::TextbookAtm => "the cash machine of the textbook's exercise",
        }
    }

    /// The printed port. Two have none, and get that of the service; the book names none either, and
    /// 2525 is the one that courses use.
    pub fn port(self) -> u16 {
        match self {
            Handout::TextSession | Handout::AtmLogin => 9005,
            Handout::TextMenu | Handout::AtmCard => 1234,
            Handout::Joke | Handout::Datetime => 43387,
            Handout::KnockKnock => Mode::Script.default_port(),
            Handout::Calculator => Mode::Calc.default_port(),
            Handout::Chat => 5000,
            Handout::Greeting => 1027,
            Handout::Sixteen | Handout::LengthPrefix => 8888,
            Handout::Echo | Handout::Udp => 65432,
            Handout::Accepted => 8000,
            Handout::TextbookAtm => 2525,
        }
    }

    /// The transport.
    pub fn transport(self) -> Transport {
        match self {
            Handout::Joke | Handout::Datetime | Handout::Udp => Transport::Udp,
            _ => Transport::Tcp,
        }
    }

    /// How a service with its protocol frames messages over TCP; a script has a framing of its own.
    pub fn framing(self) -> Framing {
        match self {
            Handout::TextbookAtm => Framing::Line,
            _ => Framing::Raw,
        }
    }

    /// The service or the script that implements it.
    pub fn implementation(self) -> Implementation {
        match self {
            Handout::TextSession | Handout::TextMenu => Implementation::Service(Mode::Text),
            Handout::AtmLogin | Handout::AtmCard | Handout::TextbookAtm => {
                Implementation::Service(Mode::Atm)
            }
            Handout::Datetime => Implementation::Service(Mode::Datetime),
            Handout::Calculator => Implementation::Service(Mode::Calc),
            Handout::Chat => Implementation::Service(Mode::Chat),
            Handout::Echo => Implementation::Service(Mode::Echo),
            _ => Implementation::Script(self.name()),
        }
    }

    /// The service that implements it; for a script, the one that plays scripts.
    pub fn mode(self) -> Mode {
        match self.implementation() {
            Implementation::Service(mode) => mode,
            Implementation::Script(_) => Mode::Script,
        }
    }

    /// The guarantees of the native protocol that it lacks, if any besides message boundaries.
    pub fn lacks(self) -> Option<&'static str> {
        match self {
            Handout::AtmLogin | Handout::TextbookAtm => Some(
                "no ids: a withdrawal whose answer is lost cannot be asked for again; no lock after \
                 wrong passwords; the ledger is thrown away unless --ledger names one",
            ),
            Handout::AtmCard => Some(
                "no ids: a withdrawal that is sent again is done again; a card number alone gives \
                 the balance and the money; no lock after wrong passwords; the ledger is thrown \
                 away unless --ledger names one",
            ),
            Handout::Calculator => {
                Some("binary floating point: 0.1 + 0.2 is 0.30000000000000004 here")
            }
            Handout::TextMenu => Some("only the first word is converted"),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Script, Shipped};

    #[test]
    fn every_script_is_shipped_and_travels_as_the_hand_out_does() {
        for handout in Handout::ALL {
            match handout.implementation() {
                Implementation::Script(name) => {
                    let script: Script = Shipped::find(name).unwrap().source.parse().unwrap();
                    assert_eq!(script.transport(), handout.transport(), "{name}");
                }
                Implementation::Service(mode) => {
                    assert!(mode.transports().contains(&handout.transport()), "{mode:?}");
                }
            }
        }
    }
}
