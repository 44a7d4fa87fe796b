//! The real `labclient --fault`: what it says, and where it dies.

use proto::mode::Mode;
use testkit::process::Ended;
use testkit::process::words;
use testkit::service::start;

use crate::labclient::run;

/// Runs `labclient` with these words against a text service.
fn ran(words: &[&str]) -> Ended {
    let text = start(Mode::Text);
    run(&text, words)
}

#[test]
fn a_run_says_what_repeats_it_and_what_strikes() {
    let words = words("--fault error=#1,delay=1ms --seed 7 text lower A");
    let ended = ran(&words);
    assert_eq!(
        ended.stderr,
        "injecting faults: --fault delay=1ms,error=#1 --seed 7\n\
         fault: request #1: error 1000us\n\
         labclient: injected fault\n"
    );
    assert_eq!(ended.status, Some(1));

    let said = ran(&["text", "lower", "A", "--fault", "cut=0%"]).stderr;
    let seed = said.trim().rsplit_once(' ').unwrap().1;
    assert!(seed.parse::<u32>().is_ok(), "{said}");
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let ended = ran(&["text", "lower", "A", "--fault", "drop-request=1O%"]);
    let shown = "\ndrop-request=1O%\n             ^ a chance as 10% or a count as #2\n";
    ended.complained(2, &[shown]);

    let ended = ran(&["text", "--seed", "7", "lower", "A"]);
    ended.complained(2, &["give its --fault too"]);
}

#[cfg(unix)]
#[test]
fn the_client_dies_where_it_is_reported_to_and_nowhere_else() {
    for point in ["before-send", "after-send", "after-reply"] {
        let ended = ran(&[
            "text",
            "lower",
            "A",
            "--fault",
            &format!("crash-at={point}"),
        ]);
        assert_eq!(ended.signal, Some(9), "{point}");
        assert_eq!(ended.stdout, "", "{point}");
    }
    let ended = ran(&["text", "lower", "A", "--fault", "crash-at=after-reply#3"]);
    ended.exited(0, "a\n");
}

#[test]
fn a_fault_that_can_never_strike_is_refused_with_the_reason() {
    for (arguments, why) in [
        (
            "text --fault crash-at=mid-dispense",
            "only the cash machine comes by mid-dispense: labclient atm",
        ),
        ("echo A --fault reorder=5%", "TCP keeps the order"),
        ("datetime date --fault cut=1%", "this is UDP"),
        ("script udp --fault split=7", "this is UDP"),
        ("chat --fault glue=#1", "use split; or duplicate"),
        (
            "handout chat --fault error=5%",
            "how a request is refused there is not known",
        ),
        ("view a.jsonl --fault cut=1%", "leave it out here"),
    ] {
        let ended = ran(&words(arguments));
        assert_eq!(ended.status, Some(2), "{arguments:?}");
        let said = ended.stderr;
        assert!(said.contains(why), "{arguments:?}: {said}");
    }
    let ended = ran(&["text", "lower", "A", "--fault", "split=7,cut=0%"]);
    assert_eq!(ended.status, Some(0), "{ended:?}");
}
