//! What is checked: a case is one rule, and how it is judged.

use std::fmt;

use proto::frame::Framing;

use crate::client::Client;
use crate::dialect::Dialect;
use crate::server::Server;
use crate::verdict::Outcome;

/// One rule, and how a server or a client is judged by it.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    /// Its name within the suite, as `prime.squares`.
    pub name: &'static str,
    /// What must hold, in one sentence.
    pub rule: &'static str,
    /// The section of `docs/protocol.md` that it rests on, as its heading is linked to.
    pub section: &'static str,
    /// Whether the protocol demands it.
    pub level: Level,
    /// What it is worth.
    pub points: u32,
    /// How long it takes with a server that keeps the rule, in seconds, roughly.
    pub seconds: u32,
    /// Why programs fail it, where there is one usual reason; or nothing.
    pub cause: &'static str,
    /// The framings in which it can be judged.
    pub framings: &'static [Framing],
    /// Whether it can be judged of a client that somebody starts by hand: it is neither killed, nor is
    /// its exit status known, nor more than a few lines typed.
    pub by_hand: bool,
    /// Whether it needs a server that has just started, and has served no other case.
    pub needs_fresh: bool,
    /// Judges the program.
    pub judge: Judge,
}

/// How a program is judged.
#[derive(Debug, Clone, Copy)]
pub enum Judge {
    /// A server.
    Server(fn(&Server) -> Outcome),
    /// A client.
    Client(fn(&Client) -> Outcome),
}

/// How much a rule counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// The protocol demands it.
    Must,
    /// The protocol recommends it, or experience does.
    Should,
}

/// The framings that tell where a message ends.
pub const DELIMITED: &[Framing] = &[Framing::Netstring, Framing::Len3, Framing::Line];

/// The framings with a length before each message.
pub const PREFIXED: &[Framing] = &[Framing::Netstring, Framing::Len3];

impl Case {
    /// Its id, as `text.prime.squares`: stable, and of no other case of this half.
    pub fn id(&self, dialect: &Dialect) -> String {
        format!("{}.{}", dialect.name(), self.name)
    }

    /// A rule of this section that the protocol demands.
    pub const fn must(
        name: &'static str,
        section: &'static str,
        rule: &'static str,
        judge: fn(&Server) -> Outcome,
    ) -> Case {
        Case::new(name, section, rule, Judge::Server(judge))
    }

    /// A rule of this section that the protocol demands of a client.
    pub const fn client_must(
        name: &'static str,
        section: &'static str,
        rule: &'static str,
        judge: fn(&Client) -> Outcome,
    ) -> Case {
        Case::new(name, section, rule, Judge::Client(judge))
    }

    /// A rule of this section that is recommended to a client.
    pub const fn client_should(
        name: &'static str,
        section: &'static str,
        rule: &'static str,
        judge: fn(&Client) -> Outcome,
    ) -> Case {
        let case = Case::client_must(name, section, rule, judge);
        Case {
            level: Level::Should,
            ..case
        }
    }

    const fn new(
        name: &'static str,
        section: &'static str,
        rule: &'static str,
        judge: Judge,
    ) -> Case {
        Case {
            name,
            rule,
            section,
            level: Level::Must,
            points: 1,
            seconds: 0,
            cause: "",
            framings: &Framing::ALL,
            by_hand: false,
            needs_fresh: false,
            judge,
        }
    }

    /// A rule of this section that is recommended.
    pub const fn should(
        name: &'static str,
        section: &'static str,
        rule: &'static str,
        judge: fn(&Server) -> Outcome,
    ) -> Case {
        let case = Case::must(name, section, rule, judge);
        Case {
            level: Level::Should,
            ..case
        }
    }

    /// Worth this much.
    pub const fn points(self, points: u32) -> Case {
        Case { points, ..self }
    }

    /// Takes about this many seconds.
    pub const fn seconds(self, seconds: u32) -> Case {
        Case { seconds, ..self }
    }

    /// Usually fails for this reason.
    pub const fn cause(self, cause: &'static str) -> Case {
        Case { cause, ..self }
    }

    /// Of a client that is started by hand as well.
    pub const fn by_hand(self) -> Case {
        Case {
            by_hand: true,
            ..self
        }
    }

    /// Only in these framings.
    pub const fn framings(self, framings: &'static [Framing]) -> Case {
        Case { framings, ..self }
    }

    /// On a server that has just started: what other cases leave would change the answers.
    pub const fn fresh(self) -> Case {
        Case {
            needs_fresh: true,
            ..self
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Level::Must => "must",
            Level::Should => "should",
        })
    }
}
