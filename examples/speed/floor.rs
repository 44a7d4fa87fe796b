//! The least that a server with a thread a connection can do over `std::net`: one read and one write
//! a request, and an answer known beforehand. It parses nothing, and has neither limits nor logs.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use socket2::{Domain, Socket, Type};

use crate::pages::Pages;
use crate::questions::{LOWER, TEXT_READY, TIME_ANSWER};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// The threads that wait to accept where every request has its own connection.
const ACCEPTING: usize = 4;

/// More than any request of the table.
const READ: usize = 4096;

/// What a member of [`Floor::Room`] receives once it is in the room.
pub const ADMITTED: &[u8] = b"READY";

/// The members of a room, by the number of their connection.
type Members = Arc<Mutex<Vec<(usize, Arc<TcpStream>)>>>;

/// A bare server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Floor {
    /// Answers every read with the answer to [`LOWER`].
    Text,
    /// The same, by threads that are started beforehand and take turns to accept.
    Connect,
    /// As [`Floor::Connect`], and sends `READY` to each connection first, as the text service does.
    Ready,
    /// Returns every read.
    Echo,
    /// Answers every datagram with a time of day.
    Datetime,
    /// Sends every read to every member.
    Room,
    /// Answers every read as [`Floor::Text`] does, once a page is on the disk of the current directory.
    Durable,
}

impl Floor {
    /// All of them.
    pub const ALL: [Floor; 7] = [
        Floor::Text,
        Floor::Connect,
        Floor::Ready,
        Floor::Echo,
        Floor::Datetime,
        Floor::Room,
        Floor::Durable,
    ];

    /// Its name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Floor::Text => "text",
            Floor::Connect => "connect",
            Floor::Ready => "ready",
            Floor::Echo => "echo",
            Floor::Datetime => "datetime",
            Floor::Room => "room",
            Floor::Durable => "durable",
        }
    }

    /// How it is reached, as in a `listening` line.
    pub fn transport(self) -> &'static str {
        match self {
            Floor::Datetime => "udp",
            _ => "tcp",
        }
    }

    /// Listens on a free port of the loopback and serves until the process ends.
    pub fn start(self) -> io::Result<SocketAddr> {
        if self == Floor::Datetime {
            let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
            let address = socket.local_addr()?;
            thread::spawn(move || answer_datagrams(&socket));
            return Ok(address);
        }
        let listener = listen()?;
        let address = listener.local_addr()?;
        match self {
            Floor::Text => accept(listener, |_, stream| answer_with(stream, LOWER.answer)),
            Floor::Echo => accept(listener, |_, stream| echo(stream)),
            Floor::Room => {
                let members = Members::default();
                accept(listener, move |number, stream| {
                    relay(number, stream, &members);
                });
            }
            Floor::Durable => accept(listener, |_, stream| {
                if let Ok(mut pages) = Pages::create(Path::new(".")) {
                    answer_after(stream, LOWER.answer, || pages.write_next());
                }
            }),
            Floor::Connect => accept_in_turns(listener, b""),
            Floor::Ready => accept_in_turns(listener, TEXT_READY),
            Floor::Datetime => unreachable!("a socket of datagrams does not listen"),
        }
        Ok(address)
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Serves every connection on a thread of its own.
fn accept(listener: TcpListener, serve: impl Fn(usize, &TcpStream) + Clone + Send + 'static) {
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(stream) = stream else { continue };
            let serve = serve.clone();
            // Without a thread the connection is closed, and its client reports that.
            let _ = thread::Builder::new().spawn(move || serve(number, &stream));
        }
    });
}

/// Sends this to every connection, and serves it as [`Floor::Text`] does on the thread that accepted it.
fn accept_in_turns(listener: TcpListener, greeting: &'static [u8]) {
    let listener = Arc::new(listener);
    for _ in 0..ACCEPTING {
        let listener = Arc::clone(&listener);
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                if greeting.is_empty() || (&stream).write_all(greeting).is_ok() {
                    answer_with(&stream, LOWER.answer);
                }
            }
        });
    }
}

fn answer_with(stream: &TcpStream, answer: &[u8]) {
    answer_after(stream, answer, || Ok(()));
}

/// Answers every read once this is done.
fn answer_after(mut stream: &TcpStream, answer: &[u8], mut work: impl FnMut() -> io::Result<()>) {
    let _ = stream.set_nodelay(true);
    let mut buffer = [0; READ];
    while stream.read(&mut buffer).is_ok_and(|read| read > 0) {
        if work().and_then(|()| stream.write_all(answer)).is_err() {
            break;
        }
    }
}

fn echo(mut stream: &TcpStream) {
    let _ = stream.set_nodelay(true);
    let mut buffer = [0; READ];
    while let Ok(read @ 1..) = stream.read(&mut buffer) {
        if stream.write_all(&buffer[..read]).is_err() {
            break;
        }
    }
}

fn answer_datagrams(socket: &UdpSocket) {
    let mut buffer = [0; READ];
    while let Ok((_, source)) = socket.recv_from(&mut buffer) {
        let _ = socket.send_to(TIME_ANSWER, source);
    }
}

fn relay(number: usize, stream: &TcpStream, members: &Members) {
    let _ = stream.set_nodelay(true);
    let Ok(own) = stream.try_clone().map(Arc::new) else {
        return;
    };
    let locked = || members.lock().unwrap_or_else(PoisonError::into_inner);
    locked().push((number, Arc::clone(&own)));
    let _ = (&*own).write_all(ADMITTED);
    let mut buffer = [0; READ];
    while let Ok(read @ 1..) = (&*own).read(&mut buffer) {
        for (_, member) in locked().iter() {
            let _ = (&**member).write_all(&buffer[..read]);
        }
    }
    locked().retain(|(other, _)| *other != number);
}
