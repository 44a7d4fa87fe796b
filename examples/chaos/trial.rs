//! One trial: a bank and its machines under faults, then the audit.

use std::ops::AddAssign;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use proto::atm::record::Status;
use proto::atm::{Kind, Money};

use crate::books::Books;
use crate::cluster_trial::Failover;
use crate::programs::{Card, End, LOOK, Place, Process, crashed};
use crate::schedule::{Life, Machine, Schedule, Visit};

/// The initial content of each drawer, in hundredths: too little for some withdrawals.
pub(crate) const FILLING: i64 = 200_000;

/// An amount that exceeds an account's limit, but not a drawer's.
const TOO_MUCH: &str = "9999997500";

/// A machine that has not ended after this long hangs.
const HANGS: Duration = Duration::from_secs(90);

/// How long a customer waits for a closed bank to open again before using the machine anyway, which
/// fails at once if the bank is closed.
const WAITS: Duration = Duration::from_secs(1);

/// Any card: an operator who settles or loads a drawer does not log in.
const NO_CARD: Card = ("123456789", "1234");

/// The result of one or more trials.
#[derive(Debug, Default)]
pub struct Tally {
    /// Programs that we killed.
    pub kills: u64,
    /// Programs that ended at a crash point.
    pub crashes: u64,
    /// Faults injected into messages, without delays.
    pub faults: u64,
    /// Transactions in the ledger.
    pub transactions: u64,
    /// Of PostgreSQL.
    pub failovers: Vec<Failover>,
    /// In hundredths.
    pub lost: i64,
    /// In hundredths.
    pub duplicated: i64,
    /// Discrepancies.
    pub wrong: Vec<String>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.kills += other.kills;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.transactions += other.transactions;
        self.failovers.extend(other.failovers);
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.wrong.extend(other.wrong);
    }
}

impl Tally {
    /// Adds what the audit found.
    pub fn close(&mut self, books: &Books) {
        self.lost = books.lost;
        self.duplicated = books.duplicated;
        self.transactions = books.transactions.len() as u64;
        self.wrong.extend(books.wrong.iter().cloned());
    }
}

/// The state shared while the machines run.
#[derive(Default)]
pub(crate) struct Day {
    pub(crate) tally: Mutex<Tally>,
    pub(crate) is_open: AtomicBool,
    pub(crate) is_over: AtomicBool,
}

impl Day {
    pub(crate) fn count(&self, add: impl FnOnce(&mut Tally)) {
        add(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

/// The machine's exit status, unless it crashed.
pub(crate) struct CustomerReport<'a> {
    terminal: &'a str,
    visit: &'a Visit,
    status: Option<i32>,
}

/// Runs a trial in this directory.
pub fn run(schedule: &Schedule, place: &Place, directory: &Path) -> Result<Tally> {
    let day = Day::default();
    let filling = Money::from_minor(FILLING).context("no such filling")?;
    let terminals: Vec<String> = schedule
        .machines
        .iter()
        .map(|machine| machine.terminal.clone())
        .collect();
    for terminal in &terminals {
        operate(place, terminal, &["load", &filling.to_string()])?;
    }

    let mut lives = schedule.lives.iter();
    let first = lives.next();
    let mut bank = place.bank(first.map_or(&[], |life| &life.faults))?;
    bank.opens()?;
    let reports = thread::scope(|scope| {
        let bank = scope.spawn(|| keep_open(place, bank, first, lives, &day));
        let machines: Vec<_> = schedule
            .machines
            .iter()
            .map(|machine| scope.spawn(|| serve(place, machine, &day)))
            .collect();
        let reports: Vec<Result<Vec<CustomerReport>>> = machines
            .into_iter()
            .map(|machine| {
                machine
                    .join()
                    .unwrap_or_else(|_| Err(anyhow!("a machine's thread panicked")))
            })
            .collect();
        day.is_over.store(true, Ordering::Relaxed);
        bank.join()
            .unwrap_or_else(|_| Err(anyhow!("the bank's thread panicked")))?;
        reports.into_iter().collect::<Result<Vec<_>>>()
    })?;

    let mut bank = place.bank(&[])?;
    let mut tally = day.tally.into_inner().unwrap_or_default();
    if !bank.opens()? {
        tally.wrong.push("the bank does not open any more".into());
    }
    for terminal in &terminals {
        if let Err(error) = operate(place, terminal, &["settle"]) {
            tally.wrong.push(format!("{error:#}"));
        }
    }
    bank.ends(|_| true)?;
    let books = Books::close(place, &terminals, filling)?;
    tally.close(&books);
    tally.wrong.extend(
        reports
            .iter()
            .flatten()
            .filter_map(|report| contradiction(report, &books)),
    );
    tally.faults = struck(directory)?;
    Ok(tally)
}

/// Performs an operator's action at a machine, which must succeed.
pub(crate) fn operate(place: &Place, terminal: &str, request: &[&str]) -> Result<()> {
    let patient = [&["--patience", "60"], request].concat();
    let mut machine = place.machine(terminal, NO_CARD, &[], &patient, "")?;
    let what = request.join(" ");
    match ends_within(&mut machine, HANGS)? {
        End::Exited(status) if status.success() => Ok(()),
        End::Exited(status) => Err(anyhow!("{terminal}: {what}: {status}")),
        End::Killed => Err(anyhow!("{terminal}: {what} hangs")),
    }
}

/// Restarts the bank whenever it ends, until the trial is over.
fn keep_open<'a>(
    place: &Place,
    mut bank: Process,
    first: Option<&Life>,
    mut lives: impl Iterator<Item = &'a Life>,
    day: &Day,
) -> Result<()> {
    let is_over = || day.is_over.load(Ordering::Relaxed);
    let mut killed_after = first.and_then(|life| life.killed_after);
    loop {
        let started = Instant::now();
        let due = || killed_after.is_some_and(|after| started.elapsed() >= after);
        let end = bank.ends(|bank| {
            day.is_open.store(bank.is_open(), Ordering::Relaxed);
            is_over() || due()
        })?;
        day.is_open.store(false, Ordering::Relaxed);
        match end {
            End::Killed if is_over() => return Ok(()),
            End::Killed => day.count(|tally| tally.kills += 1),
            End::Exited(status) if crashed(status) => day.count(|tally| tally.crashes += 1),
            End::Exited(status) => {
                day.count(|tally| tally.wrong.push(format!("the bank ended: {status}")));
            }
        }
        let life = lives.next();
        thread::sleep(life.map_or(Duration::ZERO, |life| life.closed));
        if is_over() {
            return Ok(());
        }
        bank = place.bank(life.map_or(&[], |life| &life.faults))?;
        killed_after = life.and_then(|life| life.killed_after);
    }
}

/// Runs the customers of a machine, one after another.
pub(crate) fn serve<'a>(
    place: &Place,
    machine: &'a Machine,
    day: &Day,
) -> Result<Vec<CustomerReport<'a>>> {
    let mut reports = Vec::new();
    for visit in &machine.visits {
        let by = Instant::now() + WAITS;
        while !day.is_open.load(Ordering::Relaxed) && Instant::now() < by {
            thread::sleep(LOOK);
        }
        let request = match visit.kind {
            Kind::Withdrawal => "withdraw",
            Kind::Deposit => "deposit",
        };
        let amount = visit.amount.to_string();
        let mut words = place.patience.to_vec();
        let mut typed = String::new();
        match visit.is_second {
            true => typed = format!("deposit {TOO_MUCH}\n{request} {amount}\n"),
            false => words.extend([request, &amount]),
        }
        let Visit { card, faults, .. } = visit;
        let mut process = place.machine(&machine.terminal, *card, faults, &words, &typed)?;
        let end = ends_within(&mut process, visit.killed_after.unwrap_or(HANGS))?;
        let mut status = None;
        match end {
            End::Killed if visit.killed_after.is_some() => day.count(|tally| tally.kills += 1),
            End::Killed => {
                let words = format!("{} hangs: {request} {amount}", machine.terminal);
                day.count(|tally| tally.wrong.push(words));
            }
            End::Exited(exited) if crashed(exited) => day.count(|tally| tally.crashes += 1),
            // With two requests, the status does not distinguish their outcomes.
            End::Exited(_) if visit.is_second => {}
            End::Exited(exited) => status = exited.code(),
        }
        reports.push(CustomerReport {
            terminal: &machine.terminal,
            visit,
            status,
        });
    }
    Ok(reports)
}

fn ends_within(process: &mut Process, time: Duration) -> Result<End> {
    let by = Instant::now() + time;
    process.ends(|_| Instant::now() >= by)
}

/// A contradiction between the ledger and what a machine reported to its customer.
pub(crate) fn contradiction(report: &CustomerReport, books: &Books) -> Option<String> {
    let Visit { kind, amount, .. } = report.visit;
    let is_booked = books.of(report.terminal).any(|transaction| {
        transaction.id.kind == *kind
            && transaction.amount.money() == *amount
            && transaction.status == Status::Confirmed
    });
    let terminal = report.terminal;
    match (report.status, is_booked) {
        // It crashed, or reported an unknown outcome; a truncated answer is status 5.
        (None | Some(4), _) | (Some(0), true) | (Some(1 | 3 | 5), false) => None,
        (Some(0), false) => Some(format!(
            "{terminal} said that {kind:?} {amount} was done; it was not"
        )),
        (Some(1 | 3 | 5), true) => Some(format!(
            "{terminal} said that {kind:?} {amount} was not done; it was"
        )),
        (Some(status), _) => Some(format!(
            "{terminal} exited with {status}: {kind:?} {amount}"
        )),
    }
}

/// The number of faults that the programs have logged.
pub(crate) fn struck(directory: &Path) -> Result<u64> {
    let mut struck = 0;
    for entry in std::fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "log") {
            let log = std::fs::read(path)?;
            struck += String::from_utf8_lossy(&log).matches("fault: ").count() as u64;
        }
    }
    Ok(struck)
}
