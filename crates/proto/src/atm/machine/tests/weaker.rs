//! A machine with protections taken away still does what it says.

use super::*;
use crate::atm::semantics::Semantics;

fn driven(semantics: Semantics, journal: &[JournalRecord], drawer: Money) -> Driven {
    let protections = semantics.protections();
    Driven {
        machine: Machine::recover_under(protections, journal, drawer).unwrap(),
        journal: journal.to_vec(),
        drawer,
    }
}

fn asking(semantics: Semantics, id: TransactionId) -> Driven {
    let mut driven = driven(semantics, &[], money(DRAWER));
    driven.run();
    driven.begin(id, amount()).unwrap();
    assert_eq!(driven.run(), sends(hold(id), 1, false));
    driven
}

#[test]
fn in_one_phase_the_notes_come_out_on_ok_and_nothing_is_confirmed() {
    for semantics in [
        Semantics::Maybe,
        Semantics::AtLeastOnce,
        Semantics::AtMostOnce,
    ] {
        let id = with(1);
        let mut driven = asking(semantics, id);
        driven.machine.answered(&hold(id), &held(id));
        let Action::Show(Outcome::Moved { .. }) = driven.run() else {
            panic!("{semantics}: {:?}", driven.machine.next());
        };
        assert_eq!(driven.drawer, money(DRAWER - 500), "{semantics}");
    }
}

#[test]
fn only_a_machine_that_resends_asks_again_and_the_others_say_that_they_do_not_know() {
    for (semantics, resends) in [
        (Semantics::Maybe, false),
        (Semantics::AtLeastOnce, true),
        (Semantics::AtMostOnce, false),
    ] {
        let id = with(1);
        let mut driven = asking(semantics, id);
        driven.machine.lost();
        let amount = amount();
        let moved = false;
        let expected = match resends {
            true => sends(hold(id), 2, true),
            false => Action::Show(Outcome::Unsettled { id, amount, moved }),
        };
        assert_eq!(driven.run(), expected, "{semantics}");
    }
}

#[test]
fn what_was_left_open_does_not_keep_a_machine_from_starting_again() {
    let semantics = Semantics::AtMostOnce;
    for (records, drawer) in [(2, DRAWER), (3, DRAWER), (3, DRAWER - 500)] {
        let id = with(1);
        let mut before = asking(semantics, id);
        before.machine.answered(&hold(id), &held(id));
        before.run();
        let mut restarted = driven(semantics, &before.journal[..records], money(drawer));
        if let Action::Show(Outcome::Unsettled { .. }) = restarted.run() {
            restarted.machine.shown();
        }
        assert_eq!(restarted.run(), Action::Idle);
        restarted.begin(with(2), amount()).unwrap();
        restarted.run();
        restarted.machine.answered(&hold(with(2)), &held(with(2)));
        restarted.run();
        let mut again = driven(semantics, &restarted.journal, restarted.drawer);
        assert_eq!(again.run(), Action::Idle);
    }
}
