//! The exchanges that a document shows, to be played against the services.
//!
//! A fenced block `exchange HEADER` or `bytes HEADER` holds lines `C: …` and `S: …`, one a message.
//! `C half-closes`, `C closes` and `S closes` are the ends of the stream. A character behind the
//! letter is the client's name, where there are several: `C1:` and `S1:`, `C2:` and `S2:`.

use std::collections::BTreeMap;

use testkit::peer::receive_from;
use testkit::service::Service;

/// One exchange of a document.
pub struct Exchange {
    pub line: usize,
    pub is_bytes: bool,
    /// The words of the header.
    pub header: Vec<&'static str>,
    pub turns: Vec<Turn>,
}

/// One line of it.
pub struct Turn {
    pub is_client: bool,
    /// The client's name, `1` where there is no other.
    pub client: char,
    /// A message, or the end of the stream.
    pub said: Option<&'static str>,
}

pub fn exchanges(document: &'static str) -> Vec<Exchange> {
    let mut found = Vec::new();
    let mut open: Option<Exchange> = None;
    for (number, line) in document.lines().enumerate() {
        match &mut open {
            Some(exchange) if line != "```" => exchange.turns.push(turn(line)),
            Some(_) => found.extend(open.take()),
            None => {
                let mut words = line.split(' ');
                let is_bytes = match words.next() {
                    Some("```exchange") => false,
                    Some("```bytes") => true,
                    _ => continue,
                };
                open = Some(Exchange {
                    line: number + 1,
                    is_bytes,
                    header: words.collect(),
                    turns: Vec::new(),
                });
            }
        }
    }
    found
}

fn turn(line: &'static str) -> Turn {
    let (who, said) = match line.split_once(": ") {
        Some((who, said)) => (who, Some(said)),
        None => match line.split_once(' ') {
            Some((who, "closes" | "half-closes")) => (who, None),
            _ => panic!("{line:?}"),
        },
    };
    let mut who = who.chars();
    let side = who.next().unwrap();
    assert!(matches!(side, 'C' | 'S'), "{line:?}");
    Turn {
        is_client: side == 'C',
        client: who.next().unwrap_or('1'),
        said,
    }
}

impl Exchange {
    pub fn play_datagrams(&self, server: &Service, bytes: impl Fn(&str) -> Vec<u8>) {
        let mut sockets = BTreeMap::new();
        for turn in &self.turns {
            let said = bytes(turn.said.expect("a datagram has no end"));
            let socket = sockets.entry(turn.client);
            let socket = socket.or_insert_with(|| server.datagrams());
            match turn.is_client {
                true => drop(socket.send(&said).unwrap()),
                false => self.is_as_written(&receive_from(socket).0, &said),
            }
        }
    }

    pub fn is_as_written(&self, heard: &[u8], expected: &[u8]) {
        let [heard, expected] = [heard, expected].map(|bytes| bytes.escape_ascii().to_string());
        assert_eq!(heard, expected, "in the exchange at line {}", self.line);
    }
}
