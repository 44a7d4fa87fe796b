//! From `host:port` to a connected stream, over every address the name has.

use std::io;
use std::net::{SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

/// Why no address of a server could be connected to.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The name has no address.
    #[error("cannot find the address of {server:?}: {error}")]
    Unresolved {
        /// What was asked for.
        server: String,
        /// What the resolver said.
        error: io::Error,
    },
    /// Every address failed, each for its own reason.
    #[error("{}", .tried.iter().map(failure).collect::<Vec<_>>().join("; "))]
    Unreachable {
        /// What was tried, in order.
        tried: Vec<(SocketAddr, io::Error)>,
    },
}

fn failure((address, error): &(SocketAddr, io::Error)) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => format!("nothing listens on {address}"),
        io::ErrorKind::TimedOut => format!("{address} did not answer in time"),
        _ => format!("cannot connect to {address}: {error}"),
    }
}

/// Every address of `host:port`, each once.
///
/// # Errors
/// When the text is no `host:port`, or the name has no address.
pub fn resolve(server: &str) -> Result<Vec<SocketAddr>, ConnectError> {
    let unresolved = |error| ConnectError::Unresolved {
        server: server.to_owned(),
        error,
    };
    let mut addresses = Vec::new();
    for address in server.to_socket_addrs().map_err(unresolved)? {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    if addresses.is_empty() {
        let error = io::Error::new(io::ErrorKind::NotFound, "the name has no address");
        return Err(unresolved(error));
    }
    Ok(addresses)
}

/// Connects to the first address that answers. `localhost` may be `::1` first while the server
/// listens on `127.0.0.1` alone.
///
/// # Errors
/// When none answers within `timeout` in total: what each of them did.
pub fn connect(server: &str, timeout: Duration) -> Result<TcpStream, ConnectError> {
    connect_to(&resolve(server)?, timeout)
}

/// Connects to the first of these addresses that answers.
///
/// # Errors
/// When none answers within `timeout` in total: what each of them did.
pub fn connect_to(addresses: &[SocketAddr], timeout: Duration) -> Result<TcpStream, ConnectError> {
    let by = Instant::now() + timeout;
    let mut tried = Vec::new();
    for &address in addresses {
        let wait = by.saturating_duration_since(Instant::now());
        match TcpStream::connect_timeout(&address, wait.max(Duration::from_millis(1))) {
            Ok(stream) => return Ok(stream),
            Err(error) => tried.push((address, error)),
        }
    }
    Err(ConnectError::Unreachable { tried })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn the_address_that_answers_is_found_behind_one_that_does_not() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let stream = connect(&format!("localhost:{port}"), Duration::from_secs(5)).unwrap();
        assert_eq!(stream.peer_addr().unwrap().port(), port);
    }

    #[test]
    fn a_refused_connection_says_who_does_not_listen() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let error = connect(&address.to_string(), Duration::from_secs(5)).unwrap_err();
        assert_eq!(error.to_string(), format!("nothing listens on {address}"));
    }

    #[test]
    fn what_is_no_address_is_refused_by_name() {
        let error = connect("no port here", Duration::from_secs(5)).unwrap_err();
        assert!(error.to_string().contains("\"no port here\""), "{error}");
    }
}
