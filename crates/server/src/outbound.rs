//! What waits to be written to one peer: a queue bounded in bytes, between the threads that have
//! something to say and the one thread that writes it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue of messages, bounded by the sum of their lengths.
#[derive(Debug)]
pub struct OutboundQueue<M = Vec<u8>> {
    most_bytes: usize,
    state: Mutex<State<M>>,
    changed: Condvar,
}

#[derive(Debug)]
struct State<M> {
    waiting: VecDeque<M>,
    bytes: usize,
    closed: bool,
}

/// The message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotQueued {
    /// It would exceed the bound: the peer does not read.
    Full,
    /// The queue is closed.
    Closed,
}

impl<M: AsRef<[u8]>> OutboundQueue<M> {
    /// An empty queue that holds at most this many bytes. One message always fits.
    pub fn new(most_bytes: usize) -> OutboundQueue<M> {
        let state = State {
            waiting: VecDeque::new(),
            bytes: 0,
            closed: false,
        };
        OutboundQueue {
            most_bytes,
            state: Mutex::new(state),
            changed: Condvar::new(),
        }
    }

    /// Queues a message at once or not at all.
    pub fn push(&self, message: M) -> Result<(), NotQueued> {
        self.put(self.lock(), message)
    }

    /// Queues a message, waiting for room as long as it takes.
    pub fn push_waiting(&self, message: M) -> Result<(), NotQueued> {
        let is_full =
            |state: &mut State<M>| !state.closed && !self.has_room(state, message.as_ref().len());
        let state = self
            .changed
            .wait_while(self.lock(), is_full)
            .unwrap_or_else(PoisonError::into_inner);
        self.put(state, message)
    }

    /// Everything that waits, in order; waits for something. `None` when the queue is closed and
    /// empty.
    pub fn take(&self) -> Option<VecDeque<M>> {
        self.take_within(Duration::MAX)
    }

    /// As [`take`](Outbound::take), and nothing at all when nothing came for so long.
    pub fn take_within(&self, wait: Duration) -> Option<VecDeque<M>> {
        let is_empty = |state: &mut State<M>| state.waiting.is_empty() && !state.closed;
        let waited = self.changed.wait_timeout_while(self.lock(), wait, is_empty);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        let is_over = state.closed && state.waiting.is_empty();
        state.bytes = 0;
        let taken = std::mem::take(&mut state.waiting);
        self.changed.notify_all();
        (!is_over).then_some(taken)
    }

    /// Waits until everything was taken, or the queue is closed.
    pub fn wait_until_empty(&self) {
        let is_waiting = |state: &mut State<M>| !state.waiting.is_empty() && !state.closed;
        drop(self.changed.wait_while(self.lock(), is_waiting));
    }

    /// Takes no more messages than this last one, if any, for which there is always room; those
    /// that wait can still be taken. Nothing happens when it is closed already.
    pub fn close_with(&self, last: Option<M>) {
        let mut state = self.lock();
        if !state.closed {
            state.closed = true;
            state.bytes += last.as_ref().map_or(0, |last| last.as_ref().len());
            state.waiting.extend(last);
        }
        drop(state);
        self.changed.notify_all();
    }

    /// Takes no more messages; those that wait can still be taken.
    pub fn close(&self) {
        self.close_with(None);
    }

    fn put(&self, mut state: MutexGuard<'_, State<M>>, message: M) -> Result<(), NotQueued> {
        if state.closed {
            return Err(NotQueued::Closed);
        }
        if !self.has_room(&state, message.as_ref().len()) {
            return Err(NotQueued::Full);
        }
        state.bytes += message.as_ref().len();
        state.waiting.push_back(message);
        self.changed.notify_all();
        Ok(())
    }

    fn has_room(&self, state: &State<M>, length: usize) -> bool {
        state.waiting.is_empty() || state.bytes + length <= self.most_bytes
    }

    fn lock(&self) -> MutexGuard<'_, State<M>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_taken_at_once_and_in_order() {
        let queue = OutboundQueue::new(10);
        queue.push(b"a".to_vec()).unwrap();
        queue.push(b"b".to_vec()).unwrap();
        assert_eq!(queue.take().unwrap(), [b"a".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn the_bound_is_in_bytes_and_taking_makes_room() {
        let queue = OutboundQueue::new(10);
        queue.push(vec![0; 99]).unwrap();
        assert_eq!(queue.push(vec![0; 1]), Err(NotQueued::Full));
        queue.take().unwrap();
        queue.push(vec![0; 10]).unwrap();
        assert_eq!(queue.push(vec![0; 1]), Err(NotQueued::Full));
    }

    #[test]
    fn what_waits_is_still_taken_after_closing() {
        let queue = OutboundQueue::new(10);
        queue.push(b"last".to_vec()).unwrap();
        queue.close();
        assert_eq!(queue.push(b"more".to_vec()), Err(NotQueued::Closed));
        assert!(queue.take().is_some());
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn the_last_words_are_queued_even_when_the_queue_is_full_but_only_once() {
        let queue = OutboundQueue::new(1);
        queue.push(b"a".to_vec()).unwrap();
        assert_eq!(queue.push(b"b".to_vec()), Err(NotQueued::Full));
        queue.close_with(Some(b"last".to_vec()));
        queue.close_with(Some(b"more".to_vec()));
        assert_eq!(queue.take().unwrap(), [b"a".to_vec(), b"last".to_vec()]);
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_waiting_push_goes_on_when_there_is_room_and_ends_when_closed() {
        let queue = OutboundQueue::new(1);
        queue.push(vec![1]).unwrap();
        std::thread::scope(|scope| {
            let pushing = scope.spawn(|| queue.push_waiting(vec![2]));
            assert_eq!(queue.take().unwrap(), [vec![1]]);
            pushing.join().unwrap().unwrap();
            let refused = scope.spawn(|| queue.push_waiting(vec![3]));
            queue.close();
            assert_eq!(refused.join().unwrap(), Err(NotQueued::Closed));
        });
    }
}
