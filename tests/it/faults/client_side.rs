//! Faults that the client injects.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use client::datagram::Asker;
use client::failure::Failure;
use client::session::{Session, Target};
use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use proto::refusal::Code;
use proto::side::Side;
use proto::text;
use testkit::TEST_TIMEOUT;
use testkit::peer::{receive_text, udp_socket};
use testkit::service::start_with;
use wire::connection::Connection;
use wire::datagram::Endpoint;
use wire::fault::{Exchange, FaultScope};
use wire::limits::Limits;

use super::plan;

/// Long enough for an answer over loopback on a busy machine, short enough to be waited for.
const TIMEOUT: Duration = Duration::from_millis(500);

fn target(mode: Mode, server: SocketAddr, spec: &str) -> Target {
    Target {
        timeout: TIMEOUT,
        faults: Some(plan(spec)),
        ..crate::target(mode, server)
    }
}

/// A server that numbers its answers, `OK 1`, `OK 2`, and at the end says what it was asked and how
/// the stream ended.
fn bare_server() -> (SocketAddr, JoinHandle<(Vec<String>, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let serving = std::thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut connection = Connection::new(stream, Framing::Netstring, Limits::SERVER).unwrap();
        connection.writer.send(b"READY text 1").unwrap();
        let mut asked = Vec::new();
        let end = loop {
            match connection
                .reader
                .receive(Some(Instant::now() + TEST_TIMEOUT))
            {
                Ok(Some(message)) => {
                    let request = String::from_utf8(message).unwrap();
                    asked.push(request.strip_prefix("LOWER ").unwrap().to_owned());
                    let answer = format!("OK {}", asked.len());
                    // A client that has given up does not read it.
                    let _ = connection.writer.send(answer.as_bytes());
                }
                Ok(None) => break String::new(),
                Err(error) => break error.to_string(),
            }
        };
        (asked, end)
    });
    (address, serving)
}

/// What two requests in one conversation are answered, and what the server was asked and saw at the
/// end.
fn ask_twice(spec: &str) -> ([String; 2], Vec<String>, String) {
    let (address, serving) = bare_server();
    let mut session = Session::open(&target(Mode::Text, address, spec)).unwrap();
    let answers = ["A", "B"].map(|request| match session.ask(&lower(request)) {
        Ok(Ok(answer)) => answer.to_string(),
        Ok(Err(refusal)) => format!("{:?}: {}", refusal.code, refusal.words),
        Err(Failure::Lost(words)) => words.split_once(": ").unwrap().1.to_owned(),
        Err(failure) => panic!("{failure:?}"),
    });
    drop(session);
    let (asked, end) = serving.join().unwrap();
    (answers, asked, end)
}

fn lower(text: &str) -> text::Request {
    text::Request::Lower(text.to_owned())
}

const NO_ANSWER: &str = "no answer within 0.5 s";

#[test]
fn each_fault_strikes_a_request_or_its_answer() {
    let refused = format!("{:?}: injected fault", Code::Unavailable);
    let cut = "an injected fault cut the connection";
    for (spec, answers, asked, end) in [
        ("drop-request=#1", [NO_ANSWER, "1"], &["B"][..], ""),
        ("drop-reply=#1", [NO_ANSWER, "2"], &["A", "B"], ""),
        ("duplicate=#1", ["1", "3"], &["A", "A", "B"], ""),
        ("error=#1", [&refused, "1"], &["B"], ""),
        (
            "cut=#1",
            [cut, cut],
            &[],
            "closed 3 bytes into a 7-byte message",
        ),
    ] {
        let (answers_seen, asked_seen, end_seen) = ask_twice(spec);
        assert_eq!(answers_seen, answers, "{spec}");
        assert_eq!(asked_seen, asked, "{spec}");
        assert_eq!(end_seen, end, "{spec}");
    }
}

#[test]
fn a_delayed_request_is_late() {
    let began = Instant::now();
    let (answers, asked, _) = ask_twice("delay=100ms");
    assert_eq!(answers, ["1", "2"]);
    assert_eq!(asked, ["A", "B"]);
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[test]
fn a_dropped_request_is_made_good_by_a_client_over_udp() {
    let server = start_with(Mode::Echo, server::Config::default());
    let address = server.address_over(Transport::Udp);
    for spec in [
        "drop-request=#1-2",
        "drop-reply=#1-2",
        "duplicate=#1",
        "error=#1",
    ] {
        let mut asker = Asker::open(&target(Mode::Echo, address, spec)).unwrap();
        for text in [b"one", b"two"] {
            asker
                .ask(text, Vec::new(), |answer| (answer == text).then_some(()))
                .unwrap();
        }
    }
}

#[test]
fn a_refused_question_over_udp_is_answered_as_if_by_the_server() {
    let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = peer.local_addr().unwrap();
    let mut asker = Asker::open(&target(Mode::Datetime, address, "error=#1")).unwrap();
    let answer = asker
        .ask(b"SEND_DATE", Vec::new(), |answer| Some(answer.to_vec()))
        .unwrap();
    assert_eq!(answer, b"ERR unavailable injected fault");
    peer.set_nonblocking(true).unwrap();
    assert!(peer.recv(&mut [0; 16]).is_err(), "nothing was sent");
}

/// What a bare peer receives when `a`, `b` and `c` are sent to it.
fn sent_over_udp(spec: &str, expected: usize) -> String {
    let peer = udp_socket();
    let mut endpoint = Endpoint::connected_to(peer.local_addr().unwrap()).unwrap();
    endpoint.inject(plan(spec).faults(FaultScope {
        side: Side::Client,
        transport: Transport::Udp,
        number: 0,
        exchange: Exchange::Answered,
    }));
    for message in [b"a", b"b", b"c"] {
        endpoint.send(message).unwrap();
    }
    // Late datagrams leave while the endpoint waits.
    let by = Instant::now() + Duration::from_millis(150);
    assert!(endpoint.receive(Some(by)).unwrap().is_none());
    let mut received = String::new();
    for _ in 0..expected {
        received += &receive_text(&peer);
    }
    peer.set_nonblocking(true).unwrap();
    assert!(
        peer.recv(&mut [0; 16]).is_err(),
        "{spec}: more than {received}"
    );
    received
}

#[test]
fn datagrams_are_lost_doubled_late_and_overtaken() {
    for (spec, received) in [
        ("drop-request=#2", "ac"),
        ("duplicate=#2", "abbc"),
        ("reorder=#1", "bac"),
        ("reorder=100%", "ba"),
        ("reorder=#3", "ab"),
        ("delay=50ms@#1", "bca"),
        ("delay=50ms", "abc"),
        ("reorder=#1,delay=50ms@#2", "cba"),
        ("reorder=#1,drop-request=#2", "ca"),
    ] {
        assert_eq!(sent_over_udp(spec, received.len()), received, "{spec}");
    }
}
