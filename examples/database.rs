//! Measures withdrawals in a PostgreSQL database: of three labservers, which carry many operations in
//! a transaction, and of pgbench, with one statement and one commit for each withdrawal. In turns, on
//! one PostgreSQL server with its durability on, and the same tables:
//!
//! ```text
//! cargo run --release --example database
//! cargo run --release --example database -- --rounds 5 --connections 64
//! ```
//!
//! A withdrawal of labserver is two commits, the hold and its confirmation; pgbench's is one, of all
//! the same rows. All programs share the cores.

#[path = "chaos/programs.rs"]
#[allow(dead_code, reason = "the bank that is killed is another example's")]
mod programs;

use std::fmt::Write as _;
use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Stdio};

use anyhow::{Context, Result, bail, ensure};
use programs::Programs;
use testkit::postgres::{self, Postgres};

/// Seconds that each measurement takes.
const SECONDS: u32 = 5;

/// Labservers on the database.
const SERVERS: usize = 3;

/// The first of the cards, which follow each other.
const CARD: u32 = 100_000;

/// How pgbench withdraws 1.00: the account, the transaction and its two entries of the history.
const STATEMENT: &str = "\
    \\set card random(FIRST, LAST)\n\
    WITH debit AS (\
        UPDATE socketlab.accounts SET posted = posted - 100 \
        WHERE card = (:card)::text AND posted - held >= 100 \
        RETURNING card, posted - held AS available, 'WITH_' || gen_random_uuid() AS id), \
    record AS (\
        INSERT INTO socketlab.transactions (id, status, card, amount, available, terminal, key, at) \
        SELECT id, 'confirmed', card, 100, available, 'ATM-1', md5(id), 0 FROM debit) \
    INSERT INTO socketlab.history (at, event, card, id, amount) \
    SELECT 0, event, card, id, 100 FROM debit, (VALUES ('held'), ('confirmed')) AS events (event);\n";

fn main() -> Result<()> {
    let (mut rounds, mut connections) = (3, 64);
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next();
        let value = value.with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--rounds" => rounds = value.parse().context("a number of rounds")?,
            "--connections" => connections = value.parse().context("a number of connections")?,
            _ => bail!("unknown: {flag}; known: --rounds, --connections"),
        }
    }
    ensure!(rounds > 0 && connections > 0, "at least one");
    ensure!(postgres::is_there(), "PostgreSQL is not installed");
    let programs = Programs::build()?;
    let home = tempfile::tempdir()?;
    let server = Postgres::start(&[]);
    let database = server.database();
    let accounts = home.path().join("accounts.toml");
    std::fs::write(&accounts, account_file(connections))?;
    let mut labservers = Vec::new();
    for _ in 0..SERVERS {
        labservers.push(Labserver::start(
            &programs,
            &database,
            &accounts,
            home.path(),
        )?);
    }
    let script = home.path().join("withdraw.sql");
    let last = CARD + connections - 1;
    let statement = STATEMENT.replace("FIRST", &CARD.to_string());
    std::fs::write(&script, statement.replace("LAST", &last.to_string()))?;

    let mut rates = [Vec::new(), Vec::new()];
    for _ in 0..rounds {
        rates[0].push(pgbench(&server, &database, &script, connections)?);
        rates[1].push(bench(&programs, &labservers, connections, home.path())?);
    }
    let mut out = io::stdout().lock();
    let names = ["pgbench, one statement each", "three labservers"];
    let medians = rates.map(|mut rates| {
        rates.sort_by(f64::total_cmp);
        rates[rates.len() / 2]
    });
    for (name, median) in names.iter().zip(medians) {
        writeln!(
            out,
            "{name:<28} {median:>8.0} withdrawals/s, median of {rounds}"
        )?;
    }
    writeln!(out, "ratio {:.2}", medians[1] / medians[0])?;
    Ok(())
}

fn account_file(accounts: u32) -> String {
    let mut text = String::new();
    for card in CARD..CARD + accounts {
        let _ = writeln!(
            text,
            "[[account]]\ncard = \"{card}\"\npin = \"1234\"\nholder = \"Ann\"\nbalance = \"99999999\"\n"
        );
    }
    text
}

/// A labserver of the bank, ended when dropped.
struct Labserver {
    process: Child,
    address: String,
}

impl Labserver {
    fn start(
        programs: &Programs,
        database: &str,
        accounts: &std::path::Path,
        home: &std::path::Path,
    ) -> Result<Labserver> {
        let mut command = programs.command("labserver");
        command.args(["--mode", "atm", "--port", "0", "--quiet", "--until-eof"]);
        command
            .args(["--ledger", database])
            .arg("--accounts")
            .arg(accounts);
        command.env("XDG_STATE_HOME", home).stdin(Stdio::piped());
        let mut process = command.stdout(Stdio::piped()).spawn()?;
        let mut ready = BufReader::new(process.stdout.take().context("no ready lines")?);
        let mut line = String::new();
        ready.read_line(&mut line)?;
        let address = line.split_whitespace().last();
        let address = address.context("the server does not start")?.to_owned();
        Ok(Labserver { process, address })
    }
}

impl Drop for Labserver {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // There is nobody to tell.
        let _ = self.process.wait();
    }
}

/// Withdrawals a second of labservers, each connection with an account of its own.
fn bench(
    programs: &Programs,
    labservers: &[Labserver],
    connections: u32,
    home: &std::path::Path,
) -> Result<f64> {
    let addresses: Vec<&str> = labservers.iter().map(|it| it.address.as_str()).collect();
    let mut bench = programs.command("labclient");
    bench.args(["--server", &addresses.join(","), "--json", "bench", "atm"]);
    bench.args([
        "-c",
        &connections.to_string(),
        "--accounts",
        &connections.to_string(),
    ]);
    bench.args(["--card", &CARD.to_string(), "--for", &format!("{SECONDS}s")]);
    bench
        .env("XDG_STATE_HOME", home)
        .env("LABCLIENT_PIN", "1234");
    let output = bench.output()?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    report["throughput_per_s"].as_f64().context("no rate")
}

/// Withdrawals a second of pgbench.
fn pgbench(
    server: &Postgres,
    database: &str,
    script: &std::path::Path,
    connections: u32,
) -> Result<f64> {
    let name = database.rsplit('/').next().context("no name")?;
    let output = server
        .program("pgbench")
        .args([
            "--no-vacuum",
            "--protocol=prepared",
            "-j",
            "2",
            "-U",
            "bank",
            "-h",
            "127.0.0.1",
        ])
        .args(["-p", &server.port.to_string(), "-T", &SECONDS.to_string()])
        .args(["-c", &connections.to_string(), "-f"])
        .arg(script)
        .arg(name)
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("tps = "));
    let rate = lines.next().and_then(|rest| rest.split_whitespace().next());
    let error = || String::from_utf8_lossy(&output.stderr).into_owned();
    Ok(rate.with_context(error)?.parse()?)
}
