use super::*;
use alloc::vec::Vec;
use proptest::prelude::*;

fn wording() -> AtmLogin<impl FnMut() -> Uuid> {
    AtmLogin::new(|| Uuid::from_u128(7))
}

fn wrong() -> Result<Answer, Refusal> {
    Err(Refusal::new(Code::WrongCredentials, ""))
}

fn money(hundredths: i64) -> Money {
    Money::from_minor(hundredths).unwrap()
}

fn amount(hundredths: i64) -> Amount {
    Amount::new(money(hundredths)).unwrap()
}

fn balance(available: i64) -> Result<Answer, Refusal> {
    let (available, held) = (money(available), Money::ZERO);
    Ok(Answer::Atm(atm::Answer::Balance { available, held }))
}

fn held(id: TransactionId, hundredths: i64, available: i64) -> Result<Answer, Refusal> {
    let (amount, available) = (amount(hundredths), money(available));
    Ok(Answer::Atm(atm::Answer::Held {
        id,
        amount,
        available,
        repeat: false,
    }))
}

fn confirmed(id: TransactionId) -> Result<Answer, Refusal> {
    Ok(Answer::Atm(atm::Answer::Confirmed { id, repeat: false }))
}

fn session(request: atm::Request) -> Step<Request> {
    Step::Ask(Request::Session(request))
}

fn hold(id: TransactionId, amount: Amount) -> Step<Request> {
    let key = None;
    session(atm::Request::Hold { id, amount, key })
}

fn confirm(id: TransactionId) -> Step<Request> {
    session(atm::Request::Confirm { id, key: None })
}

fn roll_back(id: TransactionId) -> Step<Request> {
    session(atm::Request::Rollback { id, key: None })
}

fn pickled(outcome: PickledAnswer) -> Step<Request> {
    Step::say(outcome.to_bytes())
}

fn withdrawal() -> TransactionId {
    TransactionId::withdrawal(Uuid::from_u128(7))
}

fn deposit() -> TransactionId {
    TransactionId::deposit(Uuid::from_u128(7))
}

/// At the menu, logged in.
fn at_menu() -> AtmLogin<impl FnMut() -> Uuid> {
    let mut wording = wording();
    let concatenated = Request::LogInConcatenated(Pin::password("jamal").unwrap());
    assert_eq!(wording.received(b"jamal"), Step::Ask(concatenated));
    assert_eq!(wording.answered(wrong()), Step::Listen);
    let log_in = Request::LogIn(Customer("jamal".into()), Pin::password("4321").unwrap());
    assert_eq!(wording.received(b"4321"), Step::Ask(log_in));
    let welcome = Ok(Answer::Welcome("jamal".parse().unwrap()));
    assert_eq!(wording.answered(welcome), Step::say("LOGGED_IN"));
    assert_eq!(wording.received(b"LOGGED_IN"), Step::say(MENU));
    wording
}

/// Asked for an amount.
fn at_amount(choice: &[u8]) -> AtmLogin<impl FnMut() -> Uuid> {
    let mut wording = at_menu();
    assert_eq!(wording.received(choice), Step::say("VALID_OPTION"));
    assert_eq!(wording.received(b"VALID_OPTION"), Step::say("AMOUNT"));
    wording
}

/// After the answer that a withdrawal was done.
fn withdrawn() -> AtmLogin<impl FnMut() -> Uuid> {
    let mut wording = at_amount(b"2");
    let (id, amount) = (withdrawal(), amount(340_200));
    assert_eq!(wording.received(b"3402.0"), hold(id, amount));
    let outcome = PickledAnswer::Moved {
        tid: id,
        amount: 3402.0,
        balance: 496_598.0,
    };
    let said = wording.answered(held(id, 340_200, 49_659_800));
    assert_eq!(said, pickled(outcome));
    wording
}

#[test]
fn the_menu_has_99_bytes() {
    assert_eq!(MENU.len(), 99);
    let lines: Vec<&str> = MENU.split('\n').collect();
    let blanks = " ".repeat(16);
    let item = |text: &str| blanks.clone() + text;
    assert_eq!(lines[..2], ["", "Select one"]);
    let items = ["1. Check Balance", "2. Withdraw", "3. Deposit"].map(item);
    assert_eq!(lines[2..], items);
}

#[test]
fn wrong_credentials_lead_back_to_the_log_in() {
    let mut wording = wording();
    for _ in 0..5 {
        wording.received(b"jamal");
        assert_eq!(wording.answered(wrong()), Step::Listen);
        wording.received(b"1234");
        assert_eq!(wording.answered(wrong()), Step::say("WRONG_CRED"));
    }
}

#[test]
fn name_and_password_in_one_piece_log_in_if_that_is_what_they_are() {
    let mut wording = wording();
    let concatenated = Request::LogInConcatenated(Pin::password("jamal4321").unwrap());
    assert_eq!(wording.received(b"jamal4321"), Step::Ask(concatenated));
    let welcome = Ok(Answer::Welcome("jamal".parse().unwrap()));
    assert_eq!(wording.answered(welcome), Step::say("LOGGED_IN"));
    assert_eq!(wording.received(b"LOGGED_IN"), Step::say(MENU));
}

#[test]
fn any_other_reply_to_the_log_in_leads_back_to_it() {
    let mut wording = wording();
    wording.received(b"jamal4321");
    wording.answered(Ok(Answer::Welcome("jamal".parse().unwrap())));
    assert_eq!(
        wording.received(b"logged in"),
        Step::Listen.not_understood()
    );
    assert!(matches!(
        wording.received(b"jamal"),
        Step::Ask(Request::LogInConcatenated(_))
    ));
}

#[test]
fn what_is_not_on_the_menu_is_invalid_and_any_reply_brings_the_menu_back() {
    for choice in [&b"4"[..], b"0", b"12", b"1\n", b"", b"\xff", b"balance"] {
        let mut wording = at_menu();
        let invalid = Step::say("INVALID_OPTION").not_understood();
        assert_eq!(wording.received(choice), invalid);
        assert_eq!(wording.received(b"INVALID_OPTION"), Step::say(MENU));
    }
}

#[test]
fn a_balance_is_written_as_python_does() {
    for (hundredths, text) in [
        (50_000_000, "500000.0"),
        (50, "0.5"),
        (999_999_999_999, "9999999999.99"),
    ] {
        let mut wording = at_menu();
        assert_eq!(wording.received(b"1"), Step::say("VALID_OPTION"));
        assert_eq!(
            wording.received(b"anything"),
            session(atm::Request::Balance)
        );
        assert_eq!(wording.answered(balance(hundredths)), Step::say(text));
        assert_eq!(wording.received(b"BALANCE"), Step::say(MENU));
    }
}

#[test]
fn a_withdrawal_is_confirmed_by_its_receipt() {
    let mut wording = withdrawn();
    assert!(wording.unfinished().unwrap().contains("WITH_0000"));
    assert_eq!(wording.received(b"WITHDRAW_RECV"), confirm(withdrawal()));
    assert_eq!(wording.unfinished(), None);
    assert_eq!(wording.answered(confirmed(withdrawal())), Step::say(MENU));
}

#[test]
fn a_receipt_in_other_words_confirms_too_and_is_logged() {
    let mut wording = withdrawn();
    assert!(wording.expected().contains("ERROR_WITHDRAW"));
    assert_eq!(
        wording.received(b"ERROR_WITHDRAWAL"),
        confirm(withdrawal()).not_understood()
    );
}

#[test]
fn nothing_of_a_message_is_shown_in_a_log_for_it_may_be_a_password() {
    assert_eq!(wording().for_log(b"4321"), "4 bytes");
}

#[test]
fn an_error_at_the_machine_rolls_a_withdrawal_back() {
    let mut wording = withdrawn();
    assert_eq!(wording.received(b"ERROR_WITHDRAW"), roll_back(withdrawal()));
    let id = withdrawal();
    let rolled_back = Ok(Answer::Atm(atm::Answer::RolledBack { id, repeat: false }));
    assert_eq!(wording.answered(rolled_back), Step::say("ROLLED_BACK"));
    assert_eq!(wording.received(b"ROLLBACK_RECV"), Step::say(MENU));
}

#[test]
fn a_declined_withdrawal_is_never_rolled_back() {
    for reply in [&b"WITHDRAW_RECV"[..], b"ERROR_WITHDRAW"] {
        let mut wording = at_amount(b"2");
        wording.received(b"600000");
        let declined = wording.answered(Err(Refusal::new(Code::InsufficientFunds, "")));
        assert_eq!(declined, pickled(PickledAnswer::NoBalance));
        assert_eq!(wording.received(reply), Step::say(MENU));
        let mut wording = at_amount(b"2");
        assert_eq!(wording.received(b"1e15"), pickled(PickledAnswer::NoBalance));
        assert_eq!(wording.received(reply), Step::say(MENU));
        for amount in b"abc|1.2.3|0|-5|nan|inf|0.001|\xff".split(|byte| *byte == b'|') {
            let mut wording = at_amount(b"2");
            let invalid = pickled(PickledAnswer::InvalidInput);
            assert_eq!(wording.received(amount), invalid.not_understood());
            assert_eq!(wording.received(reply), Step::say(MENU));
        }
    }
}

#[test]
fn a_deposit_is_confirmed_before_it_is_answered() {
    let mut wording = at_amount(b"3");
    let (id, amount) = (deposit(), amount(360_400));
    assert_eq!(wording.received(b"3604"), hold(id, amount));
    assert_eq!(wording.answered(held(id, 360_400, 50_000_000)), confirm(id));
    assert_eq!(
        wording.answered(confirmed(id)),
        session(atm::Request::Balance)
    );
    let outcome = PickledAnswer::Moved {
        tid: id,
        amount: 3604.0,
        balance: 503_604.0,
    };
    assert_eq!(wording.answered(balance(50_360_400)), pickled(outcome));
    assert_eq!(wording.unfinished(), None);
    assert_eq!(wording.received(b"DEPOSIT_RECV"), Step::say(MENU));
}

#[test]
fn the_menu_follows_a_deposit_of_no_amount_at_once() {
    for (amount, is_one) in [
        (&b"abc"[..], false),
        (b"0", false),
        (b"-1", false),
        (b"nan", false),
        (b"1e15", true),
    ] {
        let mut wording = at_amount(b"3");
        let both = Step::Say(alloc::vec![
            PickledAnswer::InvalidInput.to_bytes(),
            MENU.into()
        ]);
        let both = if is_one { both } else { both.not_understood() };
        assert_eq!(wording.received(amount), both);
        assert_eq!(wording.received(b"1"), Step::say("VALID_OPTION"));
    }
}

#[test]
fn an_injected_error_is_the_refusal_there_is_a_word_for() {
    let mut wording = wording();
    assert_eq!(wording.refused_by_fault(), Step::Listen);
    assert_eq!(wording.received(b"4321"), Step::say("WRONG_CRED"));
    let mut wording = at_menu();
    assert_eq!(wording.refused_by_fault(), Step::say("INVALID_OPTION"));
    let mut wording = at_amount(b"2");
    assert_eq!(
        wording.refused_by_fault(),
        pickled(PickledAnswer::InvalidInput)
    );
    assert_eq!(withdrawn().refused_by_fault(), Step::Close);
}

proptest! {
    #[test]
    fn no_message_makes_it_panic(messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..20), 1..20)) {
        let mut wording = at_menu();
        for message in messages {
            let step = wording.received(&message);
            if matches!(step, Step::Ask(_)) {
                wording.answered(balance(5));
            }
        }
    }
}
