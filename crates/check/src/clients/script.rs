//! The clients of scripts: what they say is in a file.

use std::collections::VecDeque;
use std::sync::Arc;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::script::{Player, Script, SideScript, Then, Turn};
use rand::RngExt;

use super::said::{self, ends_when_cut, is_said, is_said_instead};
use crate::case::Case;
use crate::client::Client;
use crate::verdict::{Failure, Outcome};

const SAYS_ITS_PART: Case = Case::client_must(
    "client.says-its-part",
    "script",
    "The client says its part of the script, each message byte for byte, and shows the answers.",
    says_its_part,
)
.by_hand()
.points(3);

const BYTEWISE: Case = said::bytewise(bytewise);

const CUT: Case = said::cut(cut);

const LOST_ANSWER: Case = Case::client_should(
    "client.lost-answer",
    "over-udp",
    "A client whose answer is lost asks again, or gives up.",
    lost_answer,
)
.seconds(1)
.cause("a datagram may be lost: without a time-out its sender waits for ever");

/// The cases of this script's client.
pub fn cases(script: &Script) -> Vec<Case> {
    let Some(part) = script.client() else {
        return Vec::new();
    };
    let mut cases = vec![SAYS_ITS_PART];
    if Conversation::of(script, "hello").is_none_or(|all| all.answers.is_empty()) {
        return cases;
    }
    match script.transport() {
        Transport::Udp => cases.push(LOST_ANSWER),
        Transport::Tcp => {
            // In raw framing, a message of no known length is what one read returns.
            if script.framing() != Framing::Raw || part.message_length().is_some() {
                cases.push(BYTEWISE);
            }
            cases.push(CUT);
        }
    }
    cases
}

/// What both sides say.
struct Conversation {
    /// What the client is typed, a line each.
    typed: Vec<String>,
    /// Its messages as they are sent.
    said: Vec<Vec<u8>>,
    /// What it is answered, as far as it reads that.
    answers: Vec<String>,
}

impl Conversation {
    /// The longest one that the script leads to where first `any` is typed, and then what leads the
    /// server on; nothing where there is no client, or no server, to talk.
    fn of(script: &Script, any: &str) -> Option<Conversation> {
        let (client, server) = (script.client()?, script.server()?);
        let mut lines = VecDeque::from([any.to_owned()]);
        lines.extend(server.ways(any).into_iter().filter_map(|mut way| way.pop()));
        let mut all = Conversation {
            typed: Vec::new(),
            said: Vec::new(),
            answers: Vec::new(),
        };
        let (mut asking, mut answering) = (Player::new(client), Player::new(server));
        let mut coming = VecDeque::from(answering.connected().send.clone());
        let mut turn = asking.connected();
        loop {
            for message in all.messages(turn, &mut lines) {
                let mut bytes = Vec::new();
                script
                    .framing()
                    .encode(message.as_bytes(), &mut bytes)
                    .ok()?;
                all.said.push(bytes);
                if let Ok(answer) = answering.received(message.as_bytes()) {
                    coming.extend(answer.send.iter().cloned());
                }
            }
            if turn.then != Then::Receive {
                return Some(all);
            }
            let Some(answer) = coming.pop_front() else {
                return Some(all);
            };
            let answer = as_read(client, answer);
            all.answers.push(answer.clone());
            let Ok(next) = asking.received(answer.as_bytes()) else {
                return Some(all);
            };
            turn = next;
        }
    }

    /// The client's messages of a turn, with what it is typed.
    fn messages(&mut self, turn: &Turn, lines: &mut VecDeque<String>) -> Vec<String> {
        let mut messages = turn.send.clone();
        if turn.ask.is_some()
            && let Some(line) = lines.pop_front()
        {
            self.typed.push(line.clone());
            messages.push(line);
        }
        messages
    }
}

/// A message as a client reads it that counts bytes.
fn as_read(part: &SideScript, mut message: String) -> String {
    if let Some(length) = part.message_length()
        && message.is_char_boundary(length.get())
    {
        message.truncate(length.get());
    }
    message
}

fn script(client: &Client) -> Result<Arc<Script>, Failure> {
    let no_script = || Failure::Undecided("there is no script".into());
    client.dialect.script().ok_or_else(no_script)
}

fn conversation(client: &Client, script: &Script) -> Result<Conversation, Failure> {
    let number = client.random.borrow_mut().random_range(0..1_000_000);
    let any = format!("hello {number:06}");
    Conversation::of(script, &any)
        .ok_or_else(|| Failure::Undecided("the script has not both parts".into()))
}

fn says_its_part(client: &Client) -> Outcome {
    holds(client, &[])
}

fn bytewise(client: &Client) -> Outcome {
    holds(client, &["--fault", "split=1"])
}

/// The whole conversation, under these faults.
fn holds(client: &Client, faults: &[&str]) -> Outcome {
    let script = script(client)?;
    let conversation = conversation(client, &script)?;
    let typed: Vec<&str> = conversation.typed.iter().map(String::as_str).collect();
    let mut server = client.server(faults)?;
    let finished = client.ask(&server, &typed)?;
    let recorded = server.stop()?;
    match script.transport() {
        Transport::Tcp => is_said(&recorded, script.framing(), &[conversation.said.concat()])?,
        Transport::Udp => {
            // A datagram may be sent again.
            let mut said = recorded.received();
            said.dedup();
            if said != conversation.said {
                let differs = |(one, other): &(&Vec<u8>, &Vec<u8>)| one != other;
                let mut both = conversation.said.iter().zip(&said);
                let at = both.position(|pair| differs(&pair));
                let at = at.unwrap_or(said.len().min(conversation.said.len()));
                let (expected, came) = (conversation.said.get(at), said.get(at));
                return is_said_instead(expected.cloned(), came.cloned());
            }
        }
    }
    // What it reads in small pieces, it may show so.
    let reads_pieces = script.client().is_some_and(|it| it.read_size().is_some());
    match reads_pieces {
        true => Ok(()),
        false => {
            let mut answers = conversation.answers.iter();
            answers.try_for_each(|text| finished.shows(text))
        }
    }
}

fn cut(client: &Client) -> Outcome {
    let conversation = conversation(client, &*script(client)?)?;
    let typed: Vec<&str> = conversation.typed.iter().map(String::as_str).collect();
    ends_when_cut(client, &typed)
}

fn lost_answer(client: &Client) -> Outcome {
    let conversation = conversation(client, &*script(client)?)?;
    let typed: Vec<&str> = conversation.typed.iter().map(String::as_str).collect();
    let server = client.server(&["--fault", "drop-reply=#1"])?;
    client.ask(&server, &typed).map(drop)
}

#[cfg(test)]
mod tests {
    use proto::script::{SHIPPED, Shipped};

    use super::*;

    fn conversation(name: &str) -> Conversation {
        let script: Script = Shipped::find(name).unwrap().source.parse().unwrap();
        Conversation::of(&script, "hello").unwrap()
    }

    #[test]
    fn what_is_typed_leads_the_conversation_to_its_end() {
        let accepted = conversation("accepted");
        assert_eq!(accepted.typed, ["hello", "CLOSE"]);
        assert_eq!(accepted.said, [b"hello", b"CLOSE"]);
        assert_eq!(accepted.answers, ["accepted", "closed"]);
        let prefix = conversation("length-prefix");
        assert_eq!(prefix.said, [b"005hello"]);
        assert_eq!(prefix.answers, ["BYE BYE CLIENT..."]);
    }

    #[test]
    fn of_a_message_that_is_too_long_the_client_reads_what_it_counts() {
        assert_eq!(conversation("sixteen").answers, ["BYE BYE CLIENT.."]);
    }

    #[test]
    fn each_script_that_is_shipped_has_a_client_to_judge() {
        for shipped in SHIPPED {
            let script: Script = shipped.source.parse().unwrap();
            assert!(!cases(&script).is_empty(), "{}", shipped.name);
        }
    }
}
