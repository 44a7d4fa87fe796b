//! Exit status 5: the server breaks the protocol, as one does that is still being written. What
//! is said must be enough to find the place.

use std::net::UdpSocket;
use std::thread;

use serde_json::Value;
use testkit::TEST_TIMEOUT;
use testkit::assert_contains;

use crate::bare_servers::{bank_over, sends, sends_and_closes, welcome};
use crate::labclient::{at, labclient_at_home, pipe, run};

const PRIME: &[&str] = &["text", "prime", "97"];
/// What a text service says first.
const READY: &[u8] = b"12:READY text 1,";
const CARD: &str = "123456789";

#[test]
fn a_server_that_waits_for_us_to_speak_first_is_said_to_owe_ready() {
    let silent = sends("");
    run(&silent, &[PRIME, &["--timeout", "0.5"]].concat()).failed_with(
        5,
        &format!(
            "{silent} took the connection but said nothing within 0.5 s: is it `labserver --mode \
             text`?"
        ),
        &[
            "  open request  none: the server speaks first",
            "  expected      READY text 1 (on the wire: 12:READY text 1,)",
            "  came          nothing",
            "  see           docs/protocol.md, \"Messages\"",
        ],
    );
}

#[test]
fn a_greeting_that_is_no_ready_is_shown() {
    for (greeting, quoted, hex) in [
        (
            "SSH-2.0-x\r\n",
            "SSH-2.0-x\\u{d}\\u{a}",
            "53 53 48 2d 32 2e 30 2d 78 0d 0a",
        ),
        ("\0\x01", "\\u{0}\\u{1}", "00 01"),
        ("2:OK,", "OK", "4f 4b"),
    ] {
        let server = sends(greeting);
        run(&server, PRIME).failed_with(
            5,
            &format!(
                "{server} opened with \"{quoted}\" and not with READY: something else listens \
                 there, or it breaks the protocol"
            ),
            &[&format!("                {hex}")],
        );
    }
}

#[test]
fn an_answer_that_is_none_is_shown_with_what_was_asked_and_what_was_due() {
    let server = sends("12:READY text 1,6:OK yes,");
    let expected = format!(
        "labclient: {server}: \"OK yes\" does not answer PRIME
  open request  1: PRIME 97
  expected      OK prime
  or            OK not prime
  or            ERR CODE WORDS
  came          \"OK yes\" (6 bytes)
                4f 4b 20 79 65 73
  see           docs/protocol.md, \"text\"
"
    );
    let ended = run(&server, PRIME);
    assert_eq!((ended.stderr, ended.status), (expected, Some(5)));
}

#[test]
fn what_breaks_the_grammar_or_the_framing_is_distinguished() {
    let see = |section| format!("  see           docs/protocol.md, \"{section}\"");
    let (text, refusals, messages) = (see("text"), see("Refusals"), see("Messages"));
    for (came, words, evidence) in [
        (
            &b"5:HELLO,"[..],
            "\"HELLO\" is neither `OK …` nor `ERR code …`",
            text.as_str(),
        ),
        (
            b"8:ERR what,",
            "\"ERR what\" is a refusal with no code of the list",
            &refusals,
        ),
        (
            b"OK prime\n",
            "netstring framing begins with a byte length and a colon, as in `2:hi,`, not \"OK \
             prime\\u{a}\"",
            &messages,
        ),
        (
            b"7:OK prime,",
            "a netstring of 7 bytes ends with a comma, not \"e\"",
            &messages,
        ),
        (
            b"99999999:",
            "a message in netstring framing has at most 65536 bytes",
            &messages,
        ),
        (
            b"5:OK \xff\xfe,",
            "\"OK \u{fffd}\u{fffd}\" is not UTF-8",
            "                4f 4b 20 ff fe",
        ),
    ] {
        let server = sends([READY, came].concat());
        let evidence = ["  open request  1: PRIME 97", evidence];
        run(&server, PRIME).failed_with(5, &format!("{server}: {words}"), &evidence);
    }
}

#[test]
fn of_an_answer_that_breaks_off_the_beginning_is_shown() {
    for (server, came, words, shown) in [
        (
            sends_and_closes as fn(_) -> _,
            "8:OK pr",
            "closed 5 bytes into a 8-byte message",
            "\"8:OK pr\" (7 bytes)",
        ),
        (
            sends_and_closes,
            "8",
            "closed 1 bytes into the length of a message",
            "\"8\" (1 byte)",
        ),
        (
            sends,
            "8:OK pr",
            "within 0.5 s only the beginning of a message came",
            "\"8:OK pr\" (7 bytes)",
        ),
    ] {
        let came_line = format!("  came          {shown}");
        let evidence = ["  open request  1: PRIME 97", &came_line];
        let server = server([READY, came.as_bytes()].concat());
        let impatient = [PRIME, &["--timeout", "0.5"]].concat();
        run(&server, &impatient).failed_with(5, &format!("{server}: {words}"), &evidence);
    }
}

#[test]
fn in_a_pipe_the_request_that_was_open_is_named() {
    let server = sends("12:READY text 1,8:OK prime,12:OK not prime,10:OK perhaps,");
    let ended = pipe(&server, &["text"], "prime 7\nprime 8\nprime 9\nprime 10\n");
    ended.exited(5, "prime\nnot prime\n");
    ended.complained(5, &["\n  open request  3: PRIME 9\n"]);
}

#[test]
fn with_json_the_parts_are_members_of_an_object() {
    let server = sends("12:READY text 1,6:OK yes,");
    let ended = run(&server, &[PRIME, &["--json"]].concat());
    let object: Value = serde_json::from_str(&ended.stdout).unwrap();
    let expected = serde_json::json!({
        "ok": false,
        "kind": "protocol",
        "status": 5,
        "error": format!("{server}: \"OK yes\" does not answer PRIME"),
        "request": "PRIME 97",
        "request_number": 1,
        "expected": ["OK prime", "OK not prime", "ERR CODE WORDS"],
        "came": "OK yes",
        "came_hex": "4f4b20796573",
        "came_bytes": 6,
        "see": "docs/protocol.md#text",
    });
    assert_eq!(object, expected);
    assert_eq!(ended.status, Some(5));
}

#[test]
fn an_echo_that_differs_is_no_echo() {
    let server = sends("3:abd,");
    run(&server, &["echo", "abc"]).failed_with(
        5,
        &format!("{server}: sent \"abc\", but \"abd\" came back"),
        &[
            "  open request  1: abc",
            "  expected      abc",
            "  came          \"abd\" (3 bytes)",
            "  see           docs/protocol.md, \"echo\"",
        ],
    );
}

#[test]
fn a_room_that_says_what_no_room_says_is_shown_it() {
    let room = sends("12:READY chat 1,16:OK joined Adarsh,14:HELLO everyone,");
    let ended = run(&room, &["chat", "--name", "Adarsh"]);
    ended.complained(
        5,
        &[
            "\"HELLO everyone\" is no message of a room\n",
            "  or            EVENT said NAME TEXT\n",
            "  came          \"HELLO everyone\" (14 bytes)\n",
            "  see           docs/protocol.md, \"chat\"",
        ],
    );
}

/// A datagram service that answers whatever comes with this.
fn answers_over_udp(words: &'static str) -> String {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    let address = socket.local_addr().unwrap().to_string();
    thread::spawn(move || {
        while let Ok((_, from)) = socket.recv_from(&mut [0; 100]) {
            let _ = socket.send_to(words.as_bytes(), from);
        }
    });
    address
}

#[test]
fn a_datagram_that_is_no_answer_is_shown_and_not_called_silence() {
    let clock = answers_over_udp("2026-11-21");
    run(&clock, &["datetime", "date", "--timeout", "1"]).failed_with(
        5,
        &format!("{clock}/udp: no answer to 4 tries in 1 s; 4 datagrams came that are none"),
        &[
            "  open request  1: SEND_DATE",
            "  expected      OK YYYY-MM-DD",
            "  came          \"2026-11-21\" (10 bytes)",
            "  see           docs/protocol.md, \"datetime\"",
        ],
    );
}

#[test]
fn a_bank_that_breaks_the_protocol_never_has_a_pin_shown() {
    // It sends back what it was sent, over so many connections.
    let parrot = |connections| {
        bank_over(connections, |request| {
            match request.strip_prefix("TERMINAL ") {
                Some(name) => Some(format!("OK terminal {name}")),
                None => Some(format!("OK {request}")),
            }
        })
    };
    let balance = |bank: String, arguments: &[&str]| {
        let client = at(bank, &["atm", "--card", CARD, "balance"]).with(arguments);
        client.pin("2468").run()
    };
    let (ended, json) = (balance(parrot(1), &[]), balance(parrot(2), &["--json"]));
    assert_eq!(
        (ended.status, json.status),
        (Some(5), Some(5)),
        "{ended:?} {json:?}"
    );
    let hex = "32343638";
    for text in [&ended.stderr, &json.stderr, &json.stdout] {
        assert!(!text.contains("2468") && !text.contains(hex), "{text}");
    }
    let shown = "  open request  2: VERIFY_CARD_AND_PASSWORD LOGIN_";
    assert_contains(
        &json.stderr,
        &[shown, " 123456789 ****\n", " welcome HOLDER\n"],
    );
}

/// A bank that answers well, except where this is asked.
fn bank_broken_at(verb: &'static str) -> String {
    bank_over(100, move |request| match request.split(' ').next()? {
        asked if asked == verb => Some("OK yes".into()),
        "QUIT" => Some("OK bye".into()),
        _ => welcome(request),
    })
}

#[test]
fn a_bank_that_answers_no_balance_is_reported_and_not_waited_for() {
    let bank = bank_broken_at("BALANCE_INQUIRY");
    run(&bank, &["atm", "--card", CARD, "balance"]).failed_with(
        5,
        &format!("{bank}: \"OK yes\" does not answer BALANCE_INQUIRY"),
        &[
            "  open request  3: BALANCE_INQUIRY",
            "  expected      OK available MONEY, held MONEY",
            "  see           docs/protocol.md, \"atm\"",
        ],
    );
}

#[test]
fn where_money_may_have_moved_a_broken_answer_leaves_the_outcome_unknown() {
    for (words, verb) in [
        (&["withdraw", "500"][..], "WITHDRAW"),
        (&["create", "Ada", "100"], "CREATE_ACCOUNT"),
    ] {
        let bank = bank_broken_at(verb);
        let client = at(&bank, &["atm", "--card", CARD, "--patience", "0.5"]);
        let ended = client.with(words).pin("2468").run();
        let asked = format!(": {verb} ");
        let came = "came          \"OK yes\" (6 bytes)";
        let due = "  or            ERR CODE ";
        ended.refused(4, &[&asked, came, "\"OK yes\" does not", due]);
        assert!(!ended.stderr.contains("2468"), "{ended:?}");
        assert!(!ended.stderr.contains("ROLLBACK"), "{ended:?}");
    }
}

#[test]
fn with_json_a_machine_that_cannot_settle_is_an_object_too() {
    let bank = bank_broken_at("WITHDRAW");
    let home = tempfile::tempdir().unwrap();
    let arguments = ["atm", "--card", CARD, "--patience", "0.5", "--json"];
    for words in [&["withdraw", "500"][..], &["settle"]] {
        let client = labclient_at_home(home.path(), &arguments).with(words);
        let ended = client.pin("2468").at(&bank).run();
        let object: Value = serde_json::from_str(&ended.stdout).unwrap();
        assert_eq!(object["kind"], "unknown", "{words:?}: {ended:?}");
        assert_eq!(object["status"], 4);
        assert_eq!(ended.status, Some(4));
    }
}
