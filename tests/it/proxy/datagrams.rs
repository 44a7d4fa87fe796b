//! Datagrams through a proxy.

use std::collections::BTreeSet;
use std::net::UdpSocket;
use std::time::Duration;

use proto::mode::Transport;
use server::Config;
use testkit::TEST_TIMEOUT;
use testkit::peer::{receive_from, udp_socket};
use testkit::service::{Service, start_proxy};
use wire::datagram::MAX_DATAGRAM;
use wire::limits::Limits;

use crate::faults::config;

/// A proxy, and a server of which only the socket is there.
fn between(config: Config) -> (Service, UdpSocket) {
    let server = udp_socket();
    let to = server.local_addr().unwrap();
    (start_proxy(to, Transport::Udp, config), server)
}

/// What the server hears of these, up to `last`, which must not be struck.
fn heard_up_to(socket: &UdpSocket, last: &str) -> Vec<String> {
    let mut all = Vec::new();
    while all.last().is_none_or(|heard| heard != last) {
        all.push(String::from_utf8(receive_from(socket).0).unwrap());
    }
    all
}

#[test]
fn a_datagram_stays_one_datagram_empty_or_as_long_as_they_come() {
    let (proxy, server) = between(Config::default());
    let client = proxy.datagrams();
    let longest = vec![0xff; MAX_DATAGRAM];
    for datagram in [&b"SEND_DATE"[..], b"", b"\0\n", &longest] {
        client.send(datagram).unwrap();
        let (heard, sender) = receive_from(&server);
        assert!(heard == datagram);
        server.send_to(datagram, sender).unwrap();
        assert!(receive_from(&client).0 == datagram);
    }
}

#[test]
fn each_client_has_its_own_answers() {
    let (proxy, server) = between(Config::default());
    let clients: Vec<_> = (0..20).map(|_| proxy.datagrams()).collect();
    for (number, client) in clients.iter().enumerate() {
        client.send(number.to_string().as_bytes()).unwrap();
    }
    let mut asked: Vec<_> = clients.iter().map(|_| receive_from(&server)).collect();
    asked.reverse();
    for (question, sender) in asked {
        server.send_to(&question, sender).unwrap();
        // And one without a request, as a server may send.
        server.send_to(b"later", sender).unwrap();
    }
    for (number, client) in clients.iter().enumerate() {
        assert_eq!(receive_from(client).0, number.to_string().as_bytes());
        assert_eq!(receive_from(client).0, b"later");
    }
}

#[test]
fn each_fault_strikes_datagrams_of_its_direction() {
    for (spec, requests, replies) in [
        ("drop-request=#2", "1 3 end", "1 2 3 end"),
        ("drop-reply=#2", "1 2 3 end", "1 3 end"),
        ("duplicate=#2", "1 2 2 3 end", "1 2 3 end"),
        ("reorder=#2", "1 3 2 end", "1 3 2 end"),
        ("reorder=#1-3", "2 1 end 3", "2 1 end 3"),
        // A stream is cut, a datagram is not.
        ("cut=100%", "1 2 3 end", "1 2 3 end"),
        ("delay=500ms@#1", "2 3 end 1", "2 3 end 1"),
    ] {
        let (proxy, server) = between(config(spec));
        let client = proxy.datagrams();
        let last = |all: &str| all.rsplit(' ').next().unwrap().to_owned();
        for datagram in ["1", "2", "3", "end"] {
            client.send(datagram.as_bytes()).unwrap();
        }
        let heard = heard_up_to(&server, &last(requests));
        assert_eq!(heard.join(" "), requests, "{spec}");

        client.send(b"who?").unwrap();
        // The proxy's socket for this client.
        let sender = loop {
            let (heard, sender) = receive_from(&server);
            if heard == b"who?" {
                break sender;
            }
        };
        for datagram in ["1", "2", "3", "end"] {
            server.send_to(datagram.as_bytes(), sender).unwrap();
        }
        let heard = heard_up_to(&client, &last(replies));
        assert_eq!(heard.join(" "), replies, "{spec}");
    }
}

#[test]
fn a_datagram_held_back_goes_to_its_own_client() {
    let (proxy, server) = between(config("reorder=#1"));
    let (one, two) = (proxy.datagrams(), proxy.datagrams());
    // Requests 1 and 2 change places; then replies 1 and 2 do.
    one.send(b"one").unwrap();
    two.send(b"two").unwrap();
    let (second, first) = (receive_from(&server), receive_from(&server));
    assert_eq!((&first.0[..], &second.0[..]), (&b"one"[..], &b"two"[..]));
    server.send_to(b"for one", first.1).unwrap();
    server.send_to(b"for two", second.1).unwrap();
    assert_eq!(receive_from(&one).0, b"for one");
    assert_eq!(receive_from(&two).0, b"for two");
}

#[test]
fn a_server_that_comes_later_is_found() {
    let (proxy, server) = between(Config::default());
    let to = server.local_addr().unwrap();
    drop(server);
    let client = proxy.datagrams();
    client.send(b"anybody?").unwrap();
    let server = UdpSocket::bind(to).unwrap();
    server.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    client.send(b"now?").unwrap();
    loop {
        // The first may still have been on its way.
        let (heard, sender) = receive_from(&server);
        if heard == b"now?" {
            server.send_to(b"yes", sender).unwrap();
            break;
        }
    }
    assert_eq!(receive_from(&client).0, b"yes");
}

#[test]
fn of_more_clients_than_may_be_the_one_silent_longest_is_forgotten() {
    let (proxy, server) = between(Config {
        connections: 2,
        ..Config::default()
    });
    let clients: Vec<_> = (0..3).map(|_| proxy.datagrams()).collect();
    let sender = |client: &UdpSocket| {
        client.send(b"x").unwrap();
        receive_from(&server).1
    };
    let before: Vec<_> = clients.iter().map(sender).collect();
    assert_eq!(sender(&clients[2]), before[2]);
    assert_eq!(sender(&clients[1]), before[1]);
    // The first is a stranger now, and served all the same.
    let again = sender(&clients[0]);
    server.send_to(b"yes", again).unwrap();
    assert_eq!(receive_from(&clients[0]).0, b"yes");
}

#[cfg(target_os = "linux")]
#[test]
fn a_flood_of_clients_at_one_address_makes_the_proxy_forget_none_at_another() {
    let (proxy, server) = between(Config {
        connections: 10,
        ..Config::default()
    });
    let address = proxy.address_over(Transport::Udp);
    let from = |machine: &str| {
        let socket = UdpSocket::bind((machine, 0)).unwrap();
        socket.send_to(b"x", address).unwrap();
        (receive_from(&server).1, socket)
    };
    let (before, client) = from("127.0.0.2");
    for _ in 0..100 {
        from("127.0.0.3");
    }
    client.send_to(b"x", address).unwrap();
    assert_eq!(
        receive_from(&server).1,
        before,
        "the same socket speaks for it"
    );
}

#[test]
fn a_client_that_was_silent_too_long_is_forgotten_and_may_come_again() {
    let limits = Limits {
        idle: Some(Duration::ZERO),
        ..Limits::SERVER
    };
    let (proxy, server) = between(Config {
        limits,
        ..Config::default()
    });
    let client = proxy.datagrams();
    let mut senders = BTreeSet::new();
    // As long as it is remembered, the same socket speaks for it.
    while senders.len() < 2 {
        client.send(b"x").unwrap();
        senders.insert(receive_from(&server).1);
    }
}

#[test]
fn the_server_s_own_address_is_no_client() {
    let (proxy, server) = between(Config::default());
    server
        .send_to(b"loop?", proxy.address_over(Transport::Udp))
        .unwrap();
    let client = proxy.datagrams();
    client.send(b"first").unwrap();
    assert_eq!(receive_from(&server).0, b"first");
}
