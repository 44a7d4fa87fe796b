//! What every store must do alike, and the operations that the tests are written in.

use std::path::Path;
use std::sync::Arc;
use std::thread;

use jiff::Timestamp;
use proto::atm::bank::{Authorisation, Operation, Rows};
use proto::atm::memory::MemoryRows;
use proto::atm::record::{Account, Entry, Event, Transaction, TransactionRecord, Write};
use proto::atm::{Amount, Answer, CardNumber, CreationId, Key, LoginId, Money, TransactionId};
use proto::refusal::Code;
use tempfile::TempDir;
use uuid::Uuid;

use super::audit::audit;
use super::bank::Bank;
use super::memory::MemoryStore;
#[cfg(target_os = "linux")]
use super::postgres::{PostgresStore, Purpose};
use super::sqlite::{SqliteStore, open};
use super::store::{CommitError, Dated, Store, StoreError, seconds};
use super::writer::carry_out;

mod failures;

pub(super) const CARD: &str = "123456789";
const KEY: Key = Key::new(7);
const OTHER: &str = "987654321";

pub(super) fn card(text: &str) -> CardNumber {
    text.parse().unwrap()
}

pub(super) fn with(number: u128) -> TransactionId {
    TransactionId::withdrawal(Uuid::from_u128(number))
}

pub(super) fn dep(number: u128) -> TransactionId {
    TransactionId::deposit(Uuid::from_u128(number))
}

pub(super) fn create(number: u128, card_number: &str) -> Operation {
    Operation::Create {
        id: CreationId(Uuid::from_u128(number)),
        card: card(card_number),
        holder: "Joty".parse().unwrap(),
        pin_hash: "hash".into(),
        opening: "10000".parse().unwrap(),
    }
}

pub(super) fn hold_of(card_number: &str, id: TransactionId, minor: i64) -> Operation {
    Operation::Hold {
        id,
        card: Some(card(card_number)),
        amount: Amount::new(Money::from_minor(minor).unwrap()).unwrap(),
        terminal: Some("ATM-1".parse().unwrap()),
        key: Some(KEY),
    }
}

const SETTLER: Authorisation = Authorisation {
    card: None,
    key: Some(KEY),
};

pub(super) fn confirm(id: TransactionId) -> Operation {
    Operation::Confirm { id, by: SETTLER }
}

pub(super) fn roll_back(id: TransactionId) -> Operation {
    Operation::Rollback { id, by: SETTLER }
}

pub(super) fn hold(id: TransactionId, minor: i64) -> Operation {
    hold_of(CARD, id, minor)
}

pub(super) fn log_in(number: u128, card_number: &str, pin_matches: bool) -> Operation {
    Operation::LogIn {
        id: LoginId(Uuid::from_u128(number)),
        card: card(card_number),
        pin_matches,
    }
}

pub(super) fn ledger(directory: &TempDir) -> std::path::PathBuf {
    directory.path().join("bank.db")
}

fn sqlite(path: &Path) -> SqliteStore {
    open(path).unwrap()
}

/// A ledger in this database, to serve from.
#[cfg(target_os = "linux")]
pub(super) fn postgres(address: &str) -> PostgresStore {
    let purpose = Purpose::Serve {
        require_synchronous: false,
    };
    super::postgres::open(&address.parse().unwrap(), purpose).unwrap()
}

/// All rows of a store, without the times.
pub(super) fn dump(store: &mut dyn Store) -> (Vec<Account>, Vec<TransactionRecord>, Vec<Entry>) {
    let (mut records, mut entries) = (Vec::new(), Vec::new());
    let record = &mut |dated: Dated<TransactionRecord>| records.push(dated.row);
    store.each_record(record).unwrap();
    let entry = &mut |dated: Dated<Entry>| entries.push(dated.row);
    store.each_entry(None, entry).unwrap();
    records.sort_by_key(TransactionRecord::id);
    (store.accounts().unwrap(), records, entries)
}

/// Numbers that look random and are the same in every run.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }

    fn operation(&mut self) -> Operation {
        let number = u128::from(self.below(60));
        let id = [with, dep][self.below(2) as usize](number);
        let card_number = if self.below(3) == 0 { OTHER } else { CARD };
        match self.below(20) {
            0..8 => hold_of(card_number, id, 1 + self.below(400_000) as i64),
            8..12 => confirm(id),
            12..15 => roll_back(id),
            15..18 => log_in(number, card_number, self.below(4) == 0),
            18 => Operation::Unlock(card(card_number)),
            _ => Operation::Balance {
                card: Some(card(card_number)),
            },
        }
    }
}

/// Applies the same operations to the store and to books in memory, in transactions of any size,
/// and checks that replies and rows are the same.
fn behaves_like_the_books(store: &mut impl Store) {
    let (mut books, mut numbers) = (MemoryRows::default(), Numbers(1));
    books.now = seconds(Timestamp::now());
    let opened = [(1, CARD), (2, OTHER), (3, CARD), (1, OTHER)];
    let mut operations: Vec<_> = opened.map(|(id, card)| create(id, card)).into();
    for _ in 0..200 {
        let expected = operations.iter().map(|operation| books.apply(operation));
        let expected: Vec<_> = expected.collect();
        assert_eq!(carry_out(store, &operations), expected, "{operations:?}");
        operations = (0..numbers.below(8)).map(|_| numbers.operation()).collect();
    }
    let (accounts, records, entries) = dump(store);
    // The two may have looked at the clock on either side of a second.
    let timeless = |account: &Account| Account {
        locked_until: account.locked_until.map(|_| 0),
        ..account.clone()
    };
    let mut events = entries.iter().map(|entry| entry.event);
    assert!(events.any(|event| event == Event::Locked));
    let expected = books.accounts.values().map(timeless);
    assert!(accounts.iter().map(timeless).eq(expected));
    assert!(records.iter().eq(books.records.values()));
    assert_eq!(entries, books.history);
    for account in &accounts {
        let card = &account.card;
        let logins = books.logins.get(card).into_iter().flatten();
        let known: Vec<_> = logins.clone().map(|login| login.id).collect();
        for login in logins {
            assert_eq!(store.login(card, login.id).unwrap().as_ref(), Some(login));
        }
        let ids = (0..60).map(|number| LoginId(Uuid::from_u128(number)));
        let remembered = ids.filter(|id| store.login(card, *id).unwrap().is_some());
        assert_eq!(remembered.count(), known.len());
        let (mut history, of_it) = (Vec::new(), |entry: &&Entry| {
            entry.card.as_ref() == Some(card)
        });
        let visit = &mut |dated: Dated<Entry>| history.push(dated.row);
        store.each_entry(Some(card), visit).unwrap();
        assert!(history.iter().eq(entries.iter().filter(of_it)));
    }
    let report = audit(store).unwrap();
    assert_eq!(report.violations, [""; 0], "{report}");
}

#[test]
fn the_memory_ledger_does_what_the_bank_decides() {
    behaves_like_the_books(&mut MemoryStore::new());
}

#[test]
fn the_sqlite_ledger_does_what_the_bank_decides_and_keeps_it() {
    let directory = TempDir::new().unwrap();
    let mut store = sqlite(&ledger(&directory));
    behaves_like_the_books(&mut store);
    let before = dump(&mut store);
    drop(store);
    let mut store = sqlite(&ledger(&directory));
    assert_eq!(dump(&mut store), before);
    assert_eq!(audit(&mut store).unwrap().violations, [""; 0]);
}

#[cfg(target_os = "linux")]
#[test]
fn the_postgres_ledger_does_what_the_bank_decides_and_keeps_it() {
    let address = testkit::require_postgres!().database();
    let mut store = postgres(&address);
    behaves_like_the_books(&mut store);
    let before = dump(&mut store);
    drop(store);
    let mut store = postgres(&address);
    assert_eq!(dump(&mut store), before);
    assert_eq!(audit(&mut store).unwrap().violations, [""; 0]);
}

#[test]
fn what_was_answered_is_there_after_a_restart() {
    let directory = TempDir::new().unwrap();
    let bank = Bank::start(sqlite(&ledger(&directory))).unwrap();
    bank.apply(create(1, CARD)).unwrap();
    bank.apply(hold(with(1), 50_000)).unwrap();
    drop(bank);

    let bank = Bank::start(sqlite(&ledger(&directory))).unwrap();
    let unsettled = bank.query(|store| store.unsettled()).unwrap();
    assert_eq!(unsettled.len(), 1);
    let terminal = unsettled[0].row.terminal.as_ref();
    assert_eq!(terminal.unwrap().as_str(), "ATM-1");
    assert!(unsettled[0].at <= Timestamp::now());
    let repeat = bank.apply(hold(with(1), 50_000)).unwrap().to_string();
    assert!(repeat.ends_with("held 500.00, available 9500.00, repeat"));
    assert!(bank.apply(confirm(with(1))).is_ok());
    assert_eq!(bank.query(|store| store.unsettled()).unwrap(), []);
}

/// Many machines at once: some never settle, some repeat, all compete for the same balance.
fn conserves_under_load(store: impl Store + 'static) {
    let bank = Bank::start(store).unwrap();
    bank.apply(create(1, CARD)).unwrap();
    thread::scope(|scope| {
        for machine in 0..16 {
            let bank = bank.clone();
            scope.spawn(move || {
                for number in 0..40 {
                    let number = machine * 1000 + number;
                    let id = [dep, with, with][(number % 3) as usize](number);
                    let first = bank.apply(hold(id, 2_500));
                    let again = bank.apply(hold(id, 2_500));
                    assert_eq!(first.is_ok(), again.is_ok());
                    let settle = match number % 5 {
                        0 => continue,
                        1 => roll_back(id),
                        _ => confirm(id),
                    };
                    assert_eq!(bank.apply(settle.clone()).is_ok(), first.is_ok());
                    assert_eq!(bank.apply(settle).is_ok(), first.is_ok());
                }
            });
        }
    });
    let report = bank.query(|store| audit(store)).unwrap();
    assert_eq!(report.violations, [""; 0], "{report}");
    assert_eq!(
        (report.transactions, report.totals.opening),
        (640, 1_000_000)
    );
    assert!(report.unsettled > 0 && report.totals.cash_out > 0 && report.totals.paid_in > 0);
}

#[test]
fn sixteen_machines_at_once_conserve_money_in_memory() {
    conserves_under_load(MemoryStore::new());
}

#[test]
fn sixteen_machines_at_once_conserve_money_on_disk() {
    let directory = TempDir::new().unwrap();
    conserves_under_load(sqlite(&ledger(&directory)));
}

#[cfg(target_os = "linux")]
#[test]
fn sixteen_machines_at_once_conserve_money_in_a_database() {
    conserves_under_load(postgres(&testkit::require_postgres!().database()));
}

#[test]
fn the_same_id_on_many_connections_at_once_is_done_once() {
    let bank = Bank::start(MemoryStore::new()).unwrap();
    bank.apply(create(1, CARD)).unwrap();
    let first = thread::scope(|scope| {
        let machines: Vec<_> = (0..16)
            .map(|_| scope.spawn(|| bank.apply(hold(with(1), 600_000)).unwrap()))
            .collect();
        let answers = machines.into_iter().map(|machine| machine.join().unwrap());
        answers
            .filter(|answer| matches!(answer, Answer::Held { repeat: false, .. }))
            .count()
    });
    assert_eq!(first, 1);
}
