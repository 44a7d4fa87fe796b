//! The real `labclient --record` and `--trace`: what they leave, and what they say.

use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

use proto::mode::Mode;
use record::{CloseReason, DropCause, Event, EventKind, NoteKind, Recording, Run, Secrets};
use tempfile::TempDir;
use testkit::process::Ended;
use testkit::process::words;
use testkit::service::start;
use testkit::{assert_contains, assert_starts};

use crate::bare_servers::unused_address;
use crate::labclient::labclient_at_home;

/// A place to run in, with a server of one service.
struct Lab {
    home: TempDir,
    mode: Mode,
}

impl Lab {
    fn with(mode: Mode) -> Lab {
        Lab {
            home: tempfile::tempdir().unwrap(),
            mode,
        }
    }

    fn file(&self) -> PathBuf {
        self.home.path().join("it.jsonl")
    }

    /// Runs `labclient` with these words and this on its standard input.
    fn run(&self, words: &[&str], input: &str) -> Ended {
        let server = start(self.mode);
        labclient_at_home(self.home.path(), &[])
            .at(&server)
            .with(words)
            .pin("1234")
            .run_with(input)
    }

    fn runs(&self) -> Vec<Run> {
        recording(&self.file()).runs
    }
}

fn recording(path: &Path) -> Recording {
    Recording::read(BufReader::new(File::open(path).unwrap())).unwrap()
}

/// The messages that crossed the wire, sent ones with a `>`.
fn messages(events: &[Event]) -> Vec<String> {
    let words = |event: &Event| match &event.kind {
        EventKind::Sent(message) => Some(format!("> {}", message.text.as_deref()?)),
        EventKind::Received(message) => Some(format!("< {}", message.text.as_deref()?)),
        _ => None,
    };
    events.iter().filter_map(words).collect()
}

fn notes(events: &[Event]) -> Vec<NoteKind> {
    let note = |event: &Event| match &event.kind {
        EventKind::Note(note) => Some(note.kind.clone()),
        _ => None,
    };
    events.iter().filter_map(note).collect()
}

#[test]
fn a_lost_answer_is_recorded_with_the_repeat_the_journal_and_no_pin() {
    let lab = Lab::with(Mode::Atm);
    let words = words(
        "--record it.jsonl --fault drop-reply=#3 --seed 7 --timeout 3 \
         atm --card 123456789 withdraw 500",
    );
    let ended = lab.run(&words, "");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let runs = lab.runs();
    let Run { header, events } = &runs[0];
    assert_eq!(header.arguments[2..], words);
    assert_eq!((&*header.program, header.seed), ("labclient", Some(7)));
    assert_eq!(header.fault.as_deref(), Some("drop-reply=#3"));
    assert_eq!(header.secrets, Secrets::Masked);

    let lost = events.iter().position(|event| {
        matches!(&event.kind, EventKind::Dropped { cause: DropCause::Drop, message }
            if message.text.as_deref().unwrap().contains(" held 500.00"))
    });
    let after = events[lost.unwrap()..].iter().map(|event| &event.kind);
    let after: Vec<_> = after.collect();
    let EventKind::TimedOut { waited, .. } = after[1] else {
        panic!("{after:?}");
    };
    assert_eq!(*waited, 3_000_000_000);
    let resent = after.iter().find_map(|what| match what {
        EventKind::Resent { attempt, text } => Some((*attempt, text.clone())),
        _ => None,
    });
    let (attempt, text) = resent.unwrap();
    assert!(attempt == 2 && text.starts_with("WITHDRAW WITH_"), "{text}");
    use NoteKind::{Confirmed, Dispensed, Dispensing, Drawer, Loaded, Sending};
    let expected = [Loaded, Sending, Dispensing, Drawer, Dispensed, Confirmed];
    assert_eq!(notes(events), expected);
    assert_eq!(events.last().unwrap().kind, EventKind::Ended);
    let log_ins = messages(events);
    let log_ins = log_ins.iter().filter(|m| m.starts_with("> VERIFY"));
    assert!(log_ins.clone().count() == 2 && log_ins.clone().all(|m| m.ends_with(" ****")));
    let text = std::fs::read_to_string(lab.file()).unwrap();
    assert!(!text.contains("123456789 1234"), "{text}");
}

#[test]
fn pins_are_kept_when_that_is_asked_for() {
    let lab = Lab::with(Mode::Atm);
    let words = words("atm --card 123456789 balance --record it.jsonl");
    lab.run(&[&words[..], &["--record-secrets"]].concat(), "");
    let runs = lab.runs();
    assert_eq!(runs[0].header.secrets, Secrets::Kept);
    let messages = messages(&runs[0].events);
    let has_pin = |message: &String| message.ends_with(" 123456789 1234");
    assert!(messages.iter().any(has_pin), "{messages:?}");

    let ended = lab.run(&["text", "lower", "A", "--record-secrets"], "");
    ended.complained(2, &["give --record or --trace too"]);
}

#[test]
fn a_question_over_udp_that_is_asked_again_is_recorded() {
    let lab = Lab::with(Mode::Datetime);
    let words = words("--record it.jsonl --fault drop-request=#1 --timeout 2 datetime date");
    assert_eq!(lab.run(&words, "").status, Some(0));
    let runs = lab.runs();
    let kinds = runs[0].events.iter().map(|event| match &event.kind {
        EventKind::Sent(_) => "sent",
        EventKind::Received(_) => "received",
        EventKind::Dropped { .. } => "dropped",
        EventKind::TimedOut { .. } => "timed out",
        EventKind::Resent { attempt: 2, .. } => "resent",
        EventKind::Connected => "connected",
        EventKind::Closed { .. } => "closed",
        EventKind::Ended => "ended",
        _ => "else",
    });
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let expected = "connected, dropped, timed out, resent, sent, received, closed, ended";
    assert_eq!(kinds, expected);
}

#[test]
fn chat_and_echo_are_recorded_message_by_message_to_their_end() {
    let lab = Lab::with(Mode::Chat);
    let ended = lab.run(&["--record", "it.jsonl", "chat", "--name", "ann"], "hi\n");
    assert_eq!(ended.status, Some(0), "{ended:?}");
    let runs = lab.runs();
    let messages_of_chat = messages(&runs[0].events);
    for message in [
        "> JOIN ann",
        "> SAY hi",
        "< EVENT said ann hi",
        "< OK said",
        "> QUIT",
    ] {
        let same = messages_of_chat.iter().filter(|m| *m == message);
        assert_eq!(same.count(), 1, "{message}: {messages_of_chat:?}");
    }
    let last = &runs[0].events[runs[0].events.len() - 2].kind;
    assert!(matches!(last, EventKind::Closed { .. }), "{last:?}");

    let lab = Lab::with(Mode::Echo);
    lab.run(&words("--record it.jsonl echo hello --wire raw"), "");
    assert_eq!(messages(&lab.runs()[0].events)[0], "> hello");
}

#[test]
fn a_second_run_is_added_and_another_file_is_left_alone() {
    let lab = Lab::with(Mode::Text);
    let words = ["text", "lower", "A", "--record", "it.jsonl"];
    for _ in 0..2 {
        assert_eq!(lab.run(&words, "").status, Some(0));
    }
    let runs = lab.runs();
    assert_eq!(runs.len(), 2);
    assert_ne!(runs[0].header.run, runs[1].header.run);

    std::fs::write(lab.file(), "my notes\n").unwrap();
    let ended = lab.run(&words, "");
    let reason = "it.jsonl is no recording, and would be spoilt: choose another file";
    ended.failed(2, reason);
    assert_eq!(std::fs::read_to_string(lab.file()).unwrap(), "my notes\n");

    let ended = lab.run(&["text", "lower", "A", "--record", "nowhere/it.jsonl"], "");
    assert_eq!(ended.status, Some(2));
    assert_starts(
        &ended.stderr,
        "labclient: cannot record to nowhere/it.jsonl: ",
    );
}

#[test]
fn a_crash_on_purpose_is_the_last_that_is_recorded() {
    let lab = Lab::with(Mode::Atm);
    let words =
        words("--record it.jsonl --fault crash-at=mid-dispense atm --card 123456789 withdraw 500");
    assert_eq!(lab.run(&words, "").status, None);
    let events = &lab.runs()[0].events;
    let what: Vec<_> = events.iter().rev().map(|event| &event.kind).collect();
    assert!(matches!(what[0], EventKind::Crashed { at } if at == "mid-dispense"));
    assert!(matches!(what[1], EventKind::Note(note) if note.kind == NoteKind::Drawer));
}

#[test]
fn the_trace_shows_messages_reads_and_bytes_and_no_pin() {
    let lab = Lab::with(Mode::Atm);
    let ended = lab.run(&["--trace", "atm", "--card", "123456789", "balance"], "");
    assert_eq!(ended.status, Some(0));
    let shown = ended.stderr;
    let read = "              read 15 of 15 bytes\n";
    let pin = " 123456789 ****\n";
    let messages = ["atm#0    ← READY atm 1\n", "→ BALANCE_INQUIRY\n"];
    assert_contains(&shown, &[read, pin, messages[0], messages[1], "* ended\n"]);
    let is_safe = !shown.contains('\x1b') && !shown.contains("123456789 1234");
    assert!(is_safe, "{shown}");

    let lab = Lab::with(Mode::Text);
    let ended = lab.run(&["text", "prime", "97", "--trace=hex"], "");
    let row = "0000  38 3a 50 52 49 4d 45 20 39 37 2c                 8:PRIME 97,\n";
    assert!(ended.stderr.contains(row), "{ended:?}");
    let ended = lab.run(&["text", "prime", "97", "--trace=loud"], "");
    assert_eq!(ended.status, Some(2));
}

#[test]
fn a_server_that_is_not_there_is_recorded() {
    let home = tempfile::tempdir().unwrap();
    let path = home.path().join("it.jsonl");
    let unused = unused_address();
    let address = unused.to_string();
    let words = ["--record", "it.jsonl", "text", "lower", "A"];
    let ended = labclient_at_home(home.path(), &words).at(&address).run();
    assert_eq!(ended.status, Some(3));
    let events = recording(&path).runs.remove(0).events;
    let words = format!("nothing listens on {address}");
    assert_eq!(events[0].kind, EventKind::Failed { words });
}

#[test]
fn a_connection_that_a_fault_cuts_ends_so() {
    let lab = Lab::with(Mode::Text);
    lab.run(&words("text lower A --fault cut=#1 --record it.jsonl"), "");
    let events = &lab.runs()[0].events;
    let closed = events.iter().find_map(|event| match &event.kind {
        EventKind::Closed { how, .. } => Some(*how),
        _ => None,
    });
    assert_eq!(closed, Some(CloseReason::Cut));
}
