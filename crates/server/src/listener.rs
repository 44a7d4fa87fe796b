//! Bind, accept, one thread a connection, drain.

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use proto::mode::Transport;
use proto::refusal::{Code, Refusal};
use proto::reply;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use wire::connection::Connection;
use wire::fault::pause::wait_while_stopped;
use wire::limits::Limits;

use crate::config::{Config, Role};
use crate::connections::eviction::Shares;
use crate::connections::{Connections, NoPlace};
use crate::conversation::End;
use crate::services::Service;
use crate::services::proxy::{self, Proxy};
use crate::threads::Threads;

/// Connections that may wait to be accepted. With the standard library's 128, a class that connects
/// at once waits a second for the kernel's retransmission.
const BACKLOG: i32 = 1_024;

/// Parts of all connections that are kept for the bank where another service has one: a cash machine
/// with a hold open must get through, whatever goes on in the chat room.
const BANK_PARTS: usize = 2;

/// Longest pause after `accept` failed; the first is a millisecond.
const ACCEPT_PAUSE_MOST: Duration = Duration::from_secs(1);

/// How often any free port is tried for a service that needs the same one over TCP and UDP.
const FREE_PORT_TRIES: usize = 20;

/// A server that is bound and ready to run.
pub struct Server {
    config: Arc<Config>,
    listening: Vec<Listening>,
    connections: Connections,
    threads: Threads,
}

/// One bound socket.
struct Listening {
    name: &'static str,
    service: Arc<Service>,
    address: SocketAddr,
    socket: Bound,
}

enum Bound {
    Tcp(Arc<TcpListener>),
    Udp(UdpSocket),
}

/// Stops a running server from another thread.
#[derive(Clone)]
pub struct Stopper {
    connections: Connections,
    listeners: Vec<(Arc<TcpListener>, SocketAddr)>,
}

impl Server {
    /// Opens every service of the configuration and binds its sockets.
    ///
    /// # Errors
    /// When a service cannot be opened or an address cannot be had: which, and what to do.
    pub fn bind(config: Config) -> anyhow::Result<Server> {
        let threads = Threads::default();
        let mut listening = Vec::new();
        let mut listen_for = |name, service: Service, port, transports| -> anyhow::Result<()> {
            let service = Arc::new(service);
            let port = config.port_of(port).with_context(|| {
                format!("no port is left for {name}: choose a lower one with --port")
            })?;
            let address = SocketAddr::new(config.bind, port);
            for (socket, address) in
                bind_all(address, transports).map_err(|error| cannot_listen(address, &error))?
            {
                listening.push(Listening {
                    name,
                    service: Arc::clone(&service),
                    address,
                    socket,
                });
            }
            Ok(())
        };
        match &config.role {
            Role::Services(modes) => {
                for &mode in modes {
                    let service = Service::open(mode, &config, &threads)?;
                    let transports = service.transports(mode);
                    listen_for(mode.name(), service, mode.default_port(), transports)?;
                }
            }
            Role::Handout(handout) => {
                let mode = handout.mode();
                let service = Service::open(mode, &config, &threads)?;
                let transports = service.transports(mode);
                listen_for(mode.name(), service, handout.port(), transports)?;
            }
            Role::Proxy(settings) => {
                let proxy = Proxy::new(settings.clone(), threads.clone());
                let service = Service::Proxy(proxy.clone());
                let transports = proxy.transports();
                listen_for(proxy::NAME, service, proxy::DEFAULT_PORT, transports)?;
                if let Some(listening) = listening.last() {
                    proxy.check_not_self(listening.address)?;
                    proxy.warn_if_nothing_listens();
                }
            }
        }
        if listening.is_empty() {
            bail!("no service to run");
        }
        let connections = Connections::new(shares(config.connections, &listening));
        let room = connections.clone();
        threads.when_short(move || {
            let is_made = room.make_room(None);
            if is_made {
                tracing::warn!("ended an idle connection: there is no thread for another");
            }
            is_made
        });
        Ok(Server {
            config: Arc::new(config),
            listening,
            connections,
            threads,
        })
    }

    /// Where each service listens: its name, as on the ready line.
    pub fn addresses(&self) -> Vec<(&'static str, Transport, SocketAddr)> {
        let entry = |listening: &Listening| {
            let transport = match listening.socket {
                Bound::Tcp(_) => Transport::Tcp,
                Bound::Udp(_) => Transport::Udp,
            };
            (listening.name, transport, listening.address)
        };
        self.listening.iter().map(entry).collect()
    }

    /// A handle to stop the server once it runs.
    pub fn stopper(&self) -> Stopper {
        let listener = |listening: &Listening| match &listening.socket {
            Bound::Tcp(listener) => Some((Arc::clone(listener), listening.address)),
            Bound::Udp(_) => None,
        };
        Stopper {
            connections: self.connections.clone(),
            listeners: self.listening.iter().filter_map(listener).collect(),
        }
    }

    /// Serves until stopped, then waits for open conversations to end, within the limit of the
    /// configuration.
    pub fn run(self) {
        let Server {
            config,
            listening,
            connections,
            threads,
        } = self;
        thread::scope(|scope| {
            for Listening {
                name,
                service,
                address,
                socket,
            } in listening
            {
                let (config, connections, threads) = (&config, &connections, &threads);
                scope.spawn(move || match socket {
                    Bound::Tcp(listener) => {
                        let acceptor = Acceptor {
                            name,
                            service,
                            config,
                            connections,
                            threads,
                        };
                        acceptor.accept_all(&listener);
                    }
                    Bound::Udp(socket) => {
                        let _span = tracing::info_span!("udp", %address).entered();
                        service.serve_datagrams(socket, name, connections, config);
                    }
                });
            }
        });
        let left = connections.drain(config.drain);
        if left > 0 {
            tracing::warn!(
                connections = left,
                "ended conversations that did not end in time"
            );
        }
    }
}

impl Stopper {
    /// Stops accepting, and lets open conversations end. Returns at once.
    pub fn stop(&self) {
        self.connections.stop();
        for (listener, address) in &self.listeners {
            // Wakes `accept` on Linux; elsewhere the connection does.
            let _ = SockRef::from(&**listener).shutdown(Shutdown::Both);
            let mut address = *address;
            if address.ip().is_unspecified() {
                address.set_ip(match address {
                    SocketAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
                    SocketAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
                });
            }
            let _ = TcpStream::connect_timeout(&address, Duration::from_millis(100));
        }
    }
}

/// What the accept loop of one socket needs.
struct Acceptor<'a> {
    name: &'static str,
    service: Arc<Service>,
    config: &'a Arc<Config>,
    connections: &'a Connections,
    threads: &'a Threads,
}

impl Acceptor<'_> {
    fn accept_all(&self, listener: &TcpListener) {
        let mut pause = Duration::from_millis(1);
        loop {
            let accepted = listener.accept();
            if self.connections.are_stopping() {
                return;
            }
            match accepted {
                Ok((stream, peer)) => {
                    pause = Duration::from_millis(1);
                    wait_while_stopped();
                    self.admit(Arc::new(stream), peer);
                }
                Err(error) if is_about_one_connection(&error) => {}
                Err(error)
                    if is_out_of_descriptors(&error)
                        && self.connections.make_room(Some(self.name)) =>
                {
                    tracing::warn!(%error, "ended an idle connection to accept another");
                }
                Err(error) => {
                    // To try again at once would spin.
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept");
                    thread::sleep(pause);
                    pause = (pause * 2).min(ACCEPT_PAUSE_MOST);
                }
            }
        }
    }

    fn admit(&self, stream: Arc<TcpStream>, peer: SocketAddr) {
        let place = match self.connections.enter(&stream, self.name, peer.ip()) {
            Ok(place) => place,
            Err(NoPlace::Stopping) => return,
            Err(NoPlace::Full) => {
                tracing::warn!(%peer, mode = self.name, "refused: too many connections");
                return self.refuse(stream);
            }
        };
        let (name, service) = (self.name, Arc::clone(&self.service));
        let config = Arc::clone(self.config);
        let started = Instant::now();
        let for_refusal = Arc::clone(&stream);
        let run = self.threads.run(move || {
            let id = place.id();
            let span = tracing::info_span!("connection", mode = name, id, %peer);
            let _entered = span.entered();
            tracing::debug!("opened");
            let end = match service.serve(&stream, &place, &config) {
                _ if place.has_made_room() => End::MadeRoom,
                end => end,
            };
            // Before the place is free: there is a descriptor for whoever takes it.
            drop(stream);
            let seconds = format_args!("{:.3}", started.elapsed().as_secs_f32());
            match end {
                End::Broken(_) | End::Unserved(_) => tracing::warn!(%end, %seconds, "ended"),
                end => tracing::info!(%end, %seconds, "ended"),
            }
        });
        if let Err(error) = run {
            tracing::warn!(%peer, %error, "refused: no thread for a connection");
            self.refuse(for_refusal);
        }
    }

    /// Says `ERR busy` where that can be said. A few bytes always fit the empty send buffer, so
    /// this never waits.
    fn refuse(&self, stream: Arc<TcpStream>) {
        if !self.service.is_framed() {
            return;
        }
        let limits = Limits {
            write: Duration::from_millis(50),
            ..self.config.limits
        };
        if let Ok(mut connection) = Connection::over(stream, self.config.framing, limits) {
            let refusal = Refusal::new(Code::Busy, "too many connections; try again later");
            let refusal = reply::render::<&str>(&Err(refusal));
            let _ = connection.writer.send(refusal.as_bytes());
            let _ = connection.writer.finish();
        }
    }
}

/// The connections, shared between the services that listen for any.
fn shares(places: usize, listening: &[Listening]) -> Shares {
    let part = |listening: &Listening| {
        let parts = match &*listening.service {
            Service::Atm(_) => BANK_PARTS,
            _ => 1,
        };
        let has_connections = matches!(listening.socket, Bound::Tcp(_));
        has_connections.then_some((listening.name, parts))
    };
    Shares::new(places, listening.iter().filter_map(part).collect())
}

/// Whether this process, or the whole system, may not open one more file.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(|it| it.raw_os_error());
    #[cfg(not(unix))]
    let codes: [i32; 0] = [];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}

/// Binds the address for each transport; with port 0, all of them to the same free port.
fn bind_all(address: SocketAddr, transports: &[Transport]) -> io::Result<Vec<(Bound, SocketAddr)>> {
    let mut tries = if address.port() == 0 && transports.len() > 1 {
        FREE_PORT_TRIES
    } else {
        1
    };
    loop {
        tries -= 1;
        match bind_each(address, transports) {
            Err(error) if tries > 0 && error.kind() == io::ErrorKind::AddrInUse => {}
            bound => return bound,
        }
    }
}

fn bind_each(
    mut address: SocketAddr,
    transports: &[Transport],
) -> io::Result<Vec<(Bound, SocketAddr)>> {
    let mut bound = Vec::new();
    for transport in transports {
        let socket = match transport {
            Transport::Tcp => {
                let listener = listen(address)?;
                address = listener.local_addr()?;
                Bound::Tcp(Arc::new(listener))
            }
            Transport::Udp => {
                let socket = bind_udp(address)?;
                address = socket.local_addr()?;
                Bound::Udp(socket)
            }
        };
        bound.push((socket, address));
    }
    Ok(bound)
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    // A restarted server need not wait for the old connections' TIME_WAIT. On Windows the option
    // means something else: it lets another program take the port away.
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    bind_socket(&socket, address)?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn bind_udp(address: SocketAddr) -> io::Result<UdpSocket> {
    let socket = Socket::new(
        Domain::for_address(address),
        Type::DGRAM,
        Some(Protocol::UDP),
    )?;
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
