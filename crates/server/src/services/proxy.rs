//! A proxy: it stands between any two programs, so that they can be watched and broken without
//! touching them.
//!
//! It says nothing of its own and understands nothing: bytes go through as they came, and so do the
//! ends of streams and resets. A framing matters only to the faults, which apply to whole messages.
//!
//! * [`pair`]: the two streams of a connection, and how they end together;
//! * [`pump`]: one direction of it, and [`faulty`] what is done to it;
//! * [`cutter`]: a stream cut into messages, with no byte lost of what makes none;
//! * [`datagrams`]: the same for UDP.

pub mod cutter;
pub mod datagrams;
pub mod faulty;
pub mod pair;
pub mod pump;

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::bail;
use proto::atm::secrets;
use proto::mode::Transport;
use proto::side::{Direction, Side};
use record::tap::Tap;
use record::{By, How, Mask};
use socket2::{Domain, SockRef, Socket, Type};
use wire::connect::connect_to;
use wire::fault::datagrams::Datagrams;

use self::datagrams::Relay;
use self::pair::{Over, Pair, Taps};
use self::pump::Pump;
use crate::config::Config;
use crate::connections::{Connections, Place};
use crate::conversation::End;
use crate::threads::Threads;

pub use proto::mode::PROXY as NAME;

/// The default port: the one behind those of the services.
pub const DEFAULT_PORT: u16 = 9012;

/// Longest wait for the server to accept a connection. The kernel would wait two minutes for a host
/// that is off; who waits for an answer has given up long before.
const CONNECT_WAIT: Duration = Duration::from_secs(10);

/// What a proxy relays, and to whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// The server's addresses; those of a name, in the resolver's order. There is at least one.
    pub to: Vec<SocketAddr>,
    /// Streams, or datagrams.
    pub transport: Transport,
}

/// The proxy.
#[derive(Clone)]
pub struct Proxy {
    settings: Settings,
    threads: Threads,
}

impl Proxy {
    /// A proxy with these settings, with its second threads from these.
    pub fn new(settings: Settings, threads: Threads) -> Proxy {
        Proxy { settings, threads }
    }

    /// The transport it listens on.
    pub fn transports(&self) -> &'static [Transport] {
        match self.settings.transport {
            Transport::Tcp => &[Transport::Tcp],
            Transport::Udp => &[Transport::Udp],
        }
    }

    /// Whether it may listen here.
    ///
    /// # Errors
    /// When it would relay to itself: all it is sent would go round without end.
    pub fn check_not_self(&self, own: SocketAddr) -> anyhow::Result<()> {
        for to in &self.settings.to {
            if to.port() == own.port() && is_reached_at(own.ip(), to.ip()) {
                bail!("--to {to} is the proxy itself: give the address of the server");
            }
        }
        Ok(())
    }

    /// Relays one connection until both directions have ended.
    pub fn serve(&self, client: &Arc<TcpStream>, place: &Place, config: &Config) -> End {
        match self.relay(client, place, config) {
            Ok(None | Some(Over::Stopped)) if place.is_stopping() => End::Stopping,
            Ok(None | Some(Over::Stopped)) => End::Closed,
            Ok(Some(Over::Lost { words, .. })) => End::Broken(words),
            Ok(Some(Over::Fault(how))) => End::Broken(how.to_string()),
            Err(error) => {
                // What a client would have met that had connected there itself.
                let _ = SockRef::from(&**client).set_linger(Some(Duration::ZERO));
                End::Unserved(format!("{error:#}"))
            }
        }
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

    fn relay(
        &self,
        client: &Arc<TcpStream>,
        place: &Place,
        config: &Config,
    ) -> anyhow::Result<Option<Over>> {
        let listen_to = |stream, side| tap(config, stream, place.id(), side);
        let client_tap = listen_to(client, Side::Server)?;
        let connected = connect_to(&self.settings.to, CONNECT_WAIT);
        if let (Some(tap), Err(error)) = (&client_tap, &connected) {
            let words = error.to_string();
            tap.failed(&words);
            tap.ends(By::Us, How::Reset, Some(words));
        }
        let server = connected?;
        let server_tap = listen_to(&server, Side::Client)?;
        let taps = client_tap.zip(server_tap);
        let taps = taps.map(|(client, server)| Taps { client, server });
        let (client, server) = (Arc::clone(client), Arc::new(server));
        let pair = Arc::new(Pair::new(client, server, taps, place.watch())?);
        let mut requests = Pump::new(&pair, Direction::ToServer, config.framing);
        let mut replies = Pump::new(&pair, Direction::ToClient, config.framing);
        if let Some(plan) = &config.faults {
            let (of_requests, of_replies) = plan.relay(Transport::Tcp, place.id());
            let hold = config.limits.frame;
            requests = requests.under(of_requests, config.framing, hold);
            replies = replies.under(of_replies, config.framing, hold);
        }
        let other = Arc::clone(&pair);
        self.threads.run(move || {
            replies.run(|| ());
            other.wait_for_other(Direction::ToClient, || false);
        })?;
        requests.run(|| place.has_spoken());
        let mut stop_by = None;
        pair.wait_for_other(Direction::ToServer, || {
            let is_stopping = place.is_stopping();
            let by = is_stopping.then(|| *stop_by.get_or_insert(Instant::now() + config.drain));
            by.is_some_and(|by| by <= Instant::now())
        });
        Ok(pair.over())
    }

    /// Relays datagrams until the server stops.
    pub fn relay_datagrams(&self, socket: UdpSocket, connections: &Connections, config: &Config) {
        let is_v6 = socket.local_addr().is_ok_and(|own| own.is_ipv6());
        // Over UDP nobody says at which of its addresses a server is. The one that is like ours is
        // the likelier: `localhost` may be `::1` first.
        let to = &self.settings.to;
        let alike = to.iter().find(|to| to.is_ipv6() == is_v6);
        let Some(&server) = alike.or(to.first()) else {
            return;
        };
        let faults = config.faults.as_ref().map(|plan| {
            let (requests, replies) = plan.relay(Transport::Udp, 0);
            (
                Datagrams::sending(Side::Client, requests),
                Datagrams::sending(Side::Server, replies),
            )
        });
        let relay = Relay {
            socket,
            server,
            connections,
            clients: config.connections,
            idle: config.limits.idle.unwrap_or(Duration::MAX),
            faults,
            recorder: config.recorder.clone(),
        };
        relay.run();
    }
}

/// Records one of the two streams, where we are this side.
fn tap(config: &Config, stream: &TcpStream, number: u64, side: Side) -> io::Result<Option<Tap>> {
    let Some(recorder) = &config.recorder else {
        return Ok(None);
    };
    let (recorder, framing) = (recorder.on_side(side), config.framing.into());
    let secrets = Some(secrets as Mask);
    Tap::on_stream(&recorder, NAME, framing, number, stream, secrets).map(Some)
}

/// Whether the address is one of this machine's, and nobody has it: then it can be had.
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
        let settings = Settings {
            to: to.iter().map(|to| to.parse().unwrap()).collect(),
            transport: Transport::Tcp,
        };
        let proxy = Proxy::new(settings, Threads::default());
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
