//! Echo over TCP and UDP.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

use proto::mode::Mode;
use testkit::at_once;
use testkit::peer::{receive_from, reset};
use testkit::service::{Service, start};

fn started() -> Service {
    start(Mode::Echo)
}

/// Sends everything, half-closes, and only then reads.
fn echoed(mut stream: TcpStream, bytes: &[u8]) -> Vec<u8> {
    stream.write_all(bytes).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut back = Vec::new();
    stream.read_to_end(&mut back).unwrap();
    back
}

#[test]
fn every_byte_comes_back_nul_and_invalid_utf_8_too() {
    let server = started();
    let every_byte: Vec<u8> = (0..=255).collect();
    for bytes in [
        &b"Hello, world"[..],
        b"\0",
        b"\xff\xfe\n\r\0,",
        &every_byte,
        b"",
    ] {
        assert_eq!(echoed(server.connect(), bytes), bytes);
    }
}

#[test]
fn nothing_is_said_before_the_client_speaks() {
    let server = started();
    let stream = server.connect();
    stream
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    let error = (&stream).read(&mut [0; 8]).unwrap_err();
    assert!(matches!(
        error.kind(),
        ErrorKind::WouldBlock | ErrorKind::TimedOut
    ));
}

#[test]
fn twenty_megabytes_written_before_anything_is_read_come_back_whole() {
    let server = started();
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n ^ n >> 8) as u8).collect();
    assert!(echoed(server.connect(), &bytes) == bytes);
}

#[test]
fn replies_that_waited_come_before_the_next_ones_whichever_way_they_are_written() {
    let server = started();
    let mut stream = server.connect();
    let bytes: Vec<u8> = (0..20_000_000_u32).map(|n| (n ^ n >> 8) as u8).collect();
    let mut back = vec![0; bytes.len()];
    for _ in 0..2 {
        stream.write_all(&bytes).unwrap();
        let (most, last) = back.split_at_mut(bytes.len() - 1000);
        stream.read_exact(most).unwrap();
        // Some of the replies may wait still.
        stream.write_all(b"and on").unwrap();
        stream.read_exact(last).unwrap();
        assert!(back == bytes);
        for said in [&b"and on"[..], b"one", b"two", b"three"] {
            if said != b"and on" {
                stream.write_all(said).unwrap();
            }
            let mut heard = [0; 6];
            stream.read_exact(&mut heard[..said.len()]).unwrap();
            assert_eq!(&heard[..said.len()], said);
        }
    }
}

#[test]
fn each_of_many_connections_has_its_own_echo() {
    let server = started();
    let streams: Vec<TcpStream> = (0..200).map(|_| server.connect()).collect();
    at_once(streams.into_iter().enumerate(), |(number, stream)| {
        let bytes = number.to_string().repeat(500).into_bytes();
        assert!(echoed(stream, &bytes) == bytes, "connection {number}");
    });
}

#[test]
fn a_reset_ends_one_connection_only() {
    let server = started();
    let mut other = server.connect();
    for _ in 0..20 {
        let mut stream = server.connect();
        stream.write_all(&[b'x'; 10_000]).unwrap();
        reset(stream);
    }
    other.write_all(b"still here").unwrap();
    let mut back = [0; 10];
    other.read_exact(&mut back).unwrap();
    assert_eq!(&back, b"still here");
}

#[test]
fn a_datagram_comes_back_as_one_datagram() {
    let server = started();
    let socket = server.datagrams();
    let longest = vec![0xff; wire::datagram::MAX_DATAGRAM];
    for datagram in [&b"Hello, world"[..], b"\0\xff", &longest] {
        socket.send(datagram).unwrap();
        assert!(receive_from(&socket).0 == datagram);
    }
}

#[test]
fn a_server_that_stops_lets_an_echo_end() {
    let server = started();
    let mut stream = server.connect();
    stream.write_all(b"before the end").unwrap();
    let mut back = [0; 14];
    stream.read_exact(&mut back).unwrap();
    server.stop();
    assert_eq!(stream.read(&mut back).unwrap(), 0);
}
