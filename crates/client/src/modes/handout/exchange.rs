//! The hand-outs that say the same thing every time: those that are scripts, and echo.

use proto::handout::Handout;

use super::person::Person;
use super::talk::HandoutConnection;
use crate::failure::{Failure, Status};
use crate::modes::script::{self, ScriptUi};
use crate::output::Output;
use crate::session::Target;

const ECHOED: &str = "Hello, world";

/// Plays the client's part of the hand-out's script.
pub fn play(handout: Handout, mut target: Target, output: Output) -> Result<Status, Failure> {
    let script = script::load(handout.name())?;
    target.framing = script.framing();
    let mut console = Console {
        person: Person::open(&target, output)?,
        before: if handout == Handout::Accepted {
            "Received: "
        } else {
            ""
        },
    };
    let status = script::play(&script, &target, &mut console)?;
    console.person.note(status);
    Ok(console.person.status)
}

/// Says the printed words, and waits until they have come back.
pub fn echo(target: &Target, output: Output) -> Result<Status, Failure> {
    let mut talk = HandoutConnection::open(target)?;
    talk.send(ECHOED)?;
    let echo = talk.expect(&[ECHOED])?;
    talk.close();
    Person::open(target, output)?.show("", echo)?;
    Ok(Status::Done)
}

struct Console {
    person: Person,
    before: &'static str,
}

impl ScriptUi for Console {
    fn ask(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        self.person.line(prompt)
    }

    fn show(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.person
            .show(self.before, &String::from_utf8_lossy(message))
    }
}
