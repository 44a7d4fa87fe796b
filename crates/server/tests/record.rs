//! `labserver --record` and `--trace`.

use std::fs::File;
use std::io::{BufReader, Read, Write};
use std::net::{Shutdown, UdpSocket};
use testkit::assert_starts;

use record::{EventKind, NoteKind, Recording, Run};

use crate::labserver::{CARD, Home, PIN};

fn runs(home: &Home) -> Vec<Run> {
    let file = File::open(home.path().join("it.jsonl")).unwrap();
    Recording::read(BufReader::new(file)).unwrap().runs
}

/// The messages of one service, sent ones with a `>`.
fn messages(run: &Run, service: &str) -> Vec<String> {
    let of_service = run.events.iter().filter(|event| {
        event
            .channel
            .as_ref()
            .is_some_and(|channel| channel.service == service)
    });
    let words = of_service.filter_map(|event| match &event.kind {
        EventKind::Sent(message) => Some(format!("> {}", message.text.as_deref()?)),
        EventKind::Received(message) => Some(format!("< {}", message.text.as_deref()?)),
        _ => None,
    });
    words.collect()
}

#[test]
fn all_services_are_in_one_file_and_no_pin_is() {
    let home = Home::new();
    let server = home.start(&[
        "--mode", "all", "--port", "0", "--ledger", "memory", "--record", "it.jsonl",
    ]);
    let mut customer = server.converse("atm tcp");
    assert_eq!(customer.log_in(CARD, PIN), "OK welcome Joty");
    drop(customer);
    let mut person = server.converse("chat tcp");
    person.ask("JOIN ann");
    // The room has noticed that she is out before the server is stopped: otherwise it might tell
    // her that it is stopping.
    assert_eq!(person.ask("QUIT"), "OK bye");
    assert_eq!(person.receive(), None);
    drop(person);
    let mut echo = server.connect("echo tcp");
    echo.write_all(b"hello").unwrap();
    echo.shutdown(Shutdown::Write).unwrap();
    echo.read_to_end(&mut Vec::new()).unwrap();
    let clock = UdpSocket::bind("127.0.0.1:0").unwrap();
    clock
        .send_to(b"SEND_DATE", server.address("datetime udp"))
        .unwrap();
    clock.recv(&mut [0; 100]).unwrap();
    assert_eq!(server.stop().status, Some(0));

    let runs = runs(&home);
    let run = &runs[0];
    let log_in = &messages(run, "atm")[1];
    assert_starts(log_in, "< VERIFY_CARD_AND_PASSWORD LOGIN_");
    assert!(log_in.ends_with(&format!(" {CARD} ****")), "{log_in}");
    assert_eq!(
        messages(run, "chat"),
        [
            "> READY chat 1",
            "< JOIN ann",
            "> OK joined ann",
            "< QUIT",
            "> OK bye"
        ]
    );
    assert_eq!(messages(run, "echo"), ["< hello", "> hello"]);
    let datetime = messages(run, "datetime");
    assert!(datetime[0] == "< SEND_DATE" && datetime[1].starts_with("> OK "));
    assert_eq!(run.events.last().unwrap().kind, EventKind::Ended);
    let closed = run
        .events
        .iter()
        .filter(|e| matches!(e.kind, EventKind::Closed { .. }));
    assert_eq!(closed.count(), 3);
}

#[test]
fn what_was_committed_is_reported_before_a_crash_and_the_next_run_is_added() {
    let home = Home::new();
    let bank = ["--mode", "atm", "--port", "0", "--record", "it.jsonl"];
    // The accounts are open before any commit counts; the customer logs in, and then there is the hold.
    let crash = ["--fault", "crash-at=after-commit#2"];
    let server = home.start(&[&bank[..], &crash].concat());
    let mut customer = server.converse("atm tcp");
    customer.log_in(CARD, PIN);
    let id = "WITH_018f4e6c-52d8-7cc3-9a0e-6f2b8d1c4a51";
    assert_eq!(customer.ask_if_there(&format!("WITHDRAW {id} 500")), None);
    assert_eq!(server.end().status, None);
    assert_eq!(home.start(&bank).stop().status, Some(0));

    let runs = runs(&home);
    assert_eq!(runs.len(), 2);
    let last: Vec<_> = runs[0]
        .events
        .iter()
        .rev()
        .map(|event| &event.kind)
        .take(2)
        .collect();
    assert!(
        matches!(last[0], EventKind::Crashed { at } if at == "after-commit"),
        "{last:?}"
    );
    let EventKind::Note(note) = last[1] else {
        panic!("{last:?}");
    };
    assert_eq!(
        (note.about.as_deref(), &note.kind),
        (Some(id), &NoteKind::Held)
    );
    assert_eq!(note.amount.as_deref(), Some("500.00"));
}

#[test]
fn a_file_that_cannot_be_recorded_to_is_refused_before_anything_is_served() {
    let home = Home::new();
    for (file, words) in [
        ("nowhere/it.jsonl", "cannot record to nowhere/it.jsonl: "),
        (".", "cannot record to .: "),
    ] {
        let ended = home.run(&["--mode", "text", "--port", "0", "--record", file]);
        assert_eq!(ended.status, Some(1));
        assert_starts(&ended.stderr, &format!("labserver: {words}"));
        assert_eq!(ended.stdout, "");
    }
}

#[test]
fn the_trace_is_on_standard_error_beside_the_log() {
    let home = Home::new();
    let server = home.start(&["--mode", "text", "--port", "0", "--trace"]);
    let mut peer = server.converse("text tcp");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    drop(peer);
    let ended = server.stop();
    for line in [
        " → READY text 1\n",
        " ← PRIME 97\n",
        "read 11 of 11 bytes\n",
        " → OK prime\n",
    ] {
        assert!(ended.stderr.contains(line), "{line}: {}", ended.stderr);
    }
}
