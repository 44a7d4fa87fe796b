//! Our own protocol as a room's client speaks it: which requests are open, and what a line asks for.

use std::collections::VecDeque;

use proto::chat::{Message, Request};
use proto::printable::quoted;
use proto::refusal::{Code, Refusal};
use wire::connection::{SendError, Writer};

use crate::room::{Command, Decoded, Dialect};

#[derive(Debug)]
pub struct OpenRequests {
    /// Requests sent so far, before the room was entered and since.
    count: u64,
    open: VecDeque<Request>,
}

impl OpenRequests {
    /// None, after so many that were answered.
    pub fn after(count: u64) -> OpenRequests {
        let open = VecDeque::new();
        OpenRequests { count, open }
    }

    /// The request that the next answer belongs to, if any.
    pub fn answered(&mut self) -> Option<Request> {
        self.open.pop_front()
    }

    /// The oldest request that was not answered, and its number on this connection.
    pub fn oldest(&self) -> Option<(u64, Request)> {
        let request = self.open.front()?.clone();
        let open = self.open.len() as u64;
        Some((self.count + 1 - open, request))
    }
}

impl Dialect for OpenRequests {
    type Request = Request;
    type Message = Message<String>;

    const SKIPS_UNREADABLE: bool = false;

    /// `quit` alone leaves, a word behind a slash is a command, a blank line is nothing, and everything
    /// else is said; `//` says a line that begins with one slash. A tab is said as a blank, since the
    /// room takes no control characters.
    fn command(line: &str) -> Result<Command<Request>, Refusal> {
        let said = match line.trim() {
            "" => return Ok(Command::Nothing),
            "quit" | "/quit" => return Ok(Command::Quit),
            "/who" => return Ok(Command::Send(Request::Who)),
            "/help" | "/?" => return Ok(Command::Help),
            command if command.starts_with("//") => &command[1..],
            command if command.starts_with('/') => {
                let word = command.split_whitespace().next().unwrap_or_default();
                let words = format!(
                    "{} is none of: /who, /help, /quit; to say it, double the slash",
                    quoted(word)
                );
                return Err(Refusal::new(Code::UnknownVerb, words));
            }
            _ => line,
        };
        let said = said.replace('\t', " ").parse();
        said.map(|text| Command::Send(Request::Say(text)))
    }

    fn send(&mut self, writer: &mut Writer, request: Request) -> Result<(), SendError> {
        let message = request.to_string();
        self.open.push_back(request);
        self.count += 1;
        let sent = writer.send(message.as_bytes());
        if sent.is_err() {
            self.open.pop_back();
            self.count -= 1;
        }
        sent
    }

    fn quit() -> Request {
        Request::Quit
    }
}

pub fn read(message: &[u8]) -> Decoded<Message<String>> {
    let text = String::from_utf8_lossy(message);
    let read = Message::parse(&text);
    Some(read.ok_or_else(|| format!("{} is no message of a room", quoted(&text))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quit_alone_leaves_and_as_a_word_it_is_said() {
        let said = |text: &str| Ok(Command::Send(Request::Say(text.parse().unwrap())));
        for (line, expected) in [
            ("quit", Ok(Command::Quit)),
            (" /quit ", Ok(Command::Quit)),
            ("/who", Ok(Command::Send(Request::Who))),
            ("/help", Ok(Command::Help)),
            ("/?", Ok(Command::Help)),
            ("", Ok(Command::Nothing)),
            ("  ", Ok(Command::Nothing)),
            ("help", said("help")),
            ("I quit", said("I quit")),
            ("quit it", said("quit it")),
            ("QUIT", said("QUIT")),
            ("//whoever", said("/whoever")),
            ("//", said("/")),
            ("either/or", said("either/or")),
            ("\tindented", said(" indented")),
        ] {
            assert_eq!(OpenRequests::command(line), expected, "{line:?}");
        }
        assert!(OpenRequests::command("\x1b[2J").is_err());
    }

    #[test]
    fn an_unknown_command_is_refused_and_not_said() {
        for line in ["/whoever", "/exit now", "/", " /leave"] {
            let refusal = OpenRequests::command(line).unwrap_err();
            assert_eq!(refusal.code, Code::UnknownVerb, "{line:?}");
            assert!(refusal.words.contains("/who, /help, /quit"), "{refusal:?}");
        }
    }
}
