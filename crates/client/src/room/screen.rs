//! Where the room is shown: standard output, or a terminal with an editor.
//!
//! On a terminal the editor owns the line while the conversation lasts. Enter hands
//! what was typed over and clears the line in place; it appears again when the room says it, at
//! its place in the order of the room. So nothing is shown twice, and nothing out of order.

use std::collections::VecDeque;
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use rustyline::error::ReadlineError;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::{
    Cmd, Completer, ConditionalEventHandler, Config, Context, Editor, Event, EventContext,
    EventHandler, ExternalPrinter, Helper, Highlighter, KeyCode, KeyEvent, Modifiers, Movement,
    RepeatCount, Validator,
};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::raise;

use crate::failure::Failure;
use crate::output::Output;

const PROMPT: &str = "chat> ";

/// Lines that Up brings back.
const REMEMBERED: usize = 100;

/// How long the editor may take to start or to end before its end is asked for again.
const EDITOR_WAIT: Duration = Duration::from_millis(50);

/// How often the editor is asked to end. It ends at the first time; the others are for one that
/// has not started yet.
const EDITOR_TRIES: u32 = 40;

pub enum Screen {
    /// A program, a file, or a terminal without an editor.
    Plain(Output),
    /// A terminal with a line being typed.
    Edited(Edited),
}

/// What is typed at the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Typed {
    /// A line, to be said or obeyed.
    Line(String),
    /// To leave after the lines before: Ctrl-D.
    End,
}

/// The terminal while the editor runs.
pub struct Edited {
    printer: Box<dyn ExternalPrinter + Send>,
    is_over: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Screen {
    /// Starts an editor on the terminal; gives `None` when there is no terminal that can be drawn
    /// on, so that lines are read and shown plainly.
    pub fn edited() -> Result<Option<(Screen, Receiver<Typed>)>, Failure> {
        let no_terminal = |error: &dyn std::fmt::Display| {
            Failure::Resource(format!("cannot use the terminal: {error}"))
        };
        let config = Config::builder().auto_add_history(false).build();
        let mut editor: Editor<Watcher, DefaultHistory> =
            Editor::with_config(config).map_err(|error| no_terminal(&error))?;
        let Ok(printer) = editor.create_external_printer() else {
            return Ok(None);
        };
        let (type_line, typed) = mpsc::channel();
        let (tell_started, started) = mpsc::channel();
        let (tell_ended, ended) = mpsc::channel();
        let is_over = Arc::new(AtomicBool::new(false));
        bind_keys(&mut editor, &type_line);
        editor.set_helper(Some(Watcher(tell_started)));
        let over = Arc::clone(&is_over);
        thread::Builder::new()
            .name("editor".into())
            .spawn(move || {
                edit(&mut editor, &type_line, &over);
                let _ = tell_ended.send(());
            })
            .map_err(|error| no_terminal(&error))?;
        // From here on the terminal is the editor's. Were a line printed while it starts, the two
        // could mix.
        let _ = started.recv_timeout(EDITOR_WAIT * EDITOR_TRIES);
        let edited = Edited {
            printer: Box::new(printer),
            is_over,
            ended,
        };
        Ok(Some((Screen::Edited(edited), typed)))
    }

    pub fn line(&mut self, line: &str) -> Result<(), Failure> {
        match self {
            Screen::Plain(output) => output.line(line),
            Screen::Edited(edited) => edited.print(format!("{line}\n")),
        }
    }

    /// Gives the terminal back as it was.
    pub fn close(self) {
        if let Screen::Edited(mut edited) = self {
            edited.close();
        }
    }
}

impl Edited {
    fn print(&mut self, text: String) -> Result<(), Failure> {
        self.printer
            .print(text)
            .map_err(|error| Failure::cannot_print(&io::Error::other(error.to_string())))
    }

    fn close(&mut self) {
        // The printer holds one line until the editor has drawn it. This one draws nothing, up and
        // down again; when it is in the printer, the last line of the room is on the screen.
        let _ = self.print("\x1b[A\n".into());
        self.is_over.store(true, Ordering::SeqCst);
        for _ in 0..EDITOR_TRIES {
            // The editor takes the signal for Ctrl-C: there is no other way to end its wait.
            let _ = raise(SIGINT);
            if self.ended.recv_timeout(EDITOR_WAIT).is_ok() {
                return;
            }
        }
    }
}

/// Lets lines be typed until it is over. Keys hand them over; this is left only when asked to, so
/// that what the printer holds is always drawn.
fn edit(
    editor: &mut Editor<Watcher, DefaultHistory>,
    type_line: &Sender<Typed>,
    is_over: &AtomicBool,
) {
    while !is_over.load(Ordering::SeqCst) {
        let typed = match editor.readline(PROMPT) {
            Ok(line) => Typed::Line(line),
            Err(ReadlineError::Eof) => Typed::End,
            Err(ReadlineError::Interrupted) => {
                if !is_over.load(Ordering::SeqCst) {
                    interrupt();
                }
                continue;
            }
            // The terminal is gone.
            Err(_) => break,
        };
        let _ = type_line.send(typed);
    }
}

/// Does what Ctrl-C does without an editor, as the thread that waits for signals decides.
fn interrupt() {
    // Not SIGINT, which the editor takes for itself.
    let _ = raise(SIGTERM);
}

fn bind_keys(editor: &mut Editor<Watcher, DefaultHistory>, type_line: &Sender<Typed>) {
    let recall = Arc::new(Mutex::new(Recall::default()));
    let plain = |code| KeyEvent(code, Modifiers::NONE);
    let keys = [
        (plain(KeyCode::Enter), Key::Enter),
        (KeyEvent::ctrl('J'), Key::Enter),
        (KeyEvent::ctrl('M'), Key::Enter),
        (KeyEvent::ctrl('C'), Key::Interrupt),
        (KeyEvent::ctrl('D'), Key::End),
        (plain(KeyCode::Up), Key::Earlier),
        (plain(KeyCode::Down), Key::Later),
        (KeyEvent::ctrl('P'), Key::Earlier),
        (KeyEvent::ctrl('N'), Key::Later),
    ];
    for (event, key) in keys {
        let handler = Handler {
            key,
            type_line: type_line.clone(),
            recall: Arc::clone(&recall),
        };
        editor.bind_sequence(event, EventHandler::Conditional(Box::new(handler)));
    }
}

#[derive(Debug, Clone, Copy)]
enum Key {
    Enter,
    Interrupt,
    End,
    Earlier,
    Later,
}

struct Handler {
    key: Key,
    type_line: Sender<Typed>,
    recall: Arc<Mutex<Recall>>,
}

impl ConditionalEventHandler for Handler {
    fn handle(&self, _: &Event, _: RepeatCount, _: bool, context: &EventContext) -> Option<Cmd> {
        let line = context.line();
        let mut recall = self.recall.lock().unwrap_or_else(PoisonError::into_inner);
        match self.key {
            Key::Enter => {
                // A paste may hold several lines.
                for line in line.lines() {
                    let _ = self.type_line.send(Typed::Line(line.to_owned()));
                    recall.remember(line);
                }
                Some(if line.is_empty() {
                    Cmd::Noop
                } else {
                    Cmd::Kill(Movement::WholeBuffer)
                })
            }
            Key::Interrupt => {
                interrupt();
                Some(Cmd::Noop)
            }
            Key::End if !line.is_empty() => None,
            Key::End => {
                let _ = self.type_line.send(Typed::End);
                Some(Cmd::Noop)
            }
            // The lines of a paste are moved in.
            Key::Earlier | Key::Later if line.contains('\n') => None,
            Key::Earlier => Some(replace(recall.earlier(line))),
            Key::Later => Some(replace(recall.later())),
        }
    }
}

fn replace(line: Option<String>) -> Cmd {
    match line {
        Some(line) => Cmd::Replace(Movement::WholeBuffer, Some(line)),
        None => Cmd::Noop,
    }
}

/// What was typed before, since the editor's own history takes a line only when it is left.
#[derive(Debug, Default)]
struct Recall {
    lines: VecDeque<String>,
    /// How far back the line on the screen is; 0 is the one being typed.
    back: usize,
    /// The line being typed, while another is on the screen.
    draft: String,
}

impl Recall {
    fn remember(&mut self, line: &str) {
        self.back = 0;
        if line.is_empty() || self.lines.back().is_some_and(|last| last == line) {
            return;
        }
        if self.lines.len() == REMEMBERED {
            self.lines.pop_front();
        }
        self.lines.push_back(line.to_owned());
    }

    fn earlier(&mut self, shown: &str) -> Option<String> {
        let position = self.lines.len().checked_sub(self.back + 1)?;
        if self.back == 0 {
            shown.clone_into(&mut self.draft);
        }
        self.back += 1;
        self.lines.get(position).cloned()
    }

    fn later(&mut self) -> Option<String> {
        self.back = self.back.checked_sub(1)?;
        match self.back {
            0 => Some(std::mem::take(&mut self.draft)),
            back => self.lines.get(self.lines.len() - back).cloned(),
        }
    }
}

/// Signals when the editor draws for the first time.
#[derive(Completer, Helper, Highlighter, Validator)]
struct Watcher(Sender<()>);

impl Hinter for Watcher {
    type Hint = String;

    fn hint(&self, _line: &str, _position: usize, _context: &Context<'_>) -> Option<String> {
        let _ = self.0.send(());
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_typed_comes_back_and_the_draft_after_it() {
        let mut recall = Recall::default();
        assert_eq!(recall.earlier("draft"), None);
        for line in ["one", "two", "two", ""] {
            recall.remember(line);
        }
        assert_eq!(recall.earlier("draft").unwrap(), "two");
        assert_eq!(recall.earlier("two").unwrap(), "one");
        assert_eq!(recall.earlier("one"), None);
        assert_eq!(recall.later().unwrap(), "two");
        assert_eq!(recall.later().unwrap(), "draft");
        assert_eq!(recall.later(), None);
    }

    #[test]
    fn only_so_many_lines_are_remembered() {
        let mut recall = Recall::default();
        for number in 0..3 * REMEMBERED {
            recall.remember(&number.to_string());
        }
        assert_eq!(recall.lines.len(), REMEMBERED);
    }
}
