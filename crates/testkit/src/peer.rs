//! The other end of a conversation, without a program.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream, UdpSocket};
use std::time::{Duration, Instant};

use proto::frame::Framing;
use socket2::SockRef;
use uuid::Uuid;
use wire::connection::Connection;
use wire::datagram::MAX_DATAGRAM;
use wire::limits::Limits;

use crate::TEST_TIMEOUT;

/// A bare connection, which fails rather than hang.
#[track_caller]
pub fn connect(address: SocketAddr) -> TcpStream {
    with_timeouts(TcpStream::connect(address).unwrap())
}

/// Gives a stream the time-outs of a test.
#[track_caller]
pub fn with_timeouts(stream: TcpStream) -> TcpStream {
    stream.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream.set_write_timeout(Some(TEST_TIMEOUT)).unwrap();
    stream
}

/// Reads to the end of the stream.
#[track_caller]
pub fn read_text(mut stream: &TcpStream) -> String {
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8(text).unwrap()
}

/// Closes a connection with a reset, as when its program is killed.
#[track_caller]
pub fn reset(stream: TcpStream) {
    let at_once = Some(Duration::ZERO);
    SockRef::from(&stream).set_linger(at_once).unwrap();
}

/// A UDP socket on a free port.
#[track_caller]
pub fn udp_socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(TEST_TIMEOUT)).unwrap();
    socket
}

/// The next datagram, and where it is from.
#[track_caller]
pub fn receive_from(socket: &UdpSocket) -> (Vec<u8>, SocketAddr) {
    let mut buffer = vec![0; MAX_DATAGRAM];
    let (length, sender) = socket.recv_from(&mut buffer).unwrap();
    buffer.truncate(length);
    (buffer, sender)
}

/// The next datagram, as text.
#[track_caller]
pub fn receive_text(socket: &UdpSocket) -> String {
    String::from_utf8(receive_from(socket).0).unwrap()
}

/// Sends these bytes, half-closes, and reads to the end.
#[track_caller]
pub fn exchange(mut stream: TcpStream, bytes: &[u8]) -> String {
    // A server that has refused the beginning need not read the rest.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    read_text(&stream)
}

/// One end of a framed conversation.
#[derive(Debug)]
pub struct Peer(pub Connection);

impl Peer {
    /// A conversation over this stream.
    #[track_caller]
    pub fn over(stream: TcpStream, framing: Framing) -> Peer {
        Peer(Connection::new(stream, framing, Limits::CLIENT).unwrap())
    }

    /// A conversation over this stream that has received `READY`.
    #[track_caller]
    pub fn greeted(stream: TcpStream, framing: Framing) -> Peer {
        let mut peer = Peer::over(stream, framing);
        let ready = peer.receive().unwrap();
        let (words, is_ready) = (ready.split(' ').count(), ready.starts_with("READY "));
        assert!(is_ready && words == 3 && ready.ends_with(" 1"), "{ready}");
        peer
    }

    /// Sends a message.
    #[track_caller]
    pub fn send(&mut self, message: &str) {
        self.0.writer.send(message.as_bytes()).unwrap();
    }

    /// The next message, or `None` at the end of the conversation.
    #[track_caller]
    pub fn receive(&mut self) -> Option<String> {
        self.receive_if_whole().unwrap()
    }

    /// The next message that begins so; those before it are left out.
    #[track_caller]
    pub fn receive_until(&mut self, beginning: &str) -> String {
        loop {
            let message = self.receive();
            let message = message.unwrap_or_else(|| panic!("the end, not {beginning}"));
            if message.starts_with(beginning) {
                return message;
            }
        }
    }

    /// Sends a request, and waits for its answer.
    #[track_caller]
    pub fn ask(&mut self, request: &str) -> String {
        self.send(request);
        let answer = self.receive();
        answer.expect("the server closed instead of answering")
    }

    /// The answer, or `None` when the connection is lost before it.
    pub fn ask_if_there(&mut self, request: &str) -> Option<String> {
        self.0.writer.send(request.as_bytes()).ok()?;
        self.receive_if_whole().ok()?
    }

    fn receive_if_whole(&mut self) -> Result<Option<String>, String> {
        let deadline = Some(Instant::now() + TEST_TIMEOUT);
        let message = self.0.reader.receive(deadline);
        let message = message.map_err(|error| error.to_string())?;
        Ok(message.map(|bytes| String::from_utf8(bytes).unwrap()))
    }

    /// The bank's answer to a log-in, without the id that it names.
    #[track_caller]
    pub fn log_in(&mut self, card: &str, pin: &str) -> String {
        let id = format!("LOGIN_{} ", Uuid::now_v7());
        let answer = self.ask(&format!("VERIFY_CARD_AND_PASSWORD {id}{card} {pin}"));
        assert!(answer.contains(&id), "{answer}");
        answer.replacen(&id, "", 1)
    }
}
