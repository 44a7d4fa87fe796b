//! A menu at a terminal, or one request a line from a pipe.

use proto::refusal::Refusal;

use crate::failure::{Failure, Status, refusal_text};
use crate::input::Input;
use crate::output::{Output, say};

/// Asks for a line, does what it says, and so on until the input ends or `quit`. A person is shown
/// the menu first, and again for `help` or `?`.
///
/// `act` answers a line itself, and gives back the refusal if there was one: a person reads it and
/// goes on, a pipe gets it in the place of the answer. So it is with a line that cannot be sent.
pub fn each_line(
    input: &mut Input,
    output: Output,
    (menu, prompt): (&str, &str),
    mut act: impl FnMut(&mut Input, &str) -> Result<Result<(), Refusal>, Failure>,
) -> Result<Status, Failure> {
    let mut status = Status::Done;
    if input.is_terminal() {
        say(menu);
    }
    loop {
        let acted = match input.line(prompt) {
            Ok(None) => break,
            Ok(Some(line)) if line == "q" || line == "quit" => break,
            Ok(Some(line)) if line.trim().is_empty() && input.is_terminal() => continue,
            // A pipe sees no menu: each of its lines is a request.
            Ok(Some(line)) if asks_for_help(&line) && input.is_terminal() => {
                say(menu);
                continue;
            }
            Ok(Some(line)) => act(input, &line),
            Err(failure) => Err(failure),
        };
        let answered = match acted {
            Err(Failure::Unsendable(refusal)) => Err(refusal),
            acted => acted?,
        };
        if let Err(refusal) = answered {
            if input.is_terminal() {
                say(&refusal_text(&refusal));
            } else {
                output.refusal(&refusal)?;
                status = Status::Refused;
            }
        }
    }
    Ok(status)
}

/// Whether a line at a menu asks to see it again.
pub fn asks_for_help(line: &str) -> bool {
    let line = line.trim();
    line == "?" || line.eq_ignore_ascii_case("help")
}
