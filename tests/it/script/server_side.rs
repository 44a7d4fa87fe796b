//! Our server, and peers that are bare sockets.

use std::io::{Read, Write};
use std::thread;
use std::time::Duration;

use proto::frame::Framing;
use proto::handout::{Handout, Implementation};
use proto::mode::{Mode, Transport};
use proto::script::{Script, Shipped};
use server::{Config, Role, Server};
use testkit::peer::{exchange, read_text, receive_text, reset};
use testkit::service::{Service, start, start_configured, start_handout, start_with};
use wire::limits::Limits;

use crate::handout::connect_and_leave;

fn config(source: &str) -> Config {
    Config {
        script: Some(source.parse().unwrap()),
        ..Config::default()
    }
}

fn started(name: &str) -> Service {
    start_with(Mode::Script, config(Shipped::find(name).unwrap().source))
}

/// The script by its name, and as the hand-out that it implements.
fn both(name: &str) -> [Service; 2] {
    let is_it = |handout: &Handout| match handout.implementation() {
        Implementation::Script(script) => script == name,
        Implementation::Service(_) => false,
    };
    let handout = Handout::ALL.into_iter().find(is_it).unwrap();
    [started(name), start_handout(handout, Config::default())]
}

/// Sends these bytes on a new connection, and reads to its end.
fn said(server: &Service, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    stream.write_all(bytes).unwrap();
    read_text(&stream)
}

#[test]
fn without_a_script_it_is_knock_knock() {
    let server = start(Mode::Script);
    assert_eq!(said(&server, b"Knock Knock.."), "Whose there?");
}

#[test]
fn knock_knock_answers_and_closes_for_each_who_knocks() {
    for server in both("knock-knock") {
        for _ in 0..3 {
            assert_eq!(said(&server, b"Knock Knock.."), "Whose there?");
            reset(server.connect());
        }
    }
}

#[test]
fn a_wrong_message_is_answered_with_the_end_of_the_connection() {
    let server = started("knock-knock");
    for bytes in [&b"knock knock"[..], b"\xff\0", &[b'x'; 5_000]] {
        assert_eq!(said(&server, bytes), "");
    }
    assert_eq!(said(&server, b"Knock Knock.."), "Whose there?");
}

#[test]
fn the_greeting_has_28_bytes_and_nothing_is_awaited() {
    for server in both("greeting") {
        for _ in 0..2 {
            assert_eq!(said(&server, b""), "Socket programming in python");
            reset(server.connect());
        }
    }
}

/// Sends these bytes one by one on a new connection, and reads to its end.
fn said_in_single_bytes(server: &Service, bytes: &[u8]) -> String {
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for byte in bytes {
        stream.write_all(&[*byte]).unwrap();
        thread::sleep(Duration::from_millis(1));
    }
    read_text(&stream)
}

#[test]
fn sixteen_octets_are_a_message_however_they_come() {
    let server = started("sixteen");
    let message = b"Hello!! Server!!";
    assert_eq!(said(&server, message), "BYE BYE CLIENT...");
    assert_eq!(said_in_single_bytes(&server, message), "BYE BYE CLIENT...");
}

#[test]
fn fifteen_octets_and_an_end_are_no_message() {
    let server = started("sixteen");
    assert_eq!(exchange(server.connect(), b"Hello!! Server!"), "");
}

#[test]
fn a_client_that_leaves_the_17th_octet_unread_does_no_harm() {
    for server in both("sixteen") {
        for _ in 0..20 {
            let mut stream = server.connect();
            stream.write_all(b"Hello!! Server!!").unwrap();
            let mut answer = [0; 16];
            stream.read_exact(&mut answer).unwrap();
            assert_eq!(&answer, b"BYE BYE CLIENT..");
        }
        assert_eq!(said(&server, b"Hello!! Server!!"), "BYE BYE CLIENT...");
    }
}

#[test]
fn a_length_of_three_digits_goes_before_each_message() {
    let longest = [&b"255"[..], &[b'x'; 255]].concat();
    for server in both("length-prefix") {
        for bytes in [&b"005hello"[..], b"000", b"002\xff\0", &longest] {
            assert_eq!(said(&server, bytes), "017BYE BYE CLIENT...");
            assert_eq!(said_in_single_bytes(&server, bytes), "017BYE BYE CLIENT...");
            connect_and_leave(&server);
        }
        for bytes in [&b"+05hello"[..], b" 5 hello", b"256", b"999x"] {
            assert_eq!(said(&server, bytes), "");
        }
    }
}

#[test]
fn every_message_is_accepted_until_one_says_close_in_any_case() {
    let longest = "x".repeat(1024);
    for server in both("accepted") {
        let mut streams: Vec<_> = (0..50).map(|_| server.connect()).collect();
        for round in ["hello", "CLOSED", "\u{e9}", "clos", "close it", &longest] {
            for stream in &mut streams {
                stream.write_all(round.as_bytes()).unwrap();
                let mut answer = [0; 8];
                stream.read_exact(&mut answer).unwrap();
                assert_eq!(&answer, b"accepted");
            }
        }
        reset(streams.pop().unwrap());
        for (position, stream) in streams.iter_mut().enumerate() {
            let word = ["close", "CLOSE", "cLoSe"][position % 3];
            stream.write_all(word.as_bytes()).unwrap();
            let answer = read_text(stream);
            assert_eq!(answer, "closed");
        }
        connect_and_leave(&server);
    }
}

#[test]
fn an_end_of_the_connection_at_any_step_leaves_the_server_going() {
    let server = started("accepted");
    for leave in [drop, reset] {
        let mut stream = server.connect();
        stream.write_all(b"hello").unwrap();
        leave(stream);
    }
    assert_eq!(said(&server, b"close"), "closed");
}

#[test]
fn the_joke_is_understood_over_udp_and_nothing_else_is() {
    for server in both("joke") {
        let socket = server.datagrams();
        for _ in 0..2 {
            for datagram in [&b""[..], b"Ok", b"hello", b"\xff"] {
                socket.send(datagram).unwrap();
            }
            let joke = b"I could tell you a UDP joke but I'm not sure you'll get it.";
            socket.send(joke).unwrap();
            // Datagrams over loopback keep their order, so an answer to one of the others would
            // come first.
            assert_eq!(receive_text(&socket), "Ok");
        }
    }
}

#[test]
fn a_script_over_udp_listens_on_udp_alone() {
    for server in both("udp") {
        let socket = server.datagrams();
        socket.send(b"Hello, world").unwrap();
        let quiet = Duration::from_millis(100);
        socket.set_read_timeout(Some(quiet)).unwrap();
        assert!(socket.recv(&mut [0; 64]).is_err());
        let address = server.address_over(Transport::Udp);
        assert!(std::net::TcpStream::connect(address).is_err());
    }
}

#[test]
fn a_dialogue_in_states_is_held_with_each_peer_by_itself() {
    let server = start_with(
        Mode::Script,
        config(
            r#"
        title = "log in"
        transport = "tcp"
        wire = "line"

        [server]
        on-connect = { send = ["welcome", "name?"] }

        [[server.on]]
        receive = "jamal"
        send = "password?"
        next = "named"

        [[server.on]]
        state = "named"
        receive = "4321"
        send = "LOGGED_IN"
        close = true

        [[server.on]]
        state = "named"
        any = true
        send = "WRONG_CRED"
        next = "start"
        "#,
        ),
    );
    let (mut one, mut other) = (server.connect(), server.connect());
    one.write_all(b"jamal\r\n").unwrap();
    other.write_all(b"jamal\n0000\njamal\n4321\n").unwrap();
    assert_eq!(
        read_text(&other),
        "welcome\nname?\npassword?\nWRONG_CRED\npassword?\nLOGGED_IN\n"
    );
    one.write_all(b"4321\n").unwrap();
    assert_eq!(read_text(&one), "welcome\nname?\npassword?\nLOGGED_IN\n");
}

#[test]
fn another_framing_can_be_given() {
    let script: Script = Shipped::find("accepted").unwrap().source.parse().unwrap();
    let server = start_configured(Mode::Script, |config| {
        config.script = Some(script.in_framing(Framing::Netstring).unwrap())
    });
    assert_eq!(
        said(&server, b"2:hi,0:,5:Close,"),
        "8:accepted,8:accepted,6:closed,"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_server_and_a_slow_peer_hear_nothing_that_is_not_in_the_script() {
    let server = start_with(
        Mode::Script,
        Config {
            connections: 1,
            limits: Limits {
                idle: Some(Duration::from_millis(300)),
                ..Limits::SERVER
            },
            ..config(Shipped::find("accepted").unwrap().source)
        },
    );
    let mut first = server.connect();
    first.write_all(b"hi").unwrap();
    first.read_exact(&mut [0; 8]).unwrap();
    let mut refused = Vec::new();
    // The kernel may reset a connection whose bytes were never read.
    let _ = server.connect_from_elsewhere().read_to_end(&mut refused);
    assert_eq!(refused, b"");
    assert_eq!(read_text(&first), "");
}

#[test]
fn a_script_without_a_part_for_the_server_is_refused() {
    let source = "title = 'x'\ntransport = 'udp'\n[client]\non-connect = {send='a', close=true}";
    let error = Server::bind(Config {
        role: Role::Services(vec![Mode::Script]),
        port: Some(0),
        ..config(source)
    });
    let error = error.err().unwrap();
    assert!(error.to_string().contains("no [server] part"), "{error}");
}
