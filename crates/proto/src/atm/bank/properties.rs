//! Properties of any sequence of operations, with repeats and in any order.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use proptest::prelude::*;
use uuid::Uuid;

use super::tests::{card, create};
use super::*;
use crate::atm::Kind;
use crate::atm::memory::MemoryRows;
use crate::atm::record::{Event, Status};

const CARDS: [&str; 3] = ["111111", "222222", "333333"];
/// Few enough for ids to collide.
const IDS: u128 = 8;

fn id() -> impl Strategy<Value = TransactionId> {
    (any::<bool>(), 0..IDS).prop_map(|(deposit, number)| match deposit {
        true => TransactionId::deposit(Uuid::from_u128(number)),
        false => TransactionId::withdrawal(Uuid::from_u128(number)),
    })
}

fn session() -> impl Strategy<Value = Option<CardNumber>> {
    proptest::option::weighted(0.9, (0..CARDS.len()).prop_map(|which| card(CARDS[which])))
}

/// Two keys and none, so that the right one occurs by chance.
fn key() -> impl Strategy<Value = Option<Key>> {
    proptest::option::weighted(0.8, (0..2u128).prop_map(Key::new))
}

fn settler() -> impl Strategy<Value = Authorisation> {
    (session(), key()).prop_map(|(card, key)| Authorisation { card, key })
}

fn operation() -> impl Strategy<Value = Operation> {
    // Near the opening balance and near the largest one, where the limits are.
    let amount = prop_oneof![
        5 => 1..6_000i64,
        1 => Just(10_000),
        1 => Money::MAX.minor() - 20_000..=Money::MAX.minor(),
    ];
    let hold =
        (id(), session(), amount, key()).prop_map(|(id, card, minor, key)| Operation::Hold {
            id,
            card,
            amount: Amount::new(Money::from_minor(minor).unwrap()).unwrap(),
            terminal: None,
            key,
        });
    let log_in = (0..IDS, 0..CARDS.len(), prop::bool::weighted(0.6)).prop_map(
        |(number, which, pin_matches)| Operation::LogIn {
            id: LoginId(Uuid::from_u128(number)),
            card: card(CARDS[which]),
            pin_matches,
        },
    );
    prop_oneof![
        6 => hold,
        4 => (id(), settler()).prop_map(|(id, by)| Operation::Confirm { id, by }),
        3 => (id(), settler()).prop_map(|(id, by)| Operation::Rollback { id, by }),
        2 => log_in,
        1 => (0..CARDS.len()).prop_map(|which| Operation::Unlock(card(CARDS[which]))),
        1 => (0..IDS, 0..CARDS.len())
            .prop_map(|(number, which)| create(number, CARDS[which], "100")),
        1 => session().prop_map(|card| Operation::Balance { card }),
    ]
}

fn balances_follow_from_the_transactions(books: &MemoryRows) -> Result<(), TestCaseError> {
    for account in books.accounts.values() {
        let sum = |kind: Kind, status: Status| -> i64 {
            let transactions = books.records.values().filter_map(|record| match record {
                TransactionRecord::Transaction(transaction) => Some(transaction),
                TransactionRecord::Tombstone(_) => None,
            });
            transactions
                .filter(|t| t.card == account.card && t.id.kind == kind && t.status == status)
                .map(|t| t.amount.money().minor())
                .sum()
        };
        let paid_in = sum(Kind::Deposit, Status::Confirmed);
        let paid_out = sum(Kind::Withdrawal, Status::Confirmed);
        prop_assert_eq!(
            account.posted.minor(),
            account.opening.minor() + paid_in - paid_out
        );
        prop_assert_eq!(account.held.minor(), sum(Kind::Withdrawal, Status::Held));
        prop_assert_eq!(account.pending.minor(), sum(Kind::Deposit, Status::Held));
        prop_assert!(account.held <= account.posted);
        prop_assert!(account.posted.checked_add(account.pending).is_some());
        prop_assert!(account.wrong_pins < MAX_WRONG_PINS);
        prop_assert_eq!(account.locked_until.is_some(), account.lockouts > 0);
    }
    Ok(())
}

/// The events of each id in the history.
fn outcomes(books: &MemoryRows) -> BTreeMap<TransactionId, Vec<Event>> {
    let mut outcomes: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for entry in &books.history {
        if let Some(id) = entry.id {
            outcomes.entry(id).or_default().push(entry.event);
        }
    }
    outcomes
}

proptest! {
    #[test]
    fn money_is_conserved_and_every_id_has_one_outcome(
        operations in proptest::collection::vec(operation(), 1..120),
    ) {
        let mut books = MemoryRows::default();
        for (number, card) in CARDS.into_iter().enumerate().take(2) {
            books.apply(&create(number as u128, card, "100")).unwrap();
        }
        for operation in &operations {
            let first = books.apply(operation);
            balances_follow_from_the_transactions(&books)?;

            let after = books.clone();
            let second = books.apply(operation);
            // Log-ins to an unknown or locked card are not recorded, but change nothing either.
            prop_assert_eq!(&books, &after, "{:?} changed something again", operation);
            let same = match (&first, &second) {
                (Ok(_), Ok(_)) => true,
                (Err(first), Err(second)) => first == second,
                (Ok(_), Err(_)) | (Err(_), Ok(_)) => false,
            };
            prop_assert!(same, "{:?}: first {:?}, then {:?}", operation, first, second);
        }
        for (id, events) in outcomes(&books) {
            let legal: [&[Event]; 5] = [
                &[Event::Held],
                &[Event::Held, Event::Confirmed],
                &[Event::Held, Event::RolledBack],
                &[Event::RolledBack],
                &[Event::Declined],
            ];
            prop_assert!(legal.contains(&&events[..]), "{}: {:?}", id, events);
        }
        prop_assert!(books.logins.values().all(|logins| logins.len() <= IDS as usize));
    }
}
