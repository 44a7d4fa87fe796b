//! A proxy between two other programs.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};

use proto::frame::Framing;
use proto::side::Side;
use record::{EventKind, Message, Recording};
use testkit::TEST_TIMEOUT;
use testkit::assert_contains;
use testkit::peer::Peer;
use testkit::process::words;
use testkit::process::{Process, Signal};

use crate::labserver::{CARD, Home, PIN, start};

/// A proxy to this server, with these flags.
fn proxy_to(server: SocketAddr, flags: &[&str]) -> Process {
    let to = server.to_string();
    start(&[&["--mode", "proxy", "--port", "0", "--to", &to], flags].concat())
}

#[test]
fn a_conversation_goes_through_it_with_nothing_added() {
    let text = start(&["--mode", "text", "--port", "0"]);
    let proxy = proxy_to(text.address("text tcp"), &[]);
    let mut peer = proxy.converse("proxy tcp");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    assert_eq!(peer.ask("QUIT"), "OK bye");
    assert_eq!(peer.receive(), None);
    let ended = proxy.stop();
    assert_eq!(ended.status, Some(0), "{ended:?}");
    assert_eq!(ended.stdout.lines().count(), 1, "{}", ended.stdout);
}

#[test]
fn a_lost_answer_of_the_bank_is_lost_by_the_proxy() {
    let home = Home::new();
    let bank = home.start(&["--mode", "atm", "--port", "0"]);
    // READY is the first reply, and the log-in's answer the second.
    let flags = ["--wire", "netstring", "--fault", "drop-reply=#3"];
    let proxy = proxy_to(bank.address("atm tcp"), &flags);
    let mut peer = proxy.converse("proxy tcp");
    assert!(peer.log_in(CARD, PIN).starts_with("OK welcome "));
    peer.send("BALANCE_INQUIRY");
    assert_eq!(peer.ask("QUIT"), "OK bye");
    proxy.stderr.wait_for("fault: reply #3: drop");
}

#[test]
fn datagrams_go_through_it() {
    let clock = start(&["--mode", "datetime", "--port", "0"]);
    let proxy = proxy_to(clock.address("datetime udp"), &["--udp"]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    socket.connect(proxy.address("proxy udp")).unwrap();
    socket.send(b"SEND_TIME").unwrap();
    let mut buffer = [0; 64];
    let length = socket.recv(&mut buffer).unwrap();
    assert_eq!(length, "OK 12:34:56".len());
    assert_eq!(proxy.stop().status, Some(0));
}

#[test]
fn a_server_that_is_not_there_is_named_in_the_log_and_the_client_is_reset() {
    let missing = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = missing.local_addr().unwrap();
    drop(missing);
    let proxy = proxy_to(to, &[]);
    let error = proxy.connect("proxy tcp").read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    let warnings = |line: &str| line.contains("WARN") && line.contains("nothing listens on");
    let at_start = proxy.stderr.find(warnings).unwrap();
    assert!(at_start.contains(&format!("{to} yet")), "{at_start}");
    let of_client = |line: &str| warnings(line) && line.contains("connection{");
    let of_client = proxy.stderr.find(of_client).unwrap();
    assert_contains(&of_client, &[&format!("nothing listens on {to}")]);
}

#[test]
fn a_proxy_does_not_warn_at_its_start_when_its_server_is_there() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = listener.local_addr().unwrap();
    let proxy = proxy_to(to, &[]);
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let of_datagrams = proxy_to(socket.local_addr().unwrap(), &["--udp"]);
    // It was not even connected to.
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err());
    for proxy in [proxy, of_datagrams] {
        let ended = proxy.stop();
        assert!(!ended.stderr.contains("WARN"), "{}", ended.stderr);
    }
}

#[test]
fn a_client_that_makes_room_is_let_go_though_the_server_neither_reads_nor_ends() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = server.local_addr().unwrap();
    let proxy = proxy_to(to, &["--max-connections", "2"]);
    let mut talker = proxy.connect("proxy tcp");
    let _held = server.accept().unwrap();
    // More than all buffers on the way take: the proxy's thread for it is stuck in a write.
    let stuck = Some(std::time::Duration::from_millis(200));
    talker.set_write_timeout(stuck).unwrap();
    while talker.write(&[b'x'; 64 * 1024]).is_ok() {}
    let _silent = proxy.connect("proxy tcp");
    let _held_too = server.accept().unwrap();
    let _others = [(); 2].map(|()| proxy.connect("proxy tcp"));
    let lines = &proxy.stderr;
    for id in ["id=0", "id=1"] {
        let line = lines.find(|line| line.contains("ended") && line.contains(id));
        let line = line.unwrap();
        assert!(line.contains("needed its place"), "{line}");
    }
}

#[test]
fn a_proxy_to_itself_is_refused() {
    for transport in [&[][..], &["--udp"]] {
        let refused = |port: u16| {
            let (port, to) = (port.to_string(), format!("127.0.0.1:{port}"));
            let arguments = ["--mode", "proxy", "--port", &port, "--to", &to];
            Home::new().run(&[&arguments, transport].concat())
        };
        // Another program may take a port as soon as it is free.
        let mut tries = std::iter::repeat_with(|| refused(free_port()));
        let ended = tries.find(|ended| !ended.stderr.contains("cannot listen"));
        let ended = ended.unwrap();
        ended.complained(1, &["is the proxy itself"]);
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn a_name_without_an_address_is_refused_at_the_start() {
    let to = "no-such-host.invalid:9005";
    let ended = Home::new().run(&["--mode", "proxy", "--port", "0", "--to", to]);
    ended.refused(1, &["no-such-host.invalid"]);
}

#[test]
fn both_conversations_are_in_its_recording() {
    let home = Home::new();
    let text = start(&["--mode", "text", "--port", "0"]);
    let server = text.address("text tcp");
    let to = server.to_string();
    let flags = format!("--to {to} --wire netstring --record proxy.jsonl --trace");
    let flags = words(&flags);
    let proxy = home.start(&[&["--mode", "proxy", "--port", "0"], &flags[..]].concat());
    let mut peer = proxy.converse("proxy tcp");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    proxy.stderr.wait_for("proxy#0 client ← PRIME 97");
    proxy.stderr.wait_for("proxy#0 server → PRIME 97");
    assert_eq!(proxy.stop().status, Some(0));

    let file = std::fs::File::open(home.path().join("proxy.jsonl")).unwrap();
    let recording = Recording::read(std::io::BufReader::new(file)).unwrap();
    let events = &recording.runs[0].events;
    let said = |side, wanted: fn(&EventKind) -> Option<&Message>| -> Vec<&str> {
        let on_side = events.iter().filter(|event| event.side == side);
        let messages = on_side.filter_map(|event| wanted(&event.kind));
        messages.map(|it| it.text.as_deref().unwrap()).collect()
    };
    assert_eq!(said(Side::Server, received), ["PRIME 97"]);
    assert_eq!(said(Side::Client, sent), ["PRIME 97"]);
    let replies = said(Side::Client, received);
    assert_eq!(replies[..2], ["READY text 1", "OK prime"]);
    assert_eq!(said(Side::Server, sent), replies);
    assert!(matches!(events.last().unwrap().kind, EventKind::Ended));
}

#[test]
fn one_signal_lets_conversations_end_through_it() {
    let text = start(&["--mode", "text", "--port", "0"]);
    let proxy = proxy_to(text.address("text tcp"), &[]);
    let mut peer = proxy.converse("proxy tcp");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    proxy.signal(Signal::INT);
    // The server finds the end of its input, and ends the conversation.
    assert_eq!(peer.receive(), None);
    assert_eq!(proxy.end().status, Some(0));
}

#[test]
fn one_connection_more_than_may_be_takes_the_place_of_another() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let server = listener.local_addr().unwrap();
    let proxy = proxy_to(server, &["--max-connections", "1"]);
    let first = proxy.connect("proxy tcp");
    let accepted = listener.accept().unwrap().0;
    let mut one = Peer::over(first, Framing::Line);
    let mut other = Peer::over(accepted, Framing::Line);
    one.send("hello");
    assert_eq!(other.receive().unwrap(), "hello");
    let mut second = Peer::over(proxy.connect("proxy tcp"), Framing::Line);
    assert_eq!(one.receive(), None);
    let mut other = Peer::over(listener.accept().unwrap().0, Framing::Line);
    second.send("hello too");
    assert_eq!(other.receive().unwrap(), "hello too");
}

fn sent(kind: &EventKind) -> Option<&Message> {
    match kind {
        EventKind::Sent(message) => Some(message),
        _ => None,
    }
}

fn received(kind: &EventKind) -> Option<&Message> {
    match kind {
        EventKind::Received(message) => Some(message),
        _ => None,
    }
}
