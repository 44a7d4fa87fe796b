//! `labclient check`: judges the server of a lab, whatever it is written in.

use ::check::case::Case;
use ::check::command::matrix::{Entrant, Matrix};
use ::check::command::{Check, CheckError, Choice, Ending, PATIENCE, Subject, list, quoted};
use ::check::dialect::Dialect;
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
use crate::own_server::find_labserver;

const EXAMPLES: &str = "\
Examples:
  labclient check text 127.0.0.1:9006     judge a server that runs
  labclient check text -- python3 server.py {port}
                                          start it, as often as need be
  labclient check text --list             the cases
  labclient check text --batch submissions --csv marks.csv
                       -- python3 server.py {port}
  labclient check --matrix text --server 'python3 server.py {port}'
                                --client 'python3 client.py {host} {port}'

In the command, {port} is replaced by a free port, {host} by 127.0.0.1, and
{state} by an empty directory for what it keeps. A bank whose command has no
{state} runs in a copy of this directory, made for each bank that is started;
where that has more than 16 MiB or 2,000 files, it runs here, one case at a
time. A server is kept for the next case as long as cases hold on it; what does
not hold is judged again on one that has just started, and that verdict counts.
With --matrix the commands of clients are those of `labserver check`.

Exit status:
  0  all hold
  1  some do not
  2  usage
  3  the program did not start";

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

    /// Judge several servers and clients, and every client with every server
    #[arg(long, requires = "server", requires = "client",
        conflicts_with_all = ["command", "address", "batch", "gradescope"])]
    matrix: bool,

    /// With --matrix: the command of a server, and before it a name, if it is to have one; may be
    /// repeated
    #[arg(long, value_name = "[NAME=]COMMAND", requires = "matrix")]
    server: Vec<String>,

    /// With --matrix: the command of a client; may be repeated
    #[arg(long, value_name = "[NAME=]COMMAND", requires = "matrix")]
    client: Vec<String>,

    #[command(flatten)]
    choice: Choice,
}

/// Judges.
pub fn run(arguments: &Arguments, options: &Options) -> Result<Status, Failure> {
    if options.fault.is_some() {
        let words = "--fault is for the modes and hand-outs: what a case does is the case's own";
        return Err(Failure::Usage(words.into()));
    }
    let dialect = arguments.dialect(options.wire)?;
    let framing = dialect.framing(options.wire);
    let ended = match arguments.matrix {
        true => arguments.check_all(dialect, framing, options)?,
        false => arguments.check_one(dialect, framing, options)?,
    };
    Ok(match ended {
        Ending::Holds => Status::Done,
        Ending::DoesNotHold => Status::Refused,
        Ending::NotStarted => Status::Unreachable,
    })
}

/// How a check has ended that came to nothing.
fn came_to_nothing(error: CheckError) -> Result<Ending, Failure> {
    match error {
        CheckError::Start(error) => {
            say(&format!("labclient: the server did not start: {error}"));
            Ok(Ending::NotStarted)
        }
        CheckError::Usage(words) => Err(Failure::Usage(words)),
        CheckError::Print(error) => Err(Failure::cannot_print(&error)),
        CheckError::File { .. } | CheckError::Io(_) => Err(Failure::Resource(error.to_string())),
    }
}

impl Arguments {
    fn check_one(
        &self,
        dialect: Dialect,
        framing: Framing,
        options: &Options,
    ) -> Result<Ending, Failure> {
        let choice = &self.choice;
        let cases = choice.cases(server_cases(&dialect), &dialect, framing, "labclient");
        let cases = cases.map_err(Failure::Usage)?;
        if choice.list {
            return self.list(&dialect, &cases, options);
        }
        let judged = self.judged(&dialect)?;
        let plan = self.plan(dialect, framing, options, choice.jobs(&judged));
        let check = Check {
            choice,
            cases,
            subject: self.subject(&plan),
            plan,
            judged,
            is_json: options.output().json,
        };
        check.run().or_else(came_to_nothing)
    }

    fn check_all(
        &self,
        dialect: Dialect,
        framing: Framing,
        options: &Options,
    ) -> Result<Ending, Failure> {
        let choice = &self.choice;
        let plan = self.plan(dialect, framing, options, 1);
        let all = Matrix::cases(&plan);
        let cases = choice.cases(all, &plan.dialect, framing, "labclient");
        let cases = cases.map_err(Failure::Usage)?;
        if choice.list {
            return self.list(&plan.dialect, &cases, options);
        }
        let of_side = |side: Side, commands: &[String]| {
            let all = (1..).zip(commands);
            all.map(move |(number, command)| Entrant::parse(side, number, command))
                .collect::<Result<Vec<_>, _>>()
                .map_err(Failure::Usage)
        };
        let mut entrants = of_side(Side::Server, &self.server)?;
        entrants.extend(of_side(Side::Client, &self.client)?);
        let matrix = Matrix {
            choice,
            plan,
            entrants,
            labserver: find_labserver(None)?,
            is_json: options.output().json,
        };
        matrix.run(&cases).or_else(came_to_nothing)
    }

    fn list(
        &self,
        dialect: &Dialect,
        cases: &[Case],
        options: &Options,
    ) -> Result<Ending, Failure> {
        let output = options.output();
        for line in list(dialect, cases, output.json) {
            output.line(&line)?;
        }
        Ok(Ending::Holds)
    }

    fn plan(&self, dialect: Dialect, framing: Framing, options: &Options, jobs: usize) -> Plan {
        let seed = options.seed.unwrap_or_else(random_seed);
        let patience = options.timeout.unwrap_or(PATIENCE);
        self.choice.plan(dialect, framing, seed, patience, jobs)
    }

    fn dialect(&self, framing: Option<Framing>) -> Result<Dialect, Failure> {
        let mode = self.mode.as_ref().filter(|_| self.handout.is_none());
        let mode = mode.map(|name| {
            Mode::parse(name).ok_or_else(|| {
                let names = Mode::ALL.map(Mode::name).join(", ");
                Failure::Usage(format!("no service is called {name:?}: there are {names}"))
            })
        });
        let load = |name: &str| load(name).map_err(|failure| failure.to_string());
        let script = self.script.as_deref();
        Dialect::chosen(mode.transpose()?, self.handout, script, framing, load)
            .map_err(Failure::Usage)
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
                let program = self.choice.program(dialect, &self.command);
                Ok(Judged::Started(program))
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

    fn subject(&self, plan: &Plan) -> Subject {
        let (name, rest) = match self.address() {
            Some(address) => (address.clone(), format!(" {address}")),
            None => (
                self.command.join(" "),
                format!(" -- {}", quoted(&self.command)),
            ),
        };
        Subject {
            side: Side::Server,
            command: format!("labclient check {}", plan.arguments()),
            name,
            rest,
        }
    }
}

fn handouts() -> impl TypedValueParser<Value = Handout> {
    PossibleValuesParser::new(Handout::ALL.map(Handout::name))
        .try_map(|name| Handout::parse(&name).ok_or("no such hand-out"))
}
