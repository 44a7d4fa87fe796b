//! The two streams of one connection through the proxy, and how they end together.
//!
//! An end of stream ends one direction: the other lives on. A reset ends both, at once. Two threads
//! work on a pair, one for each direction, and what one of them finds out the other learns here.

use std::io;
use std::net::{Shutdown, TcpStream};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use proto::side::Direction;
use record::tap::Tap;
use record::{CloseReason, Closer};
use socket2::{SockRef, TcpKeepalive};
use wire::fault::sending::Break;

use crate::connections::ConnectionStatus;

/// How long a thread that cannot write, or has nothing to read any more, waits before it looks
/// whether the other end is still there: only then is that end not read, which is how a
/// reset is otherwise noticed.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// Silence after which the kernel asks whether the other machine is still there, and how often.
const KEEPALIVE: Duration = Duration::from_secs(60);
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(10);

/// Longest wait for both ends to take the last bytes, after a fault has cut them off. A socket that
/// is closed with unread bytes is reset, and the reset would overtake the half message.
const CLOSE_WAIT: Duration = Duration::from_millis(500);

/// A client's stream and the stream to the server for it.
#[derive(Debug)]
pub struct Pair {
    client: Arc<TcpStream>,
    server: Arc<TcpStream>,
    taps: Option<Taps>,
    place: ConnectionStatus,
    state: Mutex<State>,
    changed: Condvar,
}

/// What is recorded of the two streams.
#[derive(Debug)]
pub struct Taps {
    /// We are the server.
    pub client: Tap,
    /// We are the client.
    pub server: Tap,
}

#[derive(Debug, Default)]
struct State {
    over: Option<Over>,
    requests: Progress,
    replies: Progress,
}

/// How far one direction is.
#[derive(Debug, Default)]
struct Progress {
    /// Its end of stream was passed on, or is about to be.
    is_finished: bool,
    /// Nothing is read or written for it any more.
    is_left: bool,
}

/// Why both directions are over, besides that both ended in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Over {
    /// Who speaks in this direction reset the connection, or is gone.
    Lost {
        /// Whose words are lost.
        direction: Direction,
        /// Whether it was a reset.
        how: CloseReason,
        /// In words.
        words: String,
    },
    /// A fault ended it.
    Fault(Break),
    /// The proxy is stopping, or the client's connection was ended to make room for another.
    Stopped,
}

impl Pair {
    /// Takes both streams over.
    pub fn new(
        client: Arc<TcpStream>,
        server: Arc<TcpStream>,
        taps: Option<Taps>,
        place: ConnectionStatus,
    ) -> io::Result<Pair> {
        let keepalive = TcpKeepalive::new()
            .with_time(KEEPALIVE)
            .with_interval(KEEPALIVE_INTERVAL);
        for stream in [&client, &server] {
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(POLL_INTERVAL))?;
            SockRef::from(&**stream).set_tcp_keepalive(&keepalive)?;
        }
        Ok(Pair {
            client,
            server,
            taps,
            place,
            state: Mutex::default(),
            changed: Condvar::new(),
        })
    }

    /// Where this direction's bytes come from.
    pub fn source(&self, direction: Direction) -> &TcpStream {
        match direction {
            Direction::ToServer => &self.client,
            Direction::ToClient => &self.server,
        }
    }

    /// Where they go.
    pub fn destination(&self, direction: Direction) -> &TcpStream {
        self.source(opposite(direction))
    }

    /// What is recorded of where this direction's bytes come from.
    pub fn source_tap(&self, direction: Direction) -> Option<&Tap> {
        let taps = self.taps.as_ref()?;
        Some(match direction {
            Direction::ToServer => &taps.client,
            Direction::ToClient => &taps.server,
        })
    }

    /// What is recorded of where they go.
    pub fn destination_tap(&self, direction: Direction) -> Option<&Tap> {
        self.source_tap(opposite(direction))
    }

    /// Why both directions are over, if they are.
    pub fn over(&self) -> Option<Over> {
        let over = self.lock().over.clone();
        over.or_else(|| self.place.was_evicted().then_some(Over::Stopped))
    }

    /// Waits until then.
    /// Fails when the pair is over before.
    pub fn wait_until(&self, due: Instant) -> Result<(), Over> {
        let mut state = self.lock();
        loop {
            if let Some(over) = &state.over {
                return Err(over.clone());
            }
            let wait = due.saturating_duration_since(Instant::now());
            if wait.is_zero() {
                return Ok(());
            }
            state = self.wait(state, wait);
        }
    }

    /// Passes the end of this direction's stream on.
    pub fn finish(&self, direction: Direction) {
        self.lock().progress(direction).is_finished = true;
        // Recorded first: what the other end answers comes after.
        if let Some(tap) = self.destination_tap(direction) {
            tap.half_closed(Closer::Us);
        }
        let _ = self.destination(direction).shutdown(Shutdown::Write);
        self.changed.notify_all();
    }

    /// Whether the end of stream that was just read is none: the connection was reset, and the
    /// error was reported to the thread that writes to this end.
    pub fn is_reset_unseen(&self, direction: Direction) -> bool {
        // In this order: a stream that has ended in both directions has no peer either.
        self.source(direction).peer_addr().is_err()
            && !self.lock().progress(opposite(direction)).is_finished
    }

    /// Says that this end of the pair is gone, if the operating system knows it.
    pub fn look_for_reset(&self, direction: Direction) -> Result<(), Over> {
        if let Some(over) = self.over() {
            return Err(over);
        }
        match self.source(direction).take_error() {
            Ok(None) => Ok(()),
            Ok(Some(error)) | Err(error) => Err(Over::lost(direction, &error)),
        }
    }

    /// Ends both directions. After a reset, both ends are reset when the last thread drops them.
    pub fn end(&self, over: &Over) {
        let mut state = self.lock();
        let first = state.over.is_none();
        state.over.get_or_insert_with(|| over.clone());
        drop(state);
        if first {
            self.record_end(over);
            for stream in [&self.client, &self.server] {
                if let Over::Lost { .. } | Over::Fault(Break::Reset) = over {
                    let _ = SockRef::from(&**stream).set_linger(Some(Duration::ZERO));
                }
                // Wakes the thread that reads from it, and sends the other end nothing.
                if *over != Over::Fault(Break::Cut) {
                    let _ = stream.shutdown(Shutdown::Read);
                }
            }
        }
        self.changed.notify_all();
    }

    /// After a fault cut this direction: both ends find the end of their stream, and have a while
    /// to read what came before it.
    pub fn close_after_cut(&self, direction: Direction) {
        let by = Instant::now() + CLOSE_WAIT;
        let _ = self.destination(direction).shutdown(Shutdown::Write);
        let _ = self.source(direction).shutdown(Shutdown::Write);
        self.discard(direction);
        let mut state = self.lock();
        loop {
            let wait = by.saturating_duration_since(Instant::now());
            if wait.is_zero() || state.progress(opposite(direction)).is_left {
                break;
            }
            state = self.wait(state, wait);
        }
        drop(state);
        let _ = self.client.shutdown(Shutdown::Both);
        let _ = self.server.shutdown(Shutdown::Both);
    }

    /// Throws away what still comes in this direction.
    pub fn discard(&self, direction: Direction) {
        use io::Read;
        let by = Instant::now() + CLOSE_WAIT;
        let mut source = self.source(direction);
        let mut piece = [0; 4096];
        loop {
            let wait = by.saturating_duration_since(Instant::now());
            if wait.is_zero() || source.set_read_timeout(Some(wait)).is_err() {
                return;
            }
            match source.read(&mut piece) {
                Ok(0) => return,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    /// The thread of this direction has nothing more to do.
    pub fn leave(&self, direction: Direction) {
        self.lock().progress(direction).is_left = true;
        self.changed.notify_all();
    }

    /// Waits until the other direction has nothing more to do either. Meanwhile nothing is read from
    /// this direction's source, so this looks whether it is still there; and `is_too_long` whether
    /// to wait no longer.
    pub fn wait_for_other(&self, direction: Direction, mut is_too_long: impl FnMut() -> bool) {
        let mut state = self.lock();
        while !state.progress(opposite(direction)).is_left {
            state = self.wait(state, POLL_INTERVAL);
            if state.over.is_some() || state.progress(opposite(direction)).is_left {
                continue;
            }
            drop(state);
            if let Err(over) = self.look_for_reset(direction) {
                self.end(&over);
            } else if is_too_long() {
                self.end(&Over::Stopped);
            }
            state = self.lock();
        }
    }

    fn record_end(&self, over: &Over) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            let Some(tap) = self.source_tap(direction) else {
                return;
            };
            match over {
                Over::Lost {
                    direction: lost,
                    how,
                    words,
                } if *lost == direction => {
                    tap.ends(Closer::Peer, *how, Some(words.clone()));
                }
                Over::Lost { words, .. } => {
                    tap.ends(Closer::Us, CloseReason::Reset, Some(words.clone()))
                }
                Over::Fault(how) => {
                    tap.ends(Closer::Us, CloseReason::from(*how), Some(how.to_string()))
                }
                Over::Stopped => tap.ends(Closer::Us, CloseReason::Abort, None),
            }
        }
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>, limit: Duration) -> MutexGuard<'a, State> {
        let waited = self.changed.wait_timeout(state, limit);
        waited.unwrap_or_else(PoisonError::into_inner).0
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn progress(&mut self, direction: Direction) -> &mut Progress {
        match direction {
            Direction::ToServer => &mut self.requests,
            Direction::ToClient => &mut self.replies,
        }
    }
}

/// The other direction.
pub fn opposite(direction: Direction) -> Direction {
    match direction {
        Direction::ToServer => Direction::ToClient,
        Direction::ToClient => Direction::ToServer,
    }
}

/// Who speaks in this direction.
pub fn speaker(direction: Direction) -> &'static str {
    match direction {
        Direction::ToServer => "the client",
        Direction::ToClient => "the server",
    }
}

impl Over {
    /// The speaker of this direction was lost.
    pub fn lost(direction: Direction, error: &io::Error) -> Over {
        let who = speaker(direction);
        let (how, words) = match error.kind() {
            io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe => {
                (CloseReason::Reset, format!("{who} reset the connection"))
            }
            _ => (CloseReason::Broken, format!("{who} is gone: {error}")),
        };
        Over::Lost {
            direction,
            how,
            words,
        }
    }
}
