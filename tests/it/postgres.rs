//! Two servers on one database: the real programs, killed and stopped.

use serde_json::Value;
use testkit::process::{Process, Program, Signal};
use testkit::{assert_contains, at_once, require_postgres};

const CARD: &str = "123456789";

/// A server on this database, which is open.
fn server(home: &std::path::Path, ledger: &str, more: &[&str]) -> Process {
    let server = crate::program("labserver", home)
        .with(&["--mode", "atm", "--port", "0", "--ledger", ledger])
        .with(more)
        .start();
    server.address("atm tcp");
    server
}

fn withdraw(home: &std::path::Path, servers: &str, terminal: &str, amount: &str) -> Program {
    crate::program("labclient", home)
        .pin("1234")
        .at(servers)
        .with(&[
            "atm",
            "--card",
            CARD,
            "--terminal",
            terminal,
            "withdraw",
            amount,
        ])
}

fn audit(home: &std::path::Path, ledger: &str) -> Value {
    let audit = ["ledger", "--json", "audit", "--ledger", ledger];
    let audit = crate::program("labserver", home).with(&audit).run();
    testkit::objects(&audit.stdout).remove(0)
}

#[test]
fn a_withdrawal_goes_on_at_the_other_server_of_a_database_wherever_the_first_one_dies() {
    let postgres = require_postgres!();
    let faults = [
        "crash-at=before-commit#2",
        "crash-at=after-commit#2",
        "crash-at=before-commit#3",
        "crash-at=after-commit#3",
    ];
    at_once(faults, |fault| {
        let directory = tempfile::tempdir().unwrap();
        let (home, ledger) = (directory.path(), postgres.database());
        let other = server(home, &ledger, &[]);
        let dying = server(home, &ledger, &["--fault", fault]);
        let [first, next] = [&dying, &other].map(|server| server.address("atm tcp"));
        let ended = withdraw(home, &format!("{first},{next}"), "M", "500").run();
        assert_eq!(ended.status, Some(0), "{fault}: {ended:?}");
        assert_contains(&ended.stderr, &[&format!("; going on at {next}")]);
        dying.end_by_itself();
        let report = audit(home, &ledger);
        let sums = [&report["cash_out"], &report["held"]];
        assert_eq!(sums, ["500.00", "0.00"], "{fault}: {report}");
        let counts = [&report["transactions"], &report["unsettled"]];
        assert_eq!(counts, [1, 0], "{fault}: {report}");
        other.stop();
    });
}

#[test]
fn a_server_that_is_stopped_in_a_transaction_keeps_nobody_from_the_bank() {
    let postgres = require_postgres!();
    let directory = tempfile::tempdir().unwrap();
    let (home, ledger) = (directory.path(), postgres.database());
    let servers = [server(home, &ledger, &[]), server(home, &ledger, &[])];
    let [stopped, other] = [0, 1].map(|number| servers[number].address("atm tcp"));
    servers[0].signal(Signal::STOP);
    let machine = withdraw(home, &format!("{stopped},{other}"), "M", "500");
    let ended = machine.run();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    servers[0].signal(Signal::CONT);
    let ended = withdraw(home, &stopped.to_string(), "N", "250").run();
    assert_contains(&ended.stdout, &["9250.00"]);
    for server in servers {
        server.stop();
    }
    let report = audit(home, &ledger);
    assert_eq!(
        [&report["cash_out"], &report["held"]],
        ["750.00", "0.00"],
        "{report}"
    );
}

#[test]
fn a_bank_moves_from_its_file_into_a_database_is_used_there_and_moves_back() {
    let postgres = require_postgres!();
    let directory = tempfile::tempdir().unwrap();
    let (home, database) = (directory.path(), postgres.database());
    let ledger = |words: &[&str]| {
        let program = crate::program("labserver", home).with(&["ledger"]);
        program.with(words).run()
    };
    let file = server(home, "one.db", &[]);
    let at = file.address("atm tcp").to_string();
    assert_eq!(withdraw(home, &at, "M", "500").run().status, Some(0));
    let backup = ledger(&["backup", "kept.db", "--ledger", "one.db"]);
    assert_eq!(backup.status, Some(0), "{backup:?}");
    assert_contains(&backup.stdout, &["copied one.db to kept.db\n", "sound"]);
    file.stop();

    let copied = ledger(&["copy", "one.db", &database]);
    assert_eq!(copied.status, Some(0), "{copied:?}");
    assert_contains(
        &copied.stdout,
        &["copied one.db to postgres://bank@", "sound"],
    );
    let shared = server(home, &database, &[]);
    let at = shared.address("atm tcp").to_string();
    let ended = withdraw(home, &at, "M", "500").run();
    assert_contains(&ended.stdout, &["9000.00"]);
    shared.stop();

    let again = ledger(&["copy", "one.db", &database]);
    again.refused(1, &["has 2 accounts already: name an empty one"]);
    let backup = ledger(&["--json", "backup", "back.db", "--ledger", &database]);
    assert_eq!(testkit::objects(&backup.stdout)[0], audit(home, &database));
    let backup = ledger(&["backup", "back.db", "--ledger", &database]);
    backup.refused(1, &["there is a file back.db already"]);
    let back = server(home, "back.db", &[]);
    let at = back.address("atm tcp").to_string();
    let ended = withdraw(home, &at, "M", "500").run();
    assert_contains(&ended.stdout, &["8500.00"]);
    back.stop();
}

#[test]
fn a_database_without_a_standby_is_warned_of_and_refused_where_one_is_required() {
    let postgres = require_postgres!();
    let directory = tempfile::tempdir().unwrap();
    let (home, ledger) = (directory.path(), postgres.database());
    // Twice the same server: who names several expects one to take the other's place.
    let port = format!(":{}", postgres.port);
    let two = ledger.replacen(&port, &format!("{port},127.0.0.1{port}"), 1);
    let warned = server(home, &two, &[]).stop();
    assert_contains(
        &warned.stderr,
        &["no standby is synchronous, so a failover may lose it"],
    );
    let program = crate::program("labserver", home);
    let required = [
        "--mode",
        "atm",
        "--port",
        "0",
        "--require-synchronous",
        "--ledger",
    ];
    let refused = program.with(&required).with(&[&ledger]).run();
    refused.refused(1, &["may lose what it committed", "--require-synchronous"]);
    let program = crate::program("labserver", home);
    program
        .with(&required)
        .with(&["bank.db"])
        .run()
        .refused(2, &["postgres://"]);
}
