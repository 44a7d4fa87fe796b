//! Date and time, asked over UDP.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
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

use crate::datagram::Asker;
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::menu::each_line;
use crate::options::parse_seconds;
use crate::output::{Output, say};
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
    let shown = Shown(output);
    let mut client = match command {
        Some(Command::Watch(how)) => return watch(target, how, shown),
        Some(Command::Date | Command::Time) | None => Clock::open(target)?,
    };
    let mut ask = |request| shown.show(client.ask(request)?);
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
                    "3" | "watch" => watch(target, &Watch::default(), shown).map(|_| Ok(())),
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

/// Where answers are shown.
#[derive(Clone, Copy)]
struct Shown(Output);

impl Shown {
    fn show(self, answered: Result<Answer, Refusal>) -> Result<Result<(), Refusal>, Failure> {
        let answer = match answered {
            Ok(answer) => answer,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let text = answer.to_string();
        let members = match answer {
            Answer::Date { .. } => json!({"date": text}),
            Answer::Time { .. } => json!({"time": text}),
        };
        self.0.answer(&text, members).map(Ok)
    }
}

/// What comes while a watch lasts.
enum Happening {
    /// A question was answered, or not.
    Asked(Result<Result<Answer, Refusal>, Failure>),
    /// Ctrl-C.
    Interrupted,
}

/// Watches until the count or Ctrl-C. Both are waited for, so that Ctrl-C ends it at once whatever it
/// waits for. A lost answer is told and the next one asked for: the server may be restarting.
fn watch(target: &Target, watch: &Watch, shown: Shown) -> Result<Status, Failure> {
    let mut clock = Clock::open(target)?;
    let (tell, told) = mpsc::channel();
    let interrupt = Interrupt::taken_over(tell.clone())?;
    let (gap, count) = (watch.gap, watch.count.unwrap_or(u64::MAX));
    let asking = thread::Builder::new().spawn(move || {
        let mut due = Instant::now();
        for _ in 0..count {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            due = Instant::now() + rand::rng().random_range(gap.shortest..=gap.longest);
            let request = if rand::rng().random() {
                Request::Date
            } else {
                Request::Time
            };
            // Nobody listens any more when it was ended.
            if tell.send(Happening::Asked(clock.ask(request))).is_err() {
                return;
            }
        }
    });
    asking.map_err(|error| Failure::Resource(format!("cannot start a thread: {error}")))?;
    let mut status = Status::Done;
    let mut answered = 0_u64;
    let mut asked = 0_u64;
    while asked < count {
        let Ok(happening) = told.recv() else { break };
        match happening {
            Happening::Interrupted => {
                // Had one been answered, the person has seen what there was to see.
                status = if answered > 0 {
                    Status::Done
                } else {
                    status.worse(Status::Unreachable)
                };
                break;
            }
            Happening::Asked(Ok(reply)) => {
                asked += 1;
                answered += 1;
                shown.show(reply)?.map_err(Failure::Refused)?;
            }
            Happening::Asked(Err(
                failure @ (Failure::Unreachable(_) | Failure::Lost(_) | Failure::Protocol(_)),
            )) => {
                asked += 1;
                status = status.worse(failure.status());
                shown.0.failure(&failure)?;
                say(&failure.words().unwrap_or_default());
            }
            Happening::Asked(Err(failure)) => return Err(failure),
        }
    }
    drop(interrupt);
    Ok(status)
}

/// Ctrl-C for as long as a watch lasts; before and after it ends the program.
struct Interrupt {
    signals: signal_hook::iterator::Handle,
    ends_program: &'static AtomicBool,
}

/// Whether Ctrl-C ends the program. A signal that was watched once is never given back to the system;
/// while this is set, it is as if it were.
fn ends_program() -> io::Result<&'static AtomicBool> {
    static ENDS_PROGRAM: OnceLock<Arc<AtomicBool>> = OnceLock::new();
    if ENDS_PROGRAM.get().is_none() {
        let flag = Arc::new(AtomicBool::new(true));
        signal_hook::flag::register_conditional_default(SIGINT, Arc::clone(&flag))?;
        let _ = ENDS_PROGRAM.set(flag);
    }
    ENDS_PROGRAM
        .get()
        .map(|flag| &**flag)
        .ok_or_else(|| io::ErrorKind::Other.into())
}

impl Interrupt {
    /// Has it told from here on.
    fn taken_over(tell: Sender<Happening>) -> Result<Interrupt, Failure> {
        let cannot = |error| Failure::Resource(format!("cannot watch for Ctrl-C: {error}"));
        let ends_program = ends_program().map_err(cannot)?;
        let mut signals = Signals::new([SIGINT]).map_err(cannot)?;
        ends_program.store(false, Ordering::SeqCst);
        let handle = signals.handle();
        let watching = thread::Builder::new().spawn(move || {
            for _ in signals.forever() {
                let _ = tell.send(Happening::Interrupted);
            }
        });
        watching.map_err(cannot)?;
        Ok(Interrupt {
            signals: handle,
            ends_program,
        })
    }
}

impl Drop for Interrupt {
    fn drop(&mut self) {
        self.ends_program.store(true, Ordering::SeqCst);
        self.signals.close();
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
