//! Measures the bank's durable withdrawals a second, and compares them with the disk's syncs:
//!
//! ```text
//! cargo run --release --example durable
//! cargo run --release --example durable -- --seconds 20 --in /var/tmp
//! cargo run --release --example durable -- --machines 200
//! ```
//!
//! Each machine is a thread with its own connection over loopback. A withdrawal is a `WITHDRAW` and
//! a `CONFIRM`, each answered once it is on disk, so that a single machine waits for two syncs. The
//! machine's journal, which would be on another disk, is left out.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail};
use client::cash_machine::bank_client::BankClient;
use client::failure::Failure;
use client::session::Target;
use proto::atm::{Amount, Money, Request, TransactionId};
use proto::frame::Framing;
use proto::mode::Mode;
use proto::refusal::Refusal;
use server::ledger::Place;
use server::ledger::audit::audit;
use server::ledger::sqlite;
use testkit::service::start_configured;
use uuid::Uuid;

/// The default numbers of concurrent machines, one a row.
const MACHINES: [usize; 3] = [1, 16, 64];

/// The accounts of a machine, used in turn so that machines do not contend for one.
const CARDS: [(&str, &str); 2] = [("123456789", "1234"), ("987654321", "5678")];

/// The size of a sync of the disk measurement: a page of the ledger.
const PAGE: usize = 4096;

/// The number of operations in a period, and their durations.
struct Row {
    taken: Duration,
    /// In ascending order.
    latencies: Vec<Duration>,
}

fn main() -> Result<ExitCode> {
    let mut seconds = 5.0_f64;
    let mut rows_wanted = MACHINES.to_vec();
    let mut parent = std::env::temp_dir();
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments
            .next()
            .with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--seconds" => seconds = value.parse().context("a number of seconds")?,
            "--machines" => rows_wanted = vec![value.parse().context("a number of machines")?],
            "--in" => parent = PathBuf::from(value),
            _ => bail!("unknown: {flag}; known: --seconds, --machines, --in"),
        }
    }
    let period = Duration::try_from_secs_f64(seconds).context("a number of seconds")?;
    let directory = tempfile::tempdir_in(&parent)
        .with_context(|| format!("no place in {}", parent.display()))?;
    let ledger = directory.path().join("bank.db");

    let mut out = io::stdout().lock();
    writeln!(out, "the ledger is {}\n", ledger.display())?;
    let bank = start_configured(Mode::Atm, |config| {
        config.ledger = Some(Place::File(ledger.clone()))
    });

    let before = syncs(directory.path(), period)?;
    let mut rows = Vec::new();
    for machines in rows_wanted {
        rows.push((machines, withdrawals(bank.address(), machines, period)?));
    }
    let after = syncs(directory.path(), period)?;
    bank.stop();

    // Compares rates with rates and medians with medians: one slow sync in a hundred changes a
    // rate, but not a median.
    let syncs_a_second = (before.rate() + after.rate()) / 2.0;
    let a_sync = (before.percentile(50) + after.percentile(50)) / 2;
    writeln!(
        out,
        "{:<24}{:>10}{:>10}{:>10}{:>12}{:>14}",
        "", "a second", "p50", "p99", "per sync", "p50 in syncs"
    )?;
    let disk = |name: &str, row: &Row| {
        format!(
            "{name:<24}{:>10.0}{:>10}{:>10}",
            row.rate(),
            milliseconds(row.percentile(50)),
            milliseconds(row.percentile(99)),
        )
    };
    writeln!(out, "{}", disk("disk syncs, before", &before))?;
    for (machines, row) in &rows {
        let plural = if *machines == 1 { "" } else { "s" };
        let name = format!("{machines} machine{plural}");
        let for_a_sync = row.rate() / syncs_a_second;
        let in_syncs = row.percentile(50).as_secs_f64() / a_sync.as_secs_f64();
        let disk = disk(&name, row);
        writeln!(out, "{disk}{for_a_sync:>12.2}{in_syncs:>14.1}")?;
    }
    writeln!(out, "{}\n", disk("disk syncs, after", &after))?;

    let report = audit(&mut sqlite::open(&ledger)?)?;
    writeln!(out, "{report}")?;
    let done: usize = rows.iter().map(|(_, row)| row.latencies.len()).sum();
    let all_there = report.transactions == done && report.unsettled == 0;
    if !all_there {
        writeln!(out, "{done} withdrawals were acknowledged")?;
    }
    Ok(if report.violations.is_empty() && all_there {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Repeatedly writes a page in place and syncs it: the disk without a bank.
fn syncs(directory: &Path, period: Duration) -> Result<Row> {
    let mut file = File::create(directory.join("page"))?;
    let mut page = [0_u8; PAGE];
    file.write_all(&page)?;
    file.sync_all()?;
    let started = Instant::now();
    let mut latencies = Vec::new();
    while started.elapsed() < period {
        let asked = Instant::now();
        page[0] = page[0].wrapping_add(1);
        file.seek(SeekFrom::Start(0))?;
        file.write_all(&page)?;
        file.sync_data()?;
        latencies.push(asked.elapsed());
    }
    Row::new(started.elapsed(), latencies)
}

/// Withdraws at this many machines concurrently, each as fast as it is answered.
fn withdrawals(address: SocketAddr, machines: usize, period: Duration) -> Result<Row> {
    // One after another, since the bank turns away who waits too long to have a PIN hashed.
    let links: Vec<BankClient> = (0..machines)
        .map(|number| log_in(address, number))
        .collect::<Result<_>>()?;
    let (taken, latencies) = thread::scope(|scope| {
        let started = Instant::now();
        let machine = |link| scope.spawn(move || withdraw_for(link, period));
        let working: Vec<_> = links.into_iter().map(machine).collect();
        let mut latencies = Vec::new();
        for thread in working {
            let joined = thread.join().map_err(|_| anyhow!("a machine panicked"))?;
            latencies.extend(joined?);
        }
        Ok::<_, anyhow::Error>((started.elapsed(), latencies))
    })?;
    Row::new(taken, latencies)
}

fn log_in(address: SocketAddr, number: usize) -> Result<BankClient> {
    let target = Target {
        peer: Mode::Atm.into(),
        server: address.to_string(),
        others: Vec::new(),
        framing: Framing::Netstring,
        // Nothing is retransmitted here, so a slow disk must not look like a lost answer.
        timeout: Duration::from_secs(30),
        faults: None,
        recorder: None,
    };
    let name = format!("ATM-{number}").parse().map_err(refused)?;
    let mut link = BankClient::new(target, name);
    let (card, pin) = CARDS[number % CARDS.len()];
    let (card, pin) = (
        card.parse().map_err(refused)?,
        pin.parse().map_err(refused)?,
    );
    link.log_in(card, pin)?;
    Ok(link)
}

fn withdraw_for(mut link: BankClient, period: Duration) -> Result<Vec<Duration>> {
    // The smallest amount, since an account must last the whole run.
    let amount = Money::from_minor(1).and_then(Amount::new);
    let amount = amount.context("0.01 is an amount")?;
    let started = Instant::now();
    let mut latencies = Vec::new();
    while started.elapsed() < period {
        let id = TransactionId::withdrawal(Uuid::now_v7());
        let asked = Instant::now();
        for request in [
            Request::Hold {
                id,
                amount,
                key: None,
            },
            Request::Confirm { id, key: None },
        ] {
            link.ask(&request)?.map_err(refused)?;
        }
        latencies.push(asked.elapsed());
    }
    link.log_out();
    Ok(latencies)
}

impl Row {
    fn new(taken: Duration, mut latencies: Vec<Duration>) -> Result<Row> {
        if latencies.is_empty() {
            bail!("nothing was done in that time: give more --seconds");
        }
        latencies.sort_unstable();
        Ok(Row { taken, latencies })
    }

    fn rate(&self) -> f64 {
        self.latencies.len() as f64 / self.taken.as_secs_f64()
    }

    fn percentile(&self, percent: usize) -> Duration {
        self.latencies[(self.latencies.len() - 1) * percent / 100]
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1000.0)
}

fn refused(refusal: Refusal) -> anyhow::Error {
    Failure::Refused(refusal).into()
}
