//! `labserver check`: judges the client of a lab, whatever it is written in.

use anyhow::{Context, anyhow};
use check::client::ClientCommand;
use check::command::{CheckError, Choice, PATIENCE, Subject, list, modes, quoted, show};
use check::dialect::Dialect;
use check::run::Judged;
use check::suites::client_cases;
use clap::Args;
use clap::error::ErrorKind;
use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use wire::fault::random_seed;

use super::{framing_names, one_of, usage};

const EXAMPLES: &str = "\
Examples:
  labserver check text -- python3 client.py {host} {port} {words}
  labserver check chat -- python3 client.py {host} {port}
  labserver check atm -- python3 client.py --journal {state}/journal
                         --server {host}:{port} --card {card} {words}
  labserver check text --list

The client is started for each case, against a labserver with the faults of the
case. In its command, {host} and {port} are where that is, {state} is an empty
directory for what it keeps, {words} are the words of a request as labclient
takes them (lower HELLO, withdraw 500), {card}, {pin} and {name} are the card,
the PIN and a name. What has no place there is typed, a line each: the card, the
PIN or the name, then the requests. With {words} or {pin} the PIN is in
LABCLIENT_PIN too. Exit status: 0 all hold, 1 some do not, 2 usage, 3 the
program did not start.";

/// What to judge, and by which cases.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub struct CheckArguments {
    /// The service: atm, text, calc, chat, echo, datetime or script
    #[arg(value_parser = modes(), hide_possible_values = true)]
    mode: Mode,

    /// The command that starts the client
    #[arg(last = true, value_name = "COMMAND")]
    command: Vec<String>,

    /// How messages are framed
    #[arg(long, value_parser = one_of(framing_names(), Framing::parse),
        hide_possible_values = true, value_name = "FRAMING", default_value = "netstring")]
    wire: Framing,

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

/// How a check has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// All that counts holds.
    Holds,
    /// Something does not, or was not judged.
    DoesNotHold,
    /// The client did not start.
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
}

impl CheckArguments {
    /// The transport over which the client asks.
    fn transport(&self) -> Transport {
        match self.udp {
            true => Transport::Udp,
            false => self.mode.transports()[0],
        }
    }

    /// Judges, and prints what came of it.
    pub fn run(&self, print: fn(&[u8]) -> anyhow::Result<()>) -> anyhow::Result<Ending> {
        let transport = self.transport();
        if !self.mode.transports().contains(&transport) {
            let words = "--udp is for echo, which has both";
            return Err(usage(ErrorKind::ArgumentConflict, words));
        }
        let all = client_cases(self.mode, transport);
        let dialect = Dialect::Service(self.mode);
        let cases = self.choice.cases(all, &dialect, self.wire, "labserver");
        let cases = cases.map_err(|words| usage(ErrorKind::InvalidValue, &words))?;
        if self.choice.list {
            let lines = list(&dialect, &cases, self.json);
            let lines: String = lines.iter().map(|line| format!("{line}\n")).collect();
            print(lines.as_bytes())?;
            return Ok(Ending::Holds);
        }
        if !self.command.iter().any(|word| word.contains("{port}")) {
            let words = "the client's command must say where its port goes, as in `-- python3 \
                         client.py {host} {port}`";
            return Err(usage(ErrorKind::MissingRequiredArgument, words));
        }
        let judged = Judged::Client(ClientCommand {
            words: self.command.clone(),
            directory: None,
            memory: self.choice.memory(),
            labserver: std::env::current_exe().context("cannot find this program")?,
            transport,
        });
        let seed = self.seed.unwrap_or_else(random_seed);
        let plan = self
            .choice
            .plan(dialect, self.wire, seed, PATIENCE, &judged);
        let report = match self.choice.judge(plan, &judged, &cases, self.subject()) {
            Ok(report) => report,
            Err(CheckError::Start(error)) => {
                tracing::error!("the client did not start: {error}");
                return Ok(Ending::NotStarted);
            }
            Err(CheckError::Io(error)) => return Err(anyhow!(error)),
        };
        show(&report, self.json).context("cannot write to standard output")?;
        Ok(match report.holds() {
            true => Ending::Holds,
            false => Ending::DoesNotHold,
        })
    }

    fn subject(&self) -> Subject {
        let wire = match self.wire {
            framing if framing == Framing::default() => String::new(),
            framing => format!(" --wire {framing}"),
        };
        let udp = if self.udp { " --udp" } else { "" };
        Subject {
            side: Side::Client,
            name: self.command.join(" "),
            command: format!("labserver check {}{wire}{udp}", self.mode.name()),
            rest: format!(" -- {}", quoted(&self.command)),
        }
    }
}
