use super::*;
use proptest::prelude::*;

fn wording() -> TextbookAtm<impl FnMut() -> Uuid> {
    TextbookAtm::new(|| Uuid::from_u128(7))
}

fn log_in(password: &str) -> Step<Request> {
    Step::Ask(Request::LogIn(
        Customer("Joty".into()),
        Pin::password(password).unwrap(),
    ))
}

fn session(request: atm::Request) -> Step<Request> {
    Step::Ask(Request::Session(request))
}

fn hold(amount: &str) -> atm::Request {
    atm::Request::Hold {
        id: TransactionId::withdrawal(Uuid::from_u128(7)),
        amount: amount.parse().unwrap(),
        key: None,
    }
}

/// The conversation of a customer who has logged in.
fn logged_in() -> TextbookAtm<impl FnMut() -> Uuid> {
    let mut wording = wording();
    assert_eq!(wording.received(b"HELO Joty"), Step::say(AUTH_REQUIRED));
    assert_eq!(wording.received(b"PASSWD 1234"), log_in("1234"));
    let welcome = Answer::Welcome("Joty".parse().unwrap());
    assert_eq!(wording.answered(Ok(welcome)), Step::say(OK));
    wording
}

fn refused(code: Code) -> Result<Answer, Refusal> {
    Err(Refusal::new(code, ""))
}

fn error() -> Step<Request> {
    Step::say(ERROR)
}

#[test]
fn a_wrong_password_may_be_followed_by_another() {
    let mut wording = wording();
    wording.received(b"HELO Joty");
    assert_eq!(wording.received(b"PASSWD 9999"), log_in("9999"));
    assert_eq!(wording.answered(refused(Code::WrongCredentials)), error());
    assert_eq!(wording.received(b"BALANCE"), error().not_understood());
    assert_eq!(wording.received(b"PASSWD 1234"), log_in("1234"));
}

#[test]
fn a_balance_has_decimals_only_where_there_are_hundredths() {
    let mut wording = logged_in();
    for (minor, said) in [
        (1_000_000, "AMOUNT:10000"),
        (947_950, "AMOUNT:9479.50"),
        (0, "AMOUNT:0"),
    ] {
        let asked = session(atm::Request::Balance);
        assert_eq!(wording.received(b"BALANCE"), asked);
        let balance = atm::Answer::Balance {
            available: Money::from_minor(minor).unwrap(),
            held: Money::ZERO,
        };
        assert_eq!(wording.answered(Ok(Answer::Atm(balance))), Step::say(said));
    }
}

#[test]
fn a_withdrawal_is_held_and_confirmed_before_it_is_answered() {
    let mut wording = logged_in();
    assert_eq!(wording.received(b"WITHDRAWL 20.50"), session(hold("20.50")));
    let id = TransactionId::withdrawal(Uuid::from_u128(7));
    let held = atm::Answer::Held {
        id,
        amount: "20.50".parse().unwrap(),
        available: Money::ZERO,
        repeat: false,
    };
    let confirm = session(atm::Request::Confirm { id, key: None });
    assert_eq!(wording.answered(Ok(Answer::Atm(held))), confirm);
    let confirmed = atm::Answer::Confirmed { id, repeat: false };
    assert_eq!(wording.answered(Ok(Answer::Atm(confirmed))), Step::say(OK));
}

#[test]
fn whatever_the_bank_refuses_is_an_error_and_the_session_goes_on() {
    let mut wording = logged_in();
    for code in [Code::InsufficientFunds, Code::Unavailable] {
        assert_eq!(wording.received(b"WITHDRAWL 500"), session(hold("500")));
        assert_eq!(wording.answered(refused(code)), error());
    }
    // More than any account can hold is no question to the bank.
    let huge = format!("WITHDRAWL {}", "9".repeat(500));
    assert_eq!(wording.received(huge.as_bytes()), error());
    assert_eq!(wording.received(b"BALANCE"), session(atm::Request::Balance));
}

#[test]
fn an_amount_that_is_none_is_not_understood() {
    let mut wording = logged_in();
    for amount in [
        "", " ", "-5", "+5", "abc", "1e3", "1.234", "1,5", "nan", "5 6",
    ] {
        let request = format!("WITHDRAWL {amount}");
        let step = wording.received(request.as_bytes());
        assert_eq!(step, error().not_understood(), "{amount:?}");
    }
    assert_eq!(wording.received(b"WITHDRAWL 0"), error());
}

#[test]
fn what_is_out_of_turn_or_unknown_is_an_error() {
    for request in "HELO|HELO |PASSWD 1234|BALANCE|WITHDRAWL 5|helo Joty|OK||BYE now".split('|') {
        let step = wording().received(request.as_bytes());
        assert_eq!(step, error().not_understood(), "{request:?}");
    }
    for request in "PASSWD 1234|BALANCE 1|WITHDRAW 5|WITHDRAWAL 5|DEPOSIT 5".split('|') {
        let step = logged_in().received(request.as_bytes());
        assert_eq!(step, error().not_understood(), "{request:?}");
    }
    assert_eq!(wording().received(b"HELO \xff"), error().not_understood());
}

#[test]
fn another_card_ends_the_session_of_the_one_before() {
    let mut wording = logged_in();
    assert_eq!(wording.received(b"HELO Ahona"), Step::say(AUTH_REQUIRED));
    assert_eq!(wording.received(b"BALANCE"), error().not_understood());
}

#[test]
fn bye_is_answered_in_every_state() {
    let mut named = wording();
    named.received(b"HELO Joty");
    for mut wording in [wording(), named] {
        assert_eq!(wording.received(b"BYE"), Step::last("BYE"));
    }
    assert_eq!(logged_in().received(b"BYE"), Step::last("BYE"));
}

#[test]
fn blanks_around_the_words_are_ignored() {
    let mut wording = wording();
    let padded = wording.received(b" HELO   Ada Lovelace \t");
    assert_eq!(padded, Step::say(AUTH_REQUIRED));
    let customer = Customer("Ada Lovelace".into());
    assert_eq!(wording.state, State::Password(customer));
}

#[test]
fn what_is_not_understood_is_shown_by_its_verb_and_never_with_a_password() {
    for (message, for_log) in [
        (&b"PASSWD 1234"[..], "\"PASSWD\" in 11 bytes"),
        (b"PASS 1234", "\"PASS\" in 9 bytes"),
        (b"1234", "4 bytes that begin with no verb"),
        (b"", "0 bytes that begin with no verb"),
    ] {
        assert_eq!(wording().for_log(message), for_log);
    }
}

#[test]
fn an_injected_error_is_one_like_any_other() {
    assert_eq!(wording().refused_by_fault(), error());
}

#[test]
fn what_is_expected_depends_on_whose_turn_it_is() {
    let mut wording = wording();
    assert_eq!(wording.expected(), "HELO USERID, or BYE");
    wording.received(b"HELO Joty");
    assert_eq!(wording.expected(), "PASSWD PASSWORD, HELO USERID, or BYE");
    let session = "BALANCE, WITHDRAWL AMOUNT, HELO USERID, or BYE";
    assert_eq!(logged_in().expected(), session);
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(messages in prop::collection::vec(
        prop_oneof![
            prop::collection::vec(any::<u8>(), 0..60),
            "(HELO|PASSWD|BALANCE|WITHDRAWL|BYE)( .{0,20})?".prop_map(String::into_bytes),
        ],
        1..8,
    )) {
        let mut wording = wording();
        for message in messages {
            if matches!(wording.received(&message), Step::Ask(_)) {
                wording.answered(Ok(Answer::Welcome("Joty".parse().unwrap())));
            }
        }
    }
}
