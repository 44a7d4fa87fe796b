//! Checks that a script that can be read can be played.

use alloc::string::ToString;

use super::{Rule, START, Script, ScriptError, SideScript, Then, Turn};
use crate::frame::Framing;
use crate::mode::Transport;

/// Bytes of the IP and UDP headers around a datagram.
const UDP_HEADERS: usize = 28;

/// The maximal ratio of an answer's length to its request's over UDP: the source of a request may
/// be forged to hit another host. QUIC has the same limit (RFC 9000, section 8.1).
const AMPLIFICATION: usize = 3;

/// Checks a script before it is played.
pub(super) fn script(script: &Script) -> Result<(), ScriptError> {
    if script.server.is_none() && script.client.is_none() {
        return Err(ScriptError::new("neither [server] nor [client] is there"));
    }
    for part in script.parts() {
        states(part)?;
        hidden_rules(part)?;
    }
    if let Some(server) = &script.server {
        has_no_prompts(server)?;
    }
    if let Some(client) = &script.client {
        repeats_with_a_person(client)?;
    }
    if script.transport == Transport::Udp {
        datagrams(script)?;
    }
    texts(script)
}

/// Every text fits the framing, and a message of a known length can be the one that is expected.
pub(super) fn texts(script: &Script) -> Result<(), ScriptError> {
    let framing = script.framing;
    for part in script.parts() {
        if part.message_length.is_some()
            && (framing != Framing::Raw || script.transport == Transport::Udp)
        {
            let words = "read counts the bytes of a message, which is for tcp with wire = \"raw\"";
            return Err(ScriptError::at(part.line, words));
        }
        if part.read_size.is_some() && script.transport == Transport::Udp {
            let words = "read-at-most cuts a stream, which is for tcp: a datagram is read whole";
            return Err(ScriptError::at(part.line, words));
        }
        for (turn, line) in turns(part) {
            for text in &turn.send {
                fits(framing, text, line)?;
            }
        }
        for rule in &part.rules {
            let Some(text) = rule.receive.text() else {
                continue;
            };
            fits(framing, text, rule.line)?;
            if let Some(length) = part.message_length
                && length.get() != text.len()
            {
                let words = alloc::format!(
                    "receive has {} bytes and can never come: read says {length}",
                    text.len()
                );
                return Err(ScriptError::at(rule.line, words));
            }
        }
    }
    Ok(())
}

fn fits(framing: Framing, text: &str, line: usize) -> Result<(), ScriptError> {
    let mut bytes = alloc::vec::Vec::new();
    framing
        .encode(text.as_bytes(), &mut bytes)
        .map_err(|error| ScriptError::at(line, error.to_string()))
}

fn turns(part: &SideScript) -> impl Iterator<Item = (&Turn, usize)> {
    let on_connect = core::iter::once((&part.on_connect, part.line));
    on_connect.chain(part.rules.iter().map(|rule| (&rule.turn, rule.line)))
}

/// Every state has a rule and is reachable by name.
fn states(part: &SideScript) -> Result<(), ScriptError> {
    let exists = |state: &str| part.rules.iter().any(|rule| rule.state == state);
    if part.on_connect.then == Then::Receive && !exists(START) {
        let words = "after connecting it waits for a message, but has no rule for any";
        return Err(ScriptError::at(part.line, words));
    }
    for rule in &part.rules {
        if rule.turn.then == Then::Receive && !exists(&rule.next) {
            let words = alloc::format!("next: no rule has the state {:?}", rule.next);
            return Err(ScriptError::at(rule.line, words));
        }
        let leads_here = |other: &Rule| other.next == rule.state && other.state != rule.state;
        if rule.state != START && !part.rules.iter().any(leads_here) {
            let words = alloc::format!("state: no rule leads to {:?}", rule.state);
            return Err(ScriptError::at(rule.line, words));
        }
    }
    Ok(())
}

/// No rule follows one that matches all of its messages.
fn hidden_rules(part: &SideScript) -> Result<(), ScriptError> {
    for (position, rule) in part.rules.iter().enumerate() {
        let hides = |earlier: &&Rule| {
            earlier.state == rule.state
                && match rule.receive.text() {
                    Some(text) => earlier.receive.takes(text.as_bytes()),
                    None => earlier.receive.text().is_none(),
                }
        };
        if let Some(earlier) = part.rules[..position].iter().find(hides) {
            let words = alloc::format!(
                "never reached: the rule in line {} takes this message",
                earlier.line
            );
            return Err(ScriptError::at(rule.line, words));
        }
    }
    Ok(())
}

fn has_no_prompts(server: &SideScript) -> Result<(), ScriptError> {
    if server.repeats {
        let words = "repeat is for the client: a server serves every connection anyway";
        return Err(ScriptError::at(server.line, words));
    }
    match turns(server).find(|(turn, _)| turn.ask.is_some()) {
        Some((_, line)) => {
            let words = "ask is for the client: a server has no user";
            Err(ScriptError::at(line, words))
        }
        None => Ok(()),
    }
}

/// Otherwise it would connect without end.
fn repeats_with_a_person(client: &SideScript) -> Result<(), ScriptError> {
    if client.repeats && client.on_connect.ask.is_none() {
        let words = "repeat needs on-connect = { ask = … }, whose end of input ends it";
        return Err(ScriptError::at(client.line, words));
    }
    Ok(())
}

fn datagrams(script: &Script) -> Result<(), ScriptError> {
    for part in script.parts() {
        for (turn, line) in turns(part) {
            if turn.send.len() + usize::from(turn.ask.is_some()) > 1 {
                let words = "over udp one message is sent at once: two may overtake each other";
                return Err(ScriptError::at(line, words));
            }
            if turn.then == Then::AwaitClose {
                let words = "over udp there is no connection that could be closed";
                return Err(ScriptError::at(line, words));
            }
        }
    }
    if let Some(client) = &script.client {
        let says_nothing = |turn: &Turn| turn.send.is_empty() && turn.ask.is_none();
        let waits = |turn: &Turn| turn.then == Then::Receive && says_nothing(turn);
        if let Some((_, line)) = turns(client).find(|(turn, _)| waits(turn)) {
            let words = "over udp a client can wait for the answer to what it sends, only";
            return Err(ScriptError::at(line, words));
        }
    }
    let Some(server) = &script.server else {
        return Ok(());
    };
    if server.on_connect != Turn::nothing() {
        let words = "udp has no connections: on-connect is for the client";
        return Err(ScriptError::at(server.line, words));
    }
    for rule in &server.rules {
        if rule.state != START || rule.next != START || rule.turn.then != Then::Receive {
            let words = "over udp a server has neither states nor anything to close: each \
                         datagram is by itself";
            return Err(ScriptError::at(rule.line, words));
        }
        if let Some(answer) = rule.turn.send.first() {
            cannot_do_harm(server, rule, answer)?;
        }
    }
    Ok(())
}

/// Two servers that answer each other's answers never stop, and a single datagram with a forged
/// source can start them.
fn cannot_do_harm(server: &SideScript, rule: &Rule, answer: &str) -> Result<(), ScriptError> {
    let Some(question) = rule.receive.text() else {
        let words = "over udp a rule for any message cannot answer: two such servers would \
                     answer each other without end";
        return Err(ScriptError::at(rule.line, words));
    };
    let is_answered =
        |other: &Rule| !other.turn.send.is_empty() && other.receive.takes(answer.as_bytes());
    if server.rules.iter().any(is_answered) {
        let words = "over udp an answer cannot be a question too: two such servers would answer \
                     each other without end";
        return Err(ScriptError::at(rule.line, words));
    }
    let most = AMPLIFICATION * (question.len() + UDP_HEADERS) - UDP_HEADERS;
    if answer.len() > most {
        let words = alloc::format!(
            "over udp the answer to {} bytes has at most {most}: whose address is on the \
             question need not have sent it",
            question.len()
        );
        return Err(ScriptError::at(rule.line, words));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::String;

    fn error_of(transport: &str, rest: &str) -> String {
        let source = alloc::format!("title = 'x'\n{transport}\n{rest}");
        source.parse::<Script>().unwrap_err().to_string()
    }

    const RAW: &str = "transport = 'tcp'\nwire = 'raw'";
    const LEN3: &str = "transport = 'tcp'\nwire = 'len3'";
    const LINE: &str = "transport = 'tcp'\nwire = 'line'";
    const UDP: &str = "transport = 'udp'";

    #[test]
    fn what_could_not_be_played_is_refused_with_the_reason() {
        let long = alloc::format!("[server]\non-connect = {{ send = '{}' }}", "x".repeat(256));
        for (transport, rest, words) in [
            (RAW, "", "neither [server] nor [client]"),
            (
                RAW,
                "[server]\non-connect = { send = 'a' }",
                "no rule for any",
            ),
            (
                RAW,
                "[server]\non-connect = { send = '', close = true }",
                "empty message",
            ),
            (RAW, "[[server.on]]\nreceive = ''", "empty message"),
            (LINE, "[[server.on]]\nreceive = \"a\\n\"", "line break"),
            (
                LEN3,
                &alloc::format!("{long}\n[[server.on]]\nany = true"),
                "at most 255",
            ),
            (
                RAW,
                "[[server.on]]\nany = true\nnext = 'b'",
                "no rule has the state",
            ),
            (
                RAW,
                "[[server.on]]\nany = true\n[[server.on]]\nstate = 'b'\nany = true",
                "leads to",
            ),
            (
                RAW,
                "[[server.on]]\nany = true\n[[server.on]]\nreceive = 'b'",
                "line 4 takes",
            ),
            (RAW, "[[server.on]]\nany = true\nask = 'x'", "has no user"),
            (
                RAW,
                "[server]\nrepeat = true\non-connect = { close = true }",
                "repeat is for",
            ),
            (
                RAW,
                "[client]\nrepeat = true\non-connect = { close = true }",
                "repeat needs",
            ),
            (
                LINE,
                "[server]\nread = 3\n[[server.on]]\nany = true",
                "read counts",
            ),
            (
                RAW,
                "[server]\nread = 3\n[[server.on]]\nreceive = 'four'",
                "can never come",
            ),
        ] {
            let error = error_of(transport, rest);
            assert!(error.contains(words), "{rest}\n{error}");
        }
    }

    #[test]
    fn over_udp_nothing_that_loops_or_floods_can_be_scripted() {
        let ping_pong = "[[server.on]]\nreceive = 'ping'\nsend = 'pong'\n\
                         [[server.on]]\nreceive = 'PONG'\nignore-case = true\nsend = 'ping'";
        let flood = alloc::format!("[[server.on]]\nreceive = 'a'\nsend = '{}'", "x".repeat(60));
        for (rest, words) in [
            ("[[server.on]]\nany = true\nsend = 'a'", "without end"),
            ("[[server.on]]\nreceive = 'a'\nsend = 'a'", "without end"),
            (ping_pong, "without end"),
            (&flood, "at most 59"),
            (
                "[[server.on]]\nreceive = 'a'\nsend = ['b', 'c']",
                "overtake",
            ),
            (
                "[[server.on]]\nreceive = 'a'\nclose = true",
                "neither states",
            ),
            (
                "[server]\nread = 2\n[[server.on]]\nreceive = 'ab'",
                "read counts",
            ),
            (
                "[server]\nread-at-most = 2\n[[server.on]]\nreceive = 'ab'",
                "a datagram is read whole",
            ),
            (
                "[server]\non-connect = { send = 'a', close = true }",
                "has no connections",
            ),
            (
                "[client]\n[[client.on]]\nany = true\nclose = true",
                "wait for the answer",
            ),
            (
                "[client]\non-connect = { send = 'a', await-close = true }",
                "no connection",
            ),
        ] {
            let error = error_of(UDP, rest);
            assert!(error.contains(words), "{rest}\n{error}");
        }
        let fits = flood.replace(&"x".repeat(60), &"x".repeat(59));
        let source = alloc::format!("title = 'x'\n{UDP}\n{fits}");
        assert!(source.parse::<Script>().is_ok());
    }
}
