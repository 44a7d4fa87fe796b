//! Exit status 4: the bank was asked and has not answered, so the outcome is not known yet.

use std::sync::mpsc::{Sender, channel};

use testkit::TEST_TIMEOUT;
use testkit::assert_contains;

use crate::bare_servers::{bank, bank_over, welcome};
use crate::labclient::run;

const ATM: &[&str] = &["atm", "--card", "123456789", "--patience", "1"];

/// What a bank with one customer answers: all but a message with this verb, which it never
/// survives. The id in that message is sent to the test.
fn gone_at(verb: &'static str, sender: Sender<String>) -> impl Fn(&str) -> Option<String> + Send {
    move |request| {
        let words: Vec<_> = request.split(' ').collect();
        if words[0] == verb {
            let _ = sender.send(words[1].to_owned());
            return None;
        }
        match words[..] {
            ["WITHDRAW" | "DEPOSIT", id, amount, _key] => {
                Some(format!("OK {id} held {amount}, available 9500.00"))
            }
            _ => welcome(request),
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
        let (sender, sent) = channel();
        let bank = bank(gone_at(verb, sender));
        let ended = run(bank, &[ATM, &[request, "500"]].concat());
        ended.exited(4, "");
        let id = sent.recv_timeout(TEST_TIMEOUT).unwrap();
        assert_contains(&ended.stderr, &[&id]);
        assert!(!ended.stderr.contains("failed"), "{verb}: {ended:?}");
    }
}

#[test]
fn a_card_that_is_locked_before_the_repeat_does_not_pass_for_a_decline() {
    let (sender, sent) = channel();
    let mut is_locked = false;
    let locked_after_the_first = move |request: &str| {
        let words: Vec<_> = request.split(' ').collect();
        match words[..] {
            ["VERIFY_CARD_AND_PASSWORD", id, ..] if is_locked => {
                Some(format!("ERR card-locked {id} the card is locked"))
            }
            // It is held, and the answer is lost.
            ["WITHDRAW", id, _, key] => {
                sender.send(format!("held {id} {key}")).ok()?;
                is_locked = true;
                None
            }
            ["ROLLBACK", id, key] => {
                sender.send(format!("rolled back {id} {key}")).ok()?;
                Some(format!("OK {id} rolled back"))
            }
            _ => welcome(request),
        }
    };
    let bank = bank_over(3, locked_after_the_first);
    let ended = run(bank, &[ATM, &["withdraw", "500"]].concat());
    let held = sent.recv_timeout(TEST_TIMEOUT).unwrap();
    let rolled_back = sent.recv_timeout(TEST_TIMEOUT).unwrap();
    assert_eq!(rolled_back, held.replace("held", "rolled back"));
    ended.refused(1, &["the card is locked"]);
}

#[test]
fn a_refusal_of_another_request_is_not_taken_for_that_of_this_one() {
    let (sender, sent) = channel();
    let mut holds = 0;
    // The second copy of an earlier refusal comes first; then, on a new connection, the answer.
    let stale_first = move |request: &str| {
        let words: Vec<_> = request.split(' ').collect();
        match words[..] {
            ["WITHDRAW", id, amount, _key] => {
                holds += 1;
                sender.send(id.to_owned()).ok()?;
                let other = "WITH_0190e5a8-7c00-7000-8000-000000000001";
                Some(match holds {
                    1 => format!("ERR insufficient-funds {other} only 5.00 available"),
                    2 => "ERR insufficient-funds only 5.00 available".to_owned(),
                    _ => format!("OK {id} held {amount}, available 9500.00"),
                })
            }
            ["CONFIRM", id, _key] => Some(format!("OK {id} confirmed")),
            _ => welcome(request),
        }
    };
    let withdraw = ["atm", "--card", "123456789", "withdraw", "500"];
    let ended = run(bank_over(3, stale_first), &withdraw);
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let ids: Vec<_> = sent.try_iter().collect();
    assert_eq!(ids.len(), 3, "{ids:?}");
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    assert!(ended.stdout.contains(&ids[0]), "{ended:?}");
}

#[test]
fn a_bank_gone_before_it_was_asked_is_only_lost() {
    for (verb, request) in [
        ("VERIFY_CARD_AND_PASSWORD", &["withdraw", "500"][..]),
        ("BALANCE_INQUIRY", &["balance"]),
    ] {
        let bank = bank(gone_at(verb, channel().0));
        run(bank, &[ATM, request].concat()).exited(3, "");
    }
}
