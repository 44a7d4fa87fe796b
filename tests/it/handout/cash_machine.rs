//! Report 000's bank: a log-in, a menu, pickled answers.

use std::io::Read;
use std::net::TcpStream;

use proto::atm::Kind;
use proto::handout::Handout;
use proto::handout::atm_login::MENU;
use proto::handout::pickle::PickledAnswer;
use server::Config;
use testkit::at_once;
use testkit::peer::reset;
use testkit::service::Service;

use super::{ask, ask_apart, connect_and_leave, hear, say, started, started_with};

/// What is answered to this name and this password, in two writes.
fn log_in(stream: &mut TcpStream, name: &str, password: &str) -> String {
    // Glued, they are a name, and the password is said once more.
    let password = password.as_bytes();
    String::from_utf8(ask_apart(stream, name.as_bytes(), password, password)).unwrap()
}

/// A printed client that has logged in and was shown the menu.
fn logged_in(server: &Service) -> TcpStream {
    let mut stream = server.connect();
    assert_eq!(log_in(&mut stream, "jamal", "4321"), "LOGGED_IN");
    ask(&mut stream, b"LOGGED_IN", MENU.as_bytes());
    stream
}

fn balance(stream: &mut TcpStream) -> String {
    ask(stream, b"1", b"VALID_OPTION");
    say(stream, b"VALID_OPTION");
    let mut heard = [0; 64];
    let length = stream.read(&mut heard).unwrap();
    ask(stream, b"BALANCE", MENU.as_bytes());
    String::from_utf8(heard[..length].to_vec()).unwrap()
}

/// The answer to an amount, of that many bytes.
fn moved(stream: &mut TcpStream, choice: &[u8], amount: &[u8], bytes: usize) -> PickledAnswer {
    ask(stream, choice, b"VALID_OPTION");
    ask(stream, b"VALID_OPTION", b"AMOUNT");
    say(stream, amount);
    let mut heard = vec![0; bytes];
    stream.read_exact(&mut heard).unwrap();
    PickledAnswer::parse(&heard).unwrap()
}

fn withdrawn(stream: &mut TcpStream, amount: &[u8]) -> (f64, f64) {
    match moved(stream, b"2", amount, 119) {
        PickledAnswer::Moved {
            tid,
            amount,
            balance,
        } => {
            assert_eq!(
                (tid.kind, tid.uuid.get_version_num()),
                (Kind::Withdrawal, 4)
            );
            (amount, balance)
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_customer_logs_in_looks_withdraws_and_deposits() {
    let server = started(Handout::AtmLogin);
    let mut stream = logged_in(&server);
    assert_eq!(balance(&mut stream), "500000.0");
    assert_eq!(withdrawn(&mut stream, b"3402.0"), (3402.0, 496_598.0));
    ask(&mut stream, b"WITHDRAW_RECV", MENU.as_bytes());
    match moved(&mut stream, b"3", b"3604", 117) {
        PickledAnswer::Moved {
            tid,
            amount,
            balance,
        } => {
            assert_eq!((tid.kind, tid.uuid.get_version_num()), (Kind::Deposit, 4));
            assert_eq!((amount, balance), (3604.0, 500_202.0));
        }
        other => panic!("{other:?}"),
    }
    ask(&mut stream, b"DEPOSIT_RECV", MENU.as_bytes());
    assert_eq!(balance(&mut stream), "500202.0");
    // The printed client leaves so, with the menu unread.
    say(&mut stream, b"1");
    reset(stream);
    let mut stream = logged_in(&server);
    assert_eq!(balance(&mut stream), "500202.0");
}

#[test]
fn an_error_at_the_machine_gives_the_money_back() {
    let server = started(Handout::AtmLogin);
    let mut stream = logged_in(&server);
    for _ in 0..3 {
        assert_eq!(withdrawn(&mut stream, b"0.5"), (0.5, 499_999.5));
        ask(&mut stream, b"ERROR_WITHDRAW", b"ROLLED_BACK");
        ask(&mut stream, b"ROLLBACK_RECV", MENU.as_bytes());
        assert_eq!(balance(&mut stream), "500000.0");
    }
}

#[test]
fn what_cannot_be_moved_is_declined_and_not_rolled_back() {
    let server = started(Handout::AtmLogin);
    let mut stream = logged_in(&server);
    for (amount, bytes, outcome) in [
        (&b"500000.01"[..], 53, PickledAnswer::NoBalance),
        (b"1e300", 53, PickledAnswer::NoBalance),
        (b"abc", 56, PickledAnswer::InvalidInput),
        (b"1.2.3", 56, PickledAnswer::InvalidInput),
        (b"-5", 56, PickledAnswer::InvalidInput),
        (b"nan", 56, PickledAnswer::InvalidInput),
    ] {
        assert_eq!(moved(&mut stream, b"2", amount, bytes), outcome);
        ask(&mut stream, b"ERROR_WITHDRAW", MENU.as_bytes());
    }
    for amount in [&b"abc"[..], b"0", b"-5"] {
        assert_eq!(
            moved(&mut stream, b"3", amount, 56),
            PickledAnswer::InvalidInput
        );
        // Nothing is replied to this.
        hear(&mut stream, MENU.as_bytes());
    }
    ask(&mut stream, b"7", b"INVALID_OPTION");
    ask(&mut stream, b"INVALID_OPTION", MENU.as_bytes());
    assert_eq!(withdrawn(&mut stream, b"5e5"), (500_000.0, 0.0));
    ask(&mut stream, b"WITHDRAW_RECV", MENU.as_bytes());
    assert_eq!(balance(&mut stream), "0.0");
}

#[test]
fn wrong_credentials_may_be_tried_again_without_end() {
    let server = started(Handout::AtmLogin);
    let mut stream = server.connect();
    for (name, password) in [
        ("jamal", "432"),
        ("jam", "4321"),
        ("jamal", "1234"),
        ("eve", "4321"),
        ("jamal", "43210"),
    ] {
        assert_eq!(log_in(&mut stream, name, password), "WRONG_CRED", "{name}");
    }
    assert_eq!(log_in(&mut stream, "500000001", "4321"), "LOGGED_IN");
}

#[test]
fn name_and_password_in_one_piece_log_in() {
    let server = started(Handout::AtmLogin);
    let mut stream = server.connect();
    ask(&mut stream, b"jamal4321", b"LOGGED_IN");
    ask(&mut stream, b"LOGGED_IN", MENU.as_bytes());
    assert_eq!(balance(&mut stream), "500000.0");
}

#[test]
fn a_client_killed_between_the_money_and_its_receipt_has_the_money() {
    let server = started(Handout::AtmLogin);
    let mut stream = logged_in(&server);
    withdrawn(&mut stream, b"1000");
    reset(stream);
    connect_and_leave(&server);
    let mut stream = logged_in(&server);
    assert_eq!(balance(&mut stream), "499000.0");
}

#[test]
fn two_clients_at_once_share_one_account() {
    let server = started(Handout::AtmLogin);
    at_once(0..2, |_| {
        let mut stream = logged_in(&server);
        for _ in 0..50 {
            withdrawn(&mut stream, b"10.0");
            ask(&mut stream, b"WITHDRAW_RECV", MENU.as_bytes());
        }
    });
    assert_eq!(balance(&mut logged_in(&server)), "499000.0");
}

#[test]
fn accounts_from_a_file_log_in_by_their_holders_names() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("class.toml");
    let account = "[[account]]\ncard = \"4000123\"\npin = \"2468\"\nholder = \"Ann B\"\n";
    std::fs::write(&file, format!("{account}balance = \"7.25\"\n")).unwrap();
    let config = Config {
        accounts: Some(file),
        ..Config::default()
    };
    let server = started_with(Handout::AtmLogin, config);
    let mut stream = server.connect();
    assert_eq!(log_in(&mut stream, "Ann B", "2468"), "LOGGED_IN");
    ask(&mut stream, b"LOGGED_IN", MENU.as_bytes());
    assert_eq!(balance(&mut stream), "7.25");
}
