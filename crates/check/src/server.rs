//! A judged server, as one case sees it.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::Mode;
use proto::reply;
use rand::rngs::StdRng;
use record::Recorder;
use wire::connect::connect_to;
use wire::connection::Connection;
use wire::limits::Limits;

use crate::datagrams::Datagrams;
use crate::peer::Peer;
use crate::program::Program;
use crate::verdict::{Came, Expected, Failure, Finding};

/// A judged server during one case.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// The service.
    pub mode: Mode,
    /// How bytes are cut into messages.
    pub framing: Framing,
    /// How long an answer is waited for.
    pub patience: Duration,
    /// When the case is given up.
    pub by: Instant,
    /// What varies from run to run.
    pub random: RefCell<StdRng>,
    pub(crate) recorder: Recorder,
    pub(crate) connections: Cell<u64>,
    /// Where it was started by the check.
    pub(crate) program: Option<RefCell<Program>>,
}

impl Server {
    /// A connection that has received `READY`, where the service sends it.
    pub fn connect(&self) -> Result<Peer, Failure> {
        let mut peer = self.connect_silently()?;
        if matches!(self.mode, Mode::Atm | Mode::Text | Mode::Calc | Mode::Chat) {
            peer.expect(&reply::ready(self.mode))?;
        }
        Ok(peer)
    }

    /// A connection on which nothing was received yet.
    pub fn connect_silently(&self) -> Result<Peer, Failure> {
        let left = self.by.saturating_duration_since(Instant::now());
        let stream = connect_to(&[self.address], self.patience.min(left));
        let stream = stream.map_err(|error| {
            Failure::Broken(Box::new(Finding {
                sent: Vec::new(),
                expected: Expected::Described("a connection".into()),
                came: Came::Described(error.to_string()),
                cause: self
                    .ended()
                    .map(|how| format!("the server has ended: {how}")),
            }))
        })?;
        let stream = Arc::new(stream);
        let number = self.connections.replace(self.connections.get() + 1);
        let limits = Limits {
            // The cases have deadlines of their own.
            frame: Duration::from_secs(3_600),
            write: self.patience,
            idle: None,
        };
        let connection = Connection::over(Arc::clone(&stream), self.address, self.framing, limits);
        let recorded = connection.and_then(|mut connection| {
            connection.record(&self.recorder, self.mode.name(), number, None)?;
            Ok(connection)
        });
        let connection = recorded.map_err(|error| {
            Failure::because("a connection", format!("it ended at once: {error}"))
        })?;
        Ok(Peer::new(
            stream,
            connection,
            self.framing,
            self.patience,
            self.by,
        ))
    }

    /// A UDP socket that talks to it.
    pub fn datagrams(&self) -> Result<Datagrams, Failure> {
        let number = self.connections.replace(self.connections.get() + 1);
        let service = self.mode.name();
        Datagrams::to(self.address, &self.recorder, service, number, self.patience)
            .map_err(|error| Failure::Undecided(format!("no socket: {error}")))
    }

    /// Whether it was started by this check.
    pub fn is_started(&self) -> bool {
        self.program.is_some()
    }

    /// That it can be killed and started again, for a case that is to leave nothing half done.
    pub fn can_be_restarted(&self) -> Result<(), Failure> {
        self.started_program().map(|_| ())
    }

    /// Kills it at once, and starts it again where it was.
    pub fn crash_and_restart(&self) -> Result<(), Failure> {
        let mut program = self.started_program()?.borrow_mut();
        program.kill();
        let started = program.start_again();
        started.map_err(|error| Failure::because("a server that starts again", error.to_string()))
    }

    fn started_program(&self) -> Result<&RefCell<Program>, Failure> {
        self.program.as_ref().ok_or_else(|| {
            let words = "only a server that is started by this check can be killed: give its command \
                         after `--`";
            Failure::Undecided(words.into())
        })
    }

    /// How it has ended, if it was started by the check and has.
    pub fn ended(&self) -> Option<String> {
        self.program.as_ref()?.borrow_mut().ended()
    }
}
