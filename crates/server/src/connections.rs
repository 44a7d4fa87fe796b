//! The connections that are open: how many, what is known of each, who is ended to make room, and
//! how all are ended when the server stops.

pub mod conduct;
pub mod eviction;
mod permit;

use std::collections::BTreeMap;
use std::net::{IpAddr, Shutdown, SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use self::conduct::{Conduct, News};
use self::eviction::{Known, Newcomer, Shares, Source, choose_evicted};
pub use self::permit::{ConnectionPermit, ConnectionStatus};

/// Connections that were ended to make room and whose threads have not found out yet, at most:
/// few enough to fit what a process has besides its connections, enough for one that computes not
/// to hold up those who come. Beyond, a newcomer waits.
pub const ENDING: usize = 64;

/// Longest wait of a newcomer, and of all behind it, for one of those to be gone. What a service
/// computes for one request may take two seconds, but hardly for all of them at once.
const ENDING_WAIT: Duration = Duration::from_secs(1);

/// Every open connection of a server. Clones share it.
#[derive(Debug, Clone)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    shares: Shares,
    /// What the connections' times are counted from.
    began: Instant,
    /// Set under the lock of those that are open: none is admitted after it.
    are_stopping: AtomicBool,
    open: Mutex<Open>,
    one_closed: Condvar,
}

#[derive(Debug)]
struct Open {
    conduct: Conduct,
    /// Ids grow with time.
    next_id: u64,
    by_id: BTreeMap<u64, Entry>,
    /// How many of them are ending to make room.
    ending: usize,
    /// How many were closed so far.
    closed: u64,
    /// Threads that wait for one to be closed.
    waiting: usize,
}

#[derive(Debug)]
struct Entry {
    stream: Arc<TcpStream>,
    service: &'static str,
    watch: ConnectionStatus,
    /// Whether it has to wait, since its source owes something.
    is_held_back: bool,
}

/// A connection that is open, as an operator sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OpenConnection {
    /// Its number.
    pub id: u64,
    /// The service's name.
    pub service: &'static str,
    /// Where it comes from, unless it is gone already.
    pub peer: Option<SocketAddr>,
    /// How long it is open.
    pub open_for: Duration,
    /// How long its peer has said nothing.
    pub quiet_for: Duration,
}

/// Why a connection gets no permit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotAdmitted {
    /// As many as may be are open, and none of them [gives way](eviction).
    Full,
    /// Too many others of its source [came to nothing](conduct).
    Flood,
    /// The server is stopping.
    Stopping,
}

impl Connections {
    /// No connection yet; at most as many at once as are shared, and [`ENDING`] that are ending.
    pub fn new(shares: Shares) -> Connections {
        let places = shares.places();
        let shared = Shared {
            shares,
            began: Instant::now(),
            are_stopping: AtomicBool::new(false),
            open: Mutex::new(Open::new(places)),
            one_closed: Condvar::new(),
        };
        Connections {
            shared: Arc::new(shared),
        }
    }

    /// Gives a connection to this service a permit. When all places are taken, another connection
    /// is [ended to make room](eviction), so that no peer can keep others out.
    ///
    /// Nothing is sent to the one that is ended: its client could take it for the answer to a
    /// request that is under way.
    pub fn enter(
        &self,
        stream: &Arc<TcpStream>,
        service: &'static str,
        peer: IpAddr,
    ) -> Result<ConnectionPermit, NotAdmitted> {
        let source = Source::from(peer);
        let newcomer = Newcomer {
            service: Some(service),
            source: Some(source),
        };
        let by = Instant::now() + ENDING_WAIT;
        let places = self.shared.shares.places();
        let mut open = self.lock();
        if open.conduct.refuses(source, Instant::now()) {
            if open.conduct.is_new(source, News::Refused) {
                drop(open);
                tracing::warn!(
                    from = %source.0,
                    "refusing new connections: too many from this address sent no request"
                );
            }
            return Err(NotAdmitted::Flood);
        }
        loop {
            if self.are_stopping() {
                return Err(NotAdmitted::Stopping);
            }
            if open.by_id.len() - open.ending >= places {
                open.end_one(newcomer, &self.shared.shares)
                    .ok_or(NotAdmitted::Full)?;
            } else if open.by_id.len() < places + ENDING {
                break;
            } else {
                open = self.wait_for_end(open, by).ok_or(NotAdmitted::Full)?;
            }
        }
        let id = open.next_id;
        open.next_id += 1;
        let watch = ConnectionStatus::new(source, self.now());
        let hold_back = open.conduct.take(source, Instant::now());
        let entry = Entry {
            stream: Arc::clone(stream),
            service,
            watch: watch.clone(),
            is_held_back: !hold_back.is_zero(),
        };
        open.by_id.insert(id, entry);
        let is_news = !hold_back.is_zero() && open.conduct.is_new(source, News::Slowed);
        drop(open);
        if is_news {
            tracing::warn!(
                from = %source.0,
                "slowing new connections: many from this address sent no request"
            );
        }
        Ok(ConnectionPermit {
            id,
            service,
            watch,
            hold_back,
            connections: self.clone(),
        })
    }

    /// Ends a connection because there is no descriptor for a peer that comes to this service, or
    /// no thread for one that is open, and waits until one is gone; `false` when none gives way, or
    /// none ends in time.
    pub fn make_room(&self, service: Option<&'static str>) -> bool {
        let newcomer = Newcomer {
            service,
            source: None,
        };
        let mut open = self.lock();
        if open.ending == 0 && open.end_one(newcomer, &self.shared.shares).is_none() {
            return false;
        }
        self.wait_for_end(open, Instant::now() + ENDING_WAIT)
            .is_some()
    }

    /// How many are open, without those that are ending to make room.
    pub fn count(&self) -> usize {
        let open = self.lock();
        open.by_id.len() - open.ending
    }

    /// Those that are open, the oldest first.
    pub fn list(&self) -> Vec<OpenConnection> {
        let shown = |(id, entry): (&u64, &Entry)| {
            let stream = Arc::clone(&entry.stream);
            (*id, entry.service, stream, entry.watch.clone())
        };
        let open: Vec<_> = self.lock().by_id.iter().map(shown).collect();
        // Nobody waits for the lock while the operating system is asked for addresses.
        let now = self.now();
        let since = |then| Duration::from_nanos(now.saturating_sub(then));
        let open = open.into_iter();
        let shown = open.map(|(id, service, stream, status)| OpenConnection {
            id,
            service,
            peer: stream.peer_addr().ok(),
            open_for: since(status.opened()),
            quiet_for: since(status.quiet_since()),
        });
        shown.collect()
    }

    /// The most that may be open.
    pub fn places(&self) -> usize {
        self.shared.shares.places()
    }

    /// Whether [`stop`](Connections::stop) was called.
    pub fn are_stopping(&self) -> bool {
        self.shared.are_stopping.load(Ordering::Acquire)
    }

    /// Admits no more connections, and ends the input of all: each reads what it was sent, answers
    /// it, and finds the end of the stream.
    pub fn stop(&self) {
        let open = self.lock();
        self.shared.are_stopping.store(true, Ordering::Release);
        for entry in open.by_id.values() {
            let _ = entry.stream.shutdown(Shutdown::Read);
        }
    }

    /// Waits until all are closed, at most this long, then ends those that are left. Returns how
    /// many those were.
    pub fn drain(&self, limit: Duration) -> usize {
        let by = Instant::now() + limit;
        let mut open = self.lock();
        while !open.by_id.is_empty() {
            let wait = by.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                break;
            }
            open.waiting += 1;
            (open, _) = self
                .shared
                .one_closed
                .wait_timeout(open, wait)
                .unwrap_or_else(PoisonError::into_inner);
            open.waiting -= 1;
        }
        for entry in open.by_id.values() {
            let _ = entry.stream.shutdown(Shutdown::Both);
        }
        open.by_id.len()
    }

    /// A connection of this source has asked for something.
    fn give_back(&self, source: Source) {
        self.lock().conduct.give_back(source);
    }

    fn remove(&self, id: u64) {
        let mut open = self.lock();
        let removed = open.by_id.remove(&id);
        let was_evicted = removed.as_ref().is_some_and(|it| it.watch.was_evicted());
        open.ending -= usize::from(was_evicted);
        open.closed += 1;
        let is_awaited = open.waiting > 0;
        drop(open);
        // Nobody waits for the lock while the operating system closes the connection.
        drop(removed);
        if is_awaited {
            self.shared.one_closed.notify_all();
        }
    }

    /// Waits until one is closed, `None` when none is by then. Another may be open in its place.
    fn wait_for_end<'a>(
        &'a self,
        mut open: MutexGuard<'a, Open>,
        by: Instant,
    ) -> Option<MutexGuard<'a, Open>> {
        let before = open.closed;
        let wait = by.saturating_duration_since(Instant::now());
        open.waiting += 1;
        let (mut open, timed_out) = self
            .shared
            .one_closed
            .wait_timeout_while(open, wait, |open| open.closed == before)
            .unwrap_or_else(PoisonError::into_inner);
        open.waiting -= 1;
        (!timed_out.timed_out()).then_some(open)
    }

    fn now(&self) -> u64 {
        u64::try_from(self.shared.began.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    fn new(places: usize) -> Open {
        Open {
            conduct: Conduct::new(places),
            next_id: 0,
            by_id: BTreeMap::new(),
            ending: 0,
            closed: 0,
            waiting: 0,
        }
    }

    /// Ends the one that gives way for this newcomer, if one does.
    fn end_one(&mut self, newcomer: Newcomer, shares: &Shares) -> Option<u64> {
        let living = self.by_id.iter();
        let living = living.filter(|(_, entry)| !entry.watch.was_evicted());
        let known: Vec<Known> = living.map(|(id, entry)| entry.known(*id)).collect();
        let id = choose_evicted(&known, newcomer, shares)?;
        let entry = self.by_id.get(&id)?;
        entry.watch.make_room();
        // Those of a flood that wait are no mere silence: their source goes on owing them.
        if !entry.is_held_back && entry.watch.is_first_sense() {
            self.conduct.give_back(entry.watch.source());
        }
        self.ending += 1;
        let _ = entry.stream.shutdown(Shutdown::Both);
        Some(id)
    }
}

impl Entry {
    fn known(&self, id: u64) -> Known {
        Known {
            id,
            service: self.service,
            source: self.watch.source(),
            has_spoken: self.watch.has_spoken(),
            quiet_since: self.watch.quiet_since(),
        }
    }
}

#[cfg(test)]
mod tests;
