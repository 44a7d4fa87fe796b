//! Datagrams through the proxy: each client's address has a socket of its own to the server, so
//! that answers go back to the right client.
//!
//! One thread receives from the clients and sends to the server; one for each client receives from
//! the server; one sends all answers, because a fault may hold one back until the next is sent, to
//! whichever client.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, Shutdown, SocketAddr, UdpSocket};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
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

use crate::connections::Connections;
use crate::connections::eviction::Source;
use crate::datagrams::never_answered;
use crate::incoming::IncomingDatagrams;
use crate::threads::STACK_SIZE;

/// How often each thread checks whether it is to end.
const STOP_CHECK: Duration = Duration::from_millis(200);

/// Most answers of all clients that wait to be sent. More wait in the kernel.
const MAX_QUEUED_REPLIES: usize = 1_024;

/// More than any datagram has.
const BUFFER: usize = 64 * 1024;

/// One client's address, and the socket that stands for it at the server.
struct Association {
    client: SocketAddr,
    upstream: UdpSocket,
    tap: Option<Tap>,
    last_used: Mutex<Instant>,
    is_over: AtomicBool,
    has_complained: AtomicBool,
}

/// Relays datagrams to this server until we stop, for so many clients at once: for one more,
/// another is forgotten, of the address that has most the one that was silent longest. A client
/// that is silent for `idle` is forgotten too.
pub fn relay(incoming: IncomingDatagrams<'_>, server: SocketAddr, clients: usize, idle: Duration) {
    let (requests, replies) = incoming.relay_faults().unzip();
    let (socket, recorder) = (&incoming.socket, incoming.config.recorder.as_ref());
    let (replies_tx, replies_rx) = sync_channel(MAX_QUEUED_REPLIES);
    let tap = tap(recorder, Side::Server, socket, 0);
    thread::scope(|scope| {
        let back = Back {
            socket,
            tap: tap.clone(),
            faults: replies,
        };
        if let Err(error) = in_thread(scope, move || back.run(&replies_rx)) {
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
        forward.run(socket, incoming.connections, requests);
        forward.by_client.into_values().for_each(|it| it.end());
    });
}

/// The way from the clients to the server.
struct Forward<'scope, 'env> {
    scope: &'scope Scope<'scope, 'env>,
    server: SocketAddr,
    replies_tx: SyncSender<OutgoingDatagram>,
    most: usize,
    idle: Duration,
    by_client: HashMap<SocketAddr, Arc<Association>>,
    recorder: Option<&'env Recorder>,
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
            match receive(socket, &mut waiter, &mut buffer, None, due) {
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
        let tap = tap(self.recorder, Side::Client, &upstream, self.opened);
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
        let peer = self.upstream.peer_addr().ok();
        while !self.is_over.load(Ordering::Relaxed) {
            match receive(&self.upstream, &mut waiter, &mut buffer, peer, None) {
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

    /// Logs that nothing listens at the server's address, once a client. To the client it is
    /// silence, as it would be from a host that is off.
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

/// The way from the server to the clients.
struct Back<'a> {
    /// Of the clients.
    socket: &'a UdpSocket,
    /// Of that socket.
    tap: Option<Tap>,
    /// What happens to the answers.
    faults: Option<Datagrams>,
}

impl Back<'_> {
    /// Sends the answers until every sender is dropped.
    fn run(mut self, replies: &Receiver<OutgoingDatagram>) {
        loop {
            let now = Instant::now();
            let due = self.faults.as_mut().map(|it| it.take_due(now));
            due.into_iter().flatten().for_each(|it| self.send(&it));
            let due = self.faults.as_ref().and_then(Datagrams::next_due);
            let wait = due.map_or(STOP_CHECK, |due| due.saturating_duration_since(now));
            match replies.recv_timeout(wait.min(STOP_CHECK)) {
                Ok(datagram) => {
                    let tap = self.tap_of(&datagram);
                    let datagrams = inject(self.faults.as_mut(), datagram, tap.as_ref());
                    datagrams.iter().for_each(|it| self.send(it));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn send(&self, datagram: &OutgoingDatagram) {
        let Some(client) = datagram.receiver else {
            return;
        };
        let tap = self.tap_of(datagram);
        if let Err(error) = transmit(self.socket, &datagram.message, Some(client), tap.as_ref()) {
            tracing::warn!(%client, %error, "cannot answer");
        }
    }

    fn tap_of(&self, datagram: &OutgoingDatagram) -> Option<Tap> {
        Some(self.tap.as_ref()?.with_peer(datagram.receiver?))
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
    peer: Option<SocketAddr>,
    due: Option<Instant>,
) -> io::Result<Option<(usize, SocketAddr)>> {
    let due = due.map(|due| due.saturating_duration_since(Instant::now()));
    let wait = due.map_or(STOP_CHECK, |due| due.min(STOP_CHECK));
    receive_once(socket, waiter, buffer, peer, Some(wait))
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
