//! Datagrams, and the sockets they go through.

use std::net::UdpSocket;
use std::time::Instant;

use proto::mode::Transport;
use proto::side::Side;
use record::Secrets;
use wire::datagram::Endpoint;
use wire::fault::{Exchange, FaultPlan, FaultScope};

use super::{TEST_TIMEOUT, Tape, outline};

#[test]
fn datagrams_are_recorded_with_the_peer_of_each_and_what_a_fault_did() {
    for (spec, expected) in [
        ("drop-reply=#1", "dropped one Drop, sent two"),
        ("reorder=#1", "reordered one, sent two, sent one"),
    ] {
        let tape = Tape::server();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let mut endpoint = Endpoint::new(socket);
        endpoint.record(&tape.recorder, "echo", 0, None).unwrap();
        let plan = FaultPlan::new(spec.parse().unwrap(), 1);
        endpoint.inject(plan.faults(FaultScope {
            side: Side::Server,
            transport: Transport::Udp,
            number: 0,
            exchange: Exchange::Transparent,
        }));
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        peer.send_to(b"\xff", endpoint.local_addr().unwrap())
            .unwrap();
        let by = Some(Instant::now() + TEST_TIMEOUT);
        let (_, sender) = endpoint.receive(by).unwrap().unwrap();
        endpoint.send_to(b"one", sender).unwrap();
        endpoint.send_to(b"two", sender).unwrap();
        drop(endpoint);
        let events = tape.events();
        let channel = events[0].channel.as_ref().unwrap();
        assert_eq!(channel.peer, peer.local_addr().unwrap());
        assert_eq!((channel.transport, channel.connection), (Transport::Udp, 0));
        let expected = format!("received ?, {expected}");
        assert_eq!(outline(&events).join(", "), expected, "{spec}");
    }
}

#[test]
fn a_clients_socket_has_a_beginning_and_an_end_and_an_absent_server_is_recorded() {
    let tape = Tape::of(Side::Client, Secrets::Masked);
    let unbound = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr();
    let mut endpoint = Endpoint::connected_to(unbound.unwrap()).unwrap();
    let recorder = &tape.recorder;
    endpoint.record(recorder, "datetime", 3, None).unwrap();
    endpoint.send(b"hi").unwrap();
    let by = Some(Instant::now() + TEST_TIMEOUT);
    endpoint.receive(by).unwrap_err();
    drop(endpoint);
    let outline = outline(&tape.events());
    assert_eq!(outline[..2], ["Connected", "sent hi"]);
    assert!(outline[2].starts_with("Failed"), "{outline:?}");
    assert_eq!(outline[3], "closed Us End");
}
