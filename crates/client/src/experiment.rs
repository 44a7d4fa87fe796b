//! `labclient experiment`: latency, attempts and throughput against the rate of lost messages.
//!
//! Two commands lead from the sources to the plots: `cargo build --release`, and
//! `cargo run --release --bin labclient -- experiment atm`. The experiment starts the server it needs.
//!
//! The engine is the crate `measure`; here is what it measures.
//!
//! * [`subjects`]: the four there are; [`connection`]: the connection of those over TCP;
//! * [`faults`]: what is lost, by which program and when.

pub mod connection;
pub mod faults;
pub mod subjects;

use std::ffi::OsString;
use std::io;
use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::Args;
use jiff::Timestamp;
use measure::experiment::loss::Loss;
use measure::experiment::output_dir::OutputDir;
use measure::experiment::rates::{Rate, Rates};
use measure::experiment::summary::{Theory, summarize};
use measure::experiment::sweep::{Experiment, Measured, Measurement, RateRun};
use measure::experiment::{plots, report};
use measure::subject::Audit;
use serde_json::json;
use tempfile::NamedTempFile;
use wire::datagram::Endpoint;
use wire::fault::{FaultPlan, random_seed};

use self::connection::RetryPolicy;
use self::faults::{FaultSide, Lost};
use self::subjects::cash_machine::accounts_file;
use self::subjects::{Kind, SubjectConfig};
use crate::failure::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::options::Options;
use crate::output::say;
use crate::own_server::{OwnServer, find_labserver};

/// Long against a round trip on one computer, short enough that 90 % of loss ends in minutes.
const TIMEOUT: Duration = Duration::from_millis(5);

/// For a server elsewhere: long against a round trip in the same building.
const FOREIGN_TIMEOUT: Duration = Duration::from_millis(50);

/// Most operations at a rate: more would need a larger account, and no plot shows the difference.
const MAX_OPERATIONS: u32 = 100_000;

/// Timeouts up to which what the operating system adds to them is measured: of longer ones, it makes
/// no difference.
const MAX_MEASURED_TIMEOUT: Duration = Duration::from_millis(100);

const ABOUT_TIME: &str = "\
An answer is awaited for 5 ms, with --server for 50 ms, unless --timeout says
otherwise. At 90 % of the replies lost a request is sent 10 times, and 100 times
with --loss both, which takes minutes: a bar says how many.";

/// What the command line says.
#[derive(Debug, Args)]
#[command(after_help = ABOUT_TIME)]
pub struct Arguments {
    /// What is measured: withdrawals, texts, or questions over UDP
    #[arg(
        value_enum,
        value_name = "atm|text|datetime",
        hide_possible_values = true
    )]
    kind: Kind,

    /// The error rates in percent: a range with its step, or a list
    #[arg(long, value_name = "RATES", value_parser = Rates::parse, default_value = "0..90/10")]
    rates: Rates,

    /// Operations at each rate
    #[arg(long, value_name = "COUNT", default_value_t = 100,
        value_parser = clap::value_parser!(u32).range(1..=i64::from(MAX_OPERATIONS)))]
    operations: u32,

    /// Operations at each rate before those, which are not recorded
    #[arg(long, value_name = "COUNT", default_value_t = 3,
        value_parser = clap::value_parser!(u32).range(0..=i64::from(MAX_OPERATIONS)))]
    warm_up: u32,

    /// What is lost [default: reply]
    #[arg(long, value_enum)]
    loss: Option<Lost>,

    /// Which program loses it
    #[arg(long, value_enum, default_value = "client")]
    fault_side: FaultSide,

    /// Send a request at most so often; what is then not answered is given up, and shown as such
    #[arg(long, value_name = "ATTEMPTS", default_value_t = 1000,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    give_up_after: u32,

    /// atm: in the words of this hand-out, whose client calls withdrawals failed at the error rate,
    /// and then makes them again; nothing is lost
    #[arg(long, value_name = "atm-login", value_parser = ["atm-login"],
        hide_possible_values = true)]
    handout: Option<String>,

    /// Where the results go [default: experiment-atm, experiment-text, experiment-datetime; where
    /// that has results, experiment-atm-2 and so on]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,

    /// Write into DIR although it holds earlier results, which are replaced, or something else
    #[arg(long)]
    force: bool,

    /// The server to start [default: labserver beside this program, else on the path]
    #[arg(long, value_name = "PATH")]
    labserver: Option<PathBuf>,

    /// With --server: the card to withdraw from, a cent an operation, and with --handout the name
    /// [default: 123456789, jamal; the PIN is in LABCLIENT_PIN or --pin-file, else 1234, 4321]
    #[arg(long, value_name = "NUMBER")]
    card: Option<String>,

    /// A file whose first line is the PIN
    #[arg(long, value_name = "FILE")]
    pin_file: Option<PathBuf>,
}

impl Arguments {
    /// What is measured, and what is lost.
    fn kind_and_loss(&self) -> Result<(Kind, Loss), Failure> {
        if self.handout.is_none() {
            return Ok((self.kind, self.loss.unwrap_or(Lost::Reply).into()));
        }
        if self.kind != Kind::Atm {
            let words = "--handout atm-login is a bank: write `experiment atm --handout atm-login`";
            return Err(Failure::Usage(words.into()));
        }
        if self.loss.is_some() || self.fault_side == FaultSide::Server {
            return Err(Failure::Usage(
                "with --handout nothing is lost, because its conversation ends with the first \
                 loss: its client calls withdrawals failed; leave --loss and --fault-side out"
                    .into(),
            ));
        }
        Ok((Kind::AtmLogin, Loss::CalledFailed))
    }
}

#[derive(Debug)]
enum ServerUsed {
    /// One that this program starts for each rate.
    Own(PathBuf),
    /// One that runs, at `HOST:PORT`.
    Named(String),
}

/// How each rate is set up.
#[derive(Debug)]
struct Setup {
    subject: SubjectConfig,
    loss: Loss,
    side: FaultSide,
    seed: u64,
    server: ServerUsed,
}

impl Setup {
    fn measure(&self, rate: Rate, measurement: &mut Measurement) -> Result<(), Failure> {
        let plan = faults::plan(self.subject.kind, self.loss, rate, self.side, self.seed)?;
        let (in_client, in_server) = match self.side {
            FaultSide::Client => (Some(&plan), None),
            FaultSide::Server => (None, Some(&plan)),
        };
        let own;
        let server = match &self.server {
            ServerUsed::Named(address) => address,
            ServerUsed::Own(program) => {
                own = self.start_server(program, in_server)?;
                &own.0.address
            }
        };
        let mut subject = self.subject.open(server, in_client)?;
        measurement.measure(subject.as_mut(), plan.seed())
    }

    /// A server for one rate, with the file of its accounts, if it has any.
    fn start_server(
        &self,
        program: &Path,
        faults: Option<&FaultPlan>,
    ) -> Result<(OwnServer, Option<NamedTempFile>), Failure> {
        let mut options: Vec<OsString> = Vec::new();
        let accounts = match self.subject.kind {
            Kind::Atm => Some(accounts_file(1)?),
            // The bank of a hand-out is in memory, with a customer of its own.
            Kind::Text | Kind::Datetime | Kind::AtmLogin => None,
        };
        if let Some(file) = &accounts {
            options.extend(["--ledger", "memory", "--accounts"].map(Into::into));
            options.push(file.path().into());
        }
        if let Some(plan) = faults {
            options.extend(["--fault".into(), plan.spec().to_string().into()]);
            options.extend(["--seed".into(), plan.seed().to_string().into()]);
        }
        let (peer, framing) = (self.subject.kind.peer(), self.subject.framing);
        let server = OwnServer::start(program, peer, framing, &options)?;
        Ok((server, accounts))
    }
}

/// Measures, prints the table and writes the files.
pub fn run(all: &Options, arguments: &Arguments) -> Result<Status, Failure> {
    if all.fault.is_some() {
        return Err(Failure::Usage(
            "an experiment injects its own faults: leave --fault out".into(),
        ));
    }
    let (kind, loss) = arguments.kind_and_loss()?;
    let named = all.named_server(kind.peer().default_port())?;
    let is_foreign = named.is_some();
    if is_foreign && arguments.fault_side == FaultSide::Server {
        return Err(Failure::Usage(
            "--fault-side server needs a server of our own: leave --server out, or start that one \
             with --fault"
                .into(),
        ));
    }
    let default_timeout = if is_foreign { FOREIGN_TIMEOUT } else { TIMEOUT };
    let framing = all.wire.unwrap_or_default();
    let experiment = Experiment {
        subject: kind.description(),
        rates: arguments.rates.clone(),
        operations: arguments.operations,
        warm_up: arguments.warm_up,
        loss,
        fault_side: arguments.fault_side.name(),
        seed: all.seed.unwrap_or_else(random_seed),
        timeout: all.timeout.unwrap_or(default_timeout),
        give_up_after: arguments.give_up_after,
        framing: framing.name(),
        server: named.clone(),
    };
    let (card, pin_file) = (arguments.card.as_deref(), arguments.pin_file.as_deref());
    let setup = Setup {
        loss,
        side: arguments.fault_side,
        seed: experiment.seed,
        server: match named {
            Some(address) => ServerUsed::Named(address),
            None => ServerUsed::Own(find_labserver(arguments.labserver.as_deref())?),
        },
        subject: SubjectConfig {
            kind,
            framing,
            patience: RetryPolicy {
                timeout: experiment.timeout,
                give_up_after: arguments.give_up_after,
                interrupt: Interrupt::watch()?,
            },
            account: subjects::account(is_foreign && kind == Kind::Atm, card, pin_file)?,
            customer: subjects::customer(card, pin_file)?,
            operations: u64::from(arguments.warm_up) + u64::from(arguments.operations),
            is_foreign,
        },
    };
    let default_out = PathBuf::from(format!("experiment-{}", kind.peer().name()));
    let out = match &arguments.out {
        Some(out) => OutputDir::take(out, arguments.force)?,
        None => OutputDir::take_next(&default_out, arguments.force)?,
    };
    if arguments.out.is_none() && out.path != default_out {
        say(&format!(
            "{} holds earlier results: these go to {}",
            default_out.display(),
            out.path.display()
        ));
    }
    let rates = match experiment.rates.0.len() {
        1 => "1 rate".to_owned(),
        many => format!("{many} rates"),
    };
    say(&format!(
        "measuring {} at {rates} with seed {}, on {}; the timeouts alone take {} or more; Ctrl-C \
         keeps what is done",
        experiment.subject.operations,
        experiment.seed,
        match &setup.server {
            ServerUsed::Own(_) => "a labserver of its own for each rate",
            ServerUsed::Named(address) => address.as_str(),
        },
        rounded(experiment.expected_duration(actual_wait(experiment.timeout)))
    ));
    let started = Timestamp::now().to_string();
    let measured = experiment.run(|rate, measurement| setup.measure(rate, measurement));
    finish(&experiment, measured, &out, &started, all)
}

/// Reports what was measured, however it ended.
fn finish(
    experiment: &Experiment,
    measured: Measured<Failure>,
    out: &OutputDir,
    started: &str,
    all: &Options,
) -> Result<Status, Failure> {
    let runs = &measured.runs;
    if runs.is_empty() {
        say("no operation was measured, so nothing is written");
        return Err(measured.ended_early.unwrap_or(Failure::Interrupted));
    }
    let theory = Theory::of(runs, experiment.subject.exchanges);
    let summaries = summarize(runs, experiment.loss, &theory);
    let ended = Timestamp::now().to_string();
    let parameters = report::parameters(experiment, &measured, &theory, started, &ended);
    out.write("parameters.json", format!("{parameters:#}\n").as_bytes())?;
    out.write("samples.csv", report::samples_csv(runs).as_bytes())?;
    let summary_csv = report::summary_csv(&summaries, runs);
    out.write("summary.csv", summary_csv.as_bytes())?;
    for (name, bytes) in plots::draw(experiment, &summaries, &theory)? {
        out.write(&name, &bytes)?;
    }
    let output = all.output();
    if output.json {
        for mut row in report::summary_json(&summaries, runs) {
            row["ok"] = json!(true);
            output.line(&row.to_string())?;
        }
    } else {
        output.line(report::table(experiment, &summaries, &theory).trim_end())?;
    }
    say(&format!(
        "\nin {}: latency, attempts and throughput, each as .svg and .png; samples.csv, \
         summary.csv, parameters.json",
        out.path.display()
    ));
    if measured.ended_early.is_some() {
        say(
            "this is part of the experiment: it ended early, and the last rate may have fewer \
             operations",
        );
    }
    let is_wrong = |run: &RateRun| matches!(run.audit, Some(Audit::Wrong(_)));
    if runs.iter().any(is_wrong) {
        return Ok(Status::Refused);
    }
    match measured.ended_early {
        Some(Failure::Interrupted) | None => Ok(Status::Done),
        Some(failure) => Err(failure),
    }
}

/// How long a wait takes on this computer that is to end after `timeout`: the median of three.
fn actual_wait(timeout: Duration) -> Duration {
    if timeout > MAX_MEASURED_TIMEOUT {
        return timeout;
    }
    let waits = || -> io::Result<[Duration; 3]> {
        let mut endpoint = Endpoint::new(UdpSocket::bind("127.0.0.1:0")?);
        let mut waits = [Duration::ZERO; 3];
        for wait in &mut waits {
            let began = Instant::now();
            endpoint.receive(Some(began + timeout))?;
            *wait = began.elapsed();
        }
        waits.sort();
        Ok(waits)
    };
    waits().map_or(timeout, |waits| waits[1])
}

/// A duration to the second, or to the minute where it is long.
fn rounded(duration: Duration) -> String {
    match duration.as_secs() {
        0..=99 => format!("{} s", duration.as_secs() + 1),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}
