//! `labclient check`: judges the server of a lab, whatever it is written in.

use std::time::Duration;

use ::check::command::{CheckError, Choice, Subject, list, modes, quoted, show};
use ::check::program::ProgramCommand;
use ::check::run::Judged;
use ::check::suites::server_cases;
use clap::Args;
use proto::frame::Framing;
use proto::mode::Mode;
use proto::side::Side;
use wire::connect::resolve;
use wire::fault::random_seed;

use crate::failure::{Failure, Status};
use crate::options::Options;
use crate::output::say;

/// How long an answer is waited for: far longer than any takes that is on its way.
const PATIENCE: Duration = Duration::from_secs(5);

const EXAMPLES: &str = "\
Examples:
  labclient check text 127.0.0.1:9006               judge a server that runs
  labclient check text -- python3 server.py {port}  start it for each case
  labclient check text --list                       the cases

In the command, {port} is replaced by a free port, {host} by 127.0.0.1, and
{state} by an empty directory for what it keeps. Exit status: 0 all hold, 1 some
do not, 2 usage, 3 the program did not start.";

/// What to judge, and by which cases.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct Arguments {
    /// The service: atm, text, calc, chat, echo, datetime or script
    #[arg(value_parser = modes(), hide_possible_values = true)]
    mode: Mode,

    /// A server that runs already; one that is started by the check can be killed and restarted as
    /// well
    #[arg(value_name = "HOST:PORT", conflicts_with = "command")]
    address: Option<String>,

    /// The command that starts the server
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,

    #[command(flatten)]
    choice: Choice,
}

/// Judges.
pub fn run(arguments: &Arguments, options: &Options) -> Result<Status, Failure> {
    let (mode, choice) = (arguments.mode, &arguments.choice);
    let framing = options.wire.unwrap_or_default();
    let cases = choice.cases(server_cases(mode), mode, framing, "labclient");
    let cases = cases.map_err(Failure::Usage)?;
    let output = options.output();
    if choice.list {
        for line in list(mode, &cases, output.json) {
            output.line(&line)?;
        }
        return Ok(Status::Done);
    }
    let judged = arguments.judged()?;
    let seed = options.seed.unwrap_or_else(random_seed);
    let patience = options.timeout.unwrap_or(PATIENCE);
    let plan = choice.plan(mode, framing, seed, patience, &judged);
    let report = match choice.judge(plan, &judged, &cases, arguments.subject(framing)) {
        Ok(report) => report,
        Err(CheckError::Start(error)) => {
            say(&format!("labclient: the server did not start: {error}"));
            return Ok(Status::Unreachable);
        }
        Err(CheckError::Io(error)) => return Err(Failure::Resource(error.to_string())),
    };
    show(&report, output.json).map_err(|error| Failure::cannot_print(&error))?;
    Ok(match report.holds() {
        true => Status::Done,
        false => Status::Refused,
    })
}

impl Arguments {
    fn judged(&self) -> Result<Judged, Failure> {
        match (&self.address, self.command.is_empty()) {
            (None, false) => {
                if !self.command.iter().any(|word| word.contains("{port}")) {
                    let words = "the command must say where its port goes, as in \
                                 `-- python3 server.py {port}`";
                    return Err(Failure::Usage(words.into()));
                }
                Ok(Judged::Started(ProgramCommand {
                    words: self.command.clone(),
                    directory: None,
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
                self.mode.name()
            ))),
        }
    }

    fn subject(&self, framing: Framing) -> Subject {
        let (name, rest) = match &self.address {
            Some(address) => (address.clone(), format!(" {address}")),
            None => (
                self.command.join(" "),
                format!(" -- {}", quoted(&self.command)),
            ),
        };
        let wire = match framing {
            framing if framing == Framing::default() => String::new(),
            framing => format!(" --wire {framing}"),
        };
        Subject {
            side: Side::Server,
            command: format!("labclient check {}{wire}", self.mode.name()),
            name,
            rest,
        }
    }
}
