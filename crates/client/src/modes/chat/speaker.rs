//! Lines become requests, one after the other.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender};
use std::thread;
use std::time::Duration;

use proto::chat::Request;
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
            let request = match next() {
                Ok(Some(Typed::Line(line))) => request_of_line(&line),
                Ok(Some(Typed::End) | None) => Ok(Some(Request::Quit)),
                Err(failure) => {
                    let _ = self.tell.send(Happening::NoInput(failure));
                    Ok(Some(Request::Quit))
                }
            };
            match request {
                Ok(Some(Request::Quit)) => break,
                Ok(Some(request)) => {
                    if !self.ask(request) {
                        return;
                    }
                }
                Ok(None) => {}
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

/// What a line asks for: `quit` alone leaves, `/who` asks who is there, a blank line nothing, and
/// everything else is said. A tab is said as a blank, since the room takes no control characters.
fn request_of_line(line: &str) -> Result<Option<Request>, Refusal> {
    match line.trim() {
        "" => Ok(None),
        "quit" | "/quit" => Ok(Some(Request::Quit)),
        "/who" => Ok(Some(Request::Who)),
        _ => line.replace('\t', " ").parse().map(Request::Say).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quit_alone_leaves_and_as_a_word_it_is_said() {
        let said = |text: &str| Ok(Some(Request::Say(text.parse().unwrap())));
        for (line, expected) in [
            ("quit", Ok(Some(Request::Quit))),
            (" /quit ", Ok(Some(Request::Quit))),
            ("/who", Ok(Some(Request::Who))),
            ("", Ok(None)),
            ("  ", Ok(None)),
            ("I quit", said("I quit")),
            ("quit it", said("quit it")),
            ("QUIT", said("QUIT")),
            ("/whoever", said("/whoever")),
            ("\tindented", said(" indented")),
        ] {
            assert_eq!(request_of_line(line), expected, "{line:?}");
        }
        assert!(request_of_line("\x1b[2J").is_err());
    }
}
