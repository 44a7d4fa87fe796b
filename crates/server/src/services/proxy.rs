//! A proxy: it stands between any two programs, so that they can be watched and broken without
//! touching them.
//!
//! It says nothing of its own and understands nothing: bytes go through as they came, and so do the
//! ends of streams and resets. A framing matters only to the faults, which apply to whole messages.
//!
//! * [`pair`]: the two streams of a connection, and how they end together;
//! * [`pump`]: one direction of it, and what is done to it;
//! * [`cutter`]: a stream cut into messages, with no byte lost of what makes none;
//! * [`datagrams`]: the same for UDP.

mod cutter;
mod datagrams;
mod pair;
mod pump;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use proto::frame::Framing;
use proto::mode::{PROXY, Transport};
use proto::side::{Direction, Side};
use record::{CloseReason, Closer};
use socket2::{Domain, Socket, Type};
use wire::connect::connect_to;

use self::datagrams::relay;
use self::pair::{Over, Pair, Taps};
use self::pump::Pump;
use crate::config::{Config, ProxySettings};
use crate::incoming::{IncomingConnection, IncomingDatagrams};
use crate::service::{End, Service, TcpService, UdpService};
use crate::threads::Threads;

/// The default port: the one behind those of the services.
pub const DEFAULT_PORT: u16 = 9012;

/// Longest wait for the server to accept a connection. The kernel would wait two minutes for a host
/// that is off; who waits for an answer has given up long before.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// The proxy.
#[derive(Clone)]
pub struct Proxy {
    settings: ProxySettings,
    /// What a message is, to the faults and to the recording.
    framing: Framing,
    /// How long a message may take to be whole.
    hold: Duration,
    /// Silence after which a client over UDP is forgotten.
    idle: Duration,
    /// Most clients over UDP at once.
    clients: usize,
    /// How long open connections may take to end when the server stops.
    drain: Duration,
    threads: Threads,
}

impl Proxy {
    /// A proxy with these settings, with its second threads from these.
    pub fn new(settings: ProxySettings, config: &Config, threads: Threads) -> Proxy {
        Proxy {
            settings,
            framing: config.framing,
            hold: config.limits.frame,
            idle: config.limits.idle.unwrap_or(Duration::MAX),
            clients: config.connections,
            drain: config.drain,
            threads,
        }
    }

    /// The proxy as a service.
    pub fn service(&self) -> Service {
        let service = Service::new(PROXY, DEFAULT_PORT);
        match self.settings.transport {
            Transport::Tcp => service.over_tcp(self.clone()),
            Transport::Udp => service.over_udp(self.clone()),
        }
    }

    /// Refuses an address where it would relay to itself: all it is sent would go round without end.
    pub fn check_not_self(&self, own: SocketAddr) -> anyhow::Result<()> {
        for to in &self.settings.to {
            if to.port() == own.port() && is_reached_at(own.ip(), to.ip()) {
                bail!("--to {to} is the proxy itself: give the address of the server");
            }
        }
        Ok(())
    }

    /// Warns when nothing can be listening at the server's address. Only for an address of this
    /// machine, which can be looked at without a connection: some servers serve just one.
    pub fn warn_if_nothing_listens(&self) {
        let to = &self.settings.to;
        if to.iter().all(|to| is_free(*to, self.settings.transport)) {
            let to: Vec<String> = to.iter().map(SocketAddr::to_string).collect();
            tracing::warn!("nothing listens on {} yet", to.join(" or "));
        }
    }

    fn relay(&self, incoming: &IncomingConnection<'_>) -> anyhow::Result<Option<Over>> {
        let permit = incoming.permit;
        let client = incoming.relayed(self.framing)?;
        let connected = connect_to(&self.settings.to, CONNECT_WAIT);
        if let (Some(tap), Err(error)) = (&client.tap, &connected) {
            let words = error.to_string();
            tap.failed(&words);
            tap.ends(Closer::Us, CloseReason::Reset, Some(words));
        }
        let server = connected?;
        let server_tap = incoming.tap(Side::Client, self.framing.into(), &server)?;
        let taps = client.tap.zip(server_tap);
        let taps = taps.map(|(client, server)| Taps { client, server });
        let pair = Pair::new(client.stream, Arc::new(server), taps, permit.watch())?;
        let pair = Arc::new(pair);
        let mut requests = Pump::new(&pair, Direction::ToServer, self.framing);
        let mut replies = Pump::new(&pair, Direction::ToClient, self.framing);
        if let Some((of_requests, of_replies)) = client.faults {
            requests = requests.under(of_requests, self.framing, self.hold);
            replies = replies.under(of_replies, self.framing, self.hold);
        }
        let other = Arc::clone(&pair);
        self.threads.run(move || {
            replies.run(|| ());
            other.wait_for_other(Direction::ToClient, || false);
        })?;
        requests.run(|| {
            permit.has_spoken();
            permit.makes_sense();
        });
        let mut stop_by = None;
        pair.wait_for_other(Direction::ToServer, || {
            let is_stopping = permit.is_stopping();
            let by = is_stopping.then(|| *stop_by.get_or_insert(Instant::now() + self.drain));
            by.is_some_and(|by| by <= Instant::now())
        });
        Ok(pair.over())
    }
}

impl TcpService for Proxy {
    /// Relays one connection until both directions have ended.
    fn serve(&self, incoming: IncomingConnection<'_>) -> io::Result<End> {
        Ok(match self.relay(&incoming) {
            Ok(None | Some(Over::Stopped)) if incoming.permit.is_stopping() => End::Stopping,
            Ok(None | Some(Over::Stopped)) => End::Closed,
            Ok(Some(Over::Lost { words, .. })) => End::Broken(words),
            Ok(Some(Over::Fault(how))) => End::Broken(how.to_string()),
            Err(error) => {
                // What a client would have met that had connected there itself.
                let _ = incoming.options().set_linger(Some(Duration::ZERO));
                End::Unserved(format!("{error:#}"))
            }
        })
    }
}

impl UdpService for Proxy {
    /// Relays datagrams until the server stops.
    fn serve(&self, incoming: IncomingDatagrams<'_>) {
        let is_v6 = incoming.socket.local_addr().is_ok_and(|own| own.is_ipv6());
        // Over UDP nothing says at which of its addresses a server is. The one that is like ours is
        // the likelier: `localhost` may be `::1` first.
        let to = &self.settings.to;
        let alike = to.iter().find(|to| to.is_ipv6() == is_v6);
        let Some(&server) = alike.or(to.first()) else {
            return;
        };
        relay(incoming, server, self.clients, self.idle);
    }
}

/// Whether the address is one of this machine's, and free: then it can be bound.
fn is_free(address: SocketAddr, transport: Transport) -> bool {
    let kind = match transport {
        Transport::Tcp => Type::STREAM,
        Transport::Udp => Type::DGRAM,
    };
    let socket = Socket::new(Domain::for_address(address), kind, None);
    // Given back at once, and never listened on.
    socket.is_ok_and(|socket| socket.bind(&address.into()).is_ok())
}

/// Whether a listener on `own` is reached at `to`.
fn is_reached_at(own: IpAddr, to: IpAddr) -> bool {
    // Sent to no address in particular, it stays on this machine.
    let to = match to.to_canonical() {
        to if !to.is_unspecified() => to,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    if !own.is_unspecified() {
        return own.to_canonical() == to;
    }
    let interfaces = if_addrs::get_if_addrs().unwrap_or_default();
    to.is_loopback() || interfaces.iter().any(|interface| interface.ip() == to)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: &str, to: &[&str]) -> Result<(), String> {
        let settings = ProxySettings {
            to: to.iter().map(|to| to.parse().unwrap()).collect(),
            transport: Transport::Tcp,
        };
        let proxy = Proxy::new(settings, &Config::default(), Threads::default());
        let checked = proxy.check_not_self(own.parse().unwrap());
        checked.map_err(|error| error.to_string())
    }

    #[test]
    fn a_proxy_to_itself_is_refused_under_each_of_its_names() {
        for (own, to) in [
            ("127.0.0.1:9012", "127.0.0.1:9012"),
            ("127.0.0.1:9012", "0.0.0.0:9012"),
            ("127.0.0.1:9012", "[::ffff:127.0.0.1]:9012"),
            ("[::1]:9012", "[::]:9012"),
            ("0.0.0.0:9012", "127.0.0.1:9012"),
            ("0.0.0.0:9012", "127.9.9.9:9012"),
            ("[::]:9012", "[::1]:9012"),
        ] {
            let refusal = check(own, &["192.0.2.1:9012", to]).unwrap_err();
            assert!(refusal.contains("is the proxy itself"), "{refusal}");
        }
        for (own, to) in [
            ("127.0.0.1:9012", "127.0.0.1:9005"),
            ("127.0.0.1:9012", "127.0.0.2:9012"),
            ("0.0.0.0:9012", "192.0.2.1:9012"),
        ] {
            assert_eq!(check(own, &[to]), Ok(()), "{own} {to}");
        }
    }
}
