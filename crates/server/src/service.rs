//! What a service is to the listener: where it listens, and who serves what comes there.

use std::fmt;
use std::io;

use proto::frame::Framing;

use crate::incoming::{IncomingConnection, IncomingDatagrams};

/// A service over TCP.
pub trait TcpService: Send + Sync {
    /// Serves one connection to its end.
    fn serve(&self, incoming: IncomingConnection<'_>) -> io::Result<End>;

    /// The framing in which a connection can be refused, where its peer would understand that.
    fn refusal_framing(&self) -> Option<Framing> {
        None
    }
}

/// A service over UDP.
pub trait UdpService: Send + Sync {
    /// Serves the socket until the server stops.
    fn serve(&self, incoming: IncomingDatagrams<'_>);
}

/// A service that is ready to listen.
pub struct Service {
    /// Its name, as on the ready line.
    pub name: &'static str,
    /// The port it listens on by default.
    pub port: u16,
    /// Its part of all connections, in proportion to those of the others.
    pub weight: usize,
    /// What serves its TCP connections.
    pub tcp: Option<Box<dyn TcpService>>,
    /// What serves its UDP socket.
    pub udp: Option<Box<dyn UdpService>>,
}

impl Service {
    /// A service that listens on no transport yet.
    pub fn new(name: &'static str, port: u16) -> Service {
        Service {
            name,
            port,
            weight: 1,
            tcp: None,
            udp: None,
        }
    }

    /// Listens for TCP connections.
    #[must_use]
    pub fn over_tcp(self, service: impl TcpService + 'static) -> Service {
        Service {
            tcp: Some(Box::new(service)),
            ..self
        }
    }

    /// Listens for datagrams.
    #[must_use]
    pub fn over_udp(self, service: impl UdpService + 'static) -> Service {
        Service {
            udp: Some(Box::new(service)),
            ..self
        }
    }
}

/// Why a conversation ended.
#[derive(Debug, PartialEq, Eq)]
pub enum End {
    /// The peer said `QUIT`.
    Quit,
    /// Everything was said that a script says.
    Done,
    /// The peer ended the stream between two messages.
    Closed,
    /// The server is stopping.
    Stopping,
    /// The connection was ended to make room for another.
    Evicted,
    /// The peer said what a script does not say, or the server behind the proxy is not there: in
    /// words for the log.
    Unserved(String),
    /// The peer broke the framing, was too slow, or the connection broke: in words.
    Broken(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            End::Quit => "quit",
            End::Done => "done",
            End::Closed => "closed by the peer",
            End::Stopping => "the server is stopping",
            End::Evicted => "idle when another needed its place",
            End::Unserved(words) | End::Broken(words) => words,
        })
    }
}
