//! The client of a room, whatever it speaks: a [`Dialect`] knows its messages.
//!
//! Several threads, since the room and the user speak when they like: one reads from the server into
//! a bounded queue, one takes lines from the user and sends them one after the other, one waits for
//! Ctrl-C. The first thread takes the events from the queue and shows them on a [`screen`].

pub mod screen;

use std::io::{self, IsTerminal};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use proto::refusal::{Code, Refusal};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;
use wire::connection::{Reader, SendError, Writer};

use self::screen::{Screen, Typed};
use crate::failure::Failure;
use crate::input::Input;
use crate::output::Output;
use crate::session::{GOODBYE_TIMEOUT, is_protocol_error};

/// Events that wait to be shown. When the terminal is stopped, the server is no longer read, and
/// closes the conversation in the end.
const MAX_EVENTS: usize = 1_000;

/// What a client sends to a room, and how. What the room says is read by a function beside it.
pub trait Dialect: Send + 'static {
    type Request: Clone + Send;
    type Message: Send;

    /// Whether the lines go on after one that cannot be read as text.
    const SKIPS_UNREADABLE: bool;

    fn command(line: &str) -> Result<Command<Self::Request>, Refusal>;

    fn send(&mut self, writer: &mut Writer, request: Self::Request) -> Result<(), SendError>;

    /// The request to end the conversation.
    fn quit() -> Self::Request;
}

#[derive(Debug, PartialEq, Eq)]
pub enum Command<R> {
    /// Nothing: it is blank.
    Nothing,
    Help,
    Quit,
    Send(R),
}

pub enum UiEvent<D: Dialect> {
    Received(D::Message),
    Sending(D::Request),
    Refused(Refusal),
    Help,
    NoInput(Failure),
    /// The server ended the stream, or it broke: how, and with which bytes where the server broke the
    /// protocol.
    Closed(String, Option<Vec<u8>>),
}

/// What a message is to the client: nothing to show yet, a message of the room, or none, in words.
pub type Decoded<M> = Option<Result<M, String>>;

/// The sending half of the conversation, shared by everything that may send.
#[derive(Debug)]
pub struct RoomSender<D> {
    sending: Mutex<(Writer, D)>,
    is_leaving: AtomicBool,
}

impl<D: Dialect> RoomSender<D> {
    pub fn send(&self, request: D::Request) -> Result<(), SendError> {
        let mut locked = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        let (writer, dialect) = &mut *locked;
        dialect.send(writer, request)
    }

    /// What the dialect knows of what was sent.
    pub fn with<A>(&self, know: impl FnOnce(&mut D) -> A) -> A {
        let mut locked = self.sending.lock().unwrap_or_else(PoisonError::into_inner);
        know(&mut locked.1)
    }

    pub fn is_leaving(&self) -> bool {
        self.is_leaving.load(Ordering::SeqCst)
    }

    /// Asks for the end, once; when that is not answered for a while, it ends all the same.
    fn leave(&self, events: &SyncSender<UiEvent<D>>) {
        if !self.is_leaving.swap(true, Ordering::SeqCst) {
            // When it cannot be sent, the room is lost, which the reader notices.
            let _ = self.send(D::quit());
        }
        thread::sleep(GOODBYE_TIMEOUT);
        let _ = events.send(UiEvent::Closed("no goodbye".into(), None));
    }
}

pub struct Room<D: Dialect> {
    sender: Arc<RoomSender<D>>,
    events: SyncSender<UiEvent<D>>,
}

impl<D: Dialect> Room<D> {
    /// The conversation over this connection. From here on the first signal leaves the room, and the
    /// second ends it at once. While the editor runs, Ctrl-C is a key, which comes here too.
    pub fn open(writer: Writer, dialect: D) -> Result<(Room<D>, Receiver<UiEvent<D>>), Failure> {
        let sender = Arc::new(RoomSender {
            sending: Mutex::new((writer, dialect)),
            is_leaving: AtomicBool::new(false),
        });
        let (events, happened) = mpsc::sync_channel(MAX_EVENTS);
        let mut signals = Signals::new([SIGINT, SIGTERM])
            .map_err(|error| Failure::Resource(format!("cannot watch for signals: {error}")))?;
        let room = Room { sender, events };
        let (sender, events) = (room.sender(), room.events.clone());
        start("signals", move || {
            for (count, signal) in signals.forever().enumerate() {
                if count == 0 {
                    // The sender may be busy with a line that the server does not take.
                    let (sender, events) = (Arc::clone(&sender), events.clone());
                    let _ = start("goodbye", move || sender.leave(&events));
                    continue;
                }
                let interrupted = UiEvent::Closed("interrupted".into(), None);
                if let Err(TrySendError::Full(_)) = events.try_send(interrupted) {
                    // What is shown is not taken either.
                    std::process::exit(128 + signal);
                }
            }
        })?;
        Ok((room, happened))
    }

    pub fn sender(&self) -> Arc<RoomSender<D>> {
        Arc::clone(&self.sender)
    }

    /// Starts to send what is typed, or else the lines of standard input, and to receive. Where
    /// requests are answered, each is sent when an answer to the one before was shown, so that a long
    /// file is never a flood.
    pub fn start(
        self,
        reader: Reader,
        read: impl FnMut(&[u8]) -> Decoded<D::Message> + Send + 'static,
        typed: Option<Receiver<Typed>>,
        answered: Option<(Receiver<()>, Duration)>,
    ) -> Result<(), Failure> {
        let speaker = Speaker {
            sender: self.sender,
            events: self.events.clone(),
            answered,
        };
        start("speaker", move || match typed {
            Some(typed) => speaker.run(|| Ok(typed.recv().ok())),
            None => {
                let mut pipe = Input::Pipe { whole_lines: false };
                speaker.run(|| Ok(pipe.line("")?.map(Typed::Line)));
            }
        })?;
        let events = self.events;
        start("reader", move || receive_all(reader, read, &events))
    }
}

/// Where the room is shown, and what is typed there if it is a terminal with an editor.
pub fn open_screen(output: Output) -> Result<(Screen, Option<Receiver<Typed>>), Failure> {
    if io::stdin().is_terminal()
        && let Some((screen, typed)) = Screen::edited()?
    {
        return Ok((screen, Some(typed)));
    }
    Ok((Screen::Plain(output), None))
}

/// Turns lines into requests, and sends them one after the other.
struct Speaker<D: Dialect> {
    sender: Arc<RoomSender<D>>,
    events: SyncSender<UiEvent<D>>,
    /// Receives when an answer was shown, and how long to wait for that.
    answered: Option<(Receiver<()>, Duration)>,
}

impl<D: Dialect> Speaker<D> {
    /// Sends every line, then leaves.
    fn run(self, mut next: impl FnMut() -> Result<Option<Typed>, Failure>) {
        loop {
            let command = match next() {
                Ok(Some(Typed::Line(line))) => D::command(&line),
                Ok(Some(Typed::End) | None) => break,
                Err(Failure::Unsendable(refusal)) if D::SKIPS_UNREADABLE => Err(refusal),
                Err(failure) => {
                    self.report(UiEvent::NoInput(failure));
                    break;
                }
            };
            match command {
                Ok(Command::Quit) => break,
                Ok(Command::Send(request)) => {
                    if !self.send(request) {
                        return;
                    }
                }
                Ok(Command::Help) => self.report(UiEvent::Help),
                Ok(Command::Nothing) => {}
                Err(refusal) => self.report(UiEvent::Refused(refusal)),
            }
        }
        self.sender.leave(&self.events);
    }

    /// Sends, and waits for the answer to be shown if there will be one; says whether there can be
    /// more.
    fn send(&self, request: D::Request) -> bool {
        // Before it is sent: the room may answer, or close, at once.
        self.report(UiEvent::Sending(request.clone()));
        match self.sender.send(request) {
            Ok(()) => {}
            Err(SendError::Encode(error)) => {
                let refusal = Refusal::new(Code::TooLong, error);
                self.report(UiEvent::Refused(refusal));
                return true;
            }
            // There may still be a message to read that says why.
            Err(SendError::Io(_)) => return false,
            Err(error @ (SendError::WriteTooSlow(_) | SendError::Broken(_))) => {
                self.report(UiEvent::Closed(error.to_string(), None));
                return false;
            }
        }
        let Some((answered, timeout)) = &self.answered else {
            return true;
        };
        match answered.recv_timeout(*timeout) {
            Ok(()) => true,
            Err(RecvTimeoutError::Timeout) => {
                let words = format!("no answer within {} s", timeout.as_secs_f32());
                self.report(UiEvent::Closed(words, None));
                false
            }
            Err(RecvTimeoutError::Disconnected) => false,
        }
    }

    fn report(&self, event: UiEvent<D>) {
        // The conversation may be over.
        let _ = self.events.send(event);
    }
}

fn receive_all<D: Dialect>(
    mut reader: Reader,
    mut read: impl FnMut(&[u8]) -> Decoded<D::Message>,
    events: &SyncSender<UiEvent<D>>,
) {
    loop {
        let event = match reader.receive(None) {
            Ok(Some(message)) => match read(&message) {
                Some(Ok(message)) => UiEvent::Received(message),
                Some(Err(words)) => UiEvent::Closed(words, Some(message)),
                None => continue,
            },
            Ok(None) => UiEvent::Closed("the server closed the connection".into(), None),
            Err(error) => {
                let came = is_protocol_error(&error).then(|| reader.unfinished().to_owned());
                UiEvent::Closed(error.to_string(), came)
            }
        };
        let is_end = matches!(event, UiEvent::Closed(..));
        if events.send(event).is_err() || is_end {
            return;
        }
    }
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Failure> {
    thread::Builder::new()
        .name(name.into())
        .spawn(run)
        .map(drop)
        .map_err(|error| Failure::Resource(format!("cannot start a thread: {error}")))
}
