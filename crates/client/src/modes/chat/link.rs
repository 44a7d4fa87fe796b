//! The way to the room, shared by everything that may speak to it: lines, and a wish to leave.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use proto::chat::Request;
use wire::connection::{SendError, Writer};

/// The sending half of the conversation, and what was asked and not answered yet.
#[derive(Debug)]
pub struct Link {
    sending: Mutex<Sending>,
    leaving: AtomicBool,
}

#[derive(Debug)]
struct Sending {
    writer: Writer,
    /// Requests sent so far, before the room was entered and since.
    count: u64,
    asked: VecDeque<Request>,
}

impl Link {
    /// A link to the room that was joined over this connection, with the last of so many requests.
    pub fn new(writer: Writer, count: u64) -> Link {
        Link {
            sending: Mutex::new(Sending {
                writer,
                count,
                asked: VecDeque::new(),
            }),
            leaving: AtomicBool::new(false),
        }
    }

    /// Sends a request, whose answer is awaited from now on.
    ///
    /// # Errors
    /// When it does not fit the framing, or the room is lost.
    pub fn ask(&self, request: Request) -> Result<(), SendError> {
        let mut sending = self.lock();
        let message = request.to_string();
        // Before it is sent: the answer may be there at once.
        sending.asked.push_back(request);
        sending.count += 1;
        let sent = sending.writer.send(message.as_bytes());
        if sent.is_err() {
            sending.asked.pop_back();
            sending.count -= 1;
        }
        sent
    }

    /// The request that the next answer belongs to, if any.
    pub fn answered(&self) -> Option<Request> {
        self.lock().asked.pop_front()
    }

    /// The oldest request that was not answered, and its number on this connection.
    pub fn open_request(&self) -> Option<(u64, Request)> {
        let sending = self.lock();
        let request = sending.asked.front()?.clone();
        let open = sending.asked.len() as u64;
        Some((sending.count + 1 - open, request))
    }

    /// Says `QUIT`, once.
    pub fn leave(&self) {
        if !self.leaving.swap(true, Ordering::SeqCst) {
            // When it cannot be said, the room is lost, which is noticed elsewhere.
            let _ = self.ask(Request::Quit);
        }
    }

    /// Whether `QUIT` was said, or is being said.
    pub fn is_leaving(&self) -> bool {
        self.leaving.load(Ordering::SeqCst)
    }

    fn lock(&self) -> MutexGuard<'_, Sending> {
        self.sending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
