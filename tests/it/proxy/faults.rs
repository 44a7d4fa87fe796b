//! What a proxy does to messages, by count, so that nothing is left to chance.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use proto::side::Direction;
use server::Config;
use testkit::TEST_TIMEOUT;
use testkit::peer::{read_text, reset};
use testkit::service::{start, start_proxy};

use super::{Between, hear, hear_reset};
use crate::faults::{config, plan};

/// A proxy of netstrings under these faults.
fn between(spec: &str) -> Between {
    Between::new(Config {
        framing: Framing::Netstring,
        ..config(spec)
    })
}

fn say_and_end(mut stream: &TcpStream, bytes: &[u8]) {
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
}

/// What the server hears of these requests, and the client of these replies.
fn passed(spec: &str, requests: &str, replies: &str) -> (String, String) {
    let between = between(spec);
    let (client, server) = between.connect();
    say_and_end(&client, requests.as_bytes());
    let to_server = read_text(&server);
    say_and_end(&server, replies.as_bytes());
    (to_server, read_text(&client))
}

const THREE: &str = "3:one,3:two,5:three,";

#[test]
fn a_fault_strikes_whole_messages_of_its_direction() {
    for (spec, requests, replies) in [
        ("drop-request=#2", "3:one,5:three,", THREE),
        ("drop-reply=#2", THREE, "3:one,5:three,"),
        (
            "drop-request=#1-2,drop-reply=#3",
            "5:three,",
            "3:one,3:two,",
        ),
        ("duplicate=#2", "3:one,3:two,3:two,5:three,", THREE),
        (
            "duplicate=100%",
            "3:one,3:one,3:two,3:two,5:three,5:three,",
            THREE,
        ),
        ("drop-request=100%,drop-reply=100%", "", ""),
        ("split=2,glue=50%", THREE, THREE),
        // Nothing to strike over TCP.
        ("reorder=100%", THREE, THREE),
    ] {
        let passed = passed(spec, THREE, THREE);
        assert_eq!(passed, (requests.into(), replies.into()), "{spec}");
    }
}

#[test]
fn a_message_is_whole_however_it_comes() {
    let between = between("drop-request=#2");
    let (mut client, server) = between.connect();
    for byte in THREE.bytes() {
        client.write_all(&[byte]).unwrap();
    }
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_text(&server), "3:one,5:three,");
}

#[test]
fn bytes_that_make_no_message_are_not_struck_and_not_counted() {
    let spec = "drop-request=#2-100,drop-reply=#1";
    let (requests, replies) = passed(spec, "3:one,GET / HTTP/1.1\r\n3:two,", "8:PRI");
    assert_eq!(requests, "3:one,GET / HTTP/1.1\r\n3:two,");
    assert_eq!(replies, "8:PRI");
}

#[test]
fn a_cut_message_ends_half_way_and_its_sender_sees_the_end_too() {
    for from_client in [true, false] {
        // Each direction is counted by itself.
        let between = between("cut=#2");
        let (client, server) = between.connect();
        let (mut sender, receiver) = match from_client {
            true => (client, server),
            false => (server, client),
        };
        sender.write_all(THREE.as_bytes()).unwrap();
        assert_eq!(read_text(&receiver), "3:one,3:t");
        assert_eq!(read_text(&sender), "");
    }
}

#[test]
fn a_reset_takes_the_place_of_a_message_for_both_ends() {
    for from_client in [true, false] {
        let between = between("reset=#2");
        let (client, server) = between.connect();
        let (mut speaker, listener) = match from_client {
            true => (client, server),
            false => (server, client),
        };
        speaker.write_all(b"3:one,").unwrap();
        hear(&listener, b"3:one,");
        speaker.write_all(b"3:two,").unwrap();
        hear_reset(&listener);
        hear_reset(&speaker);
    }
}

#[test]
fn a_glued_message_goes_with_the_next_or_alone_when_there_is_none() {
    let between = between("glue=#1");
    let (mut client, mut server) = between.connect();
    client.write_all(b"3:one,").unwrap();
    // One request at a time is only late.
    hear(&server, b"3:one,");
    server.write_all(b"3:one,").unwrap();
    hear(&client, b"3:one,");
    drop(client);

    let between = self::between("glue=#1");
    let (mut client, mut server) = between.connect();
    client.write_all(b"3:one,3:two,").unwrap();
    let mut piece = [0; 64];
    let length = server.read(&mut piece).unwrap();
    assert_eq!(&piece[..length], b"3:one,3:two,");
}

#[test]
fn a_corrupted_message_has_one_bit_flipped_and_its_neighbours_none() {
    let (requests, replies) = passed("corrupt=#2,drop-reply=100%", THREE, THREE);
    assert_eq!(replies, "");
    assert_eq!(requests.len(), THREE.len());
    let flipped = requests.bytes().zip(THREE.bytes()).map(|(a, b)| a ^ b);
    let flipped: Vec<_> = flipped.enumerate().filter(|(_, bits)| *bits != 0).collect();
    let [(position, bits)] = flipped[..] else {
        panic!("{flipped:?}");
    };
    assert!((6..12).contains(&position) && bits.is_power_of_two());
}

#[test]
fn late_messages_are_late_in_order_and_hold_nothing_up() {
    let between = between("delay=150ms@#1");
    let (mut client, mut server) = between.connect();
    let began = Instant::now();
    client.write_all(b"3:one,3:two,").unwrap();
    hear(&server, b"3:one,3:two,");
    assert!(began.elapsed() >= Duration::from_millis(150));
    server.write_all(b"3:one,").unwrap();
    hear(&client, b"3:one,");
    assert!(began.elapsed() >= Duration::from_millis(300));
}

#[test]
fn a_reset_does_not_wait_for_what_is_late() {
    let between = between("delay=3600s");
    let (mut client, server) = between.connect();
    client.write_all(b"3:one,").unwrap();
    reset(client);
    hear_reset(&server);
}

#[test]
fn counts_go_over_all_connections() {
    let between = between("drop-request=#2");
    let (first, second) = (between.connect(), between.connect());
    say_and_end(&first.0, b"3:one,");
    assert_eq!(read_text(&first.1), "3:one,");
    say_and_end(&second.0, b"3:two,5:three,");
    assert_eq!(read_text(&second.1), "5:three,");
}

#[test]
fn what_one_read_returned_is_one_message_in_raw_framing() {
    let (sender, receiver) = channel();
    let plan = plan("drop-request=#2").observed(move |strike| sender.send(strike).unwrap());
    let between = Between::new(Config {
        framing: Framing::Raw,
        faults: Some(plan),
        ..Config::default()
    });
    let (mut client, server) = between.connect();
    client.write_all(b"one").unwrap();
    hear(&server, b"one");
    client.write_all(b"3:two,\n5:three,\n").unwrap();
    // Only when this was read is the next one another read.
    let strike = receiver.recv_timeout(TEST_TIMEOUT).unwrap();
    assert_eq!(
        (strike.direction, strike.decision.number),
        (Direction::ToServer, 2)
    );
    client.write_all(b"end").unwrap();
    hear(&server, b"end");
}

/// What becomes of 100 requests and of 100 answers, on each of two connections.
fn struck(seed: u64) -> Vec<(String, String)> {
    let spec = "drop-request=30%,drop-reply=30%,duplicate=20%";
    let plan = wire::fault::FaultPlan::new(spec.parse().unwrap(), seed);
    let between = Between::new(Config {
        framing: Framing::Line,
        faults: Some(plan),
        ..Config::default()
    });
    let lines: String = (0..100).map(|n| format!("{n}\n")).collect();
    let pairs = [between.connect(), between.connect()];
    let pass = |(client, server): &(TcpStream, TcpStream)| {
        say_and_end(client, lines.as_bytes());
        say_and_end(server, lines.as_bytes());
        (read_text(server), read_text(client))
    };
    pairs.iter().map(pass).collect()
}

#[test]
fn a_seed_repeats_what_happens_and_requests_and_replies_meet_different_fates() {
    let first = struck(2026);
    assert_eq!(first, struck(2026));
    assert_ne!(first, struck(2027));
    assert_ne!(first[0], first[1]);
    assert_ne!(first[0].0, first[0].1);
}

#[test]
fn requests_are_late_as_a_client_with_that_seed_is_and_replies_as_a_server_with_another() {
    use proto::side::Side;
    use wire::fault::{Exchange, FaultScope};
    let plan = wire::fault::FaultPlan::new("delay=0ms..80ms,cut=10%".parse().unwrap(), 1_234_567);
    // The first number of SplitMix64 from 1234567, as published.
    let other = wire::fault::FaultPlan::new((*plan.spec()).clone(), 6_457_827_717_110_365_317);
    let (mut requests, mut replies) = plan.relay(Transport::Tcp, 3);
    let channel = |side| FaultScope {
        side,
        transport: Transport::Tcp,
        number: 3,
        exchange: Exchange::Transparent,
    };
    let mut client = plan.faults(channel(Side::Client)).requests;
    let mut server = other.faults(channel(Side::Server)).replies;
    let mut differ = false;
    for _ in 0..100 {
        let (request, reply) = (requests.next_decision(), replies.next_decision());
        let (expected, also) = (client.next_decision(), server.next_decision());
        assert_eq!(
            (request.kind, request.delay),
            (expected.kind, expected.delay)
        );
        assert_eq!((reply.kind, reply.delay), (also.kind, also.delay));
        differ |= request.delay != reply.delay;
    }
    assert!(differ);
}

#[test]
fn a_client_asks_again_through_it_what_it_lost() {
    let text = start(Mode::Text);
    let config = Config {
        framing: Framing::Netstring,
        // READY is the first of the replies, as the proxy sees them.
        ..config("drop-reply=#2")
    };
    let proxy = start_proxy(text.address_over(Transport::Tcp), Transport::Tcp, config);
    let mut peer = proxy.converse(Framing::Netstring);
    peer.send("PRIME 97");
    assert_eq!(peer.ask("LOWER ABC"), "OK abc");
}
