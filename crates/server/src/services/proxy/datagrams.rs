//! Datagrams through the proxy: each client's address has a socket of its own to the server, so
//! that answers go back to the right client.
//!
//! One thread receives from the clients and sends to the server; one for each client receives from
//! the server; one sends all answers, because a fault may hold one back until the next is sent, to
//! whichever client.

mod back;

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, Scope};
use std::time::{Duration, Instant};

use proto::atm::secrets;
use proto::mode::PROXY;
use proto::side::Side;
use record::{Recorder, Tap};
use socket2::SockRef;
use wire::datagram::{is_refused, receive_once, transmit};
use wire::deadline::Waiter;
use wire::fault::datagrams::{Datagrams, OutgoingDatagram};

use self::back::Back;
use crate::connections::Connections;
use crate::connections::eviction::Source;
use crate::datagrams::never_answered;
use crate::threads::STACK_SIZE;

/// How often each thread checks whether it is to end.
const STOP_CHECK: Duration = Duration::from_millis(200);

/// Most answers of all clients that wait to be sent. More wait in the kernel.
const MAX_QUEUED_REPLIES: usize = 1_024;

/// More than any datagram has.
const BUFFER: usize = 64 * 1024;

/// How datagrams are relayed.
pub struct Relay<'a> {
    /// Where the clients send to.
    pub socket: UdpSocket,
    /// Where it goes.
    pub server: SocketAddr,
    /// Says when to stop.
    pub connections: &'a Connections,
    /// Most clients at once. For one more, another is forgotten: of the address that has most, the
    /// one that was silent longest.
    pub clients: usize,
    /// Silence after which a client is forgotten.
    pub idle: Duration,
    /// What happens to the requests, and to the answers.
    pub faults: Option<(Datagrams, Datagrams)>,
    /// The recorder, if any.
    pub recorder: Option<Recorder>,
}

/// One client's address, and the socket that stands for it at the server.
struct Association {
    client: SocketAddr,
    upstream: UdpSocket,
    tap: Option<Tap>,
    last_used: Mutex<Instant>,
    is_over: AtomicBool,
    has_complained: AtomicBool,
}

impl Relay<'_> {
    /// Relays until the server stops.
    pub fn run(self) {
        let Relay {
            socket,
            server,
            connections,
            clients,
            idle,
            faults,
            recorder,
        } = self;
        let (requests, replies) = faults.unzip();
        let (replies_tx, replies_rx) = sync_channel(MAX_QUEUED_REPLIES);
        let tap = tap(recorder.as_ref(), Side::Server, &socket, 0);
        thread::scope(|scope| {
            let back = Back {
                socket: &socket,
                tap: tap.clone(),
                faults: replies,
            };
            let sending = move || back.run(&replies_rx);
            if let Err(error) = in_thread(scope, sending) {
                return tracing::error!(%error, "no thread for the answers");
            }
            let mut forward = Forward {
                scope,
                server,
                replies_tx,
                most: clients,
                idle,
                by_client: HashMap::new(),
                recorder,
                tap,
                opened: 0,
            };
            forward.run(&socket, connections, requests);
            forward.by_client.into_values().for_each(|it| it.end());
        });
    }
}

/// The way from the clients to the server.
struct Forward<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    server: SocketAddr,
    replies_tx: SyncSender<OutgoingDatagram>,
    most: usize,
    idle: Duration,
    by_client: HashMap<SocketAddr, Arc<Association>>,
    recorder: Option<Recorder>,
    /// Of the socket that the clients send to.
    tap: Option<Tap>,
    /// Sockets to the server so far: their numbers in a recording.
    opened: u64,
}

impl Forward<'_, '_> {
    fn run(&mut self, socket: &UdpSocket, stop: &Connections, mut faults: Option<Datagrams>) {
        let own = socket.local_addr().ok();
        let mut buffer = vec![0; BUFFER];
        let mut waiter = Waiter::default();
        let mut swept = Instant::now();
        while !stop.are_stopping() {
            let late = faults.as_mut().map(|it| it.take_due(Instant::now()));
            for datagram in late.into_iter().flatten() {
                self.send(&datagram);
            }
            if swept.elapsed() >= STOP_CHECK {
                swept = Instant::now();
                self.forget_idle();
            }
            let due = faults.as_ref().and_then(Datagrams::next_due);
            match receive(socket, &mut waiter, &mut buffer, due) {
                Ok(Some((length, client))) => {
                    if let Some(reason) = self.ignored(client, own) {
                        tracing::warn!(%client, "datagram ignored: {reason}");
                        continue;
                    }
                    if let Err(error) = self.remember(client) {
                        tracing::warn!(%client, %error, "datagram lost: no socket for this client");
                        continue;
                    }
                    if let Some(tap) = &self.tap {
                        tap.with_peer(client).received(&buffer[..length]);
                    }
                    let datagram = OutgoingDatagram {
                        message: buffer[..length].to_vec(),
                        receiver: Some(client),
                    };
                    let tap = self.by_client.get(&client).and_then(|it| it.tap.as_ref());
                    let datagrams = inject(faults.as_mut(), datagram, tap);
                    datagrams.iter().for_each(|datagram| self.send(datagram));
                }
                Ok(None) => {}
                Err(error) => {
                    tracing::warn!(%error, "cannot receive");
                    thread::sleep(STOP_CHECK);
                }
            }
        }
    }

    /// Why a datagram from this address is not relayed, if so.
    fn ignored(&self, client: SocketAddr, own: Option<SocketAddr>) -> Option<&'static str> {
        let is_at = |other: SocketAddr| (other.ip().to_canonical(), other.port());
        if is_at(client) == is_at(self.server) {
            return Some("its source is the server itself");
        }
        never_answered(client, own)
    }

    /// Makes a socket for the client when it has none.
    fn remember(&mut self, client: SocketAddr) -> io::Result<()> {
        if let Some(known) = self.by_client.get(&client) {
            known.use_now();
            return Ok(());
        }
        if self.by_client.len() >= self.most {
            self.forget_one_for(client);
        }
        let unspecified = match self.server {
            SocketAddr::V4(_) => SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)),
            SocketAddr::V6(_) => SocketAddr::from((Ipv6Addr::UNSPECIFIED, 0)),
        };
        let upstream = UdpSocket::bind(unspecified)?;
        upstream.connect(self.server)?;
        tracing::debug!(%client, "a new client");
        let tap = tap(self.recorder.as_ref(), Side::Client, &upstream, self.opened);
        self.opened += 1;
        let association = Arc::new(Association {
            client,
            upstream,
            tap,
            last_used: Mutex::new(Instant::now()),
            is_over: AtomicBool::new(false),
            has_complained: AtomicBool::new(false),
        });
        let (listening, replies_tx) = (Arc::clone(&association), self.replies_tx.clone());
        in_thread(self.scope, move || listening.receive_replies(&replies_tx))?;
        self.by_client.insert(client, association);
        Ok(())
    }

    fn forget_one_for(&mut self, newcomer: SocketAddr) {
        let mut crowds = HashMap::from([(Source::from(newcomer.ip()), 1)]);
        for client in self.by_client.keys() {
            *crowds.entry(client.ip().into()).or_default() += 1;
        }
        let crowd = |it: &Association| crowds.get(&it.client.ip().into());
        let clients = self.by_client.values();
        let gone = clients.max_by_key(|it| (crowd(it), Reverse(it.last_used())));
        if let Some(client) = gone.map(|it| it.client) {
            self.forget(client, "too many clients");
        }
    }

    fn send(&self, datagram: &OutgoingDatagram) {
        let known = datagram.receiver.and_then(|it| self.by_client.get(&it));
        // A datagram that is later than its client is remembered is lost.
        if let Some(association) = known {
            association.send(&datagram.message);
        }
    }

    fn forget_idle(&mut self) {
        let idle = |it: &&Arc<Association>| it.last_used().elapsed() >= self.idle;
        let clients: Vec<_> = self
            .by_client
            .values()
            .filter(idle)
            .map(|it| it.client)
            .collect();
        for client in clients {
            self.forget(client, "idle");
        }
    }

    fn forget(&mut self, client: SocketAddr, reason: &str) {
        if let Some(association) = self.by_client.remove(&client) {
            association.end();
            tracing::debug!(%client, "forgot a client: {reason}");
        }
    }
}

impl Association {
    /// Passes on what the server answers to this client.
    fn receive_replies(&self, replies_tx: &SyncSender<OutgoingDatagram>) {
        let mut buffer = vec![0; BUFFER];
        let mut waiter = Waiter::default();
        while !self.is_over.load(Ordering::Relaxed) {
            match receive(&self.upstream, &mut waiter, &mut buffer, None) {
                // The end of the socket looks like an empty datagram, or is an error.
                _ if self.is_over.load(Ordering::Relaxed) => return,
                Ok(Some((length, _))) => {
                    self.use_now();
                    if let Some(tap) = &self.tap {
                        tap.received(&buffer[..length]);
                    }
                    let datagram = OutgoingDatagram {
                        message: buffer[..length].to_vec(),
                        receiver: Some(self.client),
                    };
                    if replies_tx.send(datagram).is_err() {
                        return;
                    }
                }
                Ok(None) => {}
                Err(error) if is_refused(&error) => self.report_refused(),
                Err(error) => {
                    tracing::warn!(client = %self.client, %error, "cannot receive");
                    thread::sleep(STOP_CHECK);
                }
            }
        }
    }

    fn send(&self, message: &[u8]) {
        let transmit = || transmit(&self.upstream, message, None, self.tap.as_ref());
        let sent = match transmit() {
            // That is about an earlier one; this one was not sent.
            Err(error) if is_refused(&error) => {
                self.report_refused();
                transmit()
            }
            sent => sent,
        };
        match sent {
            Err(error) if !is_refused(&error) => {
                tracing::warn!(client = %self.client, %error, "cannot send");
            }
            Ok(()) | Err(_) => {}
        }
    }

    /// Logs that nothing listens at the server's address, once a client. To the client it is silence,
    /// as it would be from a host that is off.
    fn report_refused(&self) {
        let words = "nothing listens at the server's address";
        if !self.has_complained.swap(true, Ordering::Relaxed) {
            tracing::warn!(client = %self.client, "{words}");
        }
        if let Some(tap) = &self.tap {
            tap.failed(words);
        }
    }

    fn use_now(&self) {
        *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last_used(&self) -> Instant {
        *self
            .last_used
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn end(&self) {
        self.is_over.store(true, Ordering::Relaxed);
        // Wakes the thread, which would look in a while: a flood of clients would leave too many.
        let _ = SockRef::from(&self.upstream).shutdown(Shutdown::Both);
    }
}

/// What is to be sent now, after the faults, whose effects are recorded.
fn inject(
    faults: Option<&mut Datagrams>,
    datagram: OutgoingDatagram,
    tap: Option<&Tap>,
) -> Vec<OutgoingDatagram> {
    match faults {
        Some(faults) => faults.send(datagram, tap),
        None => vec![datagram],
    }
}

/// Records a socket, where we are this side.
fn tap(recorder: Option<&Recorder>, side: Side, socket: &UdpSocket, number: u64) -> Option<Tap> {
    let recorder = recorder?.on_side(side);
    Tap::on_socket(&recorder, PROXY, number, socket, Some(secrets)).ok()
}

/// Receives once; `None` when nothing came until something is `due`, or for a while.
fn receive(
    socket: &UdpSocket,
    waiter: &mut Waiter,
    buffer: &mut [u8],
    due: Option<Instant>,
) -> io::Result<Option<(usize, SocketAddr)>> {
    let due = due.map(|due| due.saturating_duration_since(Instant::now()));
    let wait = due.map_or(STOP_CHECK, |due| due.min(STOP_CHECK));
    receive_once(socket, waiter, buffer, Some(wait))
}

fn in_thread<'scope>(
    scope: &'scope Scope<'scope, '_>,
    job: impl FnOnce() + Send + 'scope,
) -> io::Result<()> {
    thread::Builder::new()
        .name("datagrams".into())
        .stack_size(STACK_SIZE)
        .spawn_scoped(scope, job)
        .map(drop)
}
