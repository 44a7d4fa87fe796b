//! Exchanges as a document shows them.
//!
//! A fenced block `exchange HEADER` holds lines `C: …` and `S: …`, one a message. `C half-closes`,
//! `C closes` and `S closes` are the ends of the stream. A character behind the letter is the client's
//! name, where there are several: `C1:` and `S1:`, `C2:` and `S2:`.

/// The beginning of a block, up to its header.
const FENCE: &str = "```exchange ";

/// One exchange of a document.
#[derive(Debug)]
pub struct Exchange<'d> {
    /// What stands behind `exchange`.
    pub header: &'d str,
    /// Its lines.
    pub turns: Vec<Turn<'d>>,
}

/// One line of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turn<'d> {
    /// Whether it is the client's.
    pub is_client: bool,
    /// The client's name, `1` where there is no other.
    pub client: char,
    /// A message, or the end of the stream.
    pub said: Option<&'d str>,
}

/// The exchanges of this document.
pub fn exchanges(document: &str) -> Vec<Exchange<'_>> {
    let mut found = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        let Some(header) = line.strip_prefix(FENCE) else {
            continue;
        };
        let block = lines.by_ref().take_while(|line| *line != "```");
        found.push(Exchange {
            header,
            turns: block.filter_map(turn).collect(),
        });
    }
    found
}

fn turn(line: &str) -> Option<Turn<'_>> {
    let (who, said) = match line.split_once(": ") {
        Some((who, said)) => (who, Some(said)),
        None => match line.split_once(' ')? {
            (who, "closes" | "half-closes") => (who, None),
            _ => return None,
        },
    };
    let mut who = who.chars();
    Some(Turn {
        is_client: match who.next()? {
            'C' => true,
            'S' => false,
            _ => return None,
        },
        client: who.next().unwrap_or('1'),
        said,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_messages_and_ends_of_clients() {
        let document =
            "text\n```exchange echo\nC: a: b\nS2: \nC closes\nSa closes\n```\nC: not this\n";
        let found = exchanges(document);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].header, "echo");
        let turn = |is_client, client, said| Turn {
            is_client,
            client,
            said,
        };
        assert_eq!(
            found[0].turns,
            [
                turn(true, '1', Some("a: b")),
                turn(false, '2', Some("")),
                turn(true, '1', None),
                turn(false, 'a', None),
            ]
        );
    }
}
