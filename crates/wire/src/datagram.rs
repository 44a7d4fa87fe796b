//! One UDP socket as messages: a datagram is a message by itself.

use std::io;
use std::net::{SocketAddr, UdpSocket};
use std::time::{Duration, Instant};

/// Longest datagram that UDP over IPv4 carries, in bytes.
pub const MAX_DATAGRAM: usize = 65_507;

/// A bound UDP socket.
#[derive(Debug)]
pub struct Endpoint {
    socket: UdpSocket,
    buffer: Vec<u8>,
}

impl Endpoint {
    /// Takes over a socket. If it is connected, the kernel lets only its peer's datagrams in.
    pub fn new(socket: UdpSocket) -> Endpoint {
        Endpoint {
            socket,
            buffer: vec![0; MAX_DATAGRAM],
        }
    }

    /// A socket on any free port, connected to `server`.
    ///
    /// # Errors
    /// When no socket can be had or the address has no route.
    pub fn connected_to(server: SocketAddr) -> io::Result<Endpoint> {
        let any = if server.is_ipv6() {
            "[::]:0"
        } else {
            "0.0.0.0:0"
        };
        let socket = UdpSocket::bind(any)?;
        socket.connect(server)?;
        Ok(Endpoint::new(socket))
    }

    /// Our own address.
    ///
    /// # Errors
    /// When the operating system cannot say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next datagram and its sender, or `None` when the deadline passed first.
    ///
    /// # Errors
    /// `ConnectionRefused` on a connected socket tells that an earlier datagram found nobody; the
    /// socket is as good as before. On an unconnected one such reports are about strangers, and
    /// skipped.
    pub fn receive(&mut self, by: Option<Instant>) -> io::Result<Option<(&[u8], SocketAddr)>> {
        let (length, sender) = loop {
            let wait = match by.map(|by| by.saturating_duration_since(Instant::now())) {
                Some(wait) if wait.is_zero() => return Ok(None),
                Some(wait) => Some(wait.max(Duration::from_millis(1))),
                None => None,
            };
            self.socket.set_read_timeout(wait)?;
            match self.socket.recv_from(&mut self.buffer) {
                Ok(received) => break received,
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock
                    | io::ErrorKind::TimedOut
                    | io::ErrorKind::Interrupted => {}
                    io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionRefused
                        if self.socket.peer_addr().is_err() => {}
                    _ => return Err(error),
                },
            }
        };
        Ok(Some((&self.buffer[..length], sender)))
    }

    /// Sends one datagram to the connected peer.
    ///
    /// # Errors
    /// When the socket is not connected, the datagram is too long, or an earlier one was refused.
    pub fn send(&self, message: &[u8]) -> io::Result<()> {
        self.socket.send(message).map(drop)
    }

    /// Sends one datagram to `receiver`.
    ///
    /// # Errors
    /// When it is too long or there is no route.
    pub fn send_to(&self, message: &[u8], receiver: SocketAddr) -> io::Result<()> {
        self.socket.send_to(message, receiver).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound() -> Endpoint {
        Endpoint::new(UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    #[test]
    fn a_datagram_is_a_message_empty_or_as_long_as_they_come() {
        let (mut one, other) = (bound(), bound());
        let longest = vec![b'x'; MAX_DATAGRAM];
        for message in [&b"SEND_DATE"[..], b"", &longest] {
            other.send_to(message, one.local_addr().unwrap()).unwrap();
            let by = Some(Instant::now() + Duration::from_secs(5));
            let (received, sender) = one.receive(by).unwrap().unwrap();
            assert_eq!(received, message);
            assert_eq!(sender, other.local_addr().unwrap());
        }
    }

    #[test]
    fn a_deadline_ends_the_wait() {
        let by = Some(Instant::now() + Duration::from_millis(10));
        assert_eq!(bound().receive(by).unwrap(), None);
    }

    #[test]
    fn a_connected_socket_hears_its_peer_alone_and_that_nobody_is_there() {
        let server = bound();
        let address = server.local_addr().unwrap();
        let mut client = Endpoint::connected_to(address).unwrap();
        let client_port = client.local_addr().unwrap().port();
        let client_address = SocketAddr::from(([127, 0, 0, 1], client_port));
        bound().send_to(b"stranger", client_address).unwrap();
        server.send_to(b"peer", client_address).unwrap();
        let by = Some(Instant::now() + Duration::from_secs(5));
        assert_eq!(client.receive(by).unwrap().unwrap().0, b"peer");

        drop(server);
        client.send(b"anybody?").unwrap();
        let error = client.receive(by).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
