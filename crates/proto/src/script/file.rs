//! Reads a [`Script`] from TOML. A duplicate or misspelt key is refused with its line, because a
//! silently ignored rule is hard to find.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::num::NonZeroUsize;
use core::str::FromStr;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use toml::Spanned;

use super::check;
use super::{
    MAX_RAW, MAX_RULES, MAX_SENDS, MAX_SIZE, Receive, Rule, START, Script, ScriptError, SideScript,
    Then, Turn,
};
use crate::frame::Framing;
use crate::mode::Transport;
use crate::printable::printable;

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ScriptTable {
    title: String,
    transport: Transport,
    wire: Option<Spanned<String>>,
    server: Option<Spanned<PartTable>>,
    client: Option<Spanned<PartTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct PartTable {
    read: Option<Spanned<usize>>,
    read_at_most: Option<Spanned<usize>>,
    #[serde(default)]
    repeat: bool,
    on_connect: Option<Spanned<TurnTable>>,
    #[serde(default)]
    on: Vec<Spanned<RuleTable>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct TurnTable {
    #[serde(default)]
    send: Texts,
    ask: Option<String>,
    #[serde(default)]
    close: bool,
    #[serde(default)]
    await_close: bool,
}

/// Serde cannot both flatten a table and refuse unknown keys, hence the keys of [`TurnTable`]
/// again.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct RuleTable {
    receive: Option<String>,
    #[serde(default)]
    any: bool,
    #[serde(default)]
    ignore_case: bool,
    state: Option<String>,
    next: Option<String>,
    #[serde(default)]
    send: Texts,
    ask: Option<String>,
    #[serde(default)]
    close: bool,
    #[serde(default)]
    await_close: bool,
}

/// One text, or a list of them.
#[derive(Default)]
struct Texts(Vec<String>);

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Texts, D::Error> {
        struct OneOrMore;

        impl<'de> Visitor<'de> for OneOrMore {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text or a list of texts")
            }

            fn visit_str<E>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(alloc::vec![text.to_string()]))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }

        deserializer.deserialize_any(OneOrMore)
    }
}

/// The line of a byte of the source.
struct Lines<'a>(&'a str);

impl Lines<'_> {
    fn at(&self, byte: usize) -> usize {
        let before = self.0.as_bytes().iter().take(byte);
        1 + before.filter(|byte| **byte == b'\n').count()
    }

    fn of<T>(&self, spanned: &Spanned<T>) -> usize {
        self.at(spanned.span().start)
    }
}

impl FromStr for Script {
    type Err = ScriptError;

    fn from_str(source: &str) -> Result<Script, ScriptError> {
        if source.len() > MAX_SIZE {
            let words = alloc::format!("a script has at most {MAX_SIZE} bytes");
            return Err(ScriptError::new(words));
        }
        let lines = Lines(source);
        let table: ScriptTable = toml::from_str(source).map_err(|error| ScriptError {
            line: error.span().map(|span| lines.at(span.start)),
            words: printable(error.message()),
        })?;
        let script = Script {
            title: printable(&table.title),
            transport: table.transport,
            framing: framing(table.transport, table.wire, &lines)?,
            server: table.server.map(|p| part(p, &lines)).transpose()?,
            client: table.client.map(|p| part(p, &lines)).transpose()?,
        };
        check::script(&script)?;
        Ok(script)
    }
}

fn framing(
    transport: Transport,
    wire: Option<Spanned<String>>,
    lines: &Lines<'_>,
) -> Result<Framing, ScriptError> {
    match (transport, wire) {
        (Transport::Tcp, Some(wire)) => Framing::parse(wire.as_ref()).ok_or_else(|| {
            ScriptError::at(
                lines.of(&wire),
                "wire is \"netstring\", \"len3\", \"line\" or \"raw\"",
            )
        }),
        (Transport::Tcp, None) => Err(ScriptError::new(
            "over tcp, wire says where messages end: \"netstring\", \"len3\", \"line\" or \"raw\"",
        )),
        // A datagram may hold what a raw message may.
        (Transport::Udp, None) => Ok(Framing::Raw),
        (Transport::Udp, Some(wire)) => Err(ScriptError::at(
            lines.of(&wire),
            "wire is for tcp: a datagram is a message by itself",
        )),
    }
}

fn part(table: Spanned<PartTable>, lines: &Lines<'_>) -> Result<SideScript, ScriptError> {
    let mut line = lines.of(&table);
    let table = table.into_inner();
    if table.on.len() > MAX_RULES {
        let words = alloc::format!("a side has at most {MAX_RULES} rules");
        return Err(ScriptError::at(line, words));
    }
    let bytes = |given: Option<Spanned<usize>>, meaning| match given {
        None => Ok(None),
        Some(given) => match NonZeroUsize::new(*given.as_ref()) {
            Some(bytes) if bytes.get() <= MAX_RAW => Ok(Some(bytes)),
            Some(_) | None => {
                let words = alloc::format!("{meaning}, 1 to {MAX_RAW}");
                Err(ScriptError::at(lines.of(&given), words))
            }
        },
    };
    let message_length = bytes(table.read, "read is the bytes of a message")?;
    let read_size = bytes(
        table.read_at_most,
        "read-at-most is the bytes that one read takes",
    )?;
    let on_connect = match table.on_connect {
        None => Turn::nothing(),
        Some(table) => {
            line = lines.of(&table);
            turn(table.into_inner(), line)?
        }
    };
    let rules = table.on.into_iter().map(|table| {
        let line = lines.of(&table);
        rule(table.into_inner(), line)
    });
    Ok(SideScript {
        on_connect,
        rules: rules.collect::<Result<_, _>>()?,
        message_length,
        read_size,
        repeats: table.repeat,
        line,
    })
}

fn turn(table: TurnTable, line: usize) -> Result<Turn, ScriptError> {
    let Texts(send) = table.send;
    if send.len() > MAX_SENDS {
        let words = alloc::format!("at most {MAX_SENDS} messages are sent at once");
        return Err(ScriptError::at(line, words));
    }
    let then = match (table.close, table.await_close) {
        (false, false) => Then::Receive,
        (false, true) => Then::AwaitClose,
        (true, false) => Then::Close,
        (true, true) => {
            let words = "close and await-close: which side is it to be?";
            return Err(ScriptError::at(line, words));
        }
    };
    Ok(Turn {
        send,
        ask: table.ask.map(|prompt| printable(&prompt)),
        then,
    })
}

fn rule(table: RuleTable, line: usize) -> Result<Rule, ScriptError> {
    let receive = match (table.receive, table.any, table.ignore_case) {
        (Some(text), false, false) => Receive::Exactly(text),
        (Some(text), false, true) => Receive::IgnoringCase(text),
        (None, true, false) => Receive::Any,
        (None, true, true) => {
            let words = "ignore-case goes with receive, not with any";
            return Err(ScriptError::at(line, words));
        }
        (Some(_), true, _) | (None, false, _) => {
            let words = "a rule has either receive = \"text\" or any = true";
            return Err(ScriptError::at(line, words));
        }
    };
    let turn = turn(
        TurnTable {
            send: table.send,
            ask: table.ask,
            close: table.close,
            await_close: table.await_close,
        },
        line,
    )?;
    if table.next.is_some() && turn.then != Then::Receive {
        let words = "no state is next once the connection is closed";
        return Err(ScriptError::at(line, words));
    }
    let state = table.state.unwrap_or_else(|| START.into());
    Ok(Rule {
        receive,
        turn,
        next: table.next.unwrap_or_else(|| state.clone()),
        state,
        line,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::script::{Player, SHIPPED};
    use proptest::prelude::*;

    fn error_of(source: &str) -> String {
        source.parse::<Script>().unwrap_err().to_string()
    }

    /// A knock-knock server with this added to its rule.
    fn with_rule(added: &str) -> String {
        alloc::format!(
            "title = 'x'\ntransport = 'tcp'\nwire = 'raw'\n[[server.on]]\nreceive = 'a'\n{added}"
        )
    }

    #[test]
    fn what_is_misspelt_is_refused_with_its_line() {
        for (source, line, words) in [
            (with_rule("recieve = 'b'"), 6, "unknown field `recieve`"),
            (with_rule("send = 3"), 6, "a text or a list of texts"),
            (with_rule("send = 'a"), 6, "string"),
            (with_rule("[sever]"), 6, "unknown field `sever`"),
            (with_rule("any = true"), 4, "either receive"),
            (
                with_rule("close = true\nawait-close = true"),
                4,
                "which side",
            ),
            (with_rule("next = 'a'\nclose = true"), 4, "no state is next"),
            (
                "title = 'x'\ntransport = 'sctp'".into(),
                2,
                "unknown variant",
            ),
            (
                "title = 'x'\ntransport = 'tcp'\nwire = 'xml'".into(),
                3,
                "wire is",
            ),
            (
                "title = 'x'\ntransport = 'udp'\nwire = 'raw'".into(),
                3,
                "wire is for tcp",
            ),
        ] {
            let error = error_of(&source);
            let begins = alloc::format!("line {line}: ");
            assert!(error.starts_with(&begins), "{source}\n{error}");
            assert!(error.contains(words), "{source}\n{error}");
        }
    }

    #[test]
    fn a_script_is_bounded() {
        let header = "title = 'x'\ntransport = 'tcp'\nwire = 'raw'\n";
        let rules: String = (0..=MAX_RULES)
            .map(|n| alloc::format!("[[server.on]]\nreceive = '{n}'\n"))
            .collect();
        assert!(error_of(&alloc::format!("{header}{rules}")).contains("at most 256 rules"));
        let sends = "'a',".repeat(MAX_SENDS + 1);
        assert!(error_of(&with_rule(&alloc::format!("send = [{sends}]"))).contains("at most 16"));
        assert!(error_of(&" ".repeat(MAX_SIZE + 1)).contains("at most 65536 bytes"));
        for read in ["0", "1025"] {
            let source = alloc::format!("{header}[server]\nread = {read}");
            assert!(error_of(&source).starts_with("line 5: read is"), "{read}");
            let source = alloc::format!("{header}[client]\nread-at-most = {read}");
            assert!(
                error_of(&source).starts_with("line 5: read-at-most is"),
                "{read}"
            );
        }
    }

    #[test]
    fn deep_nesting_is_refused_not_recursed_into() {
        let nested = alloc::format!("title = {}", "[".repeat(MAX_SIZE - 100));
        assert!(!error_of(&nested).is_empty());
    }

    #[test]
    fn titles_and_prompts_cannot_steer_a_terminal() {
        let source = with_rule("close = true").replace("'x'", "\"\\u001b[2J\"");
        assert_eq!(source.parse::<Script>().unwrap().title(), "\\u{1b}[2J");
    }

    proptest! {
        #[test]
        fn no_damage_to_a_script_makes_the_reader_panic(
            which in 0..SHIPPED.len(), at in any::<prop::sample::Index>(), put in "[ -~\n]{0,3}",
            length in 0usize..9,
        ) {
            let source = SHIPPED[which].source;
            let start = at.index(source.len());
            let end = (start + length).min(source.len());
            let damaged = [&source[..start], &put, &source[end..]].concat();
            let _ = damaged.parse::<Script>();
        }

        #[test]
        fn no_message_makes_a_player_panic(
            which in 0..SHIPPED.len(), messages in prop::collection::vec(
                prop::collection::vec(any::<u8>(), 0..40), 0..5),
        ) {
            let script: Script = SHIPPED[which].source.parse().unwrap();
            for part in script.parts() {
                let mut player = Player::new(part);
                player.connected();
                for message in &messages {
                    let _ = player.received(message);
                }
                let _ = player.closed();
            }
        }
    }
}
