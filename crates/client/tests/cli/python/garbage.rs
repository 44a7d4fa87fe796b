//! What no client sends ends no thread of a Python server with a traceback, nor keeps it from the
//! next client.

use std::io::Write;
use std::net::{Shutdown, TcpStream, UdpSocket};

use proto::handout::{Handout, Implementation};
use proto::mode::Transport;
use testkit::process::Process;

use super::handouts::file_of;
use super::server;
use crate::labclient::run;

/// Streams that break every framing, and some that break a grammar.
fn garbage() -> Vec<Vec<u8>> {
    let mut garbage: Vec<Vec<u8>> = [
        &b"\0\xff\xfe\x80garbage\r\n\r\n"[..],
        b"999999999999999999999999:x,",
        b"+5:PRIME,",
        b"1_0:xxxxxxxxxx,",
        "٥:PRIME,".as_bytes(),
        b"5:PRI",
        b"3:abc;",
        b"4:\xff\xff\xff\xff,",
        b"0:,0:,0:,",
        b"08:PRIME 97,",
        b"8:\0\0\0\0\0\0\0\0,4:QUIT,",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x80\x04\x95\xff\xff\xff\xff\xff\xff\xff\x7f.",
        b"",
    ]
    .map(<[u8]>::to_vec)
    .to_vec();
    garbage.push(vec![b'9'; 100_000]);
    garbage.push(vec![0; 100_000]);
    garbage
}

/// Sends these bytes and no more, and reads whatever comes until the server closes.
fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    // A server may have closed, or reset, before it has taken them all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = std::io::copy(stream, &mut std::io::sink());
}

fn throw_garbage_at(server: &Process, service: &str, transport: Transport) {
    match transport {
        Transport::Tcp => {
            // One that says nothing at all stays while the others come and go.
            let _silent = server.connect(service);
            for bytes in garbage() {
                pour(&mut server.connect(service), &bytes);
            }
        }
        Transport::Udp => {
            let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
            socket.connect(server.address(service)).unwrap();
            for bytes in garbage() {
                socket.send(&bytes[..bytes.len().min(9_000)]).unwrap();
            }
        }
    }
}

#[test]
fn garbage_ends_no_server_of_our_own_protocol() {
    testkit::require_python!();
    for (mode, transport, words, answer) in [
        (
            "text",
            Transport::Tcp,
            &["text", "prime", "7"][..],
            "prime\n",
        ),
        ("calc", Transport::Tcp, &["calc", "12 + 42"], "54\n"),
        ("echo", Transport::Tcp, &["echo", "hello"], "hello\n"),
        (
            "echo",
            Transport::Udp,
            &["echo", "--udp", "hello"],
            "hello\n",
        ),
        ("chat", Transport::Tcp, &["chat", "--name", "Ann"], ""),
        ("datetime", Transport::Udp, &["datetime", "date"], ""),
        (
            "atm",
            Transport::Tcp,
            &["atm", "--card", "123456789", "balance"],
            "10000.00\n",
        ),
    ] {
        let server = server(&format!("{mode}_server.py"), &[]);
        let transport_name = if transport == Transport::Tcp {
            "tcp"
        } else {
            "udp"
        };
        let service = format!("{mode} {transport_name}");
        throw_garbage_at(&server, &service, transport);
        let ended = run(server.address(&service), words);
        assert_eq!(ended.status, Some(0), "{service}: {ended:?}");
        assert!(ended.stdout.contains(answer), "{service}: {ended:?}");
        // A thread that a message has killed says so.
        assert_eq!(server.kill().stderr, "", "{service}");
    }
}

#[test]
fn garbage_ends_no_server_of_a_hand_out() {
    testkit::require_python!();
    for handout in Handout::ALL {
        let (name, transport) = (handout.name(), handout.transport());
        let server = server(&file_of(handout), &["server"]);
        let transport_name = if transport == Transport::Tcp {
            "tcp"
        } else {
            "udp"
        };
        let service = format!("{name} {transport_name}");
        throw_garbage_at(&server, &service, transport);
        let is_said_once = matches!(
            handout.implementation(),
            Implementation::Script("joke" | "knock-knock" | "greeting")
        );
        if is_said_once || handout == Handout::Echo {
            let ended = run(server.address(&service), &["handout", name]);
            assert_eq!(ended.status, Some(0), "{service}: {ended:?}");
            assert!(!ended.stdout.is_empty(), "{service}: {ended:?}");
        }
        // A thread that a message has killed says so.
        assert_eq!(server.kill().stderr, "", "{service}");
    }
}
