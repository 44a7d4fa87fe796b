//! Our client, and servers that are bare sockets.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use client::failure::{Failure, Status};
use client::modes::script::{ScriptUi, play};
use client::session::Target;
use proto::mode::Mode;
use proto::script::{SHIPPED, Script, Shipped};
use testkit::TEST_TIMEOUT;
use testkit::peer::{udp_socket, with_timeouts};
use testkit::service::start_configured;

use crate::target;

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
        framing: script.framing(),
        timeout: Duration::from_secs(2),
        ..target(Mode::Script, server)
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

/// What the client sends, and what it is answered.
type Dialogue = &'static [(&'static str, &'static str)];

/// Plays a shipped script against a bare server that holds a dialogue on each connection, and waits
/// for the client to end it where `client_ends`.
fn play_against(
    name: &str,
    lines: &[&'static str],
    connections: &[Dialogue],
    client_ends: bool,
) -> Outcome {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serve = || {
        for dialogue in connections {
            let mut stream = with_timeouts(listener.accept().unwrap().0);
            for (expected, answer) in *dialogue {
                let mut request = vec![0; expected.len()];
                stream.read_exact(&mut request).unwrap();
                assert_eq!(
                    request.escape_ascii().to_string(),
                    expected.as_bytes().escape_ascii().to_string()
                );
                stream.write_all(answer.as_bytes()).unwrap();
                thread::sleep(Duration::from_millis(2));
            }
            if client_ends {
                assert_eq!(stream.read(&mut [0]).unwrap(), 0);
            }
        }
    };
    thread::scope(|scope| {
        scope.spawn(serve);
        play_with(address, Shipped::find(name).unwrap().source, lines)
    })
}

type Played = (
    &'static str,
    &'static [&'static str],
    &'static [Dialogue],
    bool,
    Status,
    &'static [&'static str],
);

const BYE: &str = "BYE BYE CLIENT...";

/// Script, lines of the user, dialogues, whether the client ends the connection, exit status, and
/// what is shown.
const PLAYED: [Played; 7] = [
    (
        "knock-knock",
        &[],
        &[&[("Knock Knock..", "Whose there?")]],
        true,
        Status::Done,
        &["Whose there?"],
    ),
    // In pieces.
    (
        "greeting",
        &[],
        &[&[
            ("", "Socket "),
            ("", "program"),
            ("", "ming in"),
            ("", " python"),
        ]],
        false,
        Status::Done,
        &["Socket programming in python"],
    ),
    // Sixteen octets of seventeen.
    (
        "sixteen",
        &[],
        &[&[("Hello!! Server!!", BYE)]],
        false,
        Status::Done,
        &["BYE BYE CLIENT.."],
    ),
    // Each line on a connection of its own.
    (
        "length-prefix",
        &["hello", "", "\u{e9}"],
        &[
            &[("005hello", "017BYE BYE CLIENT...")],
            &[("000", "017BYE BYE CLIENT...")],
            &[("002\u{e9}", "017BYE BYE CLIENT...")],
        ],
        false,
        Status::Done,
        &[BYE; 3],
    ),
    // Until the server says that it closes.
    (
        "accepted",
        &["hi", "CLOSE", "never said"],
        &[&[("hi", "accepted"), ("CLOSE", "closed")]],
        true,
        Status::Done,
        &["accepted", "closed"],
    ),
    // Until the input ends.
    (
        "accepted",
        &["hi"],
        &[&[("hi", "accepted")]],
        true,
        Status::Done,
        &["accepted"],
    ),
    // A line that cannot be sent is refused, and the next one sent.
    (
        "accepted",
        &["", "close"],
        &[&[("close", "closed")]],
        true,
        Status::Refused,
        &["closed"],
    ),
];

#[test]
fn the_client_keeps_to_each_script() {
    for (name, lines, connections, client_ends, status, shown) in PLAYED {
        let played = play_against(name, lines, connections, client_ends);
        let shown = shown.iter().map(ToString::to_string).collect();
        assert_eq!(played, (status, shown, String::new()), "{name}, {lines:?}");
    }
}

#[test]
fn whatever_the_script_does_not_say_is_a_failure_with_the_reason() {
    const FAILURES: [(&str, &[&str], Dialogue, &str); 8] = [
        (
            "knock-knock",
            &[],
            &[("Knock Knock..", "Who's there?")],
            "expected \"Whose there?\", got \"Who's there?\"",
        ),
        (
            "knock-knock",
            &[],
            &[("Knock Knock..", "")],
            "expected \"Whose there?\", got the end of the connection",
        ),
        (
            "knock-knock",
            &[],
            &[("Knock Knock..", "\x1b[2J")],
            "expected \"Whose there?\", got \"\\u{1b}[2J\"",
        ),
        (
            "greeting",
            &[],
            &[("", "Socket")],
            "got \"Socket\" and no more",
        ),
        ("greeting", &[], &[], "got the end of the connection"),
        (
            "greeting",
            &[],
            &[(
                "",
                "Socket programming in pythonSocket programming in python",
            )],
            "expected the end of the connection, got \"Socket programming in python\"",
        ),
        (
            "greeting",
            &[],
            &[("", "Socket programming in python!")],
            "expected the end of the connection, got \"!\" and no more",
        ),
        (
            "length-prefix",
            &["hello"],
            &[("005hello", BYE)],
            "three digits, as in `002hi`, not \"BYE\"",
        ),
    ];
    for (name, lines, dialogue, words) in FAILURES {
        let (status, shown, said) = play_against(name, lines, &[dialogue], false);
        assert_eq!(status, Status::Protocol, "{said}");
        assert!(shown.is_empty() || name == "greeting", "{shown:?}");
        assert!(said.ends_with(words), "{said}");
    }
}

#[test]
fn a_silent_server_is_waited_for_until_the_time_out() {
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
fn the_joke_is_sent_over_udp() {
    let server = udp_socket();
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
    let server = udp_socket();
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
fn a_closed_port_is_reported_over_either_transport() {
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
