//! Lab 002: a calculator with a named session.

use proto::handout::calculator::{Expression, INVALID, QUIT};
use proto::handout::float::repr;

use super::person::Person;
use super::talk::HandoutConnection;
use crate::failure::{Failure, Status};
use crate::output::{Output, say};
use crate::session::Target;

/// Gives the name, then has every line calculated until `q`.
pub fn run(target: &Target, output: Output) -> Result<Status, Failure> {
    let mut talk = HandoutConnection::open(target)?;
    let mut person = Person::open(target, output)?;
    let Some(name) = person.message("name: ")? else {
        talk.close();
        return Ok(person.status);
    };
    talk.send(&name)?;
    while let Some(line) = person.message("expression, or q: ")? {
        if line == QUIT {
            talk.send(QUIT)?;
            talk.await_close()?;
            return Ok(person.status);
        }
        let expression: Expression = match line.parse() {
            Ok(expression) => expression,
            Err(error) => {
                say(&format!("not sent: {error}"));
                continue;
            }
        };
        talk.send(&line)?;
        // Only for where an answer ends that comes in pieces: the server is the calculator.
        let result = expression.value().map(repr);
        let likely: Vec<_> = result.as_deref().into_iter().chain([INVALID]).collect();
        person.show("", &talk.answer(&likely)?)?;
    }
    talk.close();
    Ok(person.status)
}
