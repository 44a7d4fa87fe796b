//! Lab 002: a chat room that shows everybody what the others say.
//!
//! The room and the person speak when they like, so several threads: one reads from the server, one
//! takes lines and has them sent, one waits for Ctrl-C. The first thread shows what happens.

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Instant;

use proto::handout::chat::{NAME_TAKEN, QUIT};
use proto::printable::printable;
use proto::refusal::{Code, Refusal};
use serde_json::json;
use wire::connection::{Reader, SendError, Writer};

use super::person::{Person, fits};
use super::talk::wait_after;
use crate::failure::{Failure, Status, words_of};
use crate::input::Input;
use crate::modes::chat::screen::{Screen, Typed};
use crate::modes::chat::threads::{leave_on_signals, start};
use crate::output::{Output, say};
use crate::session::{GOODBYE, Target};

/// Happenings that may wait to be shown; behind them the server waits.
const WAITING: usize = 1_000;

/// Something to show, or the end.
enum Happening {
    /// The room spoke: what one read returned.
    Heard(String),
    /// A line goes out.
    Said(String),
    /// A line cannot be sent: why.
    Unsendable(String),
    /// No more lines can be read.
    NoInput(Failure),
    /// The server closed, or the connection broke: how.
    Closed(String),
}

/// The way to the room, for whoever has something to say.
struct Link {
    writer: Mutex<(Writer, Option<Instant>)>,
    leaving: AtomicBool,
}

/// Gives the name, then says lines until `quit`, and shows what the others say.
///
/// # Errors
/// When the room is not reachable or lost, or does not take the name.
pub fn run(target: &Target, output: Output) -> Result<Status, Failure> {
    let connection = target.connect()?;
    let mut person = Person::open(target, output)?;
    let Some(name) = person.message("name: ")? else {
        connection.close();
        return Ok(person.status());
    };
    let (reader, writer) = connection.split();
    let link = Arc::new(Link {
        writer: Mutex::new((writer, None)),
        leaving: AtomicBool::new(false),
    });
    let (tell, happenings) = mpsc::sync_channel(WAITING);
    let (leaver, news) = (Arc::clone(&link), tell.clone());
    leave_on_signals(move || leaver.leave(&news), tell.clone(), Happening::Closed)?;
    let lost = |error: SendError| Failure::Lost(format!("{}: {error}", target.server).into());
    link.say(&name).map_err(lost)?;
    let (mut screen, typed) = open_screen(output)?;
    let speaker = Speaker {
        link: Arc::clone(&link),
        tell: tell.clone(),
    };
    start("speaker", move || match typed {
        Some(typed) => speaker.say_all(|| Ok(typed.recv().ok())),
        None => {
            let mut pipe = Input::Pipe;
            speaker.say_all(|| Ok(pipe.line("")?.map(Typed::Line)));
        }
    })?;
    start("reader", move || hear_all(reader, &tell))?;
    let mut room = Room {
        server: target.server.clone(),
        name,
        output,
        link,
        status: person.status(),
        heard: String::new(),
        has_said: false,
    };
    let ended = room.show_all(&mut screen, &happenings);
    // Nothing more is shown, and nobody waits to tell it.
    drop(happenings);
    screen.close();
    ended
}

/// Where the room is shown, and what is typed there if it is a terminal with an editor.
fn open_screen(output: Output) -> Result<(Screen, Option<Receiver<Typed>>), Failure> {
    if io::stdin().is_terminal()
        && let Some((screen, typed)) = Screen::edited()?
    {
        return Ok((screen, Some(typed)));
    }
    Ok((Screen::Plain(output), None))
}

impl Link {
    /// Sends a message, at a distance from the one before.
    fn say(&self, message: &str) -> Result<(), SendError> {
        let mut locked = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, sent) = &mut *locked;
        wait_after(*sent);
        *sent = Some(Instant::now());
        writer.send(message.as_bytes())
    }

    /// Says `quit`, once. When the room does not close for a while, it ends all the same.
    fn leave(&self, tell: &SyncSender<Happening>) {
        if !self.leaving.swap(true, Ordering::SeqCst) {
            // When it cannot be said, the room is lost, which the reader notices.
            let _ = self.say(QUIT);
        }
        thread::sleep(GOODBYE);
        let _ = tell.send(Happening::Closed("no goodbye".into()));
    }

    fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }
}

/// Has lines said, one after the other.
struct Speaker {
    link: Arc<Link>,
    tell: SyncSender<Happening>,
}

impl Speaker {
    fn say_all(self, mut next: impl FnMut() -> Result<Option<Typed>, Failure>) {
        loop {
            let line = match next() {
                Ok(Some(Typed::Line(line))) if line == QUIT => break,
                Ok(Some(Typed::Line(line))) => line,
                Ok(Some(Typed::End) | None) => break,
                Err(Failure::Unsendable(refusal)) => {
                    let _ = self.tell.send(Happening::Unsendable(words_of(&refusal)));
                    continue;
                }
                Err(failure) => {
                    let _ = self.tell.send(Happening::NoInput(failure));
                    break;
                }
            };
            if let Err(words) = fits(&line) {
                let _ = self.tell.send(Happening::Unsendable(words));
                continue;
            }
            // Before it is sent: the room may answer, or close, at once.
            let _ = self.tell.send(Happening::Said(line.clone()));
            match self.link.say(&line) {
                Ok(()) => {}
                // There may still be words to read that say why.
                Err(SendError::Io(_)) => return,
                Err(error) => {
                    let _ = self.tell.send(Happening::Closed(error.to_string()));
                    return;
                }
            }
        }
        self.link.leave(&self.tell);
    }
}

/// The conversation as this client sees it.
struct Room {
    server: String,
    name: String,
    output: Output,
    link: Arc<Link>,
    status: Status,
    /// The first thing that was heard.
    heard: String,
    /// Whether a line went out.
    has_said: bool,
}

impl Room {
    /// Shows what happens until the conversation ends.
    fn show_all(
        &mut self,
        screen: &mut Screen,
        happenings: &Receiver<Happening>,
    ) -> Result<Status, Failure> {
        let mut no_input = None;
        for happening in happenings {
            match happening {
                Happening::Heard(text) => {
                    let line = match self.output.json {
                        true => json!({"ok": true, "received": text}).to_string(),
                        false => printable(&text),
                    };
                    screen.line(&line)?;
                    if self.heard.is_empty() {
                        self.heard = text;
                    }
                }
                Happening::Said(line) => {
                    self.has_said = true;
                    // The room says it to the others only, and the editor has cleared it.
                    if let Screen::Edited(_) = screen {
                        screen.line(&printable(&format!("{}: {line}", self.name)))?;
                    }
                }
                Happening::Unsendable(words) => match screen {
                    Screen::Edited(_) => screen.line(&format!("(not said: {words})"))?,
                    Screen::Plain(output) => {
                        say(&format!("not said: {words}"));
                        output.failure(&Failure::Unsendable(Refusal::malformed(words)))?;
                        self.status = Status::Refused;
                    }
                },
                Happening::NoInput(failure) => no_input = Some(failure),
                Happening::Closed(how) => return self.ended(&how, no_input),
            }
        }
        Ok(self.status)
    }

    fn ended(&self, how: &str, no_input: Option<Failure>) -> Result<Status, Failure> {
        let server = &self.server;
        if self.heard == NAME_TAKEN {
            // The printed room has no other way to say no.
            let words = format!("{server}: the room did not take the name");
            return Err(Failure::Refused(Refusal::new(Code::NameTaken, words)));
        }
        if self.link.is_leaving() {
            return no_input.map_or(Ok(self.status), Err);
        }
        Err(match self.has_said {
            true => Failure::Lost(format!("{server}: {how}").into()),
            false => {
                let words = format!("{server}: {how} before anything was said");
                Failure::Refused(Refusal::new(Code::Unavailable, words))
            }
        })
    }
}

/// Tells what the room says. A character that two reads share is told with the second.
fn hear_all(mut reader: Reader, tell: &SyncSender<Happening>) {
    let mut rest = Vec::new();
    loop {
        let happening = match reader.receive(None) {
            Ok(Some(piece)) => {
                rest.extend(piece);
                let whole = whole_characters(&rest);
                let text: Vec<u8> = rest.drain(..whole).collect();
                if text.is_empty() {
                    continue;
                }
                Happening::Heard(String::from_utf8_lossy(&text).into_owned())
            }
            Ok(None) => Happening::Closed("the server closed the connection".into()),
            Err(error) => Happening::Closed(error.to_string()),
        };
        let is_end = matches!(happening, Happening::Closed(_));
        if tell.send(happening).is_err() || is_end {
            return;
        }
    }
}

/// How many of these bytes do not belong to a character that has only begun.
fn whole_characters(bytes: &[u8]) -> usize {
    let last = bytes.utf8_chunks().last();
    let unfinished = last.map_or(&[][..], |chunk| chunk.invalid());
    // Only at the very end can more bytes still make a character of it.
    let can_grow = str::from_utf8(unfinished).is_err_and(|error| error.error_len().is_none());
    match can_grow {
        true => bytes.len() - unfinished.len(),
        false => bytes.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_character_is_cut_nowhere() {
        let text = "a€👍b".as_bytes();
        for length in 0..=text.len() {
            let whole = whole_characters(&text[..length]);
            assert!(str::from_utf8(&text[..whole]).is_ok(), "{length}");
            assert!(length - whole < 4, "{length}");
        }
        // What can become no character is not waited for.
        for bytes in [&b"a\xff"[..], b"\xe2\x28", b"\x80\x80"] {
            assert_eq!(whole_characters(bytes), bytes.len());
        }
    }
}
