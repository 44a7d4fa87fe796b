//! `labclient experiment`: latency, attempts and throughput against the rate of lost messages.
//!
//! Two commands lead from the sources to the plots: `cargo build --release`, and
//! `cargo run --release --bin labclient -- experiment atm`. The experiment starts the server it needs.
//!
//! * [`rates`], [`loss`]: what is lost, how often, and what theory expects;
//! * [`subject`]: what an operation, an exchange and an attempt are; [`subjects`]: the three there are;
//! * [`sweep`]: measuring; [`statistics`], [`summary`]: what the samples say;
//! * [`report`], [`plots`], [`place`]: the table, the files and the directory they go to.

pub mod loss;
pub mod place;
pub mod plots;
pub mod rates;
pub mod report;
pub mod statistics;
pub mod subject;
pub mod subjects;
pub mod summary;
pub mod sweep;

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::Timestamp;
use serde_json::json;
use wire::fault::random_seed;

use self::loss::{FaultSide, Loss};
use self::place::Place;
use self::rates::Rates;
use self::subject::{Audit, Patience};
use self::subjects::Kind;
use self::sweep::{Measured, ServerUsed, Setup, wait_here};
use crate::failure::{Failure, Status};
use crate::interrupt::Interrupt;
use crate::options::Options;
use crate::output::say;
use crate::own_server::find_labserver;

/// Long against a round trip on one computer, short enough that 90 % of loss ends in minutes.
const TIMEOUT: Duration = Duration::from_millis(5);

/// For a server elsewhere: long against a round trip in the same building.
const FOREIGN_TIMEOUT: Duration = Duration::from_millis(50);

/// Most operations at a rate: more would need a larger account, and no plot shows the difference.
const MAX_OPERATIONS: u32 = 100_000;

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
    loss: Option<Loss>,

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
    ///
    /// # Errors
    /// When options contradict each other.
    fn kind_and_loss(&self) -> Result<(Kind, Loss), Failure> {
        if self.handout.is_none() {
            return Ok((self.kind, self.loss.unwrap_or(Loss::Reply)));
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

/// Measures, prints the table and writes the files.
///
/// # Errors
/// When nothing could be measured or written.
pub fn run(all: &Options, arguments: &Arguments) -> Result<Status, Failure> {
    if all.injects_faults() {
        return Err(Failure::Usage(
            "an experiment injects its own faults: leave --fault out".into(),
        ));
    }
    let (kind, loss) = arguments.kind_and_loss()?;
    let foreign = all.named_server(kind.port());
    let is_foreign = foreign.is_some();
    subjects::check_side(arguments.fault_side, is_foreign)?;
    let server = match foreign {
        Some(address) => ServerUsed::Foreign(address),
        None => ServerUsed::Own(find_labserver(arguments.labserver.as_deref())?),
    };
    let default_timeout = if is_foreign { FOREIGN_TIMEOUT } else { TIMEOUT };
    let setup = Setup {
        kind,
        rates: arguments.rates.clone(),
        operations: arguments.operations,
        warm_up: arguments.warm_up,
        loss,
        side: arguments.fault_side,
        seed: all.seed().unwrap_or_else(random_seed),
        patience: Patience {
            timeout: all.timeout().unwrap_or(default_timeout),
            give_up_after: arguments.give_up_after,
            interrupt: Interrupt::watch()?,
        },
        framing: all.framing().unwrap_or_default(),
        account: subjects::account(
            is_foreign && kind == Kind::Atm,
            arguments.card.as_deref(),
            arguments.pin_file.as_ref(),
        )?,
        customer: subjects::customer(arguments.card.as_deref(), arguments.pin_file.as_ref())?,
        server,
    };
    let default_out = || PathBuf::from(format!("experiment-{}", kind.name()));
    let place = match &arguments.out {
        Some(out) => Place::take(out, arguments.force)?,
        None => Place::take_next(&default_out(), arguments.force)?,
    };
    if arguments.out.is_none() && place.path() != default_out() {
        let (earlier, next) = (default_out(), place.path());
        say(&format!(
            "{} holds earlier results: these go to {}",
            earlier.display(),
            next.display()
        ));
    }
    let rates = match setup.rates.ascending().len() {
        1 => "1 rate".to_owned(),
        many => format!("{many} rates"),
    };
    say(&format!(
        "measuring {} at {rates} with seed {}, on {}; the timeouts alone take {} or more; Ctrl-C \
         keeps what is done",
        kind.operations(),
        setup.seed,
        setup.server.words(),
        rough(setup.expected_duration(wait_here(setup.patience.timeout)))
    ));
    let started = Timestamp::now().to_string();
    let measured = setup.measure();
    finish(&setup, measured, &place, &started, all)
}

/// Reports what was measured, however it ended.
fn finish(
    setup: &Setup,
    measured: Measured,
    place: &Place,
    started: &str,
    all: &Options,
) -> Result<Status, Failure> {
    if measured.runs.is_empty() {
        say("no operation was measured, so nothing is written");
        return Err(measured.ended_early.unwrap_or(Failure::Interrupted));
    }
    let summaries = summary::summarize(&measured.runs, setup.loss, setup.kind.exchanges());
    let ended = Timestamp::now().to_string();
    let theory = summary::Theory::of(&measured.runs, setup.kind.exchanges());
    let parameters = report::parameters(setup, &measured, &theory, started, &ended);
    let parameters = format!("{parameters:#}\n");
    place.write("parameters.json", parameters.as_bytes())?;
    place.write(
        "samples.csv",
        report::samples_csv(&measured.runs).as_bytes(),
    )?;
    let summary_csv = report::summary_csv(&summaries, &measured.runs);
    place.write("summary.csv", summary_csv.as_bytes())?;
    for drawn in plots::draw(setup, &summaries, &theory)? {
        place.write(&drawn.name, &drawn.bytes)?;
    }
    let output = all.output();
    if output.json {
        for mut row in report::summary_json(&summaries, &measured.runs) {
            row["ok"] = json!(true);
            output.line(&row.to_string())?;
        }
    } else {
        output.line(report::table(setup, &summaries, &theory).trim_end())?;
    }
    say(&format!(
        "\nin {}: latency, attempts and throughput, each as .svg and .png; samples.csv, \
         summary.csv, parameters.json",
        place.path().display()
    ));
    if measured.ended_early.is_some() {
        let words = "this is part of the experiment: it ended early, and the last rate may have \
                     fewer operations";
        say(words);
    }
    let is_wrong = |run: &sweep::RateRun| matches!(run.audit, Some(Audit::Wrong(_)));
    if measured.runs.iter().any(is_wrong) {
        return Ok(Status::Refused);
    }
    match measured.ended_early {
        Some(Failure::Interrupted) | None => Ok(Status::Done),
        Some(failure) => Err(failure),
    }
}

/// For a person who decides whether to wait.
fn rough(duration: Duration) -> String {
    match duration.as_secs() {
        0..=99 => format!("{} s", duration.as_secs() + 1),
        seconds => format!("{} min", (seconds + 30) / 60),
    }
}
