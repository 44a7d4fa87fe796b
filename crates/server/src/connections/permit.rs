//! The permit of one open connection, and what is known of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use super::Connections;
use super::eviction::Source;

/// Leave for a connection to be open, given back when dropped.
#[derive(Debug)]
pub struct ConnectionPermit {
    pub(super) id: u64,
    pub(super) service: &'static str,
    pub(super) watch: ConnectionStatus,
    pub(super) hold_back: Duration,
    pub(super) connections: Connections,
}

/// What is known of a connection outside its thread: by a second thread of its own, by what all
/// connections share. Clones share it.
#[derive(Debug, Clone)]
pub struct ConnectionStatus {
    source: Source,
    /// Nanoseconds since the beginning.
    opened: u64,
    activity: Arc<Activity>,
}

#[derive(Debug, Default)]
struct Activity {
    has_spoken: AtomicBool,
    /// It asked for something, or is ended to make room.
    has_made_sense: AtomicBool,
    /// When the peer sent something last, or connected: nanoseconds since the beginning.
    quiet_since: AtomicU64,
    /// It was ended to make room.
    is_ending: AtomicBool,
}

impl ConnectionPermit {
    /// The service's name.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// A number no other connection of this server has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The peer has sent something: to be called for each message, or each read where there are no
    /// messages. Of those that give way, the one that was quiet longest is ended first.
    pub fn has_spoken(&self) {
        let activity = &self.watch.activity;
        let now = self.connections.now();
        activity.quiet_since.store(now, Ordering::Relaxed);
        activity.has_spoken.store(true, Ordering::Relaxed);
    }

    /// How long to wait before it is served, because many of its source
    /// [came to nothing](super::conduct).
    pub fn hold_back(&self) -> Duration {
        self.hold_back
    }

    /// The peer has asked for something: to be called for each message that is a request, or each read
    /// where all bytes are welcome.
    pub fn makes_sense(&self) {
        if self.watch.is_first_sense() {
            self.connections.give_back(self.watch.source());
        }
    }

    /// Whether the server is stopping.
    pub fn is_stopping(&self) -> bool {
        self.connections.are_stopping()
    }

    /// Whether the connection was ended to make room for another.
    pub fn was_evicted(&self) -> bool {
        self.watch.was_evicted()
    }

    /// What is known of the connection, for what works for it outside its thread.
    pub fn watch(&self) -> ConnectionStatus {
        self.watch.clone()
    }
}

impl ConnectionStatus {
    /// Of a connection that was opened now.
    pub fn new(source: Source, now: u64) -> ConnectionStatus {
        let activity = Activity {
            quiet_since: AtomicU64::new(now),
            ..Activity::default()
        };
        ConnectionStatus {
            source,
            opened: now,
            activity: Arc::new(activity),
        }
    }

    /// Where the connection comes from.
    pub fn source(&self) -> Source {
        self.source
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened
    }

    pub(super) fn has_spoken(&self) -> bool {
        self.activity.has_spoken.load(Ordering::Relaxed)
    }

    /// Whether its token is to be given back now: once.
    pub(super) fn is_first_sense(&self) -> bool {
        let made_sense = &self.activity.has_made_sense;
        !made_sense.load(Ordering::Relaxed) && !made_sense.swap(true, Ordering::Relaxed)
    }

    pub(super) fn quiet_since(&self) -> u64 {
        self.activity.quiet_since.load(Ordering::Relaxed)
    }

    /// Whether the connection was ended to make room for another.
    pub fn was_evicted(&self) -> bool {
        self.activity.is_ending.load(Ordering::Relaxed)
    }

    /// It is ended to make room for another.
    pub fn make_room(&self) {
        self.activity.is_ending.store(true, Ordering::Relaxed);
    }
}

impl Drop for ConnectionPermit {
    fn drop(&mut self) {
        self.connections.remove(self.id);
    }
}
