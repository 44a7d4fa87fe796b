//! Bind, accept, one thread a connection, drain.

mod bind;

use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::bail;
use proto::mode::Transport;
use proto::refusal::{Code, Refusal};
use proto::reply;
use socket2::SockRef;
use wire::connection::Connection;
use wire::datagram::end_receiving;
use wire::fault::pause::wait_while_stopped;
use wire::limits::Limits;

use self::bind::listen;
use crate::config::{Config, Role};
use crate::connections::eviction::Shares;
use crate::connections::{Connections, NotAdmitted};
use crate::incoming::{IncomingConnection, IncomingDatagrams};
use crate::service::{End, TcpService, UdpService};
use crate::services::proxy::Proxy;
use crate::threads::Threads;
use crate::{handout, services};

/// Longest pause after `accept` failed; the first is a millisecond.
const ACCEPT_PAUSE_MOST: Duration = Duration::from_secs(1);

/// A server that is bound and ready to run.
pub struct Server {
    config: Arc<Config>,
    listening: Vec<Listening>,
    connections: Connections,
    threads: Threads,
}

/// One bound socket, and what serves it.
struct Listening {
    name: &'static str,
    weight: usize,
    address: SocketAddr,
    socket: Bound,
}

enum Bound {
    Tcp(Arc<TcpListener>, Arc<dyn TcpService>),
    Udp(Arc<UdpSocket>, Box<dyn UdpService>),
}

/// Stops a running server from another thread.
#[derive(Clone)]
pub struct Stopper {
    connections: Connections,
    listeners: Vec<(Arc<TcpListener>, SocketAddr)>,
    datagram_sockets: Vec<Arc<UdpSocket>>,
}

impl Server {
    /// Opens every service of the configuration and binds its sockets.
    ///
    /// # Errors
    /// When a service cannot be opened or an address cannot be had: which, and what to do.
    pub fn bind(config: Config) -> anyhow::Result<Server> {
        let threads = Threads::default();
        let mut listening = Vec::new();
        match &config.role {
            Role::Services(modes) => {
                for &mode in modes {
                    let service = services::open(mode, &config, &threads)?;
                    listening.extend(listen(service, &config)?);
                }
            }
            &Role::Handout(handout) => {
                let service = handout::open(handout, &config, &threads)?;
                listening.extend(listen(service, &config)?);
            }
            Role::Proxy(settings) => {
                let proxy = Proxy::new(settings.clone(), &config, threads.clone());
                listening.extend(listen(proxy.service(), &config)?);
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
                Bound::Tcp(..) => Transport::Tcp,
                Bound::Udp(..) => Transport::Udp,
            };
            (listening.name, transport, listening.address)
        };
        self.listening.iter().map(entry).collect()
    }

    /// A handle to stop the server once it runs.
    pub fn stopper(&self) -> Stopper {
        let listener = |listening: &Listening| match &listening.socket {
            Bound::Tcp(listener, _) => Some((Arc::clone(listener), listening.address)),
            Bound::Udp(..) => None,
        };
        let datagram_socket = |listening: &Listening| match &listening.socket {
            Bound::Tcp(..) => None,
            Bound::Udp(socket, _) => Some(Arc::clone(socket)),
        };
        Stopper {
            connections: self.connections.clone(),
            listeners: self.listening.iter().filter_map(listener).collect(),
            datagram_sockets: self.listening.iter().filter_map(datagram_socket).collect(),
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
                address,
                socket,
                ..
            } in listening
            {
                let (config, connections, threads) = (&config, &connections, &threads);
                scope.spawn(move || match socket {
                    Bound::Tcp(listener, service) => {
                        let acceptor = Acceptor {
                            name,
                            service,
                            config,
                            connections,
                            threads,
                        };
                        acceptor.accept_all(&listener);
                    }
                    Bound::Udp(socket, service) => {
                        let _span = tracing::info_span!("udp", %address).entered();
                        service.serve(IncomingDatagrams {
                            socket,
                            service: name,
                            connections,
                            config,
                        });
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
        self.datagram_sockets
            .iter()
            .for_each(|it| end_receiving(it));
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
    service: Arc<dyn TcpService>,
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
        let permit = match self.connections.enter(&stream, self.name, peer.ip()) {
            Ok(permit) => permit,
            Err(NotAdmitted::Stopping) => return,
            Err(NotAdmitted::Full) => {
                tracing::warn!(%peer, mode = self.name, "refused: too many connections");
                return self.refuse(stream);
            }
        };
        let (name, service) = (self.name, Arc::clone(&self.service));
        let config = Arc::clone(self.config);
        let started = Instant::now();
        let for_refusal = Arc::clone(&stream);
        let run = self.threads.run(move || {
            let id = permit.id();
            let span = tracing::info_span!("connection", mode = name, id, %peer);
            let _entered = span.entered();
            tracing::debug!("opened");
            // The stream is dropped before the permit: there is a descriptor for the next one.
            let end = match service.serve(IncomingConnection::new(stream, &permit, &config)) {
                _ if permit.was_evicted() => End::Evicted,
                Ok(end) => end,
                Err(error) => End::Broken(error.to_string()),
            };
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
        let Some(framing) = self.service.refusal_framing() else {
            return;
        };
        let limits = Limits {
            write: Duration::from_millis(50),
            ..self.config.limits
        };
        if let Ok(mut connection) = Connection::over(stream, framing, limits) {
            let refusal = Refusal::new(Code::Busy, "too many connections; try again later");
            let refusal = reply::render::<&str>(&Err(refusal));
            let _ = connection.writer.send(refusal.as_bytes());
            let _ = connection.writer.finish();
        }
    }
}

/// The connections, shared between the services that listen for any.
fn shares(places: usize, listening: &[Listening]) -> Shares {
    let weight = |listening: &Listening| match listening.socket {
        Bound::Tcp(..) => Some((listening.name, listening.weight)),
        Bound::Udp(..) => None,
    };
    Shares::new(places, listening.iter().filter_map(weight).collect())
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
