//! Which bank is meant: a machine's journal is kept for one, whichever way its address is written.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use wire::connect::{connect_to, resolve};

/// The one way to write this `HOST:PORT`: an address of this computer as a number, a name in lower
/// case.
///
/// `localhost` may be two addresses with a bank behind each. It is the one that answers within
/// `timeout`, or else the one where `labserver` listens by default.
pub(super) fn one_way_to_write(server: &str, timeout: Duration) -> String {
    let Some((host, port)) = server.rsplit_once(':') else {
        return server.to_owned();
    };
    let Ok(port) = port.parse() else {
        return server.to_owned();
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    if let Ok(address) = bare.parse::<IpAddr>() {
        return SocketAddr::new(reached_by(address), port).to_string();
    }
    if !host.trim_end_matches('.').eq_ignore_ascii_case("localhost") {
        return server.to_ascii_lowercase();
    }
    let usual = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    match resolve(server).as_deref() {
        Err(_) => usual,
        Ok([only]) => *only,
        Ok(several) => {
            let answered = connect_to(several, timeout).ok();
            let peer = answered.and_then(|stream| stream.peer_addr().ok());
            peer.unwrap_or(usual)
        }
    }
    .to_string()
}

/// The address at the other end of a connection to this one.
fn reached_by(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(Ipv4Addr::UNSPECIFIED) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(Ipv6Addr::UNSPECIFIED) => Ipv6Addr::LOCALHOST.into(),
        address => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;

    #[test]
    fn each_way_to_write_an_address_is_one_bank() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let bank = format!("127.0.0.1:{port}");
        for host in [
            "127.0.0.1",
            "localhost",
            "LocalHost.",
            "0.0.0.0",
            "[::ffff:127.0.0.1]",
        ] {
            let server = format!("{host}:{port}");
            assert_eq!(
                one_way_to_write(&server, Duration::from_secs(5)),
                bank,
                "{host}"
            );
        }
    }

    #[test]
    fn localhost_is_the_usual_address_where_nobody_answers() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let server = format!("localhost:{port}");
        let bank = format!("127.0.0.1:{port}");
        assert_eq!(one_way_to_write(&server, Duration::from_secs(5)), bank);
    }

    #[test]
    fn other_hosts_are_other_banks() {
        for (server, bank) in [
            ("[::1]:9005", "[::1]:9005"),
            ("[0:0:0:0:0:0:0:1]:9005", "[::1]:9005"),
            ("127.0.0.2:9005", "127.0.0.2:9005"),
            ("Lab.Example:9005", "lab.example:9005"),
        ] {
            assert_eq!(one_way_to_write(server, Duration::from_secs(5)), bank);
        }
    }
}
