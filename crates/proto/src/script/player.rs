//! One side of a script, as a state machine without IO.

use alloc::string::String;
use alloc::vec::Vec;

use super::{Rule, START, SideScript, Then, Turn};
use crate::printable::printable;

/// Longest excerpt of a message in a report, in characters: two of them fit a terminal's screen.
const REPORTED: usize = 200;

/// Plays one side: maps each event to the next turn.
#[derive(Debug, Clone)]
pub struct Player<'s> {
    part: &'s SideScript,
    state: &'s str,
    then: Then,
}

/// The other side departed from the script.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected {expected}, got {got}")]
pub struct Unexpected {
    expected: String,
    got: String,
}

impl Unexpected {
    /// What the script expects next.
    pub fn expected(&self) -> &str {
        &self.expected
    }
}

impl<'s> Player<'s> {
    /// A player in the initial state.
    pub fn new(part: &'s SideScript) -> Player<'s> {
        Player {
            part,
            state: START,
            then: Then::Receive,
        }
    }

    /// The first turn, once connected.
    pub fn connected(&mut self) -> &'s Turn {
        self.then = self.part.on_connect.then;
        &self.part.on_connect
    }

    /// The turn that answers a message.
    ///
    /// # Errors
    /// When the script has none; the state is then unchanged.
    pub fn received(&mut self, message: &[u8]) -> Result<&'s Turn, Unexpected> {
        let found = match self.then {
            Then::Receive => self.rules().find(|rule| rule.receive.takes(message)),
            Then::AwaitClose | Then::Close => None,
        };
        let rule = found.ok_or_else(|| self.instead(reported(message)))?;
        self.state = &rule.next;
        self.then = rule.turn.then;
        Ok(&rule.turn)
    }

    /// Whether these bytes are a proper prefix of an expected message: in raw framing the rest may
    /// still be in flight.
    pub fn expects_more_than(&self, bytes: &[u8]) -> bool {
        self.then == Then::Receive
            && !self.rules().any(|rule| rule.receive.takes(bytes))
            && self.rules().any(|rule| rule.receive.begins_with(bytes))
    }

    /// The other side closed.
    ///
    /// # Errors
    /// When the script expects a message first.
    pub fn closed(&self) -> Result<(), Unexpected> {
        match self.then {
            Then::Receive => Err(self.instead("the end of the connection".into())),
            Then::AwaitClose | Then::Close => Ok(()),
        }
    }

    /// The departure that no message, or only this part of one, was received.
    pub fn waited(&self, unfinished: &[u8]) -> Unexpected {
        self.instead(match unfinished {
            [] => "nothing".into(),
            _ => alloc::format!("{} and no more", reported(unfinished)),
        })
    }

    /// Whether the script expects the other side to close.
    pub fn awaits_close(&self) -> bool {
        self.then == Then::AwaitClose
    }

    fn rules(&self) -> impl Iterator<Item = &'s Rule> + use<'s> {
        let state = self.state;
        let rules = self.part.rules.iter();
        rules.filter(move |rule| rule.state == state)
    }

    fn instead(&self, got: String) -> Unexpected {
        let expected: Vec<String> = match self.then {
            Then::Receive => self.rules().map(|rule| rule.receive.describe()).collect(),
            Then::AwaitClose | Then::Close => alloc::vec!["the end of the connection".into()],
        };
        Unexpected {
            expected: expected.join(" or "),
            got,
        }
    }
}

/// A message for a report: printable, in quotes, with its length if it is truncated.
pub(super) fn reported(message: &[u8]) -> String {
    let text = String::from_utf8_lossy(message);
    let excerpt: String = text.chars().take(REPORTED).collect();
    let shown = printable(&excerpt);
    if excerpt.len() < text.len() {
        alloc::format!("\"{shown}…\" ({} bytes)", message.len())
    } else {
        alloc::format!("\"{shown}\"")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::Script;
    use alloc::string::ToString;

    const DIALOGUE: &str = r#"
        title = "two states"
        transport = "tcp"
        wire = "line"

        [client]
        on-connect = { send = ["hello", "it is me"] }

        [[client.on]]
        receive = "name?"
        ask = "name: "
        next = "named"

        [[client.on]]
        state = "named"
        any = true
        await-close = true

        [[server.on]]
        receive = "HELLO"
        ignore-case = true

        [[server.on]]
        receive = "it is me"
        send = "name?"
        next = "named"

        [[server.on]]
        state = "named"
        any = true
        send = "welcome"
        close = true
    "#;

    #[test]
    fn a_dialogue_goes_from_state_to_state() {
        let script: Script = DIALOGUE.parse().unwrap();
        let mut server = Player::new(script.server().unwrap());
        let mut client = Player::new(script.client().unwrap());
        assert_eq!(server.connected(), &Turn::nothing());
        assert_eq!(client.connected().send, ["hello", "it is me"]);
        assert_eq!(server.received(b"hello").unwrap(), &Turn::nothing());
        assert_eq!(server.received(b"it is me").unwrap().send, ["name?"]);
        let asked = client.received(b"name?").unwrap();
        assert_eq!(asked.ask.as_deref(), Some("name: "));
        let last = server.received("Zoë".as_bytes()).unwrap();
        assert_eq!(
            (&last.send[..], last.then),
            (&["welcome".into()][..], Then::Close)
        );
        assert_eq!(client.received(b"welcome").unwrap().then, Then::AwaitClose);
        assert_eq!(client.closed(), Ok(()));
    }

    #[test]
    fn what_the_script_does_not_say_is_reported_and_changes_nothing() {
        let script: Script = DIALOGUE.parse().unwrap();
        let mut server = Player::new(script.server().unwrap());
        server.connected();
        assert_eq!(
            server.received(b"it is\x1b you").unwrap_err().to_string(),
            "expected \"HELLO\" in any case or \"it is me\", got \"it is\\u{1b} you\""
        );
        assert_eq!(
            server.closed().unwrap_err().to_string(),
            "expected \"HELLO\" in any case or \"it is me\", got the end of the connection"
        );
        assert!(server.received(b"it is me").is_ok());

        let mut client = Player::new(script.client().unwrap());
        client.connected();
        for (unfinished, words) in [("", "nothing"), ("na", "\"na\" and no more")] {
            assert_eq!(
                client.waited(unfinished.as_bytes()).to_string(),
                alloc::format!("expected \"name?\", got {words}")
            );
        }
        client.received(b"name?").unwrap();
        client.received(b"\xff").unwrap();
        assert_eq!(
            client.received(b"more").unwrap_err().to_string(),
            "expected the end of the connection, got \"more\""
        );
    }

    #[test]
    fn the_beginning_of_an_expected_message_asks_for_the_rest() {
        let script: Script = DIALOGUE.parse().unwrap();
        let mut server = Player::new(script.server().unwrap());
        server.connected();
        for (bytes, more) in [
            ("", true),
            ("hEl", true),
            ("it is", true),
            ("IT", false),
            ("hello", false),
            ("helloo", false),
            ("x", false),
        ] {
            assert_eq!(server.expects_more_than(bytes.as_bytes()), more, "{bytes}");
        }
        server.received(b"it is me").unwrap();
        // Anything is a whole message here.
        assert!(!server.expects_more_than(b"Z"));
    }

    #[test]
    fn a_long_message_is_cut_in_a_report() {
        let words = reported(&[b'x'; 5_000]);
        assert!(words.ends_with("x…\" (5000 bytes)"), "{words}");
        assert!(words.len() < REPORTED + 30);
    }
}
