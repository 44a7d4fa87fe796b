//! A proxy between bare peers, over TCP and UDP, and between our own two sides.

mod datagrams;
mod endings;
mod faults;
mod recordings;
mod streams;

use std::net::{SocketAddr, TcpListener, TcpStream};

use proto::mode::Transport;
use server::config::ProxySettings;
use server::{Config, Role};

use crate::support::{PATIENCE, Running, start_all};

/// A proxy to this address, on any free port.
fn proxy_to(to: SocketAddr, transport: Transport, config: Config) -> Running {
    start_all(Config {
        role: Role::Proxy(ProxySettings {
            to: vec![to],
            transport,
        }),
        ..config
    })
}

/// A proxy, and a server of which only the socket is there.
struct Between {
    proxy: Running,
    listener: TcpListener,
}

impl Between {
    fn new(config: Config) -> Between {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let to = listener.local_addr().unwrap();
        Between {
            proxy: proxy_to(to, Transport::Tcp, config),
            listener,
        }
    }

    /// A client's connection, and what the server accepts for it. Both fail rather than wait for
    /// ever.
    fn connect(&self) -> (TcpStream, TcpStream) {
        let client = self.proxy.connect();
        let server = self.listener.accept().unwrap().0;
        server.set_read_timeout(Some(PATIENCE)).unwrap();
        server.set_write_timeout(Some(PATIENCE)).unwrap();
        for stream in [&client, &server] {
            stream.set_nodelay(true).unwrap();
        }
        (client, server)
    }
}
