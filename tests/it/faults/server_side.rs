//! Faults that the server injects.

use std::io::{Read, Write};
use std::net::{Shutdown, UdpSocket};
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use proto::side::Side;
use server::Config;
use server::clock::Clock;
use testkit::peer::{exchange, receive_from, receive_text};
use testkit::service::{Service, start_configured, start_with};
use wire::fault::{Exchange, FaultKind, FaultPlan, FaultScope};

use super::config;

#[test]
fn a_request_is_dropped_refused_or_carried_out_without_an_answer() {
    // Requests and the first words of their answers, if there are any.
    for (spec, dialogue) in [
        (
            "drop-request=#1",
            &[("HELLO A", ""), ("CALC 1 + 1", "ERR out-of-order")][..],
        ),
        ("drop-reply=#1", &[("HELLO A", ""), ("CALC 1 + 1", "OK 2")]),
        (
            "error=#1",
            &[
                ("HELLO A", "ERR unavailable injected fault"),
                ("CALC 1 + 1", "ERR out-of-order"),
                ("HELLO A", "OK hello A"),
            ],
        ),
    ] {
        let server = start_with(Mode::Calc, config(spec));
        let mut peer = server.converse(Framing::Netstring);
        for (request, expected) in dialogue {
            peer.send(request);
            if !expected.is_empty() {
                let answer = peer.receive().unwrap() + " ";
                assert!(
                    answer.starts_with(&format!("{expected} ")),
                    "{spec}: {answer}"
                );
            }
        }
    }
}

#[test]
fn ready_is_never_disturbed() {
    let server = start_with(Mode::Text, config("drop-reply=100%,cut=100%"));
    server.converse(Framing::Netstring);
}

#[test]
fn doubled_requests_keep_requests_and_answers_in_step() {
    let server = start_with(Mode::Text, config("duplicate=100%"));
    let requests = b"8:PRIME 97,9:LOWER ABC,5:WRONG,8:PRIME 98,4:QUIT,";
    let answers = exchange(server.connect(), requests);
    let words: Vec<_> = answers.split("ERR unknown-verb").collect();
    assert_eq!(words.len(), 2, "{answers}");
    assert!(words[0].starts_with("12:READY text 1,8:OK prime,6:OK abc,"));
    assert!(
        words[1].ends_with(",12:OK not prime,6:OK bye,"),
        "{answers}"
    );
}

#[test]
fn a_refused_message_does_not_bring_the_count_of_answers_out_of_step() {
    let config = Config {
        framing: Framing::Line,
        ..config("duplicate=#1-2,error=#3")
    };
    let server = start_with(Mode::Text, config);
    let long = "x".repeat(Framing::Line.max_payload() + 1);
    let requests = format!("LOWER A\n{long}\nLOWER B\nLOWER C\nLOWER D\n");
    let answers = exchange(server.connect(), requests.as_bytes());
    let codes: Vec<_> = answers
        .lines()
        .map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" "))
        .collect();
    let expected = [
        "READY text",
        "OK a",
        "ERR too-long",
        "OK b",
        "ERR unavailable",
        "OK d",
    ];
    assert_eq!(codes, expected);
}

#[test]
fn a_cut_reply_ends_half_way() {
    let server = start_with(Mode::Text, config("cut=#2"));
    let answers = exchange(server.connect(), b"8:PRIME 97,8:PRIME 98,8:PRIME 99,");
    assert_eq!(answers, "12:READY text 1,8:OK prime,12:OK no");
}

#[test]
fn a_reset_comes_instead_of_a_reply() {
    let server = start_with(Mode::Text, config("reset=#2"));
    let mut stream = server.connect();
    stream.write_all(b"8:PRIME 97,8:PRIME 98,").unwrap();
    let mut answers = Vec::new();
    let error = stream.read_to_end(&mut answers).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

fn differ_in_one_bit(one: &[u8], other: &[u8]) {
    assert_eq!(one.len(), other.len());
    let differing = one.iter().zip(other).map(|(a, b)| (a ^ b).count_ones());
    assert_eq!(differing.sum::<u32>(), 1, "{}", one.escape_ascii());
}

#[test]
fn a_corrupted_reply_differs_in_one_bit() {
    let config = Config {
        framing: Framing::Line,
        ..config("corrupt=#1")
    };
    let server = start_with(Mode::Text, config);
    let mut stream = server.connect();
    let expected = b"READY text 1\nOK abcdefgh\n";
    stream.write_all(b"LOWER ABCDEFGH\n").unwrap();
    let mut answers = vec![0; expected.len()];
    stream.read_exact(&mut answers).unwrap();
    differ_in_one_bit(&answers, expected);
}

#[test]
fn a_reply_is_glued_to_the_next_and_waits_for_it_no_longer_than_it_must() {
    let server = start_with(Mode::Text, config("glue=#1"));
    let mut stream = server.connect();
    let mut ready = [0; 16];
    stream.read_exact(&mut ready).unwrap();
    stream.write_all(b"8:PRIME 97,8:PRIME 98,").unwrap();
    let mut piece = [0; 64];
    let length = stream.read(&mut piece).unwrap();
    assert_eq!(&piece[..length], b"8:OK prime,12:OK not prime,");

    let server = start_with(Mode::Text, config("glue=#1"));
    let mut peer = server.converse(Framing::Netstring);
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
}

#[test]
fn a_split_reply_is_whole_in_the_end() {
    let server = start_with(Mode::Text, config("split=1"));
    let mut peer = server.converse(Framing::Netstring);
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    assert_eq!(peer.ask("QUIT"), "OK bye");
}

#[test]
fn an_echo_is_split_glued_corrupted_and_reset() {
    let server = start_with(Mode::Echo, config("split=3,glue=#1,corrupt=#3,reset=#4"));
    let mut stream = server.connect();
    let mut echo = |bytes: &[u8]| {
        stream.write_all(bytes).unwrap();
        let mut back = vec![0; bytes.len()];
        let read = stream.read_exact(&mut back);
        read.map(|()| back)
    };
    assert_eq!(echo(b"alone in the end").unwrap(), b"alone in the end");
    assert_eq!(echo(b"in pieces of three").unwrap(), b"in pieces of three");
    differ_in_one_bit(&echo(b"one bit").unwrap(), b"one bit");
    let error = echo(b"never").unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
}

#[test]
fn a_delayed_reply_is_late_and_in_order() {
    let server = start_with(Mode::Text, config("delay=150ms@#1"));
    let mut peer = server.converse(Framing::Netstring);
    let asked = Instant::now();
    peer.send("PRIME 7");
    peer.send("PRIME 8");
    assert_eq!(peer.receive().unwrap(), "OK prime");
    assert!(asked.elapsed() >= Duration::from_millis(150));
    assert_eq!(peer.receive().unwrap(), "OK not prime");
}

#[test]
fn counts_go_over_all_connections() {
    let server = start_with(Mode::Text, config("error=#2"));
    let mut first = server.converse(Framing::Netstring);
    let mut second = server.converse(Framing::Netstring);
    assert_eq!(first.ask("PRIME 7"), "OK prime");
    assert_eq!(second.ask("PRIME 7"), "ERR unavailable injected fault");
    assert_eq!(second.ask("PRIME 7"), "OK prime");
}

#[test]
fn a_seed_repeats_what_happens_on_each_connection() {
    let plan = || FaultPlan::new("drop-request=30%,drop-reply=30%".parse().unwrap(), 2026);
    let server = start_configured(Mode::Text, |config| config.faults = Some(plan()));
    for number in 0..3 {
        let mut faults = plan().faults(FaultScope {
            side: Side::Server,
            transport: Transport::Tcp,
            number,
            exchange: Exchange::Answered,
        });
        let mut stream = server.connect();
        let mut expected = "12:READY text 1,".to_owned();
        for request in 10..60 {
            write!(stream, "8:LOWER {request},").unwrap();
            let passes = |kind| kind == FaultKind::Pass;
            if passes(faults.requests.next_decision().kind)
                && passes(faults.replies.next_decision().kind)
            {
                expected += &format!("5:OK {request},");
            }
        }
        assert_eq!(exchange(stream, b""), expected, "connection {number}");
    }
}

#[test]
fn each_fault_strikes_a_chat_room_whose_events_are_replies() {
    for (spec, heard) in [
        ("drop-request=#2", &["OK here A"][..]),
        ("drop-reply=#2", &["OK said", "OK here A"]),
        ("drop-reply=#3", &["EVENT said A hi", "OK here A"]),
        ("error=#2", &["ERR unavailable injected fault", "OK here A"]),
        (
            "duplicate=#2",
            &["EVENT said A hi", "OK said", "EVENT said A hi", "OK here A"],
        ),
    ] {
        let server = start_with(Mode::Chat, config(spec));
        let mut peer = server.converse(Framing::Netstring);
        assert_eq!(peer.ask("JOIN A"), "OK joined A");
        peer.send("SAY hi");
        peer.send("WHO");
        for message in heard {
            assert_eq!(peer.receive().unwrap(), *message, "{spec}");
        }
    }
    let server = start_with(Mode::Chat, config("cut=#1"));
    let answers = exchange(server.connect(), b"6:JOIN A,");
    assert_eq!(answers, "12:READY chat 1,11:OK j");
}

#[test]
fn echo_takes_what_it_read_for_a_message() {
    for (spec, back) in [
        ("duplicate=#1", "abcdabcd"),
        ("duplicate=#1,drop-reply=#2", "abcd"),
        ("drop-request=#1", ""),
        ("drop-reply=#1", ""),
        ("error=#1", "abcd"),
    ] {
        let server = start_with(Mode::Echo, config(spec));
        assert_eq!(exchange(server.connect(), b"abcd"), back, "{spec}");
    }
    let server = start_with(Mode::Echo, config("cut=#1,delay=50ms"));
    let mut stream = server.connect();
    let sent = Instant::now();
    stream.write_all(b"abcdef").unwrap();
    let mut half = [0; 3];
    stream.read_exact(&mut half).unwrap();
    assert_eq!(&half, b"abc");
    assert!(sent.elapsed() >= Duration::from_millis(50));
    assert!(!matches!(stream.read(&mut half), Ok(1..)));
    let _ = stream.shutdown(Shutdown::Both);
}

fn clock(spec: &str) -> (Service, UdpSocket) {
    let moment = "2026-11-21T07:44:16[UTC]".parse().unwrap();
    let server = start_with(
        Mode::Datetime,
        Config {
            clock: Clock::Fixed(Box::new(moment)),
            ..config(spec)
        },
    );
    let socket = server.datagrams();
    (server, socket)
}

const DATE: &str = "OK 2026-11-21";
const TIME: &str = "OK 07:44:16";

#[test]
fn each_fault_strikes_datagrams() {
    for (spec, answers) in [
        ("drop-request=#1", &[TIME][..]),
        ("drop-reply=#1", &[TIME]),
        ("duplicate=#1", &[DATE, DATE, TIME]),
        ("error=#1", &["ERR unavailable", TIME]),
        ("reorder=#1", &[TIME, DATE]),
        ("delay=150ms@#1", &[TIME, DATE]),
        ("cut=#1,split=1,glue=#1,reset=#1", &[DATE, TIME]),
    ] {
        let (_server, socket) = clock(spec);
        socket.send(b"SEND_DATE").unwrap();
        socket.send(b"SEND_TIME").unwrap();
        for answer in answers {
            assert_eq!(receive_text(&socket), *answer, "{spec}");
        }
    }
}

#[test]
fn a_corrupted_datagram_differs_in_one_bit() {
    let (_server, socket) = clock("corrupt=#1");
    socket.send(b"SEND_DATE").unwrap();
    differ_in_one_bit(&receive_from(&socket).0, DATE.as_bytes());
    socket.send(b"SEND_TIME").unwrap();
    assert_eq!(receive_text(&socket), TIME);
}

#[test]
fn an_injected_refusal_never_answers_what_could_be_an_answer() {
    let (_server, socket) = clock("error=#1-3");
    for datagram in [&b"ERR unavailable"[..], b"OK 07:44:16", b"", b"SEND_DATE"] {
        socket.send(datagram).unwrap();
    }
    assert_eq!(receive_text(&socket), DATE);
}

#[test]
fn datagrams_that_are_echoed_can_be_doubled_and_lost() {
    let server = start_with(Mode::Echo, config("duplicate=#1,drop-reply=#3,error=#3"));
    let socket = server.datagrams();
    for datagram in [b"a", b"b", b"c"] {
        socket.send(datagram).unwrap();
    }
    assert_eq!(
        [
            receive_text(&socket),
            receive_text(&socket),
            receive_text(&socket)
        ],
        ["a", "a", "c"]
    );
}
