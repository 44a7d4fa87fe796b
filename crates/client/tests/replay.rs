//! `labclient replay` of what `labclient --record` made.

use std::fmt::Display;
use std::path::PathBuf;

use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::Mode;
use server::Config;
use server::clock::Clock;
use tempfile::TempDir;
use testkit::process::{Ended, words};
use testkit::service::{Service, start, start_configured, start_handout};
use testkit::{assert_contains, assert_starts};

use crate::bare_servers::unused_address;
use crate::labclient::labclient_at_home;
use crate::printed::printed;

/// A place for one recording.
struct Lab {
    home: TempDir,
}

impl Lab {
    /// Records a client with these arguments and this input at this server.
    fn recorded(server: impl Display, arguments: &str, input: &str) -> Lab {
        let home = tempfile::tempdir().unwrap();
        let lab = Lab { home };
        let ended = labclient_at_home(lab.home.path(), &["--record", "run.jsonl"])
            .at(&server)
            .pin("1234")
            .with(&words(arguments))
            .run_with(input);
        assert_eq!(ended.status, Some(0), "{ended:?}");
        lab
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("run.jsonl")
    }

    fn replay(&self, server: impl Display, arguments: &str) -> Ended {
        let (file, server) = (self.file(), server.to_string());
        labclient_at_home(
            self.home.path(),
            &["replay", file.to_str().unwrap(), &server],
        )
        .with(&words(arguments))
        .run()
    }
}

fn clock_at(moment: &str) -> Service {
    let moment = moment.parse().unwrap();
    start_configured(Mode::Datetime, |config| {
        config.clock = Clock::Fixed(Box::new(moment))
    })
}

fn text_in_lines() -> Service {
    start_configured(Mode::Text, |config| config.framing = Framing::Line)
}

#[test]
fn answers_as_recorded_are_shown_and_are_a_success() {
    let typed = "prime 97\nlower ABC\n";
    let lab = Lab::recorded(text_in_lines(), "--wire line --fault split=3 text", typed);
    let ended = lab.replay(text_in_lines(), "");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_starts(
        &ended.stdout,
        "text#0 ← READY text 1\ntext#0 → PRIME 97\ntext#0 ← OK prime\n\
         text#0 → LOWER ABC\ntext#0 ← OK abc\n",
    );
    assert!(
        ended.stderr.contains("answers are as recorded"),
        "{ended:?}"
    );
    // Where another framing is read, nothing is.
    let other = lab.replay(start(Mode::Text), "--timeout 5");
    assert_eq!(other.status, Some(1), "{other:?}");
}

#[test]
fn an_answer_that_differs_is_beside_the_recorded_one_with_a_caret() {
    let said = [
        "C: A\nS: It is one.\nC: B\nS: b",
        "C: A\nS: It was one.\nC: B\nS: b",
    ];
    let server = printed(&said[..1]);
    let lab = Lab::recorded(&server, "handout text-session", "A\nB\n");
    server.finish();
    let server = printed(&said[1..]);
    let ended = lab.replay(&server, "");
    server.finish();
    ended.exited(
        1,
        "text#0 → A\n\
         text#0 ! expected  It is one.\n\
         text#0   came      It was one.\n\
         text#0                ^ byte 3\n\
         text#0 → B\n\
         text#0 ← b\n",
    );
    assert_eq!(
        ended.stderr,
        "1 of 2 answers differs from the recorded one\n"
    );
}

#[test]
fn with_json_each_answer_is_an_object() {
    let server = printed(&["C: A\nS: a"]);
    let lab = Lab::recorded(&server, "handout text-session", "A\n");
    server.finish();
    let server = printed(&["C: A\nS: b"]);
    let ended = lab.replay(&server, "--json");
    server.finish();
    ended.exited(
        1,
        "{\"answer\":1,\"came\":\"b\",\"connection\":0,\"expected\":\"a\",\"ok\":false,\
         \"service\":\"text\"}\n",
    );
}

#[test]
fn an_answer_that_does_not_come_is_said_to_be_missing() {
    let server = printed(&["C: A\nS: a"]);
    let lab = Lab::recorded(&server, "handout text-session", "A\n");
    server.finish();
    let server = printed(&["C: A"]);
    let ended = lab.replay(&server, "--timeout 0.3");
    server.finish();
    let stdout = "text#0 → A\ntext#0 ! expected  a\ntext#0   came      (nothing in 0.3 s)\n";
    ended.exited(1, stdout);
    let server = printed(&["C: A\nS closes"]);
    let ended = lab.replay(&server, "");
    server.finish();
    let stdout = "text#0 → A\ntext#0 ! expected  a\ntext#0   came      (the server closes)\n";
    ended.exited(1, stdout);
}

#[test]
fn each_connection_is_made_anew_and_one_can_be_chosen() {
    let said = [
        "C: convert A\nS: a\nS closes",
        "C: convert B\nS: b\nS closes",
    ];
    let server = printed(&said);
    let lab = Lab::recorded(&server, "handout text-menu", "1\nA\n1\nB\n3\n");
    server.finish();
    let shown = [
        "text#0 → convert A\ntext#0 ← a\ntext#0 ← (the server closes)\n",
        "text#1 → convert B\ntext#1 ← b\ntext#1 ← (the server closes)\n",
    ];
    let server = printed(&said);
    lab.replay(&server, "").exited(0, shown.concat());
    server.finish();
    let server = printed(&said[1..]);
    lab.replay(&server, "--connection 1").exited(0, shown[1]);
    server.finish();
    let ended = lab.replay(unused_address(), "--connection 7");
    ended.complained(2, &["there is no connection 7 in it"]);
}

#[test]
fn a_masked_pin_cannot_be_sent_again_and_a_kept_one_is_not_shown() {
    let lab = Lab::recorded(start(Mode::Atm), "atm --card 123456789 balance", "");
    let ended = lab.replay(unused_address(), "");
    ended.complained(2, &["masked: record with --record-secrets"]);
    let kept = "--record-secrets atm --card 123456789 balance";
    let lab = Lab::recorded(start(Mode::Atm), kept, "");
    let ended = lab.replay(start(Mode::Atm), "");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_contains(&ended.stdout, &["123456789 ****", "available 10000.00"]);
    assert!(!ended.stdout.contains("1234\n"), "{ended:?}");
}

#[test]
fn two_messages_that_a_pause_alone_kept_apart_are_sent_with_a_pause() {
    let start = || start_handout(Handout::Calculator, Config::default());
    let typed = "Adarsh\n1 + 2\nq\n";
    let lab = Lab::recorded(start().address(), "handout calculator", typed);
    // The name is not answered, and would be another one together with the expression.
    lab.replay(start().address(), "").exited(
        0,
        "calc#0 → Adarsh\ncalc#0 → 1 + 2\ncalc#0 ← 3.0\ncalc#0 → q\ncalc#0 ← (the server closes)\n",
    );
}

#[test]
fn an_answer_that_is_longer_than_its_client_reads_is_as_recorded() {
    let start = || start_handout(Handout::Sixteen, Config::default());
    let lab = Lab::recorded(start().address(), "script sixteen", "");
    lab.replay(start().address(), "").exited(
        0,
        "script#0 → Hello!! Server!!\nscript#0 ← BYE BYE CLIENT...\n",
    );
}

#[test]
fn datagrams_are_sent_again_too() {
    let lab = Lab::recorded(clock_at("2026-11-21T07:44:16[UTC]"), "datetime date", "");
    let same = lab.replay(clock_at("2026-11-21T09:00:00[UTC]"), "");
    let stdout = "datetime#0 → SEND_DATE\ndatetime#0 ← OK 2026-11-21\n";
    same.exited(0, stdout);
    let ended = lab.replay(clock_at("2026-11-23T07:44:16[UTC]"), "");
    assert_eq!(ended.status, Some(1), "{ended:?}");
    assert_contains(&ended.stdout, &["expected  OK 2026-11-21", "^ byte 12"]);
    let unused = lab.replay(unused_address(), "");
    unused.complained(3, &["nothing listens"]);
}

#[test]
fn what_is_no_server_and_what_is_no_recording_is_named() {
    let server = printed(&["C: A\nS: a"]);
    let lab = Lab::recorded(&server, "handout text-session", "A\n");
    server.finish();
    lab.replay(unused_address(), "")
        .complained(3, &["nothing listens on"]);
    lab.replay("127.0.0.1", "").complained(2, &["HOST:PORT"]);
    let trace = lab.replay(unused_address(), "--trace");
    trace.complained(2, &["--record and --trace"]);
    std::fs::write(lab.file(), "GET / HTTP/1.1\n").unwrap();
    let ended = lab.replay(unused_address(), "");
    ended.complained(2, &["run.jsonl", "this is no recording"]);
    std::fs::remove_file(lab.file()).unwrap();
    lab.replay(unused_address(), "")
        .complained(2, &["run.jsonl"]);
}
