//! Measures withdrawals in a PostgreSQL database: of three labservers, which carry many operations in
//! a transaction, and of pgbench, with one statement and one commit for each withdrawal. In turns, on
//! one PostgreSQL server with its durability on, and the same tables:
//!
//! ```text
//! cargo run --release --example database
//! cargo run --release --example database -- --rounds 5 --connections 64
//! ```
//!
//! A withdrawal of labserver is two requests, each answered once it is on disk: the money is held,
//! and the hold is confirmed. pgbench's is one, with the rows of both. Holds alone are measured too,
//! which are what the table of `examples/speed` has. Every client has an account of its own, and none
//! keeps a journal. All programs share the cores.

#[path = "speed/customers.rs"]
mod customers;
#[path = "speed/interrupt.rs"]
mod interrupt;
#[path = "speed/load.rs"]
#[allow(dead_code, reason = "the rest is for the other rows of the table")]
mod load;
#[path = "chaos/programs.rs"]
#[allow(dead_code, reason = "the bank that is killed is another example's")]
mod programs;
#[path = "speed/questions.rs"]
#[allow(dead_code, reason = "the rest is for the other rows of the table")]
mod questions;

use std::fs;
use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use load::Client;
use programs::Programs;
use questions::{Question, Verdict, Withdrawal, answer_begins, frame};
use testkit::postgres::{self, Postgres};

/// How long each measurement takes.
const PERIOD: Duration = Duration::from_secs(5);

/// Labservers on the database.
const SERVERS: usize = 3;

/// How pgbench withdraws 5.00: the account, the transaction and its two entries of the history.
const STATEMENT: &str = "\
    \\set card FIRST + :client_id\n\
    WITH debit AS (\
        UPDATE socketlab.accounts SET posted = posted - 500 \
        WHERE card = (:card)::text AND posted - held >= 500 \
        RETURNING card, posted - held AS available, 'WITH_' || gen_random_uuid() AS id), \
    record AS (\
        INSERT INTO socketlab.transactions (id, status, card, amount, available, terminal, key, at) \
        SELECT id, 'confirmed', card, 500, available, 'ATM-1', md5(id), 0 FROM debit) \
    INSERT INTO socketlab.history (at, event, card, id, amount) \
    SELECT 0, event, card, id, 500 FROM debit, (VALUES ('held'), ('confirmed')) AS events (event);\n";

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
    interrupt::handle()?;
    let programs = Programs::build()?;
    let home = tempfile::tempdir()?;
    let server = Postgres::start(&[]);
    let database = server.database();
    let accounts = home.path().join("accounts.toml");
    fs::write(&accounts, customers::accounts_file(connections))?;
    let labservers = (0..SERVERS)
        .map(|_| Labserver::start(&programs, &database, &accounts, home.path()))
        .collect::<Result<Vec<_>>>()?;
    let script = home.path().join("withdraw.sql");
    fs::write(&script, STATEMENT.replace("FIRST", &customers::card(0)))?;
    let mut confirming = clients::<ConfirmedWithdrawal>(&labservers, connections)?;
    let mut holding = clients::<Withdrawal>(&labservers, connections)?;

    let names = [
        "pgbench, a statement each",
        "labservers, held and confirmed",
        "labservers, held",
    ];
    let (mut rates, mut ratios) = (names.map(|_| Vec::new()), names.map(|_| Vec::new()));
    for number in 1..=rounds {
        let round = [
            pgbench(&server, &database, &script, connections)?,
            load::kept(&mut confirming, PERIOD)?.rate / 2.0,
            load::kept(&mut holding, PERIOD)?.rate,
        ];
        writeln!(io::stderr(), "round {number} of {rounds}: {round:.0?}")?;
        for (at, rate) in round.into_iter().enumerate() {
            rates[at].push(rate);
            ratios[at].push(rate / round[0]);
        }
    }
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "medians of {rounds} rounds, a second, and beside pgbench in the same round:"
    )?;
    for ((name, rates), ratios) in names.iter().zip(rates).zip(ratios) {
        let (rate, ratio) = (median(rates), median(ratios));
        writeln!(out, "{name:<31} {rate:>7.0} {ratio:>6.2}")?;
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// A withdrawal, and with every other request its confirmation.
#[derive(Debug, Default)]
struct ConfirmedWithdrawal {
    withdrawal: Withdrawal,
    is_held: bool,
}

impl Question for ConfirmedWithdrawal {
    fn write(&mut self, request: &mut Vec<u8>) {
        match self.is_held {
            true => frame(request, &format!("CONFIRM {}", self.withdrawal.id)),
            false => self.withdrawal.write(request),
        }
        self.is_held = !self.is_held;
    }

    fn judge(&self, received: &[u8]) -> Verdict {
        match self.is_held {
            true => self.withdrawal.judge(received),
            false => answer_begins(received, &format!("OK {} confirmed", self.withdrawal.id)),
        }
    }
}

/// Clients that are logged in, each to an account of its own, at the servers in turn.
fn clients<Q: Question + Default>(
    labservers: &[Labserver],
    count: usize,
) -> Result<Vec<Client<TcpStream, Q>>> {
    let server = |number: usize| labservers[number % labservers.len()].address;
    (0..count)
        .map(|number| {
            let stream = customers::log_in(server(number), number)?;
            Ok(Client::new(stream, Q::default()))
        })
        .collect()
}

/// A labserver of the bank, ended when dropped.
struct Labserver {
    process: Child,
    address: SocketAddr,
}

impl Labserver {
    fn start(
        programs: &Programs,
        database: &str,
        accounts: &Path,
        home: &Path,
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
        let address = address.context("the server does not start")?.parse()?;
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

/// Withdrawals a second of pgbench.
fn pgbench(server: &Postgres, database: &str, script: &Path, connections: usize) -> Result<f64> {
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
        .args([
            "-p",
            &server.port.to_string(),
            "-T",
            &PERIOD.as_secs().to_string(),
        ])
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
