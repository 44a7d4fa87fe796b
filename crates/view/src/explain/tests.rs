//! What is said of recordings that are written here in short: a line an event.
//!
//! `> text` is sent and `< text` received; `>x` is lost by a fault at this side before it is sent,
//! `<x` after it was received. `W1` and `D1` stand for ids. `line 2` goes on on another connection.

use record::Recording;
use serde_json::json;

use super::*;

const UUID: &str = "0190e5a8-7c00-7000-8000-00000000000";

/// A run of `side` that started at this second, with these arguments.
fn run(side: &str, second: u32, arguments: &[&str], events: &str) -> Vec<Run> {
    let name = format!("{second:08}{:08}", side.len());
    let wall = format!("2026-11-21T12:00:{second:02}Z");
    let header = json!({
        "program": "x", "release": "0.1.0", "pid": 1, "side": side, "arguments": arguments,
        "wall": wall, "secrets": "masked", "run": name,
    });
    let mut text = header
        .to_string()
        .replacen('{', "{\"socketlab-recording\":1,", 1)
        + "\n";
    let (mut n, mut line) = (0, 1);
    let mut take = |line: u16, what: serde_json::Value| {
        n += 1;
        let (client, server) = (format!("127.0.0.1:{}", 50_000 + line), "127.0.0.1:9005");
        let (local, peer) = match side {
            "client" => (client.as_str(), server),
            _ => (server, client.as_str()),
        };
        let mut event = json!({
            "run": name, "n": n, "t": n * 1_000_000, "wall": wall, "side": side,
            "service": "atm", "transport": "tcp", "framing": "line", "connection": line,
            "local": local, "peer": peer,
        });
        let members = what.as_object().unwrap().clone();
        if ["note", "crashed", "ended", "lost"].contains(&members["event"].as_str().unwrap()) {
            event.as_object_mut().unwrap().retain(|name, _| {
                ![
                    "service",
                    "transport",
                    "framing",
                    "connection",
                    "local",
                    "peer",
                ]
                .contains(&name.as_str())
            });
        }
        event.as_object_mut().unwrap().extend(members);
        text += &(event.to_string() + "\n");
    };
    for words in events
        .lines()
        .map(str::trim)
        .filter(|words| !words.is_empty())
    {
        let words = words.replace("W1", &format!("WITH_{UUID}1"));
        let words = words.replace("D1", &format!("DEP_{UUID}1"));
        let (word, rest) = words.split_once(' ').unwrap_or((&words, ""));
        let direction = match (&word[..1], side) {
            (">", "client") | ("<", "server") => "to-server",
            _ => "to-client",
        };
        let message = |event: &str| {
            json!({
                "event": event, "direction": direction, "bytes": format!("{rest}\n"),
                "text": rest, "cause": "drop",
            })
        };
        match word {
            "line" => line = rest.parse().unwrap(),
            ">" => take(line, message("sent")),
            "<" => take(line, message("received")),
            ">x" => take(line, message("dropped")),
            ">>" => take(line, message("duplicated")),
            "<x" => {
                take(line, message("received"));
                take(line, message("dropped"));
            }
            "lost" => take(
                line,
                json!({"event": "lost", "count": rest.parse::<u64>().unwrap()}),
            ),
            "ended" => take(line, json!({"event": "ended"})),
            "crashed" => take(line, json!({"event": "crashed", "at": rest})),
            what => {
                let mut rest = rest.split(' ').filter(|word| !word.is_empty());
                let mut note = json!({"event": "note", "what": what});
                for (member, word) in ["about", "amount", "words"].into_iter().zip(&mut rest) {
                    if word != "-" {
                        note[member] = json!(word);
                    }
                }
                take(line, note);
            }
        }
    }
    Recording::read(text.as_bytes()).unwrap().runs
}

fn machine(second: u32, events: &str) -> Vec<Run> {
    run("client", second, &["atm"], events)
}

fn bank(second: u32, events: &str) -> Vec<Run> {
    run("server", second, &["--mode", "atm"], events)
}

fn explained(runs: &[&[Run]]) -> String {
    let mut out = Vec::new();
    write(&runs.concat(), &mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// Compares with the text in `golden/`; with `BLESS` set, writes it.
fn assert_golden(name: &str, runs: &[&[Run]]) {
    let said = explained(runs);
    let path = format!(
        "{}/src/explain/golden/{name}.txt",
        env!("CARGO_MANIFEST_DIR")
    );
    if std::env::var_os("BLESS").is_some() {
        std::fs::write(&path, &said).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap();
    assert_eq!(said, golden.replace("\r\n", "\n"), "{name}");
}

const MACHINE: &str = "
    sending W1 500.00
    > TERMINAL ATM-1
    < OK terminal ATM-1
    > WITHDRAW W1 500.00
    < OK W1 held 500.00, available 9500.00
    dispensing W1 1000.00
    drawer - 500.00
    dispensed W1
    > CONFIRM W1
    < OK W1 confirmed
    confirmed W1
    ended";

const BANK: &str = "
    < TERMINAL ATM-1
    > OK terminal ATM-1
    < WITHDRAW W1 500.00
    held W1 500.00
    > OK W1 held 500.00, available 9500.00
    < CONFIRM W1
    confirmed W1
    > OK W1 confirmed
    ended";

#[test]
fn a_withdrawal_without_trouble_from_both_sides_and_from_either() {
    let (machine, bank) = (machine(1, MACHINE), bank(0, BANK));
    assert_golden("plain", &[&machine, &bank]);
    assert_golden("only-the-machine", &[&machine]);
    assert_golden("only-the-bank", &[&bank]);
    assert_eq!(explained(&[&bank, &machine]), explained(&[&machine, &bank]));
}

#[test]
fn one_lost_answer() {
    let machine = machine(
        1,
        &MACHINE.replace(
            "> WITHDRAW W1 500.00
    < OK W1 held 500.00, available 9500.00",
            "> WITHDRAW W1 500.00
    line 2
    > WITHDRAW W1 500.00
    < OK W1 held 500.00, available 9500.00, repeat",
        ),
    );
    let bank = bank(
        0,
        &BANK.replace(
            "> OK W1 held 500.00, available 9500.00",
            ">x OK W1 held 500.00, available 9500.00
    line 2
    < WITHDRAW W1 500.00
    held W1 500.00 repeat
    > OK W1 held 500.00, available 9500.00, repeat",
        ),
    );
    assert_golden("one-lost-answer", &[&machine, &bank]);
    assert_golden("one-lost-answer-only-the-machine", &[&machine]);
    assert_golden("one-lost-answer-only-the-bank", &[&bank]);
}

#[test]
fn two_lost_answers_and_a_crash_and_a_restart() {
    let first = machine(
        1,
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 500.00
        <x OK W1 held 500.00, available 9500.00
        line 2
        > WITHDRAW W1 500.00
        <x OK W1 held 500.00, available 9500.00, repeat
        line 3
        > WITHDRAW W1 500.00
        < OK W1 held 500.00, available 9500.00, repeat
        dispensing W1 1000.00
        drawer - 500.00
        crashed mid-dispense",
    );
    let second = machine(
        2,
        "
        dispensed W1
        line 4
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > CONFIRM W1
        < OK W1 confirmed
        confirmed W1
        ended",
    );
    let bank = bank(
        0,
        "
        < TERMINAL ATM-1
        > OK terminal ATM-1
        < WITHDRAW W1 500.00
        held W1 500.00
        > OK W1 held 500.00, available 9500.00
        line 2
        < WITHDRAW W1 500.00
        held W1 500.00 repeat
        > OK W1 held 500.00, available 9500.00, repeat
        line 3
        < WITHDRAW W1 500.00
        held W1 500.00 repeat
        > OK W1 held 500.00, available 9500.00, repeat
        line 4
        < CONFIRM W1
        confirmed W1
        > OK W1 confirmed
        ended",
    );
    assert_golden("two-lost-answers-and-a-crash", &[&first, &second, &bank]);
    // Before it was started again.
    assert_golden("crashed-with-the-notes-out", &[&first]);
}

#[test]
fn the_bank_dies_between_commit_and_answer() {
    let machine = machine(
        1,
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 500.00
        line 2
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 500.00
        < OK W1 held 500.00, available 9500.00, repeat
        dispensing W1 1000.00
        drawer - 500.00
        dispensed W1
        > CONFIRM W1
        < OK W1 confirmed
        confirmed W1
        ended",
    );
    let first = bank(
        0,
        "
        < TERMINAL ATM-1
        > OK terminal ATM-1
        < WITHDRAW W1 500.00
        held W1 500.00
        crashed after-commit#2",
    );
    let second = bank(
        2,
        "
        line 2
        < TERMINAL ATM-1
        > OK terminal ATM-1
        < WITHDRAW W1 500.00
        held W1 500.00 repeat
        > OK W1 held 500.00, available 9500.00, repeat
        < CONFIRM W1
        confirmed W1
        > OK W1 confirmed
        ended",
    );
    assert_golden("the-bank-died", &[&machine, &first, &second]);
}

#[test]
fn a_rollback_after_the_customer_gave_up() {
    let machine = machine(
        1,
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        >x WITHDRAW W1 500.00
        line 2
        >x WITHDRAW W1 500.00
        line 3
        > WITHDRAW W1 500.00
        rolling-back W1
        line 4
        > ROLLBACK W1
        < OK W1 rolled back
        rolled-back W1
        ended",
    );
    let bank = bank(
        0,
        "
        line 3
        <x WITHDRAW W1 500.00
        line 4
        < ROLLBACK W1
        rolled-back W1
        > OK W1 rolled back
        ended",
    );
    assert_golden("rollback", &[&machine, &bank]);
    assert_golden("rollback-only-the-machine", &[&machine]);
}

#[test]
fn a_decline() {
    let machine = machine(
        1,
        "
        sending W1 20000.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 20000.00
        < ERR insufficient-funds only 9500.00 available
        declined W1 - insufficient-funds
        ended",
    );
    let bank = bank(
        0,
        "
        < TERMINAL ATM-1
        > OK terminal ATM-1
        < WITHDRAW W1 20000.00
        refused W1 - insufficient-funds
        > ERR insufficient-funds only 9500.00 available
        ended",
    );
    assert_golden("decline", &[&machine, &bank]);
    assert_golden("decline-only-the-bank", &[&bank]);
}

#[test]
fn what_is_not_settled_and_what_settles_it() {
    let killed = machine(
        1,
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 500.00",
    );
    let bank = bank(
        0,
        "
        < TERMINAL ATM-1
        > OK terminal ATM-1
        < WITHDRAW W1 500.00
        held W1 500.00
        > OK W1 held 500.00, available 9500.00
        ended",
    );
    assert_golden("unsettled", &[&killed, &bank]);
    assert_golden("unsettled-only-the-machine", &[&killed]);
    assert_golden("unsettled-only-the-bank", &[&bank]);
    let moving = machine(
        1,
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 500.00
        < OK W1 held 500.00, available 9500.00
        dispensing W1 1000.00
        crashed mid-dispense",
    );
    assert_golden("unsettled-where-the-notes-may-be-out", &[&moving, &bank]);
}

#[test]
fn a_deposit() {
    let swap = |text: &str| {
        text.replace("W1", "D1")
            .replace("WITHDRAW", "DEPOSIT")
            .replace("dispensing", "accepting")
            .replace("dispensed", "accepted")
            .replace("drawer - 500.00", "drawer - 1500.00")
    };
    let (machine, bank) = (machine(1, &swap(MACHINE)), bank(0, &swap(BANK)));
    assert_golden("deposit", &[&machine, &bank]);
}

#[test]
fn under_at_least_once_a_lost_answer_debits_twice() {
    let arguments = ["atm", "--semantics", "at-least-once"];
    let machine = run(
        "client",
        1,
        &arguments,
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 500.00
        <x OK W1 held 500.00, available 9500.00
        line 2
        > WITHDRAW W1 500.00
        < OK W1 held 500.00, available 9000.00
        dispensing W1 1000.00
        drawer - 500.00
        dispensed W1
        confirmed W1
        ended",
    );
    let bank = run(
        "server",
        0,
        &["--mode", "atm", "--semantics=at-least-once"],
        "
        < TERMINAL ATM-1
        > OK terminal ATM-1
        < WITHDRAW W1 500.00
        held W1 500.00
        > OK W1 held 500.00, available 9500.00
        line 2
        < WITHDRAW W1 500.00
        held W1 500.00
        > OK W1 held 500.00, available 9000.00
        ended",
    );
    assert_golden("debited-twice", &[&machine, &bank]);
    assert_golden("debited-twice-only-the-machine", &[&machine]);
    assert_golden("debited-twice-only-the-bank", &[&bank]);
}

#[test]
fn under_maybe_a_lost_answer_loses_the_money() {
    let machine = run(
        "client",
        1,
        &["atm", "--semantics", "maybe"],
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        > WITHDRAW W1 500.00
        <x OK W1 held 500.00, available 9500.00
        ended",
    );
    let bank = run(
        "server",
        0,
        &["--semantics", "maybe"],
        "
        < WITHDRAW W1 500.00
        held W1 500.00
        > OK W1 held 500.00, available 9500.00
        ended",
    );
    assert_golden("lost", &[&machine, &bank]);
    let doubled = run(
        "client",
        1,
        &["atm", "--semantics", "maybe"],
        "
        sending W1 500.00
        > TERMINAL ATM-1
        < OK terminal ATM-1
        >> WITHDRAW W1 500.00
        > WITHDRAW W1 500.00
        > WITHDRAW W1 500.00
        < OK W1 held 500.00, available 9500.00
        dispensing W1 1000.00
        drawer - 500.00
        dispensed W1
        confirmed W1
        ended",
    );
    assert_golden("doubled-only-the-machine", &[&doubled]);
}

#[test]
fn two_machines_are_told_apart() {
    let second = |text: &str| text.replace("W1", "D1").replace("ATM-1", "ATM-2");
    let second = second(MACHINE)
        .replace("WITHDRAW", "DEPOSIT")
        .replace("> TERMINAL", "line 9\n> TERMINAL")
        .replace("dispens", "accept")
        .replace("drawer - 500.00", "drawer - 1500.00");
    let text = explained(&[&machine(1, MACHINE), &machine(3, &second)]);
    assert!(text.contains("a withdrawal of 500.00 at ATM-1"), "{text}");
    assert!(text.contains("a deposit of 500.00 at ATM-2"), "{text}");
    assert!(text.ends_with("2 transactions: 2 settled.\n"), "{text}");
}

#[test]
fn a_contradiction_is_for_a_person() {
    let disputed = MACHINE
        .replace(
            "< OK W1 confirmed",
            "< ERR already-rolled-back by an operator",
        )
        .replace("confirmed W1", "disputed W1 - already-rolled-back");
    let text = explained(&[&machine(1, &disputed)]);
    assert!(
        text.contains("contradict each other (already-rolled-back)"),
        "{text}"
    );
    assert!(
        text.ends_with("transaction: where money was lost or doubled.\n"),
        "{text}"
    );
}

#[test]
fn where_nobody_withdrew_it_says_so() {
    let idle = machine(
        1,
        "> BALANCE_INQUIRY\n< OK available 10.00, held 0.00\nended",
    );
    let said = "There is no withdrawal and no deposit in this recording.\n";
    assert_eq!(explained(&[&idle]), said);
    assert!(explained(&[]).starts_with("There is no"));
}

#[test]
fn events_that_were_lost_are_owned_up_to() {
    let runs = machine(1, &MACHINE.replace("ended", "lost 1\nended"));
    let text = explained(&[&runs]);
    assert!(text.starts_with("1 event could not be recorded"));
}

/// A peer may have said anything, and a recording may be made up.
#[test]
fn nonsense_is_no_transaction() {
    let odd = machine(
        1,
        "
        sending W1x 5
        confirmed W1 lots
        > WITHDRAW W1 -5
        < OK
        < ERR
        < OK W1 held
        > CONFIRM
        drawer - -
        ended",
    );
    let text = explained(&[&odd]);
    assert!(text.contains("an unknown amount"), "{text}");
}
