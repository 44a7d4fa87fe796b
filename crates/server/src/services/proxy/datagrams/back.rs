//! The answers, on their way to the clients.

use std::net::UdpSocket;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Instant;

use record::Tap;
use wire::datagram::transmit;
use wire::fault::datagrams::{Datagrams, OutgoingDatagram};

use super::{STOP_CHECK, inject};

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
    /// Sends the answers until every sender is dropped.
    pub fn run(mut self, replies: &Receiver<OutgoingDatagram>) {
        loop {
            let now = Instant::now();
            let due = self.faults.as_mut().map(|it| it.take_due(now));
            due.into_iter().flatten().for_each(|it| self.send(&it));
            let due = self.faults.as_ref().and_then(Datagrams::next_due);
            let wait = due.map_or(STOP_CHECK, |due| due.saturating_duration_since(now));
            match replies.recv_timeout(wait.min(STOP_CHECK)) {
                Ok(datagram) => {
                    let tap = self.tap_of(&datagram);
                    let datagrams = inject(self.faults.as_mut(), datagram, tap.as_ref());
                    datagrams.iter().for_each(|it| self.send(it));
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    fn send(&self, datagram: &OutgoingDatagram) {
        let Some(client) = datagram.receiver else {
            return;
        };
        let tap = self.tap_of(datagram);
        if let Err(error) = transmit(self.socket, &datagram.message, Some(client), tap.as_ref()) {
            tracing::warn!(%client, %error, "cannot answer");
        }
    }

    fn tap_of(&self, datagram: &OutgoingDatagram) -> Option<Tap> {
        Some(self.tap.as_ref()?.with_peer(datagram.receiver?))
    }
}
