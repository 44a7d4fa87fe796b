//! `labclient check`: judges the server of a lab, whatever it is written in.

use std::path::PathBuf;
use std::sync::Arc;

use ::check::command::{CheckError, Choice, PATIENCE, Subject, list, quoted, show};
use ::check::dialect::Dialect;
use ::check::program::ProgramCommand;
use ::check::run::{Judged, Plan};
use ::check::suites::server_cases;
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::Mode;
use proto::side::Side;
use wire::connect::resolve;
use wire::fault::random_seed;

use crate::failure::{Failure, Status};
use crate::modes::script::load;
use crate::options::Options;
use crate::output::say;

mod batch;
mod files;

use self::files::Files;

const EXAMPLES: &str = "\
Examples:
  labclient check text 127.0.0.1:9006               judge a server that runs
  labclient check text -- python3 server.py {port}  start it, as often as need be
  labclient check text --list                       the cases
  labclient check text --batch submissions --csv marks.csv -- python3 server.py {port}

In the command, {port} is replaced by a free port, {host} by 127.0.0.1, and
{state} by an empty directory for what it keeps. A bank whose command has no {state}
runs in a copy of this directory, made for each bank that is started; where that has
more than 16 MiB or 2,000 files, it runs here, one case at a time. A server is kept
for the next case as long as cases hold on it; what does not hold is judged again on
one that has just started, and that verdict counts. Exit status: 0 all hold,
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

    #[command(flatten)]
    choice: Choice,

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
    let (choice, output) = (&arguments.choice, options.output());
    let cases = choice.cases(server_cases(&dialect), &dialect, framing, "labclient");
    let cases = cases.map_err(Failure::Usage)?;
    if choice.list {
        for line in list(&dialect, &cases, output.json) {
            output.line(&line)?;
        }
        return Ok(Status::Done);
    }
    let judged = arguments.judged(&dialect)?;
    arguments.files.check()?;
    let seed = options.seed.unwrap_or_else(random_seed);
    let patience = options.timeout.unwrap_or(PATIENCE);
    let plan = choice.plan(dialect, framing, seed, patience, &judged);
    if let Some(folder) = &arguments.batch {
        return batch::run(arguments, options, &plan, &cases, folder);
    }
    let subject = arguments.subject(&plan);
    let report = match choice.judge(plan, &judged, &cases, subject) {
        Ok(report) => report,
        Err(CheckError::Start(error)) => {
            say(&format!("labclient: the server did not start: {error}"));
            return Ok(Status::Unreachable);
        }
        Err(CheckError::Io(error)) => return Err(Failure::Resource(error.to_string())),
    };
    show(&report, output.json).map_err(|error| Failure::cannot_print(&error))?;
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
                    memory: self.choice.memory(),
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

    fn subject(&self, plan: &Plan) -> Subject {
        let (name, rest) = match self.address() {
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
        Subject {
            side: Side::Server,
            command: format!("labclient check {}{wire}", plan.dialect.arguments()),
            name,
            rest,
        }
    }
}

fn handouts() -> impl TypedValueParser<Value = Handout> {
    PossibleValuesParser::new(Handout::ALL.map(Handout::name))
        .try_map(|name| Handout::parse(&name).ok_or("no such hand-out"))
}
