//! One trial on a cluster: machines at three labservers while one part of it fails, then the audit.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use proto::atm::Money;
use rustix::process::Signal;
use wire::fault::generator::Xoshiro256PlusPlus;

use crate::books::Books;
use crate::cluster::Cluster;
use crate::programs::{Card, End, Place, Programs};
use crate::schedule::Schedule;
use crate::trial::{CustomerReport, Day, FILLING, Tally, contradiction, operate, serve, struck};

/// Of so many trials, one is a failover of PostgreSQL.
pub const FAILOVER_EVERY: u64 = 4;

/// Whose card the withdrawal has that is to be done through a failover.
const PROBE: Card = ("987654321", "5678");

/// What fails.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Failure {
    /// A labserver is killed, and started again after this time.
    ServerKilled(String, Duration),
    /// A labserver is stopped for this time.
    ServerStopped(String, Duration),
    /// All connections between the labservers and PostgreSQL are cut, and cut again.
    Cut(Duration),
    /// The Redis server that takes writes is killed, and started again after this time.
    MasterKilled(Duration),
    /// The PostgreSQL server that leads is killed, with its Patroni, and started again once another
    /// one leads.
    PrimaryKilled,
    /// It is stopped, and goes on once another one leads.
    PrimaryStopped,
}

impl Failure {
    fn of(seed: u64, trial: u64) -> Failure {
        let mut dice = Xoshiro256PlusPlus::stream(seed, trial, 1);
        let server = format!("lab{}", 1 + dice.up_to(2));
        let time = Duration::from_millis(200 + dice.up_to(2800));
        if trial % FAILOVER_EVERY == FAILOVER_EVERY - 1 {
            return match dice.up_to(3) {
                0 => Failure::PrimaryStopped,
                _ => Failure::PrimaryKilled,
            };
        }
        match dice.up_to(9) {
            0..4 => Failure::ServerKilled(server, time),
            4..7 => Failure::ServerStopped(server, time),
            7..9 => Failure::Cut(time),
            _ => Failure::MasterKilled(time),
        }
    }

    fn is_failover(&self) -> bool {
        matches!(self, Failure::PrimaryKilled | Failure::PrimaryStopped)
    }
}

/// How long a failover took.
#[derive(Debug, Clone, Copy)]
pub struct Failover {
    /// From the failure to another server that leads.
    pub election: Duration,
    /// From then to the first withdrawal that was done.
    pub business: Duration,
}

/// Runs a trial in this directory.
pub fn run(
    cluster: &Cluster,
    programs: &Programs,
    seed: u64,
    number: u64,
    directory: &Path,
) -> Result<Tally> {
    let failure = Failure::of(seed, number);
    if failure.is_failover() {
        cluster.wait_until_sound()?;
    }
    let mut schedule = Schedule::of(seed, number);
    // Any of the servers may be the first.
    let mut servers = cluster.servers()?;
    let first = usize::try_from(number)? % servers.len();
    servers.rotate_left(first);
    let place = Place::of_servers(programs, directory, &servers, cluster.ledger()?);
    let filling = Money::from_minor(FILLING).context("no such filling")?;
    for machine in &mut schedule.machines {
        // The ledger knows those of all trials.
        machine.terminal = format!("T{seed}-{number}-{}", machine.terminal);
    }
    let probe = format!("T{seed}-{number}-P");
    let machines = schedule.machines.iter();
    let mut terminals: Vec<_> = machines.map(|machine| machine.terminal.clone()).collect();
    terminals.push(probe.clone());
    for terminal in &terminals {
        operate(&place, terminal, &["load", &filling.to_string()])?;
    }

    let day = Day::default();
    day.is_open.store(true, Ordering::Relaxed);
    let (reports, failover) = thread::scope(|scope| {
        let failing = scope.spawn(|| fail(cluster, &place, &probe, &failure, &day));
        let machines: Vec<_> = schedule
            .machines
            .iter()
            .map(|machine| scope.spawn(|| serve(&place, machine, &day)))
            .collect();
        let joined = machines.into_iter().map(|machine| {
            machine
                .join()
                .unwrap_or_else(|_| Err(anyhow!("a machine's thread panicked")))
        });
        let reports: Vec<Result<Vec<CustomerReport>>> = joined.collect();
        let failover = failing
            .join()
            .unwrap_or_else(|_| Err(anyhow!("a thread panicked")));
        Ok::<_, anyhow::Error>((reports.into_iter().collect::<Result<Vec<_>>>()?, failover?))
    })
    .with_context(|| format!("{failure:?}"))?;

    let mut tally = day.tally.into_inner().unwrap_or_default();
    tally.failovers.extend(failover);
    for terminal in &terminals {
        if let Err(error) = operate(&place, terminal, &["settle"]) {
            tally.wrong.push(format!("{error:#}"));
        }
    }
    let books = close(&place, &terminals, filling)?;
    tally.close(&books);
    let told = reports.iter().flatten();
    tally
        .wrong
        .extend(told.filter_map(|report| contradiction(report, &books)));
    if !tally.wrong.is_empty() {
        tally.wrong.push(format!("{failure:?}"));
    }
    tally.faults = struck(directory)?;
    Ok(tally)
}

/// Audits the bank, which may be away for a moment yet.
fn close(place: &Place, terminals: &[String], filling: Money) -> Result<Books> {
    let by = Instant::now() + Duration::from_secs(60);
    loop {
        match Books::close(place, terminals, filling) {
            Err(_) if Instant::now() < by => thread::sleep(Duration::from_millis(500)),
            closed => return closed,
        }
    }
}

/// Has this fail, and waits until it is over. Of a failover, gives how long it took.
fn fail(
    cluster: &Cluster,
    place: &Place,
    probe: &str,
    failure: &Failure,
    day: &Day,
) -> Result<Option<Failover>> {
    // The machines are at work.
    thread::sleep(Duration::from_millis(300));
    day.count(|tally| tally.kills += 1);
    match failure {
        Failure::ServerKilled(name, time) => {
            cluster.kill(name)?;
            thread::sleep(*time);
            cluster.start(name)?;
        }
        Failure::ServerStopped(name, time) => {
            cluster.signal(name, Signal::STOP)?;
            thread::sleep(*time);
            cluster.signal(name, Signal::CONT)?;
        }
        Failure::Cut(time) => {
            cluster.cut()?;
            thread::sleep(*time);
            cluster.cut()?;
        }
        Failure::MasterKilled(time) => {
            if let Some(master) = cluster.master()? {
                cluster.kill(&master)?;
                thread::sleep(*time);
                cluster.start(&master)?;
            }
        }
        Failure::PrimaryKilled | Failure::PrimaryStopped => {
            return fail_over(cluster, place, probe, failure).map(Some);
        }
    }
    Ok(None)
}

fn fail_over(cluster: &Cluster, place: &Place, probe: &str, failure: &Failure) -> Result<Failover> {
    let primary = cluster.primary()?.context("no server leads")?;
    match failure {
        Failure::PrimaryStopped => cluster.signal(&primary, Signal::STOP)?,
        _ => cluster.kill(&primary)?,
    }
    let failed = Instant::now();
    let is_elected = AtomicBool::new(false);
    thread::scope(|scope| {
        let probing = scope.spawn(|| withdraw_until_done(place, probe, &is_elected));
        let elected = cluster.wait_for_other(&primary);
        let elected_at = Instant::now();
        is_elected.store(true, Ordering::Relaxed);
        let done_at = probing
            .join()
            .unwrap_or_else(|_| Err(anyhow!("a thread panicked")));
        match failure {
            Failure::PrimaryStopped => cluster.signal(&primary, Signal::CONT)?,
            _ => cluster.start(&primary)?,
        }
        elected?;
        Ok(Failover {
            election: elected_at - failed,
            business: done_at?.saturating_duration_since(elected_at),
        })
    })
}

/// Asks for a little money, as often as it takes, and gives the time when it was had.
fn withdraw_until_done(place: &Place, probe: &str, is_elected: &AtomicBool) -> Result<Instant> {
    let mut by = None;
    loop {
        let words = ["--timeout", "1", "--patience", "1", "withdraw", "1"];
        let mut machine = place.machine(probe, PROBE, &[], &words, "")?;
        let end = machine.ends(|_| false)?;
        if matches!(end, End::Exited(status) if status.success()) {
            return Ok(Instant::now());
        }
        if is_elected.load(Ordering::Relaxed) {
            let by = *by.get_or_insert_with(|| Instant::now() + Duration::from_secs(60));
            anyhow::ensure!(
                Instant::now() < by,
                "no business for a minute after the election"
            );
        }
    }
}
