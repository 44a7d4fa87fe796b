//! The file: who may open it, what it refuses to hold, and what damage is noticed.

use std::fs;
use std::io::{Seek, SeekFrom, Write as _};

use proto::atm::Money;
use proto::atm::bank::Operation;
use proto::refusal::Code;
use tempfile::TempDir;

use super::super::audit::audit;
use super::super::bank::Bank;
use super::super::command::{Command, Format, run};
use super::super::tests::{CARD, card, confirm, create, dump, hold, ledger, log_in, with};
use super::*;

/// A ledger with some holds, closed.
fn some_ledger() -> TempDir {
    let directory = TempDir::new().unwrap();
    let bank = Bank::start(open(&ledger(&directory)).unwrap()).unwrap();
    bank.apply(create(1, CARD)).unwrap();
    for number in 0..200 {
        bank.apply(hold(with(number), 100)).unwrap();
    }
    bank.apply(confirm(with(1))).unwrap();
    directory
}

#[test]
fn two_banks_cannot_share_a_ledger_but_an_operator_may_look() {
    let directory = some_ledger();
    let path = ledger(&directory);
    let mut served = open(&path).unwrap();
    let refused = open(&path).unwrap_err();
    assert!(matches!(refused, OpenError::InUse(_)), "{refused}");
    let mut beside = open_beside(&path, Access::Read).unwrap();
    assert_eq!(dump(&mut served), dump(&mut beside));
    drop(served);
    open(&path).unwrap();
}

#[test]
fn a_copy_made_while_a_server_has_the_ledger_is_a_ledger_of_its_own() {
    let directory = some_ledger();
    let (path, copy) = (ledger(&directory), directory.path().join("copy.db"));
    let bank = Bank::start(open(&path).unwrap()).unwrap();
    bank.apply(hold(with(900), 100)).unwrap();
    let beside = open_beside(&path, Access::Read).unwrap();
    beside.copy_to(&copy).unwrap();
    bank.apply(hold(with(901), 100)).unwrap();
    let mut copied = open_beside(&copy, Access::Read).unwrap();
    assert!(audit(&mut copied).unwrap().violations.is_empty());
    assert!(copied.record(with(900)).unwrap().is_some());
    assert!(copied.record(with(901)).unwrap().is_none());
    assert!(beside.copy_to(&copy).is_err(), "it is there already");
    drop(bank);
    assert_ne!(
        dump(&mut open(&path).unwrap()),
        dump(&mut open(&copy).unwrap())
    );
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = copy.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn an_operator_unlocks_a_card_beside_the_bank() {
    let directory = some_ledger();
    let path = ledger(&directory);
    let bank = Bank::start(open(&path).unwrap()).unwrap();
    let card = card(CARD);
    for number in 0..3 {
        bank.apply(log_in(number, CARD, false)).unwrap_err();
    }
    let refusal = bank.apply(log_in(3, CARD, true)).unwrap_err();
    assert_eq!(refusal.code, Code::CardLocked);
    let mut beside = open_beside(&path, Access::Write).unwrap();
    let unlock = Command::Unlock { card: card.clone() };
    let now = Timestamp::now();
    run(&unlock, &mut beside, now, Format::Text, &mut Vec::new()).unwrap();
    assert!(bank.apply(log_in(4, CARD, true)).is_ok());
}

#[test]
fn an_operator_does_not_make_a_ledger_by_looking_for_one() {
    let directory = TempDir::new().unwrap();
    let path = ledger(&directory);
    for access in [Access::Read, Access::Write] {
        let refused = open_beside(&path, access);
        assert!(matches!(refused, Err(OpenError::Missing(_))), "{refused:?}");
        assert!(!path.exists());
        // Nor where there is an empty file.
        fs::write(&path, "").unwrap();
        let refused = open_beside(&path, access);
        assert!(matches!(refused, Err(OpenError::Missing(_))), "{refused:?}");
        assert_eq!(fs::read(&path).unwrap(), b"");
        fs::remove_file(&path).unwrap();
    }
}

#[test]
fn who_looks_into_a_ledger_cannot_write_it() {
    let directory = some_ledger();
    let mut beside = open_beside(&ledger(&directory), Access::Read).unwrap();
    assert_eq!(beside.accounts().unwrap().len(), 1);
    let lock = "UPDATE accounts SET locked = 1";
    assert!(beside.connection.execute(lock, []).is_err());
}

#[test]
fn every_commit_is_synced() {
    let directory = some_ledger();
    let store = open(&ledger(&directory)).unwrap();
    let pragmas = "SELECT synchronous, journal_mode, foreign_keys
                   FROM pragma_synchronous, pragma_journal_mode, pragma_foreign_keys";
    let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    let found: (i64, String, i64) = store.connection.query_row(pragmas, [], read).unwrap();
    assert_eq!(found, (2, "wal".to_owned(), 1));
}

#[cfg(unix)]
#[test]
fn only_its_owner_may_read_the_ledger_also_if_others_could_before() {
    use std::os::unix::fs::PermissionsExt;
    let directory = TempDir::new().unwrap();
    let files = ["", "-wal", "-shm", ".lock"];
    let path = |suffix| directory.path().join(format!("bank.db{suffix}"));
    for suffix in files {
        // Closed to others by the time the bank is open.
        fs::write(path(suffix), "").unwrap();
        fs::set_permissions(path(suffix), fs::Permissions::from_mode(0o666)).unwrap();
    }
    let bank = Bank::start(open(&ledger(&directory)).unwrap()).unwrap();
    bank.apply(create(1, CARD)).unwrap();
    for suffix in files {
        let mode = fs::metadata(path(suffix)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{suffix} {mode:o}");
    }
}

#[cfg(unix)]
#[test]
fn a_ledger_of_two_names_is_not_opened() {
    let directory = some_ledger();
    let path = ledger(&directory);
    let other = directory.path().join("other.db");
    fs::hard_link(&path, &other).unwrap();
    for path in [&path, &other] {
        for refused in [open(path), open_beside(path, Access::Read)] {
            let refused = refused.unwrap_err();
            assert!(matches!(refused, OpenError::ManyNames(_, 2)), "{refused}");
        }
    }
    fs::remove_file(&other).unwrap();
    open(&path).unwrap();
}

#[test]
fn a_damaged_ledger_is_not_opened() {
    let refused = |damage: &dyn Fn(&mut fs::File)| {
        let directory = some_ledger();
        let path = ledger(&directory);
        let mut writing = fs::OpenOptions::new();
        damage(&mut writing.read(true).write(true).open(&path).unwrap());
        open(&path).unwrap_err()
    };
    for error in [
        // Every page after the first few, overwritten.
        refused(&|file| {
            file.seek(SeekFrom::Start(5 * 4096)).unwrap();
            let left = file.metadata().unwrap().len() - 5 * 4096;
            file.write_all(&vec![0x5a; left as usize]).unwrap();
        }),
        // The end of the file is missing.
        refused(&|file| {
            let half = file.metadata().unwrap().len() / 2;
            file.set_len(half / 4096 * 4096).unwrap();
        }),
    ] {
        assert!(matches!(error, OpenError::Damaged(..)), "{error:?}");
        assert!(error.to_string().contains("bank.db is damaged"), "{error}");
    }
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let directory = TempDir::new().unwrap();
    let text = directory.path().join("notes.txt");
    let note = "not a database, but a note that is long enough to look at";
    fs::write(&text, note).unwrap();
    let before = fs::metadata(&text).unwrap().permissions();
    for path in [text.as_path(), directory.path()] {
        assert!(matches!(open(path), Err(OpenError::NotALedger(_))));
        let refused = open_beside(path, Access::Read);
        assert!(matches!(refused, Err(OpenError::NotALedger(_))));
    }
    assert_eq!(fs::metadata(&text).unwrap().permissions(), before);
    assert_eq!(fs::read_to_string(&text).unwrap(), note);

    let other = directory.path().join("other.db");
    let connection = Connection::open(&other).unwrap();
    connection.execute_batch("CREATE TABLE t (x)").unwrap();
    drop(connection);
    assert!(matches!(open(&other), Err(OpenError::NotALedger(_))));
    assert!(!directory.path().join("other.db-wal").exists());
}

#[test]
fn a_ledger_of_a_newer_program_is_not_touched() {
    let directory = some_ledger();
    let connection = Connection::open(ledger(&directory)).unwrap();
    connection.pragma_update(None, "user_version", 3).unwrap();
    drop(connection);
    let refused = open(&ledger(&directory)).unwrap_err();
    assert!(matches!(refused, OpenError::TooNew(_)));
}

/// The columns of every table, by name.
fn columns(connection: &Connection) -> Vec<(String, String)> {
    let mut statement = connection
        .prepare(
            "SELECT t.name, c.name FROM sqlite_schema t, pragma_table_info(t.name) c
             WHERE t.type = 'table' ORDER BY 1, 2",
        )
        .unwrap();
    let columns = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)));
    columns.unwrap().map(Result::unwrap).collect()
}

#[test]
fn a_ledger_of_version_1_is_brought_up_to_date_with_all_that_is_in_it() {
    let directory = TempDir::new().unwrap();
    let path = ledger(&directory);
    let old = Connection::open(&path).unwrap();
    for sql in [
        include_str!("tests/schema_1.sql"),
        include_str!("tests/ledger_1.sql"),
    ] {
        old.execute_batch(sql).unwrap();
    }
    drop(old);

    let mut store = open(&path).unwrap();
    let account = store.account(&card(CARD)).unwrap().unwrap();
    let now = seconds(Timestamp::now());
    assert!(account.is_locked(now) && !account.is_locked(now + 301));
    let (_, records, entries) = dump(&mut store);
    assert_eq!((records.len(), entries.len()), (1, 3));
    let report = audit(&mut store).unwrap();
    assert!(report.violations.is_empty(), "{report}");
    drop(store);
    // Opened again it stays as it is, and has the columns of a new one.
    drop(open(&path).unwrap());
    let new = TempDir::new().unwrap();
    drop(open(&ledger(&new)).unwrap());
    let upgraded = Connection::open(&path).unwrap();
    let made = Connection::open(ledger(&new)).unwrap();
    assert_eq!(columns(&upgraded), columns(&made));
}

#[test]
fn the_schema_refuses_to_rewrite_what_happened() {
    let directory = some_ledger();
    let connection = Connection::open(ledger(&directory)).unwrap();
    for sql in [
        "UPDATE history SET amount = 1",
        "DELETE FROM history",
        "DELETE FROM transactions",
        "DELETE FROM accounts",
        "UPDATE transactions SET amount = 1",
        "UPDATE transactions SET status = 'held' WHERE status = 'confirmed'",
        "UPDATE transactions SET status = 'rolled back' WHERE status = 'confirmed'",
        "UPDATE transactions SET status = 'declined' WHERE status = 'held'",
        "UPDATE accounts SET opening = 0",
        "UPDATE accounts SET held = posted + 1",
        "UPDATE accounts SET posted = -1, held = 0",
        "UPDATE accounts SET pending = 999999999999",
        "UPDATE accounts SET posted = 'much'",
        "INSERT INTO history (at, event, card) VALUES (0, 'opened', '000000')",
    ] {
        assert!(connection.execute(sql, []).is_err(), "{sql}");
    }
}

#[test]
fn the_bank_writes_no_balance_out_of_bounds_and_settles_nothing_twice() {
    let directory = some_ledger();
    let mut store = open(&ledger(&directory)).unwrap();
    let before = dump(&mut store);
    let account = store.account(&card(CARD)).unwrap().unwrap();
    let held = account.posted.checked_add(Money::from_minor(1).unwrap());
    let overdrawn = Account {
        held: held.unwrap(),
        ..account.clone()
    };
    let overfull = Account {
        pending: Money::MAX,
        ..account
    };
    let record = store.record(with(1)).unwrap().unwrap();
    for write in [
        Write::PutAccount(overdrawn),
        Write::PutAccount(overfull),
        Write::PutRecord(record),
    ] {
        store.begin(Timestamp::now(), &[]).unwrap();
        assert!(store.write(write.clone()).is_err(), "{write:?}");
        store.roll_back().unwrap();
    }
    assert_eq!(dump(&mut store), before);
}

#[test]
fn a_row_that_the_schema_does_not_allow_is_found_by_the_next_server_and_by_an_audit() {
    for sql in [
        "UPDATE accounts SET held = posted + 1",
        "UPDATE accounts SET locked_until = -1",
        "INSERT INTO history (at, event) VALUES (0, 'forgotten')",
        "INSERT INTO transactions (id, status, at, amount)
         VALUES ('WITH_00000000-0000-0000-0000-000000001000', 'tombstone', 0, 1)",
        "INSERT INTO transactions (id, status, at, card, amount, available, decline_code)
         VALUES ('WITH_00000000-0000-0000-0000-000000001000', 'held', 0, '123456789', 1, 1, 'busy')",
    ] {
        let directory = some_ledger();
        let path = ledger(&directory);
        let store = open(&path).unwrap();
        assert_eq!(store.connection.execute(sql, []), Ok(1), "{sql}");
        drop(store);
        let refused = open(&path);
        let is_found = matches!(refused, Err(OpenError::Damaged(..)));
        assert!(is_found, "{sql}: {refused:?}");
        let audited = audit(&mut open_beside(&path, Access::Read).unwrap());
        let is_sound = audited.is_ok_and(|report| report.violations.is_empty());
        assert!(!is_sound, "{sql}");
    }
}

#[test]
fn a_full_disk_is_certain_to_have_done_nothing_and_the_bank_goes_on() {
    let directory = some_ledger();
    let store = open(&ledger(&directory)).unwrap();
    // The pages that there are, and no more.
    let connection = &store.connection;
    connection.pragma_update(None, "max_page_count", 1).unwrap();
    let bank = Bank::start(store).unwrap();
    let mut refusals = (1000..2000).filter_map(|number| {
        let refused = bank.apply(hold(with(number), 1)).err();
        refused.map(|refusal| (number, refusal))
    });
    let (number, refusal) = refusals.next().expect("the disk is full at last");
    assert_eq!(refusal.code, Code::Unavailable);
    let record = bank.query(move |store| store.record(with(number)));
    assert_eq!(record, Ok(None));
    let card = Some(card(CARD));
    assert!(bank.apply(Operation::Balance { card }).is_ok());
    drop(bank);
    let bank = Bank::start(open(&ledger(&directory)).unwrap()).unwrap();
    assert!(bank.apply(hold(with(number), 1)).is_ok());
}
