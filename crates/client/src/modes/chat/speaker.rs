//! Lines become requests, one after the other.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use proto::chat::Request;
use proto::printable::quoted;
use proto::refusal::{Code, Refusal};
use wire::connection::SendError;

use super::Happening;
use super::link::Link;
use super::screen::Typed;
use crate::failure::Failure;
use crate::session::GOODBYE;

/// Has lines said, one after the other: the next is sent when the one before was answered, so that
/// a long file is never a flood.
pub struct Speaker {
    /// The way to the room.
    pub link: Arc<Link>,
    /// Where it is told what goes wrong.
    pub tell: SyncSender<Happening>,
    /// Tells that an answer was shown.
    pub answered: Receiver<()>,
    /// How long to wait for that.
    pub timeout: Duration,
}

impl Speaker {
    /// Says every line, then leaves.
    pub fn say_all(self, mut next: impl FnMut() -> Result<Option<Typed>, Failure>) {
        loop {
            let wish = match next() {
                Ok(Some(Typed::Line(line))) => wish_of_line(&line),
                Ok(Some(Typed::End) | None) => Ok(Wish::Ask(Request::Quit)),
                Err(failure) => {
                    let _ = self.tell.send(Happening::NoInput(failure));
                    Ok(Wish::Ask(Request::Quit))
                }
            };
            match wish {
                Ok(Wish::Ask(Request::Quit)) => break,
                Ok(Wish::Ask(request)) => {
                    if !self.ask(request) {
                        return;
                    }
                }
                Ok(Wish::Help) => {
                    let _ = self.tell.send(Happening::Help);
                }
                Ok(Wish::Nothing) => {}
                Err(refusal) => self.refused(refusal),
            }
        }
        say_goodbye(&self.link, &self.tell);
    }

    /// Asks, and waits for the answer to be shown; says whether there can be more.
    fn ask(&self, request: Request) -> bool {
        match self.link.ask(request) {
            Ok(()) => {}
            Err(SendError::Encode(error)) => {
                self.refused(Refusal::new(Code::TooLong, error));
                return true;
            }
            // There may still be words to read that say why.
            Err(SendError::Io(_)) => return false,
            Err(error @ (SendError::WriteTooSlow(_) | SendError::Broken(_))) => {
                self.closed(error.to_string());
                return false;
            }
        }
        match self.answered.recv_timeout(self.timeout) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => {
                let seconds = self.timeout.as_secs_f32();
                self.closed(format!("no answer within {seconds} s"));
                false
            }
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    fn refused(&self, refusal: Refusal) {
        let _ = self.tell.send(Happening::Refused(refusal));
    }

    fn closed(&self, words: String) {
        let _ = self.tell.send(Happening::Closed(words));
    }
}

/// Says `QUIT`; when that is not answered for a while, it ends all the same.
pub fn say_goodbye(link: &Link, tell: &SyncSender<Happening>) {
    link.leave();
    thread::sleep(GOODBYE);
    let _ = tell.send(Happening::Closed("no goodbye".into()));
}

/// What a line is for.
#[derive(Debug, PartialEq, Eq)]
enum Wish {
    /// Nothing: it is blank.
    Nothing,
    /// To be told what can be typed.
    Help,
    /// Something that the room does.
    Ask(Request),
}

/// What a line asks for: `quit` alone leaves, a word behind a slash is a command, a blank line is
/// nothing, and everything else is said; `//` says a line that begins with one slash. A tab is said
/// as a blank, since the room takes no control characters.
fn wish_of_line(line: &str) -> Result<Wish, Refusal> {
    let said = match line.trim() {
        "" => return Ok(Wish::Nothing),
        "quit" | "/quit" => return Ok(Wish::Ask(Request::Quit)),
        "/who" => return Ok(Wish::Ask(Request::Who)),
        "/help" | "/?" => return Ok(Wish::Help),
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
    said.replace('\t', " ")
        .parse()
        .map(|text| Wish::Ask(Request::Say(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quit_alone_leaves_and_as_a_word_it_is_said() {
        let said = |text: &str| Ok(Wish::Ask(Request::Say(text.parse().unwrap())));
        for (line, expected) in [
            ("quit", Ok(Wish::Ask(Request::Quit))),
            (" /quit ", Ok(Wish::Ask(Request::Quit))),
            ("/who", Ok(Wish::Ask(Request::Who))),
            ("/help", Ok(Wish::Help)),
            ("/?", Ok(Wish::Help)),
            ("", Ok(Wish::Nothing)),
            ("  ", Ok(Wish::Nothing)),
            ("help", said("help")),
            ("I quit", said("I quit")),
            ("quit it", said("quit it")),
            ("QUIT", said("QUIT")),
            ("//whoever", said("/whoever")),
            ("//", said("/")),
            ("either/or", said("either/or")),
            ("\tindented", said(" indented")),
        ] {
            assert_eq!(wish_of_line(line), expected, "{line:?}");
        }
        assert!(wish_of_line("\x1b[2J").is_err());
    }

    #[test]
    fn an_unknown_command_is_refused_and_not_said() {
        for line in ["/whoever", "/exit now", "/", " /leave"] {
            let refusal = wish_of_line(line).unwrap_err();
            assert_eq!(refusal.code, Code::UnknownVerb, "{line:?}");
            assert!(refusal.words.contains("/who, /help, /quit"), "{refusal:?}");
        }
    }
}
