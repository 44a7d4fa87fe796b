//! What each answer leads to.

use super::*;

/// The last record, or what is sent next.
fn after(mut driven: Driven, request: &Request, code: Code) -> alloc::string::String {
    let records = driven.journal.len();
    driven.machine.answered(request, &refused(code));
    let next = driven.run();
    let text = match (driven.journal.get(records), next) {
        (Some(record), Action::Show(_)) => record.to_string(),
        (_, Action::Send { request, .. }) => request.to_string(),
        (record, next) => panic!("{record:?}, {next:?}"),
    };
    text.split(' ').next().unwrap_or_default().into()
}

#[test]
fn each_code_means_what_it_proves() {
    let id = with(1);
    for code in Code::ALL {
        let to_hold = match code {
            Code::InsufficientFunds
            | Code::CardLocked
            | Code::Declined
            | Code::AlreadyRolledBack
            | Code::OutOfRange
            | Code::Mismatch => "declined",
            Code::AlreadyConfirmed => "disputed",
            Code::Busy
            | Code::ShuttingDown
            | Code::TooSlow
            | Code::Unavailable
            | Code::OutOfTime
            | Code::Internal => "WITHDRAW",
            _ => "ROLLBACK",
        };
        let to_confirmation = match code {
            Code::AlreadyConfirmed => "confirmed",
            Code::AlreadyRolledBack | Code::Declined | Code::UnknownId | Code::Mismatch => {
                "disputed"
            }
            _ => "CONFIRM",
        };
        let to_rollback = match code {
            Code::AlreadyRolledBack => "rolled-back",
            Code::Declined => "declined",
            Code::AlreadyConfirmed => "disputed",
            _ => "ROLLBACK",
        };
        let found = after(Driven::asking(id), &hold(id), code);
        assert_eq!(found, to_hold, "{code:?}");
        let found = after(Driven::confirming(id), &confirm(id), code);
        assert_eq!(found, to_confirmation, "{code:?}");
        let found = after(Driven::rolling_back(id), &rollback(id), code);
        assert_eq!(found, to_rollback, "{code:?}");
    }
}

#[test]
fn an_answer_to_something_else_is_ignored() {
    let id = with(1);
    for mut driven in [
        Driven::asking(id),
        Driven::confirming(id),
        Driven::rolling_back(id),
    ] {
        let Action::Send { request, .. } = driven.machine.next() else {
            panic!("{:?}", driven.machine.next());
        };
        let others = [
            hold(id),
            confirm(id),
            rollback(id),
            hold(with(2)),
            Request::Balance,
        ];
        let before = driven.machine.clone();
        for other in others.into_iter().filter(|other| *other != request) {
            for code in Code::ALL {
                driven.machine.answered(&other, &refused(code));
            }
            driven.machine.answered(&other, &held(id));
            assert_eq!(driven.machine, before, "{other:?}");
        }
    }
}

#[test]
fn an_answer_of_another_kind_proves_nothing() {
    let id = with(1);
    let mut driven = Driven::asking(id);
    driven.machine.answered(&hold(id), &confirmed(id));
    assert_eq!(driven.run(), sends(hold(id), 2, true));
}

#[test]
fn the_customer_learns_why_it_was_declined_or_not_granted() {
    let id = with(1);
    let mut driven = Driven::asking(id);
    let refusal = Refusal::new(Code::InsufficientFunds, "available 1.00");
    driven.machine.answered(&hold(id), &Err(refusal.clone()));
    driven.shows(Outcome::Declined { id, refusal });

    let mut driven = Driven::asking(id);
    let refusal = Refusal::new(Code::NotLoggedIn, "log in first");
    driven.machine.answered(&hold(id), &Err(refusal.clone()));
    assert_eq!(driven.run(), sends(rollback(id), 1, false));
    driven.machine.answered(&rollback(id), &rolled_back(id));
    let refusal = Some(refusal);
    driven.shows(Outcome::RolledBack { id, refusal });
}
