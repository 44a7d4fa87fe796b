//! Runs the bank and its cash machines while messages are lost, duplicated and truncated and both
//! programs are killed repeatedly; then compares the money:
//!
//! ```text
//! cargo run --release --example chaos -- --trials 1000
//! cargo run --release --example chaos -- --seed 7 --only 12   one trial of a run once more
//! cargo run --release --example chaos -- --cluster --trials 200   three labservers on a database
//! ```
//!
//! With `--cluster`, the bank is that of `examples/cluster`, started for this or, with `--dir`, one
//! that runs; in each trial one part of it is killed, stopped or cut off, in every fourth the
//! PostgreSQL server that leads.
//!
//! The faults of a trial follow from the seed and the trial's number. Their times vary, because
//! the machines are real processes.

mod books;
mod cluster;
mod cluster_trial;
mod programs;
mod schedule;
mod trial;

use std::io::{self, IsTerminal, Write};
use std::ops::Range;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use signal_hook::consts::SIGINT;
use wire::fault::random_seed;

use crate::cluster::Cluster;
use crate::cluster_trial::Failover;
use crate::programs::{Place, Programs, free_ports};
use crate::schedule::Schedule;
use crate::trial::Tally;

/// Ctrl-C may end the programs of a trial this long before this program handles it.
const SIGNAL: Duration = Duration::from_millis(200);

struct Arguments {
    /// Whether it is a cluster that is disturbed, and not one bank after another.
    on_cluster: bool,
    /// The one that runs already.
    directory: Option<PathBuf>,
    trials: Range<u64>,
    seed: u64,
    jobs: usize,
}

/// The sums of all trials so far.
#[derive(Default)]
struct Progress {
    trials: u64,
    failed: u64,
    tally: Tally,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse()?;
    let programs = Programs::build()?;
    let interrupted = Arc::new(AtomicBool::new(false));
    // A second Ctrl-C ends the process by default.
    signal_hook::flag::register_conditional_shutdown(SIGINT, 130, Arc::clone(&interrupted))?;
    signal_hook::flag::register(SIGINT, Arc::clone(&interrupted))?;

    let cluster = match arguments.on_cluster {
        true => {
            let labserver = programs.path("labserver");
            Some(Cluster::open(arguments.directory.as_deref(), &labserver)?)
        }
        false => None,
    };
    let begun = Instant::now();
    let next = AtomicU64::new(arguments.trials.start);
    let progress = Mutex::new(Progress::default());
    let mut ports = free_ports();
    thread::scope(|scope| -> Result<()> {
        let mut jobs = Vec::new();
        for _ in 0..arguments.jobs {
            let port = ports.next().context("no port is free")?;
            let (arguments, programs, next) = (&arguments, &programs, &next);
            let (progress, interrupted, cluster) = (&progress, &interrupted, cluster.as_ref());
            jobs.push(scope.spawn(move || -> Result<()> {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if !arguments.trials.contains(&number) || interrupted.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    let tried = attempt(programs, cluster, arguments.seed, number, port);
                    if tried
                        .0
                        .as_ref()
                        .map_or(true, |tally| !tally.wrong.is_empty())
                    {
                        thread::sleep(SIGNAL);
                    }
                    // Ctrl-C reaches the programs as well: such a trial proves nothing.
                    if interrupted.load(Ordering::Relaxed) {
                        return Ok(());
                    }
                    note(progress, number, arguments, tried);
                }
            }));
        }
        for job in jobs {
            job.join().unwrap_or_else(|_| bail!("a trial panicked"))?;
        }
        Ok(())
    })?;

    let Progress {
        trials,
        failed,
        tally,
    } = progress
        .into_inner()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "trials            {trials} in {:.1} s",
        begun.elapsed().as_secs_f64()
    )?;
    writeln!(out, "transactions      {}", tally.transactions)?;
    writeln!(out, "kills             {}", tally.kills)?;
    writeln!(
        out,
        "faults injected   {}, crash points {}",
        tally.faults, tally.crashes
    )?;
    say_failovers(&mut out, &tally.failovers)?;
    writeln!(out, "money lost        {}", decimal(tally.lost))?;
    writeln!(out, "money duplicated  {}", decimal(tally.duplicated))?;
    writeln!(out, "trials failed     {failed}")?;
    writeln!(out, "seed              {}", arguments.seed)?;
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Says how many failovers there were, and how long they took.
fn say_failovers(out: &mut impl Write, failovers: &[Failover]) -> Result<()> {
    if failovers.is_empty() {
        return Ok(());
    }
    writeln!(out, "failovers         {}", failovers.len())?;
    let times = |time: fn(&Failover) -> Duration| {
        let mut times: Vec<_> = failovers.iter().map(time).collect();
        times.sort();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        let [median, longest] = [median, longest].map(|time| time.as_secs_f64());
        format!("median {median:.1} s, at most {longest:.1} s")
    };
    writeln!(
        out,
        "to the election   {}",
        times(|failover| failover.election)
    )?;
    writeln!(
        out,
        "then to business  {}",
        times(|failover| failover.business)
    )?;
    Ok(())
}

/// Runs one trial in its own directory, which is kept if the trial fails.
fn attempt(
    programs: &Programs,
    cluster: Option<&Cluster>,
    seed: u64,
    number: u64,
    port: u16,
) -> (Result<Tally>, Option<PathBuf>) {
    let directory = match tempfile::Builder::new().prefix("chaos-").tempdir() {
        Ok(directory) => directory,
        Err(error) => return (Err(error.into()), None),
    };
    let tally = match cluster {
        Some(cluster) => cluster_trial::run(cluster, programs, seed, number, directory.path()),
        None => {
            let place = Place::new(programs, directory.path(), port);
            trial::run(&Schedule::of(seed, number), &place, directory.path())
        }
    };
    let is_good = tally.as_ref().is_ok_and(|tally| tally.wrong.is_empty());
    (tally, (!is_good).then(|| directory.keep()))
}

fn note(
    progress: &Mutex<Progress>,
    number: u64,
    arguments: &Arguments,
    (tally, kept): (Result<Tally>, Option<PathBuf>),
) {
    let mut err = io::stderr().lock();
    let mut progress = progress
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner());
    progress.trials += 1;
    let tally = tally.unwrap_or_else(|error| Tally {
        wrong: vec![format!("{error:#}")],
        ..Tally::default()
    });
    if !tally.wrong.is_empty() {
        progress.failed += 1;
        // A failure to write to standard error cannot be reported.
        let seed = arguments.seed;
        let _ = writeln!(err, "\rfailed: --seed {seed} --only {number}");
        if let Some(kept) = kept {
            let _ = writeln!(err, "    kept in {}", kept.display());
        }
        for wrong in &tally.wrong {
            let _ = writeln!(err, "    {wrong}");
        }
    }
    progress.tally += tally;
    if err.is_terminal() {
        let of = arguments.trials.end - arguments.trials.start;
        let (trials, failed) = (progress.trials, progress.failed);
        let end = if trials == of { "\n" } else { "" };
        let _ = write!(err, "\r{trials} of {of} trials, {failed} failed{end}");
    }
}

impl Arguments {
    fn parse() -> Result<Arguments> {
        let cores = thread::available_parallelism().map_or(1, usize::from);
        let (mut trials, mut only, mut seed) = (100, None, random_seed());
        // A trial mostly waits.
        let mut jobs = 3 * cores;
        let (mut on_cluster, mut directory) = (false, None);
        let mut words = std::env::args().skip(1);
        while let Some(flag) = words.next() {
            if flag == "--cluster" {
                on_cluster = true;
                // All trials are on one cluster, and what fails there fails for all.
                jobs = 1;
                continue;
            }
            let value = words
                .next()
                .with_context(|| format!("{flag} needs a value"))?;
            let number = || {
                value
                    .parse::<u64>()
                    .with_context(|| format!("{flag} {value}"))
            };
            match flag.as_str() {
                "--trials" => trials = number()?,
                "--only" => only = Some(number()?),
                "--seed" => seed = number()?,
                "--dir" => directory = Some(PathBuf::from(&value)),
                "--jobs" => jobs = usize::try_from(number()?)?.max(1),
                _ => bail!("{flag} is none of --trials, --only, --seed, --jobs, --cluster, --dir"),
            }
        }
        Ok(Arguments {
            on_cluster,
            directory,
            trials: only.map_or(0..trials, |only| only..only + 1),
            seed,
            jobs,
        })
    }
}

/// Hundredths as decimal text.
fn decimal(minor: i64) -> String {
    format!("{}.{:02}", minor / 100, minor % 100)
}
