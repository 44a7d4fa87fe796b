//! Date and time, asked over UDP.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand};
use proto::datetime::{Answer, Request};
use proto::refusal::{Code, Refusal};
use proto::reply;
use proto::request::Request as _;
use rand::RngExt;
use serde_json::json;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use super::{each_line, say};
use crate::cli::parse_seconds;
use crate::datagram::Asker;
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::output::Output;
use crate::session::Target;

const MENU: &str = "\
1  The date
2  The time
3  Watch: one of the two at random every 1 to 2 seconds, until Ctrl-C
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

/// The shortest and the longest time between two questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Gap {
    pub(super) shortest: Duration,
    pub(super) longest: Duration,
}

/// Asks once, watches, or asks what a person or a pipe says.
///
/// # Errors
/// When the server refuses or does not answer.
pub fn run(target: &Target, command: Option<&Command>, output: Output) -> Result<Status, Failure> {
    let mut client = Client {
        clock: Clock::open(target)?,
        output,
    };
    match command {
        Some(Command::Date) => client.ask(Request::Date)?.map_err(Failure::Refused)?,
        Some(Command::Time) => client.ask(Request::Time)?.map_err(Failure::Refused)?,
        Some(Command::Watch(watch)) => return client.watch_until_interrupted(watch.clone()),
        None => {
            let mut input = Input::open(target.recorder.as_ref())?;
            if input.is_terminal() {
                say(MENU);
            }
            return each_line(&mut input, output, "datetime> ", |_, line| {
                match line.trim().to_ascii_lowercase().as_str() {
                    "1" | "date" => client.ask(Request::Date),
                    "2" | "time" => client.ask(Request::Time),
                    "3" | "watch" => {
                        let clock = Clock::open(target)?;
                        let watcher = Client { clock, output };
                        watcher.watch_until_interrupted(Watch::default())?;
                        Ok(Ok(()))
                    }
                    other => Ok(Err(unknown(other))),
                }
            });
        }
    }
    Ok(Status::Done)
}

/// The clock of a server, asked over UDP.
#[derive(Debug)]
pub struct Clock {
    asker: Asker,
}

impl Clock {
    /// The clock there.
    ///
    /// # Errors
    /// When the server's name has no address.
    pub fn open(target: &Target) -> Result<Clock, Failure> {
        let asker = Asker::open(target)?;
        Ok(Clock { asker })
    }

    /// Asks for the date or the time. A late answer to the other question is passed over.
    ///
    /// # Errors
    /// When no answer comes, after several tries.
    pub fn ask(&mut self, request: Request) -> Result<Result<Answer, Refusal>, Failure> {
        let mut expected = request.answers();
        expected.push("ERR CODE".into());
        let question = request.to_string();
        self.asker.ask(
            question.as_bytes(),
            expected,
            |datagram| match reply::parse(str::from_utf8(datagram).ok()?) {
                Ok(Ok(arguments)) => request.answer(arguments).map(Ok),
                Ok(Err(refusal)) => Some(Err(refusal)),
                Err(_) => None,
            },
        )
    }
}

struct Client {
    clock: Clock,
    output: Output,
}

impl Client {
    fn ask(&mut self, request: Request) -> Result<Result<(), Refusal>, Failure> {
        match self.clock.ask(request)? {
            Ok(answer) => {
                let text = answer.to_string();
                let members = match answer {
                    Answer::Date { .. } => json!({"date": text}),
                    Answer::Time { .. } => json!({"time": text}),
                };
                self.output.answer(&text, members).map(Ok)
            }
            Err(refusal) => Ok(Err(refusal)),
        }
    }

    /// Watches on a thread of its own, so that Ctrl-C ends it at once wherever it waits.
    fn watch_until_interrupted(mut self, watch: Watch) -> Result<Status, Failure> {
        let cannot = |error| Failure::Resource(format!("cannot watch for Ctrl-C: {error}"));
        let mut signals = Signals::new([SIGINT]).map_err(cannot)?;
        let (tell, told) = mpsc::channel();
        let tell_interrupted = tell.clone();
        thread::spawn(move || {
            if signals.forever().next().is_some() {
                let _ = tell_interrupted.send(Err(Failure::Interrupted));
            }
        });
        thread::spawn(move || drop(tell.send(self.watch(&watch))));
        told.recv().unwrap_or(Err(Failure::Interrupted))
    }

    /// A lost answer is told and the next one asked for: the server may be restarting.
    fn watch(&mut self, watch: &Watch) -> Result<Status, Failure> {
        let mut status = Status::Done;
        let mut due = Instant::now();
        for _ in 0..watch.count.unwrap_or(u64::MAX) {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due = Instant::now() + rand::rng().random_range(watch.gap.shortest..=watch.gap.longest);
            let request = if rand::rng().random() {
                Request::Date
            } else {
                Request::Time
            };
            match self.ask(request) {
                Ok(Ok(())) => {}
                Ok(Err(refusal)) => return Err(Failure::Refused(refusal)),
                Err(Failure::Unreachable(words) | Failure::Lost(words)) => {
                    say(&words);
                    status = Status::Unreachable;
                }
                Err(failure) => return Err(failure),
            }
        }
        Ok(status)
    }
}

impl Default for Gap {
    fn default() -> Gap {
        Gap {
            shortest: Duration::from_secs(1),
            longest: Duration::from_secs(2),
        }
    }
}

impl Gap {
    pub(super) fn parse(text: &str) -> Result<Gap, String> {
        let (shortest, longest) = text
            .split_once("..")
            .ok_or("two numbers of seconds, as in 1..2")?;
        let gap = Gap {
            shortest: match shortest {
                "0" => Duration::ZERO,
                shortest => parse_seconds(shortest)?,
            },
            longest: parse_seconds(longest)?,
        };
        if gap.shortest > gap.longest {
            return Err("the shorter time first, as in 1..2".into());
        }
        Ok(gap)
    }
}

fn unknown(word: &str) -> Refusal {
    let words = format!(
        "{} is none of: date, time, watch, quit",
        proto::printable::quoted(word)
    );
    Refusal::new(Code::UnknownVerb, words)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gap_is_two_numbers_of_seconds_the_shorter_first() {
        assert_eq!(Gap::parse("1..2"), Ok(Gap::default()));
        let half = Duration::from_millis(500);
        assert_eq!(
            Gap::parse("0.5..0.5"),
            Ok(Gap {
                shortest: half,
                longest: half
            })
        );
        assert_eq!(Gap::parse("0..1").unwrap().shortest, Duration::ZERO);
        for text in ["", "1", "2..1", "1..", "..2", "-1..2", "1..inf", "NaN..2"] {
            assert!(Gap::parse(text).is_err(), "{text:?}");
        }
    }
}
