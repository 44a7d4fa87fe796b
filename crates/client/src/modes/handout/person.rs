//! The user of a hand-out's client: at a terminal, or a pipe that holds what would be typed there.

use proto::frame::Framing;
use proto::mode::Mode;
use proto::printable::printable;
use proto::refusal::Refusal;
use serde_json::json;

use crate::failure::{Failure, Status, refusal_text};
use crate::input::Input;
use crate::menu::asks_for_help;
use crate::output::{Output, say};
use crate::session::Target;

const EMPTY: &str = "an empty line cannot be sent here";

/// The user, who is asked for one thing after the other, and shown the answers.
pub struct Person {
    input: Input,
    output: Output,
    /// How it has gone so far.
    pub status: Status,
}

/// A menu whose numbered choices are requests; the number after the last leaves.
pub struct Menu {
    pub text: &'static str,
    pub prompt: &'static str,
    /// What is said to anything else.
    pub invalid: &'static str,
    /// The verb of each request, and what the user is asked for behind it.
    pub requests: &'static [(&'static str, &'static [Field])],
}

/// How a field is read, and its prompt.
pub type Field = (
    fn(&mut Person, &str) -> Result<Option<String>, Failure>,
    &'static str,
);

impl Person {
    pub fn open(target: &Target, output: Output) -> Result<Person, Failure> {
        let mut input = Input::open(target.recorder.as_ref())?;
        if target.peer.service() == Mode::Atm {
            input = input.of_whole_lines();
        }
        Ok(Person {
            input,
            output,
            status: Status::Done,
        })
    }

    /// The next request of the menu that can be sent; `None` when the user leaves.
    pub fn request(&mut self, menu: &Menu) -> Result<Option<String>, Failure> {
        while let Some(choice) = self.line(menu.prompt)? {
            let choice = choice.trim();
            if choice == (menu.requests.len() + 1).to_string() {
                break;
            }
            let mut numbered = (1..).zip(menu.requests);
            let chosen = numbered.find(|(number, _)| number.to_string() == choice);
            let Some((_, (verb, fields))) = chosen else {
                let is_help = asks_for_help(choice);
                say(if is_help { menu.text } else { menu.invalid });
                continue;
            };
            let mut message = (*verb).to_owned();
            for (read, prompt) in *fields {
                let Some(field) = read(self, prompt)? else {
                    return Ok(None);
                };
                message = format!("{message} {field}");
            }
            match fits(&message) {
                Ok(()) => return Ok(Some(message)),
                Err(words) => self.refuse(&words),
            }
        }
        Ok(None)
    }

    /// The next line that can be read; `None` when there are no more.
    pub fn line(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.ask(prompt, Input::line, |_| Ok(()))
    }

    /// As [`Person::line`], for a line that is a message by itself.
    pub fn message(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.ask(prompt, Input::line, fits)
    }

    /// As [`Person::message`], without showing what is typed.
    pub fn hidden_message(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.check_it_can_hide()?;
        self.ask(prompt, Input::hidden_line, fits)
    }

    /// As [`Person::line`], for words at the end of a message: at least one.
    pub fn words(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.ask(prompt, Input::line, |line| match line.trim() {
            "" => Err(EMPTY.into()),
            _ => Ok(()),
        })
    }

    /// As [`Person::line`], for one word of a message that the server splits at blanks.
    pub fn word(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.ask(prompt, Input::line, is_one_word)
    }

    /// As [`Person::word`], without showing what is typed.
    pub fn hidden_word(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.check_it_can_hide()?;
        self.ask(prompt, Input::hidden_line, is_one_word)
    }

    /// Says why what was given cannot be sent. A pipe learns it by the exit status too.
    pub fn refuse(&mut self, words: &str) {
        say(words);
        // Nothing was sent, so where it cannot be printed, nothing is lost.
        let refused = Failure::Unsendable(Refusal::malformed(words));
        let _ = self.output.failure(&refused);
        if !self.input.is_terminal() {
            self.note(Status::Refused);
        }
    }

    /// Notes how it is to end, unless something worse was noted before.
    pub fn note(&mut self, status: Status) {
        self.status = self.status.worse(status);
    }

    /// Shows what the server said, behind these words of our own.
    pub fn show(&self, before: &str, said: &str) -> Result<(), Failure> {
        let line = format!("{before}{}", printable(said));
        self.output.answer(&line, json!({"received": said}))
    }

    /// Shows that a request failed, by this line in the place of its answer, or an object, and says
    /// why. The conversation goes on.
    pub fn show_failure(&mut self, line: &str, failure: &Failure) -> Result<(), Failure> {
        match self.output.json {
            true => self.output.failure(failure)?,
            false => self.output.line(line)?,
        }
        say(&failure.words().unwrap_or_default());
        self.note(failure.status());
        Ok(())
    }

    fn check_it_can_hide(&self) -> Result<(), Failure> {
        if !self.input.is_terminal() || self.input.can_hide() {
            return Ok(());
        }
        let words = "this terminal would show the password: use another, or give the input through \
                     a pipe";
        Err(Failure::Usage(words.into()))
    }

    fn ask(
        &mut self,
        prompt: &str,
        read: fn(&mut Input, &str) -> Result<Option<String>, Failure>,
        check: impl Fn(&str) -> Result<(), String>,
    ) -> Result<Option<String>, Failure> {
        loop {
            if !self.input.is_terminal() {
                // Each on a line of its own, since there is no Enter behind it.
                say(prompt.trim_end());
            }
            match read(&mut self.input, prompt) {
                Ok(Some(line)) => match check(&line) {
                    Ok(()) => return Ok(Some(line)),
                    Err(words) => self.refuse(&words),
                },
                Ok(None) => return Ok(None),
                Err(Failure::Unsendable(refusal)) => self.refuse(&refusal_text(&refusal)),
                Err(failure) => return Err(failure),
            }
        }
    }
}

/// Whether a text is a message of a printed program.
pub fn fits(message: &str) -> Result<(), String> {
    let encoded = Framing::Raw.encode(message.as_bytes(), &mut Vec::new());
    encoded.map_err(|error| error.to_string())
}

fn is_one_word(line: &str) -> Result<(), String> {
    match line.split_whitespace().count() {
        0 => Err(EMPTY.into()),
        1 => Ok(()),
        _ => Err("write it without blanks: the server splits what is sent at them".into()),
    }
}
