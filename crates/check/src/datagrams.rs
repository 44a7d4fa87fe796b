//! A UDP socket at the other end of a judged server.

use std::io;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use record::Recorder;
use wire::datagram::Endpoint;

use crate::verdict::{Came, Expected, Failure, Finding};

/// A UDP socket that talks to a judged server.
#[derive(Debug)]
pub struct Datagrams {
    endpoint: Endpoint,
    patience: Duration,
    sent: Vec<u8>,
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
            patience,
            sent: Vec::new(),
        })
    }

    /// Sends a datagram.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sent = bytes.to_vec();
        let sent = self.endpoint.send(bytes);
        sent.or_else(|error| {
            self.found(
                "a server that takes datagrams",
                Came::Broken(error.to_string()),
            )
        })
    }

    /// The next datagram; in words, what it should be.
    pub fn receive(&mut self, expected: &str) -> Result<Vec<u8>, Failure> {
        match self.receive_any() {
            Came::Message(bytes) => Ok(bytes),
            other => self.found(expected, other),
        }
    }

    /// The next datagram must be this one.
    pub fn expect(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.receive_any() {
            Came::Message(came) if came == bytes => Ok(()),
            came => Err(Failure::Broken(Box::new(Finding {
                sent: self.sent.clone(),
                expected: Expected::Message(bytes.to_vec()),
                came,
                cause: None,
            }))),
        }
    }

    /// Whatever comes next.
    pub fn receive_any(&mut self) -> Came {
        let began = Instant::now();
        match self.endpoint.receive(Some(began + self.patience)) {
            Ok(Some((bytes, _))) => Came::Message(bytes.to_vec()),
            Ok(None) => Came::Nothing(began.elapsed(), Vec::new()),
            Err(error) => Came::Broken(error.to_string()),
        }
    }

    /// This is not what was expected.
    pub fn found<T>(&self, expected: &str, came: Came) -> Result<T, Failure> {
        Err(Failure::Broken(Box::new(Finding {
            sent: self.sent.clone(),
            expected: Expected::Described(expected.to_owned()),
            came,
            cause: None,
        })))
    }
}
