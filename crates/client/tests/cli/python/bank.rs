//! A bank in Python: whatever is lost, the money moves exactly once, and it is kept on the disk.

use tempfile::TempDir;
use testkit::assert_contains;
use testkit::at_once;
use testkit::process::{Ended, Process, Program};

use super::server_in;
use crate::labclient::at;

const CARD: &str = "123456789";

struct Bank {
    home: TempDir,
    server: Process,
}

impl Bank {
    fn open() -> Bank {
        let home = tempfile::tempdir().unwrap();
        let server = server_in(home.path(), "atm_server.py", &["--ledger", "bank.db"]);
        Bank { home, server }
    }

    /// Ends it as a power failure does, and opens it again where it was.
    fn crash(self) -> Bank {
        let port = self.server.address("atm tcp").port().to_string();
        let arguments = ["--ledger", "bank.db", "--port", &port];
        self.server.kill();
        let server = server_in(self.home.path(), "atm_server.py", &arguments);
        Bank { server, ..self }
    }

    fn machine(&self, words: &[&str]) -> Program {
        self.machine_of(CARD, words)
    }

    fn machine_of(&self, card: &str, words: &[&str]) -> Program {
        // A hash of a PIN takes the interpreter long where many of them run at once.
        self.machine_within("60", card).with(words)
    }

    fn machine_within(&self, timeout: &str, card: &str) -> Program {
        let words = ["atm", "--card", card, "--timeout", timeout];
        at(self.server.address("atm tcp"), &words)
    }

    fn run(&self, words: &[&str]) -> Ended {
        self.machine(words).run()
    }

    #[track_caller]
    fn has(&self, available: &str) {
        let json = self.run(&["balance", "--json"]);
        let expected = format!(r#"{{"available":"{available}","held":"0.00","ok":true}}"#);
        assert_eq!(json.stdout.trim_end(), expected, "{json:?}");
    }
}

#[test]
fn it_does_all_that_a_machine_asks_and_remembers_it() {
    testkit::require_python!();
    let bank = Bank::open();
    let receipt = bank.run(&["withdraw", "500"]);
    assert_eq!(receipt.status, Some(0), "{receipt:?}");
    assert_contains(&receipt.stdout, &["Available   9500.00"]);
    let receipt = bank.run(&["deposit", "20.5"]);
    assert_eq!(receipt.status, Some(0), "{receipt:?}");
    let refused = bank.run(&["withdraw", "9520.51"]);
    refused.complained(1, &["only 9520.50 available"]);
    let new = "5550001111";
    let create = ["create", "Ada Lovelace", "100"];
    let created = bank.machine_of(new, &create).run();
    assert_eq!(created.status, Some(0), "{created:?}");
    let refused = bank.machine_of(new, &create).run();
    assert!(refused.stderr.contains("exists"), "{refused:?}");
    let bank = bank.crash();
    bank.has("9520.50");
    bank.machine_of(new, &["balance"]).run().printed("100.00\n");
}

#[test]
fn three_wrong_pins_lock_the_card_across_a_crash() {
    testkit::require_python!();
    let bank = Bank::open();
    for _ in 0..2 {
        let refused = bank.machine(&["balance"]).pin("0000").run();
        assert!(refused.stderr.contains("wrong PIN"), "{refused:?}");
    }
    let bank = bank.crash();
    let refused = bank.machine(&["balance"]).pin("0000").run();
    assert!(refused.stderr.contains("wrong PIN"), "{refused:?}");
    let locked = bank.run(&["balance"]);
    locked.complained(1, &["three wrong PINs"]);
}

#[test]
fn a_message_that_is_lost_doubled_or_cut_debits_the_account_once() {
    testkit::require_python!();
    // A machine's name, its log-in, the hold, the confirmation.
    at_once(
        [
            "drop-reply=#1",
            "drop-reply=#2",
            "drop-reply=#3",
            "drop-reply=#4",
            "drop-request=#3",
            "duplicate=#3-4",
            "cut=#3",
            "cut=#4",
        ],
        |fault| {
            let bank = Bank::open();
            let machine = bank.machine_within("5", CARD);
            let ended = machine.with(&["--fault", fault, "withdraw", "500"]).run();
            ended.complained(0, &["fault: "]);
            bank.has("9500.00");
        },
    );
}

#[test]
fn a_hold_outlives_the_bank_and_is_settled_by_the_machine_that_knows_its_id() {
    testkit::require_python!();
    for (point, left) in [
        ("after-dispense", "9500.00"),
        ("before-dispense", "10000.00"),
    ] {
        let bank = Bank::open();
        let state = bank.home.path().join("machine");
        let at_home =
            |machine: Program| machine.adjust(|command| command.env("XDG_STATE_HOME", &state));
        let machine = ["--terminal", "ATM-1"];
        let fault = format!("crash-at={point}");
        let words = [&machine[..], &["--fault", &fault, "withdraw", "500"]].concat();
        let died = at_home(bank.machine(&words)).run();
        assert_ne!(died.status, Some(0), "{point}: {died:?}");
        let held = bank.run(&["balance", "--json"]);
        assert!(held.stdout.contains(r#""held":"500.00""#), "{held:?}");
        let bank = bank.crash();
        let settled = at_home(bank.machine(&[&machine[..], &["settle"]].concat())).run();
        assert_eq!(settled.status, Some(0), "{point}: {settled:?}");
        bank.has(left);
    }
}
