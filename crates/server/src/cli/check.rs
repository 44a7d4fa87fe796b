//! `labserver check`: judges the client of a lab, whatever it is written in.

use std::time::Duration;

use anyhow::{Context, anyhow};
use check::client::{ClientCommand, Hand};
use check::command::{Check, CheckError, Choice, Ending, PATIENCE, Subject, list, modes, quoted};
use check::dialect::Dialect;
use check::run::{Judged, Plan};
use check::suites::client_cases;
use clap::error::ErrorKind;
use clap::{Args, CommandFactory};
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use server::services::script::load;
use wire::fault::random_seed;

use super::{Arguments, framing_names, one_of, usage};

const EXAMPLES: &str = "\
Examples:
  labserver check text -- python3 client.py {host} {port} {words}
  labserver check chat -- python3 client.py {host} {port}
  labserver check atm -- python3 client.py --journal {state}/journal
                         --server {host}:{port} --card {card} {words}
  labserver check --handout text-menu -- python3 client.py {host} {port}
  labserver check text --batch submissions --csv marks.csv
                       -- python3 client.py {host} {port}
  labserver check text          a client that you start, and type into
  labserver check text --list

The client is started for each case, against a labserver with the faults of the
case. In its command, {host} and {port} are where that is, {state} is an empty
directory for what it keeps, {words} are the words of a request as labclient
takes them (lower HELLO, withdraw 500), {card}, {pin} and {name} are the card,
the PIN and a name. What has no place there is typed, a line each: the card, the
PIN or the name, then the requests. With {words} or {pin} the PIN is in
LABCLIENT_PIN too. A hand-out's client is typed what the printed one asks for.

A cash machine whose command has no {state} runs in a copy of this directory,
made for each case; where that has more than 16 MiB or 2,000 files, it runs
here, one case at a time.

Exit status:
  0  all hold
  1  some do not
  2  usage
  3  the program did not start";

/// How long a case may take whose client is started by hand.
const BY_HAND: Duration = Duration::from_secs(3_600);

/// What to judge, and by which cases.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES, max_term_width = 80)]
pub struct CheckArguments {
    /// The service: atm, text, calc, chat, echo, datetime or script; left out with --handout
    #[arg(value_parser = modes(), hide_possible_values = true,
        required_unless_present = "handout", conflicts_with = "handout")]
    mode: Option<Mode>,

    /// A printed program's words in place of ours: `labserver --handout list` shows the names
    #[arg(long, value_parser = one_of(Handout::ALL.map(Handout::name), Handout::parse),
        hide_possible_values = true, value_name = "NAME", conflicts_with = "wire")]
    handout: Option<Handout>,

    /// script: the exchange, by its name or as a file [default: knock-knock]
    #[arg(long, value_name = "NAME|FILE", conflicts_with = "handout")]
    script: Option<String>,

    /// The command that starts the client; without one, you are told when to start it, and what to type
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// How messages are framed [default: netstring; a script says its own]
    #[arg(long, value_parser = one_of(framing_names(), Framing::parse),
        hide_possible_values = true, value_name = "FRAMING")]
    wire: Option<Framing>,

    /// The client of echo asks over UDP
    #[arg(long)]
    udp: bool,

    /// Judge with the numbers of the run that printed this seed
    #[arg(long)]
    seed: Option<u64>,

    /// Print a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    choice: Choice,
}

impl CheckArguments {
    /// Judges, and prints what came of it.
    pub fn run(&self, print: fn(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<Ending> {
        let dialect = self.dialect()?;
        let transport = self.transport(&dialect)?;
        let framing = dialect.framing(self.wire);
        let all = client_cases(&dialect, transport);
        let cases = self.choice.cases(all, &dialect, framing, "labserver");
        let cases = cases.map_err(|words| usage_of_check(ErrorKind::InvalidValue, &words))?;
        if self.choice.list {
            let lines = list(&dialect, &cases, self.json);
            let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
            print(lines.as_bytes())?;
            return Ok(Ending::Holds);
        }
        let judged = Judged::Client(self.client(&dialect, transport)?);
        let seed = self.seed.unwrap_or_else(random_seed);
        let jobs = self.choice.jobs(&judged);
        let mut plan = self.choice.plan(dialect, framing, seed, PATIENCE, jobs);
        if self.command.is_empty() {
            plan.time_limit = BY_HAND;
        }
        let check = Check {
            choice: &self.choice,
            cases,
            subject: self.subject(&plan),
            plan,
            judged,
            is_json: self.json,
        };
        match check.run() {
            Ok(ending) => Ok(ending),
            Err(CheckError::Start(error)) => {
                tracing::error!("the client did not start: {error}");
                Ok(Ending::NotStarted)
            }
            Err(CheckError::Usage(words)) => Err(usage_of_check(ErrorKind::InvalidValue, &words)),
            Err(error) => Err(anyhow!(error)),
        }
    }

    fn dialect(&self) -> anyhow::Result<Dialect> {
        let load = |name: &str| load(name).map_err(|error| format!("{error:#}"));
        let script = self.script.as_deref();
        Dialect::chosen(self.mode, self.handout, script, self.wire, load)
            .map_err(|words| usage_of_check(ErrorKind::InvalidValue, &words))
    }

    /// The transport over which the client asks.
    fn transport(&self, dialect: &Dialect) -> anyhow::Result<Transport> {
        match dialect.transports() {
            transports if !self.udp => Ok(transports[0]),
            transports if transports.len() > 1 => Ok(Transport::Udp),
            _ => {
                let words = "--udp is for echo, which has both";
                Err(usage_of_check(ErrorKind::ArgumentConflict, words))
            }
        }
    }

    fn client(&self, dialect: &Dialect, transport: Transport) -> anyhow::Result<ClientCommand> {
        let is_by_hand = self.command.is_empty();
        if !is_by_hand && !self.command.iter().any(|word| word.contains("{port}")) {
            let words = "the client's command must say where its port goes, as in `-- python3 \
                         client.py {host} {port}`";
            return Err(usage_of_check(ErrorKind::MissingRequiredArgument, words));
        }
        Ok(ClientCommand {
            program: self.choice.program(dialect, &self.command),
            labserver: std::env::current_exe().context("cannot find this program")?,
            transport,
            server: None,
            hand: match is_by_hand {
                true => Some(Hand::at_terminal().context("cannot handle signals")?),
                false => None,
            },
        })
    }

    fn subject(&self, plan: &Plan) -> Subject {
        let udp = if self.udp { " --udp" } else { "" };
        let (name, rest) = match self.command.is_empty() {
            true => ("started by hand".to_owned(), String::new()),
            false => (
                self.command.join(" "),
                format!(" -- {}", quoted(&self.command)),
            ),
        };
        Subject {
            side: Side::Client,
            name,
            command: format!("labserver check {}{udp}", plan.arguments()),
            rest,
        }
    }
}

/// As [`super::usage`], with the usage of `check` and not of the whole program.
fn usage_of_check(kind: ErrorKind, words: &str) -> anyhow::Error {
    let mut program = Arguments::command();
    program.build();
    match program.find_subcommand_mut("check") {
        Some(check) => check.error(kind, words).into(),
        None => usage(kind, words),
    }
}
