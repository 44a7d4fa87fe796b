//! The bank's ledger between two servers, beside one, and in the hands of an operator.

use serde_json::{Value, json};
use testkit::peer::Peer;
use testkit::process::{Process, words};
use uuid::Uuid;

use crate::labserver::{CARD, Home, PIN, start};

const BANK: &[&str] = &["--mode", "atm", "--port", "0"];

/// The line of `ledger accounts` about the hand-out's first account, as words.
fn account(home: &Home) -> Vec<String> {
    let accounts = home.answer(&["ledger", "accounts"]);
    let line = accounts
        .lines()
        .find(|line| line.starts_with(CARD))
        .unwrap();
    line.split_whitespace().map(str::to_owned).collect()
}

/// The bank lets its customer in.
#[track_caller]
fn is_open(bank: &Process) {
    let answer = bank.converse("atm tcp").log_in(CARD, PIN);
    assert_eq!(answer, "OK welcome Joty");
}

/// A machine at this bank with its customer logged in.
fn logged_in(bank: &Process) -> Peer {
    let mut peer = bank.converse("atm tcp");
    peer.ask("TERMINAL ATM-7");
    peer.log_in(CARD, PIN);
    peer
}

#[test]
fn the_ledger_is_kept_where_the_help_says() {
    let home = Home::new();
    let ended = home.run(&["ledger", "audit"]);
    ended.refused(1, &["start `labserver --mode atm` once"]);
    home.start(BANK).stop();
    assert!(home.path().join("socketlab/bank.db").exists());
    assert!(home.answer(&["ledger", "audit"]).contains("sound"));
}

#[test]
fn an_operator_sees_accounts_history_and_what_is_not_settled() {
    let home = Home::new();
    let server = home.start(BANK);
    let mut peer = logged_in(&server);
    let settled = format!("WITH_{}", Uuid::now_v7());
    peer.ask(&format!("WITHDRAW {settled} 500"));
    peer.ask(&format!("CONFIRM {settled}"));
    let open = format!("WITH_{}", Uuid::now_v7());
    peer.ask(&format!("WITHDRAW {open} 20.50"));
    // While the server runs, and after.
    let look = || {
        assert_eq!(
            account(&home),
            [CARD, "9479.50", "20.50", "0.00", "open", "Joty"]
        );
        let history = home.answer(&["ledger", "history", CARD]);
        let words = |line: &str| {
            let words: Vec<_> = line.split_whitespace().skip(1).collect();
            words.join(" ")
        };
        let (day, entries) = history.split_once('\n').unwrap();
        assert!(day.ends_with(", UTC"), "{history}");
        let history: Vec<_> = entries.lines().map(words).collect();
        assert_eq!(history[0], "opened 10000.00");
        assert_eq!(
            history[1..],
            [
                format!("held 500.00 {settled}"),
                format!("confirmed 500.00 {settled}"),
                format!("held 20.50 {open}"),
            ]
        );
        let unsettled = home.answer(&["ledger", "unsettled"]);
        assert_eq!(unsettled.lines().count(), 1, "{unsettled}");
        for part in ["20.50", CARD, "ATM-7", &open] {
            assert!(unsettled.contains(part), "no {part} in: {unsettled}");
        }
        assert!(home.answer(&["ledger", "audit"]).contains("sound"));
    };
    look();
    assert_eq!(server.stop().status, Some(0));
    look();
    let unknown = home.run(&["ledger", "history", "4000999"]);
    unknown.failed(1, "no account has the card number 4000999");
}

#[test]
fn a_program_gets_what_an_operator_sees_as_objects() {
    let home = Home::new();
    let server = home.start(BANK);
    let mut peer = logged_in(&server);
    let id = format!("WITH_{}", Uuid::now_v7());
    peer.ask(&format!("WITHDRAW {id} 500"));
    let objects = |arguments: &[&str]| -> Vec<Value> {
        let answer = home.answer(&[&["ledger", "--json"], arguments].concat());
        let objects = answer
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        objects.collect()
    };
    let audit = objects(&["audit"]);
    let expected = json!([{
        "sound": true, "available": "14500.00", "held": "500.00", "cash_out": "0.00",
        "opening": "15000.00", "paid_in": "0.00", "pending": "0.00",
        "accounts": 2, "transactions": 1, "unsettled": 1, "entries": 3, "violations": [],
    }]);
    assert_eq!(json!(audit), expected);
    let accounts = objects(&["accounts"]);
    let expected = json!({
        "card": CARD, "holder": "Joty", "available": "9500.00", "held": "500.00",
        "pending": "0.00", "opening": "10000.00", "locked": false,
        "locked_until": null,
    });
    assert_eq!((accounts.len(), &accounts[0]), (2, &expected));
    let without_times = |mut object: Value, times: &[&str]| {
        for member in times {
            assert!(
                object.as_object_mut().unwrap().remove(*member).is_some(),
                "no {member}"
            );
        }
        object
    };
    let history = objects(&["history", CARD]);
    assert_eq!(
        without_times(history[1].clone(), &["at"]),
        json!({"event": "held", "card": CARD, "id": id, "amount": "500.00"})
    );
    let unsettled = objects(&["unsettled"]);
    assert_eq!(
        without_times(unsettled[0].clone(), &["at", "age_seconds"]),
        json!({
            "kind": "withdrawal", "id": id, "card": CARD, "amount": "500.00", "terminal": "ATM-7",
        })
    );
    let settled = json!([{"id": id, "settled": "rolled back", "repeat": false}]);
    assert_eq!(json!(objects(&["settle", &id, "rollback"])), settled);
    assert_eq!(objects(&["unsettled"]), [] as [Value; 0]);
    let unlocked = json!([{"card": CARD, "was_locked": false}]);
    assert_eq!(json!(objects(&["unlock", CARD])), unlocked);
}

#[test]
fn the_example_of_accounts_works_as_it_is() {
    let home = Home::new();
    let example = home.answer(&["ledger", "accounts", "--example"]);
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    std::fs::write(home.path().join("class.toml"), example).unwrap();
    let server = home.start(&[BANK, &["--accounts", "class.toml"]].concat());
    is_open(&server);
}

#[test]
fn a_card_stays_locked_over_a_restart_until_an_operator_unlocks_it() {
    let home = Home::new();
    let server = home.start(BANK);
    for _ in 0..3 {
        // A connection each: the count is the card's.
        let refusal = server.converse("atm tcp").log_in(CARD, "0000");
        assert!(refusal.starts_with("ERR wrong-credentials "), "{refusal}");
    }
    let locked = |refusal: String| assert!(refusal.starts_with("ERR card-locked "), "{refusal}");
    locked(server.converse("atm tcp").log_in(CARD, PIN));
    server.stop();
    let server = home.start(BANK);
    locked(server.converse("atm tcp").log_in(CARD, PIN));
    assert_eq!(account(&home)[4], "locked");
    let mut waiting = server.converse("atm tcp");
    assert_eq!(
        home.answer(&["ledger", "unlock", CARD]),
        format!("{CARD} is unlocked\n")
    );
    assert_eq!(waiting.log_in(CARD, PIN), "OK welcome Joty");
    assert_eq!(account(&home)[4], "open");
}

#[test]
fn two_servers_cannot_have_one_ledger() {
    let home = Home::new();
    let first = home.start(BANK);
    let second = home.run(BANK);
    let ledger = home.path().join("socketlab/bank.db");
    let reason = format!(
        "the ledger {} is in use by another server: stop that one, or name another file",
        ledger.display()
    );
    second.failed(1, &reason);
    is_open(&first);
    let elsewhere = home.start(&[BANK, &["--ledger", "other.db"]].concat());
    is_open(&elsewhere);
}

#[cfg(unix)]
#[test]
fn a_second_server_is_refused_by_whatever_name_it_comes_to_the_ledger() {
    let home = Home::new();
    let path = |name: &str| home.path().join(name);
    let at = |ledger: &'static str| [BANK, &["--ledger", ledger]].concat();
    let first = home.start(&at("bank.db"));
    let mut peer = logged_in(&first);
    let id = format!("WITH_{}", Uuid::now_v7());
    peer.ask(&format!("WITHDRAW {id} 500"));
    let refused = |ledger: &'static str, words: &str| {
        let second = home.run(&at(ledger));
        second.exited(1, "");
        let words = format!("labserver: the ledger {ledger} {words}");
        assert!(second.stderr.starts_with(&words), "{second:?}");
    };
    std::os::unix::fs::symlink(path("bank.db"), path("symbolic.db")).unwrap();
    refused("symbolic.db", "is in use by another server");
    std::fs::hard_link(path("bank.db"), path("hard.db")).unwrap();
    refused("hard.db", "has 2 names (hard links)");
    std::fs::remove_file(path("hard.db")).unwrap();
    if cfg!(target_os = "linux") {
        std::fs::rename(path("bank.db"), path("renamed.db")).unwrap();
        refused("renamed.db", "is in use by another server");
        std::fs::rename(path("renamed.db"), path("bank.db")).unwrap();
    }
    // None of them has changed anything, nor taken a lock from the first.
    peer.ask(&format!("CONFIRM {id}"));
    assert!(
        home.answer(&["ledger", "audit", "--ledger", "symbolic.db"])
            .contains("sound")
    );
    refused("bank.db", "is in use by another server");
    drop(first);
    let again = home.start(&at("symbolic.db"));
    let mut peer = logged_in(&again);
    let balance = peer.ask("BALANCE_INQUIRY");
    assert_eq!(balance, "OK available 9500.00, held 0.00");
}

#[test]
fn a_ledger_without_a_place_is_reported_with_what_to_do() {
    let home = Home::new();
    std::fs::write(home.path().join("socketlab"), "").unwrap();
    let ended = home.run(BANK);
    let words = format!(
        "labserver: cannot make the directory {}/socketlab: not a directory for the ledger: set \
         XDG_STATE_HOME to a directory of yours, or name a file with --ledger\n",
        home.path().display()
    );
    assert_eq!((ended.status, ended.stderr), (Some(1), words));

    let relative = [("HOME", "relative"), ("XDG_STATE_HOME", "relative")];
    let ended = home
        .program(BANK)
        .adjust(|command| command.envs(relative))
        .run();
    let words = "labserver: there is no home directory: set HOME or XDG_STATE_HOME to an absolute \
        path, or name a ledger with --ledger\n";
    assert_eq!((ended.status, ended.stderr.as_str()), (Some(1), words));
    assert!(!home.path().join("relative").exists());
}

#[test]
fn a_look_at_a_ledger_that_is_not_there_makes_nothing() {
    let home = Home::new();
    for command in [
        &["audit"][..],
        &["accounts"],
        &["unsettled"],
        &["unlock", CARD],
    ] {
        let ended = home.run(&[&["ledger"], command].concat());
        ended.complained(1, &["no ledger at"]);
        assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    }
}

#[test]
fn a_ledger_that_is_none_or_damaged_is_refused_and_left_alone() {
    let home = Home::new();
    let file = home.path().join("bank.db");
    let in_file = [BANK, &["--ledger", "bank.db"]].concat();
    home.start(&in_file).stop();
    let good = std::fs::read(&file).unwrap();
    let mut damaged = good.clone();
    // All pages but the first, which says what the file is.
    damaged[4096..].fill(0xa5);
    for (bytes, words) in [
        (damaged.as_slice(), "the ledger bank.db is damaged ("),
        (
            b"dear diary, today I learnt about sockets",
            "bank.db is no ledger of a bank, and is left alone",
        ),
    ] {
        std::fs::write(&file, bytes).unwrap();
        for arguments in [
            in_file.as_slice(),
            &["ledger", "audit", "--ledger", "bank.db"],
        ] {
            let ended = home.run(arguments);
            ended.refused(1, &[words]);
            assert!(
                std::fs::read(&file).unwrap() == bytes,
                "the file was written to"
            );
        }
    }
    std::fs::write(&file, good).unwrap();
    is_open(&home.start(&in_file));
}

#[test]
fn a_ledger_that_cannot_be_made_is_named() {
    let ended = Home::new().run(&[BANK, &["--ledger", "no/such/bank.db"]].concat());
    let reason = "cannot open the ledger no/such/bank.db: there is no directory no/such: make \
         it, or name another file with --ledger";
    ended.failed(1, reason);
}

#[test]
fn a_ledger_in_memory_leaves_no_file_and_is_forgotten() {
    let home = Home::new();
    let in_memory = [BANK, &["--ledger", "memory"]].concat();
    for _ in 0..2 {
        let server = home.start(&in_memory);
        let mut peer = logged_in(&server);
        let balance = peer.ask("BALANCE_INQUIRY");
        assert_eq!(balance, "OK available 10000.00, held 0.00");
        let id = format!("WITH_{}", Uuid::now_v7());
        peer.ask(&format!("WITHDRAW {id} 500"));
        server.stop();
    }
    let files = std::fs::read_dir(home.path()).unwrap().count();
    assert_eq!(files, 0);
}

#[test]
fn other_services_need_no_ledger() {
    let home = Home::new();
    home.start(&words("--mode text --port 0 --ledger no/such/bank.db"))
        .stop();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    start(&["--mode", "calc", "--port", "0"]);
}
