//! What waits to be written: a bounded queue between those to whom things happen and the thread
//! that writes it down. Recordings and logs have one each, so that neither holds up a conversation.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// What can wait in a [`Queue`].
pub trait Item {
    /// About what it takes in memory, in bytes.
    fn size(&self) -> usize;

    /// An item that stands for so many lost ones, of which this is the last.
    #[must_use]
    fn lost(self, count: u64) -> Self;
}

/// The queue.
#[derive(Debug)]
pub struct Queue<T> {
    most_bytes: usize,
    patience: Duration,
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<T> {
    waiting: VecDeque<T>,
    bytes: usize,
    lost: u64,
    /// Stands for all that were lost.
    last_lost: Option<T>,
    /// Whether the writer sleeps until there is something. To wake it is a system call, which no
    /// event makes while the writer is busy anyway.
    is_asleep: bool,
    /// Whether what was taken last is still being written.
    is_writing: bool,
    closed: bool,
    /// Whether the writer has ended, and let go of what it wrote to.
    has_ended: bool,
}

impl<T> Default for State<T> {
    fn default() -> State<T> {
        State {
            waiting: VecDeque::new(),
            bytes: 0,
            lost: 0,
            last_lost: None,
            is_asleep: false,
            is_writing: false,
            closed: false,
            has_ended: false,
        }
    }
}

impl<T: Item> Queue<T> {
    /// An empty queue that holds at most this many bytes; one item always fits. Where there is no
    /// room, an item waits for it at most for `patience`, once: those after it are lost at once
    /// until there is room again.
    pub fn new(most_bytes: usize, patience: Duration) -> Queue<T> {
        Queue {
            most_bytes,
            patience,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Queues an item. It is lost when there is no room in time, and when the queue is closed.
    pub fn push(&self, item: T) {
        let size = item.size();
        let has_room =
            |state: &State<T>| state.waiting.is_empty() || state.bytes + size <= self.most_bytes;
        let mut state = self.lock();
        if !has_room(&state) && state.lost == 0 && !self.patience.is_zero() {
            let is_full = |state: &mut State<T>| !state.closed && !has_room(state);
            (state, _) = self
                .changed
                .wait_timeout_while(state, self.patience, is_full)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return;
        }
        // What comes after a lost item and before the writer has heard of it is lost too, so that
        // the gap stands where it was.
        if state.lost > 0 || !has_room(&state) {
            state.lost += 1;
            state.last_lost = Some(item);
            return;
        }
        state.bytes += size;
        state.waiting.push_back(item);
        let is_asleep = std::mem::take(&mut state.is_asleep);
        drop(state);
        if is_asleep {
            self.changed.notify_all();
        }
    }

    /// Everything that waits, in order, with an item that stands for those that were lost; waits for
    /// something. `None` when the queue is closed and empty.
    pub fn take(&self) -> Option<Vec<T>> {
        let mut state = self.lock();
        state.is_writing = false;
        self.changed.notify_all();
        let is_idle = |state: &mut State<T>| {
            state.is_asleep =
                state.waiting.is_empty() && state.last_lost.is_none() && !state.closed;
            state.is_asleep
        };
        let mut state = self
            .changed
            .wait_while(state, is_idle)
            .unwrap_or_else(PoisonError::into_inner);
        let mut taken: Vec<_> = std::mem::take(&mut state.waiting).into();
        state.bytes = 0;
        let count = std::mem::take(&mut state.lost);
        if let Some(last) = state.last_lost.take() {
            taken.push(last.lost(count));
        }
        state.is_writing = !taken.is_empty();
        drop(state);
        self.changed.notify_all();
        (!taken.is_empty()).then_some(taken)
    }

    /// Waits until everything was written, at most until then.
    pub fn wait_until_written(&self, by: Instant) {
        self.wait_while(by, |state| {
            state.is_writing || !state.waiting.is_empty() || state.last_lost.is_some()
        });
    }

    /// Notes that the writer has ended.
    pub fn end(&self) {
        self.lock().has_ended = true;
        self.changed.notify_all();
    }

    /// Waits until the writer has ended, at most until then. It does when the queue is closed.
    pub fn wait_until_ended(&self, by: Instant) {
        self.wait_while(by, |state| !state.has_ended);
    }

    /// Takes no more items; those that wait can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Takes no more items, and forgets those that wait: they cannot be written.
    pub fn abandon(&self) {
        *self.lock() = State {
            closed: true,
            ..State::default()
        };
        self.changed.notify_all();
    }

    fn wait_while(&self, by: Instant, condition: impl FnMut(&mut State<T>) -> bool) {
        let wait = by.saturating_duration_since(Instant::now());
        let state = self.lock();
        drop(self.changed.wait_timeout_while(state, wait, condition));
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A number, and how many were lost up to it.
    #[derive(Debug, Clone, PartialEq)]
    struct Numbered(u64, u64);

    impl Item for Numbered {
        fn size(&self) -> usize {
            1
        }

        fn lost(self, count: u64) -> Numbered {
            Numbered(self.0, count)
        }
    }

    fn item(n: u64) -> Numbered {
        Numbered(n, 0)
    }

    #[test]
    fn what_finds_no_room_is_lost_and_told_once_behind_what_was_kept() {
        for patience in [Duration::ZERO, Duration::from_millis(20)] {
            let queue = Queue::new(2, patience);
            for n in 1..=5 {
                queue.push(item(n));
            }
            let taken = queue.take().unwrap();
            assert_eq!(taken, [item(1), item(2), Numbered(5, 3)]);
            queue.push(item(6));
            assert_eq!(queue.take().unwrap(), [item(6)]);
        }
    }

    #[test]
    fn items_that_wait_get_the_room_that_is_made_and_none_is_lost() {
        let queue = Queue::new(0, Duration::from_secs(60));
        let all: Vec<_> = (1..=1_000).map(item).collect();
        let mut taken = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                all.iter().cloned().for_each(|item| queue.push(item));
                queue.close();
            });
            while let Some(items) = queue.take() {
                taken.extend(items);
            }
        });
        assert_eq!(taken, all);
    }

    #[test]
    fn everything_that_waits_can_be_taken_after_closing_and_nothing_after_abandoning() {
        let queue = Queue::new(10, Duration::ZERO);
        queue.push(item(1));
        queue.close();
        queue.push(item(2));
        assert_eq!(queue.take().unwrap(), [item(1)]);
        assert_eq!(queue.take(), None);

        let queue = Queue::new(10, Duration::ZERO);
        queue.push(item(1));
        queue.abandon();
        queue.wait_until_written(Instant::now() + Duration::from_secs(60));
        assert_eq!(queue.take(), None);
    }
}
