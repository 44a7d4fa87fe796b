//! The rows of durable withdrawals.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::customers::{accounts_file, log_in};
use crate::floor::Floor;
use crate::load::{self, Client};
use crate::pages::Pages;
use crate::postgres::Postgres;
use crate::programs::Programs;
use crate::questions::{LOWER, Withdrawal};
use crate::rows::{FLOOR, POSTGRES, SYNC};
use crate::run::{OURS, Run, Side};
use crate::servers::{Listening, output_of};

/// How long a side is measured in a round.
const PERIOD: Duration = Duration::from_millis(500);

/// How long the disk is measured in a round.
const DISK_PERIOD: Duration = Duration::from_millis(200);

/// The most connections, each with its own account.
const CONNECTIONS: usize = 64;

/// Withdrawals, each answered once it is on disk.
pub fn withdrawals(run: &mut Run) -> Result<()> {
    let directory = tempfile::Builder::new()
        .prefix("speed-bank-")
        .tempdir_in(&run.directory)?;
    let (ledger, accounts) = (
        directory.path().join("bank.db"),
        directory.path().join("accounts"),
    );
    fs::write(&accounts, accounts_file(CONNECTIONS))?;
    let bank = open(&run.programs, &ledger, &accounts)?;
    let mut machines = Vec::new();
    for number in 0..CONNECTIONS {
        machines.push(Client::new(
            log_in(bank.address, number)?,
            Withdrawal::default(),
        ));
    }
    let mut postgres = Postgres::start(run)?;
    let mut pages = Pages::create(directory.path())?;
    let floor = Listening::floor_in(Floor::Durable, &run.directory)?;
    let mut answered = 0;
    for (row, connections) in [("withdraw-1", 1), ("withdraw-16", 16), ("withdraw-64", 64)] {
        if !run.wants(row) {
            continue;
        }
        // One client waits; with several, what counts is how many are served.
        let figure = |(rate, median)| vec![if connections == 1 { median } else { rate }];
        let (machines, answered) = (&mut machines[..connections], &mut answered);
        let mut sides = vec![Side::new(OURS, move || {
            let figures = load::kept(machines, PERIOD)?;
            *answered += figures.answered;
            Ok(figure((figures.rate, figures.median)))
        })];
        if let Some(postgres) = &mut postgres {
            let measure = move || Ok(figure(postgres.measure(connections, PERIOD)?));
            sides.push(Side::new(POSTGRES, measure));
        }
        // With several connections it would measure how the file system merges syncs.
        if connections == 1 {
            let mut client = [Client::new(load::connect(floor.address)?, LOWER)];
            let measure = move || Ok(vec![load::kept(&mut client, PERIOD)?.median]);
            sides.push(Side::new(FLOOR, measure));
        }
        sides.push(Side::new(SYNC, || Ok(figure(sync_alone(&mut pages)?))));
        run.compare(row, sides)?;
    }
    drop((machines, bank));
    audit(run, &ledger, answered)?;
    postgres.map_or(Ok(()), |postgres| postgres.check())
}

/// Starts a bank with this ledger and these accounts.
pub fn open(programs: &Programs, ledger: &Path, accounts: &Path) -> Result<Listening> {
    let mode: [&Path; 6] = [
        "--mode".as_ref(),
        "atm".as_ref(),
        "--ledger".as_ref(),
        ledger,
        "--accounts".as_ref(),
        accounts,
    ];
    Listening::labserver(programs, "tcp", mode)
}

/// Checks that the books are sound, and have every withdrawal that was answered, and no other.
fn audit(run: &Run, ledger: &Path, answered: u64) -> Result<()> {
    let mut command = run.programs.command("labserver");
    command
        .args(["ledger", "audit", "--json", "--ledger"])
        .arg(ledger);
    let report: Value = serde_json::from_str(&output_of(command)?)?;
    let transactions = report["transactions"].as_u64();
    ensure!(
        transactions == Some(answered),
        "{answered} withdrawals were answered; the ledger has {transactions:?}"
    );
    Ok(())
}

/// The rate of one thread that writes a page and syncs it again and again, and the median in
/// milliseconds.
fn sync_alone(pages: &mut Pages) -> Result<(f64, f64)> {
    let mut latencies = load::new_histogram()?;
    let begun = Instant::now();
    let mut syncs = 0;
    while begun.elapsed() < DISK_PERIOD {
        let asked = Instant::now();
        pages.write_next()?;
        load::record(&mut latencies, asked.elapsed());
        syncs += 1;
    }
    let rate = f64::from(syncs) / begun.elapsed().as_secs_f64();
    Ok((rate, load::milliseconds(&latencies, 0.5)))
}
