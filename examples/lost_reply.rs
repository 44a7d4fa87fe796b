//! A lost reply, from nothing to the report: the diagram of a withdrawal whose answer is lost, and
//! the plot of the number of attempts that it costs.
//!
//! `cargo run --example lost_reply` starts a bank, withdraws 500.00 while the bank's answer is
//! dropped, draws the recordings of both sides, and then measures withdrawals at several rates of
//! loss. It writes its results into `lost-reply/`, or the directory given.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use clap::Parser;
use client::app;
use client::cash_machine::storage::MachineDirectory;
use client::cli::Arguments;
use client::modes::atm::machine::CashMachine;
use client::session::Target;
use proto::atm::Kind;
use proto::atm::semantics::Semantics;
use proto::frame::Framing;
use proto::mode::Mode;
use proto::refusal::Refusal;
use proto::side::Side;
use record::{Recorder, Secrets, Settings};
use testkit::service::{start, start_configured};
use wire::fault::{FaultPlan, FaultSpec};

fn main() -> Result<()> {
    let given = std::env::args_os().nth(1).map(PathBuf::from);
    let directory = given.unwrap_or_else(|| "lost-reply".into());
    fs::create_dir_all(&directory).context("no directory for the results")?;
    let recordings = record_a_lost_reply(&directory)?;
    let view = |more: &[&str]| {
        let files = recordings.each_ref().map(|file| file.as_os_str());
        let words = ["labclient", "view"].map(AsRef::as_ref).into_iter();
        labclient(words.chain(files).chain(more.iter().map(AsRef::as_ref)))
    };
    view(&["--width", "100"])?;
    view(&["--explain"])?;
    let picture = directory.join("withdrawal.svg");
    view(&["--output", &picture.to_string_lossy()])?;
    measure(&directory.join("experiment"))?;
    writeln!(
        io::stdout(),
        "the diagram is {}",
        directory.join("withdrawal.svg").display()
    )?;
    Ok(())
}

/// Withdraws 500.00 from a bank whose third answer, that to the withdrawal, does not reach the
/// machine. Returns the recordings of both sides.
fn record_a_lost_reply(directory: &Path) -> Result<[PathBuf; 2]> {
    let files = ["client.jsonl", "server.jsonl"].map(|name| directory.join(name));
    for file in &files {
        // A recording is appended to; this one starts anew.
        if file.exists() {
            fs::remove_file(file).with_context(|| format!("cannot replace {}", file.display()))?;
        }
    }
    let spec =
        FaultSpec::parse_for(Side::Client, "drop-reply=#3").map_err(|words| anyhow!(words))?;
    let faults = FaultPlan::new(spec, 0);
    let of_client = recorder(Side::Client, &files[0], Some(&faults))?;
    let of_server = recorder(Side::Server, &files[1], None)?;
    let bank = start_configured(Mode::Atm, |config| config.recorder = of_server.clone());
    withdraw(Target {
        peer: Mode::Atm.into(),
        server: bank.address().to_string(),
        others: Vec::new(),
        framing: Framing::Netstring,
        timeout: Duration::from_millis(500),
        faults: Some(faults),
        recorder: of_client.clone(),
    })?;
    bank.stop();
    for recorder in [of_client, of_server].into_iter().flatten() {
        recorder.finish();
    }
    Ok(files)
}

fn recorder(side: Side, file: &Path, faults: Option<&FaultPlan>) -> Result<Option<Recorder>> {
    Ok(Recorder::start(Settings {
        program: match side {
            Side::Client => "labclient",
            Side::Server => "labserver",
        },
        release: env!("CARGO_PKG_VERSION"),
        side,
        arguments: vec!["(the example lost_reply)".into()],
        faults: faults.map(|plan| (plan.spec().to_string(), plan.seed())),
        secrets: Secrets::Masked,
        file: Some(file.to_owned()),
        most_bytes: None,
        trace: None,
        follower: None,
    })?)
}

fn withdraw(target: Target) -> Result<()> {
    let journals = tempfile::tempdir()?;
    let found = MachineDirectory::within(journals.path())
        .open(None, Semantics::ExactlyOnce.protections())?;
    let mut machine = CashMachine::new(found, target, Duration::from_secs(10));
    machine.settle()?;
    let (card, pin) = ("123456789".parse(), "1234".parse());
    let (card, pin) = (card.map_err(refused)?, pin.map_err(refused)?);
    machine.bank().log_in(card, pin)?;
    let amount = "500".parse().map_err(refused)?;
    let withdrawn = machine.move_notes(Kind::Withdrawal, amount);
    withdrawn?.map_err(refused)?;
    machine.bank().log_out();
    Ok(())
}

/// Measures withdrawals from a new bank while the machine loses replies.
fn measure(directory: &Path) -> Result<()> {
    let bank = start(Mode::Atm);
    let address = bank.address().to_string();
    let words = "labclient experiment atm --timeout 0.005 --loss reply --rates 0..60/20 \
                 --operations 40 --seed 1 --server";
    let words = words.split_whitespace().map(AsRef::as_ref);
    labclient(words.chain([address.as_ref(), "--out".as_ref(), directory.as_os_str()]))
}

/// Executes a command line.
fn labclient<W: Into<std::ffi::OsString> + Clone>(
    words: impl IntoIterator<Item = W>,
) -> Result<()> {
    let arguments = Arguments::try_parse_from(words)?;
    app::run(&arguments)?;
    Ok(())
}

fn refused(refusal: Refusal) -> anyhow::Error {
    anyhow!("{refusal}")
}
