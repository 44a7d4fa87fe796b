//! One UDP socket as messages: a datagram is a message by itself.

use std::io;
use std::net::{Shutdown, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::deadline::Waiter;
use crate::fault::datagrams::{Datagrams, OutgoingDatagram};
use crate::fault::pause::wait_while_stopped;
use crate::fault::{FaultSchedule, Faults, injected_refusal};
use record::tap::FaultEffect;
use record::{Mask, Recorder, Tap};
use socket2::SockRef;

/// Longest datagram that UDP over IPv4 carries, in bytes.
pub const MAX_DATAGRAM: usize = 65_507;

/// A bound UDP socket.
#[derive(Debug)]
pub struct Endpoint {
    socket: Arc<UdpSocket>,
    /// Whom it is connected to.
    peer: Option<SocketAddr>,
    buffer: Vec<u8>,
    faults: Option<Box<Datagrams>>,
    tap: Option<Tap>,
    waiter: Waiter,
}

impl Endpoint {
    /// Takes over a socket. If it is connected, the kernel lets only its peer's datagrams in.
    pub fn new(socket: UdpSocket) -> Endpoint {
        Endpoint::over(Arc::new(socket))
    }

    /// As [`Endpoint::new`], for a socket that another thread shares, to be able to
    /// [end](end_receiving) its waits.
    pub fn over(socket: Arc<UdpSocket>) -> Endpoint {
        Endpoint {
            peer: socket.peer_addr().ok(),
            socket,
            buffer: vec![0; MAX_DATAGRAM],
            faults: None,
            tap: None,
            waiter: Waiter::default(),
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

    /// Injects these faults into every datagram from here on.
    pub fn inject(&mut self, faults: Faults) {
        self.faults = Some(Box::new(Datagrams::new(faults)));
    }

    /// Records everything from here on, as of a socket of this service and this number.
    ///
    /// # Errors
    /// When the operating system cannot say our address.
    pub fn record(
        &mut self,
        recorder: &Recorder,
        service: &str,
        number: u64,
        mask: Option<Mask>,
    ) -> io::Result<()> {
        let tap = Tap::on_socket(recorder, service, number, &self.socket, mask);
        tap.map(|tap| self.tap = Some(tap))
    }

    /// The recording tap of this socket and this peer, or of the connected one.
    pub fn tap(&self, peer: Option<SocketAddr>) -> Option<Tap> {
        let tap = self.tap.as_ref()?;
        match (self.peer, peer) {
            (None, Some(peer)) => Some(tap.with_peer(peer)),
            (Some(_), _) | (_, None) => Some(tap.clone()),
        }
    }

    /// Takes out the schedule of what is received, for a loop that applies it itself: a server
    /// refuses a request only where it would have answered it.
    pub fn take_schedule(&mut self) -> Option<FaultSchedule> {
        self.faults.as_mut()?.take_received()
    }

    /// Our own address.
    ///
    /// # Errors
    /// When the operating system cannot say.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }

    /// The next datagram and its sender, or `None` when the deadline passed first. Without one, `None`
    /// means that the wait ended early, as it does when another thread [ends](end_receiving) it.
    ///
    /// # Errors
    /// `ConnectionRefused` on a connected socket means that nothing listens at the peer; the
    /// socket is as good as before. On an unconnected one such reports are about strangers, and
    /// skipped.
    pub fn receive(&mut self, by: Option<Instant>) -> io::Result<Option<(&[u8], SocketAddr)>> {
        let (length, sender) = loop {
            let due = self.send_due();
            if let Some((length, sender)) = self.refused() {
                break (length, sender);
            }
            let wait = match by.map(|by| by.saturating_duration_since(Instant::now())) {
                Some(wait) if wait.is_zero() => return Ok(None),
                wait => wait,
            };
            let wait = wait.into_iter().chain(due).min();
            let received = receive_once(
                &self.socket,
                &mut self.waiter,
                &mut self.buffer,
                self.peer,
                wait,
            );
            if let (Some(tap), Err(error)) = (&self.tap, &received) {
                tap.failed(&error.to_string());
            }
            let (length, sender) = match received? {
                Some(received) => received,
                None if by.is_none() => return Ok(None),
                None => continue,
            };
            let tap = self.tap(Some(sender));
            if let Some(tap) = &tap {
                tap.received(&self.buffer[..length]);
            }
            let lost = FaultEffect::Dropped;
            if self.faults.as_mut().and_then(|it| it.arrived()) != Some(lost) {
                break (length, sender);
            }
            if let Some(tap) = &tap {
                tap.fault_on_received(lost, &self.buffer[..length]);
            }
        };
        Ok(Some((&self.buffer[..length], sender)))
    }

    /// Sends one datagram to the connected peer.
    ///
    /// # Errors
    /// When the socket is not connected, the datagram is too long, or an earlier one was refused.
    pub fn send(&mut self, message: &[u8]) -> io::Result<()> {
        self.post(message, None)
    }

    /// Sends one datagram to `receiver`.
    ///
    /// # Errors
    /// When it is too long or there is no route.
    pub fn send_to(&mut self, message: &[u8], receiver: SocketAddr) -> io::Result<()> {
        self.post(message, Some(receiver))
    }

    fn post(&mut self, message: &[u8], receiver: Option<SocketAddr>) -> io::Result<()> {
        let tap = self.tap(receiver);
        let Some(faults) = &mut self.faults else {
            return self.transmit(message, receiver);
        };
        let datagram = OutgoingDatagram {
            message: message.to_vec(),
            receiver,
        };
        for OutgoingDatagram { message, receiver } in faults.send(datagram, tap.as_ref()) {
            self.transmit(&message, receiver)?;
        }
        Ok(())
    }

    fn transmit(&self, message: &[u8], receiver: Option<SocketAddr>) -> io::Result<()> {
        let tap = self.tap(receiver);
        let sent = transmit(&self.socket, message, receiver, tap.as_ref());
        if let (Some(tap), Err(error)) = (&tap, &sent) {
            tap.failed(&error.to_string());
        }
        sent?;
        if let Some(faults) = &self.faults {
            faults.after_send();
        }
        Ok(())
    }

    /// Sends the late datagrams that are due, and says how long until the next one is.
    fn send_due(&mut self) -> Option<Duration> {
        let faults = self.faults.as_mut()?;
        let datagrams = faults.take_due(Instant::now());
        let next = faults.next_due();
        for OutgoingDatagram { message, receiver } in datagrams {
            // Its sender learned long ago that it was sent.
            let _ = self.transmit(&message, receiver);
        }
        next.map(|due| due.saturating_duration_since(Instant::now()))
    }

    /// The answer to a request that a fault refused, put where a received datagram would be.
    fn refused(&mut self) -> Option<(usize, SocketAddr)> {
        let faults = self.faults.as_mut()?;
        let peer = self.peer.filter(|_| faults.take_refused())?;
        let refusal = injected_refusal();
        self.buffer[..refusal.len()].copy_from_slice(refusal.as_bytes());
        faults.arrived().is_none().then_some((refusal.len(), peer))
    }
}

/// Gives a datagram to the operating system, and records that.
///
/// # Errors
/// When it cannot be sent, or an earlier one was refused.
pub fn transmit(
    socket: &UdpSocket,
    message: &[u8],
    receiver: Option<SocketAddr>,
    tap: Option<&Tap>,
) -> io::Result<()> {
    wait_while_stopped();
    let moment = tap.map(Tap::now);
    match receiver {
        Some(receiver) => socket.send_to(message, receiver),
        None => socket.send(message),
    }?;
    if let (Some(tap), Some(moment)) = (tap, moment) {
        tap.sent(moment, message);
    }
    Ok(())
}

/// Receives once; `None` when nothing came for so long, or earlier. Another thread may
/// [end](end_receiving) the wait: a socket that is connected to `peer` then returns an empty datagram,
/// one that is not returns `None`.
///
/// # Errors
/// When a connected socket's peer is not there, or the socket is broken.
pub fn receive_once(
    socket: &UdpSocket,
    waiter: &mut Waiter,
    buffer: &mut [u8],
    peer: Option<SocketAddr>,
    wait: Option<Duration>,
) -> io::Result<Option<(usize, SocketAddr)>> {
    if !waiter.may_read(socket, wait)? {
        return Ok(None);
    }
    let received = match peer {
        Some(peer) => socket.recv(buffer).map(|length| Some((length, peer))),
        None => receive_from(socket, buffer),
    };
    match received {
        Ok(received) => {
            wait_while_stopped();
            Ok(received)
        }
        Err(error) => match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {
                Ok(None)
            }
            // About a stranger who is gone.
            _ if is_refused(&error) && peer.is_none() => Ok(None),
            _ => Err(error),
        },
    }
}

/// A datagram and its source. What a socket returns that was shut down has no source, and is none:
/// the `recv_from` of the standard library panics at it.
#[cfg(unix)]
fn receive_from(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    use rustix::net::{RecvFlags, recvfrom};
    let (length, _, source) = recvfrom(socket, buffer, RecvFlags::empty())?;
    let source = source.map(SocketAddr::try_from).transpose()?;
    Ok(source.map(|source| (length, source)))
}

#[cfg(not(unix))]
fn receive_from(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<Option<(usize, SocketAddr)>> {
    socket.recv_from(buffer).map(Some)
}

/// Whether [`end_receiving`] ends waits here. Elsewhere they must be short, to see whether they are
/// to be repeated.
pub const CAN_END_RECEIVING: bool = cfg!(target_os = "linux");

/// Ends the waits for datagrams from this socket, in all threads, and lets none begin: it is received
/// from no more.
pub fn end_receiving(socket: &UdpSocket) {
    // That it is not connected is an error all the same.
    let _ = SockRef::from(socket).shutdown(Shutdown::Read);
}

/// Whether this says that an earlier datagram found no socket at its address.
pub fn is_refused(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionRefused | ConnectionReset)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bound() -> Endpoint {
        Endpoint::new(UdpSocket::bind("127.0.0.1:0").unwrap())
    }

    #[test]
    fn a_datagram_is_a_message_empty_or_as_long_as_they_come() {
        let (mut one, mut other) = (bound(), bound());
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
    fn a_connected_socket_receives_from_its_peer_alone_and_learns_that_it_is_gone() {
        let mut server = bound();
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

    #[test]
    fn a_connected_socket_that_is_shut_down_returns_and_does_not_panic() {
        let peer = UdpSocket::bind("127.0.0.1:0").unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = peer.local_addr().unwrap();
        socket.connect(address).unwrap();
        socket2::SockRef::from(&socket)
            .shutdown(std::net::Shutdown::Both)
            .unwrap();
        let (mut waiter, wait) = (Waiter::default(), Some(Duration::from_secs(5)));
        let received = receive_once(&socket, &mut waiter, &mut [0; 9], Some(address), wait);
        assert_eq!(received.unwrap(), Some((0, address)));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_wait_without_a_limit_is_ended_by_another_thread_and_no_other_begins() {
        let socket = Arc::new(UdpSocket::bind("127.0.0.1:0").unwrap());
        let mut endpoint = Endpoint::over(Arc::clone(&socket));
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| endpoint.receive(None).map(|it| it.is_none()));
            end_receiving(&socket);
            assert!(waiting.join().unwrap().unwrap());
        });
        assert_eq!(endpoint.receive(None).unwrap(), None);
    }
}
