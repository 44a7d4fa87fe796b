//! The sockets of a service.

use std::io;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;

use anyhow::{Context, anyhow};
use socket2::{Domain, Socket, Type};

use super::{Bound, Listening};
use crate::config::Config;
use crate::service::Service;

/// Connections that may wait to be accepted. With the standard library's 128, a class that connects
/// at once waits a second for the kernel's retransmission.
const BACKLOG: i32 = 1_024;

/// How often any free port is tried for a service that needs the same one over TCP and UDP.
const FREE_PORT_TRIES: usize = 20;

/// Binds the sockets of a service, where the configuration has it listen.
pub fn listen(service: Service, config: &Config) -> anyhow::Result<Vec<Listening>> {
    let Service {
        name,
        port,
        weight,
        tcp,
        udp,
    } = service;
    let port = config
        .port_of(port)
        .with_context(|| format!("no port is left for {name}: choose a lower one with --port"))?;
    let address = SocketAddr::new(config.bind, port);
    let failed = |error: io::Error| cannot_listen(address, &error);
    let (listener, socket) = bind(address, tcp.is_some(), udp.is_some()).map_err(failed)?;
    let mut sockets = Vec::new();
    if let (Some(listener), Some(service)) = (listener, tcp) {
        let bound = listener.local_addr();
        sockets.push((bound, Bound::Tcp(Arc::new(listener), service.into())));
    }
    if let (Some(socket), Some(service)) = (socket, udp) {
        let bound = socket.local_addr();
        sockets.push((bound, Bound::Udp(Arc::new(socket), service)));
    }
    let listening = |(bound, socket): (io::Result<SocketAddr>, Bound)| {
        Ok(Listening {
            name,
            weight,
            address: bound.map_err(failed)?,
            socket,
        })
    };
    sockets.into_iter().map(listening).collect()
}

type Sockets = (Option<TcpListener>, Option<UdpSocket>);

/// Binds the address for each transport; with port 0, both to the same free port.
fn bind(address: SocketAddr, tcp: bool, udp: bool) -> io::Result<Sockets> {
    let mut tries = match address.port() == 0 && tcp && udp {
        true => FREE_PORT_TRIES,
        false => 1,
    };
    loop {
        tries -= 1;
        match bind_each(address, tcp, udp) {
            Err(error) if tries > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
}

fn bind_each(mut address: SocketAddr, tcp: bool, udp: bool) -> io::Result<Sockets> {
    let listener = tcp.then(|| bind_tcp(address)).transpose()?;
    if let Some(listener) = &listener {
        address = listener.local_addr()?;
    }
    let socket = udp.then(|| bind_udp(address)).transpose()?;
    Ok((listener, socket))
}

/// A socket that listens at this address.
pub fn bind_tcp(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    // A restarted server need not wait for the old connections' TIME_WAIT. On Windows the option
    // means something else: it lets another program take the port away.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    // Otherwise a small message waits for the acknowledgement of the one before, up to 40 ms. What is
    // accepted has the option too.
    socket.set_tcp_nodelay(true)?;
    bind_socket(&socket, address)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// A socket that receives datagrams at this address.
pub fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(Domain::for_address(address), Type::DGRAM, None)?;
    bind_socket(&socket, address)?;
    Ok(socket.into())
}

fn bind_socket(socket: &Socket, address: SocketAddr) -> io::Result<()> {
    if address.is_ipv6() && address.ip().is_unspecified() {
        // `::` then takes IPv4 too, whatever the system's default.
        socket.set_only_v6(false)?;
    }
    socket.bind(&address.into())
}

fn cannot_listen(address: SocketAddr, error: &io::Error) -> anyhow::Error {
    let advice = match error.kind() {
        io::ErrorKind::AddrInUse => "is another labserver running? choose another port with --port",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 are for the superuser: choose another port with --port"
        }
        io::ErrorKind::AddrNotAvailable => "give --bind an address of this machine",
        _ => "choose another address with --bind and --port",
    };
    anyhow!("cannot listen on {address}: {error}: {advice}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpStream};

    #[test]
    fn an_accepted_connection_sends_without_delay() {
        let listener = bind_tcp((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let _peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert!(accepted.nodelay().unwrap());
    }
}
