//! Measures what the live page costs a service: the text service flat out without a page, with one,
//! and with one that many browsers follow, in turns:
//!
//! ```text
//! cargo run --release --example watchers
//! cargo run --release --example watchers -- --rounds 5 --watchers 50
//! ```
//!
//! A browser is a connection whose events are read and thrown away, all by one thread each. They
//! share the cores with the server and its clients.

#[path = "chaos/programs.rs"]
#[allow(dead_code, reason = "the bank that is killed is another example's")]
mod programs;

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Stdio;
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use programs::Programs;

/// Connections of the load.
const CONNECTIONS: &str = "8";

/// How long each measurement takes.
const PERIOD: &str = "3s";

fn main() -> Result<()> {
    let (mut rounds, mut watchers) = (5, 50);
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let value = arguments.next();
        let value = value.with_context(|| format!("{flag} needs a value"))?;
        match flag.as_str() {
            "--rounds" => rounds = value.parse().context("a number of rounds")?,
            "--watchers" => watchers = value.parse().context("a number of browsers")?,
            _ => bail!("unknown: {flag}; known: --rounds, --watchers"),
        }
    }
    ensure!(rounds > 0, "at least one round");
    let programs = Programs::build()?;
    let subjects = [
        ("without a page", None),
        ("with a page", Some(0)),
        ("with browsers", Some(watchers)),
    ];
    let mut rates = subjects.map(|_| Vec::new());
    for _ in 0..rounds {
        for ((_, watchers), rates) in subjects.iter().zip(&mut rates) {
            rates.push(rate(&programs, *watchers)?);
        }
    }
    let mut out = io::stdout().lock();
    for ((name, _), rates) in subjects.iter().zip(&mut rates) {
        rates.sort_by(f64::total_cmp);
        let median = rates[rates.len() / 2];
        writeln!(
            out,
            "{name:<15} {median:>8.0} answers/s, median of {rounds}"
        )?;
    }
    Ok(())
}

/// Answers a second: of a server without a page, or with one that so many browsers follow.
fn rate(programs: &Programs, watchers: Option<usize>) -> Result<f64> {
    let home = tempfile::tempdir()?;
    let mut server = programs.command("labserver");
    server.args(["--mode", "text", "--port", "0", "--quiet", "--until-eof"]);
    if watchers.is_some() {
        server.args(["--watch", "0"]);
    }
    server.env("XDG_STATE_HOME", home.path());
    server
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut server = server.spawn()?;
    let mut ready = BufReader::new(server.stdout.take().context("no ready lines")?);
    let mut address = || -> Result<SocketAddr> {
        let mut line = String::new();
        ready.read_line(&mut line)?;
        let address = line.split_whitespace().last();
        Ok(address.context("the server does not start")?.parse()?)
    };
    let service = address()?;
    if let Some(watchers) = watchers {
        let page = address()?;
        for _ in 0..watchers {
            let mut stream = TcpStream::connect(page)?;
            stream.write_all(b"GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n")?;
            thread::spawn(move || io::copy(&mut stream, &mut io::sink()));
        }
    }
    let mut bench = programs.command("labclient");
    bench.args(["--server", &service.to_string(), "--json", "bench", "text"]);
    bench.args(["-c", CONNECTIONS, "--for", PERIOD]);
    let output = bench.env("XDG_STATE_HOME", home.path()).output()?;
    drop(server.stdin.take());
    server.wait()?;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    report["throughput_per_s"].as_f64().context("no rate")
}
