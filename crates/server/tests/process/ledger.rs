//! The bank's ledger between two servers, beside one, and in the hands of an operator.

use uuid::Uuid;

use crate::customer::{CARD, PIN};
use crate::labserver::{Home, start};

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

#[test]
fn the_ledger_is_kept_where_the_help_says() {
    let home = Home::new();
    let ended = home.run(&["ledger", "audit"]);
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    assert!(
        ended.stderr.contains("start `labserver --mode atm` once"),
        "{ended:?}"
    );
    home.start(BANK).stop();
    assert!(home.path().join("socketlab/bank.db").exists());
    assert!(home.answer(&["ledger", "audit"]).contains("sound"));
}

#[test]
fn an_operator_sees_accounts_history_and_what_is_not_settled() {
    let home = Home::new();
    let server = home.start(BANK);
    let mut peer = server.converse("atm tcp");
    peer.ask("TERMINAL ATM-7");
    peer.log_in(CARD, PIN);
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
        let history: Vec<_> = history.lines().map(words).collect();
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
        for part in ["withdrawal", "20.50", CARD, "ATM-7", &open] {
            assert!(unsettled.contains(part), "no {part} in: {unsettled}");
        }
        assert!(home.answer(&["ledger", "audit"]).contains("sound"));
    };
    look();
    assert_eq!(server.stop().status, Some(0));
    look();
    let unknown = home.run(&["ledger", "history", "4000999"]);
    assert_eq!(unknown.status, Some(1));
    assert_eq!(
        unknown.stderr,
        "labserver: no account has the card number 4000999\n"
    );
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
    assert_eq!((second.status, second.stdout.as_str()), (Some(1), ""));
    let ledger = home.path().join("socketlab/bank.db");
    assert_eq!(
        second.stderr,
        format!(
            "labserver: the ledger {} is in use by another server: stop that one, or name another \
             file\n",
            ledger.display()
        )
    );
    assert_eq!(
        first.converse("atm tcp").log_in(CARD, PIN),
        "OK welcome Joty"
    );
    let elsewhere = home.start(&[BANK, &["--ledger", "other.db"]].concat());
    assert_eq!(
        elsewhere.converse("atm tcp").log_in(CARD, PIN),
        "OK welcome Joty"
    );
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
            assert_eq!(
                (ended.status, ended.stdout.as_str()),
                (Some(1), ""),
                "{ended:?}"
            );
            assert!(ended.stderr.contains(words), "{ended:?}");
            assert!(
                std::fs::read(&file).unwrap() == bytes,
                "the file was written to"
            );
        }
    }
    std::fs::write(&file, good).unwrap();
    assert_eq!(
        home.start(&in_file).converse("atm tcp").log_in(CARD, PIN),
        "OK welcome Joty"
    );
}

#[test]
fn a_ledger_that_cannot_be_made_is_named() {
    let ended = Home::new().run(&[BANK, &["--ledger", "no/such/bank.db"]].concat());
    assert_eq!((ended.status, ended.stdout.as_str()), (Some(1), ""));
    let words = "labserver: cannot open the ledger no/such/bank.db";
    assert!(ended.stderr.starts_with(words), "{ended:?}");
}

#[test]
fn a_ledger_in_memory_leaves_no_file_and_is_forgotten() {
    let home = Home::new();
    let in_memory = [BANK, &["--ledger", "memory"]].concat();
    for _ in 0..2 {
        let server = home.start(&in_memory);
        let mut peer = server.converse("atm tcp");
        peer.log_in(CARD, PIN);
        assert_eq!(
            peer.ask("BALANCE_INQUIRY"),
            "OK available 10000.00, held 0.00"
        );
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
    home.start(&[
        "--mode",
        "text",
        "--port",
        "0",
        "--ledger",
        "no/such/bank.db",
    ])
    .stop();
    assert_eq!(std::fs::read_dir(home.path()).unwrap().count(), 0);
    start(&["--mode", "calc", "--port", "0"]);
}
