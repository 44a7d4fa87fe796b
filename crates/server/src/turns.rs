//! Turns at what takes a core for a while: few at a time, and the sources that wait take turns, so
//! that one that asks for much delays itself and hardly any other.

use std::collections::VecDeque;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::available_parallelism;
use std::time::{Duration, Instant};

use crate::connections::ConnectionStatus;
use crate::connections::eviction::Source;

/// How often who waits looks whether its connection was ended meanwhile.
const POLL_INTERVAL: Duration = Duration::from_millis(200);

/// Lets so many through at a time. Clones share it.
#[derive(Debug, Clone)]
pub struct Turns {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug)]
struct State {
    free: usize,
    next_id: u64,
    /// The sources that wait, the next one first, and who waits from each in the order of coming.
    /// None waits while there is a turn free.
    waiting: VecDeque<(Option<Source>, VecDeque<Waiting>)>,
}

#[derive(Debug)]
struct Waiting {
    id: u64,
    /// Sent to when the turn has come.
    notify: Sender<()>,
}

/// A turn, until this is dropped.
#[derive(Debug)]
pub struct Turn {
    turns: Turns,
}

impl Turns {
    /// As many at a time as there are cores.
    pub fn new() -> Turns {
        Turns::with(available_parallelism().map_or(1, |cores| cores.get()))
    }

    /// So many at a time.
    pub fn with(free: usize) -> Turns {
        let state = State {
            free,
            next_id: 0,
            waiting: VecDeque::new(),
        };
        Turns {
            shared: Arc::new(Mutex::new(state)),
        }
    }

    /// Waits for a turn, at most this long; `None` when it has not come then, or when the
    /// connection for which it is was ended. Without one, the server itself is the source.
    pub fn take(&self, whose: Option<&ConnectionStatus>, timeout: Duration) -> Option<Turn> {
        let source = whose.map(ConnectionStatus::source);
        let mut state = self.lock();
        if state.free > 0 {
            state.free -= 1;
        } else {
            let id = state.next_id;
            state.next_id += 1;
            let (notify, notified) = channel();
            state.queue(source).push_back(Waiting { id, notify });
            drop(state);
            let by = Instant::now() + timeout;
            loop {
                let left = by.saturating_duration_since(Instant::now());
                let turn = notified.recv_timeout(left.min(POLL_INTERVAL));
                if turn != Err(RecvTimeoutError::Timeout) {
                    break;
                }
                let gives_up =
                    left <= POLL_INTERVAL || whose.is_some_and(ConnectionStatus::was_evicted);
                if gives_up {
                    // Unless it has come at the last moment.
                    match self.lock().forget(source, id) {
                        true => return None,
                        false => break,
                    }
                }
            }
        }
        Some(Turn {
            turns: self.clone(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn queue(&mut self, source: Option<Source>) -> &mut VecDeque<Waiting> {
        let place = self.waiting.iter().position(|(who, _)| *who == source);
        let place = place.unwrap_or_else(|| {
            self.waiting.push_back((source, VecDeque::new()));
            self.waiting.len() - 1
        });
        &mut self.waiting[place].1
    }

    /// Removes one that waits no longer; `false` when its turn had come.
    fn forget(&mut self, source: Option<Source>, id: u64) -> bool {
        let queue = self.queue(source);
        let before = queue.len();
        queue.retain(|waiting| waiting.id != id);
        let is_forgotten = queue.len() < before;
        self.waiting.retain(|(_, queue)| !queue.is_empty());
        is_forgotten
    }

    /// Gives a turn to the next one.
    fn pass_on(&mut self) {
        while let Some((source, mut queue)) = self.waiting.pop_front() {
            let next = queue.pop_front();
            if !queue.is_empty() {
                // Behind all others who wait.
                self.waiting.push_back((source, queue));
            }
            if next.is_some_and(|next| next.notify.send(()).is_ok()) {
                return;
            }
        }
        self.free += 1;
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.lock().pass_on();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::IpAddr;
    use std::sync::mpsc::Receiver;
    use std::thread;

    const LONG: Duration = Duration::from_secs(60);

    fn source(number: u8) -> ConnectionStatus {
        ConnectionStatus::new(IpAddr::from([10, 0, 0, number]).into(), 0)
    }

    fn waiting(turns: &Turns) -> usize {
        let state = turns.lock();
        state.waiting.iter().map(|(_, queue)| queue.len()).sum()
    }

    /// A thread of this source waits, and sends its name when it has its turn.
    fn wait(turns: &Turns, number: u8, name: &'static str, said: &Sender<&'static str>) {
        let before = waiting(turns);
        let (turns_of_it, said) = (turns.clone(), said.clone());
        thread::spawn(move || {
            let _turn = turns_of_it.take(Some(&source(number)), LONG).unwrap();
            said.send(name).unwrap();
        });
        while waiting(turns) == before {
            thread::yield_now();
        }
    }

    fn heard(said: &Receiver<&'static str>, count: usize) -> Vec<&'static str> {
        (0..count).map(|_| said.recv().unwrap()).collect()
    }

    #[test]
    fn sources_take_turns_and_those_of_one_come_in_their_order() {
        let turns = Turns::with(1);
        let (say, said) = channel();
        let first = turns.take(Some(&source(1)), LONG).unwrap();
        for name in ["1a", "1b", "1c"] {
            wait(&turns, 1, name, &say);
        }
        wait(&turns, 2, "2a", &say);
        wait(&turns, 3, "3a", &say);
        wait(&turns, 2, "2b", &say);
        drop(first);
        assert_eq!(heard(&said, 6), ["1a", "2a", "3a", "1b", "2b", "1c"]);
    }

    #[test]
    fn who_does_not_wait_long_enough_takes_no_turn() {
        let turns = Turns::with(1);
        let (say, said) = channel();
        let first = turns.take(Some(&source(1)), LONG).unwrap();
        assert!(turns.take(Some(&source(2)), Duration::ZERO).is_none());
        assert!(turns.take(None, Duration::ZERO).is_none());
        assert_eq!(waiting(&turns), 0);
        wait(&turns, 1, "1a", &say);
        drop(first);
        assert_eq!(heard(&said, 1), ["1a"]);
        // Given back by the last one, whose thread may still be at it.
        drop(turns.take(Some(&source(3)), LONG).unwrap());
    }

    #[test]
    fn who_was_ended_to_make_room_waits_no_longer() {
        let turns = Turns::with(1);
        let _first = turns.take(None, LONG).unwrap();
        let ended = source(1);
        thread::scope(|scope| {
            let waits = scope.spawn(|| turns.take(Some(&ended), LONG));
            while waiting(&turns) == 0 {
                thread::yield_now();
            }
            ended.make_room();
            assert!(waits.join().unwrap().is_none());
        });
        assert_eq!(waiting(&turns), 0);
    }

    #[test]
    fn as_many_as_may_be_have_a_turn_at_once() {
        let turns = Turns::with(2);
        let _two = [(); 2].map(|()| turns.take(Some(&source(1)), LONG).unwrap());
        assert!(turns.take(Some(&source(2)), Duration::ZERO).is_none());
    }
}
