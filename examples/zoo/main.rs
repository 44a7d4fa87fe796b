//! Judges every program of the zoo, and compares the cases that it fails with those that it should.
//!
//! ```text
//! cargo run --release --example zoo                          all programs, in each framing that counts
//! cargo run --release --example zoo -- --only text_server    those whose name begins so
//! cargo run --release --example zoo -- --only odd --rounds 200
//! cargo run --release --example zoo -- --write               take what fails now into zoo.toml, to be read
//! ```
//!
//! `zoo.toml` lists the programs. One with a mistake must fail the cases of its `fails`, and no other; one
//! without must fail none. Exit status 0 when all did, 1 otherwise.
#![allow(clippy::print_stdout, reason = "the results")]

#[path = "../chaos/programs.rs"]
#[allow(dead_code, reason = "chaos starts banks and machines with it as well")]
mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::Value;

use self::programs::Programs;

/// Judges every program of the zoo.
#[derive(Debug, Parser)]
struct Arguments {
    /// Only programs whose file begins so
    #[arg(long, value_name = "FILE")]
    only: Vec<String>,

    /// How often each is judged
    #[arg(long, value_name = "N", default_value_t = 1)]
    rounds: u32,

    /// Programs side by side
    #[arg(long, value_name = "N", default_value_t = 4)]
    jobs: usize,

    /// Write the cases that fail into zoo.toml
    #[arg(long)]
    write: bool,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Zoo {
    program: Vec<Entry>,
}

/// One program.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct Entry {
    file: String,
    half: String,
    mode: String,
    /// What is wrong with it; nothing where it is only odd.
    mistake: Option<String>,
    /// The section of the protocol that it breaks.
    #[allow(dead_code, reason = "for the reader of the file")]
    rule: Option<String>,
    /// The framings in which the mistake shows, where it does not show in all.
    #[serde(default)]
    wire: Vec<String>,
    /// The cases that it fails.
    #[serde(default)]
    fails: BTreeSet<String>,
}

/// What came of judging one program in one framing.
struct Verdict {
    entry: usize,
    wire: String,
    seed: u64,
    fails: BTreeSet<String>,
    not_judged: BTreeMap<String, String>,
}

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/zoo");

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let file = Path::new(FOLDER).join("zoo.toml");
    let text = std::fs::read_to_string(&file).context("zoo.toml")?;
    let zoo: Zoo = toml::from_str(&text).context("zoo.toml")?;
    let programs = Programs::build()?;
    let mut entries = zoo.program;
    let is_chosen = |entry: &Entry| {
        let begins = |only: &String| entry.file.starts_with(only.as_str());
        arguments.only.is_empty() || arguments.only.iter().any(begins)
    };
    entries.retain(is_chosen);
    ensure!(!entries.is_empty(), "no program of the zoo begins so");
    let verdicts = judge_all(&arguments, &programs, &entries)?;
    let mut failed = BTreeMap::<usize, BTreeSet<String>>::new();
    let mut is_right = true;
    for verdict in &verdicts {
        let entry = &entries[verdict.entry];
        failed
            .entry(verdict.entry)
            .or_default()
            .extend(verdict.fails.clone());
        let name = format!(
            "{} in {} framing, seed {}",
            entry.file, verdict.wire, verdict.seed
        );
        // What shows in one framing alone need not fail in all.
        let is_listed = |id: &String| entry.fails.contains(id);
        for id in verdict.fails.iter().filter(|id| !is_listed(id)) {
            is_right &= arguments.write;
            println!("{name}: fails {id}, and should not");
        }
        for (id, why) in &verdict.not_judged {
            is_right = false;
            println!("{name}: {id} was not judged: {why}");
        }
    }
    let nothing = BTreeSet::new();
    for (number, entry) in entries.iter().enumerate() {
        let failed = failed.get(&number).unwrap_or(&nothing);
        for id in entry.fails.difference(failed) {
            is_right &= arguments.write;
            println!("{}: should fail {id}, and does not", entry.file);
        }
        if entry.mistake.is_some() && failed.is_empty() {
            is_right = false;
            println!("{}: its mistake is not found", entry.file);
        }
    }
    if arguments.write {
        let found = failed
            .iter()
            .map(|(number, ids)| (entries[*number].file.as_str(), ids));
        std::fs::write(&file, rewritten(&text, &found.collect()))?;
    }
    println!("{} programs, {} verdicts", entries.len(), verdicts.len());
    Ok(match is_right {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Judges each program in each of its framings, as often as is asked for.
fn judge_all(
    arguments: &Arguments,
    programs: &Programs,
    entries: &[Entry],
) -> Result<Vec<Verdict>> {
    let mut work = Vec::new();
    for round in 0..arguments.rounds {
        for (number, entry) in entries.iter().enumerate() {
            let wires: Vec<String> = match (entry.wire.is_empty(), entry.mistake.is_some()) {
                (false, _) => entry.wire.clone(),
                // A mistake that shows in any framing need not be shown in all.
                (true, true) => vec!["line".into()],
                (true, false) => vec!["netstring".into(), "len3".into(), "line".into()],
            };
            work.extend(
                wires
                    .into_iter()
                    .map(|wire| (number, wire, u64::from(round) + 1)),
            );
        }
    }
    let bar = ProgressBar::new(work.len() as u64);
    bar.set_style(ProgressStyle::with_template(
        "{bar:30} {pos} of {len} judged, {eta} left  {msg}",
    )?);
    let next = AtomicUsize::new(0);
    let verdicts = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..arguments.jobs.max(1) {
            scope.spawn(|| {
                while let Some((number, wire, seed)) =
                    work.get(next.fetch_add(1, Ordering::Relaxed))
                {
                    let entry = &entries[*number];
                    bar.set_message(entry.file.clone());
                    let verdict = judge(programs, *number, entry, wire, *seed);
                    verdicts
                        .lock()
                        .unwrap_or_else(PoisonError::into_inner)
                        .push(verdict);
                    bar.inc(1);
                }
            });
        }
    });
    bar.finish_and_clear();
    let verdicts = verdicts
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    verdicts.into_iter().collect()
}

fn judge(
    programs: &Programs,
    number: usize,
    entry: &Entry,
    wire: &str,
    seed: u64,
) -> Result<Verdict> {
    let file = PathBuf::from(FOLDER).join(&entry.file);
    let (judge, words): (&str, &[&str]) = match (entry.half.as_str(), entry.mode.as_str()) {
        ("server", "atm") => (
            "labclient",
            &["--port", "{port}", "--ledger", "{state}/bank.db"],
        ),
        ("server", _) => ("labclient", &["--port", "{port}"]),
        ("client", _) => ("labserver", &["--server", "{host}:{port}"]),
        (half, _) => bail!("{}: no half is called {half}", entry.file),
    };
    let mut command: Command = programs.command(judge);
    command
        .args([
            "check",
            &entry.mode,
            "--json",
            "--strict",
            "--wire",
            wire,
            "--timeout",
            "2",
        ])
        .args(["--seed", &seed.to_string(), "--jobs", "2", "--", "python3"])
        .arg(&file)
        .args(words);
    if entry.mode != "datetime" && entry.mode != "echo" {
        command.args(["--wire", wire]);
    }
    if entry.half == "client" {
        command.arg("{words}");
    }
    let output = command.output()?;
    let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
        format!(
            "{}: {}",
            entry.file,
            String::from_utf8_lossy(&output.stderr)
        )
    })?;
    let mut verdict = Verdict {
        entry: number,
        wire: wire.to_owned(),
        seed,
        fails: BTreeSet::new(),
        not_judged: BTreeMap::new(),
    };
    let cases = report["cases"]
        .as_array()
        .context("a report without cases")?;
    for case in cases {
        let id = case["id"].as_str().unwrap_or_default().to_owned();
        match case["verdict"].as_str() {
            Some("holds") => {}
            Some("does not hold") => {
                verdict.fails.insert(id);
            }
            _ => {
                verdict.not_judged.insert(id, case["because"].to_string());
            }
        }
    }
    Ok(verdict)
}

/// The list with these cases for these programs, and otherwise as it is.
fn rewritten(text: &str, found: &BTreeMap<&str, &BTreeSet<String>>) -> String {
    let mut written = String::new();
    let mut program = "";
    for line in text.lines() {
        if let Some(file) = line.strip_prefix("file = \"") {
            program = file.trim_end_matches('"');
        }
        match found.get(program) {
            Some(ids) if line.starts_with("fails = ") => {
                let ids: Vec<String> = ids.iter().map(|id| format!("\"{id}\"")).collect();
                let _ = writeln!(written, "fails = [{}]", ids.join(", "));
            }
            _ => {
                let _ = writeln!(written, "{line}");
            }
        }
    }
    written
}
