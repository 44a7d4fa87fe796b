use super::*;
use crate::ledger::accounts::DEMO;

const UUID: &str = "018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a5";

/// A bank in memory, with the accounts of the demonstration.
fn bank() -> Atm {
    Atm::in_memory(Semantics::ExactlyOnce, built_in(DEMO).unwrap(), None).unwrap()
}

/// What is answered, or the code of the refusal. `#1` in a request stands for a UUID.
fn ask(session: &mut AtmSession, request: &str) -> String {
    let request: Request = request.replace('#', UUID).parse().unwrap();
    let id = request.id().map(|id| id.to_string());
    match session.answer(request) {
        Ok(answer) => answer.to_string().replace(UUID, "#"),
        Err(refusal) => {
            let named = id.is_none_or(|id| refusal.words.starts_with(&format!("{id} ")));
            assert!(named, "{refusal}");
            refusal.code.as_str().into()
        }
    }
}

/// A conversation: a line each request, with its answer behind an arrow.
fn converse(session: &mut AtmSession, lines: &str) {
    for line in lines.trim().lines() {
        let (request, answer) = line.trim().split_once(" -> ").unwrap();
        assert_eq!(ask(session, request), answer, "{line}");
    }
}

#[test]
fn a_withdrawal_survives_the_end_of_its_connection() {
    let atm = bank();
    let mut session = atm.session();
    assert!(session.awaits_login());
    converse(
        &mut session,
        "TERMINAL ATM-1 -> terminal ATM-1
         WITHDRAW WITH_#1 500 -> not-logged-in
         VERIFY_CARD_AND_PASSWORD LOGIN_#1 123456789 1234 -> LOGIN_#1 welcome Joty
         BALANCE_INQUIRY -> available 10000.00, held 0.00
         WITHDRAW WITH_#1 500 -> WITH_#1 held 500.00, available 9500.00",
    );
    drop(session);
    let unsettled = atm.bank.query(|store| store.unsettled()).unwrap();
    let terminal = unsettled[0].row.terminal.as_ref();
    assert_eq!(terminal.map(Name::as_str), Some("ATM-1"));
    converse(
        &mut atm.session(),
        "WITHDRAW WITH_#1 500 -> WITH_#1 held 500.00, available 9500.00, repeat
         CONFIRM WITH_#1 -> not-logged-in
         VERIFY_CARD_AND_PASSWORD LOGIN_#2 123456789 1234 -> LOGIN_#2 welcome Joty
         CONFIRM WITH_#1 -> WITH_#1 confirmed
         CONFIRM WITH_#1 -> WITH_#1 confirmed, repeat
         VERIFY_CARD_AND_PASSWORD LOGIN_#3 123456789 4321 -> wrong-credentials
         BALANCE_INQUIRY -> not-logged-in
         QUIT -> bye",
    );
    assert_eq!(atm.bank.query(|store| store.unsettled()), Ok(vec![]));
}

#[test]
fn a_failed_log_in_ends_the_session_before_it_and_three_lock_the_card() {
    let atm = bank();
    let mut session = atm.session();
    converse(
        &mut session,
        "VERIFY_CARD_AND_PASSWORD LOGIN_#1 123456789 1234 -> LOGIN_#1 welcome Joty",
    );
    assert!(!session.awaits_login());
    converse(
        &mut session,
        "VERIFY_CARD_AND_PASSWORD LOGIN_#2 987654321 1234 -> wrong-credentials
         BALANCE_INQUIRY -> not-logged-in",
    );
    assert!(!session.awaits_login());
    converse(
        &mut session,
        "VERIFY_CARD_AND_PASSWORD LOGIN_#2 987654321 1234 -> wrong-credentials
         VERIFY_CARD_AND_PASSWORD LOGIN_#3 987654321 1234 -> wrong-credentials
         VERIFY_CARD_AND_PASSWORD LOGIN_#4 111111 1234 -> wrong-credentials",
    );
    converse(
        &mut atm.session(),
        "VERIFY_CARD_AND_PASSWORD LOGIN_#5 987654321 0000 -> wrong-credentials
         VERIFY_CARD_AND_PASSWORD LOGIN_#6 987654321 5678 -> card-locked",
    );
}

#[test]
fn an_account_is_created_once_and_its_pin_opens_it() {
    let atm = Atm::in_memory(Semantics::ExactlyOnce, vec![], None).unwrap();
    converse(
        &mut atm.session(),
        "CREATE_ACCOUNT ACC_#1 555555 4321 12.50 Ann Lee -> ACC_#1 created
         CREATE_ACCOUNT ACC_#1 555555 4321 12.50 Ann Lee -> ACC_#1 created, repeat
         CREATE_ACCOUNT ACC_#1 555555 4322 12.50 Ann Lee -> mismatch
         CREATE_ACCOUNT ACC_#2 555555 4321 12.50 Ann Lee -> account-exists
         VERIFY_CARD_AND_PASSWORD LOGIN_#1 555555 4321 -> LOGIN_#1 welcome Ann Lee
         BALANCE_INQUIRY -> available 12.50, held 0.00",
    );
}

#[test]
fn a_ledger_that_cannot_be_opened_says_so() {
    let error = Atm::open(
        &Place::File("/nonexistent/bank.db".into()),
        false,
        vec![],
        None,
    )
    .unwrap_err();
    let words = error.to_string();
    assert!(words.contains("/nonexistent/bank.db"), "{words}");
}

#[test]
fn a_card_of_another_form_is_kept_in_memory_and_refused_on_disk() {
    let directory = tempfile::tempdir().unwrap();
    let on_disk = Atm::open(
        &Place::File(directory.path().join("bank.db")),
        false,
        vec![],
        None,
    )
    .unwrap();
    let in_memory = Atm::in_memory(Semantics::ExactlyOnce, vec![], None).unwrap();
    let create = || Request::Create {
        id: CreationId(uuid::Uuid::from_u128(1)),
        card: CardNumber::free_form("111").unwrap(),
        pin: Pin::password("pw9").unwrap(),
        opening: "100".parse().unwrap(),
        holder: "bob".parse().unwrap(),
    };
    let refusal = on_disk.session().answer(create()).unwrap_err();
    assert_eq!(refusal.code, Code::Malformed);
    assert!(in_memory.session().answer(create()).is_ok());
}

#[test]
fn a_rollback_that_is_refused_for_want_of_a_key_uses_up_nothing() {
    let mut stranger = bank().session();
    for _ in 0..1_000 {
        assert_eq!(ask(&mut stranger, "ROLLBACK WITH_#1"), "not-logged-in");
    }
    let key = "5d1c8f0a6b3e4792a0c5e8d17f9b2c46";
    let rolled_back = ask(&mut stranger, &format!("ROLLBACK WITH_#1 {key}"));
    assert_eq!(rolled_back, "WITH_#1 rolled back");
    let mut refusals = (0..1_000).filter_map(|_| stranger.atm.take_new_row().err());
    assert_eq!(refusals.next().map(|it| it.code), Some(Code::Busy));
}
