//! What is said comes out as it went in.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use server::Config;
use testkit::peer::Peer;
use testkit::service::{start, start_proxy};
use wire::fault::generator::Xoshiro256PlusPlus;
use wire::limits::Limits;

use super::{Between, hear};
use crate::faults::config;

fn framed(framing: Framing, config: Config) -> Config {
    Config { framing, ..config }
}

/// Bytes with messages of each framing among them, whole and broken.
fn random_bytes(numbers: &mut Xoshiro256PlusPlus, most: usize) -> Vec<u8> {
    let mut bytes = Vec::new();
    while bytes.len() < most {
        match numbers.up_to(6) {
            0 => bytes.extend(b"5:hello,"),
            1 => bytes.extend(b"005hello"),
            2 => bytes.extend(b"hello\r\n"),
            3 => bytes.extend(b"\n\n7:x"),
            4 => bytes.extend(vec![b'x'; numbers.up_to(70_000) as usize]),
            _ => bytes.extend((0..numbers.up_to(500)).map(|_| numbers.next_u64() as u8)),
        }
    }
    bytes.truncate(most);
    bytes
}

/// Messages of this framing, and then bytes that may be none.
fn said(numbers: &mut Xoshiro256PlusPlus, framing: Framing) -> Vec<u8> {
    let mut bytes = Vec::new();
    for _ in 0..numbers.up_to(300) {
        let payload = vec![b'm'; 1 + numbers.up_to(200) as usize];
        framing.encode(&payload, &mut bytes).unwrap();
    }
    let rest = numbers.up_to(200_000) as usize;
    bytes.extend(random_bytes(numbers, rest));
    bytes
}

fn write_in_chunks(mut stream: &TcpStream, bytes: &[u8], numbers: &mut Xoshiro256PlusPlus) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let most = if numbers.up_to(3) == 0 { 50_000 } else { 40 };
        let length = 1 + numbers.up_to(most);
        let (chunk, behind) = rest.split_at(rest.len().min(length as usize));
        stream.write_all(chunk).unwrap();
        rest = behind;
    }
    stream.shutdown(Shutdown::Write).unwrap();
}

fn read_all(mut stream: &TcpStream) -> Vec<u8> {
    let mut all = Vec::new();
    stream.read_to_end(&mut all).unwrap();
    all
}

/// Both sides say this at once, and each must hear the other, whole and in order.
fn exchange_at_once(
    (client, server): (TcpStream, TcpStream),
    from_client: &[u8],
    from_server: &[u8],
    seed: u64,
) {
    thread::scope(|scope| {
        let (client, server) = (&client, &server);
        let chunks = |seed| Xoshiro256PlusPlus::from_seed(seed);
        scope.spawn(move || write_in_chunks(client, from_client, &mut chunks(seed)));
        scope.spawn(move || write_in_chunks(server, from_server, &mut chunks(seed + 1)));
        let heard_by_client = scope.spawn(|| read_all(client));
        assert!(
            read_all(server) == from_client,
            "seed {seed}: to the server"
        );
        assert!(
            heard_by_client.join().unwrap() == from_server,
            "seed {seed}: to the client"
        );
    });
}

#[test]
fn every_byte_arrives_in_order_in_every_framing_and_in_none() {
    for framing in Framing::ALL {
        // With a fault that never strikes, messages are cut out and put together again.
        for config in [Config::default(), config("drop-request=0%,delay=0ms@0%")] {
            let between = Between::new(framed(framing, config));
            for seed in 0..8 {
                let mut numbers = Xoshiro256PlusPlus::from_seed(seed);
                let from_client = said(&mut numbers, framing);
                let from_server = said(&mut numbers, framing);
                exchange_at_once(between.connect(), &from_client, &from_server, seed);
            }
        }
    }
}

#[test]
fn late_bytes_arrive_in_order_too() {
    for framing in Framing::ALL {
        let between = Between::new(framed(framing, config("delay=0ms..3ms")));
        let mut numbers = Xoshiro256PlusPlus::from_seed(2026);
        let from_client = said(&mut numbers, framing);
        let from_server = said(&mut numbers, framing);
        exchange_at_once(between.connect(), &from_client, &from_server, 2026);
    }
}

#[test]
fn ten_megabytes_each_way_at_once_do_not_stop_each_other() {
    for config in [Config::default(), config("drop-reply=0%")] {
        let between = Between::new(framed(Framing::Raw, config));
        let bytes: Vec<u8> = (0..10_000_000_u32).map(|n| (n ^ n >> 8) as u8).collect();
        let (client, server) = between.connect();
        thread::scope(|scope| {
            for stream in [&client, &server] {
                let bytes = &bytes;
                scope.spawn(move || {
                    (&*stream).write_all(bytes).unwrap();
                    stream.shutdown(Shutdown::Write).unwrap();
                });
            }
            for stream in [&client, &server] {
                assert!(read_all(stream) == bytes);
            }
        });
    }
}

#[test]
fn nothing_is_said_that_neither_end_said() {
    for framing in Framing::ALL {
        let between = Between::new(framed(framing, Config::default()));
        let (client, server) = between.connect();
        client.shutdown(Shutdown::Write).unwrap();
        server.shutdown(Shutdown::Write).unwrap();
        assert_eq!(read_all(&client), b"");
        assert_eq!(read_all(&server), b"");
    }
}

#[test]
fn a_part_of_a_message_is_not_held_back_where_no_fault_can_strike() {
    let between = Between::new(framed(Framing::Netstring, Config::default()));
    let (mut client, server) = between.connect();
    client.write_all(b"8:PRI").unwrap();
    hear(&server, b"8:PRI");
}

#[test]
fn a_message_that_is_not_whole_in_time_is_passed_on_as_it_is() {
    let config = config("drop-request=100%");
    let limits = Limits {
        frame: std::time::Duration::from_millis(20),
        ..Limits::SERVER
    };
    let between = Between::new(framed(Framing::Netstring, Config { limits, ..config }));
    let (mut client, server) = between.connect();
    client.write_all(b"3:one,8:PRI").unwrap();
    hear(&server, b"8:PRI");
    client.write_all(b"ME 97,").unwrap();
    client.shutdown(Shutdown::Write).unwrap();
    assert_eq!(read_all(&server), b"ME 97,");
}

#[test]
fn our_own_two_sides_talk_through_it() {
    let text = start(Mode::Text);
    let to = text.address_over(Transport::Tcp);
    let proxy = start_proxy(to, Transport::Tcp, Config::default());
    let mut peer = Peer::over(proxy.connect(), Framing::Netstring);
    assert_eq!(peer.receive().unwrap(), "READY text 1");
    assert_eq!(peer.ask("PRIME 97"), "OK prime");
    assert_eq!(peer.ask("QUIT"), "OK bye");
    assert_eq!(peer.receive(), None);
}
