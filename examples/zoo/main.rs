//! Judges the programs of the zoo, and compares the cases that each fails with those that it should.
//!
//! ```text
//! cargo run --release --example zoo                          all programs, by a sample of the cases
//! cargo run --release --example zoo -- --all                 by every case, in every framing
//! cargo run --release --example zoo -- --only text_server    those whose name begins so
//! cargo run --release --example zoo -- --only odd --all --rounds 200
//! cargo run --release --example zoo -- --all --write         take what fails now into zoo.toml, to be read
//! ```
//!
//! `zoo.toml` lists the programs. One with a mistake must fail the cases of its `fails`, and no other; one
//! without must fail none. Exit status 0 when all did, 1 otherwise.
#![allow(clippy::print_stdout, reason = "the results")]

mod judge;
mod list;
#[path = "../chaos/programs.rs"]
#[allow(dead_code, reason = "chaos starts banks and machines with it as well")]
mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, ensure};
use clap::Parser;

use self::judge::{Judge, Verdict};
use self::list::{Entry, Zoo};

/// Judges the programs of the zoo: each by the cases that it should fail and a sample of the others,
/// a correct one by all cases in one framing. With --all, each by every case in every framing that counts.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only programs whose file begins so
    #[arg(long, value_name = "FILE")]
    only: Vec<String>,

    /// Judge by every case, in every framing that counts
    #[arg(long)]
    all: bool,

    /// Of the cases that a program should not fail, so many are drawn
    #[arg(long, value_name = "N", default_value_t = 2, conflicts_with = "all")]
    sample: usize,

    /// What the first round draws; each further round draws with the next number
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How often each is judged
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: u64,

    /// Programs side by side
    #[arg(long, value_name = "N", default_value_t = 6)]
    jobs: usize,

    /// Write the cases that fail into zoo.toml
    #[arg(long, requires = "all")]
    write: bool,

    /// Keep the report of each program in this directory, as JSON
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let mut zoo = Zoo::read()?;
    let is_chosen = |entry: &Entry| {
        let begins = |only: &String| entry.file.starts_with(only.as_str());
        arguments.only.is_empty() || arguments.only.iter().any(begins)
    };
    zoo.programs.retain(is_chosen);
    ensure!(
        !zoo.programs.is_empty(),
        "no program of the zoo begins with {}",
        arguments.only.join(" or ")
    );
    let judge = Judge::new(arguments.out.clone())?;
    let trials = trials(&arguments, &zoo.programs);
    let verdicts = judge.all(&trials, arguments.jobs)?;
    let complaints = complaints(&zoo.programs, &verdicts, arguments.all);
    for complaint in &complaints {
        println!("{complaint}");
    }
    if arguments.write {
        zoo.write(&failed(&verdicts))?;
    }
    println!(
        "{} programs, {} verdicts",
        zoo.programs.len(),
        verdicts.len()
    );
    Ok(match complaints.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// One run of a check.
#[derive(Debug)]
struct Trial<'z> {
    entry: &'z Entry,
    wire: &'static str,
    seed: u64,
    /// The cases it is about, or all.
    only: Option<Vec<String>>,
}

/// Each program in each of its framings, as often as is asked for.
fn trials<'z>(arguments: &Arguments, programs: &'z [Entry]) -> Vec<Trial<'z>> {
    let seeds = arguments.seed..arguments.seed + arguments.rounds;
    let of_one = |entry: &'z Entry, seed: u64| {
        let mut wires = entry.wires();
        let is_sample = !arguments.all;
        if is_sample && entry.mistake.is_none() {
            // By the name as well, so that not all of a round have the same.
            let drawn = seed as usize + entry.file.len();
            wires = vec![wires[drawn % wires.len()]];
        }
        wires.into_iter().map(move |wire| Trial {
            entry,
            wire,
            seed,
            only: (is_sample && entry.mistake.is_some())
                .then(|| entry.sample(wire, seed, arguments.sample)),
        })
    };
    seeds
        .flat_map(|seed| programs.iter().flat_map(move |entry| of_one(entry, seed)))
        .collect()
}

/// The cases that each program failed, in whichever framing.
fn failed(verdicts: &[Verdict<'_>]) -> BTreeMap<String, BTreeSet<String>> {
    let mut failed = BTreeMap::<String, BTreeSet<String>>::new();
    for verdict in verdicts {
        let of_one = failed.entry(verdict.trial.entry.file.clone()).or_default();
        of_one.extend(verdict.fails.keys().cloned());
    }
    failed
}

/// What is not as the list says.
fn complaints(programs: &[Entry], verdicts: &[Verdict<'_>], is_all: bool) -> Vec<String> {
    let mut complaints = Vec::new();
    for verdict in verdicts {
        let Verdict { trial, .. } = verdict;
        let name = format!("{} ({}, seed {})", trial.entry.file, trial.wire, trial.seed);
        // What shows in one framing alone need not fail in all.
        for (id, how) in &verdict.fails {
            if !trial.entry.fails.contains(id) && !trial.entry.may.contains(id) {
                complaints.push(format!("{name}: fails {id}, and should not: {how}"));
            }
        }
        for (id, why) in &verdict.not_judged {
            complaints.push(format!("{name}: {id} was not judged: {why}"));
        }
    }
    let failed = failed(verdicts);
    for entry in programs {
        let of_it = verdicts
            .iter()
            .filter(|it| it.trial.entry.file == entry.file);
        for id in &entry.fails {
            let is_judged = is_all || of_it.clone().any(|verdict| verdict.judged.contains(id));
            if is_judged && !failed[&entry.file].contains(id) {
                complaints.push(format!("{}: should fail {id}, and does not", entry.file));
            }
        }
        if entry.mistake.is_some() && failed[&entry.file].is_empty() {
            complaints.push(format!("{}: its mistake is not found", entry.file));
        }
    }
    complaints
}
