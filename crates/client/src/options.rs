//! The options that every mode, hand-out and measurement takes: the server, the framing, how long to
//! wait, faults, recording and output.

mod server_name;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use proto::frame::Framing;
use proto::mode::Mode;
use proto::side::Side;
use record::{Recorder, Secrets, Settings, Trace};
use wire::fault::{Applicability, FaultPlan, FaultSpec, random_seed};

pub use self::server_name::ServerName;

use crate::failure::Failure;
use crate::output::{Output, say};
use crate::peer::Peer;
use crate::session::Target;

/// The environment variable with the server where none is given.
const SERVER_VARIABLE: &str = "LABCLIENT_SERVER";

// The headings of the options, in the order of the help.
const NETWORK: &str = "Network";
const FAULTS: &str = "Faults";
const RECORDING: &str = "Recording";

/// The options.
#[derive(Debug, Args)]
pub struct Options {
    /// The server; without a port, that of the mode or hand-out [default: LABCLIENT_SERVER, which
    /// experiment and bench ignore; else 127.0.0.1]
    ///
    /// For atm, text, calc and chat it may be several with commas between, as a:9005,b:9005, that
    /// serve the same bank or room: the first that answers is used. A cash machine goes on at the
    /// next one when it is gone, and repeats there what was not answered, with the same id; its
    /// journal is kept under the name of the first. The connections of bench take them in turn.
    // A text, because `check --matrix` has commands in its place, and both are one argument to clap.
    #[arg(help_heading = NETWORK, long, value_name = "HOST:PORT[,…]", value_parser = parse_server,
        global = true)]
    server: Option<String>,

    /// The framing, the same as the server's: netstring, len3, line or raw [default: netstring; a
    /// script says its own]
    ///
    /// In raw framing a message is what one read returned: it cannot be made reliable.
    #[arg(help_heading = NETWORK, long, value_parser = framings(), hide_possible_values = true,
        value_name = "FRAMING", global = true)]
    pub wire: Option<Framing>,

    /// How long to wait for the connection and for each answer, in seconds [default: 10; 3 for doctor
    /// and for the cash machine, which asks again]
    #[arg(help_heading = NETWORK, long, value_name = "SECONDS", value_parser = parse_seconds,
        global = true)]
    pub timeout: Option<Duration>,

    /// Inject faults, as drop-request=10% or drop-reply=#2,delay=20ms..80ms: see docs/faults.md
    ///
    /// They strike what is said: by chance, drop-request=10%, or by count, drop-request=#2. Also
    /// drop-reply, duplicate, error, cut, reset, corrupt, glue, reorder (UDP), split=7,
    /// delay=20ms..80ms, pause=2s@#3 and crash-at=after-send, with commas between.
    #[arg(help_heading = FAULTS, long, value_name = "FAULTS", value_parser = parse_faults, global = true)]
    pub fault: Option<FaultSpec>,

    /// Repeat the faults, or a hand-out's random choices, of the run that printed this seed
    #[arg(help_heading = FAULTS, long, global = true)]
    pub seed: Option<u64>,

    /// Recording and trace.
    #[command(flatten)]
    pub recording: RecordingArguments,

    /// Print one JSON object for each answer, and for a failure: see docs/failures.md
    // The heading of the options before would apply to this one as well.
    #[arg(long, global = true, help_heading = None)]
    json: bool,
}

impl Options {
    pub fn output(&self) -> Output {
        Output { json: self.json }
    }

    /// The faults that are asked for where they can strike, and a line on standard error for each
    /// that does.
    pub fn faults(&self, ground: Applicability) -> Result<Option<FaultPlan>, Failure> {
        let Some(spec) = self.fault.clone() else {
            return Ok(None);
        };
        spec.check(&[ground]).map_err(Failure::Usage)?;
        let plan = FaultPlan::new(spec, self.seed.unwrap_or_else(random_seed));
        // A delay of every message would hide what else happens.
        Ok(Some(plan.observed(|strike| {
            if !strike.decision.is_quiet() {
                say(&strike.to_string());
            }
        })))
    }

    /// The server to talk to, and the faults on the way there. The framing of a hand-out is its own.
    pub fn target(&self, peer: Peer, faults: Option<FaultPlan>) -> Result<Target, Failure> {
        only(&self.server_names()?)?;
        self.target_of_several(peer, faults)
    }

    /// As [`target`](Options::target), where there may be several servers of the same service.
    pub fn target_of_several(
        &self,
        peer: Peer,
        faults: Option<FaultPlan>,
    ) -> Result<Target, Failure> {
        let names = self.server_names()?;
        let mut servers = names.iter().map(|name| name.address(peer.default_port()));
        let server = servers.next().unwrap_or_default();
        // The bank's requests are repeated, and nothing takes longer there but a crowd of log-ins.
        let is_repeated = peer == Peer::Mode(Mode::Atm);
        let default_timeout = Duration::from_secs(if is_repeated { 3 } else { 10 });
        let timeout = self.timeout.unwrap_or(default_timeout);
        let framing = match peer {
            Peer::Mode(_) => self.wire.unwrap_or_default(),
            Peer::Handout(handout) => handout.framing(),
        };
        Ok(Target {
            framing,
            faults,
            others: servers.collect(),
            ..Target::new(peer, server, timeout)
        })
    }

    /// The one server of the command line, or else of the environment, or else on this computer.
    pub fn server_name(&self) -> Result<ServerName, Failure> {
        only(&self.server_names()?).cloned()
    }

    fn server_names(&self) -> Result<Vec<ServerName>, Failure> {
        if let Some(named) = self.server.as_deref() {
            return ServerName::parse_list(named).map_err(Failure::Usage);
        }
        match std::env::var(SERVER_VARIABLE) {
            Ok(named) if !named.is_empty() => ServerName::parse_list(&named).map_err(|words| {
                Failure::Usage(format!("{SERVER_VARIABLE} is {named:?}: {words}"))
            }),
            Ok(_) | Err(_) => ServerName::parse_list("127.0.0.1").map_err(Failure::Usage),
        }
    }

    /// The servers that are given on the command line, on this port where they name none; empty
    /// where none is. What loads a server or takes money out of it goes by this alone.
    pub fn named_servers(&self, port: u16) -> Result<Vec<String>, Failure> {
        let Some(named) = self.server.as_deref() else {
            return Ok(Vec::new());
        };
        let names = ServerName::parse_list(named).map_err(Failure::Usage)?;
        Ok(names.iter().map(|name| name.address(port)).collect())
    }

    /// As [`named_servers`](Options::named_servers), where there may be one at most.
    pub fn named_server(&self, port: u16) -> Result<Option<String>, Failure> {
        let servers = self.named_servers(port)?;
        if servers.is_empty() {
            return Ok(None);
        }
        only(&servers).map(|server| Some(server.clone()))
    }
}

/// The one server of these, where several make no sense.
fn only<T>(servers: &[T]) -> Result<&T, Failure> {
    match servers {
        [server] => Ok(server),
        _ => Err(Failure::Usage(
            "--server: several servers are for atm, text, calc, chat and bench: name one here"
                .into(),
        )),
    }
}

/// What is to be recorded, and where.
#[derive(Debug, Args)]
#[command(next_help_heading = RECORDING)]
pub struct RecordingArguments {
    /// Record everything that is sent and received to this file: see docs/recording.md
    ///
    /// One event a line, PINs masked.
    #[arg(long, value_name = "FILE.jsonl", global = true)]
    record: Option<PathBuf>,

    /// Keep PINs in the recording and the trace
    #[arg(long, hide_short_help = true, global = true)]
    record_secrets: bool,

    /// Show everything that is sent and received on standard error; --trace=hex with its bytes
    #[arg(long, value_name = "hex", num_args = 0..=1, require_equals = true,
        default_missing_value = "messages", value_parser = traces(),
        hide_possible_values = true, global = true)]
    trace: Option<Trace>,
}

impl RecordingArguments {
    pub fn is_asked_for(&self) -> bool {
        self.record.is_some() || self.record_secrets || self.trace.is_some()
    }

    pub fn recorder(&self, faults: Option<&FaultPlan>) -> Result<Option<Recorder>, Failure> {
        if self.record_secrets && self.record.is_none() && self.trace.is_none() {
            let words = "--record-secrets is about a recording: give --record or --trace too";
            return Err(Failure::Usage(words.into()));
        }
        let settings = Settings {
            program: "labclient",
            release: env!("CARGO_PKG_VERSION"),
            side: Side::Client,
            arguments: Settings::own_arguments(),
            faults: faults.map(|plan| (plan.spec().to_string(), plan.seed())),
            secrets: if self.record_secrets {
                Secrets::Kept
            } else {
                Secrets::Masked
            },
            file: self.record.clone(),
            most_bytes: None,
            trace: self.trace,
            follower: None,
        };
        Recorder::start(settings).map_err(|error| Failure::Usage(error.to_string()))
    }
}

fn traces() -> impl TypedValueParser<Value = Trace> {
    PossibleValuesParser::new(["messages", "hex"])
        .try_map(|name| Trace::parse(&name).ok_or("no such trace"))
}

fn parse_faults(text: &str) -> Result<FaultSpec, String> {
    FaultSpec::parse_for(Side::Client, text)
}

fn parse_server(text: &str) -> Result<String, String> {
    ServerName::parse_list(text).map(|_| text.to_owned())
}

/// Reads `HOST:PORT`.
pub fn parse_address(text: &str) -> Result<String, String> {
    let ServerName { host, port } = ServerName::parse(text)?;
    let port = port.ok_or("write HOST:PORT")?;
    Ok(format!("{host}:{port}"))
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
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Arguments {
        #[command(flatten)]
        options: Options,
    }

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
            let words = ["labclient"].into_iter().chain(given);
            let arguments = Arguments::try_parse_from(words).unwrap();
            let target = arguments.options.target(Mode::Text.into(), None).unwrap();
            assert_eq!(target.server, expected);
        }
    }

    #[test]
    fn each_server_of_a_list_has_its_port_or_that_of_the_mode() {
        let words = ["labclient", "--server", "a,b:80,::1,[::1]:81"];
        let options = Arguments::try_parse_from(words).unwrap().options;
        let target = options.target_of_several(Mode::Atm.into(), None).unwrap();
        assert_eq!(target.servers(), "a:9005,b:80,[::1]:9005,[::1]:81");
        assert_eq!(
            options.named_servers(9005).unwrap(),
            ["a:9005", "b:80", "[::1]:9005", "[::1]:81"]
        );
    }

    #[test]
    fn where_one_server_is_needed_a_list_is_refused() {
        let words = ["labclient", "--server", "a,b"];
        let options = Arguments::try_parse_from(words).unwrap().options;
        let refused = [
            options.target(Mode::Echo.into(), None).map(drop),
            options.server_name().map(drop),
            options.named_server(9005).map(drop),
        ];
        for refused in refused {
            let words = refused.unwrap_err().words().unwrap();
            assert!(words.contains("name one here"), "{words}");
        }
    }
}
