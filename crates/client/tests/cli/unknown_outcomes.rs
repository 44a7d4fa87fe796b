//! Exit status 4: the bank was asked and has not answered, so nobody knows yet.

use std::sync::mpsc::{Sender, channel};

use testkit::TEST_TIMEOUT;
use testkit::assert_contains;

use crate::bare_servers::{bank, bank_over};
use crate::labclient::run;

const ATM: &[&str] = &["atm", "--card", "123456789", "--patience", "1"];

/// What a bank with one customer answers: all but a message with this verb, which it never
/// survives. The id in that message is told.
fn gone_at(verb: &'static str, tell: Sender<String>) -> impl Fn(&str) -> Option<String> + Send {
    move |request| {
        let words: Vec<_> = request.split(' ').collect();
        if words[0] == verb {
            let _ = tell.send(words[1].to_owned());
            return None;
        }
        match words[..] {
            ["TERMINAL", name] => Some(format!("OK terminal {name}")),
            ["VERIFY_CARD_AND_PASSWORD", id, ..] => Some(format!("OK {id} welcome Joty")),
            ["WITHDRAW" | "DEPOSIT", id, amount, _key] => {
                Some(format!("OK {id} held {amount}, available 9500.00"))
            }
            _ => None,
        }
    }
}

#[test]
fn a_bank_gone_with_a_withdrawal_or_deposit_leaves_its_outcome_unknown() {
    for (request, verb) in [
        ("withdraw", "WITHDRAW"),
        ("deposit", "DEPOSIT"),
        ("withdraw", "CONFIRM"),
        ("deposit", "CONFIRM"),
    ] {
        let (tell, told) = channel();
        let ended = run(
            bank(gone_at(verb, tell)),
            &[ATM, &[request, "500"]].concat(),
        );
        ended.exited(4, "");
        let id = told.recv_timeout(TEST_TIMEOUT).unwrap();
        assert_contains(&ended.stderr, &[&id]);
        assert!(!ended.stderr.contains("failed"), "{verb}: {ended:?}");
    }
}

#[test]
fn a_card_that_is_locked_before_the_repeat_does_not_pass_for_a_decline() {
    let (tell, told) = channel();
    let mut log_ins = 0;
    let locked_after_the_first = move |request: &str| {
        let words: Vec<_> = request.split(' ').collect();
        match words[..] {
            ["TERMINAL", name] => Some(format!("OK terminal {name}")),
            ["VERIFY_CARD_AND_PASSWORD", id, ..] => {
                log_ins += 1;
                Some(match log_ins {
                    1 => format!("OK {id} welcome Joty"),
                    _ => format!("ERR card-locked {id} the card is locked"),
                })
            }
            // It is held, and the answer is lost.
            ["WITHDRAW", id, _, key] => {
                tell.send(format!("held {id} {key}")).ok()?;
                None
            }
            ["ROLLBACK", id, key] => {
                tell.send(format!("rolled back {id} {key}")).ok()?;
                Some(format!("OK {id} rolled back"))
            }
            _ => None,
        }
    };
    let ended = run(
        bank_over(3, locked_after_the_first),
        &[ATM, &["withdraw", "500"]].concat(),
    );
    let held = told.recv_timeout(TEST_TIMEOUT).unwrap();
    let rolled_back = told.recv_timeout(TEST_TIMEOUT).unwrap();
    assert_eq!(
        rolled_back,
        held.replace("held", "rolled back"),
        "{ended:?}"
    );
    ended.refused(1, &["the card is locked"]);
}

#[test]
fn a_refusal_of_another_request_is_not_taken_for_that_of_this_one() {
    let (tell, told) = channel();
    let mut holds = 0;
    // The second copy of an earlier refusal comes first; then, on a new connection, the answer.
    let stale_first = move |request: &str| {
        let words: Vec<_> = request.split(' ').collect();
        match words[..] {
            ["TERMINAL", name] => Some(format!("OK terminal {name}")),
            ["VERIFY_CARD_AND_PASSWORD", id, ..] => Some(format!("OK {id} welcome Joty")),
            ["WITHDRAW", id, amount, _key] => {
                holds += 1;
                tell.send(id.to_owned()).ok()?;
                let other = "WITH_0190e5a8-7c00-7000-8000-000000000001";
                Some(match holds {
                    1 => format!("ERR insufficient-funds {other} only 5.00 available"),
                    2 => "ERR insufficient-funds only 5.00 available".to_owned(),
                    _ => format!("OK {id} held {amount}, available 9500.00"),
                })
            }
            ["CONFIRM", id, _key] => Some(format!("OK {id} confirmed")),
            _ => None,
        }
    };
    let ended = run(
        bank_over(3, stale_first),
        &["atm", "--card", "123456789", "withdraw", "500"],
    );
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ids: Vec<_> = told.try_iter().collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(ended.stdout.contains(&ids[0]), "{ended:?}");
}

#[test]
fn a_bank_gone_before_it_was_asked_is_only_lost() {
    let (tell, _told) = channel();
    let ended = run(
        bank(gone_at("VERIFY_CARD_AND_PASSWORD", tell)),
        &[ATM, &["withdraw", "500"]].concat(),
    );
    ended.exited(3, "");
    let (tell, _told) = channel();
    let ended = run(
        bank(gone_at("BALANCE_INQUIRY", tell)),
        &[ATM, &["balance"]].concat(),
    );
    ended.exited(3, "");
}
