//! Exit status 3: the server is not there, is not the one meant, or is lost on the way.

use std::io::Write;

use proto::frame::Framing;
use proto::mode::Mode;
use server::Config;

use crate::labclient::labclient;
use crate::services::{start, start_with};
use crate::strangers::{nobody, says, says_and_closes, stranger};

const PRIME: &[&str] = &["text", "prime", "97"];

#[test]
fn nobody_there_is_named_with_what_to_start() {
    let nobody = nobody();
    let address = nobody.address();
    for (arguments, mode) in [
        (PRIME, "text"),
        (&["calc", "1 + 1"], "calc"),
        (&["echo", "hello"], "echo"),
        (&["atm", "--card", "123456789", "balance"], "atm"),
    ] {
        let words = format!("nothing listens on {address}: is `labserver --mode {mode}` running?");
        labclient(arguments)
            .pin("1234")
            .at(&address)
            .run()
            .failed(3, &words);
    }
    labclient(&["echo", "--udp", "hello", "--timeout", "0.5"])
        .at(&address)
        .run()
        .failed(
            3,
            &format!("{address}/udp: nothing listens there: is `labserver --mode echo` running?"),
        );
}

#[test]
fn another_service_is_recognised() {
    let calc = start(Mode::Calc);
    let address = calc.address();
    labclient(PRIME).at(&address).run().failed(
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
        let text = start_with(
            Mode::Text,
            Config {
                framing: spoken,
                ..Config::default()
            },
        );
        let address = text.address();
        for tried in Framing::ALL.into_iter().filter(|tried| *tried != spoken) {
            let ended = labclient(PRIME)
                .with(&["--wire", tried.name()])
                .at(&address)
                .run();
            let words = format!(
                "{address} speaks {spoken} framing, this client {tried}: add --wire {spoken}"
            );
            ended.failed(3, &words);
        }
    }
}

#[test]
fn something_else_that_listens_there_is_quoted() {
    for greeting in [
        "SSH-2.0-OpenSSH_9.6\r\n",
        "220 mail.example ESMTP\r\n",
        "\0\x01\x02",
    ] {
        let ended = labclient(PRIME).at(&says(greeting)).run();
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(3), ""),
            "{ended:?}"
        );
        assert!(
            ended.stderr.contains("something else listens there"),
            "{ended:?}"
        );
        assert!(!ended.stderr.contains('\0'), "{ended:?}");
    }
    let newer = says("12:READY text 2,");
    labclient(PRIME).at(&newer).run().failed(
        3,
        &format!(
            "{newer} speaks version 2 of the protocol, this client version 1: use a labserver of \
             the same release"
        ),
    );
}

#[test]
fn a_server_that_closes_at_once_is_told_from_one_that_says_nothing() {
    let closes = says_and_closes("");
    labclient(PRIME)
        .at(&closes)
        .run()
        .failed(3, &format!("{closes} closed the connection at once"));
    let silent = says("");
    labclient(PRIME).with(&["--timeout", "0.5"]).at(&silent).run().failed(
        3,
        &format!(
            "{silent} took the connection but said nothing within 0.5 s: is it `labserver --mode \
             text`?"
        ),
    );
}

#[test]
fn a_server_that_does_not_answer_is_given_up() {
    let mute = says("12:READY text 1,");
    labclient(PRIME)
        .with(&["--timeout", "0.5"])
        .at(&mute)
        .run()
        .failed(3, &format!("{mute}: no answer within 0.5 s"));
}

#[test]
fn a_server_lost_before_or_inside_its_answer_is_told_apart() {
    for (said, words) in [
        ("12:READY text 1,", "the server closed the connection"),
        (
            "12:READY text 1,8:OK pr",
            "closed 5 bytes into a 8-byte message",
        ),
        (
            "12:READY text 1,8",
            "closed 1 bytes into the length of a message",
        ),
    ] {
        let ended = labclient(PRIME).at(&says_and_closes(said)).run();
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(3), ""),
            "{ended:?}"
        );
        assert!(ended.stderr.contains(words), "{said}: {ended:?}");
    }
}

#[test]
fn an_answer_that_makes_no_sense_is_quoted() {
    for answer in [
        "5:HELLO,",
        "8:OK maybe,",
        "4:OK \u{e9},",
        "9:ERR what ?,",
        "99999999:",
        "x",
    ] {
        let stranger = stranger(move |mut stream| {
            let _ = stream.write_all(format!("12:READY text 1,{answer}").as_bytes());
            let _ = std::io::copy(&mut stream, &mut std::io::sink());
        });
        let ended = labclient(PRIME)
            .with(&["--timeout", "2"])
            .at(&stranger)
            .run();
        assert_eq!(
            (ended.status, ended.stdout.as_str()),
            (Some(3), ""),
            "{answer}: {ended:?}"
        );
        assert!(
            ended
                .stderr
                .starts_with(&format!("labclient: {stranger}: ")),
            "{ended:?}"
        );
    }
}

#[test]
fn an_echo_that_differs_is_no_echo() {
    let stranger = says("3:abd,");
    labclient(&["echo", "abc"])
        .at(&stranger)
        .run()
        .failed(3, "sent \"abc\", but \"abd\" came back");
}

#[test]
fn a_server_that_stops_while_a_pipe_is_read_is_told_after_its_answers() {
    let text = start(Mode::Text);
    let address = text.address();
    let mut client = labclient(&["text"]).at(&address).start();
    assert_eq!(client.ask("prime 97"), "prime\n");
    text.stop();
    let answer = client.ask("prime 97");
    assert!(answer.starts_with("ERR shutting-down "), "{answer}");
    let ended = client.end();
    assert_eq!((ended.stderr.as_str(), ended.status), ("", Some(1)));
}
