//! What waits to be written: a bounded queue between those to whom things happen and the thread
//! that writes it down.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::event::{Event, What};

/// Most bytes of events that wait, in memory: some ten thousand short messages, or a hundred of the
/// longest.
pub const MOST_BYTES: usize = 16 * 1024 * 1024;

/// How long an event waits for room, once: a disk that is merely busy has caught up by then, and a
/// conversation is not noticeably late. Events after it are lost at once until there is room.
pub const PATIENCE: Duration = Duration::from_millis(20);

/// The queue.
#[derive(Debug)]
pub struct Queue {
    most_bytes: usize,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    waiting: VecDeque<Arc<Event>>,
    bytes: usize,
    lost: u64,
    /// Stands for all that were lost.
    last_lost: Option<Arc<Event>>,
    /// Whether the writer sleeps until there is something. To wake it is a system call, which no
    /// event makes while the writer is busy anyway.
    is_asleep: bool,
    /// Whether what was taken last is still being written.
    is_writing: bool,
    closed: bool,
}

impl Queue {
    /// An empty queue that holds at most this many bytes. One event always fits.
    pub fn new(most_bytes: usize) -> Queue {
        Queue {
            most_bytes,
            state: Mutex::default(),
            changed: Condvar::new(),
        }
    }

    /// Queues an event, waiting for room at most [`PATIENCE`]. It is lost when there is none, and
    /// when the queue is closed.
    pub fn push(&self, event: Arc<Event>) {
        let size = size(&event);
        let has_room =
            |state: &State| state.waiting.is_empty() || state.bytes + size <= self.most_bytes;
        let mut state = self.lock();
        if !has_room(&state) && state.lost == 0 {
            let is_full = |state: &mut State| !state.closed && !has_room(state);
            (state, _) = self
                .changed
                .wait_timeout_while(state, PATIENCE, is_full)
                .unwrap_or_else(PoisonError::into_inner);
        }
        if state.closed {
            return;
        }
        // What comes after a lost event and before the writer has heard of it is lost too, so that
        // the gap stands where it is told.
        if state.lost > 0 || !has_room(&state) {
            state.lost += 1;
            state.last_lost = Some(event);
            return;
        }
        state.bytes += size;
        state.waiting.push_back(event);
        let is_asleep = std::mem::take(&mut state.is_asleep);
        drop(state);
        if is_asleep {
            self.changed.notify_all();
        }
    }

    /// Everything that waits, in order, with an event that tells how many were lost; waits for
    /// something. `None` when the queue is closed and empty.
    pub fn take(&self) -> Option<Vec<Arc<Event>>> {
        let mut state = self.lock();
        state.is_writing = false;
        self.changed.notify_all();
        let is_idle = |state: &mut State| {
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
            taken.push(Arc::new(Event {
                channel: None,
                what: What::Lost { count },
                ..Event::clone(&last)
            }));
        }
        state.is_writing = !taken.is_empty();
        drop(state);
        self.changed.notify_all();
        (!taken.is_empty()).then_some(taken)
    }

    /// Waits until everything was written, at most until then.
    pub fn wait_until_written(&self, by: Instant) {
        let is_unwritten = |state: &mut State| {
            state.is_writing || !state.waiting.is_empty() || state.last_lost.is_some()
        };
        let wait = by.saturating_duration_since(Instant::now());
        drop(
            self.changed
                .wait_timeout_while(self.lock(), wait, is_unwritten),
        );
    }

    /// Takes no more events; those that wait can still be taken.
    pub fn close(&self) {
        self.lock().closed = true;
        self.changed.notify_all();
    }

    /// Takes no more events, and forgets those that wait: they cannot be written.
    pub fn abandon(&self) {
        *self.lock() = State {
            closed: true,
            ..State::default()
        };
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// About what an event takes in memory.
fn size(event: &Event) -> usize {
    let message = match &event.what {
        What::Sent(message)
        | What::Received(message)
        | What::Duplicated(message)
        | What::Refused(message)
        | What::Reordered(message)
        | What::Dropped { message, .. }
        | What::Delayed { message, .. }
        | What::Cut { message, .. }
        | What::Split { message, .. }
        | What::Glued(message)
        | What::Reset(message)
        | What::Corrupted { message, .. } => {
            message.bytes.0.len() + message.text.as_ref().map_or(0, String::len)
        }
        What::Unreadable { bytes, .. } => bytes.0.len(),
        What::Resent { text, .. } => text.len(),
        _ => 0,
    };
    size_of::<Event>() + 64 + message
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Side;

    fn event(n: u64) -> Arc<Event> {
        Arc::new(Event {
            run: String::new(),
            n,
            t: n,
            wall: jiff::Timestamp::UNIX_EPOCH,
            side: Side::Client,
            channel: None,
            what: What::Ended,
        })
    }

    fn taken(queue: &Queue) -> Vec<(u64, Option<u64>)> {
        let taken = queue.take().unwrap();
        let lost = |event: &Arc<Event>| match event.what {
            What::Lost { count } => (event.n, Some(count)),
            _ => (event.n, None),
        };
        taken.iter().map(lost).collect()
    }

    #[test]
    fn what_finds_no_room_is_lost_and_told_once_behind_what_was_kept() {
        let queue = Queue::new(2 * size(&event(0)));
        for n in 1..=5 {
            queue.push(event(n));
        }
        assert_eq!(taken(&queue), [(1, None), (2, None), (5, Some(3))]);
        queue.push(event(6));
        assert_eq!(taken(&queue), [(6, None)]);
    }

    #[test]
    fn an_event_that_waits_gets_the_room_that_is_made() {
        let queue = Queue::new(0);
        queue.push(event(1));
        std::thread::scope(|scope| {
            scope.spawn(|| queue.push(event(2)));
            // Whichever comes first, the second is kept or told as lost.
            let mut seen = 0;
            while seen < 2 {
                seen += taken(&queue).len();
            }
        });
    }

    #[test]
    fn everything_that_waits_can_be_taken_after_closing_and_nothing_after_abandoning() {
        let queue = Queue::new(MOST_BYTES);
        queue.push(event(1));
        queue.close();
        queue.push(event(2));
        assert_eq!(taken(&queue), [(1, None)]);
        assert!(queue.take().is_none());

        let queue = Queue::new(MOST_BYTES);
        queue.push(event(1));
        queue.abandon();
        queue.wait_until_written(Instant::now() + Duration::from_secs(60));
        assert!(queue.take().is_none());
    }
}
