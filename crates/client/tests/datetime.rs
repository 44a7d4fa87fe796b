//! The real `labclient datetime`: what it prints, and how it ends.

use proto::mode::Mode;
use server::clock::Clock;
#[cfg(unix)]
use testkit::process::Signal;
use testkit::process::{Ended, Program};
use testkit::service::{Service, start_configured};

use crate::labclient::{at, labclient};

/// A clock that always shows the same moment.
fn stopped_clock() -> Service {
    let moment = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    start_configured(Mode::Datetime, |config| {
        config.clock = Clock::Fixed(Box::new(moment))
    })
}

fn datetime(clock: &Service, words: &[&str]) -> Program {
    at(clock, &["datetime"]).with(words)
}

/// Asks where nothing listens.
fn unanswered(words: &[&str]) -> Program {
    labclient(&["datetime", "--server", "127.0.0.1:1", "--timeout", "0.2"]).with(words)
}

#[test]
fn one_question_is_one_line() {
    let clock = stopped_clock();
    for (words, answer) in [
        (&["date"][..], "2026-11-21\n"),
        (&["time"], "07:44:16\n"),
        (
            &["--json", "date"],
            "{\"date\":\"2026-11-21\",\"ok\":true}\n",
        ),
    ] {
        datetime(&clock, words).run().exited(0, answer);
    }
}

#[test]
fn a_pipe_asks_line_by_line() {
    let clock = stopped_clock();
    let ended = datetime(&clock, &[]).run_with("date\nTIME\nnoon\n2\n");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 4, "{ended:?}");
    assert_eq!(
        (lines[0], lines[1], lines[3]),
        ("2026-11-21", "07:44:16", "07:44:16")
    );
    assert!(lines[2].starts_with("ERR unknown-verb"), "{}", lines[2]);
    assert_eq!(ended.status, Some(1));
}

#[test]
fn watching_asks_for_both_at_random_and_ends_at_the_count() {
    let clock = stopped_clock();
    let words = ["watch", "--count", "60", "--gap", "0.001..0.002"];
    let Ended { stdout, status, .. } = datetime(&clock, &words).run();
    let lines: Vec<&str> = stdout.lines().collect();
    assert_eq!((lines.len(), status), (60, Some(0)));
    let both = ["2026-11-21", "07:44:16"];
    assert!(both.iter().all(|answer| lines.contains(answer)), "{stdout}");
    assert!(lines.iter().all(|line| both.contains(line)), "{stdout}");
}

#[test]
fn a_server_that_is_absent_is_status_3_and_a_watch_goes_on() {
    let ended = unanswered(&["date"]).run();
    ended.exited(3, "");
    let watch = ["watch", "--count", "2", "--gap", "0.01..0.02"];
    let ended = unanswered(&watch).run();
    assert_eq!(ended.stderr.lines().count(), 2, "{ended:?}");
    assert_eq!(ended.status, Some(3));
    let objects = unanswered(&watch).with(&["--json"]).run().stdout;
    assert_eq!(objects.matches("\"kind\":\"lost\"").count(), 2, "{objects}");
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_a_watch_that_was_never_answered_is_status_3() {
    let client = unanswered(&["watch"]).start();
    let first = client.stderr.next();
    assert!(first.contains("nothing listens there"), "{first}");
    client.signal(Signal::INT);
    assert_eq!(client.end_by_itself().status, Some(3));
}

#[cfg(unix)]
#[test]
fn ctrl_c_ends_a_watch_cleanly() {
    let clock = stopped_clock();
    let client = datetime(&clock, &["watch", "--gap", "60..60"]).start();
    client.stdout.next();
    client.signal(Signal::INT);
    assert_eq!(client.end_by_itself().status, Some(0));
}
