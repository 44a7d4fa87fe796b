//! A proxy between bare peers, over TCP and UDP, and between our own two sides.

mod datagrams;
mod endings;
mod faults;
pub mod recordings;
mod streams;

use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};

use proto::mode::Transport;
use server::Config;
use testkit::peer::with_timeouts;
use testkit::service::{Service, start_proxy};

/// A proxy, and a server of which only the socket is there.
struct Between {
    proxy: Service,
    listener: TcpListener,
}

impl Between {
    fn new(config: Config) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        Between {
            proxy: start_proxy(to, Transport::Tcp, config),
            listener,
        }
    }

    /// A client's connection, and what the server accepts for it. Both have time-outs.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = self.proxy.connect();
        let server = with_timeouts(self.listener.accept().unwrap().0);
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        (client, server)
    }

    /// Two connections: the client's end first, and the server's end first.
    fn either_end_first(&self) -> [(TcpStream, TcpStream); 2] {
        let (client, server) = self.connect();
        [self.connect(), (server, client)]
    }
}

/// Exactly these bytes come next.
fn hear(mut stream: &TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(
        heard.escape_ascii().to_string(),
        expected.escape_ascii().to_string()
    );
}

/// The next that is read is a reset.
fn hear_reset(mut stream: &TcpStream) {
    let error = stream.read(&mut [0; 8]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}
