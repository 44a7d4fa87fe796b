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
    for (text, shown) in MISTAKES {
        let error = text.parse::<FaultSpec>().unwrap_err();
        assert_eq!(error.to_string(), format!("{text}\n{shown}"));
    }
}

const MISTAKES: &[(&str, &str)] = &[
    (
        "drop-request=1O%",
        "             ^ a chance as 10% or a count as #2",
    ),
    ("", "^ a fault, as in drop-request=10%"),
    ("  ", "  ^ a fault, as in drop-request=10%"),
    ("cut=1%,", "       ^ a fault, as in drop-request=10%"),
    (
        "cut=1%,drop=1%",
        "       ^ one of: drop-request, drop-reply, duplicate, delay, error, cut, reorder, \
         split, glue, reset, corrupt, pause, crash-at",
    ),
    ("cut=1%, cut=2%", "        ^ given before: each fault once"),
    ("cut", "   ^ = and a chance as 10% or a count as #2"),
    ("cut=", "    ^ a chance as 10% or a count as #2"),
    ("cut=10", "    ^ a chance as 10% or a count as #2"),
    ("cut=-1%", "    ^ a chance as 10% or a count as #2"),
    ("cut=.5%", "    ^ a chance as 10% or a count as #2"),
    ("cut=+5%", "    ^ a chance as 10% or a count as #2"),
    ("cut=\u{0663}%", "    ^ a chance as 10% or a count as #2"),
    ("cut=100.1%", "    ^ a chance from 0% to 100%"),
    (
        "cut=99999999999999999999999%",
        "    ^ a chance from 0% to 100%",
    ),
    ("cut=0.0000001%", "    ^ a chance with at most six decimals"),
    ("cut=#", "     ^ a number, as in #2 or #1-3"),
    ("cut=#x", "     ^ a number, as in #2 or #1-3"),
    ("cut=#0", "     ^ the first is #1"),
    ("cut=#+2", "     ^ a number, as in #2 or #1-3"),
    ("cut=#3-", "       ^ a number, as in #1-3"),
    ("cut=#3-1", "       ^ the smaller number first, as in #1-3"),
    (
        "delay=20",
        "      ^ a delay as 20ms, 20ms..80ms, exponential:30ms or normal:50ms+-10ms",
    ),
    (
        "delay=ms",
        "      ^ a delay as 20ms, 20ms..80ms, exponential:30ms or normal:50ms+-10ms",
    ),
    (
        "delay=20ms..80",
        "            ^ a delay as 20ms, 20ms..80ms, exponential:30ms or normal:50ms+-10ms",
    ),
    (
        "delay=80ms..20ms",
        "      ^ the shorter time first, as in 20ms..80ms",
    ),
    ("delay=3601s", "      ^ a time of at most 3600s"),
    (
        "delay=gamma:30ms",
        "      ^ a delay as 20ms, 20ms..80ms, exponential:30ms or normal:50ms+-10ms",
    ),
    (
        "delay=exponential:often",
        "                  ^ a time as 20ms, in s, ms or us",
    ),
    (
        "delay=normal:50ms",
        "             ^ a mean and a standard deviation, as 50ms+-10ms",
    ),
    (
        "delay=normal:50ms+-10",
        "                   ^ a time as 20ms, in s, ms or us",
    ),
    ("split", "     ^ = and a number of bytes, as in 7 or 7@10%"),
    ("split=0", "      ^ from 1 to 65535 bytes"),
    ("split=65536", "      ^ from 1 to 65535 bytes"),
    ("split=7b", "      ^ a number of bytes, as in 7 or 7@10%"),
    ("split=7@1", "        ^ a chance as 10% or a count as #2"),
    ("pause=2", "      ^ a time as 20ms, in s, ms or us"),
    ("pause=2s@", "         ^ a chance as 10% or a count as #2"),
    (
        "delay=20ms@often",
        "           ^ a chance as 10% or a count as #2",
    ),
    (
        "crash-at=lunch",
        "         ^ one of: before-send, after-send, before-commit, after-commit, after-reply, \
         before-dispense, mid-dispense, after-dispense",
    ),
    (
        "crash-at=after-commit#2-3",
        "                      ^ a number, as in after-commit#2",
    ),
    (
        "crash-at=after-send#0",
        "                    ^ the first time is #1",
    ),
];

#[test]
fn the_caret_stays_in_its_place_behind_what_cannot_be_shown() {
    let error = "\u{e9}\u{1b}=1%".parse::<FaultSpec>().unwrap_err();
    assert!(error.to_string().starts_with("\u{e9}\u{fffd}=1%\n^ one of"));
    let error = "cut=1%,\u{1b}".parse::<FaultSpec>().unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("cut=1%,\u{fffd}\n       ^ one of")
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in "(cut|delay|split|pause|normal:|crash-at|,|=|#|%|[.@0-9a-z\u{e9} +-]){0,12}") {
        if let Ok(spec) = text.parse::<FaultSpec>() {
            prop_assert_eq!(spec.to_string().parse::<FaultSpec>(), Ok(spec));
        }
    }
}
