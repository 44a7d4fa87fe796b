//! A crash at each point, and what the next start makes of it.

use super::*;

/// Starts from the first so many records of a finished transaction, with the drawer as it was.
fn restarted(journal: &[JournalRecord], drawer: i64) -> Driven {
    let drawer = money(drawer);
    Driven {
        machine: Machine::recover(journal, drawer).unwrap(),
        journal: journal.to_vec(),
        drawer,
    }
}

fn of(kind: Kind) -> (TransactionId, i64) {
    match kind {
        Kind::Withdrawal => (with(1), DRAWER - 500),
        Kind::Deposit => (dep(1), DRAWER + 500),
    }
}

#[test]
fn every_crash_point_has_one_way_on() {
    for kind in [Kind::Withdrawal, Kind::Deposit] {
        let (id, after) = of(kind);
        let mut driven = Driven::confirming(id);
        driven.machine.answered(&confirm(id), &confirmed(id));
        driven.run();
        let journal = driven.journal;
        let rolls_back = sends(rollback(id), 1, false);
        let confirms = sends(confirm(id), 1, false);
        let again = sends(confirm(id), 1, true);
        let table = [
            ("before the id is journaled", 1, DRAWER, &Action::Idle),
            ("before or after the hold is sent", 2, DRAWER, &rolls_back),
            ("before the notes move", 3, DRAWER, &rolls_back),
            ("after the notes moved", 3, after, &confirms),
            ("before or after the confirmation is sent", 4, after, &again),
            ("after all", 5, after, &Action::Idle),
        ];
        for (point, records, drawer, expected) in table {
            let mut driven = restarted(&journal[..records], drawer);
            assert_eq!(driven.run(), *expected, "{kind:?}, {point}");
            // And a crash right after the restart changes nothing.
            let mut again = restarted(&driven.journal, drawer);
            let mut expected = expected.clone();
            if let Action::Send { repeat, .. } = &mut expected {
                *repeat = true;
            }
            assert_eq!(again.run(), expected, "{kind:?}, {point}, twice");
            assert_eq!(again.drawer, money(drawer));
        }
    }
}

#[test]
fn a_rollback_goes_on_after_a_restart_until_it_is_answered() {
    let id = with(1);
    let mut driven = restarted(&Driven::rolling_back(id).journal, DRAWER);
    assert_eq!(driven.run(), sends(rollback(id), 1, true));
    driven
        .machine
        .answered(&rollback(id), &Ok(Answer::RolledBack { id, repeat: true }));
    driven.run();
    assert_eq!(restarted(&driven.journal, DRAWER).run(), Action::Idle);
}

#[test]
fn what_is_open_comes_before_new_business() {
    let id = with(1);
    let mut driven = restarted(&Driven::confirming(id).journal, DRAWER - 500);
    assert_eq!(driven.begin(with(2), amount()), Err(BeginError::Open));
    driven
        .machine
        .answered(&confirm(id), &Ok(Answer::Confirmed { id, repeat: true }));
    let available = None;
    let amount = amount();
    let moved = Outcome::Moved {
        id,
        amount,
        available,
    };
    driven.shows(moved);
    driven.machine.shown();
    assert_eq!(driven.begin(with(2), amount), Ok(()));
}

#[test]
fn an_unaccounted_count_of_the_drawer_stops_the_machine() {
    let id = with(1);
    let asking = Driven::asking(id).journal;
    let confirming = Driven::confirming(id).journal;
    for (journal, drawer) in [
        (&asking[..1], DRAWER - 1),
        (&asking[..], DRAWER - 500),
        (&confirming[..3], DRAWER - 250),
        (&confirming[..3], DRAWER + 500),
        (&confirming[..], DRAWER),
    ] {
        let damage = Machine::recover(journal, money(drawer)).unwrap_err();
        let Damage::Drawer { found, .. } = damage else {
            panic!("{damage:?}");
        };
        assert_eq!(found, money(drawer));
    }
}

#[test]
fn the_drawer_may_be_filled_while_a_confirmation_is_open_but_not_while_notes_move() {
    let id = with(1);
    let mut journal = Driven::confirming(id).journal;
    let moving = journal[..3].to_vec();
    journal.push(JournalRecord::Loaded(money(77)));
    assert_eq!(restarted(&journal, 77).run(), sends(confirm(id), 1, true));
    let moving = [moving, vec![JournalRecord::Loaded(money(77))]].concat();
    assert!(Machine::recover(&moving, money(77)).is_err());
}

#[test]
fn a_crash_while_the_drawer_is_loaded_leaves_what_is_found_in_it() {
    let mut driven = Driven::new();
    driven.machine.load(money(77)).unwrap();
    assert_eq!(driven.run(), Action::Idle);
    assert_eq!(driven.begin(with(1), amount()), Err(BeginError::Open));
    // Before the operator changed anything, in between, and after.
    for found in [DRAWER, 50, 77] {
        let mut again = restarted(&driven.journal, found);
        assert_eq!(
            again.machine.next(),
            Action::Journal(JournalRecord::Loaded(money(found)))
        );
        assert_eq!(again.run(), Action::Idle);
        assert_eq!(again.machine.drawer(), money(found));
        assert_eq!(restarted(&again.journal, found).run(), Action::Idle);
    }
    driven.machine.loaded(money(77));
    assert_eq!(driven.run(), Action::Idle);
    assert_eq!(driven.begin(with(1), amount()), Err(BeginError::Drawer));
    assert!(Machine::recover(&driven.journal, money(DRAWER)).is_err());
}

#[test]
fn an_operator_may_load_a_drawer_whose_count_is_wrong_unless_notes_were_moving() {
    let to_load = |journal: &[JournalRecord], drawer| {
        Machine::recover_to_load(Protections::ALL, journal, money(drawer))
    };
    let idle = Driven::new().journal;
    assert!(Machine::recover(&idle, money(50)).is_err());
    let machine = to_load(&idle, 50).unwrap();
    let mut driven = Driven {
        machine,
        journal: idle,
        drawer: money(50),
    };
    driven.machine.load(money(77)).unwrap();
    driven.run();
    driven.machine.loaded(money(77));
    driven.run();
    assert_eq!(restarted(&driven.journal, 77).run(), Action::Idle);
    // What is open is settled first, as ever.
    let confirming = Driven::confirming(with(1)).journal;
    let mut machine = to_load(&confirming, 50).unwrap();
    assert_eq!(machine.next(), sends(confirm(with(1)), 1, true));
    assert_eq!(machine.load(money(77)), Err(BeginError::Open));
    // Only the count shows whether these notes are out.
    assert!(to_load(&confirming[..3], 50).is_err());
}
