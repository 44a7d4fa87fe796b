//! The textbook's cash machine: lines, one session a connection.

use std::io::Write;

use proto::frame::Framing;
use proto::handout::Handout;
use testkit::at_once;
use testkit::peer::{Peer, exchange, read_text, reset};
use testkit::service::Service;

use super::{connect_and_leave, started, started_with};
use crate::faults::config;

const LOG_IN: &str = "HELO Joty\nPASSWD 1234\n";
const LOGGED_IN: &str = "500 AUTH REQUIRED!\n525 OK!\n";

fn peer(server: &Service) -> Peer {
    Peer::over(server.connect(), Framing::Line)
}

/// A machine with this customer's card in it, who has logged in.
fn session(server: &Service, user: &str, pin: &str) -> Peer {
    let mut peer = peer(server);
    assert_eq!(peer.ask(&format!("HELO {user}")), "500 AUTH REQUIRED!");
    assert_eq!(peer.ask(&format!("PASSWD {pin}")), "525 OK!");
    peer
}

#[test]
fn a_customer_logs_in_by_name_or_card_number_and_is_answered_to_the_end() {
    for user in ["Joty", "123456789"] {
        let server = started(Handout::TextbookAtm);
        let mut peer = session(&server, user, "1234");
        for (request, answer) in [
            ("BALANCE", "AMOUNT:10000"),
            ("WITHDRAWL 500.50", "525 OK!"),
            ("BALANCE", "AMOUNT:9499.50"),
            ("WITHDRAWL 9499.51", "401 ERROR!"),
            ("WITHDRAWL 9499.50", "525 OK!"),
            ("BALANCE", "AMOUNT:0"),
            ("BYE", "BYE"),
        ] {
            assert_eq!(peer.ask(request), answer, "{user}: {request}");
        }
        assert_eq!(peer.receive(), None);
    }
}

#[test]
fn an_unknown_customer_is_refused_as_one_with_a_wrong_pin_is() {
    let server = started(Handout::TextbookAtm);
    for (user, pin) in [
        ("Joty", "9999"),
        ("Joty", "123"),
        ("Jot", "1234"),
        ("Eve", "1234"),
        ("111", "1234"),
    ] {
        let mut peer = peer(&server);
        assert_eq!(peer.ask(&format!("HELO {user}")), "500 AUTH REQUIRED!");
        assert_eq!(peer.ask(&format!("PASSWD {pin}")), "401 ERROR!");
        assert_eq!(peer.ask("BALANCE"), "401 ERROR!");
    }
    let mut peer = peer(&server);
    peer.ask("HELO Joty");
    for _ in 0..5 {
        assert_eq!(peer.ask("PASSWD 9999"), "401 ERROR!");
    }
    assert_eq!(peer.ask("PASSWD 1234"), "525 OK!");
}

#[test]
fn lines_are_cut_at_their_ends_however_they_come() {
    let server = started(Handout::TextbookAtm);
    let said = "BALANCE\r\nWITHDRAWL 500\r\nBALANCE\nBYE\n";
    let answers = "AMOUNT:10000\n525 OK!\nAMOUNT:9500\nBYE\n";
    // All in one segment.
    let heard = exchange(server.connect(), [LOG_IN, said].concat().as_bytes());
    assert_eq!(heard, [LOGGED_IN, answers].concat());
    // Each byte by itself.
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for byte in [LOG_IN, "BALANCE\nBYE\n"].concat().bytes() {
        stream.write_all(&[byte]).unwrap();
    }
    assert_eq!(
        read_text(&stream),
        [LOGGED_IN, "AMOUNT:9500\nBYE\n"].concat()
    );
}

#[test]
fn what_is_no_request_is_refused_and_the_conversation_goes_on() {
    let server = started(Handout::TextbookAtm);
    let mut stream = server.connect();
    for message in [
        &b"\n"[..],
        b"OK\n",
        b"withdrawl 5\n",
        b"WITHDRAWL\n",
        b"\xff\xfe\0\n",
        b"PASSWD 1234\n",
        b"BALANCE\n",
    ] {
        super::ask(&mut stream, message, b"401 ERROR!\n");
    }
    let said = [LOG_IN, "BYE\n"].concat();
    let heard = [LOGGED_IN, "BYE\n"].concat();
    super::ask(&mut stream, said.as_bytes(), heard.as_bytes());
    super::hear_the_end(&mut stream);
}

#[test]
fn a_client_that_leaves_inside_a_line_or_is_killed_is_nothing_special() {
    let server = started(Handout::TextbookAtm);
    connect_and_leave(&server);
    assert_eq!(exchange(server.connect(), b"HELO Joty"), "");
    let mut killed = server.connect();
    killed.write_all(LOG_IN.as_bytes()).unwrap();
    reset(killed);
    let mut peer = session(&server, "Joty", "1234");
    assert_eq!(peer.ask("BALANCE"), "AMOUNT:10000");
}

#[test]
fn withdrawals_of_two_at_once_never_take_more_than_there_is() {
    let server = started(Handout::TextbookAtm);
    let withdraw = |_| -> Vec<String> {
        let mut peer = session(&server, "Ahona", "5678");
        (0..15).map(|_| peer.ask("WITHDRAWL 250")).collect()
    };
    let mut answers = at_once(0..2, withdraw).concat();
    answers.sort();
    let (declined, done) = ("401 ERROR!", "525 OK!");
    assert_eq!(answers, [[declined; 10], [done; 10], [done; 10]].concat());
    let mut peer = session(&server, "Ahona", "5678");
    assert_eq!(peer.ask("BALANCE"), "AMOUNT:0");
}

#[test]
fn an_injected_error_is_the_printed_one_and_nothing_is_done() {
    let server = started_with(Handout::TextbookAtm, config("error=#3"));
    let mut peer = session(&server, "Joty", "1234");
    assert_eq!(peer.ask("WITHDRAWL 500"), "401 ERROR!");
    assert_eq!(peer.ask("BALANCE"), "AMOUNT:10000");
}

#[test]
fn a_withdrawal_whose_answer_is_lost_is_debited_and_a_repeat_once_more() {
    let server = started_with(Handout::TextbookAtm, config("drop-reply=#3"));
    let mut peer = session(&server, "Joty", "1234");
    peer.send("WITHDRAWL 500");
    assert_eq!(peer.ask("WITHDRAWL 500"), "525 OK!");
    assert_eq!(peer.ask("BALANCE"), "AMOUNT:9000");
}
