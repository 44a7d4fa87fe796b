//! The command line of `labclient`.

use std::ffi::OsString;
use std::time::Duration;

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Parser, Subcommand};
use clap_complete::Shell;
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use wire::fault::{Exchange, Ground, Plan, Spec, random_seed};

use crate::bench;
use crate::experiment;
use crate::failure::Failure;
use crate::modes::{atm, calc, chat, datetime, echo, handout, say, script, text};
use crate::output::Output;
use crate::session::Target;
use crate::view;

pub use self::recording::RecordingArguments;

mod recording;

/// The environment variable with the server where none is given.
const SERVER_VARIABLE: &str = "LABCLIENT_SERVER";

/// Help is wrapped to the terminal, and to this where that is wider or there is none.
const MAX_WIDTH: usize = 80;

const EXAMPLES: &str = "\
Examples:
  labclient text lower \"HELLO World\"      hello world
  labclient calc 12 + 42                  54
  labclient atm                           the cash machine's menu
  printf 'prime 97\\nprime 98\\n' | labclient text
  labclient experiment atm                latency against lost messages

Without its arguments a mode asks: a person with a menu, a pipe line by line, an
answer for each. Exit status: 0 done, 1 the service said no, 2 usage, 3 the
server is not reachable or was lost, 4 the outcome is not known yet, or could
not be printed, 5 the server broke the protocol, or did not say what a script
says, 6 this computer failed: a file, a thread, the terminal, standard output.";

/// The client of the socket-programming labs.
#[derive(Debug, Parser)]
#[command(name = "labclient", version, after_help = EXAMPLES, max_term_width = MAX_WIDTH)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,

    /// The server; without a port, that of the mode or hand-out [default: LABCLIENT_SERVER, which
    /// experiment and bench ignore; else 127.0.0.1]
    #[arg(long, value_name = "HOST:PORT", value_parser = parse_server, global = true)]
    server: Option<ServerName>,

    /// The framing, the same as the server's: netstring, len3, line or raw (what one read
    /// returned: cannot be made reliable) [default: netstring; a script says its own]
    #[arg(long, value_parser = framings(), hide_possible_values = true, value_name = "FRAMING",
        global = true)]
    wire: Option<Framing>,

    /// How long to wait for the connection and for each answer, in seconds [default: 10; the cash
    /// machine asks again after 3]
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds,
        global = true)]
    timeout: Option<Duration>,

    /// Inject faults into what is said: by chance, drop-request=10%, or by count,
    /// drop-request=#2. Also drop-reply, duplicate, error, cut, reset, corrupt, glue, reorder (UDP),
    /// split=7, delay=20ms..80ms, pause=2s@#3 and crash-at=after-send, with commas between: see
    /// docs/faults.md
    #[arg(long, value_name = "FAULTS", value_parser = parse_faults, global = true)]
    fault: Option<Spec>,

    /// Repeat the faults, or a hand-out's random choices, of the run that printed this seed
    #[arg(long, global = true)]
    seed: Option<u64>,

    /// Recording and trace.
    #[command(flatten)]
    pub recording: RecordingArguments,

    /// Print one JSON object for each answer, and for a failure: see docs/failures.md
    #[arg(long, global = true)]
    json: bool,
}

/// A mode, and what to ask in it.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// The cash machine: balance, withdraw, deposit
    Atm(atm::Arguments),
    /// Lower case, prime, palindrome
    Text {
        /// One request; without it, a menu or a pipe's lines
        #[command(subcommand)]
        request: Option<text::Command>,
    },
    /// Add, subtract, multiply, divide
    Calc(calc::Arguments),
    /// The chat room: lines that are typed or piped in are said, `quit` leaves
    Chat(chat::Arguments),
    /// Date and time, over UDP; --wire makes no difference
    Datetime {
        /// What to ask; without it, a menu or a pipe's lines
        #[command(subcommand)]
        command: Option<datetime::Command>,
    },
    /// Have a text sent back
    Echo(echo::Arguments),
    /// Play the client's part of a scripted exchange
    Script(script::Arguments),
    /// Measure latency and attempts against the rate of lost messages, with plots; starts the
    /// server it needs
    Experiment(experiment::Arguments),
    /// Measure requests a second and latency; starts the server it needs
    Bench(bench::Arguments),
    /// Be the client of one of the hand-outs' printed programs, byte for byte: its server cannot
    /// tell the two apart
    Handout(handout::Arguments),
    /// Draw what a recording keeps: in the terminal, as a picture, a page, a capture
    View(view::Arguments),
    /// Print a completion script for a shell
    Completions {
        /// The shell
        shell: Shell,
    },
}

impl Arguments {
    /// How answers are printed.
    pub fn output(&self) -> Output {
        Output { json: self.json }
    }

    /// The faults to inject, if any, and a line on standard error for each that strikes.
    ///
    /// # Errors
    /// When a fault can never strike in what is asked for, or a seed is given and nothing that draws. (clap would also find one missing that stands on the other
    /// side of the mode's name.)
    pub fn faults(&self) -> Result<Option<Plan>, Failure> {
        let draws = matches!(&self.command, Command::Handout(handout) if handout.draws());
        let Some(spec) = self.fault.clone() else {
            return match self.seed {
                Some(_) if !draws => Err(Failure::Usage(
                    "--seed repeats the faults of a run: give its --fault too".into(),
                )),
                Some(_) | None => Ok(None),
            };
        };
        let Some(ground) = self.ground()? else {
            return Err(Failure::Usage(
                "--fault is for the modes and hand-outs: leave it out here".into(),
            ));
        };
        spec.check(&[ground]).map_err(Failure::Usage)?;
        let plan = Plan::new(spec, self.seed.unwrap_or_else(random_seed));
        // A delay of every message would hide what else happens.
        Ok(Some(plan.observed(|strike| {
            if !strike.fate.is_quiet() {
                say(&strike.to_string());
            }
        })))
    }

    /// What is done, as far as it decides which faults can strike; `None` where nothing is said to
    /// any server.
    fn ground(&self) -> Result<Option<Ground>, Failure> {
        let (mode, transport) = match &self.command {
            Command::Atm(_) => (Mode::Atm, Transport::Tcp),
            Command::Text { .. } => (Mode::Text, Transport::Tcp),
            Command::Calc(_) => (Mode::Calc, Transport::Tcp),
            Command::Chat(_) => (Mode::Chat, Transport::Tcp),
            Command::Datetime { .. } => (Mode::Datetime, Transport::Udp),
            Command::Echo(echo) => (Mode::Echo, echo.transport()),
            Command::Script(script) => match script.transport()? {
                Some(transport) => (Mode::Script, transport),
                None => return Ok(None),
            },
            Command::Handout(handout) => {
                let printed = |it| Ground::printed(it, Side::Client, Exchange::Transparent);
                return Ok(handout.handout().map(printed));
            }
            Command::Experiment(_)
            | Command::Bench(_)
            | Command::View(_)
            | Command::Completions { .. } => return Ok(None),
        };
        Ok(Some(Ground::client(mode, transport)))
    }

    /// The server to talk to in this mode, and the faults on the way there.
    ///
    /// # Errors
    /// When `LABCLIENT_SERVER` is no address.
    pub fn target(&self, mode: Mode, faults: Option<Plan>) -> Result<Target, Failure> {
        Ok(Target {
            mode,
            server: self.server_at(mode.default_port())?,
            framing: self.wire.unwrap_or_default(),
            timeout: self.timeout.unwrap_or(default_timeout(mode)),
            faults,
            handout: None,
            recorder: None,
        })
    }

    /// The server, if one is given on the command line, on this port if it names none. What loads a
    /// server or takes money out of it goes by this alone.
    pub fn named_server(&self, port: u16) -> Option<String> {
        self.server.as_ref().map(|server| server.address(port))
    }

    /// The timeout, if one is given.
    pub fn timeout(&self) -> Option<Duration> {
        self.timeout
    }

    /// The server of this hand-out, where what one read returned is a message. No `READY` is
    /// expected there, nor anything known about requests and answers: it is as a script's.
    ///
    /// # Errors
    /// When `LABCLIENT_SERVER` is no address.
    pub fn target_of(&self, handout: Handout, faults: Option<Plan>) -> Result<Target, Failure> {
        Ok(Target {
            mode: Mode::Script,
            server: self.server_at(handout.port())?,
            framing: Framing::Raw,
            timeout: self.timeout.unwrap_or(default_timeout(Mode::Script)),
            faults,
            handout: Some(handout),
            recorder: None,
        })
    }

    /// The seed, if one is given.
    pub fn seed(&self) -> Option<u64> {
        self.seed
    }

    /// Whether faults are asked for.
    pub fn injects_faults(&self) -> bool {
        self.fault.is_some()
    }

    /// The framing, if one is given.
    pub fn framing(&self) -> Option<Framing> {
        self.wire
    }

    fn server_at(&self, port: u16) -> Result<String, Failure> {
        if let Some(server) = self.named_server(port) {
            return Ok(server);
        }
        match std::env::var(SERVER_VARIABLE) {
            Ok(server) if !server.is_empty() => {
                let server = parse_server(&server).map_err(|words| {
                    Failure::Usage(format!("{SERVER_VARIABLE} is {server:?}: {words}"))
                })?;
                Ok(server.address(port))
            }
            Ok(_) | Err(_) => Ok(format!("127.0.0.1:{port}")),
        }
    }
}

/// Whether a command line that could not be read has `--json` in it.
pub fn asks_for_json(words: impl Iterator<Item = OsString>) -> bool {
    let mut options = words.take_while(|word| word != "--");
    options.any(|word| word == "--json")
}

fn parse_faults(text: &str) -> Result<Spec, String> {
    Spec::parse_for(Side::Client, text)
}

fn default_timeout(mode: Mode) -> Duration {
    match mode {
        // The request is repeated, and at the bank's end nothing takes longer but a crowd of log-ins.
        Mode::Atm => Duration::from_secs(3),
        Mode::Text | Mode::Calc | Mode::Chat | Mode::Echo | Mode::Datetime | Mode::Script => {
            Duration::from_secs(10)
        }
    }
}

/// What `--server` names.
#[derive(Debug, Clone)]
struct ServerName {
    /// A name or an address; one of IPv6 in brackets.
    host: String,
    port: Option<u16>,
}

impl ServerName {
    fn address(&self, port: u16) -> String {
        format!("{}:{}", self.host, self.port.unwrap_or(port))
    }
}

fn parse_server(text: &str) -> Result<ServerName, String> {
    let (host, port) = match text.rsplit_once(':') {
        // An IPv6 address has colons of its own, and needs brackets for a port to follow.
        Some((host, _)) if host.contains(':') && !host.ends_with(']') => (text, None),
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let port = match port.map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return Err("the port is a number from 1 to 65535".into()),
    };
    if host.is_empty() {
        return Err("write HOST or HOST:PORT".into());
    }
    let host = if host.contains(':') && !host.starts_with('[') {
        format!("[{host}]")
    } else {
        host.to_owned()
    };
    Ok(ServerName { host, port })
}

fn framings() -> impl TypedValueParser<Value = Framing> {
    PossibleValuesParser::new(Framing::ALL.map(Framing::name))
        .try_map(|name| Framing::parse(&name).ok_or("no such framing"))
}

/// Reads a positive number of seconds, as `0.5` or `10`.
pub fn parse_seconds(text: &str) -> Result<Duration, String> {
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if !(0.001..=1e6).contains(&seconds) {
        return Err("between 0.001 and 1000000 seconds".into());
    }
    Ok(Duration::from_secs_f64(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_modes_port_stands_in_for_a_missing_one() {
        for (given, expected) in [
            (None, "127.0.0.1:9006"),
            (Some("lab.example"), "lab.example:9006"),
            (Some("lab.example:80"), "lab.example:80"),
            (Some("::1"), "[::1]:9006"),
            (Some("[::1]"), "[::1]:9006"),
            (Some("[::1]:80"), "[::1]:80"),
        ] {
            let given = given.into_iter().flat_map(|server| ["--server", server]);
            let words = ["labclient", "text"].into_iter().chain(given);
            let arguments = Arguments::try_parse_from(words).unwrap();
            let target = arguments.target(Mode::Text, None).unwrap();
            assert_eq!(target.server, expected);
        }
    }

    #[test]
    fn what_is_no_server_is_refused() {
        for server in [
            "",
            ":80",
            "host:",
            "host:0",
            "host:65536",
            "host:http",
            "[::1]:-1",
        ] {
            let words = ["labclient", "text", "--server", server];
            assert!(Arguments::try_parse_from(words).is_err(), "{server:?}");
        }
    }

    #[test]
    fn no_page_of_the_help_is_wider_than_a_terminal() {
        use clap::CommandFactory;
        fn check(command: &mut clap::Command) {
            let help = command.render_long_help().to_string();
            for line in help.lines() {
                assert!(line.chars().count() <= MAX_WIDTH, "{line:?} in {help}");
            }
            command.get_subcommands_mut().for_each(check);
        }
        let mut command = Arguments::command();
        command.build();
        check(&mut command);
    }

    #[test]
    fn the_command_line_is_consistent() {
        use clap::CommandFactory;
        Arguments::command().debug_assert();
    }
}
