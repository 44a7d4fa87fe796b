//! Exit status 3: the server is not there, is not the one meant, or is lost on the way. One that is
//! there and breaks the protocol is in `broken_servers`.

use std::io::{Read, Write};
use std::time::Duration;

use proto::frame::Framing;
use proto::mode::Mode;
use socket2::SockRef;
use testkit::service::{start, start_configured};

use crate::bare_servers::{sends, sends_and_closes, serve_one, unused_address};
use crate::labclient::{at, run};

const PRIME: &[&str] = &["text", "prime", "97"];

#[test]
fn a_server_that_is_absent_is_named_with_what_to_start() {
    let unused = unused_address();
    let address = unused.to_string();
    for (arguments, mode) in [
        (PRIME, "text"),
        (&["calc", "1 + 1"], "calc"),
        (&["echo", "hello"], "echo"),
        (&["atm", "--card", "123456789", "balance"], "atm"),
    ] {
        let words = format!("nothing listens on {address}: is `labserver --mode {mode}` running?");
        run(&address, arguments).failed(3, &words);
    }
    run(&address, &["echo", "--udp", "hello", "--timeout", "0.5"]).failed(
        3,
        &format!("{address}/udp: nothing listens there: is `labserver --mode echo` running?"),
    );
}

#[test]
fn another_service_is_recognised() {
    let calc = start(Mode::Calc);
    let address = calc.address();
    run(address, PRIME).failed(
        3,
        &format!(
            "{address} is the service \"calc\", not text: ask it with `labclient calc`, or give \
             the address of `labserver --mode text`"
        ),
    );
}

#[test]
fn another_framing_is_recognised() {
    for spoken in Framing::ALL {
        let text = start_configured(Mode::Text, |config| config.framing = spoken);
        let address = text.address();
        for tried in Framing::ALL.into_iter().filter(|tried| *tried != spoken) {
            let ended = run(address, &[PRIME, &["--wire", tried.name()]].concat());
            let words = format!(
                "{address} speaks {spoken} framing, this client {tried}: add --wire {spoken}"
            );
            ended.failed(3, &words);
        }
    }
}

#[test]
fn another_version_is_named() {
    let newer = sends("12:READY text 2,");
    run(&newer, PRIME).failed(
        3,
        &format!(
            "{newer} speaks version 2 of the protocol, this client version 1: use a labserver of \
             the same release"
        ),
    );
}

#[test]
fn a_server_that_closes_at_once_is_lost() {
    let closes = sends_and_closes("");
    run(&closes, PRIME).failed_with(
        3,
        &format!("{closes} closed the connection at once"),
        &[
            "  open request  none: the server speaks first",
            "  came          nothing",
        ],
    );
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let mute = sends("12:READY text 1,");
    run(&mute, &[PRIME, &["--timeout", "0.5"]].concat()).failed_with(
        3,
        &format!("{mute}: no answer within 0.5 s"),
        &["  open request  1: PRIME 97", "  came          nothing"],
    );
}

#[test]
fn a_server_that_closes_or_resets_before_its_answer_is_lost() {
    let closes = sends_and_closes("12:READY text 1,");
    run(&closes, PRIME).failed_with(
        3,
        &format!("{closes}: the server closed the connection"),
        &[
            "  open request  1: PRIME 97",
            "  expected      OK prime",
            "  or            OK not prime",
            "  came          nothing",
        ],
    );
    let resets = serve_one(|mut stream| {
        let _ = stream.write_all(b"12:READY text 1,");
        let _ = stream.read(&mut [0; 100]);
        // With this, closing resets.
        let _ = SockRef::from(&stream).set_linger(Some(Duration::ZERO));
    });
    run(&resets, PRIME).failed_with(
        3,
        &format!("{resets}: the peer reset the connection"),
        &["  open request  1: PRIME 97", "  came          nothing"],
    );
}

#[test]
fn a_server_that_stops_while_a_pipe_is_read_is_reported_after_its_answers() {
    let text = start(Mode::Text);
    let address = text.address();
    let mut client = at(address, &["text"]).start();
    assert_eq!(client.ask("prime 97"), "prime\n");
    text.stop();
    let answer = client.ask("prime 97");
    assert!(answer.starts_with("ERR shutting-down "), "{answer}");
    let ended = client.end();
    assert_eq!((ended.stderr.as_str(), ended.status), ("", Some(1)));
}
