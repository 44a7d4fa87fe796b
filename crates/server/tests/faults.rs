//! The real `labserver --fault`: what it says, and where it dies.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A text service with these faults, and where it listens.
fn started(words: &[&str]) -> (Child, String) {
    let mut child = Command::new(env!("CARGO_BIN_EXE_labserver"))
        .args(["--mode", "text", "--port", "0"])
        .args(words)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    let address = line.trim().rsplit_once(' ').unwrap().1.to_owned();
    (child, address)
}

/// Asks it to stop, so that all of its log is written.
#[cfg(unix)]
fn stop(child: &Child) {
    use rustix::process::{Pid, Signal, kill_process};
    kill_process(Pid::from_child(child), Signal::TERM).unwrap();
}

fn exchange(address: &str, bytes: &[u8]) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(60)))
        .unwrap();
    stream.write_all(bytes).unwrap();
    let mut answers = Vec::new();
    // A server that dies may reset the connection.
    let _ = stream.read_to_end(&mut answers);
    String::from_utf8(answers).unwrap()
}

#[cfg(unix)]
#[test]
fn a_run_says_what_repeats_it_and_what_strikes() {
    let (mut child, address) = started(&["--fault", "error=#2", "--seed", "7"]);
    let answers = exchange(&address, b"7:PRIME 7,7:PRIME 7,4:QUIT,");
    assert_eq!(
        answers,
        "12:READY text 1,8:OK prime,30:ERR unavailable injected fault,6:OK bye,"
    );
    stop(&child);
    let mut log = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut log)
        .unwrap();
    child.wait().unwrap();
    assert!(
        log.contains("injecting faults: --fault error=#2 --seed 7"),
        "{log}"
    );
    assert!(log.contains("fault: request #2: error"), "{log}");
    assert!(!log.contains("bad input"), "{log}");
}

#[cfg(unix)]
#[test]
fn the_server_dies_after_the_answer_it_is_told() {
    use std::os::unix::process::ExitStatusExt;
    let (mut child, address) = started(&["--fault", "crash-at=after-reply#2"]);
    let answers = exchange(&address, b"7:PRIME 7,7:PRIME 8,7:PRIME 9,");
    // What the dead process had sent may be overtaken by the reset, but nothing was sent after.
    assert!(
        "12:READY text 1,8:OK prime,12:OK not prime,".starts_with(&answers),
        "{answers}"
    );
    assert_eq!(child.wait().unwrap().signal(), Some(9));
}

#[test]
fn a_mistake_is_shown_where_it_stands() {
    let run = |fault| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labserver"));
        let output = command.args(["--mode", "text", "--fault", fault]).output();
        let output = output.unwrap();
        assert_eq!(output.status.code(), Some(2));
        String::from_utf8(output.stderr).unwrap()
    };
    let shown = "\ndelay=1s,cut=2\n             ^ a chance as 10% or a count as #2\n";
    assert!(run("delay=1s,cut=2").contains(shown));
    assert!(run("crash-at=mid-dispense").contains("labserver never comes by mid-dispense"));
}

#[test]
fn a_pause_stops_every_connection_and_no_other_message_ends_it() {
    let pause = Duration::from_secs(1);
    let (mut child, address) = started(&["--fault", "pause=1s@#20"]);
    let mut waits = Vec::new();
    let ask = |stream: &mut TcpStream| {
        let asked = Instant::now();
        stream.write_all(b"7:PRIME 7,").unwrap();
        stream.read_exact(&mut [0; 11]).unwrap();
        asked.elapsed()
    };
    let (mut busy, mut other) = (conversation(&address), conversation(&address));
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
    child.kill().unwrap();
    child.wait().unwrap();
    // A question was asked at any moment, the one before the pause included.
    let longest = waits.iter().max().unwrap();
    assert!(*longest >= pause / 2, "{longest:?}");
}

/// A connection that has heard `READY`.
fn conversation(address: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).unwrap();
    let patience = Some(Duration::from_secs(60));
    stream.set_read_timeout(patience).unwrap();
    stream.read_exact(&mut [0; 16]).unwrap();
    stream
}
