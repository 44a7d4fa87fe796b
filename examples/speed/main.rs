//! Measures `labserver` on this machine, and prints the table of docs/performance.md:
//!
//! ```text
//! cargo run --release --example speed
//! cargo run --release --example speed -- --only text --only room-100
//! cargo run --release --example speed -- --only withdraw --in /var/tmp --rounds 9
//! ```
//!
//! In each row the sides take turns: ours, the bare server of `floor.rs`, and Redis or PostgreSQL
//! where they are installed. Every answer is checked; a wrong one is an error.
//!
//! * `rows.rs`: the rows, and what is wanted; `run.rs`: turns and rounds; `table.rs`: the output;
//! * `requests.rs`, `rooms.rs`, `bank.rs`, `accounts.rs`, `idle.rs`: how the rows are measured;
//! * `load.rs`, `room.rs`: the clients; `questions.rs`: what they ask, and what is a right answer;
//! * `servers.rs`, `floor.rs`, `redis.rs`, `postgres.rs`: the servers, each a process;
//! * `pages.rs`: what a disk does for a durable answer.

mod accounts;
mod arguments;
mod bank;
mod customers;
mod floor;
mod idle;
mod interrupt;
mod load;
mod pages;
mod pinning;
mod postgres;
#[path = "../chaos/programs.rs"]
#[allow(
    dead_code,
    reason = "the bank and the cash machine are for chaos alone"
)]
mod programs;
mod questions;
mod redis;
mod requests;
mod room;
mod rooms;
mod rows;
mod run;
mod servers;
mod table;

use std::fs;
use std::io::{self, Read, Write};
use std::process::ExitCode;
use std::thread;
use std::time::Instant;

use anyhow::{Context, Result};
use clap::Parser;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::arguments::Arguments;
use crate::floor::Floor;
use crate::programs::Programs;
use crate::rows::ROWS;
use crate::run::Run;

/// Ended by Ctrl-C.
const INTERRUPTED: u8 = 130;

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    permit_many_connections()?;
    if let Some(floor) = arguments.floor {
        serve(floor)?;
        return Ok(ExitCode::SUCCESS);
    }
    if arguments.list {
        let mut out = io::stdout().lock();
        for row in ROWS {
            writeln!(out, "{:<17}{}", row.name, row.work)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    interrupt::handle()?;
    let programs = Programs::build()?;
    let directory = arguments.directory.clone();
    let mut run = Run::new(
        programs,
        directory.unwrap_or_else(std::env::temp_dir),
        arguments.rounds,
        arguments.rows(),
    )?;
    if cfg!(debug_assertions) {
        run.note("the programs are not optimised: use cargo run --release");
    }
    let begun = Instant::now();
    measure(&mut run);
    run.finish();
    print(&run, arguments.json, begun)?;
    Ok(if interrupt::is_requested() {
        ExitCode::from(INTERRUPTED)
    } else if run.failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn measure(run: &mut Run) {
    run.part("room-1000", rooms::thousand);
    run.part("room-100", rooms::hundred);
    run.part("text", requests::text);
    run.part("echo", requests::echo);
    run.part("datetime", requests::datetime);
    run.part("connect", requests::connect);
    run.part("withdraw", bank::withdrawals);
    run.part("memory", idle::memory);
    run.part("idle", idle::wake_ups);
    run.part("accounts", accounts::opening);
}

/// Prints what was measured on standard output, and the remarks behind the table, or with objects
/// on standard error.
fn print(run: &Run, json: bool, begun: Instant) -> Result<()> {
    let mut out = io::stdout().lock();
    let mut remarks = format!(
        "\n{:.0} s, {} rounds, {} cores, Linux {}\n",
        begun.elapsed().as_secs_f64(),
        run.rounds(),
        thread::available_parallelism().map_or(1, usize::from),
        fs::read_to_string("/proc/sys/kernel/osrelease")?.trim()
    );
    for note in run.notes() {
        remarks += &format!("{note}\n");
    }
    for (name, why) in &run.failed {
        remarks += &format!("{name} was not measured: {why}\n");
    }
    if interrupt::is_requested() {
        remarks += "interrupted: the rest was not measured\n";
    }
    if json {
        for object in table::objects(&run.measured) {
            writeln!(out, "{object}")?;
        }
        write!(io::stderr(), "{remarks}")?;
    } else {
        write!(out, "{}{remarks}", table::text(&run.measured))?;
    }
    Ok(())
}

/// Serves until standard input ends.
fn serve(floor: Floor) -> Result<()> {
    let address = floor.start()?;
    let (name, transport) = (floor.name(), floor.transport());
    writeln!(io::stdout(), "listening {name} {transport} {address}")?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}

/// Raises the limit of file descriptors as far as is permitted; programs started here inherit it.
fn permit_many_connections() -> Result<()> {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).context("the limit of file descriptors")
}
