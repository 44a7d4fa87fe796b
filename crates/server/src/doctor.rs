//! What this computer has in the way of a server, and what to do about it.

mod holder;

use std::fmt;
use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};

use proto::mode::Transport;

use self::holder::{Holder, holder};
use crate::config::Config;
use crate::listener::{bind_tcp, bind_udp};

/// Threads and processes that other programs of this user need.
pub(crate) const OTHER_THREADS: u64 = 100;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How it is.
    pub state: State,
    /// What was seen, in one sentence.
    pub seen: String,
    /// The next step, where one is needed.
    pub advice: Option<String>,
}

/// How something is that was looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// As it should be.
    Good,
    /// It may be in the way.
    Warning,
    /// A server with these settings does not start, or refuses connections that it should serve.
    Bad,
}

impl State {
    /// One word.
    pub fn name(self) -> &'static str {
        match self {
            State::Good => "good",
            State::Warning => "warning",
            State::Bad => "bad",
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<8} {}", self.state.name(), self.seen)?;
        match &self.advice {
            Some(advice) => write!(f, "\n         -> {advice}"),
            None => Ok(()),
        }
    }
}

/// Looks at all that a server with this configuration needs.
pub fn examine(config: &Config) -> Vec<Finding> {
    let mut findings = ports(config);
    findings.push(reachability(config.bind, interfaces()));
    findings.extend(localhost(config.bind, address_of_localhost()));
    findings.push(files(config, most_files()));
    findings.extend(threads(config, most_threads()));
    findings
}

fn good(seen: impl Into<String>) -> Finding {
    Finding {
        state: State::Good,
        seen: seen.into(),
        advice: None,
    }
}

fn warning(seen: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding {
        state: State::Warning,
        seen: seen.into(),
        advice: Some(advice.into()),
    }
}

fn bad(seen: impl Into<String>, advice: impl Into<String>) -> Finding {
    Finding {
        state: State::Bad,
        ..warning(seen, advice)
    }
}

/// Whether the ports of all services can be had. Those that cannot for one reason are one finding.
fn ports(config: &Config) -> Vec<Finding> {
    let mut free = Vec::new();
    let mut taken: Vec<(Obstacle, Vec<String>)> = Vec::new();
    let mut findings = Vec::new();
    for mode in config.modes() {
        let Some(port) = config.port_of(mode.default_port()) else {
            let seen = format!("no port is left for {}", mode.name());
            findings.push(bad(seen, "choose a lower --port"));
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
        findings.insert(0, good(format!("port {} at {at}: free", free.join(", "))));
    }
    findings.extend(taken.into_iter().map(|(obstacle, ports)| {
        let seen = format!("port {} at {at}: {}", ports.join(", "), obstacle.words);
        bad(seen, obstacle.advice)
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

/// The addresses of this computer but those that only it can use, and the interface of each.
pub(crate) fn interfaces() -> io::Result<Vec<(IpAddr, String)>> {
    let all = if_addrs::get_if_addrs()?.into_iter();
    let outer = all.filter(|it| !it.is_loopback() && !it.is_link_local());
    Ok(outer.map(|it| (it.ip(), it.name)).collect())
}

/// Where other computers find a server that listens at this address.
fn reachability(bind: IpAddr, interfaces: io::Result<Vec<(IpAddr, String)>>) -> Finding {
    if bind.is_loopback() {
        return good(format!(
            "only this computer can connect to {bind}; for a class, --bind 0.0.0.0"
        ));
    }
    let interfaces = match interfaces {
        Ok(interfaces) => interfaces,
        Err(error) => {
            return warning(
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
        (true, true) => warning(
            "no other computer can connect: this one has no network",
            "connect it to the network of the class",
        ),
        (true, false) => bad(
            format!("no other computer can connect to {bind}"),
            "give --bind an address of this one, or 0.0.0.0 for all",
        ),
        (false, _) => good(format!(
            "other computers connect to {}, unless a firewall is between",
            reached.join(" or ")
        )),
    }
}

/// The address at which clients find localhost first.
fn address_of_localhost() -> Option<IpAddr> {
    Some(("localhost", 0).to_socket_addrs().ok()?.next()?.ip())
}

/// Whether a client that is told localhost, which has this address, finds a server at `bind`; nothing
/// where it does, or is not to.
fn localhost(bind: IpAddr, localhost: Option<IpAddr>) -> Option<Finding> {
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
    (!is_served).then(|| warning(seen, advice))
}

/// Whether so many files may be open as the connections need.
fn files(config: &Config, limit: io::Result<u64>) -> Finding {
    let (connections, needed) = (config.connections, config.descriptors());
    match limit {
        Ok(limit) if limit < needed => bad(
            format!(
                "{connections} connections need {needed} open files, and this user may have {limit}"
            ),
            "raise the hard limit (`ulimit -Hn`), or lower --max-connections",
        ),
        Ok(limit) => good(format!(
            "{connections} connections need {needed} open files, of at most {limit}"
        )),
        Err(error) => warning(
            format!("cannot ask how many files may be open: {error}"),
            "lower --max-connections if connections are refused",
        ),
    }
}

/// Whether so many threads may run as the connections need; nothing where no limit is known.
fn threads(config: &Config, limit: Option<u64>) -> Option<Finding> {
    let (connections, limit) = (config.connections, limit?);
    let needed = connections as u64 + OTHER_THREADS;
    Some(match limit < needed {
        true => bad(
            format!("{connections} connections need as many threads, of at most {limit}"),
            "raise the limit (`ulimit -u`, or the cgroup's pids.max), or lower --max-connections",
        ),
        false => good(format!(
            "{connections} connections need as many threads, of at most {limit}"
        )),
    })
}

#[cfg(unix)]
fn most_files() -> io::Result<u64> {
    rlimit::Resource::NOFILE.get_hard()
}

#[cfg(not(unix))]
fn most_files() -> io::Result<u64> {
    Err(ErrorKind::Unsupported.into())
}

/// The lowest of the limits on threads.
#[cfg(not(unix))]
pub(crate) fn most_threads() -> Option<u64> {
    None
}

/// The lowest of the limits on threads.
#[cfg(unix)]
pub(crate) fn most_threads() -> Option<u64> {
    let of_user = rlimit::Resource::NPROC.get_soft().ok();
    let number = |path: &str| std::fs::read_to_string(path).ok()?.trim().parse().ok();
    let of_system = number("/proc/sys/kernel/threads-max");
    let of_group = std::fs::read_to_string("/proc/self/cgroup").ok();
    let of_group = of_group
        .as_deref()
        .and_then(|text| text.lines().find_map(|it| it.strip_prefix("0::")));
    let of_group = of_group.and_then(|group| number(&format!("/sys/fs/cgroup{group}/pids.max")));
    [of_user, of_system, of_group].into_iter().flatten().min()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Role;
    use proto::mode::Mode;
    use std::net::{Ipv6Addr, TcpListener};

    const V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7));

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
        assert_eq!(found, [good("port 0 (text) at 127.0.0.1: free")]);
    }

    #[test]
    fn a_service_beyond_the_last_port_and_a_foreign_address_are_bad() {
        let all = Config {
            role: Role::Services(Mode::ALL.to_vec()),
            port: Some(65_530),
            bind: V4,
            ..Config::default()
        };
        let found = ports(&all);
        assert!(found.iter().all(|it| it.state == State::Bad), "{found:?}");
        assert_eq!(found[0].seen, "no port is left for text");
        let last = "port 65535 (atm) at 192.0.2.7: no address of this computer";
        assert_eq!(found.last().unwrap().seen, last);
    }

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

    #[test]
    fn a_limit_that_is_too_low_for_the_connections_is_bad() {
        let config = Config {
            connections: 300,
            ..Config::default()
        };
        let needed = config.descriptors();
        assert_eq!(files(&config, Ok(needed)).state, State::Good);
        assert_eq!(files(&config, Ok(needed - 1)).state, State::Bad);
        let failed = files(&config, Err(ErrorKind::Unsupported.into()));
        assert_eq!(failed.state, State::Warning);
        let state = |limit| threads(&config, limit).map(|it| it.state);
        assert_eq!(state(Some(400)), Some(State::Good));
        assert_eq!(state(Some(399)), Some(State::Bad));
        assert_eq!(state(None), None);
    }
}
