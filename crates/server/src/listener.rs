//! Bind, accept, one thread a connection, drain.

mod accept;
mod bind;

use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, mpsc};
use std::thread;
use std::time::Duration;

use anyhow::bail;
use proto::mode::Transport;
use socket2::SockRef;
use wire::datagram::end_receiving;

use self::accept::Acceptor;
use self::bind::listen;
pub(crate) use self::bind::{bind_tcp, bind_udp};
use crate::config::{Config, Role};
use crate::connections::Connections;
use crate::connections::eviction::Shares;
use crate::incoming::IncomingDatagrams;
use crate::service::{TcpService, UdpService};
use crate::services::proxy::Proxy;
use crate::threads::Threads;
use crate::{handout, services};

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

    /// Its configuration.
    pub(crate) fn config(&self) -> &Arc<Config> {
        &self.config
    }

    /// Its connections.
    pub(crate) fn connections(&self) -> &Connections {
        &self.connections
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
        let (over, are_over) = mpsc::channel();
        let mut acceptors = 0;
        thread::scope(|scope| {
            for Listening {
                name,
                address,
                socket,
                ..
            } in listening
            {
                match socket {
                    Bound::Tcp(listener, service) => {
                        let acceptor = Acceptor {
                            name,
                            listener,
                            service,
                            config: Arc::clone(&config),
                            connections: connections.clone(),
                            threads: threads.clone(),
                            accepting: AtomicUsize::new(1),
                            over: over.clone(),
                        };
                        match Arc::new(acceptor).start() {
                            Ok(()) => acceptors += 1,
                            Err(error) => {
                                tracing::error!(%error, mode = name, "no thread to accept connections");
                            }
                        }
                    }
                    Bound::Udp(socket, service) => {
                        let (config, connections) = (&config, &connections);
                        scope.spawn(move || {
                            let _span = tracing::info_span!("udp", %address).entered();
                            service.serve(IncomingDatagrams {
                                socket,
                                service: name,
                                connections,
                                config,
                            });
                        });
                    }
                }
            }
        });
        drop(over);
        are_over.iter().take(acceptors).for_each(drop);
        let left = connections.drain(config.drain);
        if left > 0 {
            tracing::warn!(
                connections = left,
                "ended conversations that did not end in time"
            );
        } else {
            // Their threads are about to drop the services.
            are_over.iter().for_each(drop);
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

/// The connections, shared between the services that listen for any.
fn shares(places: usize, listening: &[Listening]) -> Shares {
    let weight = |listening: &Listening| match listening.socket {
        Bound::Tcp(..) => Some((listening.name, listening.weight)),
        Bound::Udp(..) => None,
    };
    Shares::new(places, listening.iter().filter_map(weight).collect())
}
