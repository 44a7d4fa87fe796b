//! Lower case, prime, palindrome.

use clap::Subcommand;
use proto::printable::{printable, quoted};
use proto::refusal::{Code, Refusal};
use proto::text::{Answer, Request};
use serde_json::json;

use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::menu::each_line;
use crate::output::Output;
use crate::session::{Session, Target};

const MENU: &str = "\
1  Convert to lower case
2  Check whether a number is prime
3  Check whether a number is a palindrome
?  Show this again
q  Quit
Or type it: lower HELLO, prime 97, palindrome 12321";

/// One request, on the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The text in lower case
    Lower {
        /// The text; quotes keep several blanks between its words
        #[arg(required = true, num_args = 1..)]
        text: Vec<String>,
    },
    /// Whether the number is prime
    Prime {
        /// Digits, with an optional minus
        #[arg(allow_hyphen_values = true)]
        number: String,
    },
    /// Whether the digits read the same backwards
    Palindrome {
        /// Digits, with an optional minus
        #[arg(allow_hyphen_values = true)]
        number: String,
    },
}

/// Asks one request, or those that a person or a pipe gives.
pub fn run(target: &Target, command: Option<&Command>, output: Output) -> Result<Status, Failure> {
    // What makes no sense is not sent.
    let request = command.map(request_of).transpose();
    let request = request.map_err(Failure::usage)?;
    let mut client = Client {
        session: Session::open(target)?,
        output,
    };
    let status = match request {
        Some(request) => {
            client.ask(request)?.map_err(Failure::Refused)?;
            Status::Done
        }
        None => {
            let mut input = Input::open(target.recorder.as_ref())?;
            each_line(&mut input, output, (MENU, "text> "), |input, line| {
                client.act(input, line)
            })?
        }
    };
    client.session.quit();
    Ok(status)
}

struct Client {
    session: Session,
    output: Output,
}

impl Client {
    fn act(&mut self, input: &mut Input, line: &str) -> Result<Result<(), Refusal>, Failure> {
        let is_terminal = input.is_terminal();
        let mut typed = |word, prompt| -> Result<Option<String>, Failure> {
            Ok(input.line(prompt)?.map(|rest| format!("{word} {rest}")))
        };
        // A pipe sees no menu: each of its lines is a request.
        let line = match line {
            "1" if is_terminal => typed("lower", "text to lower: ")?,
            "2" if is_terminal => typed("prime", "number: ")?,
            "3" if is_terminal => typed("palindrome", "number: ")?,
            line => Some(line.to_owned()),
        };
        match line.map(|line| request_of_line(&line)) {
            Some(Ok(request)) => self.ask(request),
            Some(Err(refusal)) => Ok(Err(refusal)),
            None => Ok(Ok(())),
        }
    }

    fn ask(&mut self, request: Request) -> Result<Result<(), Refusal>, Failure> {
        let answer = match self.session.ask(&request)? {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let members = match &answer {
            Answer::Lower(text) => json!({"lower": text}),
            Answer::Prime(prime) => json!({"prime": prime}),
            Answer::Palindrome(palindrome) => json!({"palindrome": palindrome}),
            Answer::Bye => json!({}),
        };
        let text = printable(&answer.to_string());
        self.output.answer(&text, members).map(Ok)
    }
}

fn request_of(command: &Command) -> Result<Request, Refusal> {
    match command {
        Command::Lower { text } => Ok(Request::Lower(text.join(" "))),
        Command::Prime { number } => number.parse().map(Request::Prime),
        Command::Palindrome { number } => number.parse().map(Request::Palindrome),
    }
}

/// Reads `lower HELLO World`, `prime 97`, `palindrome 12321`, the words of the command line.
fn request_of_line(line: &str) -> Result<Request, Refusal> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    match word.to_ascii_lowercase().as_str() {
        "lower" => Ok(Request::Lower(rest.to_owned())),
        "prime" => rest.trim().parse().map(Request::Prime),
        "palindrome" => rest.trim().parse().map(Request::Palindrome),
        _ => Err(Refusal::new(
            Code::UnknownVerb,
            format!(
                "{} is none of: lower TEXT, prime NUMBER, palindrome NUMBER, quit",
                quoted(word)
            ),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_typed_line_is_the_same_request_as_the_command_line() {
        let lower = Command::Lower {
            text: vec!["HELLO  World".into()],
        };
        assert_eq!(request_of_line("lower HELLO  World"), request_of(&lower));
        assert_eq!(request_of_line("PRIME  97 "), "PRIME 97".parse());
        assert_eq!(
            request_of_line("hello").unwrap_err().code,
            Code::UnknownVerb
        );
        assert_eq!(
            request_of_line("prime x").unwrap_err().code,
            Code::Malformed
        );
    }
}
