//! Date and time over UDP.

use std::net::UdpSocket;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use client::clock::Clock;
use client::failure::Status;
use client::session::Target;
use proto::datetime::Request;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use server::{Config, Role};
use testkit::peer::receive_text;
use testkit::service::{Service, start_at, start_with};
use testkit::wait_until;
use wire::fault::FaultPlan;

use crate::programs::free_ports;
use crate::proxy::recordings::recorder;
use crate::target;

fn at(moment: &str) -> Config {
    let moment = Box::new(moment.parse().unwrap());
    Config {
        role: Role::Services(vec![Mode::Datetime]),
        clock: server::clock::Clock::Fixed(moment),
        ..Config::default()
    }
}

fn started() -> Service {
    start_with(Mode::Datetime, at("2026-11-21T07:44:16.999[Asia/Dhaka]"))
}

fn ask(socket: &UdpSocket, datagram: &[u8]) -> String {
    socket.send(datagram).unwrap();
    receive_text(socket)
}

#[test]
fn questions_and_answers_have_these_exact_bytes() {
    let server = started();
    let socket = server.datagrams();
    for (question, answer) in [
        (&b"SEND_DATE"[..], "OK 2026-11-21"),
        (b"SEND_TIME", "OK 07:44:16"),
        (b" SEND_TIME\r\n", "OK 07:44:16"),
        (b"send_date", "ERR unknown-verb"),
        (b"\xff", "ERR malformed"),
    ] {
        assert_eq!(ask(&socket, question), answer);
    }
}

#[test]
fn what_must_not_be_answered_is_not_and_the_next_question_is() {
    let server = started();
    let socket = server.datagrams();
    for datagram in [
        &b""[..],
        b"QUIT",
        b"OK 07:44:16",
        b"ERR malformed",
        b"READY x 1",
    ] {
        socket.send(datagram).unwrap();
    }
    // Datagrams over loopback keep their order, so an answer to one of those would come first.
    assert_eq!(ask(&socket, b"SEND_DATE"), "OK 2026-11-21");
}

#[test]
fn an_injected_refusal_answers_nothing_that_the_clock_does_not() {
    let server = start_with(
        Mode::Datetime,
        Config {
            faults: Some(FaultPlan::new("error=#1-3".parse().unwrap(), 1)),
            ..at("2026-11-21T07:44:16[UTC]")
        },
    );
    let socket = server.datagrams();
    for datagram in [&b"QUIT"[..], b"\r\n", b" OK\n"] {
        socket.send(datagram).unwrap();
    }
    assert_eq!(ask(&socket, b"SEND_DATE"), "OK 2026-11-21");
}

#[test]
fn a_datagram_as_long_as_they_come_gets_a_short_refusal() {
    let server = started();
    let socket = server.datagrams();
    let longest = vec![b'x'; wire::datagram::MAX_DATAGRAM];
    assert_eq!(ask(&socket, &longest), "ERR unknown-verb");
}

#[test]
fn the_server_survives_clients_that_are_gone_before_the_answer() {
    let server = started();
    for _ in 0..50 {
        let socket = server.datagrams();
        socket.send(b"SEND_DATE").unwrap();
        // The answer meets a closed port, and the kernel reports that to the server.
        drop(socket);
    }
    assert_eq!(ask(&server.datagrams(), b"SEND_TIME"), "OK 07:44:16");
}

#[test]
fn a_source_above_its_rate_is_not_answered() {
    let server = start_with(
        Mode::Datetime,
        Config {
            datagram_rate: 5,
            ..at("2026-11-21T07:44:16[UTC]")
        },
    );
    let socket = server.datagrams();
    for _ in 0..100 {
        socket.send(b"SEND_DATE").unwrap();
    }
    for _ in 0..5 {
        assert_eq!(receive_text(&socket), "OK 2026-11-21");
    }
    let mut more = 0;
    let quiet = Duration::from_millis(300);
    socket.set_read_timeout(Some(quiet)).unwrap();
    while socket.recv(&mut [0; 64]).is_ok() {
        more += 1;
    }
    // One in sixteen of the others, and what a slow machine earns meanwhile.
    assert!(more < 45, "{more} more");
}

#[test]
fn the_client_asks_and_understands() {
    let server = started();
    let mut clock =
        Clock::open(&target(Mode::Datetime, server.address_over(Transport::Udp))).unwrap();
    let date = clock.ask(Request::Date).unwrap().unwrap();
    let time = clock.ask(Request::Time).unwrap().unwrap();
    assert_eq!(date.to_string(), "2026-11-21");
    assert_eq!(time.to_string(), "07:44:16");
}

#[test]
fn a_restart_of_the_server_is_not_noticed_by_the_client() {
    // One that no other program is given while nothing listens there.
    let port = free_ports().next().unwrap();
    let server = start_at(port, at("2026-11-21T07:44:16[UTC]"));
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("it.jsonl");
    let recorder = recorder(Side::Client, &file, None);
    let target = Target {
        recorder: Some(recorder.clone()),
        ..target(Mode::Datetime, server.address())
    };
    let mut clock = Clock::open(&target).unwrap();
    clock.ask(Request::Date).unwrap().unwrap();
    drop(server);
    let asking = thread::spawn(move || clock.ask(Request::Time).unwrap().unwrap());
    wait_until(|| {
        recorder.flush();
        let recorded = std::fs::read_to_string(&file).unwrap();
        recorded.contains(r#""event":"failed""#)
    });
    let _again = start_at(port, at("2026-11-21T07:44:20[UTC]"));
    assert_eq!(asking.join().unwrap().to_string(), "07:44:20");
}

#[test]
fn a_late_date_is_not_taken_for_a_time_nor_an_old_time_for_a_new_one() {
    let server = UdpSocket::bind("127.0.0.1:0").unwrap();
    let mut clock = Clock::open(&target(Mode::Datetime, server.local_addr().unwrap())).unwrap();
    let (tell_repeated, repeated) = mpsc::channel();
    let answering = thread::spawn(move || {
        let mut buffer = [0; 64];
        let (_, client) = server.recv_from(&mut buffer).unwrap();
        for answer in ["OK 2026-11-21", "nonsense", "OK 07:44:16", "OK 07:44:16"] {
            server.send_to(answer.as_bytes(), client).unwrap();
        }
        tell_repeated.send(()).unwrap();
        let (length, _) = server.recv_from(&mut buffer).unwrap();
        assert_eq!(&buffer[..length], b"SEND_TIME");
        server.send_to(b"OK 07:44:18", client).unwrap();
    });
    let first = clock.ask(Request::Time).unwrap().unwrap();
    assert_eq!(first.to_string(), "07:44:16");
    repeated.recv().unwrap();
    let second = clock.ask(Request::Time).unwrap().unwrap();
    assert_eq!(second.to_string(), "07:44:18");
    answering.join().unwrap();
}

#[test]
fn a_client_that_hears_nothing_gives_up_in_time() {
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let target = Target {
        timeout: Duration::from_millis(400),
        ..target(Mode::Datetime, silent.local_addr().unwrap())
    };
    let failure = Clock::open(&target)
        .unwrap()
        .ask(Request::Date)
        .unwrap_err();
    assert_eq!(failure.status(), Status::Unreachable);
    assert!(failure.words().unwrap().contains("no answer to 4 tries"));
    silent.set_nonblocking(true).unwrap();
    let mut asked = 0;
    while silent.recv(&mut [0; 64]).is_ok() {
        asked += 1;
    }
    assert_eq!(asked, client::datagram::TRIES);
}
