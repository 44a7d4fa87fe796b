//! What waits to be written to one peer: a queue bounded in bytes, between the thread that has
//! something to say and the one that writes it.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// A queue of messages, bounded by the sum of their lengths.
#[derive(Debug)]
pub struct OutboundQueue {
    most_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Vec<u8>>,
    bytes: usize,
    closed: bool,
}

/// The message was not queued, since the queue is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Closed;

impl OutboundQueue {
    /// An empty queue that holds at most this many bytes. One message always fits.
    pub fn new(most_bytes: usize) -> OutboundQueue {
        OutboundQueue {
            most_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Queues a message, waiting for room as long as it takes.
    pub fn push_waiting(&self, message: Vec<u8>) -> Result<(), Closed> {
        let is_full = |state: &mut State| !state.closed && !self.has_room(state, message.len());
        let waited = self.changed.wait_while(self.lock(), is_full);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return Err(Closed);
        }
        state.bytes += message.len();
        state.waiting.push_back(message);
        self.changed.notify_all();
        Ok(())
    }

    /// Everything that waits, in order; waits for something. `None` when the queue is closed and
    /// empty.
    pub fn take(&self) -> Option<VecDeque<Vec<u8>>> {
        self.take_within(Duration::MAX)
    }

    /// As [`take`](OutboundQueue::take), and nothing at all when nothing came for so long.
    pub fn take_within(&self, wait: Duration) -> Option<VecDeque<Vec<u8>>> {
        let is_empty = |state: &mut State| state.waiting.is_empty() && !state.closed;
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
        let is_waiting = |state: &mut State| !state.waiting.is_empty() && !state.closed;
        drop(self.changed.wait_while(self.lock(), is_waiting));
    }

    /// Takes no more messages; those that wait can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    fn has_room(&self, state: &State, length: usize) -> bool {
        state.waiting.is_empty() || state.bytes + length <= self.most_bytes
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_taken_at_once_and_in_order() {
        let queue = OutboundQueue::new(10);
        queue.push_waiting(b"a".to_vec()).unwrap();
        queue.push_waiting(b"b".to_vec()).unwrap();
        assert_eq!(queue.take().unwrap(), [b"a".to_vec(), b"b".to_vec()]);
    }

    #[test]
    fn one_message_fits_however_long_it_is() {
        let queue = OutboundQueue::new(10);
        queue.push_waiting(vec![0; 99]).unwrap();
        assert_eq!(queue.take().unwrap(), [[0; 99]]);
        queue.push_waiting(vec![0; 99]).unwrap();
    }

    #[test]
    fn what_waits_is_still_taken_after_closing() {
        let queue = OutboundQueue::new(10);
        queue.push_waiting(b"last".to_vec()).unwrap();
        queue.close();
        assert_eq!(queue.push_waiting(b"more".to_vec()), Err(Closed));
        assert!(queue.take().is_some());
        assert_eq!(queue.take(), None);
    }

    #[test]
    fn a_waiting_push_goes_on_when_there_is_room_and_ends_when_closed() {
        let queue = OutboundQueue::new(1);
        queue.push_waiting(vec![1]).unwrap();
        std::thread::scope(|scope| {
            let pushing = scope.spawn(|| queue.push_waiting(vec![2]));
            assert_eq!(queue.take().unwrap(), [vec![1]]);
            pushing.join().unwrap().unwrap();
            let refused = scope.spawn(|| queue.push_waiting(vec![3]));
            queue.close();
            assert_eq!(refused.join().unwrap(), Err(Closed));
        });
    }
}
