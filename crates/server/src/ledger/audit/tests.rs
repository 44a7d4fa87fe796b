//! An audit that finds nothing wrong, and what it says of a ledger that was tampered with.

use proto::atm::bank::{Known, Operation, Rows, decide};
use proto::atm::record::{Transaction, Write};

use super::super::memory::MemoryStore;
use super::super::tests::{CARD, card, confirm, create, dep, dump, hold, roll_back, with};
use super::*;

fn apply(store: &mut MemoryStore, operation: Operation) {
    let known = Known::look_up(&operation, store).unwrap();
    write(store, decide(&operation, &known).writes);
}

fn write(store: &mut MemoryStore, writes: Vec<Write>) {
    store.begin(jiff::Timestamp::UNIX_EPOCH, &[]).unwrap();
    for change in writes {
        store.write(change).unwrap();
    }
    store.commit().unwrap();
}

/// 10000.00 opened, 500.00 and 200.00 withdrawn, 100.00 held, 20.00 paid in and 5.00 pending.
fn store() -> MemoryStore {
    let mut store = MemoryStore::new();
    for operation in [
        create(1, CARD),
        hold(with(1), 50_000),
        confirm(with(1)),
        hold(with(2), 20_000),
        confirm(with(2)),
        hold(with(3), 10_000),
        hold(with(4), 70_000),
        roll_back(with(4)),
        hold(with(5), 99_999_999),
        roll_back(with(6)),
        hold(dep(7), 2_000),
        confirm(dep(7)),
        hold(dep(8), 500),
    ] {
        apply(&mut store, operation);
    }
    store
}

fn account(store: &mut MemoryStore) -> Account {
    store.accounts().unwrap().remove(0)
}

fn transaction(store: &mut MemoryStore, wanted: TransactionId) -> Transaction {
    match store.record(wanted) {
        Ok(Some(TransactionRecord::Transaction(transaction))) => transaction,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_sound_ledger_balances() {
    let report = audit(&mut store()).unwrap();
    assert_eq!(report.violations, [""; 0], "{report}");
    let expected = Totals {
        available: 922_000,
        held: 10_000,
        pending: 500,
        opening: 1_000_000,
        paid_in: 2_000,
        cash_out: 70_000,
    };
    assert_eq!(report.totals, expected);
    assert_eq!(
        (report.accounts, report.transactions, report.unsettled),
        (1, 8, 2)
    );
    assert_eq!(audit(&mut MemoryStore::new()).unwrap(), Report::default());
}

#[test]
fn the_report_reads_like_an_account() {
    let expected = "  available                    9220.00
+ held                          100.00
+ cash out                      700.00
=                             10020.00
  opening                     10000.00
+ paid in                        20.00
=                             10020.00
  deposits pending                5.00
accounts 1, transactions 8 (unsettled 2), history entries 13
sound: every balance follows from the history";
    assert_eq!(audit(&mut store()).unwrap().to_string(), expected);
}

#[test]
fn every_kind_of_tampering_is_found() {
    type Tamper = fn(&mut MemoryStore) -> Write;
    let cases: [(&str, Tamper); 8] = [
        ("a balance", |store| {
            let mut account = account(store);
            account.posted = "9319.99".parse().unwrap();
            Write::PutAccount(account)
        }),
        ("a hold", |store| {
            let mut account = account(store);
            account.held = Money::ZERO;
            Write::PutAccount(account)
        }),
        ("a pending deposit", |store| {
            let mut account = account(store);
            account.pending = Money::ZERO;
            Write::PutAccount(account)
        }),
        ("a status", |store| {
            let mut transaction = transaction(store, with(3));
            transaction.status = Status::Confirmed;
            Write::PutRecord(TransactionRecord::Transaction(transaction))
        }),
        ("an amount", |store| {
            let mut transaction = transaction(store, with(1));
            transaction.amount = "500.01".parse().unwrap();
            Write::PutRecord(TransactionRecord::Transaction(transaction))
        }),
        ("a second confirmation in the history", |store| {
            let (_, _, mut entries) = dump(store);
            entries.retain(|entry| entry.event == Event::Confirmed);
            Write::Append(entries.remove(0))
        }),
        ("an entry of an id that is not recorded", |_| {
            let (event, id) = (Event::RolledBack, Some(with(99)));
            Write::Append(Entry {
                event,
                card: None,
                id,
                amount: None,
            })
        }),
        ("an opening out of nowhere", |_| {
            let (event, amount) = (Event::Opened, Money::from_minor(500));
            Write::Append(Entry {
                event,
                card: Some(card(CARD)),
                id: None,
                amount,
            })
        }),
    ];
    for (what, tamper) in cases {
        let mut store = store();
        let change = tamper(&mut store);
        write(&mut store, vec![change]);
        let report = audit(&mut store).unwrap();
        assert_ne!(report.violations, [""; 0], "{what}");
        let shown = report.to_string();
        assert!(
            shown.contains("NOT SOUND") && !shown.contains(CARD),
            "{what}: {shown}"
        );
    }
}
