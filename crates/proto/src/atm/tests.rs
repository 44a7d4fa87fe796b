//! The exact bytes of the bank's messages.

use alloc::format;
use alloc::string::{String, ToString};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;
use crate::refusal::Code;

const UUID: &str = "018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a57";

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

fn create(holder: &str) -> Request {
    Request::Create {
        id: creation(),
        card: "123456789".parse().unwrap(),
        pin: "1234".parse().unwrap(),
        opening: money("10000"),
        holder: holder.parse().unwrap(),
    }
}

#[test]
fn requests_have_these_exact_bytes() {
    for (request, bytes) in [
        (
            log_in(),
            format!("VERIFY_CARD_AND_PASSWORD LOGIN_{UUID} 123456789 1234"),
        ),
        (Request::Balance, "BALANCE_INQUIRY".into()),
        (
            Request::Hold {
                id: withdrawal(),
                amount: amount("500"),
            },
            format!("WITHDRAW WITH_{UUID} 500.00"),
        ),
        (
            Request::Hold {
                id: deposit(),
                amount: amount("20.5"),
            },
            format!("DEPOSIT DEP_{UUID} 20.50"),
        ),
        (
            Request::Confirm(withdrawal()),
            format!("CONFIRM WITH_{UUID}"),
        ),
        (Request::Confirm(deposit()), format!("CONFIRM DEP_{UUID}")),
        (
            Request::Rollback(withdrawal()),
            format!("ROLLBACK WITH_{UUID}"),
        ),
        (
            create("Joty  Saha, Dr."),
            format!("CREATE_ACCOUNT ACC_{UUID} 123456789 1234 10000.00 Joty  Saha, Dr."),
        ),
        (
            Request::Terminal("ATM-1".parse().unwrap()),
            "TERMINAL ATM-1".into(),
        ),
        (Request::Quit, "QUIT".into()),
    ] {
        assert_eq!(request.to_string(), bytes);
        assert_eq!(bytes.parse(), Ok(request));
    }
}

#[test]
fn answers_have_these_exact_bytes() {
    let hold = Request::Hold {
        id: withdrawal(),
        amount: amount("500"),
    };
    let held = |repeat| Answer::Held {
        id: withdrawal(),
        amount: amount("500"),
        available: money("9500"),
        repeat,
    };
    for (request, answer, bytes) in [
        (
            log_in(),
            Answer::Welcome("Joty".parse().unwrap()),
            "welcome Joty".into(),
        ),
        (
            Request::Balance,
            Answer::Balance {
                available: money("10000"),
                held: money("0"),
            },
            "available 10000.00, held 0.00".into(),
        ),
        (
            hold.clone(),
            held(false),
            format!("WITH_{UUID} held 500.00, available 9500.00"),
        ),
        (
            hold,
            held(true),
            format!("WITH_{UUID} held 500.00, available 9500.00, repeat"),
        ),
        (
            Request::Confirm(deposit()),
            Answer::Confirmed {
                id: deposit(),
                repeat: false,
            },
            format!("DEP_{UUID} confirmed"),
        ),
        (
            Request::Rollback(deposit()),
            Answer::RolledBack {
                id: deposit(),
                repeat: true,
            },
            format!("DEP_{UUID} rolled back, repeat"),
        ),
        (
            create("Joty"),
            Answer::Created {
                id: creation(),
                repeat: false,
            },
            format!("ACC_{UUID} created"),
        ),
        (
            Request::Terminal("ATM-1".parse().unwrap()),
            Answer::Terminal("ATM-1".parse().unwrap()),
            "terminal ATM-1".into(),
        ),
        (Request::Quit, Answer::Bye, "bye".into()),
    ] {
        assert_eq!(answer.to_string(), bytes);
        assert_eq!(Answer::parse(&request, &bytes), Some(answer), "{bytes}");
    }
}

#[test]
fn a_holder_whose_name_ends_like_a_repeat_is_welcome() {
    let answer = Answer::Welcome("Joty, repeat".parse().unwrap());
    assert_eq!(Answer::parse(&log_in(), &answer.to_string()), Some(answer));
}

#[test]
fn an_answer_about_something_else_does_not_fit() {
    let hold = Request::Hold {
        id: withdrawal(),
        amount: amount("500"),
    };
    for bytes in [
        "".into(),
        "bye".into(),
        format!("DEP_{UUID} held 500.00, available 9500.00"),
        format!("WITH_{UUID} held 500.01, available 9500.00"),
        format!("WITH_{UUID} held 500, available 9500.00"),
        format!("WITH_{UUID} held 500.00, available -1.00"),
        format!("WITH_{UUID} held 500.00, available 9500.00 "),
        format!("WITH_{UUID} confirmed"),
    ] {
        assert_eq!(Answer::parse(&hold, &bytes), None, "{bytes:?}");
    }
    assert_eq!(
        Answer::parse(
            &Request::Confirm(withdrawal()),
            &format!("WITH_{UUID} rolled back")
        ),
        None
    );
    assert_eq!(
        Answer::parse(&Request::Balance, "available 1.00, held 0.00, repeat"),
        None
    );
}

#[test]
fn malformed_requests_are_refused_with_the_reason() {
    for (text, code) in [
        ("BALANCE_INQUIRY now".into(), Code::Malformed),
        (format!("WITHDRAW WITH_{UUID}"), Code::Malformed),
        (format!("WITHDRAW WITH_{UUID} 5 5"), Code::Malformed),
        (format!("WITHDRAW DEP_{UUID} 5"), Code::Malformed),
        (format!("DEPOSIT WITH_{UUID} 5"), Code::Malformed),
        (format!("WITHDRAW WITH_{UUID} -5"), Code::Malformed),
        (format!("WITHDRAW WITH_{UUID} 0"), Code::OutOfRange),
        (format!("CONFIRM ACC_{UUID}"), Code::Malformed),
        ("ROLLBACK".into(), Code::Malformed),
        (
            format!("CREATE_ACCOUNT ACC_{UUID} 123456789 1234 0.00"),
            Code::Malformed,
        ),
        (
            format!("CREATE_ACCOUNT ACC_{UUID} 123456789 1234 0.00 "),
            Code::Malformed,
        ),
        (
            format!("CREATE_ACCOUNT ACC_{UUID} 123456789 1234 0.00  Joty"),
            Code::Malformed,
        ),
        (
            format!("CREATE_ACCOUNT ACC_{UUID} 123456789  1234 0.00 Joty"),
            Code::Malformed,
        ),
        ("TERMINAL a b".into(), Code::Malformed),
        ("withdraw".into(), Code::UnknownVerb),
        ("".into(), Code::UnknownVerb),
    ] {
        assert_eq!(text.parse::<Request>().unwrap_err().code, code, "{text:?}");
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
    ) {
        let money = Money::from_minor(minor).unwrap();
        let amount = Amount::new(money).unwrap();
        let (id, creation) = (TransactionId::deposit(uuid), CreationId(uuid));
        let (card, pin): (CardNumber, Pin) = (card.parse().unwrap(), pin.parse().unwrap());
        let Ok(holder) = holder.parse::<Holder>() else { return Ok(()) };
        let log_in = Request::LogIn { id: LoginId(uuid), card: card.clone(), pin: pin.clone() };
        let create =
            Request::Create { id: creation, card, pin, opening: money, holder: holder.clone() };
        for (request, answer) in [
            (log_in, Answer::Welcome(holder)),
            (Request::Balance, Answer::Balance { available: money, held: money }),
            (Request::Hold { id, amount }, Answer::Held { id, amount, available: money, repeat }),
            (Request::Confirm(id), Answer::Confirmed { id, repeat }),
            (Request::Rollback(id), Answer::RolledBack { id, repeat }),
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
        for request in [log_in(), create("Joty"), Request::Balance, Request::Confirm(deposit())] {
            let _ = Answer::parse(&request, &rest);
        }
    }
}
