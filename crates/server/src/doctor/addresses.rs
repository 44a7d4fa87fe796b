//! Where clients find a server, on this computer and on others.

use std::io;
use std::net::{IpAddr, Ipv4Addr, ToSocketAddrs};

use commandline::finding::Finding;

/// The addresses of this computer but those that only it can use, and the interface of each.
pub(crate) fn interfaces() -> io::Result<Vec<(IpAddr, String)>> {
    let all = if_addrs::get_if_addrs()?.into_iter();
    let outer = all.filter(|it| !it.is_loopback() && !it.is_link_local());
    Ok(outer.map(|it| (it.ip(), it.name)).collect())
}

/// Where other computers find a server that listens at this address.
pub(super) fn reachability(bind: IpAddr, interfaces: io::Result<Vec<(IpAddr, String)>>) -> Finding {
    if bind.is_loopback() {
        return Finding::good(format!(
            "only this computer can connect to {bind}; for a class, --bind 0.0.0.0"
        ));
    }
    let interfaces = match interfaces {
        Ok(interfaces) => interfaces,
        Err(error) => {
            return Finding::warning(
                format!("the addresses of this computer cannot be listed: {error}"),
                "ask for them where the network is run",
            );
        }
    };
    let serves = |address: &IpAddr| match bind {
        IpAddr::V4(any) if any == Ipv4Addr::UNSPECIFIED => address.is_ipv4(),
        bind if bind.is_unspecified() => true,
        bind => *address == bind,
    };
    let reached = interfaces.iter().filter(|(address, _)| serves(address));
    let reached: Vec<_> = reached
        .map(|(address, name)| format!("{address} ({name})"))
        .collect();
    match (reached.is_empty(), bind.is_unspecified()) {
        (true, true) => Finding::warning(
            "no other computer can connect: this one has no network",
            "connect it to the network of the class",
        ),
        (true, false) => Finding::bad(
            format!("no other computer can connect to {bind}"),
            "give --bind an address of this one, or 0.0.0.0 for all",
        ),
        (false, _) => Finding::good(format!(
            "other computers connect to {}, unless a firewall is between",
            reached.join(" or ")
        )),
    }
}

/// The address at which clients find localhost first.
pub(super) fn address_of_localhost() -> Option<IpAddr> {
    Some(("localhost", 0).to_socket_addrs().ok()?.next()?.ip())
}

/// Whether a client that is told localhost, which has this address, finds a server at `bind`; nothing
/// where it does, or is not to.
pub(super) fn localhost(bind: IpAddr, localhost: Option<IpAddr>) -> Option<Finding> {
    let localhost = localhost?;
    let (is_served, advice) = match bind.is_unspecified() {
        true => (
            bind.is_ipv6() || localhost.is_ipv4(),
            "have clients on this computer connect to 127.0.0.1, or use --bind ::".to_owned(),
        ),
        false => (
            bind == localhost || !bind.is_loopback(),
            format!("have clients connect to {bind}, or use --bind {localhost}"),
        ),
    };
    let seen = format!("localhost is {localhost} first, where a server at {bind} does not listen");
    (!is_served).then(|| Finding::warning(seen, advice))
}

#[cfg(test)]
mod tests {
    use super::*;
    use commandline::finding::State;
    use std::net::Ipv6Addr;

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

    #[test]
    fn where_others_connect_is_said_for_the_addresses_that_are_served() {
        let interfaces = || {
            let v6 = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7));
            Ok(vec![(V4, "eth0".to_owned()), (v6, "eth0".to_owned())])
        };
        let seen = |bind: &str| reachability(bind.parse().unwrap(), interfaces()).seen;
        assert!(seen("127.0.0.1").starts_with("only this computer can connect"));
        assert!(seen("0.0.0.0").starts_with("other computers connect to 192.0.2.7 (eth0), "));
        assert!(seen("::").contains("192.0.2.7 (eth0) or 2001:db8::7 (eth0)"));
        assert!(seen("192.0.2.7").contains("connect to 192.0.2.7 (eth0), "));
        assert!(seen("192.0.2.8").contains("no other computer can connect to 192.0.2.8"));
        let none = reachability("0.0.0.0".parse().unwrap(), Ok(Vec::new()));
        assert_eq!(none.state, State::Warning);
    }

    #[test]
    fn localhost_is_a_warning_where_its_first_address_is_not_served() {
        let found = |bind: &str, first: &str| {
            let first = first.parse().unwrap();
            localhost(bind.parse().unwrap(), Some(first)).map(|it| it.advice.unwrap())
        };
        for (bind, first) in [
            ("127.0.0.1", "127.0.0.1"),
            ("0.0.0.0", "127.0.0.1"),
            ("::", "::1"),
            ("::", "127.0.0.1"),
            ("192.0.2.7", "::1"),
        ] {
            assert_eq!(found(bind, first), None, "{bind} {first}");
        }
        for (bind, first, advice) in [
            (
                "127.0.0.1",
                "::1",
                "have clients connect to 127.0.0.1, or use --bind ::1",
            ),
            (
                "::1",
                "127.0.0.1",
                "have clients connect to ::1, or use --bind 127.0.0.1",
            ),
            (
                "0.0.0.0",
                "::1",
                "have clients on this computer connect to 127.0.0.1, or use --bind ::",
            ),
        ] {
            assert_eq!(
                found(bind, first).as_deref(),
                Some(advice),
                "{bind} {first}"
            );
        }
        assert_eq!(localhost(V4, None), None);
    }
}
