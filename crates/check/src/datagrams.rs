//! A UDP socket at the other end of a judged server.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use proto::mode::Transport;
use record::Recorder;
use wire::datagram::{Endpoint, is_refused};

use crate::verdict::{Came, Expected, Failure, Finding};

/// What the operating system reports where no socket took a datagram.
const NOT_THERE: &str = "nothing listens there";

/// A UDP socket that talks to a judged server.
#[derive(Debug)]
pub struct Datagrams {
    endpoint: Endpoint,
    server: SocketAddr,
    patience: Duration,
    sent: Vec<u8>,
    /// Whether there may be no server at all.
    pub(crate) may_be_alone: bool,
}

impl Datagrams {
    pub(crate) fn to(
        server: SocketAddr,
        recorder: &Recorder,
        service: &str,
        number: u64,
        patience: Duration,
    ) -> io::Result<Datagrams> {
        let mut endpoint = Endpoint::connected_to(server)?;
        endpoint.record(recorder, service, number, None)?;
        Ok(Datagrams {
            endpoint,
            server,
            patience,
            sent: Vec::new(),
            may_be_alone: false,
        })
    }

    /// Sends a datagram.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sent = bytes.to_vec();
        let sent = self.endpoint.send(bytes);
        sent.or_else(|error| {
            let expected = Expected::Described("a server that takes datagrams".into());
            self.found(expected, self.broken(&error))
        })
    }

    /// Sends a datagram, which must be answered with this one.
    pub fn asks(&mut self, bytes: &[u8], answer: &[u8]) -> Result<(), Failure> {
        self.send(bytes)?;
        self.expect(answer)
    }

    /// The next datagram; in words, what it should be.
    pub fn receive(&mut self, expected: &str) -> Result<Vec<u8>, Failure> {
        match self.receive_any() {
            Came::Message(bytes) => Ok(bytes),
            other => self.found(Expected::Described(expected.into()), other),
        }
    }

    /// The next datagram must be this one.
    pub fn expect(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.receive_any() {
            Came::Message(came) if came == bytes => Ok(()),
            came => self.found(Expected::Message(bytes.into()), came),
        }
    }

    /// Whatever comes next.
    pub fn receive_any(&mut self) -> Came {
        self.receive_within(self.patience)
    }

    /// Whatever comes within this time.
    pub fn receive_within(&mut self, time: Duration) -> Came {
        let began = Instant::now();
        match self.endpoint.receive(Some(began + time)) {
            Ok(Some((bytes, _))) => {
                self.may_be_alone = false;
                Came::Message(bytes.to_vec())
            }
            Ok(None) => Came::Nothing(began.elapsed(), Vec::new()),
            Err(error) => self.broken(&error),
        }
    }

    fn broken(&self, error: &io::Error) -> Came {
        match is_refused(error) {
            true => Came::Broken(NOT_THERE.into()),
            false => Came::Broken(error.to_string()),
        }
    }

    /// This is not what was expected. Where there may never have been a server, that decides nothing.
    pub fn found<T>(&self, expected: Expected, came: Came) -> Result<T, Failure> {
        if self.may_be_alone && matches!(&came, Came::Broken(how) if how == NOT_THERE) {
            return Err(Failure::not_there(Transport::Udp, self.server));
        }
        Err(Failure::Broken(Box::new(Finding {
            sent: self.sent.clone(),
            expected,
            came,
            cause: None,
        })))
    }
}
