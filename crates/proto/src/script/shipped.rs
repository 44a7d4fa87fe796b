//! The scripts that come with the programs: the hand-outs' tutorial exchanges, byte for byte.

/// A script that comes with the programs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shipped {
    /// The word on the command line.
    pub name: &'static str,
    /// The script itself, in TOML.
    pub source: &'static str,
}

/// The name of the default script.
pub const DEFAULT: &str = "knock-knock";

macro_rules! shipped {
    ($name:literal) => {
        Shipped {
            name: $name,
            source: include_str!(concat!("../../../../examples/scripts/", $name, ".toml")),
        }
    };
}

/// All of them.
pub const SHIPPED: [Shipped; 7] = [
    shipped!("accepted"),
    shipped!("greeting"),
    shipped!("joke"),
    shipped!("knock-knock"),
    shipped!("length-prefix"),
    shipped!("sixteen"),
    shipped!("udp"),
];

impl Shipped {
    /// The script with this name, if there is one.
    pub fn find(name: &str) -> Option<Shipped> {
        SHIPPED.into_iter().find(|shipped| shipped.name == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mode::Transport;
    use crate::script::{Player, Script, Then, Turn};
    use alloc::string::String;
    use alloc::vec::Vec;

    /// Plays both sides against each other, with these lines of input. Returns
    /// all messages.
    fn play(script: &Script, lines: &[&str]) -> Vec<String> {
        let mut lines = lines.iter();
        let mut said = Vec::new();
        let mut server = Player::new(script.server().unwrap());
        let mut client = Player::new(script.client().unwrap());
        let mut say = |turn: &Turn, name: &str| -> Vec<String> {
            let asked = turn.ask.as_ref().map(|_| (*lines.next().unwrap()).into());
            let messages: Vec<String> = turn.send.iter().cloned().chain(asked).collect();
            said.extend(messages.iter().map(|text| alloc::format!("{name}: {text}")));
            messages
        };
        let (mut to_client, mut to_server) = (Vec::new(), Vec::new());
        let mut server_turn = server.connected();
        let mut client_turn = client.connected();
        to_client.extend(say(server_turn, "S"));
        to_server.extend(say(client_turn, "C"));
        while !to_server.is_empty() || !to_client.is_empty() {
            for text in core::mem::take(&mut to_server) {
                server_turn = server.received(text.as_bytes()).unwrap();
                to_client.extend(say(server_turn, "S"));
            }
            for text in core::mem::take(&mut to_client) {
                let read = script.client().unwrap().message_length();
                let text = &text.as_bytes()[..read.map_or(text.len(), |read| read.get())];
                client_turn = client.received(text).unwrap();
                to_server.extend(say(client_turn, "C"));
            }
        }
        if script.transport() == Transport::Tcp {
            let ends = [server_turn.then, client_turn.then];
            assert!(ends.contains(&Then::Close), "one side closes");
            assert!(
                !ends.contains(&Then::Receive),
                "neither side is left waiting"
            );
        }
        said
    }

    #[test]
    fn the_tutorial_exchanges_are_these_bytes() {
        let joke = "C: I could tell you a UDP joke but I'm not sure you'll get it.";
        assert_eq!(joke.len() - "C: ".len(), 59);
        for (name, lines, expected) in [
            (
                "accepted",
                &["hi", "CLOSED", "cLoSe"][..],
                &[
                    "C: hi",
                    "S: accepted",
                    "C: CLOSED",
                    "S: accepted",
                    "C: cLoSe",
                    "S: closed",
                ][..],
            ),
            ("greeting", &[], &["S: Socket programming in python"]),
            ("joke", &[], &[joke, "S: Ok"]),
            ("knock-knock", &[], &["C: Knock Knock..", "S: Whose there?"]),
            ("length-prefix", &[""], &["C: ", "S: BYE BYE CLIENT..."]),
            (
                "sixteen",
                &[],
                &["C: Hello!! Server!!", "S: BYE BYE CLIENT..."],
            ),
            ("udp", &[], &["C: Hello, world"]),
        ] {
            let script: Script = Shipped::find(name).unwrap().source.parse().unwrap();
            assert_eq!(play(&script, lines), expected, "{name}");
        }
    }

    #[test]
    fn every_shipped_script_can_be_played_and_has_a_name_of_its_own() {
        let names: alloc::collections::BTreeSet<_> = SHIPPED.iter().map(|s| s.name).collect();
        assert_eq!(names.len(), SHIPPED.len());
        assert!(names.contains(DEFAULT));
        assert!(!names.contains("list"), "the word that lists them");
        for shipped in SHIPPED {
            let script: Script = shipped.source.parse().unwrap();
            assert!(!script.title().is_empty(), "{}", shipped.name);
        }
    }
}
