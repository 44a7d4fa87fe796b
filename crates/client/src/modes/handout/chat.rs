//! Lab 002: a chat room that shows each member what the others say, over the client of any
//! [`room`](crate::room).

use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Instant;

use proto::handout::chat::{NAME_TAKEN, QUIT};
use proto::printable::printable;
use proto::refusal::{Code, Refusal};
use serde_json::json;
use wire::connection::{SendError, Writer};

use super::person::{Person, fits};
use super::talk::wait_after;
use crate::failure::{Failure, Status, refusal_text};
use crate::output::{Output, say};
use crate::room::screen::Screen;
use crate::room::{Command, Decoded, Dialect, Room, RoomSender, UiEvent, open_screen};
use crate::session::Target;

/// Messages without an answer, at a distance from each other.
struct Paced {
    sent: Option<Instant>,
}

impl Dialect for Paced {
    type Request = String;
    type Message = String;

    const SKIPS_UNREADABLE: bool = true;

    fn command(line: &str) -> Result<Command<String>, Refusal> {
        if line == QUIT {
            return Ok(Command::Quit);
        }
        fits(line).map_err(Refusal::malformed)?;
        Ok(Command::Send(line.to_owned()))
    }

    fn send(&mut self, writer: &mut Writer, message: String) -> Result<(), SendError> {
        wait_after(self.sent);
        self.sent = Some(Instant::now());
        writer.send(message.as_bytes())
    }

    fn quit() -> String {
        QUIT.to_owned()
    }
}

/// Gives the name, then says lines until `quit`, and shows what the others say.
pub fn run(target: &Target, output: Output) -> Result<Status, Failure> {
    let connection = target.connect()?;
    let mut person = Person::open(target, output)?;
    let Some(name) = person.message("name: ")? else {
        connection.close();
        return Ok(person.status);
    };
    let (reader, writer) = connection.split();
    let (room, events) = Room::open(writer, Paced { sent: None })?;
    let lost = |error: SendError| Failure::Lost(format!("{}: {error}", target.server).into());
    let sender = room.sender();
    sender.send(name.clone()).map_err(lost)?;
    let (mut screen, typed) = open_screen(output)?;
    let mut rest = Vec::new();
    room.start(
        reader,
        move |piece| whole_text(&mut rest, piece),
        typed,
        None,
    )?;
    let mut chat = Chat {
        server: target.server.clone(),
        name,
        output,
        sender,
        status: person.status,
        heard: String::new(),
        has_said: false,
    };
    let ended = chat.show_all(&mut screen, &events);
    // Nothing more is shown, and no thread waits to send it.
    drop(events);
    screen.close();
    ended
}

struct Chat {
    server: String,
    name: String,
    output: Output,
    sender: Arc<RoomSender<Paced>>,
    status: Status,
    /// The first thing that was heard.
    heard: String,
    has_said: bool,
}

impl Chat {
    fn show_all(
        &mut self,
        screen: &mut Screen,
        events: &Receiver<UiEvent<Paced>>,
    ) -> Result<Status, Failure> {
        let mut no_input = None;
        for event in events {
            match event {
                UiEvent::Received(text) => {
                    let line = match self.output.json {
                        true => json!({"ok": true, "received": text}).to_string(),
                        false => printable(&text),
                    };
                    screen.line(&line)?;
                    if self.heard.is_empty() {
                        self.heard = text;
                    }
                }
                UiEvent::Sending(line) => {
                    self.has_said = true;
                    // The room says it to the others only, and the editor has cleared it.
                    if let Screen::Edited(_) = screen {
                        screen.line(&printable(&format!("{}: {line}", self.name)))?;
                    }
                }
                UiEvent::Help => {}
                UiEvent::Refused(refusal) => match (refusal_text(&refusal), &mut *screen) {
                    (words, Screen::Edited(_)) => screen.line(&format!("(not said: {words})"))?,
                    (words, Screen::Plain(output)) => {
                        say(&format!("not said: {words}"));
                        output.failure(&Failure::Unsendable(Refusal::malformed(words)))?;
                        self.status = Status::Refused;
                    }
                },
                UiEvent::NoInput(failure) => no_input = Some(failure),
                UiEvent::Closed(how, _) => return self.ended(&how, no_input),
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
        if self.sender.is_leaving() {
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

/// The text that this piece completes. A character that two reads share comes with the second.
fn whole_text(rest: &mut Vec<u8>, piece: &[u8]) -> Decoded<String> {
    rest.extend(piece);
    let whole = whole_characters(rest);
    let text: Vec<u8> = rest.drain(..whole).collect();
    let text = String::from_utf8_lossy(&text).into_owned();
    (!text.is_empty()).then_some(Ok(text))
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
