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

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Result, ensure};
use clap::Parser;

use self::judge::{Judge, Verdict};
use self::list::{Entry, Zoo};

/// Judges the programs of the zoo: each by cases that it should fail and a sample of the others, a correct
/// one by a larger sample in one framing. With --all, each by every case in every framing that counts.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only programs whose file begins so
    #[arg(long, value_name = "FILE")]
    only: Vec<String>,

    /// Judge by every case, in every framing that counts
    #[arg(long)]
    all: bool,

    /// Of the cases that a program should not fail, so many are drawn
    #[arg(long, value_name = "N", default_value_t = 3, conflicts_with = "all")]
    sample: usize,

    /// What the first round draws; each further round draws with the next number
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// How often each is judged
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: u64,

    /// Programs side by side
    #[arg(long, value_name = "N", default_value_t = 12)]
    jobs: usize,

    /// Write the cases that fail into zoo.toml
    #[arg(long, requires = "all")]
    write: bool,

    /// Keep the report of each program in this directory, as JSON
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Of the cases of a correct program, so many times more are drawn.
const OF_CORRECT: usize = 6;

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
    let began = Instant::now();
    let trials = trials(&arguments, &zoo.programs);
    let mut verdicts = judge.all(&trials, arguments.jobs)?;
    // What is found in time alone, a busy computer may hide: one program at a time decides.
    let again = again(&arguments, &zoo.programs, &verdicts);
    verdicts.extend(judge.all(&again, 1)?);
    let complaints = complaints(&zoo.programs, &verdicts);
    for complaint in &complaints {
        println!("{complaint}");
    }
    if arguments.write {
        zoo.write(&failed(&verdicts))?;
    }
    println!(
        "{} programs, {} reports, in {} s",
        zoo.programs.len(),
        verdicts.len(),
        began.elapsed().as_secs()
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

/// Each program in each of its framings, as often as is asked for. The longest are first, so that none of
/// them is waited for alone at the end.
fn trials<'z>(arguments: &Arguments, programs: &'z [Entry]) -> Vec<Trial<'z>> {
    let seeds = arguments.seed..arguments.seed + arguments.rounds;
    let of_one = |entry: &'z Entry, seed: u64| {
        let mut wires = entry.wires();
        let mut count = arguments.sample;
        if !arguments.all && entry.mistake.is_none() {
            // By the name as well, so that not all of a round have the same.
            let drawn = seed as usize + entry.file.len();
            wires = vec![wires[drawn % wires.len()]];
            count *= OF_CORRECT;
        }
        wires.into_iter().map(move |wire| Trial {
            entry,
            wire,
            seed,
            only: (!arguments.all).then(|| entry.sample(wire, seed, count)),
        })
    };
    let mut trials: Vec<_> = seeds
        .flat_map(|seed| programs.iter().flat_map(move |entry| of_one(entry, seed)))
        .collect();
    let seconds = |trial: &Trial<'_>| trial.entry.seconds(trial.wire, trial.only.as_deref());
    trials.sort_by_cached_key(|trial| Reverse(seconds(trial)));
    trials
}

/// What was not judged, and the cases that programs should have failed and have not.
fn again<'z>(
    arguments: &Arguments,
    programs: &'z [Entry],
    verdicts: &[Verdict<'_>],
) -> Vec<Trial<'z>> {
    let failed = failed(verdicts);
    let of_one = |entry: &'z Entry| {
        let mut ids = missed(entry, verdicts, &failed);
        ids.extend(not_judged(entry, verdicts).into_keys());
        let wires = match ids.is_empty() {
            true => Vec::new(),
            false => entry.wires(),
        };
        wires.into_iter().map(move |wire| Trial {
            entry,
            wire,
            seed: arguments.seed,
            only: Some(ids.clone()),
        })
    };
    programs.iter().flat_map(of_one).collect()
}

/// The cases by which a program could not be judged, and why.
fn not_judged(entry: &Entry, verdicts: &[Verdict<'_>]) -> BTreeMap<String, String> {
    let mut not_judged = BTreeMap::new();
    // In the order in which it was judged: what is judged in the end counts.
    for verdict in of_it(entry, verdicts) {
        not_judged.retain(|id, _| !verdict.judged.contains(id));
        not_judged.extend(verdict.not_judged.clone());
    }
    not_judged
}

/// What came of this program's trials.
fn of_it<'v, 'z>(
    entry: &Entry,
    verdicts: &'v [Verdict<'z>],
) -> impl Iterator<Item = &'v Verdict<'z>> {
    let is_of_it = |it: &&Verdict<'_>| it.trial.entry.file == entry.file;
    verdicts.iter().filter(is_of_it)
}

/// The cases that a program should fail, by which it was judged, and has not failed.
fn missed(
    entry: &Entry,
    verdicts: &[Verdict<'_>],
    failed: &BTreeMap<String, BTreeSet<String>>,
) -> Vec<String> {
    let is_judged = |id: &String| of_it(entry, verdicts).any(|verdict| verdict.judged.contains(id));
    let fails = entry.fails.iter().filter(|id| is_judged(id));
    fails
        .filter(|id| !failed[&entry.file].contains(*id))
        .cloned()
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
fn complaints(programs: &[Entry], verdicts: &[Verdict<'_>]) -> Vec<String> {
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
    }
    let failed = failed(verdicts);
    for entry in programs {
        let file = &entry.file;
        for (id, why) in not_judged(entry, verdicts) {
            complaints.push(format!("{file}: {id} was not judged: {why}"));
        }
        for id in missed(entry, verdicts, &failed) {
            complaints.push(format!("{file}: should fail {id}, and does not"));
        }
        if entry.mistake.is_some() && failed[file].is_empty() {
            complaints.push(format!("{file}: its mistake is not found"));
        }
    }
    complaints
}
