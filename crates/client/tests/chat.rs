//! The real `labclient chat` in a pipe: what it prints, and how it ends.

use std::fmt::Display;
use std::net::TcpListener;
use std::thread;

use proto::frame::Framing;
use proto::mode::Mode;
#[cfg(unix)]
use testkit::assert_contains;
use testkit::process::Signal;
use testkit::process::{Ended, Process};
use testkit::service::start;
use wire::connection::Connection;
use wire::limits::Limits;

use crate::labclient::at;

/// Starts a member of the room at this address.
fn join(room: impl Display, words: &[&str]) -> Process {
    at(room, &["chat"]).with(words).start()
}

/// The lines that are still printed, the complaints, and the exit status.
fn outcome(ended: &Ended) -> (Vec<&str>, &str, Option<i32>) {
    (ended.stdout.lines().collect(), &ended.stderr, ended.status)
}

#[test]
fn every_line_of_a_pipe_is_said_and_comes_back_before_it_ends() {
    let server = start(Mode::Chat);
    let room = server.address();
    let mut joty = join(room, &["--name", "Joty"]);
    assert_eq!(joty.stdout.next(), "Joty has joined the chat.\n");
    let mut adarsh = join(room, &["--name", "Adarsh"]);
    adarsh.write("hello\n\nI quit smoking\n/who\nwithout an end");
    let ended = adarsh.end();
    let (lines, complaints, status) = outcome(&ended);
    assert_eq!(
        lines,
        [
            "Adarsh has joined the chat.",
            "Already here: Joty",
            "Adarsh: hello",
            "Adarsh: I quit smoking",
            "Here: Joty, Adarsh",
            "Adarsh: without an end",
        ]
    );
    assert_eq!((complaints, status), ("", Some(0)));
    joty.write("bye\nquit\nnever said\n");
    let ended = joty.end();
    let (lines, complaints, status) = outcome(&ended);
    assert_eq!(
        lines,
        [
            "Adarsh has joined the chat.",
            "Adarsh: hello",
            "Adarsh: I quit smoking",
            "Adarsh: without an end",
            "Adarsh has left the chat.",
            "Joty: bye",
        ]
    );
    assert_eq!((complaints, status), ("", Some(0)));
}

#[test]
fn what_is_refused_is_told_apart_and_the_rest_is_said() {
    let server = start(Mode::Chat);
    let room = server.address();
    let mut adarsh = join(room, &["--name", "Adarsh"]);
    adarsh.write(&format!("{}\n\x1b[2J\nafter\n", "x".repeat(901)));
    let ended = adarsh.end();
    let (lines, complaints, status) = outcome(&ended);
    assert_eq!(lines[1..], ["Adarsh: after"]);
    assert_eq!(complaints.matches("labclient: not said: ").count(), 2);
    assert_eq!(status, Some(1));
}

#[test]
fn a_program_gets_an_object_a_line() {
    let server = start(Mode::Chat);
    let room = server.address();
    let mut adarsh = join(room, &["--name", "Adarsh", "--json"]);
    adarsh.write("hello\n/who\n\x07\n");
    let ended = adarsh.end();
    let (lines, complaints, status) = outcome(&ended);
    assert_eq!(
        lines[..3],
        [
            r#"{"joined":"Adarsh","more":0,"ok":true,"with":[]}"#,
            r#"{"event":"said","name":"Adarsh","text":"hello"}"#,
            r#"{"here":["Adarsh"],"more":0,"ok":true}"#,
        ]
    );
    assert!(lines[3].contains(r#""ok":false"#), "{}", lines[3]);
    assert_eq!((complaints, status), ("", Some(1)));
}

#[test]
fn a_taken_name_ends_a_pipe_with_the_reason() {
    let server = start(Mode::Chat);
    let room = server.address();
    let first = join(room, &["--name", "Joty"]);
    first.stdout.next();
    let ended = join(room, &["--name", "jOTY"]).end();
    let (lines, complaints, status) = outcome(&ended);
    assert!(lines.is_empty());
    assert_eq!(complaints, "labclient: Joty is in the room\n");
    assert_eq!(status, Some(1));
    assert_eq!(join(room, &["--name", "two words"]).end().status, Some(2));
}

#[test]
fn a_stopping_server_ends_the_client_at_once_with_the_reason() {
    let server = start(Mode::Chat);
    let room = server.address();
    let adarsh = join(room, &["--name", "Adarsh"]);
    adarsh.stdout.next();
    server.stop();
    // Its input is still open.
    let ended = adarsh.end_by_itself();
    assert_eq!(ended.status, Some(3));
    assert_eq!(
        ended.stderr,
        format!("labclient: {room}: the room ended the conversation: the server is stopping\n")
    );
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_politely() {
    let server = start(Mode::Chat);
    let room = server.address();
    let joty = join(room, &["--name", "Joty"]);
    joty.stdout.next();
    let adarsh = join(room, &["--name", "Adarsh"]);
    adarsh.stdout.next();
    assert_eq!(joty.stdout.next(), "Adarsh has joined the chat.\n");
    adarsh.signal(Signal::INT);
    assert_eq!(adarsh.end_by_itself().status, Some(0));
    assert_eq!(joty.stdout.next(), "Adarsh has left the chat.\n");
    assert_eq!(joty.end().status, Some(0));
}

/// A server that says READY and lets Adarsh in, then says these bytes and closes.
fn ends_after(words: &'static [u8]) -> Ended {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        let stream = listener.accept().unwrap().0;
        let mut connection = Connection::new(stream, Framing::Netstring, Limits::SERVER).unwrap();
        connection.writer.send(b"READY chat 1").unwrap();
        connection.reader.receive(None).unwrap();
        connection.writer.send(b"OK joined Adarsh").unwrap();
        connection.writer.send(words).unwrap();
        connection.close();
    });
    let adarsh = join(address, &["--name", "Adarsh"]);
    adarsh.stdout.next();
    // Its input stays open until it ends by itself.
    let ended = adarsh.end_by_itself();
    serving.join().unwrap();
    ended
}

#[test]
fn who_is_thrown_out_is_told_why() {
    let ended = ends_after(b"ERR busy you say more than the room can take");
    let (lines, complaints, status) = outcome(&ended);
    assert!(lines.is_empty());
    assert!(
        complaints.ends_with("conversation: you say more than the room can take\n"),
        "{complaints}"
    );
    assert_eq!(status, Some(3));
}

#[test]
fn a_server_that_goes_without_a_word_is_lost() {
    let ended = ends_after(b"EVENT said Joty last words");
    let (lines, complaints, status) = outcome(&ended);
    assert_eq!(lines, ["Joty: last words"]);
    assert_contains(&complaints, &["the server closed the connection\n"]);
    assert_eq!(status, Some(3));
}

#[test]
fn nothing_a_server_says_acts_on_the_terminal() {
    for (words, expected) in [
        (&b"EVENT said Joty \x1b[2J"[..], 5),
        (b"ERR busy \x1b[2J \xe2\x80\xae", 3),
        (b"\x1b[2J", 5),
        (b"EVENT joined \x1b[2J", 5),
        (b"OK \x1b[2J", 5),
        (b"\xff\x1b", 5),
    ] {
        let ended = ends_after(words);
        let (lines, complaints, status) = outcome(&ended);
        let shown = lines.concat() + complaints;
        assert!(
            !shown.contains('\x1b') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
        assert_eq!(status, Some(expected), "{complaints}");
    }
}
