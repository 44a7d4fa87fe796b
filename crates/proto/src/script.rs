//! A scripted exchange, as data: each side's first messages, and its answer to each message.
//!
//! ```
//! use proto::script::{Player, Script, Then};
//!
//! let script: Script = r#"
//!     title = "Knock Knock.. / Whose there?"
//!     transport = "tcp"
//!     wire = "raw"
//!
//!     [client]
//!     on-connect = { send = "Knock Knock.." }
//!
//!     [[client.on]]
//!     receive = "Whose there?"
//!     close = true
//!
//!     [[server.on]]
//!     receive = "Knock Knock.."
//!     send = "Whose there?"
//!     close = true
//! "#.parse().unwrap();
//!
//! let mut server = Player::new(script.server().unwrap());
//! assert_eq!(server.connected().then, Then::Receive);
//! let turn = server.received(b"Knock Knock..").unwrap();
//! assert_eq!((&turn.send[0][..], turn.then), ("Whose there?", Then::Close));
//! ```
//!
//! Nothing is sent that is not in the script: no `READY`, no refusals. [`Script`]'s `FromStr`
//! reads TOML and refuses what could not be played: unknown keys, unreachable rules, texts that do
//! not fit the framing. Texts are UTF-8; other bytes cannot be scripted.

mod check;
mod file;
mod player;
mod shipped;

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;

use crate::frame::Framing;
use crate::mode::Transport;

pub use player::{Player, Unexpected};
pub use shipped::{DEFAULT, SHIPPED, Shipped};

/// Longest script, in bytes. A long dialogue takes a tenth of it.
pub const MAX_SIZE: usize = 64 * 1024;

/// Maximal number of rules of one side, which are tried in order for each message.
pub const MAX_RULES: usize = 256;

/// Maximal number of messages sent in one turn. In raw framing there is a pause between them,
/// during which nothing is received.
pub const MAX_SENDS: usize = 16;

/// Longest message in raw framing and over UDP, in bytes: the hand-outs' programs read no more.
pub const MAX_RAW: usize = 1024;

/// An exchange: the parts of one side or of both.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    title: String,
    transport: Transport,
    framing: Framing,
    server: Option<SideScript>,
    client: Option<SideScript>,
}

/// What one side does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SideScript {
    on_connect: Turn,
    rules: Vec<Rule>,
    message_length: Option<NonZeroUsize>,
    read_size: Option<NonZeroUsize>,
    repeats: bool,
    /// Its line in the source.
    line: usize,
}

/// The turn that answers a message in a state, and the next state.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    state: String,
    receive: Receive,
    turn: Turn,
    next: String,
    /// Its line in the source.
    line: usize,
}

/// The messages that a rule matches.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Receive {
    Any,
    Exactly(String),
    IgnoringCase(String),
}

/// The actions of a side in its turn, in the order of the fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The messages to send, one by one.
    pub send: Vec<String>,
    /// The prompt for one more message from the user.
    pub ask: Option<String>,
    /// The end of the turn.
    pub then: Then,
}

/// How a turn ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    /// The other side sends.
    Receive,
    /// The other side closes.
    AwaitClose,
    /// This side closes.
    Close,
}

/// Why a text is not a script, and the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptError {
    line: Option<usize>,
    words: String,
}

/// The initial state of every connection.
const START: &str = "start";

impl Script {
    /// A short description.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The transport.
    pub fn transport(&self) -> Transport {
        self.transport
    }

    /// The framing, over TCP. Over UDP a message is a datagram.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// The server's part, if the script has one.
    pub fn server(&self) -> Option<&SideScript> {
        self.server.as_ref()
    }

    /// The client's part, if the script has one.
    pub fn client(&self) -> Option<&SideScript> {
        self.client.as_ref()
    }

    /// The same exchange in another framing. Over UDP there is none to change.
    ///
    /// # Errors
    /// When its texts do not fit that framing, or it counts bytes, which only raw does.
    pub fn in_framing(mut self, framing: Framing) -> Result<Script, ScriptError> {
        if self.transport == Transport::Tcp {
            self.framing = framing;
            check::texts(&self)?;
        }
        Ok(self)
    }

    fn parts(&self) -> impl Iterator<Item = &SideScript> {
        self.server.iter().chain(&self.client)
    }
}

impl SideScript {
    /// In raw framing: the length of every message this side receives, if the script sets it.
    pub fn message_length(&self) -> Option<NonZeroUsize> {
        self.message_length
    }

    /// Over TCP: the maximal size of a read in bytes, if the script sets it.
    pub fn read_size(&self) -> Option<NonZeroUsize> {
        self.read_size
    }

    /// For each rule, the messages that lead to it from the beginning of a connection, the last one of
    /// which it takes. Where any message will do, that is `any`.
    pub fn ways(&self, any: &str) -> Vec<Vec<String>> {
        let mut ways: Vec<Vec<String>> = Vec::new();
        // The states that were reached, and how.
        let mut reached = Vec::new();
        if self.on_connect.then == Then::Receive {
            reached.push((START, Vec::new()));
        }
        let mut next = 0;
        while let Some((state, way)) = reached.get(next).cloned() {
            next += 1;
            for rule in self.rules.iter().filter(|rule| rule.state == state) {
                let message = rule.receive.example(any);
                let way: Vec<String> = way.iter().cloned().chain([message]).collect();
                let is_new = !reached.iter().any(|(state, _)| *state == rule.next);
                if rule.turn.then == Then::Receive && is_new {
                    reached.push((&rule.next, way.clone()));
                }
                ways.push(way);
            }
        }
        ways
    }

    /// Whether a connection begins with a message that some rule takes, whatever it is.
    pub fn takes_any_first(&self) -> bool {
        let mut first = self.rules.iter().filter(|rule| rule.state == START);
        first.any(|rule| rule.receive == Receive::Any)
    }

    /// The prompt for the first line, if the client plays again, on a new connection, for each
    /// line it is given.
    pub fn prompt_for_repeat(&self) -> Option<&str> {
        let prompt = self.on_connect.ask.as_deref();
        prompt.filter(|_| self.repeats)
    }
}

impl Turn {
    fn nothing() -> Turn {
        Turn {
            send: Vec::new(),
            ask: None,
            then: Then::Receive,
        }
    }
}

impl Receive {
    /// A message that it takes; where that is any message, this one.
    fn example(&self, any: &str) -> String {
        match self {
            Receive::Any => any.into(),
            Receive::Exactly(text) => text.clone(),
            // In another case than it is written in, where that has the same letters.
            Receive::IgnoringCase(text) => match text.to_uppercase() {
                upper if upper.to_lowercase() == text.to_lowercase() => upper,
                _ => text.clone(),
            },
        }
    }

    fn takes(&self, message: &[u8]) -> bool {
        match self {
            Receive::Any => true,
            Receive::Exactly(text) => text.as_bytes() == message,
            Receive::IgnoringCase(text) => str::from_utf8(message)
                .is_ok_and(|message| text.to_lowercase() == message.to_lowercase()),
        }
    }

    fn begins_with(&self, bytes: &[u8]) -> bool {
        match self {
            Receive::Any => true,
            Receive::Exactly(text) => text.as_bytes().starts_with(bytes),
            Receive::IgnoringCase(text) => str::from_utf8(bytes)
                .is_ok_and(|bytes| text.to_lowercase().starts_with(&bytes.to_lowercase())),
        }
    }

    fn text(&self) -> Option<&str> {
        match self {
            Receive::Any => None,
            Receive::Exactly(text) | Receive::IgnoringCase(text) => Some(text),
        }
    }

    fn describe(&self) -> String {
        match self {
            Receive::Any => "anything".into(),
            Receive::Exactly(text) => player::reported(text.as_bytes()),
            Receive::IgnoringCase(text) => {
                alloc::format!("{} in any case", player::reported(text.as_bytes()))
            }
        }
    }
}

impl ScriptError {
    fn new(words: impl Into<String>) -> ScriptError {
        ScriptError {
            line: None,
            words: words.into(),
        }
    }

    fn at(line: usize, words: impl Into<String>) -> ScriptError {
        ScriptError {
            line: Some(line),
            words: words.into(),
        }
    }
}

impl fmt::Display for ScriptError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(f, "line {line}: ")?;
        }
        f.write_str(&self.words)
    }
}

impl core::error::Error for ScriptError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn there_is_a_way_to_every_rule() {
        let script: Script = r#"
            title = "two questions"
            transport = "tcp"
            wire = "line"

            [[server.on]]
            receive = "nobody"
            ignore-case = true
            close = true

            [[server.on]]
            any = true
            send = "What do you want?"
            next = "asked"

            [[server.on]]
            state = "asked"
            receive = "tea"
            close = true
        "#
        .parse()
        .unwrap();
        let server = script.server().unwrap();
        assert_eq!(
            server.ways("x"),
            [&["NOBODY"][..], &["x"], &["x", "tea"]].map(|way| way.to_vec())
        );
        assert!(server.takes_any_first());
        let script: Script = Shipped::find("knock-knock")
            .unwrap()
            .source
            .parse()
            .unwrap();
        assert!(!script.server().unwrap().takes_any_first());
        assert_eq!(script.server().unwrap().ways("x"), [["Knock Knock.."]]);
    }

    #[test]
    fn another_framing_must_fit_the_script() {
        let script: Script = Shipped::find("accepted").unwrap().source.parse().unwrap();
        let raw = script.clone().in_framing(Framing::Raw).unwrap();
        assert_eq!(raw.framing(), Framing::Raw);
        assert_eq!(raw.server(), script.server());
        let sixteen: Script = Shipped::find("sixteen").unwrap().source.parse().unwrap();
        let error = sixteen.in_framing(Framing::Line).unwrap_err();
        assert!(error.to_string().contains("read"), "{error}");
    }
}
