//! `--handout`: what it chooses, what it gives up, and what it leaves behind.

use std::io::{Read, Write};
use std::net::Shutdown;

use proto::frame::Framing;
use proto::handout::Handout;
use proto::handout::atm_login::MENU;
use testkit::assert_contains;
use testkit::peer::Peer;
use testkit::process::{Process, words};

use crate::labserver::{Home, run, start};

const CARD_BANK: &[&str] = &["--handout", "atm-card", "--port", "0"];

/// What the printed bank answers to this, on a connection of its own.
fn answer_of(server: &Process, request: &str) -> String {
    let mut stream = server.connect("atm tcp");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

#[test]
fn every_hand_out_starts_and_says_where_it_listens() {
    for handout in Handout::ALL {
        let server = start(&["--handout", handout.name(), "--port", "0"]);
        let (mode, transport) = (handout.mode().name(), handout.transport().name());
        assert_ne!(server.address(&format!("{mode} {transport}")).port(), 0);
        let ended = server.stop();
        assert_eq!(ended.status, Some(0), "{handout:?}: {ended:?}");
        assert_eq!(ended.stdout.lines().count(), 1, "{ended:?}");
    }
}

#[test]
fn the_list_has_a_line_for_each_with_transport_port_source_and_title() {
    let list = Home::new().answer(&["--handout", "list"]);
    assert_eq!(list.lines().count(), Handout::ALL.len());
    for line in [
        "text-session   tcp  9005  report 000, problem A   lower case, prime, palindrome, over one \
         connection",
        "datetime       udp 43387  lab 002                 date and time",
    ] {
        assert!(list.lines().any(|listed| listed == line), "{line}\n{list}");
    }
}

#[test]
fn what_is_not_understood_is_in_the_log_with_what_would_be() {
    for (handout, say, shown, understood) in [
        ("text-session", "12321", "\"12321\"", "NUMBER prime"),
        (
            "text-menu",
            "lower HELLO",
            "\"lower HELLO\"",
            "convert WORD",
        ),
        (
            "knock-knock",
            "knock",
            r#"got \"knock\""#,
            r#"expected \"Knock Knock..\""#,
        ),
        (
            "atm-card",
            "WITHDRAWAL 123456789 500",
            "\"WITHDRAWAL\" in 24 bytes",
            "WITHDRAW CARD AMOUNT",
        ),
        (
            "textbook-atm",
            "WITHDRAWL 500\n",
            "\"WITHDRAWL\" in 13 bytes",
            "HELO USERID",
        ),
    ] {
        let server = start(&["--handout", handout, "--port", "0"]);
        let mode = Handout::parse(handout).unwrap().mode().name();
        let mut stream = server.connect(&format!("{mode} tcp"));
        stream.write_all(say.as_bytes()).unwrap();
        stream.shutdown(Shutdown::Write).unwrap();
        stream.read_to_end(&mut Vec::new()).unwrap();
        let ended = server.stop();
        let warning = ended.stderr.lines().find(|line| line.contains(shown));
        let warning = warning.unwrap_or_else(|| panic!("{handout}: {}", ended.stderr));
        assert_contains(warning, &["WARN", understood]);
        let mut others = ended
            .stderr
            .lines()
            .filter(|line| !line.contains("a card to try"));
        assert!(
            others.all(|line| !line.contains("123456789")),
            "{}",
            ended.stderr
        );
    }
}

#[test]
fn a_datagram_that_is_not_understood_is_in_the_log_with_what_would_be() {
    let server = start(&["--handout", "datetime", "--port", "0"]);
    let socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let to = server.address("datetime udp");
    socket.send_to(b"SEND_YEAR", to).unwrap();
    server
        .stderr
        .wait_for("not understood: \"SEND_YEAR\"; understood here: SEND_DATE");
}

#[test]
fn what_a_hand_out_gives_up_is_said_once_at_the_start() {
    for handout in Handout::ALL {
        let log = start(&["--handout", handout.name(), "--port", "0", "-q"])
            .stop()
            .stderr;
        let said = format!("hand-out {}: ", handout.name());
        let expected = usize::from(handout.lacks().is_some());
        assert_eq!(log.matches(&said).count(), expected, "{log}");
        assert!(log.contains(handout.lacks().unwrap_or_default()), "{log}");
    }
}

#[test]
fn what_a_hand_out_decides_itself_cannot_be_asked_for() {
    for flags in [
        &["--mode", "atm"][..],
        &["--wire", "line"],
        &["--script", "joke"],
        &["--semantics", "maybe"],
    ] {
        let ended = run(&[&["--handout", "atm-card"], flags].concat());
        ended.complained(2, &[flags[0]]);
    }
    let ended = run(&["--handout", "atm"]);
    ended.complained(2, &["atm-login"]);
}

#[test]
fn the_ledger_is_thrown_away_unless_one_is_named() {
    let home = Home::new();
    let withdraw = "WITHDRAW 123456789 500";
    let success = "WITHDRAW_ACK SUCCESS Withdrawn 500 successfully";
    for balance in ["BALANCE_ACK 9500", "BALANCE_ACK 9500"] {
        let server = home.start(CARD_BANK);
        assert_eq!(answer_of(&server, withdraw), success);
        assert_eq!(answer_of(&server, "BALANCE_INQUIRY 123456789"), balance);
        server.stop();
    }
    assert!(!home.path().join("socketlab/bank.db").exists());
    for balance in ["BALANCE_ACK 9500", "BALANCE_ACK 9000"] {
        let server = home.start(&[CARD_BANK, &["--ledger", "class.db"]].concat());
        assert_eq!(answer_of(&server, withdraw), success);
        assert_eq!(answer_of(&server, "BALANCE_INQUIRY 123456789"), balance);
        assert_eq!(
            answer_of(&server, "CREATE_ACCOUNT 111 bob pw9 100"),
            "CREATE_ACCOUNT_ACK FAILURE Invalid card"
        );
        server.stop();
    }
    let audit = home.answer(&["ledger", "audit", "--ledger", "class.db"]);
    assert!(audit.contains("sound"), "{audit}");
}

#[test]
fn the_textbooks_withdrawals_are_entries_of_a_sound_ledger() {
    let home = Home::new();
    let server = home.start(&words("--handout textbook-atm --port 0 --ledger book.db"));
    let mut machine = Peer::over(server.connect("atm tcp"), Framing::Line);
    for (request, answer) in [
        ("HELO Joty", "500 AUTH REQUIRED!"),
        ("PASSWD 1234", "525 OK!"),
        ("WITHDRAWL 500", "525 OK!"),
        ("WITHDRAWL 20000", "401 ERROR!"),
    ] {
        assert_eq!(machine.ask(request), answer);
    }
    drop(server);
    let audit = home.answer(&["ledger", "audit", "--ledger", "book.db"]);
    assert!(audit.contains("sound"), "{audit}");
    let history = home.answer(&["ledger", "--ledger", "book.db", "history", "123456789"]);
    for part in [
        "held                500.00",
        "confirmed           500.00",
        "declined          20000.00",
    ] {
        assert!(history.contains(part), "{history}");
    }
    let unsettled = home.answer(&["ledger", "--ledger", "book.db", "unsettled"]);
    assert!(!unsettled.contains("WITH_"), "{unsettled}");
}

#[test]
fn no_password_is_ever_logged() {
    let server = start(&[CARD_BANK, &["-v", "-v"]].concat());
    for request in [
        "CREATE_ACCOUNT 111 bob s3cret-1 100",
        "VERIFY_CARD_AND_PASSWORD 111 s3cret-1",
        "VERIFY_CARD_AND_PASSWORD 111 s3cret-2",
        "VERIFY_CARD_AND_PASSWORD s3cret-3 1234",
        "s3cret-4",
    ] {
        answer_of(&server, request);
    }
    let log = server.stop().stderr;
    assert!(log.contains("connection"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");

    let server = start(&["--handout", "textbook-atm", "--port", "0", "-v", "-v"]);
    let mut machine = Peer::over(server.connect("atm tcp"), Framing::Line);
    for (request, answer) in [
        ("HELO s3cret-9", "500 AUTH REQUIRED!"),
        ("PASSWD s3cret-10", "401 ERROR!"),
        ("PASS s3cret-11", "401 ERROR!"),
        ("s3cret-12", "401 ERROR!"),
    ] {
        assert_eq!(machine.ask(request), answer);
    }
    let log = server.stop().stderr;
    assert!(log.contains("unknown card or wrong PIN"), "{log}");
    assert!(!log.contains("s3cret"), "{log}");

    let server = start(&["--handout", "atm-login", "--port", "0", "-v", "-v"]);
    let mut stream = server.connect("atm tcp");
    for (message, answer) in [
        // In one piece: then the server need not be waited for between the two.
        ("jamal4321", "LOGGED_IN"),
        ("LOGGED_IN", MENU),
        ("s3cret-5", "INVALID_OPTION"),
        ("s3cret-6", MENU),
    ] {
        stream.write_all(message.as_bytes()).unwrap();
        let mut answered = vec![0; answer.len()];
        stream.read_exact(&mut answered).unwrap();
        assert_eq!(answered, answer.as_bytes());
    }
    drop(stream);
    // Whether these two arrive in one piece or not, no account has this name or this password.
    let mut stream = server.connect("atm tcp");
    stream.write_all(b"jamals3cret-7").unwrap();
    stream.write_all(b"s3cret-8").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    drop(stream);
    let log = server.stop().stderr;
    assert!(log.contains("the PIN is right"), "{log}");
    assert!(
        !log.contains("s3cret") && !log.contains("jamal4321"),
        "{log}"
    );
}

#[test]
fn a_customer_who_leaves_with_the_notes_is_warned_of() {
    let server = start(&["--handout", "atm-login", "--port", "0"]);
    let mut stream = server.connect("atm tcp");
    for (message, bytes) in [
        ("jamal4321", "LOGGED_IN".len()),
        ("LOGGED_IN", 99),
        ("2", "VALID_OPTION".len()),
        ("VALID_OPTION", "AMOUNT".len()),
        ("3402.0", 119),
    ] {
        stream.write_all(message.as_bytes()).unwrap();
        stream.read_exact(&mut vec![0; bytes]).unwrap();
    }
    drop(stream);
    server.stderr.wait_for("the notes may be out");
    let log = server.stop().stderr;
    let line = log
        .lines()
        .find(|line| line.contains("the notes may"))
        .unwrap();
    assert!(line.contains(" WARN ") && line.contains("WITH_"), "{line}");
}

#[test]
fn the_end_of_a_calculator_session_is_logged() {
    let server = start(&["--handout", "calculator", "--port", "0"]);
    let mut stream = server.connect("calc tcp");
    stream.write_all(b"Joty").unwrap();
    server.stderr.wait_for("session started");
    stream.write_all(b"q").unwrap();
    assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    assert!(server.stop().stderr.contains("Session ended"));
}

#[test]
fn a_client_that_takes_sixteen_of_seventeen_octets_is_no_warning() {
    let server = start(&["--handout", "sixteen", "--port", "0"]);
    let mut stream = server.connect("script tcp");
    stream.write_all(b"Hello!! Server!!").unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    drop(stream);
    server.stderr.wait_for("ended");
    let log = server.stop().stderr;
    assert!(!log.contains("WARN") && log.contains("end=done"), "{log}");
}
