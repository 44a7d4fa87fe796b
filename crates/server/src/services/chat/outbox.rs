//! What is to be written to one peer: as much as the operating system takes at once, the rest by a
//! thread that is there only for as long as something waits.
//!
//! To wake a thread for each message costs more than to write it, so a sender writes itself, without
//! ever waiting for the peer. A peer that is recorded, or under faults, has everything written by
//! the thread, message by message.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use proto::frame::Framing;
use wire::connection::{SendError, Writer};

use super::batch::{Batch, FramedMessage};
use super::delivery::{NotTaken, Recipient};
use crate::threads::Threads;

/// Bytes that the thread writes in one go, each time within the write limit of the connection. A
/// peer on a slow line is given the time for this much, and then for as much again.
const MAX_WRITE_BYTES: usize = 64 * 1024;

/// What is to be written to one peer, bounded in bytes. Clones share it.
#[derive(Clone)]
pub struct Outbox(Arc<Shared>);

struct Shared {
    state: Mutex<State>,
    has_ended: Condvar,
    most_bytes: usize,
    threads: Threads,
}

struct State {
    /// Away while the thread writes, and gone after the end.
    writer: Option<Writer>,
    /// Whether there is a thread, or soon will be.
    has_thread: bool,
    waiting: VecDeque<Unwritten>,
    waiting_bytes: usize,
    is_closed: bool,
    /// Whether the thread that reads from the peer knows that the connection ends.
    reader_knows: bool,
    has_ended: bool,
    failure: Option<SendError>,
}

/// A message, or what is left of one.
struct Unwritten {
    message: Arc<FramedMessage>,
    written: usize,
}

impl Outbox {
    /// An empty one for at most this many bytes, besides those that are being written, with its
    /// thread from these. One message always fits.
    pub fn new(writer: Writer, most_bytes: usize, threads: Threads) -> Outbox {
        let state = State {
            writer: Some(writer),
            has_thread: false,
            waiting: VecDeque::new(),
            waiting_bytes: 0,
            is_closed: false,
            reader_knows: false,
            has_ended: false,
            failure: None,
        };
        Outbox(Arc::new(Shared {
            state: Mutex::new(state),
            has_ended: Condvar::new(),
            most_bytes,
            threads,
        }))
    }

    /// Takes no more messages; when those that wait are written, the stream is half-closed.
    pub fn close(&self) {
        self.close_with(None);
    }

    /// The thread that reads from the peer knows that the connection ends: it need not be woken.
    pub fn reader_knows(&self) {
        self.lock().reader_knows = true;
    }

    /// Why writing has failed, if it has; the first time that is asked.
    pub fn take_failure(&self) -> Option<SendError> {
        self.lock().failure.take()
    }

    /// Waits until it is closed and all is written, or writing has failed. From closing on, that is
    /// bounded by the write limit of the connection.
    pub fn wait_until_ended(&self) {
        let goes_on = |state: &mut State| !state.has_ended;
        drop(self.0.has_ended.wait_while(self.lock(), goes_on));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes as many bytes of a batch as can be written without waiting, and says how many.
    fn write_at_once(&self, state: &mut State, batch: &Batch) -> Result<usize, ()> {
        if !state.can_write_at_once() {
            return Ok(0);
        }
        let Some(writer) = &mut state.writer else {
            return Ok(0);
        };
        let taken = match writer.framing() {
            // In raw framing a message is what one write made, if all goes well.
            Framing::Raw => write_each_at_once(writer, batch.messages()),
            _ if batch.bytes().is_empty() => Ok(0),
            _ => writer.write_framed_at_once(batch.bytes()),
        };
        taken.map_err(|error| {
            if let Some(writer) = state.writer.take() {
                self.end(state, writer, Err(error));
            }
        })
    }

    /// Starts the thread when there is something left to do and no thread yet.
    fn leave_rest_to_thread(&self, mut state: MutexGuard<'_, State>) {
        let has_rest = !state.waiting.is_empty() || state.is_closed;
        if state.has_ended || state.has_thread || !has_rest {
            return;
        }
        state.has_thread = true;
        drop(state);
        let outbox = self.clone();
        if let Err(error) = self.0.threads.run(move || outbox.write_waiting()) {
            tracing::warn!(%error, "no thread to write with");
            let mut state = self.lock();
            if let Some(writer) = state.writer.take() {
                self.end(&mut state, writer, Err(error.into()));
            }
        }
    }

    /// The thread: writes until nothing waits.
    fn write_waiting(&self) {
        let mut state = self.lock();
        let Some(mut writer) = state.writer.take() else {
            return;
        };
        loop {
            if state.waiting.is_empty() {
                if state.is_closed {
                    break;
                }
                state.writer = Some(writer);
                state.has_thread = false;
                return;
            }
            state.waiting_bytes = 0;
            let messages = std::mem::take(&mut state.waiting);
            drop(state);
            let written = write_all(&mut writer, messages);
            state = self.lock();
            if written.is_err() {
                return self.end(&mut state, writer, written);
            }
        }
        drop(state);
        // What a fault held back may have to be written first.
        let finished = writer.finish().map_err(SendError::from);
        self.end(&mut self.lock(), writer, finished);
    }

    fn end(&self, state: &mut State, mut writer: Writer, written: Result<(), SendError>) {
        let has_failed = written.is_err();
        state.failure = written.err();
        state.is_closed = true;
        state.has_ended = true;
        state.waiting.clear();
        self.0.has_ended.notify_all();
        if has_failed || !state.reader_knows {
            // The reader waits for a peer that was thrown out or lost: wake it.
            writer.abort();
        }
    }
}

impl Recipient for Outbox {
    /// Writes or queues them. When it is full, some of them are lost.
    fn send(&self, batch: &Batch) -> Result<(), NotTaken> {
        let mut state = self.lock();
        if state.is_closed {
            return Err(NotTaken::Closed);
        }
        let Ok(taken) = self.write_at_once(&mut state, batch) else {
            return Err(NotTaken::Closed);
        };
        let queued = state.queue(batch, taken, self.0.most_bytes);
        self.leave_rest_to_thread(state);
        queued
    }

    /// There is always room for the last message. When all is written, the stream is half-closed.
    /// Nothing happens when it is closed already.
    fn close_with(&self, last: Option<Arc<FramedMessage>>) {
        let mut state = self.lock();
        if state.is_closed {
            return;
        }
        state.is_closed = true;
        let batch = last.map(Batch::from).unwrap_or_default();
        let Ok(taken) = self.write_at_once(&mut state, &batch) else {
            return;
        };
        // It cannot be full.
        let _ = state.queue(&batch, taken, usize::MAX);
        if state.can_write_at_once()
            && let Some(mut writer) = state.writer.take()
        {
            let finished = writer.finish().map_err(SendError::from);
            self.end(&mut state, writer, finished);
        }
        self.leave_rest_to_thread(state);
    }
}

impl State {
    /// Whether nothing is before what is written now, and nothing needs each message.
    fn can_write_at_once(&self) -> bool {
        let is_free = !self.has_thread && self.waiting.is_empty();
        is_free && self.writer.as_ref().is_some_and(Writer::takes_framed)
    }

    /// Queues the messages of a batch, of which so many bytes were written.
    fn queue(
        &mut self,
        batch: &Batch,
        mut written: usize,
        most_bytes: usize,
    ) -> Result<(), NotTaken> {
        if written == batch.bytes().len() {
            return Ok(());
        }
        for message in batch.messages() {
            let length = message.bytes().len();
            if written >= length {
                written -= length;
                continue;
            }
            let length = length - written;
            if !self.waiting.is_empty() && self.waiting_bytes + length > most_bytes {
                return Err(NotTaken::Full);
            }
            self.waiting_bytes += length;
            self.waiting.push_back(Unwritten {
                message: Arc::clone(message),
                written: std::mem::take(&mut written),
            });
        }
        Ok(())
    }
}

/// Writes one message after another, as long as none would have to wait; says how many bytes.
fn write_each_at_once(
    writer: &mut Writer,
    messages: &[Arc<FramedMessage>],
) -> Result<usize, SendError> {
    let mut written = 0;
    for message in messages {
        let taken = writer.write_framed_at_once(message.bytes())?;
        written += taken;
        if taken < message.bytes().len() {
            break;
        }
    }
    Ok(written)
}

/// Writes messages, some at a time; in raw framing one at a time.
fn write_all(writer: &mut Writer, messages: VecDeque<Unwritten>) -> Result<(), SendError> {
    let most = match writer.framing() {
        Framing::Raw => 0,
        _ => MAX_WRITE_BYTES,
    };
    let mut bytes = Vec::new();
    let mut queued = 0;
    for Unwritten { message, written } in messages {
        let is_framed = writer.takes_framed();
        match is_framed {
            true => bytes.extend_from_slice(&message.bytes()[written..]),
            false => writer.queue(message.payload())?,
        }
        queued += message.bytes().len();
        if queued >= most {
            flush(writer, &mut bytes)?;
            queued = 0;
        }
    }
    flush(writer, &mut bytes)
}

fn flush(writer: &mut Writer, bytes: &mut Vec<u8>) -> Result<(), SendError> {
    match writer.takes_framed() {
        true => writer.write_framed(bytes)?,
        false => writer.flush()?,
    }
    bytes.clear();
    Ok(())
}

#[cfg(test)]
mod tests;
