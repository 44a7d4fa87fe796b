//! Date and time, asked over UDP.

use std::time::Duration;

use clap::{Args, Subcommand};
use proto::datetime::{Answer, Request};
use proto::refusal::{Code, Refusal};
use rand::RngExt;
use serde_json::json;

use crate::clock::Clock;
use crate::clock::watch::{self, Gap, Questions};
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::menu::each_line;
use crate::output::Output;
use crate::session::Target;

const MENU: &str = "\
1  The date
2  The time
3  Watch: one of the two at random every 1 to 2 seconds, until Ctrl-C
?  Show this again
q  Quit
Or type it: date, time, watch";

/// What to ask, on the command line.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Today's date, where the server is
    Date,
    /// The time of day, where the server is
    Time,
    /// Ask for date or time at random, again and again, until Ctrl-C
    Watch(Watch),
}

/// How [`Command::Watch`] goes on.
#[derive(Debug, Clone, Default, Args)]
pub struct Watch {
    /// End after this many questions
    #[arg(long)]
    count: Option<u64>,

    /// From one question to the next, in seconds, drawn uniformly
    #[arg(long, value_name = "MIN..MAX", value_parser = Gap::parse, default_value = "1..2")]
    gap: Gap,
}

/// Asks once, watches, or asks what a person or a pipe says.
pub fn run(target: &Target, command: Option<&Command>, output: Output) -> Result<Status, Failure> {
    let mut client = match command {
        Some(Command::Watch(how)) => return watch(target, how, output),
        Some(Command::Date | Command::Time) | None => Clock::open(target)?,
    };
    let mut ask = |request| show(client.ask(request)?, output);
    match command {
        Some(Command::Date) => ask(Request::Date)?.map_err(Failure::Refused)?,
        Some(Command::Time) => ask(Request::Time)?.map_err(Failure::Refused)?,
        Some(Command::Watch(_)) | None => {
            let mut input = Input::open(target.recorder.as_ref())?;
            let menu = (MENU, "datetime> ");
            return each_line(&mut input, output, menu, |_, line| {
                match line.trim().to_ascii_lowercase().as_str() {
                    "1" | "date" => ask(Request::Date),
                    "2" | "time" => ask(Request::Time),
                    "3" | "watch" => watch(target, &Watch::default(), output).map(|_| Ok(())),
                    other => Ok(Err(unknown(other))),
                }
            });
        }
    }
    Ok(Status::Done)
}

fn show(answered: Result<Answer, Refusal>, output: Output) -> Result<Result<(), Refusal>, Failure> {
    let answer = match answered {
        Ok(answer) => answer,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let text = answer.to_string();
    let members = match answer {
        Answer::Date { .. } => json!({"date": text}),
        Answer::Time { .. } => json!({"time": text}),
    };
    output.answer(&text, members).map(Ok)
}

/// A watch: the date or the time, at random.
struct Random {
    clock: Clock,
    gap: Gap,
}

impl Questions for Random {
    type Answer = Result<Answer, Refusal>;

    fn gap(&mut self) -> Duration {
        rand::rng().random_range(self.gap.shortest..=self.gap.longest)
    }

    fn ask(&mut self) -> Result<Self::Answer, Failure> {
        let request = if rand::rng().random() {
            Request::Date
        } else {
            Request::Time
        };
        self.clock.ask(request)
    }
}

fn watch(target: &Target, watch: &Watch, output: Output) -> Result<Status, Failure> {
    let questions = Random {
        clock: Clock::open(target)?,
        gap: watch.gap,
    };
    let watched = watch::run(questions, watch.count, output, |answer| {
        show(answer, output)?.map_err(Failure::Refused)
    })?;
    Ok(match (watched.was_interrupted, watched.answered) {
        (true, 0) => watched.status.worse(Status::Unreachable),
        // Had one been answered, there was something to see.
        (true, _) => Status::Done,
        (false, _) => watched.status,
    })
}

fn unknown(word: &str) -> Refusal {
    let words = format!(
        "{} is none of: date, time, watch, quit",
        proto::printable::quoted(word)
    );
    Refusal::new(Code::UnknownVerb, words)
}
