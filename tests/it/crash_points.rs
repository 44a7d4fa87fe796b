//! Each place where a program can be made to die, in a withdrawal and in a deposit: whatever is
//! started again, notes are out if and only if the account is debited.
//!
//! These are the real programs, built by cargo as for `examples/chaos`, since a process that dies
//! must be one of its own. That is also why the table is here: only the root package knows both.

use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use client::cash_machine::drawer::Drawer;
use proto::atm::Money;
use proto::atm::record::Status;
use proto::side::Side;
use wire::fault::crash::CrashPoint;

use crate::books::Books;
use crate::programs;
use crate::programs::{Card, End, Place, Process, crashed, free_ports};

const CARD: Card = ("123456789", "1234");
const TERMINAL: &str = "M1";
const FILLING: &str = "1000.00";
const KINDS: [&str; 2] = ["withdraw", "deposit"];

/// Cases at once: they mostly wait.
const JOBS: usize = 3;

const HANGS: Duration = Duration::from_secs(60);

/// What a crash is known to lead to. `Either`: it is up to which of two processes is faster.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    Nothing,
    Moved,
    Either,
}
use Leads::{Either, Moved, Nothing};

/// Which passage of a place, and what a death there leads to when only the side that died is
/// started again, and when both are.
type Row = (CrashPoint, u64, Leads, Leads);

/// The machine sends TERMINAL, the log-in, the hold and the confirmation. It dies with its
/// customer, so whatever is before the notes comes to nothing.
const MACHINE: [Row; 15] = [
    (CrashPoint::BeforeSend, 1, Nothing, Nothing),
    (CrashPoint::BeforeSend, 2, Nothing, Nothing),
    (CrashPoint::BeforeSend, 3, Nothing, Nothing),
    (CrashPoint::BeforeSend, 4, Moved, Moved),
    (CrashPoint::AfterSend, 1, Nothing, Nothing),
    (CrashPoint::AfterSend, 2, Nothing, Nothing),
    (CrashPoint::AfterSend, 3, Nothing, Nothing),
    (CrashPoint::AfterSend, 4, Moved, Moved),
    (CrashPoint::AfterReply, 1, Nothing, Nothing),
    (CrashPoint::AfterReply, 2, Nothing, Nothing),
    (CrashPoint::AfterReply, 3, Nothing, Nothing),
    (CrashPoint::AfterReply, 4, Moved, Moved),
    (CrashPoint::BeforeDispense, 1, Nothing, Nothing),
    (CrashPoint::MidDispense, 1, Moved, Moved),
    (CrashPoint::AfterDispense, 1, Moved, Moved),
];

/// The bank commits the log-in, the hold and the confirmation, and answers TERMINAL before them. A
/// customer whose log-in was answered waits for it to open again; one whose was not may go.
const BANK: [Row; 10] = [
    (CrashPoint::BeforeCommit, 1, Either, Nothing),
    (CrashPoint::BeforeCommit, 2, Moved, Nothing),
    (CrashPoint::BeforeCommit, 3, Moved, Moved),
    (CrashPoint::AfterCommit, 1, Either, Nothing),
    (CrashPoint::AfterCommit, 2, Moved, Nothing),
    (CrashPoint::AfterCommit, 3, Moved, Moved),
    (CrashPoint::AfterReply, 1, Either, Nothing),
    (CrashPoint::AfterReply, 2, Either, Nothing),
    (CrashPoint::AfterReply, 3, Moved, Either),
    (CrashPoint::AfterReply, 4, Moved, Moved),
];

#[test]
fn wherever_the_machine_dies_notes_are_out_exactly_when_the_account_is_debited() {
    run(Side::Client, &MACHINE);
}

#[test]
fn wherever_the_bank_dies_notes_are_out_exactly_when_the_account_is_debited() {
    run(Side::Server, &BANK);
}

/// Where a machine that an operator loads can die, and what is in its drawer then.
const LOADING: [(CrashPoint, &str); 2] = [
    (CrashPoint::BeforeDispense, FILLING),
    (CrashPoint::MidDispense, "2000.00"),
];

#[test]
fn wherever_a_machine_dies_that_is_loaded_it_serves_again_with_what_is_in_it() {
    let programs = programs();
    let port = free_ports().next().unwrap();
    for (point, found) in LOADING {
        let what = format!("crash-at={point}");
        let directory = tempfile::tempdir().unwrap();
        let place = Place::new(programs, directory.path(), port);
        let mut bank = opened(&place, &[]);
        operate(&place, &["load", FILLING], &what);
        let faults = ["--fault".to_owned(), what.clone()];
        let mut machine = place
            .machine(TERMINAL, CARD, &faults, &["load", "2000.00"], "")
            .unwrap();
        dies(&mut machine, &what);
        let found: Money = found.parse().unwrap();
        let count = || {
            Drawer::open(&place.drawer(TERMINAL), Money::ZERO)
                .unwrap()
                .count()
        };
        assert_eq!(count(), found, "{what}");
        operate(&place, &["withdraw", "20.00"], &what);
        let left = found.checked_sub("20.00".parse().unwrap());
        assert_eq!(Some(count()), left, "{what}");
        operate(&place, &["load", "2000.00"], &what);
        operate(&place, &["withdraw", "20.00"], &what);
        bank.ends(|_| true).unwrap();
    }
}

#[test]
fn the_tables_have_every_place() {
    for point in CrashPoint::ALL {
        for (side, rows) in [(Side::Client, &MACHINE[..]), (Side::Server, &BANK[..])] {
            let is_there = rows.iter().any(|(row, ..)| *row == point);
            assert_eq!(is_there, point.is_in(side), "{point}");
        }
    }
}

fn run(side: Side, rows: &[Row]) {
    let programs = programs();
    let mut cases = Vec::new();
    for (point, passage, one, both) in rows {
        for kind in KINDS {
            cases.push((format!("crash-at={point}#{passage}"), kind, false, *one));
            cases.push((format!("crash-at={point}#{passage}"), kind, true, *both));
        }
    }
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for port in free_ports().take(JOBS) {
            let (cases, next) = (&cases, &next);
            scope.spawn(move || {
                let template = tempfile::tempdir().unwrap();
                loaded(&Place::new(programs, template.path(), port));
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let (fault, kind, both, leads) = case;
                    let what = format!("{side:?} {fault} {kind}, both started again: {both}");
                    let directory = tempfile::tempdir().unwrap();
                    copy(template.path(), directory.path());
                    let place = Place::new(programs, directory.path(), port);
                    let faults = ["--fault".to_owned(), fault.clone()];
                    match side {
                        Side::Client => machine_dies(&place, &faults, kind, *both, &what),
                        Side::Server => bank_dies(&place, &faults, kind, *both, &what),
                    }
                    let books = Books::close(&place, &[TERMINAL.into()], filling()).unwrap();
                    assert_eq!((books.lost, books.duplicated), (0, 0), "{what}");
                    assert_eq!(books.wrong, [""; 0], "{what}");
                    let moved = books.transactions.iter();
                    let moved = moved.filter(|row| row.status == Status::Confirmed).count();
                    match leads {
                        Either => assert!(moved <= 1, "{what}"),
                        Nothing => assert_eq!(moved, 0, "{what}"),
                        Moved => assert_eq!(moved, 1, "{what}"),
                    }
                }
            });
        }
    });
}

/// A bank with its accounts and a machine with notes in it. Both have ended.
fn loaded(place: &Place) {
    let mut bank = opened(place, &[]);
    operate(place, &["load", FILLING], "no fault");
    bank.ends(|_| true).unwrap();
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            fs::create_dir(&to).unwrap();
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn machine_dies(place: &Place, faults: &[String], kind: &str, both: bool, what: &str) {
    let mut bank = opened(place, &[]);
    let mut machine = place
        .machine(TERMINAL, CARD, faults, &[kind, "20.00"], "")
        .unwrap();
    dies(&mut machine, what);
    if both {
        bank.ends(|_| true).unwrap();
        bank = opened(place, &[]);
    }
    operate(place, &["settle"], what);
    bank.ends(|_| true).unwrap();
}

fn bank_dies(place: &Place, faults: &[String], kind: &str, both: bool, what: &str) {
    // The accounts, whose opening is a commit too, are there already.
    let mut bank = opened(place, faults);
    let mut machine = place
        .machine(TERMINAL, CARD, &[], &[kind, "20.00"], "")
        .unwrap();
    dies(&mut bank, what);
    if both {
        machine.ends(|_| true).unwrap();
    }
    bank = opened(place, &[]);
    assert!(matches!(ends(&mut machine), End::Exited(_)), "{what}");
    operate(place, &["settle"], what);
    bank.ends(|_| true).unwrap();
}

fn opened(place: &Place, faults: &[String]) -> Process {
    let mut bank = place.bank(faults).unwrap();
    assert!(bank.opens().unwrap());
    bank
}

/// Has an operator do something at the machine, which must go well.
fn operate(place: &Place, request: &[&str], what: &str) {
    let mut machine = place.machine(TERMINAL, CARD, &[], request, "").unwrap();
    let end = ends(&mut machine);
    let is_done = matches!(end, End::Exited(status) if status.success());
    assert!(is_done, "{what}: {request:?}: {end:?}");
}

fn dies(process: &mut Process, what: &str) {
    let end = ends(process);
    let is_crash = matches!(end, End::Exited(status) if crashed(status));
    assert!(is_crash, "{what}: it did not come there: {end:?}");
}

fn ends(process: &mut Process) -> End {
    let by = Instant::now() + HANGS;
    process.ends(|_| Instant::now() >= by).unwrap()
}

fn filling() -> Money {
    FILLING.parse().unwrap()
}
