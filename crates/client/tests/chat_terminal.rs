//! The real `labclient chat` on a pseudo-terminal: what a person sees while typing.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use expectrl::process::unix::WaitStatus;
use expectrl::session::OsSession;
use expectrl::{ControlCode, Eof, Expect};
use proto::frame::Framing;
use proto::mode::Mode;
use server::{Config, Role, Server};
use wire::connection::Connection;
use wire::limits::Limits;

/// Far longer than anything here takes: a test that meets it has failed.
const PATIENCE: Duration = Duration::from_secs(60);

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

/// Somebody at a terminal.
fn terminal(room: SocketAddr, words: &[&str]) -> OsSession {
    let mut command = Command::new(env!("CARGO_BIN_EXE_labclient"));
    command
        .args(["chat", "--server", &room.to_string()])
        .args(words)
        .env("TERM", "xterm")
        .env("USER", "Ahona");
    let mut session = OsSession::spawn(command).unwrap();
    session.set_expect_timeout(Some(PATIENCE));
    session
}

/// Somebody else in the room.
struct Peer(Connection);

impl Peer {
    fn join(room: SocketAddr, name: &str) -> Peer {
        let stream = TcpStream::connect(room).unwrap();
        let mut peer = Peer(Connection::new(stream, Framing::Netstring, Limits::CLIENT).unwrap());
        peer.say(&format!("JOIN {name}"));
        peer.hear_until(&format!("OK joined {name}"));
        peer
    }

    fn say(&mut self, message: &str) {
        self.0.writer.send(message.as_bytes()).unwrap();
    }

    fn hear_until(&mut self, beginning: &str) -> Vec<u8> {
        let by = Some(Instant::now() + PATIENCE);
        loop {
            let message = self.0.reader.receive(by).unwrap().unwrap();
            if message.starts_with(beginning.as_bytes()) {
                return message;
            }
        }
    }
}

/// What is still shown until the client ends, and its exit status.
fn end(mut session: OsSession) -> (String, i32) {
    let rest = session.expect(Eof).unwrap();
    let rest = String::from_utf8_lossy(rest.as_bytes()).into_owned();
    match session.get_process().wait().unwrap() {
        WaitStatus::Exited(_, status) => (rest, status),
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_enters_is_told_how_to_leave_and_an_unknown_command_is_not_said() {
    with_room(|room, _| {
        let mut joty = Peer::join(room, "Joty");
        let mut ahona = terminal(room, &["--name", "Ahona"]);
        ahona.expect("/help: this again, quit: leave.").unwrap();
        ahona.send("/bye\r").unwrap();
        ahona
            .expect("(not said: \"/bye\" is none of: /who, /help, /quit;")
            .unwrap();
        ahona.send("/help\r").unwrap();
        ahona.expect("/help: this again, quit: leave.").unwrap();
        ahona.send("//exit\r").unwrap();
        ahona.expect("Ahona: /exit").unwrap();
        let first = joty.hear_until("EVENT said ");
        assert_eq!(first, b"EVENT said Ahona /exit");
        ahona.send("quit\r").unwrap();
        assert_eq!(end(ahona).1, 0);
    });
}

#[test]
fn a_line_that_comes_in_stands_above_the_one_being_typed() {
    with_room(|room, _| {
        let mut joty = Peer::join(room, "Joty");
        let mut adarsh = terminal(room, &["--name", "Adarsh"]);
        adarsh.expect("Adarsh has joined the chat.").unwrap();
        adarsh.expect("Already here: Joty").unwrap();
        adarsh.expect("chat> ").unwrap();
        adarsh.send("half").unwrap();
        adarsh.expect("half").unwrap();
        joty.say("SAY hello");
        adarsh.expect("Joty: hello\r\n").unwrap();
        // What was typed is drawn again, and still belongs to the line.
        adarsh.expect("chat> half").unwrap();
        adarsh.send(" a line\r").unwrap();
        joty.hear_until("EVENT said Adarsh half a line");
        adarsh.expect("Adarsh: half a line\r\n").unwrap();
        adarsh.send("quit\r").unwrap();
        joty.hear_until("EVENT left Adarsh quit");
        let (rest, status) = end(adarsh);
        assert!(!rest.contains("half a line"), "shown twice: {rest:?}");
        assert_eq!(status, 0);
    });
}

#[test]
fn lines_typed_ahead_and_pasted_are_each_said() {
    with_room(|room, _| {
        let mut joty = Peer::join(room, "Joty");
        let mut adarsh = terminal(room, &["--name", "Adarsh"]);
        adarsh.expect("chat> ").unwrap();
        adarsh.send("one\rtwo\rthree\r").unwrap();
        adarsh.send("\x1b[200~four\rfive\x1b[201~\r").unwrap();
        for line in ["one", "two", "three", "four", "five"] {
            joty.hear_until(&format!("EVENT said Adarsh {line}"));
            adarsh.expect(format!("Adarsh: {line}\r\n")).unwrap();
        }
        // Up brings back what was said.
        adarsh.send("\x1b[A\x1b[A\x1b[A\r").unwrap();
        joty.hear_until("EVENT said Adarsh three");
        adarsh.send("quit\r").unwrap();
        assert_eq!(end(adarsh).1, 0);
    });
}

#[test]
fn the_name_is_asked_for_until_it_is_free() {
    with_room(|room, _| {
        let mut joty = Peer::join(room, "Joty");
        let mut ahona = terminal(room, &[]);
        ahona.expect("name [Ahona]: ").unwrap();
        ahona.send("joty\r").unwrap();
        ahona.expect("Joty is in the room").unwrap();
        ahona.expect("name [Ahona]: ").unwrap();
        ahona.send("two words\r").unwrap();
        ahona.expect("a name has").unwrap();
        ahona.expect("name [Ahona]: ").unwrap();
        ahona.send("\r").unwrap();
        joty.hear_until("EVENT joined Ahona");
        ahona.expect("chat> ").unwrap();
        ahona.send(ControlCode::EndOfTransmission).unwrap();
        joty.hear_until("EVENT left Ahona quit");
        assert_eq!(end(ahona).1, 0);
    });
}

#[test]
fn ctrl_c_leaves_although_a_line_is_half_typed() {
    with_room(|room, _| {
        let mut joty = Peer::join(room, "Joty");
        let mut adarsh = terminal(room, &["--name", "Adarsh"]);
        adarsh.expect("chat> ").unwrap();
        adarsh.send("never said").unwrap();
        adarsh.expect("never said").unwrap();
        adarsh.send(ControlCode::EndOfText).unwrap();
        joty.hear_until("EVENT left Adarsh quit");
        assert_eq!(end(adarsh).1, 0);
    });
}

#[test]
fn a_stopping_server_ends_the_client_although_a_line_is_half_typed() {
    with_room(|room, stop| {
        let mut adarsh = terminal(room, &["--name", "Adarsh"]);
        adarsh.expect("chat> ").unwrap();
        adarsh.send("half").unwrap();
        adarsh.expect("half").unwrap();
        stop();
        let (rest, status) = end(adarsh);
        assert!(rest.contains("the server is stopping"), "{rest:?}");
        assert_eq!(status, 3);
    });
}

#[test]
fn a_busy_room_is_shown_whole_and_in_order_while_somebody_types() {
    with_room(|room, _| {
        let mut joty = Peer::join(room, "Joty");
        let mut adarsh = terminal(room, &["--name", "Adarsh"]);
        adarsh.expect("chat> ").unwrap();
        joty.hear_until("EVENT joined Adarsh");
        for number in 0..18 {
            joty.say(&format!("SAY line {number}."));
            adarsh.send("x").unwrap();
        }
        for number in 0..18 {
            adarsh.expect(format!("Joty: line {number}.\r\n")).unwrap();
        }
        adarsh.send("\r").unwrap();
        joty.hear_until(&format!("EVENT said Adarsh {}", "x".repeat(18)));
        joty.say("SAY last words");
        adarsh.send("quit\r").unwrap();
        assert_eq!(end(adarsh).1, 0);
    });
}
