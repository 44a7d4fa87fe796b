//! The exact bytes of the bank's messages.

use alloc::format;
use alloc::string::{String, ToString};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::refusal::Code;

const UUID: &str = "018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a57";

const KEY: &str = "000000000000000000000000000000ab";

fn withdrawal() -> TransactionId {
    TransactionId::withdrawal(UUID.parse().unwrap())
}

fn deposit() -> TransactionId {
    TransactionId::deposit(UUID.parse().unwrap())
}

fn creation() -> CreationId {
    CreationId(UUID.parse().unwrap())
}

fn money(text: &str) -> Money {
    text.parse().unwrap()
}

fn amount(text: &str) -> Amount {
    text.parse().unwrap()
}

fn log_in() -> Request {
    Request::LogIn {
        id: LoginId(UUID.parse().unwrap()),
        card: "123456789".parse().unwrap(),
        pin: "1234".parse().unwrap(),
    }
}

fn hold(id: TransactionId, amount: &str, key: Option<Key>) -> Request {
    let amount = amount.parse().unwrap();
    Request::Hold { id, amount, key }
}

fn confirm(id: TransactionId, key: Option<Key>) -> Request {
    Request::Confirm { id, key }
}

fn roll_back(id: TransactionId, key: Option<Key>) -> Request {
    Request::Rollback { id, key }
}

fn create(holder: &str) -> Request {
    Request::Create {
        id: creation(),
        card: "123456789".parse().unwrap(),
        pin: "1234".parse().unwrap(),
        opening: money("10000"),
        holder: holder.parse().unwrap(),
    }
}

fn welcome(holder: &str) -> Answer {
    Answer::Welcome {
        id: LoginId(UUID.parse().unwrap()),
        holder: holder.parse().unwrap(),
    }
}

/// The text with the UUID for each `ID` after a prefix, and the key for `KEY`.
fn with_ids(text: &str) -> String {
    text.replace("_ID", &format!("_{UUID}")).replace("KEY", KEY)
}

#[test]
fn requests_have_these_exact_bytes() {
    let (with, dep, key) = (withdrawal(), deposit(), Some(Key::new(0xab)));
    let terminal = Request::Terminal("ATM-1".parse().unwrap());
    let verify = "VERIFY_CARD_AND_PASSWORD LOGIN_ID 123456789 1234";
    let create_account = "CREATE_ACCOUNT ACC_ID 123456789 1234 10000.00 Joty  Saha, Dr.";
    for (request, bytes) in [
        (log_in(), verify),
        (Request::Balance, "BALANCE_INQUIRY"),
        (hold(with, "500", None), "WITHDRAW WITH_ID 500.00"),
        (hold(dep, "20.5", None), "DEPOSIT DEP_ID 20.50"),
        (confirm(with, None), "CONFIRM WITH_ID"),
        (confirm(dep, None), "CONFIRM DEP_ID"),
        (roll_back(with, None), "ROLLBACK WITH_ID"),
        (hold(with, "500", key), "WITHDRAW WITH_ID 500.00 KEY"),
        (roll_back(dep, key), "ROLLBACK DEP_ID KEY"),
        (create("Joty  Saha, Dr."), create_account),
        (terminal, "TERMINAL ATM-1"),
        (Request::Quit, "QUIT"),
    ] {
        let bytes = with_ids(bytes);
        assert_eq!(request.to_string(), bytes);
        assert_eq!(bytes.parse(), Ok(request));
    }
}

#[test]
fn answers_have_these_exact_bytes() {
    let (with, dep) = (withdrawal(), deposit());
    let hold = hold(with, "500", None);
    let held = |repeat| Answer::Held {
        id: with,
        amount: amount("500"),
        available: money("9500"),
        repeat,
    };
    let balance = Answer::Balance {
        available: money("10000"),
        held: money("0"),
    };
    let confirmed = |repeat| Answer::Confirmed { id: dep, repeat };
    let rolled_back = |repeat| Answer::RolledBack { id: dep, repeat };
    let created = |repeat| Answer::Created {
        id: creation(),
        repeat,
    };
    let terminal = Request::Terminal("ATM-1".parse().unwrap());
    let named = Answer::Terminal("ATM-1".parse().unwrap());
    let money_held = "WITH_ID held 500.00, available 9500.00";
    let held_again = "WITH_ID held 500.00, available 9500.00, repeat";
    let sums = "available 10000.00, held 0.00";
    for (request, answer, bytes) in [
        (log_in(), welcome("Joty"), "LOGIN_ID welcome Joty"),
        (Request::Balance, balance, sums),
        (hold.clone(), held(false), money_held),
        (hold, held(true), held_again),
        (confirm(dep, None), confirmed(false), "DEP_ID confirmed"),
        (
            roll_back(dep, None),
            rolled_back(true),
            "DEP_ID rolled back, repeat",
        ),
        (create("Joty"), created(false), "ACC_ID created"),
        (terminal, named, "terminal ATM-1"),
        (Request::Quit, Answer::Bye, "bye"),
    ] {
        let bytes = with_ids(bytes);
        assert_eq!(answer.to_string(), bytes);
        assert_eq!(Answer::parse(&request, &bytes), Some(answer), "{bytes}");
    }
}

#[test]
fn a_holder_whose_name_ends_like_a_repeat_is_welcome() {
    let answer = welcome("Joty, repeat");
    assert_eq!(Answer::parse(&log_in(), &answer.to_string()), Some(answer));
}

#[test]
fn an_answer_about_something_else_does_not_fit() {
    let hold = hold(withdrawal(), "500", None);
    for (request, bytes) in [
        (&hold, ""),
        (&hold, "bye"),
        (&hold, "DEP_ID held 500.00, available 9500.00"),
        (&hold, "WITH_ID held 500.01, available 9500.00"),
        (&hold, "WITH_ID held 500, available 9500.00"),
        (&hold, "WITH_ID held 500.00, available -1.00"),
        (&hold, "WITH_ID held 500.00, available 9500.00 "),
        (&hold, "WITH_ID confirmed"),
        (&hold, "LOGIN_ID welcome Joty"),
        (&confirm(withdrawal(), None), "WITH_ID rolled back"),
        (&Request::Balance, "available 1.00, held 0.00, repeat"),
    ] {
        let bytes = with_ids(bytes);
        assert_eq!(Answer::parse(request, &bytes), None, "{bytes:?}");
    }
}

#[test]
fn a_refusal_names_the_request_and_is_believed_of_no_other() {
    let refusal = Refusal::new(Code::InsufficientFunds, "only 5.00 available");
    let hold = hold(withdrawal(), "500", None);
    let named = naming(hold.id().unwrap(), refusal.clone());
    let text = crate::reply::render::<Answer>(&Err(named.clone()));
    assert_eq!(
        text,
        format!("ERR insufficient-funds WITH_{UUID} only 5.00 available")
    );
    let read = |request: &Request, refusal: &Refusal| Answer::read(request, Err(refusal.clone()));
    assert_eq!(read(&hold, &named), Some(Err(refusal.clone())));
    assert_eq!(
        read(&confirm(withdrawal(), None), &named),
        Some(Err(refusal.clone()))
    );
    assert_eq!(
        request::Request::refused(&hold),
        format!("ERR CODE WITH_{UUID} WORDS")
    );
    // Of no other id, not without one, and not of what has none.
    for request in [confirm(deposit(), None), log_in(), Request::Balance] {
        assert_eq!(read(&request, &named), None, "{request:?}");
    }
    assert_eq!(read(&hold, &refusal), None);
    assert_eq!(read(&Request::Balance, &refusal), Some(Err(refusal)));
    // With no words behind the id.
    let bare = Refusal::new(Code::Busy, format!("WITH_{UUID}"));
    assert_eq!(read(&hold, &bare), Some(Err(Refusal::new(Code::Busy, ""))));
}

#[test]
fn a_malformed_request_is_refused_by_its_id_where_it_has_one() {
    for (text, named) in [
        (format!("WITHDRAW WITH_{UUID} -5"), true),
        (format!("CONFIRM DEP_{UUID} x y"), true),
        (format!("VERIFY_CARD_AND_PASSWORD LOGIN_{UUID} 1"), true),
        (format!("WITHDRAW WITH_{UUID}0 5"), false),
        ("WITHDRAW 5".into(), false),
        ("WITHDRAW".into(), false),
    ] {
        let refusal = text.parse::<Request>().unwrap_err();
        let id = text.split(' ').nth(1).unwrap_or_default();
        let begins = refusal.words.starts_with(&format!("{id} ")) && !id.is_empty();
        assert_eq!(begins, named, "{text}: {}", refusal.words);
    }
}

#[test]
fn malformed_requests_are_refused_with_the_reason() {
    let malformed = "BALANCE_INQUIRY now|WITHDRAW WITH_ID|WITHDRAW WITH_ID 5 5|WITHDRAW DEP_ID 5|\
                     DEPOSIT WITH_ID 5|WITHDRAW WITH_ID -5|CONFIRM ACC_ID|ROLLBACK|\
                     ROLLBACK WITH_ID |ROLLBACK WITH_ID  KEY|ROLLBACK WITH_ID KEY0|\
                     CONFIRM WITH_ID KEY KEY|WITHDRAW WITH_ID KEY|WITHDRAW WITH_ID 5 KEY |\
                     CREATE_ACCOUNT ACC_ID 123456789 1234 0.00|\
                     CREATE_ACCOUNT ACC_ID 123456789 1234 0.00 |\
                     CREATE_ACCOUNT ACC_ID 123456789 1234 0.00  Joty|\
                     CREATE_ACCOUNT ACC_ID 123456789  1234 0.00 Joty|TERMINAL a b";
    let malformed = malformed.split('|').map(|text| (text, Code::Malformed));
    for (text, code) in malformed.chain([
        ("WITHDRAW WITH_ID 0", Code::OutOfRange),
        ("withdraw", Code::UnknownVerb),
        ("", Code::UnknownVerb),
    ]) {
        let refused = with_ids(text).parse::<Request>().unwrap_err();
        assert_eq!(refused.code, code, "{text:?}");
    }
}

#[test]
fn the_debug_form_of_a_request_may_be_logged() {
    for request in [log_in(), create("Joty")] {
        let shown = format!("{request:?}");
        assert!(
            !shown.contains("123456789") && !shown.contains("Pin(1"),
            "{shown}"
        );
    }
}

proptest! {
    #[test]
    fn every_request_and_answer_survives_the_wire(
        uuid in any::<u128>().prop_map(Uuid::from_u128),
        card in "[0-9]{6,19}",
        pin in "[0-9]{4,12}",
        holder in "[!-~é](.{0,20}[!-~é])?",
        minor in 1..=Money::MAX.minor(),
        repeat: bool,
        key in any::<Option<u128>>(),
    ) {
        let key = key.map(Key::new);
        let money = Money::from_minor(minor).unwrap();
        let amount = Amount::new(money).unwrap();
        let (id, creation) = (TransactionId::deposit(uuid), CreationId(uuid));
        let (card, pin): (CardNumber, Pin) = (card.parse().unwrap(), pin.parse().unwrap());
        let Ok(holder) = holder.parse::<Holder>() else { return Ok(()) };
        let log_in = Request::LogIn { id: LoginId(uuid), card: card.clone(), pin: pin.clone() };
        let create =
            Request::Create { id: creation, card, pin, opening: money, holder: holder.clone() };
        for (request, answer) in [
            (log_in, Answer::Welcome { id: LoginId(uuid), holder }),
            (Request::Balance, Answer::Balance { available: money, held: money }),
            (Request::Hold { id, amount, key }, Answer::Held { id, amount, available: money, repeat }),
            (Request::Confirm { id, key }, Answer::Confirmed { id, repeat }),
            (Request::Rollback { id, key }, Answer::RolledBack { id, repeat }),
            (create, Answer::Created { id: creation, repeat }),
        ] {
            prop_assert_eq!(request.to_string().parse(), Ok(request.clone()));
            let bytes = answer.to_string();
            prop_assert_eq!(Answer::parse(&request, &bytes), Some(answer));
        }
    }

    #[test]
    fn no_text_makes_a_parser_panic(
        verb in "(VERIFY_CARD_AND_PASSWORD|WITHDRAW|CREATE_ACCOUNT|CONFIRM|TERMINAL)",
        rest in ".*",
    ) {
        let text: String = format!("{verb} {rest}");
        let _ = text.parse::<Request>();
        for request in [log_in(), create("Joty"), Request::Balance, confirm(deposit(), None)] {
            let _ = Answer::parse(&request, &rest);
        }
    }
}
