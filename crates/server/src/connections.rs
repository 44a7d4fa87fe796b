//! The connections that are open: how many, which of them have said something, and how all are
//! ended when the server stops.

use std::collections::BTreeMap;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Every open connection of a server. Clones share it.
#[derive(Debug, Clone)]
pub struct Connections {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    most: usize,
    open: Mutex<Open>,
    one_closed: Condvar,
}

#[derive(Debug, Default)]
struct Open {
    stopping: bool,
    /// Ids grow with time, so the first entry is the oldest connection.
    next_id: u64,
    by_id: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    stream: Arc<TcpStream>,
    has_spoken: bool,
}

/// A place among the open connections, given back when dropped.
#[derive(Debug)]
pub struct Place {
    id: u64,
    service: &'static str,
    connections: Connections,
}

/// Why a connection gets no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NoPlace {
    /// As many as may be are open, and all of them have said something.
    Full,
    /// The server is stopping.
    Stopping,
}

impl Connections {
    /// No connection yet; at most `most` at once.
    pub fn new(most: usize) -> Connections {
        let shared = Shared {
            most,
            open: Mutex::new(Open::default()),
            one_closed: Condvar::new(),
        };
        Connections {
            shared: Arc::new(shared),
        }
    }

    /// Gives the connection a place. When all are taken, the oldest connection that has never said
    /// anything is ended to make room, so that silence cannot keep others out.
    ///
    /// # Errors
    /// When there is no place for it.
    pub fn enter(&self, stream: &Arc<TcpStream>) -> Result<Place, NoPlace> {
        let mut open = self.lock();
        if open.stopping {
            return Err(NoPlace::Stopping);
        }
        if open.by_id.len() >= self.shared.most {
            let silent = open.by_id.iter().find(|(_, entry)| !entry.has_spoken);
            let id = *silent.ok_or(NoPlace::Full)?.0;
            if let Some(entry) = open.by_id.remove(&id) {
                let _ = entry.stream.shutdown(Shutdown::Both);
            }
        }
        let id = open.next_id;
        open.next_id += 1;
        open.by_id.insert(
            id,
            Entry {
                stream: Arc::clone(stream),
                has_spoken: false,
            },
        );
        drop(open);
        Ok(Place {
            id,
            service: "",
            connections: self.clone(),
        })
    }

    /// How many are open.
    pub fn count(&self) -> usize {
        self.lock().by_id.len()
    }

    /// Whether [`stop`](Connections::stop) was called.
    pub fn are_stopping(&self) -> bool {
        self.lock().stopping
    }

    /// Lets nobody in any more, and ends the input of all: each reads what it was sent, answers
    /// it, and finds the end of the stream.
    pub fn stop(&self) {
        let mut open = self.lock();
        open.stopping = true;
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
            (open, _) = self
                .shared
                .one_closed
                .wait_timeout(open, wait)
                .unwrap_or_else(PoisonError::into_inner);
        }
        for entry in open.by_id.values() {
            let _ = entry.stream.shutdown(Shutdown::Both);
        }
        open.by_id.len()
    }

    fn lock(&self) -> MutexGuard<'_, Open> {
        self.shared
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// The place, of a connection to the service of this name.
    #[must_use]
    pub fn of(mut self, service: &'static str) -> Place {
        self.service = service;
        self
    }

    /// The service's name; empty unless it was [given](Place::of).
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// A number no other connection of this server has.
    pub fn id(&self) -> u64 {
        self.id
    }

    /// The peer has sent a whole message, so it is no longer ended to make room.
    pub fn has_spoken(&self) {
        if let Some(entry) = self.connections.lock().by_id.get_mut(&self.id) {
            entry.has_spoken = true;
        }
    }

    /// Whether the server is stopping.
    pub fn is_stopping(&self) -> bool {
        self.connections.are_stopping()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.connections.lock().by_id.remove(&self.id);
        self.connections.shared.one_closed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::net::TcpListener;

    fn pair() -> (Arc<TcpStream>, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (Arc::new(listener.accept().unwrap().0), other)
    }

    #[test]
    fn the_oldest_silent_connection_makes_room() {
        let connections = Connections::new(2);
        let pairs = [pair(), pair(), pair(), pair()];
        let first = connections.enter(&pairs[0].0).unwrap();
        first.has_spoken();
        let second = connections.enter(&pairs[1].0).unwrap();
        let third = connections.enter(&pairs[2].0).unwrap();
        assert_eq!(
            (&pairs[1].1).read(&mut [0; 8]).unwrap(),
            0,
            "the silent one was ended"
        );
        assert_eq!(connections.count(), 2);
        drop(second);
        assert_eq!(connections.count(), 2, "its place was given away already");
        third.has_spoken();
        assert_eq!(connections.enter(&pairs[3].0).unwrap_err(), NoPlace::Full);
        drop(first);
        assert!(connections.enter(&pairs[3].0).is_ok());
    }

    #[test]
    fn stopping_ends_the_input_of_all_and_lets_nobody_in() {
        let connections = Connections::new(5);
        let (stream, _other) = pair();
        let place = connections.enter(&stream).unwrap();
        connections.stop();
        assert_eq!((&*stream).read(&mut [0; 8]).unwrap(), 0);
        assert!(place.is_stopping());
        assert_eq!(connections.enter(&pair().0).unwrap_err(), NoPlace::Stopping);
        assert_eq!(connections.drain(Duration::from_millis(10)), 1);
        drop(place);
        assert_eq!(connections.drain(Duration::from_secs(10)), 0);
    }
}
