//! Which server to talk to, and the connection to it.

use std::io;
use std::mem;
use std::time::Duration;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::side::Side;
use record::{EventKind, Recorder};
use wire::connect::connect;
use wire::connection::Connection;
use wire::fault::{Exchange, FaultPlan, FaultScope, Faults};
use wire::limits::Limits;

use crate::failure::Failure;
use crate::peer::Peer;
use crate::secrets::SECRETS;

/// Which server to talk to, and how.
#[derive(Debug, Clone)]
pub struct Target {
    /// The server expected there.
    pub peer: Peer,
    /// `HOST:PORT`.
    pub server: String,
    /// Other servers of the same service, `HOST:PORT` each, in the order in which they are tried
    /// where this one is gone.
    pub others: Vec<String>,
    /// The framing.
    pub framing: Framing,
    /// For connecting, and for each answer.
    pub timeout: Duration,
    /// Faults to inject into what is said.
    pub faults: Option<FaultPlan>,
    /// The recorder, if any.
    pub recorder: Option<Recorder>,
}

impl Target {
    /// This server, in the default framing, without faults or a recording.
    pub fn new(peer: impl Into<Peer>, server: String, timeout: Duration) -> Target {
        Target {
            peer: peer.into(),
            server,
            others: Vec::new(),
            framing: Framing::default(),
            timeout,
            faults: None,
            recorder: None,
        }
    }

    /// All servers, as `--server` takes them.
    pub(crate) fn servers(&self) -> String {
        let others = self.others.iter().map(|server| format!(",{server}"));
        others.fold(self.server.clone(), |all, other| all + &other)
    }

    /// Puts the next server in the place of this one, which then comes last.
    pub(crate) fn go_on(&mut self) {
        if !self.others.is_empty() {
            self.others.rotate_left(1);
            if let Some(last) = self.others.last_mut() {
                mem::swap(&mut self.server, last);
            }
        }
    }

    /// The name of the service in a recording.
    pub(crate) fn service(&self) -> &'static str {
        self.peer.service().name()
    }

    /// Connects, without expecting anything to be said.
    ///
    /// # Errors
    /// When no address answers.
    pub fn connect(&self) -> Result<Connection, Failure> {
        let mut connection = self.connect_without_faults()?;
        if let Some(faults) = self.faults(Transport::Tcp, Exchange::Transparent) {
            connection.inject(faults);
        }
        Ok(connection)
    }

    /// What happens to the messages of the next connection or socket on purpose, if anything.
    pub(crate) fn faults(&self, transport: Transport, exchange: Exchange) -> Option<Faults> {
        let plan = self.faults.as_ref()?;
        let number = match transport {
            Transport::Tcp => plan.next_connection(),
            Transport::Udp => 0,
        };
        Some(plan.faults(FaultScope {
            side: Side::Client,
            transport,
            number,
            exchange,
        }))
    }

    /// As [`Target::connect`], without faults.
    pub(super) fn connect_without_faults(&self) -> Result<Connection, Failure> {
        let unreachable =
            |error: io::Error| Failure::Unreachable(format!("{}: {error}", self.server).into());
        let stream = connect(&self.server, self.timeout).map_err(|error| {
            if let Some(recorder) = &self.recorder {
                let words = error.to_string();
                recorder.record(None, EventKind::Failed { words });
            }
            Failure::cannot_connect(&error, self.peer)
        })?;
        let mut connection =
            Connection::new(stream, self.framing, Limits::CLIENT).map_err(unreachable)?;
        if let Some(recorder) = &self.recorder {
            let number = recorder.next_connection();
            connection
                .record(recorder, self.service(), number, SECRETS)
                .map_err(unreachable)?;
        }
        Ok(connection)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proto::mode::Mode;

    #[test]
    fn servers_come_in_turn() {
        let mut target = Target::new(Mode::Atm, "a:1".into(), Duration::from_secs(1));
        target.go_on();
        assert_eq!(target.servers(), "a:1");
        target.others = vec!["b:2".into(), "c:3".into()];
        for turn in ["a:1,b:2,c:3", "b:2,c:3,a:1", "c:3,a:1,b:2", "a:1,b:2,c:3"] {
            assert_eq!(target.servers(), turn);
            target.go_on();
        }
    }
}
