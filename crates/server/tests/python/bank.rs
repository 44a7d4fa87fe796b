//! A cash machine in Python: whatever is lost, the money moves exactly once.

use std::path::Path;

use testkit::at_once;
use testkit::process::{Ended, Process};

use super::program;
use crate::labserver::{CARD, Home};

const BANK: &[&str] = &["--mode", "atm", "--port", "0"];

/// What strikes a machine that logs in, asks for the balance, for a hold, and confirms.
const FAULTS: [&str; 11] = [
    "drop-reply=#1",
    "drop-reply=#2",
    "drop-reply=#3",
    "drop-reply=#4",
    "drop-request=#3",
    "cut=#3",
    "cut=#4",
    "error=#3",
    "error=#4",
    "duplicate=#3",
    "duplicate=#4",
];

struct Bank {
    home: Home,
    server: Process,
}

impl Bank {
    fn open(arguments: &[&str]) -> Bank {
        let home = Home::new();
        let server = home.start(&[BANK, arguments].concat());
        Bank { home, server }
    }

    /// Stops it, and opens it again without faults.
    fn reopen(self) -> Bank {
        self.server.stop();
        let server = self.home.start(BANK);
        Bank { server, ..self }
    }

    fn machine(&self, words: &[&str]) -> Process {
        let address = self.server.address("atm tcp").to_string();
        let journal = self.home.path().join("machine.journal");
        let fixed = ["--server", &address, "--journal", journal.to_str().unwrap()];
        let quick = ["--timeout", "1", "--card", CARD];
        program("atm_client.py", &[&fixed, &quick, words].concat())
    }

    fn run(&self, words: &[&str]) -> Ended {
        self.machine(words).end_after("")
    }

    /// The books are sound, nothing is held, and this much is left.
    #[track_caller]
    fn has_settled_at(&self, available: &str) {
        assert!(self.home.answer(&["ledger", "audit"]).contains("sound"));
        let unsettled = self.home.answer(&["ledger", "unsettled"]);
        assert_eq!(unsettled, "every transaction is settled\n");
        let accounts = self.home.answer(&["ledger", "accounts"]);
        let line = accounts.lines().find(|line| line.starts_with(CARD));
        let words: Vec<_> = line.unwrap().split_whitespace().collect();
        assert_eq!(words[1..3], [available, "0.00"], "{accounts}");
    }
}

#[test]
fn a_machine_withdraws_pays_in_and_is_reported_when_there_is_not_enough() {
    testkit::require_python!();
    let bank = Bank::open(&[]);
    bank.run(&["balance"])
        .exited(0, "available 10000.00, held 0.00\n");
    let ended = bank.run(&["withdraw", "500"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.starts_with("500.00 paid out\n"), "{ended:?}");
    let ended = bank.run(&["deposit", "20.5"]);
    assert!(ended.stdout.starts_with("20.50 taken in\n"), "{ended:?}");
    let ended = bank.run(&["withdraw", "9520.51"]);
    assert_eq!(ended.status, Some(1));
    assert!(!ended.stdout.contains("paid out"), "{ended:?}");
    assert!(ended.stderr.contains("insufficient-funds"), "{ended:?}");
    bank.has_settled_at("9520.50");
    for amount in ["0", "-5", "1e3", "1.234", "٥", "5_0", " 5"] {
        let ended = bank.run(&["withdraw", "--", amount]);
        assert_eq!(ended.status, Some(2), "{amount}: {ended:?}");
    }
    bank.has_settled_at("9520.50");
}

#[test]
fn a_wrong_pin_leaves_nothing_to_settle() {
    testkit::require_python!();
    let bank = Bank::open(&[]);
    let ended = bank.run(&["--card", "987654321", "withdraw", "500"]);
    ended.refused(1, &["wrong-credentials"]);
    bank.run(&["settle"]).exited(0, "");
    bank.has_settled_at("10000.00");
}

#[test]
fn a_reply_that_is_lost_or_cut_is_asked_for_again_and_the_money_moves_once() {
    testkit::require_python!();
    at_once(FAULTS, |fault| {
        let bank = Bank::open(&["--fault", fault]);
        let ended = bank.run(&["--timeout", "3", "withdraw", "500"]);
        assert_eq!(ended.status, Some(0), "{fault}: {ended:?}");
        let paid = ended.stdout.matches("500.00 paid out").count();
        assert_eq!(paid, 1, "{fault}: {ended:?}");
        bank.server.stderr.wait_for("fault: ");
        bank.has_settled_at("9500.00");
    });
}

#[test]
fn a_machine_that_runs_out_of_patience_does_not_pay_and_rolls_back_later() {
    testkit::require_python!();
    let bank = Bank::open(&["--fault", "drop-reply=#3-1000"]);
    let ended = bank.run(&["--timeout", "2", "--patience", "0.1", "withdraw", "500"]);
    ended.exited(4, "");
    let bank = bank.reopen();
    let ended = bank.run(&["settle"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("rolled back"), "{ended:?}");
    bank.run(&["settle"]).exited(0, "");
    bank.has_settled_at("10000.00");
}

#[test]
fn a_machine_that_dies_before_it_knows_of_the_hold_rolls_back_when_it_starts_again() {
    testkit::require_python!();
    let bank = Bank::open(&["--fault", "drop-reply=#3-1000"]);
    // On a busy computer a log-in that is asked again would be the third request.
    let machine = bank.machine(&["--timeout", "60", "withdraw", "500"]);
    bank.server.stderr.wait_for("fault: reply #3: drop");
    let journal = bank.home.path().join("machine.journal");
    is_one_machines_alone(&bank, &journal);
    machine.kill();
    let unsettled = bank.home.answer(&["ledger", "unsettled"]);
    assert_eq!(unsettled.lines().count(), 1, "{unsettled}");
    let bank = bank.reopen();
    // The next customer's wish comes after what is open.
    let ended = bank.run(&["withdraw", "20"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert!(lines[0].ends_with(" 500.00: rolled back"), "{ended:?}");
    assert_eq!(lines[1], "20.00 paid out");
    bank.has_settled_at("9980.00");
}

fn is_one_machines_alone(bank: &Bank, journal: &Path) {
    assert!(journal.exists());
    let second = bank.run(&["settle"]);
    second.complained(1, &["another machine"]);
}

#[test]
fn a_machine_that_dies_with_the_notes_out_confirms_when_it_starts_again() {
    testkit::require_python!();
    let bank = Bank::open(&["--fault", "drop-reply=#4-1000"]);
    // A request that is sent again has an answer that is counted too.
    let machine = bank.machine(&["--timeout", "20", "withdraw", "500"]);
    machine.stdout.wait_for("500.00 paid out");
    machine.kill();
    let bank = bank.reopen();
    let ended = bank.run(&["settle"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("500.00: confirmed"), "{ended:?}");
    bank.has_settled_at("9500.00");
}
