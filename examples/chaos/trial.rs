//! One trial: a bank and its machines at work while all goes wrong, then the reckoning.

use std::ops::AddAssign;
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow};
use proto::atm::record::Status;
use proto::atm::{Kind, Money};

use crate::books::Books;
use crate::programs::{Card, End, Place, Process, crashed};
use crate::schedule::{Life, Machine, Schedule, Visit};

/// What is in each drawer at first, in hundredths: little enough that some withdrawals are too much.
const FILLING: i64 = 200_000;

/// A machine that has not ended by then hangs.
const HANGS: Duration = Duration::from_secs(30);

/// Any card: nobody logs in to settle or to fill a drawer.
const NO_CARD: Card = ("123456789", "1234");

/// What a trial, or many, came to.
#[derive(Debug, Default)]
pub struct Tally {
    /// Programs that were killed by us.
    pub kills: u64,
    /// Programs that died at a crash point.
    pub crashes: u64,
    /// Faults that struck messages, delays aside.
    pub faults: u64,
    /// Transactions that the bank was asked for.
    pub transactions: u64,
    /// In hundredths.
    pub lost: i64,
    /// In hundredths.
    pub duplicated: i64,
    /// What is not as it should be.
    pub wrong: Vec<String>,
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Tally) {
        self.kills += other.kills;
        self.crashes += other.crashes;
        self.faults += other.faults;
        self.transactions += other.transactions;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.wrong.extend(other.wrong);
    }
}

/// What a customer was told: the exit status of the machine, unless it died.
struct Told<'a> {
    terminal: &'a str,
    visit: &'a Visit,
    status: Option<i32>,
}

/// Runs a trial at this place.
pub fn run(schedule: &Schedule, place: &Place, directory: &Path) -> Result<Tally> {
    let tally = Mutex::new(Tally::default());
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
    let over = AtomicBool::new(false);
    let told = thread::scope(|scope| {
        let bank = scope.spawn(|| keep_open(place, bank, first, lives, &over, &tally));
        let machines: Vec<_> = schedule
            .machines
            .iter()
            .map(|machine| scope.spawn(|| serve(place, machine, &tally)))
            .collect();
        let told: Vec<Result<Vec<Told>>> = machines
            .into_iter()
            .map(|machine| {
                machine
                    .join()
                    .unwrap_or_else(|_| Err(anyhow!("a machine's thread panicked")))
            })
            .collect();
        over.store(true, Ordering::Relaxed);
        bank.join()
            .unwrap_or_else(|_| Err(anyhow!("the bank's thread panicked")))?;
        told.into_iter().collect::<Result<Vec<_>>>()
    })?;

    let mut bank = place.bank(&[])?;
    let mut tally = tally.into_inner().unwrap_or_default();
    if !bank.opens()? {
        tally.wrong.push("the bank does not open any more".into());
    }
    for terminal in &terminals {
        if let Err(error) = operate(place, terminal, &["settle"]) {
            tally.wrong.push(format!("{error:#}"));
        }
    }
    bank.ends(|| true)?;
    let books = Books::close(place, &terminals, filling)?;
    tally.lost = books.lost;
    tally.duplicated = books.duplicated;
    tally.transactions = books.transactions.len() as u64;
    tally
        .wrong
        .extend(told.iter().flatten().filter_map(|told| lie(told, &books)));
    tally.wrong.extend(books.wrong);
    tally.faults = struck(directory)?;
    Ok(tally)
}

/// Has an operator do something at a machine, which must go well.
fn operate(place: &Place, terminal: &str, request: &[&str]) -> Result<()> {
    let patient = [&["--patience", "10"], request].concat();
    let mut machine = place.machine(terminal, NO_CARD, &[], &patient)?;
    let what = request.join(" ");
    match ends_within(&mut machine, HANGS)? {
        End::Exited(status) if status.success() => Ok(()),
        End::Exited(status) => Err(anyhow!("{terminal}: {what}: {status}")),
        End::Killed => Err(anyhow!("{terminal}: {what} hangs")),
    }
}

/// Starts the bank again whenever it died, until the trial is over.
fn keep_open<'a>(
    place: &Place,
    mut bank: Process,
    first: Option<&Life>,
    mut lives: impl Iterator<Item = &'a Life>,
    over: &AtomicBool,
    tally: &Mutex<Tally>,
) -> Result<()> {
    let is_over = || over.load(Ordering::Relaxed);
    let mut killed_after = first.and_then(|life| life.killed_after);
    loop {
        let started = Instant::now();
        let due = || killed_after.is_some_and(|after| started.elapsed() >= after);
        match bank.ends(|| is_over() || due())? {
            End::Killed if is_over() => return Ok(()),
            End::Killed => count(tally, |tally| tally.kills += 1),
            End::Exited(status) if crashed(status) => count(tally, |tally| tally.crashes += 1),
            End::Exited(status) => {
                count(tally, |tally| {
                    tally.wrong.push(format!("the bank ended: {status}"))
                });
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

/// Lets one customer after another use a machine.
fn serve<'a>(place: &Place, machine: &'a Machine, tally: &Mutex<Tally>) -> Result<Vec<Told<'a>>> {
    let mut told = Vec::new();
    for visit in &machine.visits {
        let request = match visit.kind {
            Kind::Withdrawal => "withdraw",
            Kind::Deposit => "deposit",
        };
        let amount = visit.amount.to_string();
        let words = ["--timeout", "0.2", "--patience", "1", request, &amount];
        let mut process = place.machine(&machine.terminal, visit.card, &visit.faults, &words)?;
        let end = ends_within(&mut process, visit.killed_after.unwrap_or(HANGS))?;
        let mut status = None;
        match end {
            End::Killed if visit.killed_after.is_some() => count(tally, |tally| tally.kills += 1),
            End::Killed => {
                let words = format!("{} hangs: {request} {amount}", machine.terminal);
                count(tally, |tally| tally.wrong.push(words));
            }
            End::Exited(exited) if crashed(exited) => count(tally, |tally| tally.crashes += 1),
            End::Exited(exited) => status = exited.code(),
        }
        told.push(Told {
            terminal: &machine.terminal,
            visit,
            status,
        });
    }
    Ok(told)
}

fn ends_within(process: &mut Process, time: Duration) -> Result<End> {
    let by = Instant::now() + time;
    process.ends(|| Instant::now() >= by)
}

/// Where the books give the lie to what a machine told its customer.
fn lie(told: &Told, books: &Books) -> Option<String> {
    let Visit { kind, amount, .. } = told.visit;
    let is_booked = books.of(told.terminal).any(|transaction| {
        transaction.id.kind == *kind
            && transaction.amount.money() == *amount
            && transaction.status == Status::Confirmed
    });
    let terminal = told.terminal;
    match (told.status, is_booked) {
        // It died, or said that it does not know.
        (None | Some(4), _) | (Some(0), true) | (Some(1 | 3), false) => None,
        (Some(0), false) => Some(format!(
            "{terminal} said that {kind:?} {amount} was done; it was not"
        )),
        (Some(1 | 3), true) => Some(format!(
            "{terminal} said that {kind:?} {amount} was not done; it was"
        )),
        (Some(status), _) => Some(format!(
            "{terminal} exited with {status}: {kind:?} {amount}"
        )),
    }
}

/// How many faults the programs have logged.
fn struck(directory: &Path) -> Result<u64> {
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

fn count(tally: &Mutex<Tally>, add: impl FnOnce(&mut Tally)) {
    add(&mut tally
        .lock()
        .unwrap_or_else(|poisoned| poisoned.into_inner()));
}
