//! The real `labclient script`: what it prints, and its exit status.

use proto::mode::Mode;
use proto::script::{SHIPPED, Shipped};
use testkit::process::Program;
use testkit::service::{Service, start_configured};

use crate::labclient::labclient;

/// A server that plays this script.
fn playing(name: &str) -> Service {
    let script = Shipped::find(name).unwrap().source.parse().unwrap();
    start_configured(Mode::Script, |config| config.script = Some(script))
}

fn script(words: &[&str]) -> Program {
    labclient(&["script"]).with(words)
}

#[test]
fn both_sides_are_printed_one_line_each() {
    let server = playing("accepted");
    let client = script(&["accepted"]).at(&server);
    let expected = "C: hi\nS: accepted\nC: there\nS: accepted\nC: Close\nS: closed\n";
    client.run_with("hi\nthere\nClose\n").exited(0, expected);
}

#[test]
fn knock_knock_needs_no_name() {
    let server = playing("knock-knock");
    let ended = script(&[]).at(&server).run();
    ended.printed("C: Knock Knock..\nS: Whose there?\n");
}

#[test]
fn another_exchange_than_the_scripts_is_status_5() {
    let server = playing("greeting");
    let ended = script(&["knock-knock"]).at(&server).run();
    ended.exited(5, "C: Knock Knock..\n");
    for words in [
        "expected \"Whose there?\", got \"Socket programming in python\"\n",
        "  open request  1: Knock Knock..\n",
    ] {
        assert!(ended.stderr.contains(words), "{ended:?}");
    }
}

#[test]
fn a_file_with_a_mistake_is_status_2_and_its_line_is_named() {
    let source = Shipped::find("joke").unwrap().source;
    let client = script(&["joke.toml"]).beside("joke.toml", &source.replace("send", "sent"));
    let ended = client.run();
    assert_eq!(ended.status, Some(2));
    let words = "line 6: unknown field `sent`";
    assert!(ended.stderr.contains(words), "{ended:?}");
}

#[test]
fn the_shipped_scripts_are_listed() {
    let ended = script(&["list"]).run();
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!((lines.len(), ended.status), (SHIPPED.len(), Some(0)));
    assert!(lines.iter().all(|line| line.len() <= 80), "{ended:?}");
}
