//! The chat room, over the client of any [`room`](crate::room).

mod dialect;
mod wording;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};

use clap::Args;
use proto::chat::{Answer, MemberList, Message, Request};
use proto::name::Name;
use proto::printable::quoted;
use proto::refusal::{Code, Refusal};
use proto::request::Request as _;
use serde_json::json;

use super::own_name;
use crate::evidence::{Evidence, OpenRequest, Section};
use crate::failure::{Failure, Report, Status, refusal_text};
use crate::input::Input;
use crate::output::{Output, say};
use crate::room::screen::Screen;
use crate::room::{Room, RoomSender, UiEvent, open_screen};
use crate::secrets::SentSecrets;
use crate::session::{Session, Target};
use dialect::OpenRequests;

/// What can be typed.
const HELP: &str = "What you type is said. /who: who is here, /help: this again, quit: leave.";

/// What a room says without being asked.
const EVENTS: [&str; 3] = [
    "EVENT joined NAME",
    "EVENT said NAME TEXT",
    "EVENT left NAME REASON",
];

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Who you are in the room [default: the user's name, or asked for at a terminal]
    #[arg(long)]
    name: Option<String>,
}

/// Joins the room, shows it, and has lines said until either side ends it.
pub fn run(target: &Target, arguments: &Arguments, output: Output) -> Result<Status, Failure> {
    let given = arguments.name.as_deref();
    let given = given.map(|name| own_name(Some(name))).transpose()?;
    let mut session = Session::open(target)?;
    let Some((name, others)) = join(target, &mut session, given)? else {
        return Ok(Status::Done);
    };
    let target = session.target().clone();
    let asked = session.asked();
    let (reader, writer) = session.into_connection().split();
    // Before anything is shown: a user who sees that the room was joined may want to leave.
    let (room, events) = Room::open(writer, OpenRequests::after(asked))?;
    let mut chat = Chat {
        target,
        output,
        screen: Screen::Plain(output),
        sender: room.sender(),
        farewell: None,
        outcome: Ok(Status::Done),
    };
    chat.show_joined(&name, &others)?;
    let (screen, typed) = open_screen(output)?;
    chat.screen = screen;
    let is_user = io::stdin().is_terminal();
    let helped = if is_user { chat.show_help() } else { Ok(()) };
    let (tell_answered, answered) = mpsc::channel();
    let answered = Some((answered, chat.target.timeout));
    let shown = helped
        .and_then(|()| room.start(reader, dialect::read, typed, answered))
        .and_then(|()| chat.show_all(&events, &tell_answered));
    // Nothing more is shown, and no thread waits to send it.
    drop(events);
    chat.screen.close();
    shown.and(chat.outcome)
}

/// Joins under the name given, or asks a person for one until it is free. `None` when the person
/// gave up.
fn join(
    target: &Target,
    session: &mut Session,
    given: Option<Name>,
) -> Result<Option<(Name, MemberList)>, Failure> {
    let is_asked = given.is_none() && io::stdin().is_terminal();
    let default = given.map_or_else(|| own_name(None), Ok)?;
    loop {
        let name = if is_asked {
            let prompt = format!("name [{default}]: ");
            // Until the room is entered, nothing happens while the name is typed.
            let mut input = Input::open(target.recorder.as_ref())?;
            match input.line(&prompt)?.as_deref().map(str::trim) {
                None => return Ok(None),
                Some("") => Ok(default.clone()),
                Some(name) => own_name(Some(name)),
            }
        } else {
            Ok(default.clone())
        };
        let refused = match name {
            Ok(name) => {
                let request = Request::Join(name);
                match session.ask(&request)? {
                    Ok(Answer::Joined(name, others)) => return Ok(Some((name, others))),
                    Ok(_) => Failure::Protocol("the room did not say who joined".into()),
                    Err(refusal) => Failure::Refused(refusal),
                }
            }
            Err(failure) => failure,
        };
        match refused {
            Failure::Refused(_) | Failure::Usage(_) if is_asked => {
                say(&refused.words().unwrap_or_default());
            }
            _ => return Err(refused),
        }
    }
}

struct Chat {
    target: Target,
    output: Output,
    screen: Screen,
    sender: Arc<RoomSender<OpenRequests>>,
    /// Why the server is about to end the conversation.
    farewell: Option<Refusal>,
    /// How it ends when both sides say goodbye.
    outcome: Result<Status, Failure>,
}

impl Chat {
    fn show_all(
        &mut self,
        events: &Receiver<UiEvent<OpenRequests>>,
        tell_answered: &Sender<()>,
    ) -> Result<(), Failure> {
        for event in events {
            match event {
                UiEvent::Received(Message::Event(event)) => {
                    let line = match self.output.json {
                        true => wording::object(&event).to_string(),
                        false => wording::line(&event),
                    };
                    self.screen.line(&line)?;
                }
                UiEvent::Received(Message::Reply(reply)) => {
                    if self.show_reply(reply)? {
                        return Ok(());
                    }
                    let _ = tell_answered.send(());
                }
                UiEvent::Sending(_) => {}
                UiEvent::Refused(refusal) => self.show_refusal(&refusal)?,
                UiEvent::Help => self.show_help()?,
                UiEvent::NoInput(failure) => self.outcome = Err(failure),
                UiEvent::Closed(_, None) if self.sender.is_leaving() => return Ok(()),
                UiEvent::Closed(words, came) => {
                    let words = self.ending(&words);
                    let open = self.sender.with(|requests| requests.oldest());
                    let report = self.report(words, open, came.as_deref().unwrap_or_default());
                    return Err(match came {
                        Some(_) => Failure::Protocol(report),
                        None => Failure::Lost(report),
                    });
                }
            }
        }
        Ok(())
    }

    /// Shows an answer; says whether it was the last.
    fn show_reply(&mut self, reply: Result<String, Refusal>) -> Result<bool, Failure> {
        let (open, request) = self
            .sender
            .with(|requests| (requests.oldest(), requests.answered()));
        match (request, reply) {
            (None, Err(refusal)) => self.farewell = Some(refusal),
            (Some(_), Err(refusal)) if ends_conversation(&refusal) => self.farewell = Some(refusal),
            (Some(_), Err(refusal)) => self.show_refusal(&refusal)?,
            (request, Ok(arguments)) => {
                let parsed = request.and_then(|request| request.answer(&arguments));
                match parsed {
                    Some(Answer::Bye) => return Ok(true),
                    Some(Answer::Said) => {}
                    Some(Answer::Here(people)) => self.show_people(&people)?,
                    Some(Answer::Joined(..)) | None => {
                        let words = format!("{} answers nothing", quoted(&arguments));
                        let words = self.ending(&words);
                        let came = format!("OK {arguments}");
                        let report = self.report(words, open, came.as_bytes());
                        return Err(Failure::Protocol(report));
                    }
                }
            }
        }
        Ok(false)
    }

    /// Says what can be typed. A program that reads the room does not need it.
    fn show_help(&mut self) -> Result<(), Failure> {
        match &mut self.screen {
            Screen::Edited(_) => self.screen.line(HELP),
            Screen::Plain(_) => {
                say(HELP);
                Ok(())
            }
        }
    }

    fn show_joined(&mut self, name: &Name, others: &MemberList) -> Result<(), Failure> {
        if self.output.json {
            let object = json!({
                "ok": true,
                "joined": name.as_str(),
                "with": wording::names(others),
                "more": others.more,
            });
            return self.screen.line(&object.to_string());
        }
        self.screen.line(&format!("{name} has joined the chat."))?;
        if !others.is_empty() {
            let line = format!("Already here: {}", wording::people(others));
            self.screen.line(&line)?;
        }
        Ok(())
    }

    fn show_people(&mut self, people: &MemberList) -> Result<(), Failure> {
        if self.output.json {
            let object = json!({"ok": true, "here": wording::names(people), "more": people.more});
            return self.screen.line(&object.to_string());
        }
        self.screen
            .line(&format!("Here: {}", wording::people(people)))
    }

    /// Says that a line was not said. A person reads it and goes on; a pipe learns it by the exit
    /// status too.
    fn show_refusal(&mut self, refusal: &Refusal) -> Result<(), Failure> {
        match &mut self.screen {
            Screen::Edited(_) => {
                let line = format!("(not said: {})", refusal_text(refusal));
                self.screen.line(&line)
            }
            Screen::Plain(output) => {
                if self.outcome.is_ok() {
                    self.outcome = Ok(Status::Refused);
                }
                if output.json {
                    return output.refusal(refusal);
                }
                say(&format!("labclient: not said: {}", refusal_text(refusal)));
                Ok(())
            }
        }
    }

    /// Why the conversation ended: what the room said of it, or else these words.
    fn ending(&self, words: &str) -> String {
        let server = &self.target.server;
        match &self.farewell {
            Some(refusal) => {
                let why = refusal_text(refusal);
                format!("{server}: the room ended the conversation: {why}")
            }
            None => format!("{server}: {words}"),
        }
    }

    fn report(&self, words: String, open: Option<(u64, Request)>, came: &[u8]) -> Report {
        if self.farewell.is_some() {
            return words.into();
        }
        let no_secrets = SentSecrets::default();
        let mut expected = open.as_ref().map_or(Vec::new(), |(_, open)| open.answers());
        expected.extend(EVENTS.map(str::to_owned));
        expected.push("ERR CODE WORDS".into());
        let request = open
            .map(|(number, request)| OpenRequest::new(number, &request.to_string(), &no_secrets));
        let evidence = Evidence {
            request,
            expected,
            came: came.to_owned(),
            section: Section::of(self.target.peer),
        };
        Report::new(words, evidence)
    }
}

/// Whether the server closes after this refusal, whatever was asked.
fn ends_conversation(refusal: &Refusal) -> bool {
    matches!(
        refusal.code,
        Code::ShuttingDown | Code::TooSlow | Code::Busy
    )
}
