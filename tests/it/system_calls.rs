//! What the programs ask of the operating system, as strace sees it.

use std::fs;
use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, UdpSocket};
use std::time::Duration;

use testkit::TEST_TIMEOUT;
use testkit::process::Program;
use testkit::requirement;

use crate::programs;

/// How long the server is left alone. What happens regularly is to happen within it.
const ALONE: Duration = Duration::from_secs(1);

/// How often it is left alone, at most: its threads take a while to begin, and so does its log.
const TRIES: usize = 10;

fn has_strace() -> bool {
    requirement::is_met("strace", requirement::is_installed("strace"))
}

/// Sends a request over UDP and receives its answer.
fn ask(server: SocketAddr, request: &str) {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    socket.send_to(request.as_bytes(), server).unwrap();
    socket.recv(&mut [0; 64]).unwrap();
}

/// The lines of a trace from the answer to the first request up to where the second is received,
/// of the last such pair.
fn between<'a>(trace: &'a str, first: &str, second: &str) -> Vec<&'a str> {
    let lines: Vec<_> = trace.lines().collect();
    let place = |text: &str| lines.iter().rposition(|line| line.contains(text)).unwrap();
    let [began, ended] = [first, second].map(place);
    let lines = lines[began..ended].iter();
    let answered = |line: &&&str| !line.contains("sendto(");
    lines.skip_while(answered).skip(1).copied().collect()
}

/// Whether this is the beginning of the wait in which the server is left alone, or the end of the
/// call that answered before it.
fn is_of_the_wait(line: &str) -> bool {
    line.contains("recvfrom(") && line.ends_with("<unfinished ...>")
        || line.contains("<... sendto resumed>")
}

#[test]
fn a_server_that_is_left_alone_makes_no_system_call() {
    if !has_strace() {
        return;
    }
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("trace");
    let labserver = programs().command("labserver");
    let server = Program::at_home("strace", home.path())
        .with(&["-f", "-o", trace.to_str().unwrap()])
        .with(&[labserver.get_program().to_str().unwrap()])
        .with(&["--mode", "all", "--port", "0", "--ledger", "memory"])
        .with(&["--until-eof", "-q"])
        .start();
    let datetime = server.address("datetime udp");
    let calls = (0..TRIES).map(|_| {
        ask(datetime, "SEND_DATE");
        std::thread::sleep(ALONE);
        ask(datetime, "SEND_TIME");
        let trace = fs::read_to_string(&trace).unwrap();
        let calls = between(&trace, "\"SEND_DATE\"", "\"SEND_TIME\"");
        let calls = calls.into_iter().filter(|line| !is_of_the_wait(line));
        calls.map(str::to_owned).collect::<Vec<_>>()
    });
    let mut busy = calls.take_while(|calls| !calls.is_empty());
    assert!(busy.by_ref().count() < TRIES, "{:?}", busy.next());
    assert_eq!(server.end().status, Some(0));
}

/// How many requests are counted.
const REQUESTS: usize = 200;

/// The names of the calls that this thread makes in these lines of a trace.
fn calls_of<'a>(thread: &str, lines: &[&'a str]) -> Vec<&'a str> {
    let call = |line: &&'a str| line.strip_prefix(thread)?.trim_start().split_once('(');
    let begun = lines.iter().filter_map(call).map(|(name, _)| name);
    // The end of a call that began before, in another line.
    begun.filter(|name| !name.starts_with('<')).collect()
}

/// What a server of this mode asks of the operating system while one client sends the request `first`,
/// [`REQUESTS`] more, of which the last is `final`, and ends its stream.
fn conversation(mode: &str, request: fn(&str) -> String, answer: fn(&str) -> String) -> String {
    let home = tempfile::tempdir().unwrap();
    let trace = home.path().join("trace");
    let labserver = programs().command("labserver");
    let server = Program::at_home("strace", home.path())
        .with(&["-f", "-o", trace.to_str().unwrap()])
        .with(&[labserver.get_program().to_str().unwrap()])
        .with(&["--mode", mode, "--port", "0", "--until-eof", "-qq"])
        .start();
    let mut peer = server.connect(&format!("{mode} tcp"));
    if mode == "text" {
        let mut ready = [0; "12:READY text 1,".len()];
        peer.read_exact(&mut ready).unwrap();
    }
    let mut exchange = |word: &str| {
        let (request, answer) = (request(word), answer(word));
        peer.write_all(request.as_bytes()).unwrap();
        let mut received = vec![0; answer.len()];
        peer.read_exact(&mut received).unwrap();
        assert_eq!(String::from_utf8_lossy(&received), answer);
    };
    exchange("first");
    (1..REQUESTS).for_each(|_| exchange("other"));
    exchange("final");
    peer.shutdown(Shutdown::Write).unwrap();
    assert_eq!(peer.read(&mut [0]).unwrap(), 0);
    assert_eq!(server.end().status, Some(0));
    fs::read_to_string(&trace).unwrap()
}

/// The calls of the thread that serves the connection: those for the requests after the first, up to the
/// last answer, and those after it until the connection is closed.
fn calls_of_the_connection(trace: &str) -> (Vec<&str>, Vec<&str>) {
    let answered = trace.lines().rfind(|line| line.contains("first"));
    let (thread, _) = answered.unwrap().split_once(' ').unwrap();
    let requests = calls_of(thread, &between(trace, "first", "final"));
    let lines: Vec<_> = trace.lines().collect();
    let last = lines.iter().rposition(|line| line.contains("final"));
    let mut end = calls_of(thread, &lines[last.unwrap() + 1..]);
    let closed = end.iter().position(|call| *call == "close");
    end.truncate(closed.unwrap() + 1);
    // A lock may be waited for; with debug assertions, the standard library asks about a descriptor that
    // it closes.
    end.retain(|call| !["futex", "fcntl"].contains(call));
    (requests, end)
}

#[test]
fn a_request_on_a_kept_connection_costs_one_read_and_one_write_and_its_end_what_ends_it() {
    if !has_strace() {
        return;
    }
    let mut read_and_write = ["recvfrom", "sendto"].repeat(REQUESTS);
    // The trace is looked at up to the last answer.
    read_and_write.pop();
    let framed = |word: &str| format!("11:LOWER {word},");
    let answer = |word: &str| format!("8:OK {word},");
    let text = conversation("text", framed, answer);
    let ended = vec!["recvfrom", "recvfrom", "close"];
    assert_eq!(
        calls_of_the_connection(&text),
        (read_and_write.clone(), ended)
    );
    let same = |word: &str| word.to_owned();
    let echo = conversation("echo", same, same);
    assert_eq!(calls_of_the_connection(&echo).0, read_and_write);
}
