//! `labclient replay`: sends again what a recording's client sent, and compares the answers.

mod answer;
mod bytes;
mod comparison;
mod conversation;
mod step;
mod steps;

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, BufReader};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use record::{ReadError, Recording};
use serde_json::json;

use self::answer::{Answer, matches};
use self::bytes::shown;
use self::comparison::compared;
use self::conversation::Conversation;
use self::step::{Action, Step};
use self::steps::steps;
use crate::failure::{Failure, Status};
use crate::options::{Options, parse_address};
use crate::output::{Output, say};

/// How long to wait where `--timeout` is not given.
const TIMEOUT: Duration = Duration::from_secs(10);

/// What to send again, and where to.
#[derive(Debug, Args)]
pub struct Arguments {
    /// A recording, as --record makes it, of the client or of the server; `-` is standard input. A
    /// log-in can be sent again only if it was recorded with --record-secrets
    #[arg(value_name = "FILE")]
    file: PathBuf,

    /// The server to send it to
    #[arg(value_name = "HOST:PORT", value_parser = parse_address)]
    to: String,

    /// Only the connection of this number [default: all, in the order of the recording]
    #[arg(long, value_name = "N")]
    connection: Option<u64>,
}

/// Sends again what the recording's client sent, in its order, and compares each answer.
///
/// # Errors
/// When the recording cannot be read or sent again, and when there is no server.
pub fn run(arguments: &Arguments, options: &Options) -> Result<Status, Failure> {
    let file = &arguments.file;
    let cannot = |words: &str| Failure::Usage(format!("cannot replay {}: {words}", file.display()));
    let recording = read(file).map_err(|error| cannot(&error.to_string()))?;
    let lost: u64 = recording.runs.iter().map(record::Run::lost).sum();
    if lost > 0 {
        say(&format!("{lost} events were lost when it was recorded"));
    }
    let steps = steps(&recording, arguments.connection).map_err(|words| cannot(&words))?;
    let mut replay = Replay {
        to: &arguments.to,
        timeout: options.timeout.unwrap_or(TIMEOUT),
        output: options.output(),
        open: HashMap::new(),
        awaited: 0,
        different: 0,
    };
    for step in &steps {
        replay.take(step)?;
    }
    replay.summary()
}

fn read(file: &Path) -> Result<Recording, ReadError> {
    if file == Path::new("-") {
        return Recording::read(io::stdin().lock());
    }
    Recording::read(BufReader::new(File::open(file)?))
}

/// A replay under way.
struct Replay<'r> {
    to: &'r str,
    timeout: Duration,
    output: Output,
    /// Each connection by its place in the recording; none once it is over.
    open: HashMap<usize, Option<Conversation>>,
    awaited: u64,
    different: u64,
}

impl Replay<'_> {
    fn take(&mut self, step: &Step) -> Result<(), Failure> {
        let place = step.connection;
        if matches!(step.action, Action::Connect) {
            let opened = Conversation::open(self.to, &step.channel, self.timeout)?;
            self.open.insert(place, Some(opened));
            return Ok(());
        }
        // Of a connection whose beginning is not in the recording, nothing is replayed.
        let Some(open) = self.open.get_mut(&place) else {
            return Ok(());
        };
        match &step.action {
            Action::Connect => {}
            Action::Send { pieces, text } => {
                let sent = open.as_mut().map(|open| open.send(pieces));
                if !self.output.json {
                    self.output
                        .line(&format!("{} → {}", step.name(), shown(text)))?;
                }
                // Why it failed is seen when its answer is awaited.
                if let Some(Err(words)) = sent {
                    say(&format!("{}: not sent: {words}", step.name()));
                }
            }
            Action::Await(expected) => {
                let came = match open {
                    Some(open) => open.receive(expected, self.timeout)?,
                    None => Answer::Ended,
                };
                if !matches!(came, Answer::Message(_) | Answer::Silence) {
                    *open = None;
                }
                self.compare(step, expected, &came)?;
            }
            Action::HalfClose => {
                if let Some(open) = open {
                    open.half_close();
                }
            }
            Action::Close(how) => {
                if let Some(open) = open.take() {
                    open.close(*how);
                }
            }
        }
        Ok(())
    }

    fn compare(&mut self, step: &Step, expected: &Answer, came: &Answer) -> Result<(), Failure> {
        self.awaited += 1;
        let is_same = matches(expected, came);
        self.different += u64::from(!is_same);
        let name = step.name();
        if self.output.json {
            let members = json!({
                "connection": step.channel.connection,
                "service": step.channel.service,
                "answer": self.awaited,
                "ok": is_same,
                "expected": expected.in_words(),
                "came": came.in_words(),
            });
            return self.output.line(&members.to_string());
        }
        if is_same {
            return self
                .output
                .line(&format!("{name} ← {}", expected.in_words()));
        }
        let waited = self.timeout.as_secs_f32();
        for line in compared(expected, came, waited) {
            self.output.line(&format!("{name} {line}"))?;
        }
        Ok(())
    }

    fn summary(&self) -> Result<Status, Failure> {
        let (awaited, different) = (self.awaited, self.different);
        let words = match (awaited, different) {
            (1, 0) => "the answer is as recorded".to_owned(),
            (_, 0) => format!("all {awaited} answers are as recorded"),
            (1, _) => "the answer differs from the recorded one".to_owned(),
            (_, 1) => format!("1 of {awaited} answers differs from the recorded one"),
            _ => format!("{different} of {awaited} answers differ from the recorded ones"),
        };
        say(&words);
        Ok(match different {
            0 => Status::Done,
            _ => Status::Refused,
        })
    }
}
