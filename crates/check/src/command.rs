//! What `labclient check` and `labserver check` share: the choice of cases, the run, the report.

mod batch;
mod files;
pub mod matrix;
mod words;

use std::io::{self, BufWriter, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use proto::frame::Framing;
use proto::mode::Mode;
use proto::side::Side;
use serde_json::json;

use crate::case::Case;
use crate::dialect::Dialect;
use crate::interruption::interruption;
use crate::program::{ProgramCommand, StartError};
use crate::progress::Progress;
use crate::report::{self, Report};
use crate::run::{Judged, Judgement, Plan, judge};
use crate::verdict::Failure;

use self::files::Files;

pub use self::words::quoted;

/// How long an answer is waited for: far longer than one takes that is on its way, also on a busy
/// machine.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Submissions of a folder that are judged side by side. Each is judged by one case at a time, and a
/// case waits more than it computes.
const SUBMISSIONS: usize = 8;

/// Which cases are judged, and how.
#[derive(Debug, Args)]
pub struct Choice {
    /// List the cases, and judge nothing
    #[arg(long)]
    pub list: bool,

    /// Only cases whose id is this or begins with it, as prime or text.prime.squares; several with commas
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    only: Vec<String>,

    /// All cases but those whose id is this or begins with it; several with commas
    #[arg(long, value_name = "CASE", value_delimiter = ',')]
    skip: Vec<String>,

    /// What should hold counts as what must
    #[arg(long)]
    strict: bool,

    /// Cases side by side [default: 4; a program that runs already is judged by one at a time], or
    /// submissions of a folder, each by one case at a time [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: Option<u8>,

    /// How long a case may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    time_limit: u64,

    /// Memory of each process of the program, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(16..))]
    memory: u64,

    /// Keep the recordings of cases that do not hold in this directory, for `labclient view`
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Judge each folder in this one: the command is run in each, {submission} is its path
    #[arg(long, value_name = "DIR", requires = "command")]
    batch: Option<PathBuf>,

    #[command(flatten)]
    files: Files,
}

/// A check of one program, or of a folder of them, that is ready to run.
#[derive(Debug)]
pub struct Check<'c> {
    /// The choice on the command line.
    pub choice: &'c Choice,
    /// The chosen cases.
    pub cases: Vec<Case>,
    /// How it is judged.
    pub plan: Plan,
    /// What is judged.
    pub judged: Judged,
    /// The same for the report.
    pub subject: Subject,
    /// Whether the report is a JSON object.
    pub is_json: bool,
}

/// What is judged, as a report names it.
#[derive(Debug, Clone)]
pub struct Subject {
    /// Which half of a lab it is.
    pub side: Side,
    /// As `127.0.0.1:9006`, or its command.
    pub name: String,
    /// The command that judges it again, up to the choice of cases.
    pub command: String,
    /// The rest of the command, behind the choice of cases.
    pub rest: String,
}

/// Why nothing was judged.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The program did not start.
    #[error("{0}")]
    Start(#[from] StartError),
    /// What is asked for makes no sense.
    #[error("{0}")]
    Usage(String),
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// The report cannot be printed.
    #[error("cannot write to standard output: {0}")]
    Print(io::Error),
    /// This computer failed.
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// How a check has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All that counts holds.
    Holds,
    /// Something does not, or was not judged.
    DoesNotHold,
    /// A program did not start.
    NotStarted,
}

impl Ending {
    /// The exit status.
    pub fn status(self) -> u8 {
        match self {
            Ending::Holds => 0,
            Ending::DoesNotHold => 1,
            Ending::NotStarted => 3,
        }
    }

    fn of(holds: bool) -> Ending {
        match holds {
            true => Ending::Holds,
            false => Ending::DoesNotHold,
        }
    }
}

impl Check<'_> {
    /// Judges, prints what came of it and writes the files.
    ///
    /// # Errors
    /// When nothing could be judged, or the report has no place to go.
    pub fn run(self) -> Result<Ending, CheckError> {
        self.choice.files.check()?;
        if let Some(folder) = &self.choice.batch {
            return Ok(Ending::of(batch::run(&self, folder)?));
        }
        let is_interrupted = interruption()?;
        let Check {
            choice,
            cases,
            plan,
            judged,
            subject,
            is_json,
        } = self;
        let report = choice.judge(plan, &judged, &cases, subject, &is_interrupted)?;
        show(&report, is_json).map_err(CheckError::Print)?;
        choice.files.write(std::slice::from_ref(&report))?;
        Ok(Ending::of(report.holds()))
    }
}

impl Choice {
    /// The chosen ones of these cases, which can be judged in this framing.
    ///
    /// # Errors
    /// A name that is none, in words. `program` has the list.
    pub fn cases(
        &self,
        all: Vec<Case>,
        dialect: &Dialect,
        framing: Framing,
        program: &str,
    ) -> Result<Vec<Case>, String> {
        let mode = dialect.name();
        let names = |case: &Case, chosen: &String| {
            let id = case.id(dialect);
            let begins = |id: &str| {
                let rest = id.strip_prefix(chosen.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            begins(&id) || begins(case.name)
        };
        for chosen in self.only.iter().chain(&self.skip) {
            if !all.iter().any(|case| names(case, chosen)) {
                return Err(format!(
                    "no case of {mode} is called {chosen:?}: `{program} check {} --list` shows them",
                    dialect.arguments()
                ));
            }
        }
        let is_chosen = |case: &Case| {
            case.framings.contains(&framing)
                && (self.only.is_empty() || self.only.iter().any(|chosen| names(case, chosen)))
                && !self.skip.iter().any(|chosen| names(case, chosen))
        };
        let cases: Vec<Case> = all.into_iter().filter(is_chosen).collect();
        match cases.is_empty() {
            true => Err(format!(
                "no case of {mode} is left: `{program} check {} --list` shows them all",
                dialect.arguments()
            )),
            false => Ok(cases),
        }
    }

    /// The program that this command starts.
    pub fn program(&self, dialect: &Dialect, words: &[String]) -> ProgramCommand {
        // A bank keeps its accounts, a cash machine its journal, and where, if not in `{state}`?
        let has_state = words.iter().any(|word| word.contains("{state}"));
        ProgramCommand {
            words: words.to_owned(),
            directory: None,
            keeps_files: dialect.mode() == Mode::Atm && !has_state,
            memory: self.memory * 1024 * 1024,
        }
    }

    /// How this is judged.
    pub fn plan(
        &self,
        dialect: Dialect,
        framing: Framing,
        seed: u64,
        patience: Duration,
        jobs: usize,
    ) -> Plan {
        Plan {
            dialect,
            framing,
            seed,
            jobs,
            patience,
            time_limit: Duration::from_secs(self.time_limit),
            out: self.out.clone(),
        }
    }

    /// How many submissions of a folder are judged side by side.
    fn submissions_at_once(&self) -> usize {
        self.jobs.map_or(SUBMISSIONS, usize::from)
    }

    /// How many cases are judged side by side.
    pub fn jobs(&self, judged: &Judged) -> usize {
        match (judged, self.jobs) {
            (Judged::Started(command), _) if command.share_files() => 1,
            (Judged::Client(command), _) if command.hand.is_some() => 1,
            (Judged::Client(command), _) if command.program.share_files() => 1,
            (_, Some(jobs)) => jobs.into(),
            (Judged::Running(_), None) => 1,
            (Judged::Started(_) | Judged::Client(_), None) => 4,
        }
    }

    /// Judges, shows how far it is, and ends early when it is interrupted.
    fn judge(
        &self,
        plan: Plan,
        judged: &Judged,
        cases: &[Case],
        subject: Subject,
        is_interrupted: &AtomicBool,
    ) -> Result<Report, CheckError> {
        if let Some(out) = &plan.out {
            std::fs::create_dir_all(out)?;
        }
        let progress = match judged {
            // Who starts the client is told where they are.
            Judged::Client(command) if command.hand.is_some() => Progress::hidden(cases.len()),
            _ => Progress::new(cases.len()),
        };
        let broken = AtomicUsize::new(0);
        let judgements = judge(&plan, judged, cases, is_interrupted, &|judgement| {
            let is_broken = matches!(judgement.outcome, Err(Failure::Broken(_)));
            let before = broken.fetch_add(usize::from(is_broken), Ordering::Relaxed);
            let broken = before + usize::from(is_broken);
            progress.show(&format!("judged, {broken} do not hold ({})", judgement.id));
        });
        progress.clear();
        Ok(self.report(plan, subject, judgements?, cases.len()))
    }

    /// The report of what was judged, of so many cases.
    fn report(
        &self,
        plan: Plan,
        subject: Subject,
        judgements: Vec<Judgement>,
        planned: usize,
    ) -> Report {
        Report {
            side: subject.side,
            subject: subject.name,
            command: subject.command,
            rest: subject.rest,
            plan,
            is_strict: self.strict,
            judgements,
            planned,
        }
    }
}

/// The cases, one a line.
pub fn list(dialect: &Dialect, cases: &[Case], is_json: bool) -> Vec<String> {
    let line = |case: &Case| {
        let id = case.id(dialect);
        match is_json {
            true => json!({
                "id": id, "rule": case.rule, "section": case.section, "level": case.level.to_string(),
                "points": case.points,
            })
            .to_string(),
            false => format!("{id:<30} {:<7} {:>2}  {}", case.level, case.points, case.rule),
        }
    };
    cases.iter().map(line).collect()
}

/// Prints a report.
fn show(report: &Report, is_json: bool) -> io::Result<()> {
    let mut out = BufWriter::new(io::stdout().lock());
    match is_json {
        true => writeln!(out, "{}", report::json::object(report))?,
        false => report::terminal::write(report, &mut out)?,
    }
    out.flush()
}

/// The service on a command line.
pub fn modes() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::name))
        .try_map(|name| Mode::parse(&name).ok_or("no such mode"))
}
