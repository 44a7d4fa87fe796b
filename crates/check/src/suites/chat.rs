//! The chat room.

mod joining;
mod leaving;
mod lines;
mod members;

use proto::chat::Text;
use rand::RngExt;

use crate::case::Case;
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// The cases of the room, by topic.
pub const ALL: &[&[Case]] = &[joining::CASES, leaving::CASES, lines::CASES, members::CASES];

/// The room as a case sees it. Other people may be in it: those of the case have drawn names.
struct Room<'s> {
    server: &'s Server,
    /// The end of each name.
    tag: String,
}

/// Somebody in the room.
struct Member {
    peer: Peer,
    name: String,
    tag: String,
}

impl Room<'_> {
    fn new(server: &Server) -> Room<'_> {
        let drawn = server.random.borrow_mut().random_range(0..1_000_000);
        Room {
            server,
            tag: format!("_{drawn}"),
        }
    }

    fn name(&self, word: &str) -> String {
        format!("{word}{}", self.tag)
    }

    /// A new member.
    fn member(&self, word: &str) -> Result<Member, Failure> {
        let mut member = self.stranger(word)?;
        member.joins()?;
        Ok(member)
    }

    /// A client that has not joined yet.
    fn stranger(&self, word: &str) -> Result<Member, Failure> {
        Ok(self.over(self.server.connect()?, word))
    }

    fn over(&self, peer: Peer, word: &str) -> Member {
        Member {
            peer,
            name: self.name(word),
            tag: self.tag.clone(),
        }
    }

    /// The longest text, in bytes.
    fn longest(&self) -> usize {
        Text::max_len(self.server.framing)
    }
}

impl Member {
    /// Joins, and says who of the case is there already.
    fn joins(&mut self) -> Result<People, Failure> {
        let name = self.name.clone();
        self.peer.send(&format!("JOIN {name}"))?;
        self.joined()
    }

    /// The answer to a `JOIN`.
    fn joined(&mut self) -> Result<People, Failure> {
        let answer = self.peer.answer("OK joined …")?;
        self.people_in(answer)
    }

    /// Who of the case is there already, by the answer to a `JOIN`.
    fn people_in(&self, answer: String) -> Result<People, Failure> {
        let expected = format!("OK joined {}", self.name);
        let people = match answer.strip_prefix(&expected) {
            Some("") => Some(""),
            Some(rest) => rest.strip_prefix(" with "),
            None => None,
        };
        match people {
            Some(people) => Ok(self.people(people)),
            None => self.peer.found(
                Expected::Message(expected.into()),
                Came::Message(answer.into()),
            ),
        }
    }

    /// Who of the case is in the room.
    fn who(&mut self) -> Result<People, Failure> {
        let answer = self.peer.ask("WHO")?;
        match answer.strip_prefix("OK here ") {
            Some(people) => Ok(self.people(people)),
            None => self.peer.found(
                Expected::Described("OK here and the members".into()),
                Came::Message(answer.into()),
            ),
        }
    }

    fn people(&self, words: &str) -> People {
        let mut people = People::default();
        for word in words.split(' ').filter(|word| !word.is_empty()) {
            match word.strip_prefix('+').map(str::parse) {
                Some(Ok(count)) => people.unnamed = count,
                _ if self.is_ours(word) => people.names.push(word.to_owned()),
                _ => {}
            }
        }
        people
    }

    fn is_ours(&self, name: &str) -> bool {
        name.ends_with(&self.tag)
    }

    /// Says this, and has its answer.
    fn says(&mut self, text: &str) -> Outcome {
        self.peer.asks(&format!("SAY {text}"), "OK said")
    }

    /// The next event of this kind that is about somebody of the case must be this one.
    fn hears(&mut self, event: &str) -> Outcome {
        let kind = event.split(' ').nth(1).unwrap_or_default();
        loop {
            match self.peer.receive() {
                Came::Message(came) if came == event.as_bytes() => return Ok(()),
                Came::Message(came) if self.is_of_no_concern(&came, kind) => {}
                came => return self.peer.found(Expected::Message(event.into()), came),
            }
        }
    }

    fn is_of_no_concern(&self, message: &[u8], kind: &str) -> bool {
        let text = String::from_utf8_lossy(message);
        let mut words = text.split(' ');
        let is_event = words.next() == Some("EVENT");
        let is_other = words.next() != Some(kind);
        let is_stranger = words.next().is_none_or(|name| !self.is_ours(name));
        is_event && (is_other || is_stranger)
    }

    /// Leaves in order.
    fn quits(&mut self) -> Outcome {
        self.peer.asks("QUIT", "OK bye")?;
        self.peer.expect_end()
    }
}

/// Members of the room, as a list of them says.
#[derive(Debug, Default)]
struct People {
    /// Those of the case that are named.
    names: Vec<String>,
    /// How many more there are that the message has no room for.
    unnamed: usize,
}

impl People {
    /// They must be these, in this order.
    fn are(&self, names: &[&Member]) -> Outcome {
        let names: Vec<&str> = names.iter().map(|member| &member.name[..]).collect();
        if self.unnamed > 0 && self.names != names {
            let words = "the room has more members than the list has room for";
            return Err(Failure::Undecided(words.into()));
        }
        match self.names == names {
            true => Ok(()),
            false => Err(Failure::because(
                format!("the members {}", names.join(" ")),
                format!("the members {}", self.names.join(" ")),
            )),
        }
    }
}
