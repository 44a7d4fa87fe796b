//! The chat room.
//!
//! Several threads, since the room and the person speak when they like: one reads from the server
//! into a bounded queue, one takes lines from the person and has them said one after the other,
//! one waits for Ctrl-C. The first thread takes what happens from the queue and shows it.

mod link;
pub(super) mod screen;
mod speaker;
pub(super) mod threads;
mod wording;

use std::io::{self, IsTerminal};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender, SyncSender};

use clap::Args;
use proto::chat::{Answer, Message, People, Request};
use proto::name::Name;
use proto::printable::quoted;
use proto::refusal::{Code, Refusal};
use proto::request::Request as _;
use serde_json::json;
use wire::connection::Reader;

use super::own_name;
use crate::evidence::{Evidence, OpenRequest, Section};
use crate::failure::{Failure, Report, Status, words_of};
use crate::input::Input;
use crate::output::{Output, say};
use crate::secrets::SentSecrets;
use crate::session::{Session, Target, breaks_the_protocol};
use link::Link;
use screen::{Screen, Typed};
use speaker::{Speaker, say_goodbye};
use threads::{leave_on_signals, start};

/// Happenings that may wait to be shown. When somebody stops their terminal, the server is no
/// longer read, and throws us out in the end.
const WAITING: usize = 1_000;

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

/// Something to show, or the end.
enum Happening {
    /// The room spoke.
    Message(Message<String>),
    /// A line cannot be said.
    Refused(Refusal),
    /// The person wants to know what can be typed.
    Help,
    /// No more lines can be read.
    NoInput(Failure),
    /// The server ended the stream, or it broke: how.
    Closed(String),
    /// The server broke the protocol: how, and with which bytes.
    Broken(String, Vec<u8>),
}

/// Joins the room, shows it, and has lines said until either side ends it.
///
/// # Errors
/// When the room cannot be joined, or is lost.
pub fn run(target: &Target, arguments: &Arguments, output: Output) -> Result<Status, Failure> {
    let given = match &arguments.name {
        Some(name) => Some(own_name(Some(name))?),
        None => None,
    };
    let mut session = Session::open(target)?;
    let Some((name, others)) = join(target, &mut session, given)? else {
        return Ok(Status::Done);
    };
    let asked = session.asked();
    let (reader, writer) = session.into_connection().split();
    let link = Arc::new(Link::new(writer, asked));
    let mut chat = Chat {
        target: target.clone(),
        output,
        screen: Screen::Plain(output),
        link,
        farewell: None,
        outcome: Ok(Status::Done),
    };
    let (tell, happenings) = mpsc::sync_channel(WAITING);
    // Before anything is shown: whoever sees that we are in may want to leave.
    let (link, news) = (Arc::clone(&chat.link), tell.clone());
    let goodbye = move || say_goodbye(&link, &news);
    leave_on_signals(goodbye, tell.clone(), Happening::Closed)?;
    chat.show_joined(&name, &others)?;
    let shown = chat.talk(reader, tell, &happenings);
    // Nothing more is shown, and nobody waits to tell it.
    drop(happenings);
    chat.screen.close();
    shown.and(chat.outcome)
}

/// Joins under the name given, or asks a person for one until it is free. `None` when the person
/// gave up.
fn join(
    target: &Target,
    session: &mut Session,
    given: Option<Name>,
) -> Result<Option<(Name, People)>, Failure> {
    let is_asked = given.is_none() && io::stdin().is_terminal();
    loop {
        let default = match &given {
            Some(name) => name.clone(),
            None => own_name(None)?,
        };
        let name = if is_asked {
            let prompt = format!("name [{default}]: ");
            // Until the room is entered, nothing happens while the name is typed.
            let mut input = Input::open(target.recorder.as_ref())?;
            match input.line(&prompt)?.as_deref().map(str::trim) {
                None => return Ok(None),
                Some("") => Ok(default),
                Some(name) => own_name(Some(name)),
            }
        } else {
            Ok(default)
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

/// The conversation as this client sees it.
struct Chat {
    target: Target,
    output: Output,
    screen: Screen,
    link: Arc<Link>,
    /// Why the server is about to end the conversation.
    farewell: Option<Refusal>,
    /// How it ends when both sides say goodbye.
    outcome: Result<Status, Failure>,
}

impl Chat {
    fn talk(
        &mut self,
        reader: Reader,
        tell: SyncSender<Happening>,
        happenings: &Receiver<Happening>,
    ) -> Result<(), Failure> {
        let (tell_answered, answered) = mpsc::channel();
        let edited = if io::stdin().is_terminal() {
            Screen::edited()?
        } else {
            None
        };
        let speaker = Speaker {
            link: Arc::clone(&self.link),
            tell: tell.clone(),
            answered,
            timeout: self.target.timeout,
        };
        match edited {
            Some((screen, typed)) => {
                self.screen = screen;
                start("speaker", move || speaker.say_all(|| Ok(typed.recv().ok())))?;
            }
            None => {
                let mut pipe = Input::Pipe;
                let next = move || Ok(pipe.line("")?.map(Typed::Line));
                start("speaker", move || speaker.say_all(next))?;
            }
        }
        if io::stdin().is_terminal() {
            self.show_help()?;
        }
        start("reader", move || receive_all(reader, &tell))?;
        self.show_all(happenings, &tell_answered)
    }

    /// Shows what happens until the conversation ends.
    fn show_all(
        &mut self,
        happenings: &Receiver<Happening>,
        tell_answered: &Sender<()>,
    ) -> Result<(), Failure> {
        for happening in happenings {
            match happening {
                Happening::Message(Message::Event(event)) => {
                    let line = match self.output.json {
                        true => wording::object(&event).to_string(),
                        false => wording::line(&event),
                    };
                    self.screen.line(&line)?;
                }
                Happening::Message(Message::Reply(reply)) => {
                    if self.show_reply(reply)? {
                        return Ok(());
                    }
                    let _ = tell_answered.send(());
                }
                Happening::Refused(refusal) => self.show_refusal(&refusal)?,
                Happening::Help => self.show_help()?,
                Happening::NoInput(failure) => self.outcome = Err(failure),
                Happening::Closed(_) if self.link.is_leaving() => return Ok(()),
                Happening::Closed(words) => {
                    let words = self.ending(&words);
                    return Err(Failure::Lost(self.report(
                        words,
                        self.link.open_request(),
                        b"",
                    )));
                }
                Happening::Broken(words, came) => {
                    let words = self.ending(&words);
                    let report = self.report(words, self.link.open_request(), &came);
                    return Err(Failure::Protocol(report));
                }
            }
        }
        Ok(())
    }

    /// Shows an answer; says whether it was the last.
    fn show_reply(&mut self, reply: Result<String, Refusal>) -> Result<bool, Failure> {
        let open = self.link.open_request();
        match (self.link.answered(), reply) {
            (None, Err(refusal)) => self.farewell = Some(refusal),
            (Some(_), Err(refusal)) if ends_conversation(&refusal) => self.farewell = Some(refusal),
            (Some(_), Err(refusal)) => self.show_refusal(&refusal)?,
            (request, Ok(arguments)) => {
                let parsed = request.and_then(|request| Answer::parse(&request, &arguments));
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

    /// Says what can be typed. A program that reads the room is not told.
    fn show_help(&mut self) -> Result<(), Failure> {
        match &mut self.screen {
            Screen::Edited(_) => self.screen.line(HELP),
            Screen::Plain(_) => {
                say(HELP);
                Ok(())
            }
        }
    }

    fn show_joined(&mut self, name: &Name, others: &People) -> Result<(), Failure> {
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

    fn show_people(&mut self, people: &People) -> Result<(), Failure> {
        let line = match self.output.json {
            true => {
                json!({"ok": true, "here": wording::names(people), "more": people.more}).to_string()
            }
            false => format!("Here: {}", wording::people(people)),
        };
        self.screen.line(&line)
    }

    /// Says that a line was not said. A person reads it and goes on; a pipe learns it by the exit
    /// status too.
    fn show_refusal(&mut self, refusal: &Refusal) -> Result<(), Failure> {
        match &mut self.screen {
            Screen::Edited(_) => {
                let line = format!("(not said: {})", words_of(refusal));
                self.screen.line(&line)
            }
            Screen::Plain(output) => {
                if self.outcome.is_ok() {
                    self.outcome = Ok(Status::Refused);
                }
                if output.json {
                    return output.refusal(refusal);
                }
                say(&format!("labclient: not said: {}", words_of(refusal)));
                Ok(())
            }
        }
    }

    /// Why the conversation ended: what the room said of it, or else these words.
    fn ending(&self, words: &str) -> String {
        let server = &self.target.server;
        match &self.farewell {
            Some(refusal) => {
                let why = words_of(refusal);
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

fn receive_all(mut reader: Reader, tell: &SyncSender<Happening>) {
    loop {
        let happening = match reader.receive(None) {
            Ok(Some(message)) => {
                let text = String::from_utf8_lossy(&message);
                match Message::parse(&text) {
                    Some(message) => Happening::Message(message),
                    None => {
                        let words = format!("{} is no message of a room", quoted(&text));
                        Happening::Broken(words, message)
                    }
                }
            }
            Ok(None) => Happening::Closed("the server closed the connection".into()),
            Err(error) if breaks_the_protocol(&error) => {
                Happening::Broken(error.to_string(), reader.unfinished().to_owned())
            }
            Err(error) => Happening::Closed(error.to_string()),
        };
        let is_end = matches!(happening, Happening::Closed(_) | Happening::Broken(..));
        if tell.send(happening).is_err() || is_end {
            return;
        }
    }
}
