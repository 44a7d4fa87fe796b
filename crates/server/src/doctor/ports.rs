//! Whether the ports of all services can be had.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;

use commandline::finding::Finding;
use proto::mode::Transport;

use super::holder::{Holder, holder};
use crate::config::Config;
use crate::listener::{bind_tcp, bind_udp};

/// One finding for all that can be had, and one for each reason why others cannot.
pub(super) fn ports(config: &Config) -> Vec<Finding> {
    let mut free = Vec::new();
    let mut taken: Vec<(Obstacle, Vec<String>)> = Vec::new();
    let mut findings = Vec::new();
    for mode in config.modes() {
        let Some(port) = config.port_of(mode.default_port()) else {
            let seen = format!("no port is left for {}", mode.name());
            findings.push(Finding::bad(seen, "choose a lower --port"));
            continue;
        };
        let address = SocketAddr::new(config.bind, port);
        let named = format!("{port} ({})", mode.name());
        let mut obstacles = mode.transports().iter().filter_map(|&transport| {
            let error = bind(address, transport).err()?;
            Some(Obstacle::new(port, transport, &error))
        });
        match obstacles.next() {
            None => free.push(named),
            Some(obstacle) => match taken.iter_mut().find(|(other, _)| *other == obstacle) {
                Some((_, ports)) => ports.push(named),
                None => taken.push((obstacle, vec![named])),
            },
        }
    }
    let at = config.bind;
    if !free.is_empty() {
        findings.insert(
            0,
            Finding::good(format!("port {} at {at}: free", free.join(", "))),
        );
    }
    findings.extend(taken.into_iter().map(|(obstacle, ports)| {
        let seen = format!("port {} at {at}: {}", ports.join(", "), obstacle.words);
        Finding::bad(seen, obstacle.advice)
    }));
    findings
}

/// Why a port cannot be had.
#[derive(PartialEq, Eq)]
struct Obstacle {
    words: String,
    advice: String,
}

fn bind(address: SocketAddr, transport: Transport) -> io::Result<()> {
    match transport {
        Transport::Tcp => bind_tcp(address).map(drop),
        Transport::Udp => bind_udp(address).map(drop),
    }
}

impl Obstacle {
    fn new(port: u16, transport: Transport, error: &io::Error) -> Obstacle {
        let (words, advice) = match error.kind() {
            ErrorKind::AddrInUse => match holder(port, transport) {
                Some(Holder { program, process }) => (
                    format!("in use by {program} ({process})"),
                    format!("end it with `kill {process}`, or choose other ports with --port"),
                ),
                None => (
                    "in use by a program of another user".into(),
                    "choose other ports with --port; as the superuser, `ss -lntup` shows which it is"
                        .into(),
                ),
            },
            ErrorKind::PermissionDenied => (
                "for the superuser alone, as all below 1024".into(),
                "choose a higher --port".into(),
            ),
            ErrorKind::AddrNotAvailable => (
                "no address of this computer".into(),
                "give --bind an address of its own, or 0.0.0.0 for all".into(),
            ),
            _ => (
                format!("not to be had ({error})"),
                "choose others with --port".into(),
            ),
        };
        Obstacle { words, advice }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;
    use commandline::finding::State;
    use proto::mode::Mode;
    use std::net::{IpAddr, Ipv4Addr, TcpListener};

    fn config(port: u16) -> Config {
        Config {
            role: Role::Services(vec![Mode::Text]),
            port: Some(port),
            ..Config::default()
        }
    }

    #[test]
    fn a_port_in_use_is_bad_and_its_holder_named_and_a_free_one_is_good() {
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = taken.local_addr().unwrap().port();
        let found = ports(&config(port));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(found[0].state, State::Bad);
        let begin = format!("port {port} (text) at 127.0.0.1: in use by ");
        assert!(found[0].seen.starts_with(&begin), "{found:?}");
        #[cfg(target_os = "linux")]
        {
            let own = std::process::id();
            assert!(found[0].seen.ends_with(&format!(" ({own})")), "{found:?}");
            assert!(
                found[0]
                    .advice
                    .as_ref()
                    .unwrap()
                    .contains(&format!("`kill {own}`"))
            );
        }
        let found = ports(&config(0));
        assert_eq!(found, [Finding::good("port 0 (text) at 127.0.0.1: free")]);
    }

    #[test]
    fn a_service_beyond_the_last_port_and_a_foreign_address_are_bad() {
        let all = Config {
            role: Role::Services(Mode::ALL.to_vec()),
            port: Some(65_530),
            bind: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
            ..Config::default()
        };
        let found = ports(&all);
        assert!(found.iter().all(|it| it.state == State::Bad), "{found:?}");
        assert_eq!(found[0].seen, "no port is left for text");
        let last = "port 65535 (atm) at 192.0.2.7: no address of this computer";
        assert_eq!(found.last().unwrap().seen, last);
    }
}
