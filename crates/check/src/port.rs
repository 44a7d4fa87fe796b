//! A free port for a judged program, which no other check on this computer takes meanwhile.

use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
#[cfg(target_os = "linux")]
use std::os::{linux::net::SocketAddrExt, unix::net};

use proto::mode::Transport;
use rand::RngExt;
use socket2::{Domain, Socket, Type};

/// A port that nothing used when it was chosen, over TCP or UDP.
#[derive(Debug)]
pub struct Port {
    number: u16,
    /// Has the port in its name. Many checks side by side start many programs, and until each listens
    /// nothing else shows that its port is taken.
    #[cfg(target_os = "linux")]
    _claim: net::UnixDatagram,
}

impl Port {
    /// Chooses one.
    ///
    /// # Errors
    /// When this computer has no sockets left.
    pub fn free() -> io::Result<Port> {
        loop {
            // Below those that systems give to connections: one of these may be taken before the
            // program has it, or while it starts again.
            let number = rand::rng().random_range(10_000..32_000);
            match Port::claim(number) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                claimed => return claimed,
            }
        }
    }

    fn claim(number: u16) -> io::Result<Port> {
        #[cfg(target_os = "linux")]
        let claim = {
            let name = format!("socketlab-check-{number}");
            let address = net::SocketAddr::from_abstract_name(name)?;
            net::UnixDatagram::bind_addr(&address)?
        };
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, number));
        // It does not listen: a process that another thread is just starting may have it open for a
        // moment longer, and would look like the program.
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&address.into())?;
        UdpSocket::bind(address)?;
        Ok(Port {
            number,
            #[cfg(target_os = "linux")]
            _claim: claim,
        })
    }

    /// Its number.
    pub fn number(&self) -> u16 {
        self.number
    }

    /// Whether a socket listens on it. A connection would show it too, but a server may take that for
    /// its first client.
    pub fn is_used(&self, transport: Transport) -> bool {
        const LISTENING: &str = "0A";
        // No more is read than is needed: the system puts each line together as it is read.
        const LINE: usize = 150;
        let (files, state) = match transport {
            Transport::Tcp => (["/proc/net/tcp", "/proc/net/tcp6"], Some(LISTENING)),
            Transport::Udp => (["/proc/net/udp", "/proc/net/udp6"], None),
        };
        let ending = format!(":{:04X}", self.number);
        files.iter().any(|file| {
            let Ok(table) = File::open(file) else {
                return false;
            };
            let lines = BufReader::with_capacity(LINE, table).lines();
            for line in lines.skip(1).map_while(Result::ok) {
                let mut columns = line.split_whitespace().skip(1);
                let is_there = columns.next().is_some_and(|local| local.ends_with(&ending));
                // Those that listen come first.
                if state.is_some() && columns.nth(1) != state {
                    return false;
                }
                if is_there {
                    return true;
                }
            }
            false
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn a_port_is_not_given_twice_while_its_program_has_yet_to_listen() {
        let port = Port::free().unwrap();
        let again = Port::claim(port.number()).unwrap_err();
        assert_eq!(again.kind(), io::ErrorKind::AddrInUse);
        let number = port.number();
        drop(port);
        Port::claim(number).unwrap();
    }

    #[test]
    fn a_port_is_used_when_something_listens() {
        let port = Port::free().unwrap();
        assert!(!port.is_used(Transport::Tcp) && !port.is_used(Transport::Udp));
        let _listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port.number())).unwrap();
        assert!(port.is_used(Transport::Tcp) && !port.is_used(Transport::Udp));
    }
}
