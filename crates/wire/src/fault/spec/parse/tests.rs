use super::*;
use proptest::prelude::*;

#[test]
fn every_fault_is_read_and_shown_again() {
    for text in [
        "drop-request=10%,drop-reply=#2,duplicate=5%,delay=20ms..80ms,error=30%,cut=1%,\
         reorder=5%,split=7@#2,glue=1%,reset=#9,corrupt=0.1%,pause=2s@#3,crash-at=after-commit",
        "drop-request=#1-3",
        "drop-request=0%",
        "error=0.5%",
        "error=99.999999%",
        "delay=1s",
        "delay=250us@10%",
        "delay=0ms..3600s@#2",
        "delay=exponential:30ms@10%",
        "delay=normal:50ms+-10ms",
        "split=1,pause=1500us",
        "split=65535",
        "crash-at=mid-dispense#3",
    ] {
        assert_eq!(text.parse::<FaultSpec>().unwrap().to_string(), text);
    }
    let spec: FaultSpec = "cut=100.0%, delay=1000us..1s".parse().unwrap();
    assert_eq!(spec.to_string(), "delay=1ms..1s,cut=100%");
}

#[test]
fn a_mistake_is_shown_where_it_stands_with_what_would_do() {
    for (text, column, words) in MISTAKES {
        let error = text.parse::<FaultSpec>().unwrap_err().to_string();
        assert_eq!(error, format!("{text}\n{:column$}^ {words}", ""));
    }
}

/// A text, the column of the mistake in it, and what would do there.
const MISTAKES: &[(&str, usize, &str)] = &[
    ("drop-request=1O%", 13, A_WHEN),
    ("", 0, "a fault, as in drop-request=10%"),
    ("  ", 2, "a fault, as in drop-request=10%"),
    ("cut=1%,", 7, "a fault, as in drop-request=10%"),
    ("cut=1%,drop=1%", 7, KEYS),
    ("cut=1%, cut=2%", 8, "given before: each fault once"),
    ("cut", 3, "= and a chance as 10% or a count as #2"),
    ("cut=", 4, A_WHEN),
    ("cut=10", 4, A_WHEN),
    ("cut=-1%", 4, A_WHEN),
    ("cut=.5%", 4, A_WHEN),
    ("cut=+5%", 4, A_WHEN),
    ("cut=\u{0663}%", 4, A_WHEN),
    ("cut=100.1%", 4, "a chance from 0% to 100%"),
    (
        "cut=99999999999999999999999%",
        4,
        "a chance from 0% to 100%",
    ),
    ("cut=0.0000001%", 4, "a chance with at most six decimals"),
    ("cut=#", 5, "a number, as in #2 or #1-3"),
    ("cut=#x", 5, "a number, as in #2 or #1-3"),
    ("cut=#0", 5, "the first is #1"),
    ("cut=#+2", 5, "a number, as in #2 or #1-3"),
    ("cut=#3-", 7, "a number, as in #1-3"),
    ("cut=#3-1", 7, "the smaller number first, as in #1-3"),
    ("delay=20", 6, A_DELAY),
    ("delay=ms", 6, A_DELAY),
    ("delay=20ms..80", 12, A_DELAY),
    (
        "delay=80ms..20ms",
        6,
        "the shorter time first, as in 20ms..80ms",
    ),
    ("delay=3601s", 6, "a time of at most 3600s"),
    ("delay=gamma:30ms", 6, A_DELAY),
    ("delay=exponential:often", 18, A_TIME),
    (
        "delay=normal:50ms",
        13,
        "a mean and a standard deviation, as 50ms+-10ms",
    ),
    ("delay=normal:50ms+-10", 19, A_TIME),
    ("split", 5, "= and a number of bytes, as in 7 or 7@10%"),
    ("split=0", 6, "from 1 to 65535 bytes"),
    ("split=65536", 6, "from 1 to 65535 bytes"),
    ("split=7b", 6, A_SIZE),
    ("split=7@1", 8, A_WHEN),
    ("pause=2", 6, A_TIME),
    ("pause=2s@", 9, A_WHEN),
    ("delay=20ms@often", 11, A_WHEN),
    ("crash-at=after_commit", 9, POINTS),
    (
        "crash-at=after-commit#2-3",
        22,
        "a number, as in after-commit#2",
    ),
    ("crash-at=after-send#0", 20, "the first time is #1"),
];

const KEYS: &str = "one of: drop-request, drop-reply, duplicate, delay, error, cut, reorder, split, \
    glue, reset, corrupt, pause, crash-at";
const POINTS: &str = "one of: before-send, after-send, before-commit, after-commit, after-reply, \
    before-dispense, mid-dispense, after-dispense";

#[test]
fn the_caret_stays_in_its_place_behind_what_cannot_be_shown() {
    for (text, shown) in [
        ("\u{e9}\u{1b}=1%", "\u{e9}\u{fffd}=1%\n^ one of"),
        ("cut=1%,\u{1b}", "cut=1%,\u{fffd}\n       ^ one of"),
    ] {
        let error = text.parse::<FaultSpec>().unwrap_err().to_string();
        assert!(error.starts_with(shown), "{error}");
    }
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(cut|delay|split|pause|normal:|crash-at|,|=|#|%|[.@0-9a-z\u{e9} +-]){0,12}") {
        if let Ok(spec) = text.parse::<FaultSpec>() {
            prop_assert_eq!(spec.to_string().parse::<FaultSpec>(), Ok(spec));
        }
    }
}
