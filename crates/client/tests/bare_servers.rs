//! Servers that are not what the client expects: bare sockets.

use std::fmt::{self, Display};
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread;
use std::time::Instant;

use proto::frame::Framing;
use socket2::{Domain, SockRef, Socket, Type};
use testkit::TEST_TIMEOUT;
use wire::connection::Connection;
use wire::limits::Limits;

/// An address where nothing listens, over TCP or UDP, nor will for as long as this is kept.
pub struct UnusedAddress {
    reserved: Socket,
}

pub fn unused_address() -> UnusedAddress {
    let reserved = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    reserved.bind(&any.into()).unwrap();
    UnusedAddress { reserved }
}

impl Display for UnusedAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let address = self.reserved.local_addr().unwrap();
        address.as_socket().unwrap().fmt(f)
    }
}

/// Accepts one connection, stops listening, and handles the connection.
pub fn serve_one(serve: impl FnOnce(TcpStream) + Send + 'static) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        if let Ok((stream, _)) = listener.accept() {
            stop_listening(listener);
            let _ = stream.set_read_timeout(Some(TEST_TIMEOUT));
            serve(stream);
        }
    });
    address
}

/// Refuses connections from now on. It is not enough to close the listener: a program that another
/// test is just starting may still have it open.
pub fn stop_listening(listener: TcpListener) {
    let _ = SockRef::from(&listener).shutdown(Shutdown::Read);
}

/// Sends this, and then nothing, until the client closes.
pub fn sends(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    serve_one(move |mut stream| {
        let _ = stream.write_all(&bytes);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// Sends this and closes.
pub fn sends_and_closes(bytes: impl Into<Vec<u8>>) -> String {
    let bytes = bytes.into();
    serve_one(move |mut stream| {
        let _ = stream.write_all(&bytes);
        let _ = stream.shutdown(Shutdown::Write);
        let _ = stream.read_to_end(&mut Vec::new());
    })
}

/// What a bank with one customer answers until money is to move.
pub fn welcome(request: &str) -> Option<String> {
    match request.split(' ').collect::<Vec<_>>()[..] {
        ["TERMINAL", name] => Some(format!("OK terminal {name}")),
        ["VERIFY_CARD_AND_PASSWORD", id, ..] => Some(format!("OK {id} welcome Joty")),
        _ => None,
    }
}

/// A bank that answers what `answer` has an answer to, and closes at the first other request.
pub fn bank(answer: impl FnMut(&str) -> Option<String> + Send + 'static) -> String {
    serve_one(move |stream| serve(stream, answer))
}

/// A bank that closes a connection where `answer` has none, and accepts so many connections, one
/// after the other.
pub fn bank_over(
    connections: usize,
    mut answer: impl FnMut(&str) -> Option<String> + Send + 'static,
) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for stream in listener.incoming().take(connections).flatten() {
            serve(stream, &mut answer);
        }
    });
    address
}

fn serve(stream: TcpStream, mut answer: impl FnMut(&str) -> Option<String>) {
    let mut connection = Connection::new(stream, Framing::Netstring, Limits::CLIENT).unwrap();
    let mut reply = Some("READY atm 1".to_owned());
    while let Some(message) = reply {
        if connection.writer.send(message.as_bytes()).is_err() {
            return;
        }
        let request = connection
            .reader
            .receive(Some(Instant::now() + TEST_TIMEOUT));
        let request = request.ok().flatten().unwrap_or_default();
        reply = answer(&String::from_utf8_lossy(&request));
    }
}
