//! The answers, on their way to the clients.

use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use record::Tap;
use wire::datagram::transmit;
use wire::fault::datagrams::{Datagrams, Letter};

use super::{STOP_CHECK, struck};

/// The way from the server to the clients.
pub struct Back<'a> {
    /// Of the clients.
    pub socket: &'a UdpSocket,
    /// Of that socket.
    pub tap: Option<Tap>,
    /// What happens to the answers.
    pub faults: Option<Datagrams>,
}

impl Back<'_> {
    /// Sends the answers until nobody has any more.
    pub fn run(mut self, told: &Receiver<Letter>) {
        loop {
            let now = Instant::now();
            let due = self.faults.as_mut().map(|it| it.take_due(now));
            due.into_iter().flatten().for_each(|it| self.send(&it));
            let due = self.faults.as_ref().and_then(Datagrams::next_due);
            let wait = due.map_or(STOP_CHECK, |due| due.saturating_duration_since(now));
            match told.recv_timeout(wait.min(STOP_CHECK)) {
                Ok(letter) => {
                    let tap = self.tap_of(&letter);
                    let letters = struck(self.faults.as_mut(), letter, tap.as_ref());
                    letters.iter().for_each(|it| self.send(it));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn send(&self, letter: &Letter) {
        let Some(client) = letter.receiver else {
            return;
        };
        let tap = self.tap_of(letter);
        if let Err(error) = transmit(self.socket, &letter.message, Some(client), tap.as_ref()) {
            tracing::warn!(%client, %error, "cannot answer");
        }
    }

    fn tap_of(&self, letter: &Letter) -> Option<Tap> {
        Some(self.tap.as_ref()?.with_peer(letter.receiver?))
    }
}
