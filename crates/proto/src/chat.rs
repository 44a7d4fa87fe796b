//! The chat room: requests of its members, answers and events.
//!
//! `JOIN Adarsh` → `OK joined Adarsh with Joty Ahona`; `SAY hello` → `OK said`; `WHO` →
//! `OK here Adarsh Joty`; `QUIT` → `OK bye`. Between the answers come events, in the same order for
//! all members: `EVENT joined Joty`, `EVENT said Joty hello`, `EVENT left Joty quit`. A member
//! receives the events of its own lines as well, before the `OK said` that answers them, and no
//! events from before it joined.

mod people;
mod text;

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;
use core::str::FromStr;

use crate::name::Name;
use crate::refusal::{Code, Refusal};
use crate::reply;
use crate::request::{self, QUIT, no_arguments, split_verb, words};

pub use people::MemberList;
pub use text::{Text, too_long};

/// Reserved names, in lower case: they could be taken for the room or for all of its members.
pub const RESERVED: [&str; 10] = [
    "admin",
    "all",
    "chat",
    "everybody",
    "everyone",
    "here",
    "operator",
    "root",
    "server",
    "system",
];

/// The beginning of the longest event, up to the name.
const EVENT_SAID: &str = "EVENT said ";

/// A request of a member.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// Joins the room under this name.
    Join(Name),
    /// Sends a line to all members.
    Say(Text),
    /// Lists the members.
    Who,
    /// The end of the conversation.
    Quit,
}

/// An answer of the room, after `OK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `joined Adarsh`, or `joined Adarsh with Joty Ahona`, the members already present.
    Joined(Name, MemberList),
    /// `said`: the line has been queued for every member.
    Said,
    /// `here Adarsh Joty`.
    Here(MemberList),
    /// `bye`.
    Bye,
}

/// An event in the room, after `EVENT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// `joined Joty`.
    Joined(Name),
    /// `left Joty quit`.
    Left(Name, Reason),
    /// `said Joty hello`.
    Said(Name, Text),
}

named! {
    /// Why a member left.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
    pub enum Reason by as_str {
        /// The member asked to leave.
        Quit => "quit",
        /// The connection ended or broke without a `QUIT`.
        Disconnected => "disconnected",
        /// The member did not read its events.
        DoesNotRead => "does not read",
        /// The member kept sending lines above the permitted rate.
        Flood => "flood",
        /// The member sent something that is not a message.
        BrokeProtocol => "broke the protocol",
    }
}

/// One message from the room: the answer to a request, or an event. A refusal that answers no
/// request says why the room ends the conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message<A> {
    /// `OK …` or `ERR …`. The answer is text until it is known which request it answers:
    /// [`answer`](request::Request::answer).
    Reply(Result<A, Refusal>),
    /// `EVENT …`.
    Event(Event),
}

/// Refuses reserved names.
///
/// # Errors
/// When it is one of [`RESERVED`], in any case.
pub fn check_not_reserved(name: &Name) -> Result<(), Refusal> {
    if RESERVED.contains(&name.folded().as_str()) {
        let words = alloc::format!("{name} is a reserved name");
        return Err(Refusal::new(Code::NameTaken, words));
    }
    Ok(())
}

impl FromStr for Request {
    type Err = Refusal;

    fn from_str(message: &str) -> Result<Request, Refusal> {
        let (verb, arguments) = split_verb(message);
        match verb {
            "JOIN" => {
                let [name] = words(arguments, "JOIN needs a name, of one word")?;
                name.parse().map(Request::Join)
            }
            "SAY" => arguments.unwrap_or("").parse().map(Request::Say),
            "WHO" => no_arguments("WHO", arguments).map(|()| Request::Who),
            QUIT => no_arguments(QUIT, arguments).map(|()| Request::Quit),
            _ => Err(Refusal::unknown_verb(verb, "JOIN, SAY, WHO, QUIT")),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Join(name) => write!(f, "JOIN {name}"),
            Request::Say(text) => write!(f, "SAY {text}"),
            Request::Who => f.write_str("WHO"),
            Request::Quit => f.write_str(QUIT),
        }
    }
}

impl request::Request for Request {
    const QUIT: Request = Request::Quit;

    type Answer = Answer;

    fn answer(&self, arguments: &str) -> Option<Answer> {
        let (word, rest) = split_verb(arguments);
        match (self, word, rest) {
            (Request::Join(_), "joined", Some(rest)) => {
                let (name, with) = split_verb(rest);
                let others = match with.map(|with| with.strip_prefix("with ")) {
                    None => MemberList::default(),
                    Some(others) => {
                        MemberList::parse(others?).filter(|others| !others.is_empty())?
                    }
                };
                Some(Answer::Joined(name.parse().ok()?, others))
            }
            (Request::Say(_), "said", None) => Some(Answer::Said),
            (Request::Who, "here", Some(people)) => MemberList::parse(people).map(Answer::Here),
            (Request::Quit, "bye", None) => Some(Answer::Bye),
            _ => None,
        }
    }

    fn answers(&self) -> Vec<String> {
        match self {
            Request::Join(name) => vec![
                format!("OK joined {name}"),
                format!("OK joined {name} with PEOPLE"),
            ],
            Request::Say(_) => vec!["OK said".into()],
            Request::Who => vec!["OK here PEOPLE".into()],
            Request::Quit => vec!["OK bye".into()],
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Joined(name, others) if others.is_empty() => write!(f, "joined {name}"),
            Answer::Joined(name, others) => write!(f, "joined {name} with {others}"),
            Answer::Said => f.write_str("said"),
            Answer::Here(people) => write!(f, "here {people}"),
            Answer::Bye => f.write_str("bye"),
        }
    }
}

impl Event {
    /// Reads the message of an event; `None` when it is none.
    pub fn parse(message: &str) -> Option<Event> {
        let (kind, rest) = message.strip_prefix("EVENT ")?.split_once(' ')?;
        let (name, rest) = split_verb(rest);
        let name = name.parse().ok()?;
        match (kind, rest) {
            ("joined", None) => Some(Event::Joined(name)),
            ("left", Some(reason)) => Some(Event::Left(name, Reason::parse(reason)?)),
            ("said", Some(text)) => Some(Event::Said(name, Text::from_room(text).ok()?)),
            _ => None,
        }
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Event::Joined(name) => write!(f, "EVENT joined {name}"),
            Event::Left(name, reason) => write!(f, "EVENT left {name} {reason}"),
            Event::Said(name, text) => write!(f, "{EVENT_SAID}{name} {text}"),
        }
    }
}

impl Message<String> {
    /// Reads a message; `None` when it is not one of a room.
    pub fn parse(message: &str) -> Option<Message<String>> {
        match reply::parse(message) {
            Ok(reply) => Some(Message::Reply(reply.map(ToOwned::to_owned))),
            Err(_) => Event::parse(message).map(Message::Event),
        }
    }
}

impl<A: fmt::Display> fmt::Display for Message<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Message::Reply(Ok(answer)) => f.write_str(&reply::render(&Ok(answer))),
            Message::Reply(Err(refusal)) => {
                f.write_str(&reply::render::<&str>(&Err(refusal.clone())))
            }
            Message::Event(event) => event.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests;
