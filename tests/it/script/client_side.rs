//! Our client, and servers that are bare sockets.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use client::failure::{Failure, Status};
use client::modes::script::{ScriptUi, play};
use client::session::Target;
use proto::mode::Mode;
use proto::script::{SHIPPED, Script, Shipped};
use testkit::TEST_TIMEOUT;
use testkit::service::start_configured;

/// The lines of a user, and what was shown.
struct Person {
    lines: VecDeque<&'static str>,
    shown: Vec<String>,
    /// Is sent something when anything is shown.
    on_shown: Sender<()>,
}

impl ScriptUi for Person {
    fn ask(&mut self, _prompt: &str) -> Result<Option<String>, Failure> {
        Ok(self.lines.pop_front().map(String::from))
    }

    fn show(&mut self, message: &[u8]) -> Result<(), Failure> {
        self.shown.push(String::from_utf8_lossy(message).into());
        let _ = self.on_shown.send(());
        Ok(())
    }
}

/// What came of playing a script: the exit status, what was shown, the words of the failure.
type Outcome = (Status, Vec<String>, String);

fn play_with(server: SocketAddr, source: &str, lines: &[&'static str]) -> Outcome {
    play_and_tell(server, source, lines, channel().0)
}

fn play_and_tell(
    server: SocketAddr,
    source: &str,
    lines: &[&'static str],
    on_shown: Sender<()>,
) -> Outcome {
    let script: Script = source.parse().unwrap();
    let target = Target {
        peer: Mode::Script.into(),
        server: server.to_string(),
        framing: script.framing(),
        timeout: Duration::from_secs(2),
        faults: None,
        recorder: None,
    };
    let mut person = Person {
        lines: lines.iter().copied().collect(),
        shown: Vec::new(),
        on_shown,
    };
    let (status, words) = match play(&script, &target, &mut person) {
        Ok(status) => (status, String::new()),
        Err(failure) => (failure.status(), failure.words().unwrap()),
    };
    (status, person.shown, words)
}

/// Plays a shipped script against a bare server that handles this many connections.
fn play_against(
    name: &str,
    lines: &[&'static str],
    connections: usize,
    serve: impl Fn(TcpStream) + Send + 'static,
) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = thread::spawn(move || {
        for _ in 0..connections {
            let (stream, _) = listener.accept().unwrap();
            stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
            serve(stream);
        }
    });
    let outcome = play_with(address, Shipped::find(name).unwrap().source, lines);
    serving.join().unwrap();
    outcome
}

fn expect(stream: &mut TcpStream, bytes: &[u8]) {
    let mut came = vec![0; bytes.len()];
    stream.read_exact(&mut came).unwrap();
    assert_eq!(came, bytes);
}

fn expect_end(stream: &mut TcpStream) {
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest).unwrap();
    assert_eq!(rest, b"");
}

#[test]
fn the_client_knocks_and_closes() {
    let (status, shown, _) = play_against("knock-knock", &[], 1, |mut stream| {
        expect(&mut stream, b"Knock Knock..");
        stream.write_all(b"Whose there?").unwrap();
        expect_end(&mut stream);
    });
    assert_eq!(
        (status, &shown[..]),
        (Status::Done, &["Whose there?".into()][..])
    );
}

#[test]
fn the_greeting_may_come_in_pieces() {
    let (status, shown, _) = play_against("greeting", &[], 1, |mut stream| {
        for piece in b"Socket programming in python".chunks(7) {
            stream.write_all(piece).unwrap();
            thread::sleep(Duration::from_millis(2));
        }
    });
    assert_eq!(status, Status::Done);
    assert_eq!(shown, ["Socket programming in python"]);
}

#[test]
fn the_client_takes_sixteen_octets_of_seventeen() {
    let (status, shown, _) = play_against("sixteen", &[], 1, |mut stream| {
        expect(&mut stream, b"Hello!! Server!!");
        stream.write_all(b"BYE BYE CLIENT...").unwrap();
    });
    assert_eq!(
        (status, &shown[..]),
        (Status::Done, &["BYE BYE CLIENT..".into()][..])
    );
}

#[test]
fn each_line_goes_on_a_connection_of_its_own_behind_its_length() {
    let lines = ["hello", "", "\u{e9}"];
    let sent = ["005hello", "000", "002\u{e9}"].map(|text| text.as_bytes().to_vec());
    let sent = std::sync::Mutex::new(VecDeque::from(sent));
    let (status, shown, _) = play_against("length-prefix", &lines, 3, move |mut stream| {
        let next = sent.lock().unwrap().pop_front().unwrap();
        expect(&mut stream, &next);
        stream.write_all(b"017BYE BYE CLIENT...").unwrap();
    });
    assert_eq!((status, shown.len()), (Status::Done, 3));
}

#[test]
fn lines_are_said_until_the_server_closes() {
    let lines = ["hi", "CLOSE", "never said"];
    let (status, shown, _) = play_against("accepted", &lines, 1, |mut stream| {
        expect(&mut stream, b"hi");
        stream.write_all(b"accepted").unwrap();
        expect(&mut stream, b"CLOSE");
        stream.write_all(b"closed").unwrap();
        expect_end(&mut stream);
    });
    assert_eq!(status, Status::Done);
    assert_eq!(shown, ["accepted", "closed"]);
}

#[test]
fn the_end_of_the_input_ends_the_exchange() {
    let (status, shown, _) = play_against("accepted", &["hi"], 1, |mut stream| {
        expect(&mut stream, b"hi");
        stream.write_all(b"accepted").unwrap();
        expect_end(&mut stream);
    });
    assert_eq!((status, shown.len()), (Status::Done, 1));
}

#[test]
fn a_line_that_cannot_be_sent_is_refused_and_the_next_one_sent() {
    let (status, _, _) = play_against("accepted", &["", "close"], 1, |mut stream| {
        expect(&mut stream, b"close");
        stream.write_all(b"closed").unwrap();
    });
    assert_eq!(status, Status::Refused);
}

#[test]
fn whatever_the_script_does_not_say_is_a_failure_with_the_reason() {
    let knocked = |answer: &'static [u8]| {
        play_against("knock-knock", &[], 1, move |mut stream| {
            expect(&mut stream, b"Knock Knock..");
            stream.write_all(answer).unwrap();
        })
    };
    for (answer, words) in [
        (
            &b"Who's there?"[..],
            "expected \"Whose there?\", got \"Who's there?\"",
        ),
        (
            b"",
            "expected \"Whose there?\", got the end of the connection",
        ),
        (b"\x1b[2J", "expected \"Whose there?\", got \"\\u{1b}[2J\""),
    ] {
        let (status, shown, said) = knocked(answer);
        assert_eq!((status, shown.len()), (Status::Protocol, 0));
        assert!(said.ends_with(words), "{said}");
    }
}

#[test]
fn too_little_and_too_much_are_failures_too() {
    for (sent, words) in [
        (&b"Socket"[..], "got \"Socket\" and no more"),
        (b"", "got the end of the connection"),
        (
            b"Socket programming in pythonSocket programming in python",
            "expected the end of the connection, got \"Socket programming in python\"",
        ),
        (
            b"Socket programming in python!",
            "expected the end of the connection, got \"!\" and no more",
        ),
    ] {
        let (status, _, said) = play_against("greeting", &[], 1, move |mut stream| {
            stream.write_all(sent).unwrap();
        });
        assert_eq!(status, Status::Protocol);
        assert!(said.ends_with(words), "{said}");
    }
}

#[test]
fn a_length_that_is_none_is_a_failure_that_shows_it() {
    let (status, _, said) = play_against("length-prefix", &["hello"], 1, |mut stream| {
        expect(&mut stream, b"005hello");
        stream.write_all(b"BYE BYE CLIENT...").unwrap();
    });
    assert_eq!(status, Status::Protocol);
    assert!(
        said.ends_with("three digits, as in `002hi`, not \"BYE\""),
        "{said}"
    );
}

#[test]
fn a_server_that_says_nothing_is_not_waited_for_for_ever() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let source = Shipped::find("knock-knock").unwrap().source;
    let (status, _, said) = play_with(listener.local_addr().unwrap(), source, &[]);
    assert_eq!(status, Status::Protocol);
    assert!(
        said.ends_with("expected \"Whose there?\", got nothing"),
        "{said}"
    );
}

#[test]
fn a_reset_is_an_end_where_an_end_is_awaited() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (on_shown, shown) = channel();
    let serving = thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.read_exact(&mut [0; 3]).unwrap();
        stream.write_all(b"017BYE BYE CLIENT...").unwrap();
        // The client has read the answer: the reset cannot overtake it.
        shown.recv_timeout(TEST_TIMEOUT).unwrap();
    });
    let script = Shipped::find("length-prefix").unwrap().source;
    let (status, shown, words) = play_and_tell(address, script, &["hello"], on_shown);
    serving.join().unwrap();
    assert_eq!((status, shown.len()), (Status::Done, 1), "{words}");
}

#[test]
fn the_joke_is_told_over_udp() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    server.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    for (answer, expected) in [("Ok", Status::Done), ("What?", Status::Protocol)] {
        let address = server.local_addr().unwrap();
        let server = server.try_clone().unwrap();
        let answering = thread::spawn(move || {
            let mut buffer = [0; 128];
            let (length, client) = server.recv_from(&mut buffer).unwrap();
            let joke = b"I could tell you a UDP joke but I'm not sure you'll get it.";
            assert_eq!(&buffer[..length], joke);
            server.send_to(answer.as_bytes(), client).unwrap();
        });
        let joke = Shipped::find("joke").unwrap().source;
        let (status, _, said) = play_with(address, joke, &[]);
        answering.join().unwrap();
        assert_eq!(status, expected, "{said}");
    }
}

#[test]
fn a_datagram_without_an_answer_is_sent_once() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let source = Shipped::find("udp").unwrap().source;
    let (status, _, _) = play_with(server.local_addr().unwrap(), source, &[]);
    assert_eq!(status, Status::Done);
    let mut buffer = [0; 64];
    let length = server.recv(&mut buffer).unwrap();
    assert_eq!(&buffer[..length], b"Hello, world");
    server.set_nonblocking(true).unwrap();
    assert!(server.recv(&mut buffer).is_err());
}

#[test]
fn nobody_there_is_told_over_either_transport() {
    // No free port will do: another test may get it meanwhile.
    let closed = SocketAddr::from(([127, 0, 0, 1], 1));
    for name in ["udp", "knock-knock"] {
        let (status, _, said) = play_with(closed, Shipped::find(name).unwrap().source, &[]);
        assert_eq!(status, Status::Unreachable, "{name}");
        assert!(said.contains("labserver --mode script"), "{said}");
    }
}

#[test]
fn our_two_halves_keep_to_every_shipped_script() {
    for shipped in SHIPPED {
        let script: Script = shipped.source.parse().unwrap();
        let transport = script.transport();
        let server = start_configured(Mode::Script, |config| config.script = Some(script));
        let address = server.address_over(transport);
        let (status, _, said) = play_with(address, shipped.source, &["one", "close"]);
        assert_eq!(status, Status::Done, "{}: {said}", shipped.name);
    }
}
