//! Report 001's bank: one request a connection.

use proto::handout::Handout;
use testkit::at_once;
use testkit::peer::reset;

use super::{answer_to, connect_and_leave, say, started, started_with};
use crate::faults::config;

#[test]
fn every_request_is_answered_in_the_printed_words() {
    let server = started(Handout::AtmCard);
    for (message, answer) in [
        (
            "VERIFY_CARD_AND_PASSWORD 123456789 1234",
            "VERIFY_ACK SUCCESS",
        ),
        (
            "VERIFY_CARD_AND_PASSWORD 123456789 123",
            "VERIFY_ACK FAILURE",
        ),
        (
            "VERIFY_CARD_AND_PASSWORD 123456789 5678",
            "VERIFY_ACK FAILURE",
        ),
        ("VERIFY_CARD_AND_PASSWORD Joty 1234", "VERIFY_ACK FAILURE"),
        ("VERIFY_CARD_AND_PASSWORD 111 1234", "VERIFY_ACK FAILURE"),
        ("BALANCE_INQUIRY 123456789", "BALANCE_ACK 10000"),
        ("BALANCE_INQUIRY 987654321", "BALANCE_ACK 5000"),
        (
            "WITHDRAW 123456789 500",
            "WITHDRAW_ACK SUCCESS Withdrawn 500 successfully",
        ),
        ("BALANCE_INQUIRY 123456789", "BALANCE_ACK 9500"),
        // There are no ids: what is sent again is done again.
        (
            "WITHDRAW 123456789 500",
            "WITHDRAW_ACK SUCCESS Withdrawn 500 successfully",
        ),
        ("BALANCE_INQUIRY 123456789", "BALANCE_ACK 9000"),
        (
            "WITHDRAW 123456789 9001",
            "WITHDRAW_ACK FAILURE Insufficient funds",
        ),
        (
            "WITHDRAW 123456789 0",
            "WITHDRAW_ACK FAILURE Invalid amount",
        ),
        (
            "WITHDRAW 123456789 -5",
            "WITHDRAW_ACK FAILURE Invalid amount",
        ),
        (
            "DEPOSIT 123456789 1_000",
            "DEPOSIT_ACK SUCCESS Amount deposited successfully",
        ),
        ("BALANCE_INQUIRY 123456789", "BALANCE_ACK 10000"),
        ("DEPOSIT 123456789 0", "DEPOSITE_ACK FAILURE Invalid amount"),
        (
            "WITHDRAW 123456789 10000",
            "WITHDRAW_ACK SUCCESS Withdrawn 10000 successfully",
        ),
        ("BALANCE_INQUIRY 123456789", "BALANCE_ACK 0"),
        ("BALANCE_INQUIRY 111", "BALANCE_ACK FAILURE Invalid card"),
        ("WITHDRAW 111 5", "WITHDRAW_ACK FAILURE Invalid card"),
        ("DEPOSIT 111 5", "DEPOSITE_ACK FAILURE Invalid card"),
        ("WITHDRAW 123456789", "Invalid request"),
        ("HELLO", ""),
        (" ", ""),
    ] {
        assert_eq!(answer_to(&server, message.as_bytes()), answer, "{message}");
    }
}

#[test]
fn an_account_under_any_number_works_and_a_taken_number_changes_nothing() {
    let server = started(Handout::AtmCard);
    let created = "CREATE_ACCOUNT_ACK SUCCESS Account created successfully";
    for (message, answer) in [
        ("CREATE_ACCOUNT 111 bob pw9 100", created),
        ("VERIFY_CARD_AND_PASSWORD 111 pw9", "VERIFY_ACK SUCCESS"),
        ("VERIFY_CARD_AND_PASSWORD 111 pw", "VERIFY_ACK FAILURE"),
        ("BALANCE_INQUIRY 111", "BALANCE_ACK 100"),
        ("CREATE_ACCOUNT 111 eve other 5", created),
        ("VERIFY_CARD_AND_PASSWORD 111 other", "VERIFY_ACK FAILURE"),
        ("BALANCE_INQUIRY 111", "BALANCE_ACK 100"),
        (
            "WITHDRAW 111 100",
            "WITHDRAW_ACK SUCCESS Withdrawn 100 successfully",
        ),
        ("CREATE_ACCOUNT 555555555 ann 4321 0", created),
        ("BALANCE_INQUIRY 555555555", "BALANCE_ACK 0"),
    ] {
        assert_eq!(answer_to(&server, message.as_bytes()), answer, "{message}");
    }
}

#[test]
fn a_client_that_says_nothing_or_is_killed_is_nothing_special() {
    let server = started(Handout::AtmCard);
    for _ in 0..5 {
        connect_and_leave(&server);
        let mut killed = server.connect();
        say(&mut killed, b"BALANCE_INQUIRY 123456789");
        reset(killed);
    }
    assert_eq!(
        answer_to(&server, b"BALANCE_INQUIRY 123456789"),
        "BALANCE_ACK 10000"
    );
}

#[test]
fn ten_wrong_passwords_lock_nothing() {
    let server = started(Handout::AtmCard);
    for _ in 0..10 {
        let wrong = b"VERIFY_CARD_AND_PASSWORD 123456789 0000";
        assert_eq!(answer_to(&server, wrong), "VERIFY_ACK FAILURE");
    }
    let right = b"VERIFY_CARD_AND_PASSWORD 123456789 1234";
    assert_eq!(answer_to(&server, right), "VERIFY_ACK SUCCESS");
}

#[test]
fn withdrawals_of_two_at_once_never_take_more_than_there_is() {
    let server = started(Handout::AtmCard);
    let withdraw = |_| -> Vec<String> {
        let answers = (0..15).map(|_| answer_to(&server, b"WITHDRAW 987654321 250"));
        answers.collect()
    };
    let mut answers = at_once(0..2, withdraw).concat();
    answers.sort();
    let declined = "WITHDRAW_ACK FAILURE Insufficient funds";
    let done = "WITHDRAW_ACK SUCCESS Withdrawn 250 successfully";
    assert_eq!(answers, [[declined; 10], [done; 10], [done; 10]].concat());
    assert_eq!(
        answer_to(&server, b"BALANCE_INQUIRY 987654321"),
        "BALANCE_ACK 0"
    );
}

#[test]
fn an_injected_error_is_the_printed_one_and_nothing_is_done() {
    let server = started_with(Handout::AtmCard, config("error=#1"));
    assert_eq!(
        answer_to(&server, b"WITHDRAW 123456789 500"),
        "ERROR_ACK Random error occurred"
    );
}
