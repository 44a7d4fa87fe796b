//! The settings of a server, with their defaults.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use proto::atm::semantics::Semantics;
use proto::frame::Framing;
use proto::handout::Handout;
use proto::mode::{Mode, Transport};
use proto::script::Script;
use record::Recorder;
use wire::fault::FaultPlan;
use wire::limits::Limits;

use crate::clock::Clock;
use crate::connections::ENDING;
use crate::ledger::Place;
use crate::redis::{Address, Password};

/// What a server does.
#[derive(Debug, Clone)]
pub enum Role {
    /// Runs these services, in our own protocol.
    Services(Vec<Mode>),
    /// Serves the printed client of a hand-out.
    Handout(Handout),
    /// Relays between the client and the server of any protocol.
    Proxy(ProxySettings),
}

/// What a proxy relays, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProxySettings {
    /// The server's addresses; those of a name, in the resolver's order. There is at least one.
    pub to: Vec<SocketAddr>,
    /// Streams, or datagrams.
    pub transport: Transport,
}

/// A room of several servers, on a Redis.
#[derive(Debug, Clone)]
pub struct RoomSettings {
    /// Where the Redis is.
    pub address: Address,
    /// Its password, if it has one.
    pub password: Option<Password>,
    /// How many replicas must have a line before it counts as said.
    pub replicas: u32,
    /// How long after a server was last there its members are said to have left.
    pub lease: Duration,
}

/// What a server is to be. [`Config::default`] is what `labserver --mode MODE` runs, but for the
/// ledger, which `labserver` keeps in a file.
#[derive(Debug, Clone)]
pub struct Config {
    /// What it does.
    pub role: Role,
    /// The address to listen on. All interfaces are a choice, never a default.
    pub bind: IpAddr,
    /// The port of the service, or of several the one that theirs are [counted
    /// from](Config::port_of); `None` gives each its own default, or that of the hand-out, 0 any
    /// free one.
    pub port: Option<u16>,
    /// The framing of every TCP service but echo, which has none, and scripts, which say it
    /// themselves. What a message is to a proxy's faults.
    pub framing: Framing,
    /// The deadlines of each connection.
    pub limits: Limits,
    /// From the connection to the end of the log-in, for services that have one.
    pub login: Duration,
    /// Most connections at once, over all services.
    pub connections: usize,
    /// How long open conversations may take to end when the server stops.
    pub drain: Duration,
    /// How long one primality test may compute.
    pub prime_budget: Duration,
    /// Where the bank's ledger is; `None` keeps it in memory, for as long as the server runs.
    pub ledger: Option<Place>,
    /// Whether a ledger in a database must be on a standby too before anything is answered.
    pub require_synchronous: bool,
    /// What the bank promises. All but exactly-once may lose or make money, and are for a ledger in
    /// memory.
    pub semantics: Semantics,
    /// A file of accounts to open where they are missing, instead of the demonstration's two.
    pub accounts: Option<PathBuf>,
    /// Where the date and time service reads the time.
    pub clock: Clock,
    /// Faults to inject into the messages of every service.
    pub faults: Option<FaultPlan>,
    /// The recorder of what happens on the wire, if any.
    pub recorder: Option<Recorder>,
    /// Answers per second to one source of datagrams; 0 sets no limit.
    pub datagram_rate: u32,
    /// Requests per second of one connection to the chat room; 0 sets no limit.
    pub chat_rate: u32,
    /// The last lines that a newcomer to the chat room hears, at most [`Config::MAX_HISTORY`].
    pub history: usize,
    /// The Redis that the chat room is on with those of other servers; `None` is a room of its own.
    pub room: Option<RoomSettings>,
    /// The exchange that [`Mode::Script`] plays; `None` is the default one of those that are
    /// shipped.
    pub script: Option<Script>,
}

impl Config {
    /// Most connections at once. Each may hold a half-sent message of 64 KiB: 128 MiB at worst. A
    /// class of 200 has ten each.
    pub const CONNECTIONS: usize = 2_000;

    /// Requests a second of one connection to the chat room. Ten lines are more than a person types
    /// or reads, and in a room of 200 each is written 200 times.
    pub const CHAT_RATE: u32 = 10;

    /// Most lines that a newcomer hears: with the longest texts, a third of what may wait to be
    /// written to it.
    pub const MAX_HISTORY: usize = 100;

    /// How long the members of a server that is gone stay in a room of several. A Redis that fails
    /// over takes less.
    pub const LEASE: Duration = Duration::from_secs(10);

    /// Where a service with this default port is to listen. With several, the port of this
    /// configuration is in the place of [`Mode::BASE_PORT`]. `None` when there is no such port.
    pub fn port_of(&self, default: u16) -> Option<u16> {
        match self.port {
            None => Some(default),
            Some(base) if base > 0 && self.modes().len() > 1 => {
                base.checked_add(default - Mode::BASE_PORT)
            }
            Some(port) => Some(port),
        }
    }

    /// The services that run in our own protocol.
    pub fn modes(&self) -> &[Mode] {
        match &self.role {
            Role::Services(modes) => modes,
            Role::Handout(_) | Role::Proxy(_) => &[],
        }
    }

    /// File descriptors besides those of connections: standard streams, listeners, the ledger, a
    /// recording, what is read at the start.
    const OTHER_DESCRIPTORS: u64 = 32;

    /// The most file descriptors that are open at once, those of connections that are
    /// ending too.
    pub fn descriptors(&self) -> u64 {
        self.connections as u64 * self.descriptors_each() + self.spare_descriptors()
    }

    /// Lowers the number of connections to what fits so many file descriptors, to one at least.
    /// Says whether it had to.
    pub fn fit_into(&mut self, descriptors: u64) -> bool {
        // With very few, those that are ending and the rest may not have more than all others.
        let spare = self.spare_descriptors().min(descriptors / 2);
        let fit = (descriptors - spare) / self.descriptors_each();
        let fit = usize::try_from(fit).unwrap_or(usize::MAX).max(1);
        let must = fit < self.connections;
        self.connections = self.connections.min(fit);
        must
    }

    /// The proxy has one to each end.
    fn descriptors_each(&self) -> u64 {
        match self.role {
            Role::Proxy(_) => 2,
            Role::Services(_) | Role::Handout(_) => 1,
        }
    }

    fn spare_descriptors(&self) -> u64 {
        ENDING as u64 * self.descriptors_each() + Config::OTHER_DESCRIPTORS
    }
}

impl Default for Config {
    fn default() -> Config {
        Config {
            role: Role::Services(Vec::new()),
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            port: None,
            framing: Framing::Netstring,
            limits: Limits::SERVER,
            // A person types a card number and a PIN.
            login: Duration::from_secs(60),
            connections: Config::CONNECTIONS,
            // A test of the longest number fits.
            drain: Duration::from_secs(5),
            prime_budget: Duration::from_secs(2),
            ledger: None,
            require_synchronous: false,
            semantics: Semantics::ExactlyOnce,
            accounts: None,
            clock: Clock::System,
            // Far above any lab's need, far below what two services in a loop would reach.
            datagram_rate: 1_000,
            chat_rate: Config::CHAT_RATE,
            history: 0,
            room: None,
            faults: None,
            recorder: None,
            script: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connections_are_no_more_than_there_are_descriptors_for() {
        let fit = |connections, granted| {
            let mut config = Config {
                connections,
                ..Config::default()
            };
            let must = config.fit_into(granted);
            (config.connections, must)
        };
        let fits = [2_096, 2_095, 256, 40, 0].map(|granted| fit(2_000, granted));
        assert_eq!(
            fits,
            [
                (2_000, false),
                (1_999, true),
                (160, true),
                (20, true),
                (1, true)
            ]
        );
        assert_eq!(fit(1, 256), (1, false));
    }

    #[test]
    fn a_proxy_has_two_descriptors_for_each_connection() {
        let proxy = ProxySettings {
            to: Vec::new(),
            transport: Transport::Tcp,
        };
        let mut config = Config {
            role: Role::Proxy(proxy),
            ..Config::default()
        };
        assert_eq!(config.descriptors(), 4_160);
        assert!(!config.fit_into(4_160));
        assert!(config.fit_into(1_160));
        assert_eq!(config.connections, 500);
    }
}
