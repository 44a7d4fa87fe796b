use super::*;
use proptest::prelude::*;

const CARD: &str = "123456789";

fn wording() -> AtmCard<impl FnMut() -> Uuid> {
    AtmCard::new(|| Uuid::from_u128(7))
}

fn card() -> CardNumber {
    CARD.parse().unwrap()
}

fn amount(units: i64) -> Amount {
    Amount::new(Money::from_minor(units * 100).unwrap()).unwrap()
}

/// What is said at once, without asking the bank.
fn said(request: &str) -> String {
    match wording().received(request.as_bytes()) {
        Step::Last(message) => String::from_utf8(message).unwrap(),
        step => panic!("{request}: {step:?}"),
    }
}

/// What is said when the bank answers this.
fn answered(request: &str, answer: Result<Answer, Refusal>) -> Step<Request> {
    let mut wording = wording();
    let asked = wording.received(request.as_bytes());
    assert!(matches!(asked, Step::Ask(_)), "{request}: {asked:?}");
    wording.answered(answer)
}

fn refused(request: &str, code: Code) -> String {
    match answered(request, Err(Refusal::new(code, ""))) {
        Step::Last(message) => String::from_utf8(message).unwrap(),
        step => panic!("{request}: {step:?}"),
    }
}

#[test]
fn a_card_is_verified_with_its_password() {
    let request = "VERIFY_CARD_AND_PASSWORD 123456789 1234";
    let asked = Request::Verify(card(), Pin::password("1234").unwrap());
    assert_eq!(wording().received(request.as_bytes()), Step::Ask(asked));
    let welcome = Answer::Welcome("Joty".parse().unwrap());
    let success = Step::last("VERIFY_ACK SUCCESS");
    assert_eq!(answered(request, Ok(welcome)), success);
    let refused = refused(request, Code::WrongCredentials);
    assert_eq!(refused, "VERIFY_ACK FAILURE");
}

#[test]
fn a_balance_is_in_whole_units() {
    let request = "BALANCE_INQUIRY 123456789";
    let asked = Request::Card(card(), atm::Request::Balance);
    assert_eq!(wording().received(request.as_bytes()), Step::Ask(asked));
    let available = Money::from_minor(1_000_099).unwrap();
    let balance = Answer::Atm(atm::Answer::Balance {
        available,
        held: Money::ZERO,
    });
    let success = Step::last("BALANCE_ACK 10000");
    assert_eq!(answered(request, Ok(balance)), success);
    let refused = refused(request, Code::NotLoggedIn);
    assert_eq!(refused, "BALANCE_ACK FAILURE Invalid card");
}

#[test]
fn money_is_held_and_confirmed_at_once() {
    for (request, id, success) in [
        (
            "WITHDRAW 123456789 +500",
            TransactionId::withdrawal(Uuid::from_u128(7)),
            "WITHDRAW_ACK SUCCESS Withdrawn 500 successfully",
        ),
        (
            "DEPOSIT 123456789 500",
            TransactionId::deposit(Uuid::from_u128(7)),
            "DEPOSIT_ACK SUCCESS Amount deposited successfully",
        ),
    ] {
        let mut wording = wording();
        let amount = amount(500);
        let key = None;
        let hold = Request::Card(card(), atm::Request::Hold { id, amount, key });
        assert_eq!(wording.received(request.as_bytes()), Step::Ask(hold));
        let held = atm::Answer::Held {
            id,
            amount,
            available: Money::ZERO,
            repeat: false,
        };
        let confirm = Request::Card(card(), atm::Request::Confirm { id, key: None });
        assert_eq!(wording.answered(Ok(Answer::Atm(held))), Step::Ask(confirm));
        let confirmed = Answer::Atm(atm::Answer::Confirmed { id, repeat: false });
        assert_eq!(wording.answered(Ok(confirmed)), Step::last(success));
    }
}

#[test]
fn money_that_cannot_be_moved_is_refused_in_the_printed_words() {
    for amount in ["0", "-5", "-0", "abc", "1.5", "1e3", "nan"] {
        let withdraw = alloc::format!("WITHDRAW 123456789 {amount}");
        assert_eq!(said(&withdraw), "WITHDRAW_ACK FAILURE Invalid amount");
        let deposit = alloc::format!("DEPOSIT 123456789 {amount}");
        assert_eq!(said(&deposit), "DEPOSITE_ACK FAILURE Invalid amount");
    }
    let huge = "9".repeat(500);
    for (verb, failure) in [
        ("WITHDRAW", "WITHDRAW_ACK FAILURE Insufficient funds"),
        ("DEPOSIT", "DEPOSITE_ACK FAILURE Invalid amount"),
    ] {
        assert_eq!(said(&alloc::format!("{verb} 123456789 {huge}")), failure);
    }
    for (verb, code, failure) in [
        (
            "WITHDRAW",
            Code::InsufficientFunds,
            "WITHDRAW_ACK FAILURE Insufficient funds",
        ),
        (
            "WITHDRAW",
            Code::NotLoggedIn,
            "WITHDRAW_ACK FAILURE Invalid card",
        ),
        (
            "DEPOSIT",
            Code::NotLoggedIn,
            "DEPOSITE_ACK FAILURE Invalid card",
        ),
        ("DEPOSIT", Code::Unavailable, "ERROR_ACK Try again later"),
    ] {
        assert_eq!(
            refused(&alloc::format!("{verb} 123456789 500"), code),
            failure
        );
    }
}

#[test]
fn an_account_is_created_under_any_number_and_a_taken_one_is_answered_alike() {
    let request = "CREATE_ACCOUNT 111 bob pw9 100";
    let id = CreationId(Uuid::from_u128(7));
    let asked = atm::Request::Create {
        id,
        card: CardNumber::free_form("111").unwrap(),
        pin: Pin::password("pw9").unwrap(),
        opening: amount(100).money(),
        holder: "bob".parse().unwrap(),
    };
    let asked = Step::Ask(Request::Session(asked));
    assert_eq!(wording().received(request.as_bytes()), asked);
    let success = "CREATE_ACCOUNT_ACK SUCCESS Account created successfully";
    let created = Answer::Atm(atm::Answer::Created { id, repeat: false });
    assert_eq!(answered(request, Ok(created)), Step::last(success));
    assert_eq!(refused(request, Code::AccountExists), success);
    assert!(matches!(
        wording().received(b"CREATE_ACCOUNT 111 bob pw9 0"),
        Step::Ask(_)
    ));
    for amount in ["-1", "x", &"9".repeat(30)] {
        let request = alloc::format!("CREATE_ACCOUNT 111 bob pw9 {amount}");
        assert_eq!(said(&request), "CREATE_ACCOUNT_ACK FAILURE Invalid amount");
    }
}

#[test]
fn too_few_words_are_invalid_and_an_unknown_first_word_is_not_answered() {
    let short = "VERIFY_CARD_AND_PASSWORD|VERIFY_CARD_AND_PASSWORD 123456789|BALANCE_INQUIRY|\
                 WITHDRAW 123456789|DEPOSIT|CREATE_ACCOUNT 111 bob pw9";
    for request in short.split('|') {
        let not_understood = Step::last("Invalid request").not_understood();
        assert_eq!(
            wording().received(request.as_bytes()),
            not_understood,
            "{request}"
        );
    }
    for request in [&b"HELLO"[..], b"withdraw 123456789 5", b" ", b"ERROR"] {
        assert_eq!(wording().received(request), Step::Close.not_understood());
    }
    assert_eq!(
        wording().received(b"WITHDRAW \xff 5"),
        Step::last("Invalid request").not_understood()
    );
}

#[test]
fn what_is_not_understood_is_shown_by_its_verb_and_never_with_a_password() {
    for (message, for_log) in [
        (
            &b"WITHDRAWAL 123456789 500"[..],
            "\"WITHDRAWAL\" in 24 bytes",
        ),
        (b"VERIFY 123456789 1234", "\"VERIFY\" in 21 bytes"),
        (b"123456789 1234", "14 bytes that begin with no verb"),
        (b"secret", "6 bytes that begin with no verb"),
        (b" ", "1 bytes that begin with no verb"),
        (b"WITHDRAW \xff", "10 bytes that begin with no verb"),
    ] {
        assert_eq!(wording().for_log(message), for_log);
    }
}

#[test]
fn an_injected_error_has_the_printed_words() {
    assert_eq!(
        wording().refused_by_fault(),
        Step::last("ERROR_ACK Random error occurred")
    );
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(message in prop::collection::vec(any::<u8>(), 1..60)) {
        let _ = wording().received(&message);
    }
}
