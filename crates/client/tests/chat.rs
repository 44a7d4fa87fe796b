//! The real `labclient chat` in a pipe: what it prints, and how it ends.

use std::fmt::Display;
use std::net::TcpListener;
use std::thread;

use proto::frame::Framing;
use proto::mode::Mode;
#[cfg(unix)]
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

#[test]
fn every_line_of_a_pipe_is_said_and_comes_back_before_it_ends() {
    let room = start(Mode::Chat);
    let mut joty = join(&room, &["--name", "Joty"]);
    assert_eq!(joty.stdout.next(), "Joty has joined the chat.\n");
    let mut adarsh = join(&room, &["--name", "Adarsh"]);
    adarsh.write("hello\n\nI quit smoking\n/who\nwithout an end");
    adarsh.end().printed(
        "Adarsh has joined the chat.\nAlready here: Joty\nAdarsh: hello\n\
         Adarsh: I quit smoking\nHere: Joty, Adarsh\nAdarsh: without an end\n",
    );
    joty.write("bye\nquit\nnever said\n");
    joty.end().printed(
        "Adarsh has joined the chat.\nAdarsh: hello\nAdarsh: I quit smoking\n\
         Adarsh: without an end\nAdarsh has left the chat.\nJoty: bye\n",
    );
}

#[test]
fn what_is_refused_is_reported_and_the_rest_is_said() {
    let room = start(Mode::Chat);
    let mut adarsh = join(&room, &["--name", "Adarsh"]);
    adarsh.write(&format!("{}\n\x1b[2J\nafter\n", "x".repeat(901)));
    let ended = adarsh.end();
    ended.exited(1, "Adarsh has joined the chat.\nAdarsh: after\n");
    assert_eq!(ended.stderr.matches("labclient: not said: ").count(), 2);
}

#[test]
fn a_program_gets_an_object_a_line() {
    let room = start(Mode::Chat);
    let mut adarsh = join(&room, &["--name", "Adarsh", "--json"]);
    adarsh.write("hello\n/who\n\x07\n");
    let ended = adarsh.end();
    let lines: Vec<_> = ended.stdout.lines().collect();
    assert_eq!(
        lines[..3],
        [
            r#"{"joined":"Adarsh","more":0,"ok":true,"with":[]}"#,
            r#"{"event":"said","name":"Adarsh","text":"hello"}"#,
            r#"{"here":["Adarsh"],"more":0,"ok":true}"#,
        ]
    );
    assert!(lines[3].contains(r#""ok":false"#), "{}", lines[3]);
    assert_eq!((ended.stderr.as_str(), ended.status), ("", Some(1)));
}

#[test]
fn a_taken_name_ends_a_pipe_with_the_reason() {
    let room = start(Mode::Chat);
    let first = join(&room, &["--name", "Joty"]);
    first.stdout.next();
    let second = join(&room, &["--name", "jOTY"]).end();
    second.failed(1, "Joty is in the room");
    assert_eq!(join(&room, &["--name", "two words"]).end().status, Some(2));
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
    let reason = "the room ended the conversation: the server is stopping";
    ended.failed(3, &format!("{room}: {reason}"));
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_politely() {
    let room = start(Mode::Chat);
    let joty = join(&room, &["--name", "Joty"]);
    joty.stdout.next();
    let adarsh = join(&room, &["--name", "Adarsh"]);
    adarsh.stdout.next();
    assert_eq!(joty.stdout.next(), "Adarsh has joined the chat.\n");
    adarsh.signal(Signal::INT);
    assert_eq!(adarsh.end_by_itself().status, Some(0));
    assert_eq!(joty.stdout.next(), "Adarsh has left the chat.\n");
    assert_eq!(joty.end().status, Some(0));
}

/// A server that sends READY and lets Adarsh in, then sends these bytes and closes.
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
fn who_is_thrown_out_learns_why() {
    let ended = ends_after(b"ERR busy you say more than the room can take");
    ended.refused(3, &["conversation: you say more than the room can take\n"]);
}

#[test]
fn a_server_that_goes_without_a_word_is_lost() {
    let ended = ends_after(b"EVENT said Joty last words");
    ended.exited(3, "Joty: last words\n");
    ended.complained(3, &["the server closed the connection\n"]);
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
        let shown = ended.stdout.clone() + &ended.stderr;
        assert!(!shown.contains(['\x1b', '\u{202e}']), "{shown:?}");
        assert_eq!(ended.status, Some(expected), "{ended:?}");
    }
}
