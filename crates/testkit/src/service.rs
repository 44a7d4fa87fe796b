//! Servers in this process.

use std::fmt::{self, Display};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::thread::JoinHandle;

use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use server::config::ProxySettings;
use server::{Config, Role, Server, Stopper};

use crate::peer::{Peer, connect, udp_socket};

/// A server on free ports, stopped when dropped.
pub struct Service {
    addresses: Vec<(&'static str, Transport, SocketAddr)>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// Starts a service as `labserver --mode MODE` does, but for the port, and a ledger in memory.
#[track_caller]
pub fn start(mode: Mode) -> Service {
    start_with(mode, Config::default())
}

/// Starts a service with these settings.
#[track_caller]
pub fn start_with(mode: Mode, config: Config) -> Service {
    let role = Role::Services(vec![mode]);
    start_server(Config { role, ..config })
}

/// Starts a service with these changes to the default settings.
#[track_caller]
pub fn start_configured(mode: Mode, change: impl FnOnce(&mut Config)) -> Service {
    let mut config = Config::default();
    change(&mut config);
    start_with(mode, config)
}

/// Starts the server of a hand-out.
#[track_caller]
pub fn start_handout(handout: Handout, config: Config) -> Service {
    let role = Role::Handout(handout);
    start_server(Config { role, ..config })
}

/// Starts a proxy to this address.
#[track_caller]
pub fn start_proxy(to: SocketAddr, transport: Transport, config: Config) -> Service {
    let role = Role::Proxy(ProxySettings {
        to: vec![to],
        transport,
    });
    start_server(Config { role, ..config })
}

/// Starts a server with this configuration, on any free port.
#[track_caller]
pub fn start_server(config: Config) -> Service {
    start_at(0, config)
}

/// Starts a server with this configuration, on this port.
#[track_caller]
pub fn start_at(port: u16, config: Config) -> Service {
    let port = Some(port);
    let server = Server::bind(Config { port, ..config }).unwrap();
    let (addresses, stopper) = (server.addresses(), server.stopper());
    let thread = Some(std::thread::spawn(move || server.run()));
    Service {
        addresses,
        stopper,
        thread,
    }
}

impl Service {
    /// Where it listens; the first address where it has several.
    pub fn address(&self) -> SocketAddr {
        self.addresses[0].2
    }

    /// Where it listens over this transport.
    pub fn address_over(&self, transport: Transport) -> SocketAddr {
        let mut addresses = self.addresses.iter();
        let found = addresses.find(|(_, offered, _)| *offered == transport);
        found.unwrap().2
    }

    /// A bare TCP connection.
    #[track_caller]
    pub fn connect(&self) -> TcpStream {
        connect(self.address_over(Transport::Tcp))
    }

    /// A bare TCP connection from another machine, as which each address of 127.0.0.0/8 can stand
    /// where the system gives them all away.
    #[cfg(target_os = "linux")]
    #[track_caller]
    pub fn connect_from_elsewhere(&self) -> TcpStream {
        use socket2::{Domain, Socket, Type};
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let own = SocketAddr::from(([127, 0, 0, 2], 0));
        socket.bind(&own.into()).unwrap();
        let address = self.address_over(Transport::Tcp);
        socket.connect(&address.into()).unwrap();
        crate::peer::with_timeouts(socket.into())
    }

    /// A bare UDP socket that sends to it.
    #[track_caller]
    pub fn datagrams(&self) -> UdpSocket {
        let socket = udp_socket();
        socket.connect(self.address_over(Transport::Udp)).unwrap();
        socket
    }

    /// A framed connection that has received `READY`.
    #[track_caller]
    pub fn converse(&self, framing: Framing) -> Peer {
        Peer::greeted(self.connect(), framing)
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

/// Its first address.
impl Display for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address().fmt(f)
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}
