//! The real `labserver --fault`: what it says, and where it dies.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use testkit::assert_contains;
use testkit::process::Process;

use crate::labserver::{run, start};

/// A text service with these faults.
fn started(words: &[&str]) -> Process {
    start(&[&["--mode", "text", "--port", "0"], words].concat())
}

fn exchange(server: &Process, bytes: &[u8]) -> String {
    let mut stream = server.connect("text tcp");
    stream.write_all(bytes).unwrap();
    let mut answers = Vec::new();
    // A server that dies may reset the connection.
    let _ = stream.read_to_end(&mut answers);
    String::from_utf8(answers).unwrap()
}

#[test]
fn a_run_says_what_repeats_it_and_what_strikes() {
    let server = started(&["--fault", "error=#2", "--seed", "7"]);
    let answers = exchange(&server, b"7:PRIME 7,7:PRIME 7,4:QUIT,");
    assert_eq!(
        answers,
        "12:READY text 1,8:OK prime,30:ERR unavailable injected fault,6:OK bye,"
    );
    let log = server.stop().stderr;
    assert_contains(
        &log,
        &[
            "injecting faults: --fault error=#2 --seed 7",
            "fault: request #2: error",
        ],
    );
    assert!(!log.contains("bad input"), "{log}");
}

#[test]
fn the_server_dies_after_the_answer_it_is_reported() {
    let server = started(&["--fault", "crash-at=after-reply#2"]);
    let answers = exchange(&server, b"7:PRIME 7,7:PRIME 8,7:PRIME 9,");
    // What the dead process had sent may be overtaken by the reset, but nothing was sent after.
    assert!(
        "12:READY text 1,8:OK prime,12:OK not prime,".starts_with(&answers),
        "{answers}"
    );
    assert_eq!(server.end().signal, Some(9));
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let stderr = |fault| {
        let ended = run(&["--mode", "text", "--fault", fault]);
        assert_eq!(ended.status, Some(2));
        ended.stderr
    };
    let shown = "\ndelay=1s,cut=2\n             ^ a chance as 10% or a count as #2\n";
    assert!(stderr("delay=1s,cut=2").contains(shown));
    assert!(stderr("crash-at=mid-dispense").contains("labserver never comes by mid-dispense"));
}

#[test]
fn a_pause_stops_every_connection_and_no_other_message_ends_it() {
    let pause = Duration::from_secs(1);
    let server = started(&["--fault", "pause=1s@#20"]);
    let mut waits = Vec::new();
    let ask = |stream: &mut TcpStream| {
        let asked = Instant::now();
        stream.write_all(b"7:PRIME 7,").unwrap();
        stream.read_exact(&mut [0; 11]).unwrap();
        asked.elapsed()
    };
    let (mut busy, mut other) = (conversation(&server), conversation(&server));
    let asking = std::thread::spawn(move || {
        // The server's twentieth answer is one of these.
        (0..30).for_each(|_| {
            busy.write_all(b"7:PRIME 7,").unwrap();
            busy.read_exact(&mut [0; 11]).unwrap();
        });
    });
    while !asking.is_finished() {
        waits.push(ask(&mut other));
    }
    asking.join().unwrap();
    // A question was asked at any moment, the one before the pause included.
    let longest = waits.iter().max().unwrap();
    assert!(*longest >= pause / 2, "{longest:?}");
}

/// A connection that has received `READY`.
fn conversation(server: &Process) -> TcpStream {
    let mut stream = server.connect("text tcp");
    stream.read_exact(&mut [0; 16]).unwrap();
    stream
}
