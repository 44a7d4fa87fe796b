//! The database: what several servers do in it at once, what becomes of a commit whose answer is
//! lost, and what is said of a database that is not as it should be.

use std::io::{Read, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use proto::atm::Answer;
use proto::refusal::Code;
use testkit::postgres::{Postgres, Signal};
use testkit::require_postgres;

use super::super::audit::audit;
use super::super::bank::Bank;
use super::super::copy::{CopyError, copy};
use super::super::place::Place;
use super::super::sqlite;
use super::super::tests::{
    CARD, card, confirm, create, dep, dump, hold, hold_of, ledger, log_in, postgres, roll_back,
    with,
};
use super::super::writer::carry_out;
use super::*;

fn bank(address: &str) -> Bank {
    Bank::start(postgres(address)).unwrap()
}

fn refused(address: &str, purpose: Purpose) -> String {
    open(&address.parse().unwrap(), purpose)
        .unwrap_err()
        .to_string()
}

const SERVE: Purpose = Purpose::Serve {
    require_synchronous: false,
};

fn database_of(address: &str) -> &str {
    address.rsplit('/').next().unwrap()
}

/// Three servers, with machines at each, which all use one account, and repeat what they ask at
/// another server.
#[test]
fn three_servers_at_once_lose_no_update_and_never_wait_for_each_other_for_ever() {
    let server = require_postgres!();
    let address = server.database();
    let banks = [(); 3].map(|()| bank(&address));
    banks[0].apply(create(1, CARD)).unwrap();
    let refused = banks[1].apply(create(2, CARD)).unwrap_err();
    assert_eq!(refused.code, Code::AccountExists);
    thread::scope(|scope| {
        for machine in 0..12_usize {
            let banks = &banks;
            scope.spawn(move || {
                for number in 0..25 {
                    let id = [dep, with][number % 2]((machine * 1000 + number) as u128);
                    let [one, other] = [machine % 3, (machine + number) % 3];
                    let first = banks[one].apply(hold(id, 2_500));
                    let again = banks[other].apply(hold(id, 2_500));
                    assert_eq!(first.is_ok(), again.is_ok(), "{first:?} {again:?}");
                    let settle = if number % 3 == 0 {
                        roll_back(id)
                    } else {
                        confirm(id)
                    };
                    assert_eq!(banks[other].apply(settle.clone()).is_ok(), first.is_ok());
                    assert_eq!(banks[one].apply(settle).is_ok(), first.is_ok());
                }
            });
        }
    });
    let report = banks[2].query(|store| audit(store)).unwrap();
    assert_eq!(
        (&report.violations, report.transactions),
        (&vec![], 300),
        "{report}"
    );
}

#[test]
fn the_same_id_at_three_servers_at_once_is_done_once_whatever_else_it_says() {
    let server = require_postgres!();
    let address = server.database();
    let banks = [(); 3].map(|()| bank(&address));
    let other = "987654321";
    for (number, card) in [(1, CARD), (2, other)] {
        banks[0].apply(create(number, card)).unwrap();
    }
    for number in 0..20 {
        let id = with(number);
        let asked = [
            hold_of(CARD, id, 100),
            hold_of(other, id, 100),
            roll_back(id),
        ];
        let replies = thread::scope(|scope| {
            let asked = banks.iter().zip(asked);
            let threads: Vec<_> = asked
                .map(|(bank, operation)| scope.spawn(move || bank.apply(operation)))
                .collect();
            threads
                .into_iter()
                .map(|thread| thread.join().unwrap())
                .collect::<Vec<_>>()
        });
        let held = replies
            .iter()
            .filter(|reply| matches!(reply, Ok(Answer::Held { .. })))
            .count();
        assert!(held <= 1, "{replies:?}");
        let unavailable = |code: Code| code == Code::Unavailable || code == Code::Internal;
        let codes = replies
            .iter()
            .filter_map(|reply| Some(reply.as_ref().err()?.code));
        assert!(!codes.clone().any(unavailable), "{replies:?}");
    }
    let report = banks[0].query(|store| audit(store)).unwrap();
    assert_eq!(
        (&report.violations, report.transactions),
        (&vec![], 20),
        "{report}"
    );
}

#[test]
fn servers_that_start_at_once_make_the_tables_once() {
    let server = require_postgres!();
    for _ in 0..3 {
        let address = server.database();
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| address.parse::<Place>().unwrap().open(false).unwrap());
            }
        });
        assert_eq!(dump(&mut postgres(&address)), (vec![], vec![], vec![]));
    }
}

/// Whether a commit is asked for here, or said to be done.
fn is_commit(bytes: &[u8]) -> bool {
    bytes.windows(7).any(|part| part == b"COMMIT\0")
}

/// Relays to PostgreSQL, and loses the answer to the next commit once that is asked for.
fn relay(port: u16, loses: Arc<AtomicBool>) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let own = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for client in listener.incoming().flatten() {
            let mut server = TcpStream::connect(("127.0.0.1", port)).unwrap();
            let (mut from_client, mut to_client) = (client.try_clone().unwrap(), client);
            let (mut to_server, is_last) = (
                server.try_clone().unwrap(),
                Arc::new(AtomicBool::new(false)),
            );
            let (loses, last) = (Arc::clone(&loses), Arc::clone(&is_last));
            thread::spawn(move || {
                let mut bytes = [0; 65536];
                while let Ok(length @ 1..) = from_client.read(&mut bytes) {
                    let is_commit = bytes[..length].windows(7).any(|part| part == b"COMMIT\0");
                    if is_commit && loses.swap(false, Ordering::SeqCst) {
                        last.store(true, Ordering::SeqCst);
                    }
                    let _ = to_server.write_all(&bytes[..length]);
                }
                let _ = to_server.shutdown(std::net::Shutdown::Write);
            });
            thread::spawn(move || {
                let mut bytes = [0; 65536];
                while let Ok(length @ 1..) = server.read(&mut bytes) {
                    if is_last.load(Ordering::SeqCst) {
                        if is_commit(&bytes[..length]) {
                            break;
                        }
                        continue;
                    }
                    let _ = to_client.write_all(&bytes[..length]);
                }
                let _ = to_client.shutdown(std::net::Shutdown::Both);
            });
        }
    });
    own
}

#[test]
fn a_commit_whose_answer_is_lost_is_looked_up_before_anything_is_answered() {
    let server = require_postgres!();
    let loses = Arc::new(AtomicBool::new(false));
    let direct = server.database();
    let port = relay(server.port, Arc::clone(&loses));
    let bank = bank(&direct.replace(&server.port.to_string(), &port.to_string()));
    bank.apply(create(1, CARD)).unwrap();
    loses.store(true, Ordering::SeqCst);
    let answer = bank.apply(hold(with(1), 50_000)).unwrap();
    assert!(!loses.load(Ordering::SeqCst), "the answer was not lost");
    assert!(
        matches!(answer, Answer::Held { repeat: true, .. }),
        "{answer}"
    );
    loses.store(true, Ordering::SeqCst);
    bank.apply(confirm(with(1))).unwrap();
    let report = bank.query(|store| audit(store)).unwrap();
    assert_eq!(
        (&report.violations, report.totals.cash_out),
        (&vec![], 50_000),
        "{report}"
    );
}

#[test]
fn a_connection_that_was_ended_while_it_was_idle_is_no_failure() {
    let server = require_postgres!();
    let address = server.database();
    let bank = bank(&address);
    bank.apply(create(1, CARD)).unwrap();
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{}'",
        database_of(&address)
    );
    server.run("postgres", &end);
    bank.apply(hold(with(1), 100)).unwrap();
    server.run("postgres", &end);
    assert_eq!(bank.query(|store| store.unsettled()).unwrap().len(), 1);
}

#[test]
fn a_database_that_is_away_is_said_to_have_done_nothing_and_used_again_when_it_is_back() {
    let server = require_postgres!();
    let address = server.database();
    let bank = bank(&address);
    bank.apply(create(1, CARD)).unwrap();
    let database = database_of(&address);
    server.run(
        "postgres",
        &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS false"),
    );
    let end = format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{database}'"
    );
    server.run("postgres", &end);
    let refusal = bank.apply(hold(with(1), 100)).unwrap_err();
    assert_eq!(refusal.code, Code::Unavailable);
    server.run(
        "postgres",
        &format!("ALTER DATABASE {database} ALLOW_CONNECTIONS true"),
    );
    testkit::wait_until(|| bank.apply(hold(with(1), 100)).is_ok());
}

#[test]
fn rows_that_another_one_keeps_locked_are_not_waited_for_for_ever() {
    let server = require_postgres!();
    let address = server.database();
    let mut one = postgres(&address);
    carry_out(&mut one, &[create(1, CARD)]).remove(0).unwrap();
    one.begin(Timestamp::now(), &[hold(with(1), 100)]).unwrap();
    let bank = bank(&address);
    // The other one does not go on: at last its transaction is undone.
    let refusal = bank.apply(hold(with(2), 100)).err();
    assert!(refusal.is_none_or(|refusal| refusal.code == Code::Unavailable));
    testkit::wait_until(|| bank.apply(hold(with(2), 100)).is_ok());
    one.write(proto::atm::record::Write::PutRecord(
        TransactionRecord::Tombstone(with(3)),
    ))
    .unwrap();
    let error = one.commit().unwrap_err();
    assert!(matches!(error, CommitError::Unknown(_)), "{error}");
    assert_eq!(one.record(with(3)).unwrap(), None);
}

#[test]
fn a_server_that_was_stopped_is_given_up_in_time() {
    if !testkit::postgres::is_there() {
        return;
    }
    let server = Postgres::start(&["fsync=off"]);
    let address = server.database();
    let bank = bank(&address);
    bank.apply(create(1, CARD)).unwrap();
    server.signal_all(Signal::STOP);
    let refusal = bank.apply(hold(with(1), 100)).unwrap_err();
    assert_eq!(refusal.code, Code::Unavailable);
    server.signal_all(Signal::CONT);
    testkit::wait_until(|| bank.apply(hold(with(1), 100)).is_ok());
    assert_eq!(
        bank.query(|store| audit(store)).unwrap().violations,
        [""; 0]
    );
}

#[test]
fn what_is_wrong_with_a_database_is_said_in_one_line() {
    let server = require_postgres!();
    let address = server.database();
    for (address, purpose, words) in [
        (
            server.url("none"),
            SERVE,
            "database \"none\" does not exist: create it with createdb",
        ),
        (
            address.clone(),
            Purpose::Beside,
            "start `labserver --mode atm` with it once",
        ),
        (
            address.clone(),
            Purpose::Serve {
                require_synchronous: true,
            },
            "no standby is synchronous, so a failover may lose it (--require-synchronous)",
        ),
        (
            address.replace("bank@", "nobody@"),
            SERVE,
            "role \"nobody\" does not exist",
        ),
        (
            "postgres://bank@127.0.0.1:1/bank".to_owned(),
            SERVE,
            "is away: 127.0.0.1:1: ",
        ),
        (
            format!("{address}?sslmode=require"),
            SERVE,
            "cannot open the ledger",
        ),
    ] {
        let error = refused(&address, purpose);
        assert!(error.contains(words) && !error.contains('\n'), "{error}");
    }
    drop(postgres(&address));
    let database = database_of(&address);
    server.run(database, "UPDATE socketlab.ledger SET version = 99");
    assert!(refused(&address, SERVE).contains("newer labserver"));
    server.run(database, "DROP TABLE socketlab.ledger");
    assert!(refused(&address, SERVE).contains("is no ledger of a bank"));
}

#[test]
fn a_standby_and_a_full_disk_are_definite_refusals() {
    let server = require_postgres!();
    let address = server.database();
    let database = database_of(&address).to_owned();
    let mut store = postgres(&address);
    carry_out(&mut store, &[create(1, CARD)]).remove(0).unwrap();
    let fails = |code: &str| {
        server.run(
            &database,
            &format!(
                "CREATE OR REPLACE FUNCTION socketlab.fail() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'as asked' USING ERRCODE = '{code}'; END $$; \
                 CREATE OR REPLACE TRIGGER fails BEFORE INSERT ON socketlab.history \
                 EXECUTE FUNCTION socketlab.fail()"
            ),
        );
    };
    for code in ["53100", "25006", "54000"] {
        fails(code);
        let replies = carry_out(&mut store, &[hold(with(1), 100), hold(with(2), 100)]);
        for reply in replies {
            assert_eq!(reply.unwrap_err().code, Code::Unavailable, "{code}");
        }
    }
    server.run(&database, "DROP TRIGGER fails ON socketlab.history");
    let again = carry_out(&mut store, &[hold(with(1), 100)])
        .remove(0)
        .unwrap();
    assert!(
        matches!(again, Answer::Held { repeat: false, .. }),
        "{again}"
    );
}

#[test]
fn a_row_that_the_schema_refuses_does_not_harm_the_others() {
    let server = require_postgres!();
    let mut store = postgres(&server.database());
    let mut bad = create(1, "987654321");
    if let Operation::Create { pin_hash, .. } = &mut bad {
        // Text in PostgreSQL has no such character.
        pin_hash.push('\0');
    }
    let replies = carry_out(&mut store, &[bad, create(2, CARD)]);
    assert_eq!(replies[0].as_ref().unwrap_err().code, Code::Unavailable);
    assert!(replies[1].is_ok());
    assert_eq!(store.accounts().unwrap().len(), 1);
}

#[test]
fn the_schema_keeps_others_from_breaking_the_rules() {
    let server = require_postgres!();
    let address = server.database();
    let mut store = postgres(&address);
    let operations = [create(1, CARD), hold(with(1), 100), confirm(with(1))];
    for reply in carry_out(&mut store, &operations) {
        reply.unwrap();
    }
    let before = dump(&mut store);
    for sql in [
        "UPDATE history SET amount = 0",
        "DELETE FROM history",
        "TRUNCATE history",
        "DELETE FROM transactions",
        "UPDATE transactions SET status = 'rolled back'",
        "UPDATE accounts SET opening = 0",
        "DELETE FROM accounts",
        "UPDATE accounts SET held = posted + 1",
        "UPDATE accounts SET posted = -1",
        "INSERT INTO transactions (id, status, at) VALUES ('WITH_1', 'held', 0)",
        "INSERT INTO history (at, event, id) VALUES (0, 'held', 'WITH_none')",
    ] {
        let sql = format!(
            "DO $$ BEGIN SET LOCAL search_path = socketlab; {sql}; \
             RAISE EXCEPTION USING ERRCODE = 'P9999'; EXCEPTION \
             WHEN restrict_violation OR check_violation OR foreign_key_violation THEN NULL; END $$"
        );
        server.run(database_of(&address), &sql);
    }
    assert_eq!(dump(&mut store), before);
}

#[test]
fn a_ledger_moves_into_a_database_and_back_and_is_the_same() {
    let address = require_postgres!().database();
    let directory = tempfile::tempdir().unwrap();
    let mut file = sqlite::open(&ledger(&directory)).unwrap();
    let mut operations = vec![create(1, CARD), create(2, "987654321")];
    operations.extend((0..300).flat_map(|number| {
        let id = [with, dep][number % 2](number as u128);
        [
            hold(id, 100),
            if number % 3 == 0 {
                roll_back(id)
            } else {
                confirm(id)
            },
        ]
    }));
    operations.extend([
        hold(with(1000), 5),
        hold(with(1001), 99_999_999),
        roll_back(with(1002)),
    ]);
    operations.extend((0..20).map(|number| log_in(number, CARD, number % 4 != 1)));
    // As many writes as are sent before the commit.
    operations.extend((2000..3500).map(|number| hold(with(number), 1)));
    for some in operations.chunks(200) {
        carry_out(&mut file, some);
    }
    let times = |store: &mut dyn Store| {
        let mut times = Vec::new();
        store
            .each_record(&mut |dated| times.push(dated.at))
            .unwrap();
        store
            .each_entry(None, &mut |dated| times.push(dated.at))
            .unwrap();
        let mut logins = Vec::new();
        store.each_login(&mut |login| logins.push(login)).unwrap();
        (times, logins)
    };
    let mut database = postgres(&address);
    let report = copy(&mut file, &mut database).unwrap();
    assert_eq!((report.accounts, &report.violations), (2, &vec![]));
    assert_eq!(dump(&mut database), dump(&mut file));
    assert_eq!(times(&mut database), times(&mut file));

    let back = directory.path().join("back.db");
    let mut back = sqlite::open(&back).unwrap();
    copy(&mut database, &mut back).unwrap();
    assert_eq!(dump(&mut back), dump(&mut file));
    assert_eq!(times(&mut back), times(&mut file));
    let again = carry_out(&mut back, &[confirm(with(1000))]).remove(0);
    assert!(again.is_ok(), "{again:?}");

    let refused = copy(&mut file, &mut database).unwrap_err();
    assert!(matches!(refused, CopyError::NotEmpty(2)), "{refused}");
    assert_eq!(
        database.account(&card(CARD)).unwrap(),
        file.account(&card(CARD)).unwrap()
    );
}
