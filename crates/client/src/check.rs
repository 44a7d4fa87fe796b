//! `labclient check`: judges the server of a lab, whatever it is written in.

use std::io::{self, BufWriter, IsTerminal, Write};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use ::check::case::Case;
use ::check::dialect::Dialect;
use ::check::program::ProgramCommand;
use ::check::report::{self, Report};
use ::check::run::{Judged, Judgement, Plan, judge};
use ::check::suites::server_cases;
use ::check::verdict::Failure as CaseFailure;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::Mode;
use serde_json::json;
use wire::connect::resolve;
use wire::fault::random_seed;

use crate::failure::{Failure, Status};
use crate::modes::script::load;
use crate::options::Options;
use crate::output::say;

mod batch;
mod files;

use self::files::Files;

/// How long an answer is waited for: far longer than any takes that is on its way.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  labclient check text 127.0.0.1:9006               judge a server that runs
  labclient check text -- python3 server.py {port}  start it for each case
  labclient check text --list                       the cases
  labclient check text --batch submissions --csv marks.csv -- python3 server.py {port}

In the command, {port} is replaced by a free port, {host} by 127.0.0.1, and
{state} by an empty directory for what it keeps. A bank whose command has no {state}
runs in a copy of this directory, made for each case; where that has more than
16 MiB or 2,000 files, it runs here, one case at a time. Exit status: 0 all hold,
1 some do not, 2 usage, 3 the program did not start.";

/// What to judge, and by which cases.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The service: atm, text, calc, chat, echo, datetime or script; left out with --handout
    #[arg(value_name = "MODE", required_unless_present = "handout")]
    mode: Option<String>,

    /// A server that runs already; one that is started by the check can be killed and restarted as
    /// well
    #[arg(value_name = "HOST:PORT", conflicts_with = "command")]
    address: Option<String>,

    /// A printed program's words in place of ours: `labclient handout list` shows the names
    #[arg(long, value_name = "NAME", value_parser = handouts(), hide_possible_values = true)]
    handout: Option<Handout>,

    /// script: the exchange, by its name or as a file [default: knock-knock]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "handout")]
    script: Option<String>,

    /// The command that starts the server
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// List the cases, and judge nothing
    #[arg(long)]
    list: bool,

    /// Only cases whose id is this or begins with it, as prime or text.prime.squares; may be repeated
    #[arg(long, value_name = "CASE")]
    only: Vec<String>,

    /// All cases but those whose id is this or begins with it; may be repeated
    #[arg(long, value_name = "CASE")]
    skip: Vec<String>,

    /// What should hold counts as what must
    #[arg(long)]
    strict: bool,

    /// Cases side by side [default: 4; a server that runs already is judged by one at a time]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: Option<u8>,

    /// How long a case may take, in seconds
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    time_limit: u64,

    /// Memory of each process of the server, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 2048, value_parser = clap::value_parser!(u64).range(16..))]
    memory: u64,

    /// Keep the recordings of cases that do not hold in this directory, for `labclient view`; with
    /// --batch each submission's report too
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Judge each folder in this one: the command is run in each, {submission} is its path
    #[arg(long, value_name = "DIR", requires = "command")]
    batch: Option<PathBuf>,

    /// The files to write besides.
    #[command(flatten)]
    files: Files,
}

/// Judges.
pub fn run(arguments: &Arguments, options: &Options) -> Result<Status, Failure> {
    if options.fault.is_some() {
        let words = "--fault is for the modes and hand-outs: what a case does is the case's own";
        return Err(Failure::Usage(words.into()));
    }
    let dialect = arguments.dialect(options.wire)?;
    let framing = dialect.framing(options.wire);
    let cases = arguments.cases(&dialect, framing)?;
    if arguments.list {
        return list(dialect.name(), &cases, options);
    }
    let judged = arguments.judged(&dialect)?;
    arguments.files.check()?;
    if let Some(out) = &arguments.out {
        std::fs::create_dir_all(out).map_err(|error| {
            Failure::Resource(format!("cannot make {}: {error}", out.display()))
        })?;
    }
    let plan = Plan {
        dialect,
        framing,
        seed: options.seed.unwrap_or_else(random_seed),
        jobs: match (&judged, arguments.jobs) {
            (Judged::Started(command), _) if command.share_files() => 1,
            (_, Some(jobs)) => jobs.into(),
            (Judged::Running(_), None) => 1,
            (Judged::Started(_), None) => 4,
        },
        patience: options.timeout.unwrap_or(PATIENCE),
        time_limit: Duration::from_secs(arguments.time_limit),
        out: arguments.out.clone(),
    };
    let is_interrupted = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // The second one ends this program at once.
        let registered =
            signal_hook::flag::register_conditional_default(signal, Arc::clone(&is_interrupted))
                .and_then(|_| signal_hook::flag::register(signal, Arc::clone(&is_interrupted)));
        registered.map_err(|error| Failure::Resource(format!("no handler of signals: {error}")))?;
    }
    if let Some(folder) = &arguments.batch {
        return batch::run(arguments, options, &plan, &cases, folder, &is_interrupted);
    }
    let progress = Progress::new(cases.len());
    let judgements = judge(&plan, &judged, &cases, &is_interrupted, &|judgement| {
        progress.show(judgement);
    });
    progress.clear();
    let judgements = match judgements {
        Ok(judgements) => judgements,
        Err(error) => {
            say(&format!("labclient: the server did not start: {error}"));
            return Ok(Status::Unreachable);
        }
    };
    let report = arguments.report(plan, judgements, cases.len());
    show(&report, options)?;
    arguments.files.write(std::slice::from_ref(&report))?;
    Ok(match report.holds() {
        true => Status::Done,
        false => Status::Refused,
    })
}

impl Arguments {
    fn dialect(&self, framing: Option<Framing>) -> Result<Dialect, Failure> {
        let Some(mode) = self.mode.as_ref().filter(|_| self.handout.is_none()) else {
            return self.handout.map(Dialect::Handout).ok_or_else(|| {
                Failure::Usage("what is to be judged? Give a service, or --handout NAME".into())
            });
        };
        let mode = Mode::parse(mode).ok_or_else(|| {
            let names = Mode::ALL.map(Mode::name).join(", ");
            Failure::Usage(format!("no service is called {mode:?}: there are {names}"))
        })?;
        match (mode, &self.script) {
            (Mode::Script, name) => {
                let name = name.as_deref().unwrap_or(proto::script::DEFAULT);
                let mut script = load(name)?;
                if let Some(framing) = framing {
                    script = script
                        .in_framing(framing)
                        .map_err(|error| Failure::Usage(format!("--wire {framing}: {error}")))?;
                }
                Ok(Dialect::Script(name.into(), Arc::new(script)))
            }
            (mode, None) => Ok(Dialect::Service(mode)),
            (mode, Some(_)) => Err(Failure::Usage(format!(
                "--script is for script, not for {}",
                mode.name()
            ))),
        }
    }

    /// Where a server runs already. Without a service, the first word is that.
    fn address(&self) -> Option<&String> {
        match self.handout {
            Some(_) => self.mode.as_ref(),
            None => self.address.as_ref(),
        }
    }

    fn cases(&self, dialect: &Dialect, framing: Framing) -> Result<Vec<Case>, Failure> {
        let all = server_cases(dialect);
        let mode = dialect.name();
        let names = |case: &Case, chosen: &String| {
            let id = format!("{mode}.{}", case.name);
            let begins = |id: &str| {
                let rest = id.strip_prefix(chosen.as_str());
                rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
            };
            begins(&id) || begins(case.name)
        };
        for chosen in self.only.iter().chain(&self.skip) {
            if !all.iter().any(|case| names(case, chosen)) {
                return Err(Failure::Usage(format!(
                    "no case of {mode} is called {chosen:?}: `labclient check {} --list` shows them",
                    dialect.arguments()
                )));
            }
        }
        let is_chosen = |case: &Case| {
            case.framings.contains(&framing)
                && (self.only.is_empty() || self.only.iter().any(|chosen| names(case, chosen)))
                && !self.skip.iter().any(|chosen| names(case, chosen))
        };
        Ok(all.into_iter().filter(is_chosen).collect())
    }

    fn judged(&self, dialect: &Dialect) -> Result<Judged, Failure> {
        match (self.address(), self.command.is_empty()) {
            (None, false) => {
                if !self.command.iter().any(|word| word.contains("{port}")) {
                    let words = "the command must say where its port goes, as in \
                                 `-- python3 server.py {port}`";
                    return Err(Failure::Usage(words.into()));
                }
                Ok(Judged::Started(ProgramCommand {
                    words: self.command.clone(),
                    directory: None,
                    keeps_files: self.keeps_files(dialect),
                    memory: self.memory * 1024 * 1024,
                }))
            }
            (Some(address), _) => {
                let addresses =
                    resolve(address).map_err(|error| Failure::Usage(error.to_string()))?;
                Ok(Judged::Running(addresses[0]))
            }
            (None, true) => Err(Failure::Usage(format!(
                "what is to be judged? Give HOST:PORT, or the server's command: `labclient check {} -- \
                 python3 server.py {{port}}`",
                dialect.arguments()
            ))),
        }
    }

    /// A bank keeps its accounts, and where, if not in `{state}`?
    fn keeps_files(&self, dialect: &Dialect) -> bool {
        let has_state = |word: &String| word.contains("{state}");
        dialect.mode() == Mode::Atm && !self.command.iter().any(has_state)
    }

    fn report(&self, plan: Plan, judgements: Vec<Judgement>, planned: usize) -> Report {
        let (subject, rest) = match self.address() {
            Some(address) => (address.clone(), format!(" {address}")),
            None => (
                self.command.join(" "),
                format!(" -- {}", quoted(&self.command)),
            ),
        };
        let wire = match plan.framing {
            framing if framing == plan.dialect.framing(None) => String::new(),
            framing => format!(" --wire {framing}"),
        };
        Report {
            command: format!("labclient check {}{wire}", plan.dialect.arguments()),
            rest,
            subject,
            plan,
            is_strict: self.strict,
            judgements,
            planned,
        }
    }
}

fn list(name: &str, cases: &[Case], options: &Options) -> Result<Status, Failure> {
    let output = options.output();
    for case in cases {
        let id = format!("{name}.{}", case.name);
        match output.json {
            true => output.line(
                &json!({
                    "id": id, "rule": case.rule, "section": case.section, "level": case.level.to_string(),
                    "points": case.points,
                })
                .to_string(),
            )?,
            false => output.line(&format!("{id:<30} {:<7} {:>2}  {}", case.level, case.points, case.rule))?,
        }
    }
    Ok(Status::Done)
}

fn show(report: &Report, options: &Options) -> Result<(), Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let shown = match options.output().json {
        true => writeln!(out, "{}", report::json::object(report)),
        false => report::terminal::write(report, &mut out),
    };
    shown
        .and_then(|()| out.flush())
        .map_err(|error| Failure::cannot_print(&error))
}

/// How far the check is, on standard error if that is a terminal.
struct Progress {
    all: usize,
    done: AtomicUsize,
    broken: AtomicUsize,
    is_shown: bool,
}

impl Progress {
    fn new(all: usize) -> Progress {
        Progress {
            all,
            done: AtomicUsize::new(0),
            broken: AtomicUsize::new(0),
            is_shown: io::stderr().is_terminal(),
        }
    }

    fn show(&self, judgement: &Judgement) {
        let done = 1 + self.done.fetch_add(1, Ordering::Relaxed);
        let is_broken = matches!(judgement.outcome, Err(CaseFailure::Broken(_)));
        let broken = usize::from(is_broken)
            + self
                .broken
                .fetch_add(usize::from(is_broken), Ordering::Relaxed);
        if self.is_shown {
            let all = self.all;
            let _ = write!(
                io::stderr(),
                "\r\x1b[K{done} of {all} judged, {broken} do not hold ({})",
                judgement.id
            );
        }
    }

    fn clear(&self) {
        if self.is_shown {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

/// The command as a shell takes it.
fn quoted(words: &[String]) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:={}@%+,".contains(c);
    let quote = |word: &String| match !word.is_empty() && word.chars().all(is_plain) {
        true => word.clone(),
        false => format!("'{}'", word.replace('\'', "'\\''")),
    };
    words.iter().map(quote).collect::<Vec<_>>().join(" ")
}

fn handouts() -> impl TypedValueParser<Value = Handout> {
    PossibleValuesParser::new(Handout::ALL.map(Handout::name))
        .try_map(|name| Handout::parse(&name).ok_or("no such hand-out"))
}
