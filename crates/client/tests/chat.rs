//! The real `labclient chat` in a pipe: what it prints, and how it ends.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use std::thread;

use proto::frame::Framing;
use proto::mode::Mode;
use server::{Config, Role, Server};
use wire::connection::Connection;
use wire::limits::Limits;

/// Runs this with the address of a room, and what stops its server.
fn with_room(test: impl FnOnce(SocketAddr, &dyn Fn())) {
    let server = Server::bind(Config {
        role: Role::Services(vec![Mode::Chat]),
        port: Some(0),
        ..Config::default()
    });
    let server = server.unwrap();
    let address = server.addresses()[0].2;
    let stopper = server.stopper();
    let running = thread::spawn(move || server.run());
    test(address, &|| stopper.stop());
    stopper.stop();
    running.join().unwrap();
}

struct Member {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: BufReader<ChildStdout>,
}

impl Member {
    fn start(server: SocketAddr, words: &[&str]) -> Member {
        let mut child = Command::new(env!("CARGO_BIN_EXE_labclient"))
            .args(["chat", "--server", &server.to_string()])
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let stdin = child.stdin.take();
        let stdout = BufReader::new(child.stdout.take().unwrap());
        Member {
            child,
            stdin,
            stdout,
        }
    }

    fn types(&mut self, text: &str) {
        self.stdin
            .as_mut()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.read_line(&mut line).unwrap();
        line.trim_end_matches('\n').to_owned()
    }

    /// Ends the input; what is still printed, what is complained, the exit status.
    fn end(mut self) -> (Vec<String>, String, Option<i32>) {
        drop(self.stdin.take());
        let lines = (&mut self.stdout).lines().map(Result::unwrap).collect();
        let Output { stderr, status, .. } = self.child.wait_with_output().unwrap();
        (lines, String::from_utf8(stderr).unwrap(), status.code())
    }
}

#[test]
fn every_line_of_a_pipe_is_said_and_comes_back_before_it_ends() {
    with_room(|room, _| {
        let mut joty = Member::start(room, &["--name", "Joty"]);
        assert_eq!(joty.line(), "Joty has joined the chat.");
        let mut adarsh = Member::start(room, &["--name", "Adarsh"]);
        adarsh.types("hello\n\nI quit smoking\n/who\nwithout an end");
        let (lines, complaints, status) = adarsh.end();
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
        assert_eq!((complaints.as_str(), status), ("", Some(0)));
        joty.types("bye\nquit\nnever said\n");
        let (lines, complaints, status) = joty.end();
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
        assert_eq!((complaints.as_str(), status), ("", Some(0)));
    });
}

#[test]
fn what_is_refused_is_told_apart_and_the_rest_is_said() {
    with_room(|room, _| {
        let mut adarsh = Member::start(room, &["--name", "Adarsh"]);
        adarsh.types(&format!("{}\n\x1b[2J\nafter\n", "x".repeat(901)));
        let (lines, complaints, status) = adarsh.end();
        assert_eq!(lines[1..], ["Adarsh: after"]);
        assert_eq!(complaints.matches("labclient: not said: ").count(), 2);
        assert_eq!(status, Some(1));
    });
}

#[test]
fn a_program_gets_an_object_a_line() {
    with_room(|room, _| {
        let mut adarsh = Member::start(room, &["--name", "Adarsh", "--json"]);
        adarsh.types("hello\n/who\n\x07\n");
        let (lines, complaints, status) = adarsh.end();
        assert_eq!(
            lines[..3],
            [
                r#"{"joined":"Adarsh","more":0,"ok":true,"with":[]}"#,
                r#"{"event":"said","name":"Adarsh","text":"hello"}"#,
                r#"{"here":["Adarsh"],"more":0,"ok":true}"#,
            ]
        );
        assert!(lines[3].contains(r#""ok":false"#), "{}", lines[3]);
        assert_eq!((complaints.as_str(), status), ("", Some(1)));
    });
}

#[test]
fn a_taken_name_ends_a_pipe_with_the_reason() {
    with_room(|room, _| {
        let mut first = Member::start(room, &["--name", "Joty"]);
        first.line();
        let (lines, complaints, status) = Member::start(room, &["--name", "jOTY"]).end();
        assert!(lines.is_empty());
        assert_eq!(complaints, "labclient: Joty is in the room\n");
        assert_eq!(status, Some(1));
        assert_eq!(
            Member::start(room, &["--name", "two words"]).end().2,
            Some(2)
        );
    });
}

#[test]
fn a_stopping_server_ends_the_client_at_once_with_the_reason() {
    with_room(|room, stop| {
        let mut adarsh = Member::start(room, &["--name", "Adarsh"]);
        adarsh.line();
        stop();
        // Its input is still open.
        let status = adarsh.child.wait().unwrap();
        assert_eq!(status.code(), Some(3));
        let (_, complaints, _) = adarsh.end();
        assert_eq!(
            complaints,
            format!("labclient: {room}: the room ended the conversation: the server is stopping\n")
        );
    });
}

#[cfg(unix)]
#[test]
fn ctrl_c_leaves_politely() {
    with_room(|room, _| {
        let mut joty = Member::start(room, &["--name", "Joty"]);
        joty.line();
        let mut adarsh = Member::start(room, &["--name", "Adarsh"]);
        adarsh.line();
        assert_eq!(joty.line(), "Adarsh has joined the chat.");
        let pid = adarsh.child.id().to_string();
        let interrupted = Command::new("kill").args(["-INT", &pid]).status();
        assert!(interrupted.unwrap().success());
        assert_eq!(adarsh.child.wait().unwrap().code(), Some(0));
        assert_eq!(joty.line(), "Adarsh has left the chat.");
        assert_eq!(joty.end().2, Some(0));
    });
}

/// A server that says READY and lets Adarsh in, then says these bytes and closes.
fn ends_after(words: &'static [u8]) -> (Vec<String>, String, Option<i32>) {
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
    let mut adarsh = Member::start(address, &["--name", "Adarsh"]);
    adarsh.line();
    // Its input stays open until it ends by itself.
    adarsh.child.wait().unwrap();
    serving.join().unwrap();
    adarsh.end()
}

#[test]
fn who_is_thrown_out_is_told_why() {
    let (lines, complaints, status) = ends_after(b"ERR busy you say more than the room can take");
    assert!(lines.is_empty());
    assert!(
        complaints.ends_with("conversation: you say more than the room can take\n"),
        "{complaints}"
    );
    assert_eq!(status, Some(3));
}

#[test]
fn a_server_that_goes_without_a_word_is_lost() {
    let (lines, complaints, status) = ends_after(b"EVENT said Joty last words");
    assert_eq!(lines, ["Joty: last words"]);
    assert!(
        complaints.contains("the server closed the connection\n"),
        "{complaints}"
    );
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
        let (lines, complaints, status) = ends_after(words);
        let shown = lines.concat() + &complaints;
        assert!(
            !shown.contains('\x1b') && !shown.contains('\u{202e}'),
            "{shown:?}"
        );
        assert_eq!(status, Some(expected), "{complaints}");
    }
}
