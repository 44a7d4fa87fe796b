//! The bank over the network: repeats, settling, locking, and many machines on one account.

use proto::frame::Framing;
use proto::mode::Mode;
use server::ledger::Place;
use server::ledger::audit::audit;
use server::ledger::sqlite::{self, Access};
use testkit::at_once;
use testkit::peer::Peer;
use testkit::service::{Service, start, start_configured};

fn bank() -> Service {
    start(Mode::Atm)
}

fn id(prefix: &str, number: u64) -> String {
    format!("{prefix}_0190e5a8-7c00-7000-8000-{number:012x}")
}

/// A machine with Joty's card in it. PINs are hashed a few at a time, so on a busy computer the bank
/// may ask to try again.
fn machine(server: &Service, number: u64) -> Peer {
    let mut peer = server.converse(Framing::Netstring);
    let login = id("LOGIN", number);
    loop {
        let answer = peer.ask(&format!("VERIFY_CARD_AND_PASSWORD {login} 123456789 1234"));
        if !answer.starts_with("ERR busy") {
            assert_eq!(answer, format!("OK {login} welcome Joty"));
            return peer;
        }
    }
}

#[test]
fn a_repeat_over_another_connection_is_the_same_withdrawal() {
    let server = bank();
    let with = id("WITH", 1);
    let withdraw = format!("WITHDRAW {with} 500");
    let held = format!("OK {with} held 500.00, available 9500.00");
    {
        let mut first = machine(&server, 1);
        assert_eq!(first.ask(&withdraw), held);
        // The connection ends here, as if the answer had never come.
    }
    let mut second = machine(&server, 2);
    assert_eq!(second.ask(&withdraw), format!("{held}, repeat"));
    assert_eq!(
        second.ask(&format!("CONFIRM {with}")),
        format!("OK {with} confirmed")
    );
    assert_eq!(
        second.ask("BALANCE_INQUIRY"),
        "OK available 9500.00, held 0.00"
    );
}

#[test]
fn the_same_id_on_many_connections_at_once_is_one_withdrawal() {
    let server = bank();
    let withdraw = format!("WITHDRAW {} 100", id("WITH", 1));
    let answers = at_once(0..20, |number| machine(&server, number).ask(&withdraw));
    let first = answers
        .iter()
        .filter(|answer| !answer.ends_with(", repeat"))
        .count();
    assert_eq!(first, 1, "{answers:?}");
    assert_eq!(
        machine(&server, 99).ask("BALANCE_INQUIRY"),
        "OK available 9900.00, held 100.00"
    );
}

#[test]
fn settling_needs_the_key_and_everything_else_a_log_in() {
    let server = bank();
    let with = id("WITH", 1);
    let key = "5d1c8f0a6b3e4792a0c5e8d17f9b2c46";
    machine(&server, 1).ask(&format!("WITHDRAW {with} 10 {key}"));
    let mut stranger = server.converse(Framing::Netstring);
    for request in [
        "BALANCE_INQUIRY",
        &format!("DEPOSIT {} 1", id("DEP", 2)),
        &format!("CONFIRM {with}"),
        &format!("ROLLBACK {with}"),
        &format!("ROLLBACK {}", id("WITH", 3)),
    ] {
        assert!(
            stranger.ask(request).starts_with("ERR not-logged-in"),
            "{request}"
        );
    }
    let other = key.replace('5', "6");
    let refused = stranger.ask(&format!("ROLLBACK {with} {other}"));
    assert!(
        refused.starts_with(&format!("ERR mismatch {with} ")),
        "{refused}"
    );
    // The customer, with the card and the receipt, but without the key.
    let refused = machine(&server, 2).ask(&format!("ROLLBACK {with}"));
    assert!(refused.starts_with("ERR not-logged-in"), "{refused}");
    assert_eq!(
        stranger.ask(&format!("CONFIRM {with} {key}")),
        format!("OK {with} confirmed")
    );
}

#[test]
fn three_wrong_pins_lock_the_card_across_connections() {
    let server = bank();
    let try_pin = |number, card, pin| {
        let login = id("LOGIN", number);
        let mut peer = server.converse(Framing::Netstring);
        let answer = peer.ask(&format!("VERIFY_CARD_AND_PASSWORD {login} {card} {pin}"));
        answer.replace(&login, "ID")
    };
    // The answers say nothing of whether the bank knows it.
    let tries = [
        (1, 1111),
        (1, 1111),
        (2, 2222),
        (3, 3333),
        (4, 1234),
        (3, 3333),
    ];
    let answers_for = |card| tries.map(|(number, pin)| try_pin(number, card, pin));
    let answers_of_known = answers_for(123_456_789);
    assert_eq!(answers_of_known, answers_for(111_111_111));
    let [first, repeat, second, third, fourth, third_again] = answers_of_known;
    assert!(first.starts_with("ERR wrong-credentials ID "), "{first}");
    assert_eq!(first, repeat, "a repeat of the same try burns none");
    assert_eq!([&first, &first, &first], [&second, &third, &third_again]);
    assert!(fourth.starts_with("ERR card-locked ID "), "{fourth}");
}

#[test]
fn fifty_machines_on_one_account_neither_make_nor_lose_money() {
    let directory = tempfile::tempdir().unwrap();
    let ledger = directory.path().join("bank.db");
    let server = start_configured(Mode::Atm, |config| {
        config.ledger = Some(Place::File(ledger.clone()))
    });
    let changes = at_once(0..50_u64, |number| {
        let mut machine = machine(&server, number);
        let mut change = 0;
        for round in 0..8_u64 {
            let is_confirmed = round % 3 != 0;
            let settle = if is_confirmed { "CONFIRM" } else { "ROLLBACK" };
            let (verb, prefix, moved) = match round % 2 {
                0 => ("WITHDRAW", "WITH", -7),
                _ => ("DEPOSIT", "DEP", 7),
            };
            let id = id(prefix, number * 100 + round);
            for request in [format!("{verb} {id} 7"), format!("{settle} {id}")] {
                let answer = machine.ask(&request);
                assert!(answer.starts_with("OK "), "{answer}");
            }
            change += if is_confirmed { moved } else { 0 };
        }
        change
    });
    let balance = 10_000 + changes.iter().sum::<i64>();
    let expected = format!("OK available {balance}.00, held 0.00");
    assert_eq!(machine(&server, 99).ask("BALANCE_INQUIRY"), expected);
    server.stop();
    let report = audit(&mut sqlite::open_beside(&ledger, Access::Read).unwrap()).unwrap();
    assert!(report.violations.is_empty(), "{report}");
}
