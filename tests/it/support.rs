//! The vocabulary of these tests: a server in this process, and bare peers.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use server::{Config, Role, Server, Stopper};
#[cfg(target_os = "linux")]
use socket2::{Domain, Socket, Type};
use wire::connection::Connection;
use wire::limits::Limits;

/// Far longer than anything here takes: a test that meets it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A server on a free port, stopped when dropped.
pub struct Running {
    addresses: Vec<(&'static str, Transport, SocketAddr)>,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// One service with these settings, on any free port.
pub fn start(mode: Mode, config: Config) -> Running {
    start_all(Config {
        role: Role::Services(vec![mode]),
        ..config
    })
}

/// All that the configuration asks for, on any free port.
pub fn start_all(config: Config) -> Running {
    let server = Server::bind(Config {
        port: Some(0),
        ..config
    })
    .unwrap();
    let (addresses, stopper) = (server.addresses(), server.stopper());
    let thread = Some(std::thread::spawn(move || server.run()));
    Running {
        addresses,
        stopper,
        thread,
    }
}

impl Running {
    /// Where the service listens over this transport.
    pub fn address(&self, transport: Transport) -> SocketAddr {
        let found = self
            .addresses
            .iter()
            .find(|(_, offered, _)| *offered == transport);
        found.unwrap().2
    }

    /// A bare TCP connection, which fails rather than waits for ever.
    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address(Transport::Tcp)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A bare TCP connection from another machine, as which each address of 127.0.0.0/8 can stand
    /// where the system gives them all away.
    #[cfg(target_os = "linux")]
    pub fn connect_from_elsewhere(&self) -> TcpStream {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let own = SocketAddr::from(([127, 0, 0, 2], 0));
        socket.bind(&own.into()).unwrap();
        let address = self.address(Transport::Tcp);
        socket.connect(&address.into()).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket.into()
    }

    /// A bare UDP socket that sends to it, and fails rather than waits for ever.
    pub fn datagrams(&self) -> UdpSocket {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(self.address(Transport::Udp)).unwrap();
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        socket
    }

    /// A framed connection that has heard `READY`.
    pub fn converse(&self, framing: Framing) -> Peer {
        let mut peer = Peer(Connection::new(self.connect(), framing, Limits::CLIENT).unwrap());
        let ready = peer.hear().unwrap();
        assert!(ready.starts_with("READY "), "{ready}");
        peer
    }

    /// Tells the server to stop, and waits until it has.
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

impl Drop for Running {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}

/// One end of a framed conversation.
pub struct Peer(pub Connection);

impl Peer {
    pub fn say(&mut self, message: &str) {
        self.0.writer.send(message.as_bytes()).unwrap();
    }

    /// The next message, or `None` at the end of the stream.
    pub fn hear(&mut self) -> Option<String> {
        let message = self
            .0
            .reader
            .receive(Some(Instant::now() + PATIENCE))
            .unwrap();
        message.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    pub fn ask(&mut self, request: &str) -> String {
        self.say(request);
        self.hear().expect("the server closed instead of answering")
    }
}

/// Sends these bytes, half-closes, and reads to the end.
pub fn exchange(mut stream: TcpStream, bytes: &[u8]) -> String {
    // A server that has refused the beginning need not read the rest.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(std::net::Shutdown::Write);
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    String::from_utf8(answer).unwrap()
}
