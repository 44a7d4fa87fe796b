//! Lines from a user at a terminal, with editing and history, or from a pipe, without.

use std::borrow::Cow;
use std::io::{self, BufRead, IsTerminal};

use rustyline::error::ReadlineError;
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::history::DefaultHistory;
use rustyline::{Behavior, Completer, Config, Editor, Helper, Hinter, Validator};

use proto::refusal::{Code, Refusal};
use record::Recorder;

use crate::failure::Failure;

/// Longest line taken from a pipe, in bytes: the longest message, and a word before it.
const MAX_LINE: u64 = 80 * 1024;

/// Values of `TERM` for which `rustyline` edits nothing, so that the terminal shows every key.
const PLAIN_TERMINALS: [&str; 3] = ["dumb", "cons25", "emacs"];

pub enum Input {
    /// A person, and whose trace may be shown on the same terminal.
    Terminal(Box<Editor<Mask, DefaultHistory>>, Option<Recorder>),
    /// A program or a file; where money moves by each line, whole lines alone are taken.
    Pipe { whole_lines: bool },
}

/// Hides what is typed while a PIN is asked for.
#[derive(Completer, Helper, Hinter, Validator, Default)]
pub struct Mask {
    hidden: bool,
}

impl Input {
    /// Standard input, whichever of the two it is. Each prompt stands below the trace of what
    /// happened before it.
    pub fn open(recorder: Option<&Recorder>) -> Result<Input, Failure> {
        if !io::stdin().is_terminal() {
            return Ok(Input::Pipe { whole_lines: false });
        }
        let mut config = Config::builder().auto_add_history(false);
        if !io::stdout().is_terminal() {
            // The answers go to a file or a program; prompts are for the person.
            config = config.behavior(Behavior::PreferTerm);
        }
        let config = config.build();
        let mut editor = Editor::with_config(config)
            .map_err(|error| Failure::Resource(format!("cannot use the terminal: {error}")))?;
        editor.set_helper(Some(Mask::default()));
        Ok(Input::Terminal(Box::new(editor), recorder.cloned()))
    }

    /// The same lines, where money moves by them: a pipe's last line without its line feed is
    /// refused, since it may be a part of one. `withdraw 500` can be cut off to `withdraw 5`.
    #[must_use]
    pub fn of_whole_lines(self) -> Input {
        match self {
            Input::Terminal(..) => self,
            Input::Pipe { .. } => Input::Pipe { whole_lines: true },
        }
    }

    /// Whether a person is there to be asked.
    pub fn is_terminal(&self) -> bool {
        matches!(self, Input::Terminal(..))
    }

    /// Whether what is typed can be hidden.
    pub fn can_hide(&self) -> bool {
        let is_plain = |name: String| PLAIN_TERMINALS.contains(&name.to_lowercase().as_str());
        self.is_terminal() && !(cfg!(unix) && std::env::var("TERM").is_ok_and(is_plain))
    }

    /// The next line, without its end; `None` when there is no more. A pipe sees no prompt.
    ///
    /// # Errors
    /// When the person pressed Ctrl-C, or the input cannot be read. [`Failure::Unsendable`] is
    /// about this line alone.
    pub fn line(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        match self {
            Input::Terminal(editor, recorder) => {
                let line = from_terminal(editor, recorder.as_ref(), prompt)?;
                if let Some(line) = line.as_deref().filter(|line| !line.is_empty()) {
                    // History is a convenience: a line that cannot be remembered is still a line.
                    let _ = editor.add_history_entry(line);
                }
                Ok(line)
            }
            Input::Pipe { whole_lines } => from_pipe(*whole_lines),
        }
    }

    /// As [`Input::line`], but what is typed is neither shown nor remembered.
    pub fn hidden_line(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        let Input::Terminal(editor, recorder) = self else {
            return self.line(prompt);
        };
        let hide = |editor: &mut Editor<Mask, _>, hidden| {
            if let Some(mask) = editor.helper_mut() {
                mask.hidden = hidden;
            }
        };
        hide(editor, true);
        let line = from_terminal(editor, recorder.as_ref(), prompt);
        hide(editor, false);
        line
    }
}

/// The prompt stands below the trace, which a thread of its own shows.
fn from_terminal(
    editor: &mut Editor<Mask, DefaultHistory>,
    recorder: Option<&Recorder>,
    prompt: &str,
) -> Result<Option<String>, Failure> {
    if let Some(recorder) = recorder {
        recorder.flush();
    }
    match editor.readline(prompt) {
        Ok(line) => Ok(Some(line)),
        Err(ReadlineError::Eof) => Ok(None),
        Err(ReadlineError::Interrupted) => Err(Failure::Interrupted),
        Err(error) => Err(Failure::Resource(format!(
            "cannot read the terminal: {error}"
        ))),
    }
}

fn from_pipe(whole_lines: bool) -> Result<Option<String>, Failure> {
    let unreadable =
        |error: io::Error| Failure::Resource(format!("cannot read standard input: {error}"));
    let mut line = Vec::new();
    let mut stdin = io::stdin().lock();
    let mut start = io::Read::take(&mut stdin, MAX_LINE);
    start.read_until(b'\n', &mut line).map_err(unreadable)?;
    if line.is_empty() {
        return Ok(None);
    }
    if line.len() as u64 == MAX_LINE && !line.ends_with(b"\n") {
        stdin.skip_until(b'\n').map_err(unreadable)?;
        let words = format!("a line is longer than {MAX_LINE} bytes");
        return Err(Failure::Unsendable(Refusal::new(Code::TooLong, words)));
    }
    if whole_lines && !line.ends_with(b"\n") {
        let words = "the last line has no line feed, so it may have been cut off: it was not sent";
        return Err(Failure::Unsendable(Refusal::malformed(words)));
    }
    let text = line.strip_suffix(b"\n").unwrap_or(&line);
    let text = text.strip_suffix(b"\r").unwrap_or(text);
    match str::from_utf8(text) {
        Ok(text) => Ok(Some(text.to_owned())),
        Err(_) => Err(Failure::Unsendable(Refusal::malformed(
            "a line is not UTF-8",
        ))),
    }
}

impl Highlighter for Mask {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        if self.hidden {
            Cow::Owned("*".repeat(line.chars().count()))
        } else {
            Cow::Borrowed(line)
        }
    }

    fn highlight_char(&self, _line: &str, _position: usize, _kind: CmdKind) -> bool {
        self.hidden
    }
}
