//! Judges programs by `labclient check` and `labserver check`, several side by side.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, Result, ensure};
use check::dialect::Dialect;
use indicatif::{ProgressBar, ProgressStyle};
use proto::mode::Mode;
use serde_json::Value;
use testkit::python;

use super::Trial;
use super::list::{Entry, FOLDER, Half};
use super::programs::Programs;

/// Judges programs.
pub struct Judge {
    programs: Programs,
    /// Where the interpreter keeps compiled modules: beside its sources they would be litter.
    cache: tempfile::TempDir,
    out: Option<PathBuf>,
}

/// What came of a trial.
pub struct Verdict<'z> {
    pub trial: &'z Trial<'z>,
    /// The cases that were judged.
    pub judged: BTreeSet<String>,
    /// The cases that do not hold, and how.
    pub fails: BTreeMap<String, String>,
    /// Those that could not be judged, and why.
    pub not_judged: BTreeMap<String, String>,
}

impl Judge {
    /// Builds the two programs. Reports are kept in `out`.
    pub fn new(out: Option<PathBuf>) -> Result<Judge> {
        ensure!(python::is_there(), "the programs of the zoo need python3");
        if let Some(out) = &out {
            std::fs::create_dir_all(out)?;
        }
        Ok(Judge {
            programs: Programs::build()?,
            cache: tempfile::tempdir()?,
            out,
        })
    }

    /// Carries out these trials, so many side by side: half of them from the first on, and half from the
    /// last. The longest, which are first, compute much and the others wait much.
    pub fn all<'z>(&self, trials: &'z [Trial<'z>], jobs: usize) -> Result<Vec<Verdict<'z>>> {
        let bar = ProgressBar::new(trials.len() as u64);
        bar.set_style(ProgressStyle::with_template(
            "{bar:30} {pos} of {len} judged, {eta} left  {msg}",
        )?);
        let left = Mutex::new(trials.iter().collect::<VecDeque<_>>());
        let verdicts = Mutex::new(Vec::new());
        let next = |is_even: bool| {
            let mut left = left.lock().unwrap_or_else(PoisonError::into_inner);
            match is_even {
                true => left.pop_front(),
                false => left.pop_back(),
            }
        };
        thread::scope(|scope| {
            for job in 0..jobs.max(1) {
                let (bar, next, verdicts) = (&bar, &next, &verdicts);
                scope.spawn(move || {
                    while let Some(trial) = next(job % 2 == 0) {
                        bar.set_message(trial.entry.file.clone());
                        let verdict = self.one(trial);
                        let mut all = verdicts.lock().unwrap_or_else(PoisonError::into_inner);
                        all.push(verdict);
                        bar.inc(1);
                    }
                });
            }
        });
        bar.finish_and_clear();
        let verdicts = verdicts.into_inner();
        let verdicts = verdicts.unwrap_or_else(PoisonError::into_inner);
        verdicts.into_iter().collect()
    }

    fn one<'z>(&self, trial: &'z Trial<'z>) -> Result<Verdict<'z>> {
        let Trial {
            entry, wire, seed, ..
        } = trial;
        let judge = match entry.half {
            Half::Server => "labclient",
            Half::Client => "labserver",
        };
        let mut command: Command = self.programs.command(judge);
        command.arg("check").args(subject(entry)?).args([
            "--json",
            "--strict",
            "--jobs",
            "2",
            "--seed",
            &seed.to_string(),
        ]);
        if entry.has_framings() {
            command.args(["--wire", wire]);
        }
        for id in trial.only.iter().flatten() {
            command.args(["--only", id]);
        }
        command
            .arg("--")
            .arg(python::interpreter())
            .arg(Path::new(FOLDER).join(&entry.file))
            .args(arguments(entry, wire)?)
            .env("PYTHONPYCACHEPREFIX", self.cache.path())
            // Else each start would compile whatever it imports.
            .env_remove("PYTHONDONTWRITEBYTECODE");
        let output = command.output()?;
        if let Some(out) = &self.out {
            let name = format!("{}.{wire}.{seed}.json", entry.file);
            std::fs::write(out.join(name), &output.stdout)?;
        }
        let report: Value = serde_json::from_slice(&output.stdout).with_context(|| {
            let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
            format!("{}: {complaint}", entry.file)
        })?;
        verdict(trial, &report)
    }
}

/// What the program speaks, as a check is told.
fn subject(entry: &Entry) -> Result<Vec<&'static str>> {
    Ok(match entry.dialect()? {
        Dialect::Handout(handout) => vec!["--handout", handout.name()],
        dialect if entry.udp => vec![dialect.name(), "--udp"],
        dialect => vec![dialect.name()],
    })
}

/// The arguments of the program, with the placeholders of a check.
fn arguments(entry: &Entry, wire: &'static str) -> Result<Vec<&'static str>> {
    let dialect = entry.dialect()?;
    let mut arguments = match (entry.half, &dialect) {
        (Half::Server, Dialect::Service(Mode::Atm)) => {
            vec!["--port", "{port}", "--ledger", "{state}/bank.db"]
        }
        (Half::Server, Dialect::Handout(_)) => vec!["server", "--port", "{port}"],
        (Half::Server, _) => vec!["--port", "{port}"],
        // What it is told is typed, as the printed program asks for it.
        (Half::Client, Dialect::Handout(_)) => {
            return Ok(vec!["client", "--server", "{host}:{port}"]);
        }
        (Half::Client, _) => vec!["--server", "{host}:{port}"],
    };
    if entry.has_framings() {
        arguments.extend(["--wire", wire]);
    }
    if entry.half == Half::Client {
        arguments.extend_from_slice(match dialect.mode() {
            // These are typed to, a session at a time.
            Mode::Calc | Mode::Chat => &["--name", "{name}"],
            Mode::Atm => &[
                "--timeout",
                "1",
                "--journal",
                "{state}/journal",
                "--card",
                "{card}",
                "{words}",
            ],
            Mode::Echo if entry.udp => &["--udp", "{words}"],
            _ => &["{words}"],
        });
    }
    Ok(arguments)
}

fn verdict<'z>(trial: &'z Trial<'z>, report: &Value) -> Result<Verdict<'z>> {
    let mut verdict = Verdict {
        trial,
        judged: BTreeSet::new(),
        fails: BTreeMap::new(),
        not_judged: BTreeMap::new(),
    };
    let cases = report["cases"]
        .as_array()
        .context("a report without cases")?;
    for case in cases {
        let text = |key: &str| case[key].as_str().unwrap_or_default().to_owned();
        verdict.judged.insert(text("id"));
        match &*text("verdict") {
            "holds" => {}
            "does not hold" => {
                let how = format!("expected {}, came {}", text("expected"), text("came"));
                verdict.fails.insert(text("id"), how);
            }
            _ => {
                verdict.not_judged.insert(text("id"), text("because"));
            }
        }
    }
    Ok(verdict)
}
