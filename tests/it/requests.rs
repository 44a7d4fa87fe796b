//! Every service that answers one request at a time: normal, refused, malformed; in every framing,
//! in single bytes, three in one segment, and many at once.

use std::io::Write;

use proto::frame::Framing;
use proto::mode::Mode;
use testkit::at_once;
use testkit::peer::{Peer, exchange};
use testkit::service::{Service, start_configured};

const TEXT: &[(&str, &str)] = &[
    ("LOWER HELLO  World", "OK hello  world"),
    ("LOWER ÀÉ", "OK àé"),
    ("PRIME 97", "OK prime"),
    ("PRIME 561", "OK not prime"),
    ("PRIME 170141183460469231731687303715884105727", "OK prime"),
    ("PRIME -7", "OK not prime"),
    ("PALINDROME 12321", "OK palindrome"),
    ("PALINDROME 12", "OK not palindrome"),
    (
        "PRIME +7",
        "ERR malformed a number is digits with an optional minus, not \"+7\"",
    ),
    (
        "prime 7",
        "ERR unknown-verb unknown verb \"prime\"; known here: LOWER, PRIME, PALINDROME, QUIT",
    ),
];

const CALC: &[(&str, &str)] = &[
    ("CALC 1 + 1", "ERR out-of-order say HELLO and a name first"),
    ("HELLO Adarsh", "OK hello Adarsh"),
    ("CALC 12 + 42", "OK 54"),
    ("CALC 0.1 + 0.2", "OK 0.3"),
    (
        "CALC 1 / 3",
        "OK 0.3333333333333333333333333333333333 rounded",
    ),
    ("CALC -1 * 0", "OK 0"),
];

fn running(mode: Mode, framing: Framing) -> Service {
    start_configured(mode, |config| config.framing = framing)
}

fn holds(peer: &mut Peer, dialogue: &[(&str, &str)]) {
    for (request, answer) in dialogue {
        assert_eq!(peer.ask(request), *answer, "{request}");
    }
}

#[test]
fn every_service_answers_in_every_framing() {
    for (mode, dialogue) in [(Mode::Text, TEXT), (Mode::Calc, CALC)] {
        for framing in Framing::ALL {
            let server = running(mode, framing);
            let mut peer = server.converse(framing);
            holds(&mut peer, dialogue);
            assert_eq!(peer.ask("QUIT"), "OK bye", "{mode:?} {framing}");
            assert_eq!(peer.receive(), None, "the server closes after QUIT");
        }
    }
}

#[test]
fn a_division_by_zero_is_refused_and_the_session_lives() {
    let server = running(Mode::Calc, Framing::Netstring);
    let mut peer = server.converse(Framing::Netstring);
    peer.ask("HELLO A");
    assert!(peer.ask("CALC 1 / 0").starts_with("ERR division-by-zero"));
    let refusal = peer.ask("CALC 12(10");
    assert!(refusal.starts_with("ERR malformed column 3: "), "{refusal}");
    assert_eq!(peer.ask("CALC 2 * 3"), "OK 6");
}

#[test]
fn a_request_in_single_bytes_is_one_request() {
    let server = running(Mode::Text, Framing::Netstring);
    let mut peer = server.connect();
    peer.set_nodelay(true).unwrap();
    for byte in b"8:PRIME 97,4:QUIT," {
        peer.write_all(&[*byte]).unwrap();
    }
    assert_eq!(exchange(peer, b""), "12:READY text 1,8:OK prime,6:OK bye,");
}

#[test]
fn three_requests_in_one_segment_are_three_requests() {
    let server = running(Mode::Text, Framing::Len3);
    let answers = exchange(server.connect(), b"008PRIME 97009LOWER ABC004QUIT");
    assert_eq!(answers, "012READY text 1008OK prime006OK abc006OK bye");
}

#[test]
fn what_was_asked_before_a_half_close_is_answered() {
    let server = running(Mode::Text, Framing::Line);
    let answers = exchange(server.connect(), b"PRIME 97\r\nPALINDROME 7\n");
    assert_eq!(answers, "READY text 1\nOK prime\nOK palindrome\n");
}

#[test]
fn an_answer_that_outgrows_the_frame_is_refused_and_the_session_lives() {
    let server = running(Mode::Text, Framing::Len3);
    let mut peer = server.converse(Framing::Len3);
    // U+0130 has two bytes and its lower case three.
    let refusal = peer.ask(&format!("LOWER {}", "\u{130}".repeat(120)));
    assert!(
        refusal.starts_with("ERR too-long the answer: "),
        "{refusal}"
    );
    assert_eq!(peer.ask("PRIME 2"), "OK prime");
}

#[test]
fn fifty_peers_at_once_each_get_their_own_answers() {
    let server = running(Mode::Calc, Framing::Netstring);
    at_once(0..50, |number| {
        let mut peer = server.converse(Framing::Netstring);
        let hello = peer.ask(&format!("HELLO n{number}"));
        assert_eq!(hello, format!("OK hello n{number}"));
        for term in 0..20 {
            let sum = format!("CALC {number} + {term}");
            assert_eq!(peer.ask(&sum), format!("OK {}", number + term));
        }
    });
}

#[test]
fn a_stopping_server_says_so_to_those_who_wait() {
    let server = running(Mode::Text, Framing::Netstring);
    let mut peer = server.converse(Framing::Netstring);
    assert_eq!(peer.ask("PRIME 7"), "OK prime");
    server.stop();
    assert!(peer.receive().unwrap().starts_with("ERR shutting-down "));
    assert_eq!(peer.receive(), None);
}
