//! Explanations of recordings that are written here in short.
//!
//! Events are separated by `;`. `> text` is sent and `< text` received; `>x` is lost by a fault at
//! this side before it is sent, `<x` after it was received; `>>` is doubled. `W1` and `D1` stand
//! for ids, `HELLO` for the greeting of a machine, `HELD` for the answer to a withdrawal. `line 2`
//! goes on on another connection.

use record::Recording;
use serde_json::{Value, json};

use super::*;

const UUID: &str = "0190e5a8-7c00-7000-8000-00000000000";

/// A run in short.
#[derive(Clone, Copy)]
struct Script<'a> {
    side: &'a str,
    /// When it started.
    second: u32,
    arguments: &'a [&'a str],
    events: &'a str,
}

const fn machine(second: u32, events: &str) -> Script<'_> {
    Script {
        side: "client",
        second,
        arguments: &["atm"],
        events,
    }
}

const fn bank(second: u32, events: &str) -> Script<'_> {
    Script {
        side: "server",
        second,
        arguments: &["--mode", "atm"],
        events,
    }
}

impl<'a> Script<'a> {
    const fn with(self, arguments: &'a [&'a str]) -> Script<'a> {
        Script { arguments, ..self }
    }

    fn runs(&self) -> Vec<Run> {
        let side = self.side;
        let run = format!("{:08}{:08}", self.second, side.len());
        let wall = format!("2026-11-21T12:00:{:02}Z", self.second);
        let header = json!({
            "program": "x", "release": "0.1.0", "pid": 1, "side": side, "wall": wall,
            "arguments": self.arguments, "secrets": "masked", "run": run,
        });
        let first = "{\"socketlab-recording\":1,";
        let mut text = header.to_string().replacen('{', first, 1);
        let hello = match side {
            "client" => "> TERMINAL ATM-1; < OK terminal ATM-1",
            _ => "< TERMINAL ATM-1; > OK terminal ATM-1",
        };
        let events = self.events.replace("HELLO", hello);
        let events = events.replace("HELD", "OK W1 held 500.00, available 9500.00");
        let events = events.replace("W1", &format!("WITH_{UUID}1"));
        let events = events.replace("D1", &format!("DEP_{UUID}1"));
        let (mut n, mut line) = (0, 1);
        for words in events.split(';').map(str::trim) {
            let (word, rest) = words.split_once(' ').unwrap_or((words, ""));
            if word == "line" {
                line = rest.parse().unwrap();
            }
            for mut event in self.events_of(word, rest) {
                n += 1;
                let common = json!({
                    "run": run, "n": n, "t": n * 1_000_000, "wall": wall, "side": side,
                });
                event.extend(common.as_object().unwrap().clone());
                if event.contains_key("direction") {
                    let client = format!("127.0.0.1:{}", 50_000 + line);
                    let (local, peer) = match side {
                        "client" => (&client[..], "127.0.0.1:9005"),
                        _ => ("127.0.0.1:9005", &client[..]),
                    };
                    let channel = json!({
                        "service": "atm", "transport": "tcp", "framing": "line",
                        "connection": line, "local": local, "peer": peer,
                    });
                    event.extend(channel.as_object().unwrap().clone());
                }
                text += &format!("\n{}", Value::Object(event));
            }
        }
        Recording::read((text + "\n").as_bytes()).unwrap().runs
    }

    /// What is special about the events of these words.
    fn events_of(&self, word: &str, rest: &str) -> Vec<serde_json::Map<String, Value>> {
        let direction = match (&word[..1], self.side) {
            (">", "client") | ("<", "server") => "to-server",
            _ => "to-client",
        };
        let message = |event: &str| {
            json!({
                "event": event, "direction": direction, "bytes": format!("{rest}\n"),
                "text": rest, "cause": "drop",
            })
        };
        let events = match word {
            "line" => vec![],
            ">" => vec![message("sent")],
            "<" => vec![message("received")],
            ">x" => vec![message("dropped")],
            ">>" => vec![message("duplicated")],
            "<x" => vec![message("received"), message("dropped")],
            "lost" => vec![json!({"event": "lost", "count": rest.parse::<u64>().unwrap()})],
            "ended" => vec![json!({"event": "ended"})],
            "crashed" => vec![json!({"event": "crashed", "at": rest})],
            what => {
                let mut note = json!({"event": "note", "what": what});
                for (member, word) in ["about", "amount", "words"].iter().zip(rest.split(' ')) {
                    if !["", "-"].contains(&word) {
                        note[member] = json!(word);
                    }
                }
                vec![note]
            }
        };
        let members = |event: Value| event.as_object().unwrap().clone();
        events.into_iter().map(members).collect()
    }
}

fn explained(scripts: &[Script<'_>]) -> String {
    let runs: Vec<Run> = scripts.iter().flat_map(Script::runs).collect();
    let mut out = Vec::new();
    write(&runs, &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

const MACHINE: &str = "sending W1 500.00; HELLO; > WITHDRAW W1 500.00; < HELD; \
    dispensing W1 1000.00; drawer - 500.00; dispensed W1; \
    > CONFIRM W1; < OK W1 confirmed; confirmed W1; ended";
const BANK: &str = "HELLO; < WITHDRAW W1 500.00; held W1 500.00; > HELD; \
    < CONFIRM W1; confirmed W1; > OK W1 confirmed; ended";

const PAYING_IN: Script<'_> = machine(
    1,
    "sending D1 500.00; HELLO; > DEPOSIT D1 500.00; < OK D1 held 500.00, available 9500.00; \
     accepting D1 1000.00; drawer - 1500.00; accepted D1; \
     > CONFIRM D1; < OK D1 confirmed; confirmed D1; ended",
);
const PAID_IN: Script<'_> = bank(
    0,
    "HELLO; < DEPOSIT D1 500.00; held D1 500.00; > OK D1 held 500.00, available 9500.00; \
     < CONFIRM D1; confirmed D1; > OK D1 confirmed; ended",
);

const ONE_LOST_ANSWER: [Script<'_>; 2] = [
    machine(
        1,
        "sending W1 500.00; HELLO; > WITHDRAW W1 500.00; \
         line 2; > WITHDRAW W1 500.00; < HELD, repeat; \
         dispensing W1 1000.00; drawer - 500.00; dispensed W1; \
         > CONFIRM W1; < OK W1 confirmed; confirmed W1; ended",
    ),
    bank(
        0,
        "HELLO; < WITHDRAW W1 500.00; held W1 500.00; >x HELD; \
         line 2; < WITHDRAW W1 500.00; held W1 500.00 repeat; > HELD, repeat; \
         < CONFIRM W1; confirmed W1; > OK W1 confirmed; ended",
    ),
];

const CRASH: [Script<'_>; 3] = [
    machine(
        1,
        "sending W1 500.00; HELLO; > WITHDRAW W1 500.00; <x HELD; \
         line 2; > WITHDRAW W1 500.00; <x HELD, repeat; \
         line 3; > WITHDRAW W1 500.00; < HELD, repeat; \
         dispensing W1 1000.00; drawer - 500.00; crashed mid-dispense",
    ),
    machine(
        2,
        "dispensed W1; line 4; HELLO; > CONFIRM W1; < OK W1 confirmed; confirmed W1; ended",
    ),
    bank(
        0,
        "HELLO; < WITHDRAW W1 500.00; held W1 500.00; > HELD; \
         line 2; < WITHDRAW W1 500.00; held W1 500.00 repeat; > HELD, repeat; \
         line 3; < WITHDRAW W1 500.00; held W1 500.00 repeat; > HELD, repeat; \
         line 4; < CONFIRM W1; confirmed W1; > OK W1 confirmed; ended",
    ),
];

/// It dies between commit and answer.
const THE_BANK_DIES: [Script<'_>; 3] = [
    machine(
        1,
        "sending W1 500.00; HELLO; > WITHDRAW W1 500.00; \
         line 2; HELLO; > WITHDRAW W1 500.00; < HELD, repeat; \
         dispensing W1 1000.00; drawer - 500.00; dispensed W1; \
         > CONFIRM W1; < OK W1 confirmed; confirmed W1; ended",
    ),
    bank(
        0,
        "HELLO; < WITHDRAW W1 500.00; held W1 500.00; crashed after-commit#2",
    ),
    bank(
        2,
        "line 2; HELLO; < WITHDRAW W1 500.00; held W1 500.00 repeat; > HELD, repeat; \
         < CONFIRM W1; confirmed W1; > OK W1 confirmed; ended",
    ),
];

/// The customer gave up.
const ROLLBACK: [Script<'_>; 2] = [
    machine(
        1,
        "sending W1 500.00; HELLO; >x WITHDRAW W1 500.00; \
         line 2; >x WITHDRAW W1 500.00; line 3; > WITHDRAW W1 500.00; rolling-back W1; \
         line 4; > ROLLBACK W1; < OK W1 rolled back; rolled-back W1; ended",
    ),
    bank(
        0,
        "line 3; <x WITHDRAW W1 500.00; \
         line 4; < ROLLBACK W1; rolled-back W1; > OK W1 rolled back; ended",
    ),
];

const DECLINE: [Script<'_>; 2] = [
    machine(
        1,
        "sending W1 20000.00; HELLO; > WITHDRAW W1 20000.00; \
         < ERR insufficient-funds only 9500.00 available; \
         declined W1 - insufficient-funds; ended",
    ),
    bank(
        0,
        "HELLO; < WITHDRAW W1 20000.00; refused W1 - insufficient-funds; \
         > ERR insufficient-funds only 9500.00 available; ended",
    ),
];

const KILLED: Script<'_> = machine(1, "sending W1 500.00; HELLO; > WITHDRAW W1 500.00");
const HOLDING: Script<'_> = bank(
    0,
    "HELLO; < WITHDRAW W1 500.00; held W1 500.00; > HELD; ended",
);
const DISPENSING: Script<'_> = machine(
    1,
    "sending W1 500.00; HELLO; > WITHDRAW W1 500.00; < HELD; \
     dispensing W1 1000.00; crashed mid-dispense",
);

const DEBITED_TWICE: [Script<'_>; 2] = [
    machine(
        1,
        "sending W1 500.00; HELLO; > WITHDRAW W1 500.00; <x HELD; \
         line 2; > WITHDRAW W1 500.00; < OK W1 held 500.00, available 9000.00; \
         dispensing W1 1000.00; drawer - 500.00; dispensed W1; confirmed W1; ended",
    )
    .with(&["atm", "--semantics", "at-least-once"]),
    bank(
        0,
        "HELLO; < WITHDRAW W1 500.00; held W1 500.00; > HELD; \
         line 2; < WITHDRAW W1 500.00; held W1 500.00; \
         > OK W1 held 500.00, available 9000.00; ended",
    )
    .with(&["--mode", "atm", "--semantics=at-least-once"]),
];

/// Under `maybe`, a lost answer loses the money.
const LOST: [Script<'_>; 2] = [
    machine(
        1,
        "sending W1 500.00; HELLO; > WITHDRAW W1 500.00; <x HELD; ended",
    )
    .with(&["atm", "--semantics", "maybe"]),
    bank(0, "< WITHDRAW W1 500.00; held W1 500.00; > HELD; ended").with(&["--semantics", "maybe"]),
];
const DOUBLED: Script<'_> = machine(
    1,
    "sending W1 500.00; HELLO; >> WITHDRAW W1 500.00; > WITHDRAW W1 500.00; \
     > WITHDRAW W1 500.00; < HELD; \
     dispensing W1 1000.00; drawer - 500.00; dispensed W1; confirmed W1; ended",
)
.with(&["atm", "--semantics", "maybe"]);

/// Each with the name of its explanation in `golden/`.
const EXPLAINED: [(&str, &[Script<'_>]); 23] = [
    ("plain", &[machine(1, MACHINE), bank(0, BANK)]),
    ("only-the-machine", &[machine(1, MACHINE)]),
    ("only-the-bank", &[bank(0, BANK)]),
    ("deposit", &[PAYING_IN, PAID_IN]),
    ("one-lost-answer", &ONE_LOST_ANSWER),
    ("one-lost-answer-only-the-machine", &[ONE_LOST_ANSWER[0]]),
    ("one-lost-answer-only-the-bank", &[ONE_LOST_ANSWER[1]]),
    ("two-lost-answers-and-a-crash", &CRASH),
    ("crashed-with-the-notes-out", &[CRASH[0]]),
    ("the-bank-died", &THE_BANK_DIES),
    ("rollback", &ROLLBACK),
    ("rollback-only-the-machine", &[ROLLBACK[0]]),
    ("decline", &DECLINE),
    ("decline-only-the-bank", &[DECLINE[1]]),
    ("unsettled", &[KILLED, HOLDING]),
    ("unsettled-only-the-machine", &[KILLED]),
    ("unsettled-only-the-bank", &[HOLDING]),
    (
        "unsettled-where-the-notes-may-be-out",
        &[DISPENSING, HOLDING],
    ),
    ("debited-twice", &DEBITED_TWICE),
    ("debited-twice-only-the-machine", &[DEBITED_TWICE[0]]),
    ("debited-twice-only-the-bank", &[DEBITED_TWICE[1]]),
    ("lost", &LOST),
    ("doubled-only-the-machine", &[DOUBLED]),
];

/// With `BLESS` set, the explanations are written, not compared.
#[test]
fn recordings_are_explained_as_in_the_golden_files() {
    for (name, scripts) in EXPLAINED {
        let text = explained(scripts);
        let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/src/explain/golden");
        let path = format!("{directory}/{name}.txt");
        if std::env::var_os("BLESS").is_some() {
            std::fs::write(&path, &text).unwrap();
        }
        let golden = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text, golden.replace("\r\n", "\n"), "{name}");
    }
}

#[test]
fn the_order_of_recordings_does_not_matter() {
    let (machine, bank) = (machine(1, MACHINE), bank(0, BANK));
    assert_eq!(explained(&[bank, machine]), explained(&[machine, bank]));
}

#[test]
fn two_machines_are_distinguished() {
    let second = PAYING_IN.events.replace("HELLO", "line 9; HELLO");
    let second = second.replace("HELLO", "> TERMINAL ATM-2; < OK terminal ATM-2");
    let text = explained(&[machine(1, MACHINE), machine(3, &second)]);
    assert!(text.contains("a withdrawal of 500.00 at ATM-1"), "{text}");
    assert!(text.contains("a deposit of 500.00 at ATM-2"), "{text}");
    assert!(text.ends_with("2 transactions: 2 settled.\n"), "{text}");
}

#[test]
fn a_contradiction_is_for_a_person() {
    let answer = "< ERR already-rolled-back by an operator";
    let disputed = MACHINE
        .replace("< OK W1 confirmed", answer)
        .replace("confirmed W1", "disputed W1 - already-rolled-back");
    let text = explained(&[machine(1, &disputed)]);
    let words = "contradict each other (already-rolled-back)";
    assert!(text.contains(words), "{text}");
    let sum = "transaction: where money was lost or doubled.\n";
    assert!(text.ends_with(sum), "{text}");
}

#[test]
fn a_recording_without_transactions_is_explained_as_such() {
    let idle = "> BALANCE_INQUIRY; < OK available 10.00, held 0.00; ended";
    let words = "There is no withdrawal and no deposit in this recording.\n";
    assert_eq!(explained(&[machine(1, idle)]), words);
    assert!(explained(&[]).starts_with("There is no"));
}

#[test]
fn lost_events_are_mentioned() {
    let text = explained(&[machine(1, &MACHINE.replace("ended", "lost 1; ended"))]);
    assert!(text.starts_with("1 event could not be recorded"));
}

/// A peer may have sent anything, and a recording may be made up.
#[test]
fn nonsense_is_no_transaction() {
    let odd = "sending W1x 5; confirmed W1 lots; > WITHDRAW W1 -5; < OK; < ERR; < OK W1 held; \
        > CONFIRM; drawer - -; ended";
    let text = explained(&[machine(1, odd)]);
    assert!(text.contains("an unknown amount"), "{text}");
}
