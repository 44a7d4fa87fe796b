//! Who carries out an operation, and with which others.

use std::sync::mpsc::channel;
use std::thread::{ThreadId, current, scope, yield_now};

use super::super::memory::MemoryStore;
use super::super::tests::{CARD, create, hold, with};
use super::*;

/// A bank, and the thread that carried out each operation, in order.
fn observed() -> (Bank, Arc<Mutex<Vec<ThreadId>>>) {
    let threads = Arc::<Mutex<Vec<ThreadId>>>::default();
    let seen = Arc::clone(&threads);
    let observe = move |_: &Operation, _: &Reply| seen.lock().unwrap().push(current().id());
    let bank =
        Bank::start_observed(Protections::ALL, Box::new(MemoryStore::new()), observe).unwrap();
    (bank, threads)
}

fn queued(bank: &Bank) -> usize {
    bank.0.shared.lock().jobs.len()
}

#[test]
fn a_lone_caller_carries_out_its_operation_itself() {
    let (bank, threads) = observed();
    bank.apply(create(1, CARD)).unwrap();
    bank.apply(hold(with(1), 100)).unwrap();
    assert_eq!(*threads.lock().unwrap(), [current().id(); 2]);
    let reader = bank.query(|_| Ok(current().id()));
    assert_eq!(reader, Ok(current().id()));
}

#[test]
fn what_comes_meanwhile_is_carried_out_by_the_thread() {
    let (bank, threads) = observed();
    bank.apply(create(1, CARD)).unwrap();
    let (release, released) = channel();
    scope(|scope| {
        let (entered, has_entered) = channel();
        let slow = scope.spawn({
            let bank = &bank;
            move || {
                bank.query(move |_| {
                    entered.send(()).unwrap();
                    released.recv().unwrap();
                    Ok(())
                })
            }
        });
        has_entered.recv().unwrap();
        let callers: Vec<_> = (1..=8)
            .map(|number| {
                scope.spawn({
                    let bank = &bank;
                    move || bank.apply(hold(with(number), 100))
                })
            })
            .collect();
        while queued(&bank) < callers.len() {
            yield_now();
        }
        release.send(()).unwrap();
        slow.join().unwrap().unwrap();
        for caller in callers {
            assert!(caller.join().unwrap().is_ok());
        }
    });
    let ledger = bank.0.thread.as_ref().unwrap().thread().id();
    assert_eq!(threads.lock().unwrap()[1..], [ledger; 8]);
    // And once all is done, it is nobody's turn.
    while bank.0.shared.lock().turn != Turn::Nobody {
        yield_now();
    }
    bank.apply(hold(with(9), 100)).unwrap();
    assert_eq!(threads.lock().unwrap().last(), Some(&current().id()));
}

#[test]
fn who_finds_the_queue_full_waits_until_there_is_room() {
    let (bank, _) = observed();
    bank.apply(create(1, CARD)).unwrap();
    let mut queue = bank.0.shared.lock();
    queue.turn = Turn::Caller;
    queue
        .jobs
        .extend((0..QUEUE).map(|_| Job::Query(Box::new(|_| ()))));
    drop(queue);
    scope(|scope| {
        let late = scope.spawn(|| bank.apply(hold(with(1), 100)));
        assert_eq!(queued(&bank), QUEUE);
        assert_eq!(bank.0.shared.lock().pass_turn(), Turn::Thread);
        bank.0.shared.turn_passed.notify_one();
        assert!(late.join().unwrap().is_ok());
    });
}

#[test]
fn after_a_panic_the_outcome_is_open_and_the_bank_goes_on() {
    let panics = Arc::new(Mutex::new(false));
    let armed = Arc::clone(&panics);
    let observe = move |_: &Operation, _: &Reply| {
        assert!(
            !std::mem::take(&mut *armed.lock().unwrap()),
            "a fault that was asked for"
        );
    };
    let bank =
        Bank::start_observed(Protections::ALL, Box::new(MemoryStore::new()), observe).unwrap();
    bank.apply(create(1, CARD)).unwrap();
    *panics.lock().unwrap() = true;
    let refusal = bank.apply(hold(with(1), 100)).unwrap_err();
    assert!(!refusal.code.is_definite());
    let answer = bank.apply(hold(with(1), 100)).unwrap();
    assert!(
        matches!(answer, Answer::Held { repeat: true, .. }),
        "{answer}"
    );
}
