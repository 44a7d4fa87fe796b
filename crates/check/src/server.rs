//! A judged server, as one case sees it.

use std::cell::{Cell, RefCell};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::Transport;
use proto::reply;
use rand::rngs::StdRng;
use record::Recorder;
use socket2::{Domain, Socket, Type};
use wire::connect::connect_to;
use wire::connection::Connection;
use wire::limits::Limits;

use crate::datagrams::Datagrams;
use crate::dialect::Dialect;
use crate::peer::Peer;
use crate::program::Program;
use crate::verdict::{Came, Expected, Failure, Finding};

/// How long after one transport of a program another may be ready.
const SECOND_TRANSPORT: Duration = Duration::from_secs(2);

/// A judged server during one case.
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What it speaks.
    pub dialect: Dialect,
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
    pub(crate) is_used_up: Cell<bool>,
}

impl Server {
    /// A connection that has received `READY`, where the service sends it.
    pub fn connect(&self) -> Result<Peer, Failure> {
        let mut peer = self.connect_silently()?;
        if self.dialect.has_framings() {
            peer.expect(&reply::ready(self.dialect.mode()))?;
        }
        Ok(peer)
    }

    /// A connection on which nothing was received yet.
    pub fn connect_silently(&self) -> Result<Peer, Failure> {
        self.needs(Transport::Tcp)?;
        let stream = connect_to(&[self.address], self.wait());
        self.peer(stream.map_err(|error| error.to_string()), self.framing)
    }

    /// As [`Server::connect_silently`], and what is not read fills the buffers soon: there is little
    /// room at this end, and the segments are small.
    pub fn connect_with_little_room(&self) -> Result<Peer, Failure> {
        self.needs(Transport::Tcp)?;
        let domain = Domain::for_address(self.address);
        let connected = Socket::new(domain, Type::STREAM, None).and_then(|socket| {
            socket.set_recv_buffer_size(4 * 1024)?;
            socket.set_send_buffer_size(16 * 1024)?;
            socket.set_tcp_mss(536)?;
            socket.connect_timeout(&self.address.into(), self.wait())?;
            Ok(TcpStream::from(socket))
        });
        let connected = connected.map_err(|error| format!("cannot connect: {error}"));
        self.peer(connected, self.framing)
    }

    /// A connection that takes bytes as they come, in any framing, and on which nothing was received
    /// yet.
    pub fn connect_unframed(&self) -> Result<Peer, Failure> {
        self.needs(Transport::Tcp)?;
        let stream = connect_to(&[self.address], self.wait());
        self.peer(stream.map_err(|error| error.to_string()), Framing::Raw)
    }

    fn wait(&self) -> Duration {
        let left = self.by.saturating_duration_since(Instant::now());
        self.patience.min(left.max(Duration::from_millis(1)))
    }

    /// What talks over this stream.
    fn peer(&self, stream: Result<TcpStream, String>, framing: Framing) -> Result<Peer, Failure> {
        let stream = stream.map_err(|error| match !self.is_started() && self.may_lack_one() {
            true => Failure::not_there(Transport::Tcp, self.address),
            false => Failure::Broken(Box::new(Finding {
                sent: Vec::new(),
                expected: Expected::Described("a connection".into()),
                came: Came::Described(error),
                cause: self
                    .ended()
                    .map(|how| format!("the server has ended: {how}")),
            })),
        })?;
        let stream = Arc::new(stream);
        let number = self.connections.replace(self.connections.get() + 1);
        let limits = Limits {
            // The cases have deadlines of their own.
            frame: Duration::from_secs(3_600),
            write: self.patience,
            idle: None,
        };
        let recorded = stream.set_nodelay(true).and_then(|()| {
            let stream = Arc::clone(&stream);
            let mut connection = Connection::over(stream, self.address, framing, limits);
            connection.record(&self.recorder, self.dialect.name(), number, None)?;
            Ok(connection)
        });
        let connection = recorded.map_err(|error| {
            Failure::because("a connection", format!("it ended at once: {error}"))
        })?;
        Ok(Peer::new(
            stream,
            connection,
            framing,
            self.patience,
            self.by,
        ))
    }

    /// A UDP socket that talks to it.
    pub fn datagrams(&self) -> Result<Datagrams, Failure> {
        self.needs(Transport::Udp)?;
        let number = self.connections.replace(self.connections.get() + 1);
        let service = self.dialect.name();
        let socket = Datagrams::to(self.address, &self.recorder, service, number, self.wait());
        let mut socket =
            socket.map_err(|error| Failure::Undecided(format!("no socket: {error}")))?;
        // Only of a program that was started here is it known that it did listen.
        socket.may_be_alone = !self.is_started();
        Ok(socket)
    }

    /// A program of two transports may listen over one alone: then there is nothing to be judged of
    /// the other.
    fn needs(&self, transport: Transport) -> Result<(), Failure> {
        // Where it was talked to before, it did listen.
        let is_first = self.may_lack_one() && self.connections.get() == 0;
        let Some(program) = self.program.as_ref().filter(|_| is_first) else {
            return Ok(());
        };
        let by = program.borrow().listened() + SECOND_TRANSPORT;
        while !program.borrow().listens(transport) && self.ended().is_none() {
            if Instant::now() >= by {
                return Err(Failure::not_there(transport, self.address));
            }
            thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    fn may_lack_one(&self) -> bool {
        self.dialect.transports().len() > 1
    }

    /// Whether it was started by this check.
    pub fn is_started(&self) -> bool {
        self.program.is_some()
    }

    /// That no other case is judged on it: this one leaves what others cannot live with.
    pub fn use_up(&self) {
        self.is_used_up.set(true);
    }

    /// The program, where other cases can be judged on it.
    pub(crate) fn into_program(self) -> Option<Program> {
        let is_used_up = self.is_used_up.get();
        self.program
            .filter(|_| !is_used_up)
            .map(RefCell::into_inner)
    }

    /// That it can be killed and started again, for a case that is to leave nothing half done.
    pub fn can_be_restarted(&self) -> Result<(), Failure> {
        self.started_program().map(|_| ())
    }

    /// Kills it at once, and starts it where it was.
    pub fn crash_and_restart(&self) -> Result<(), Failure> {
        self.crash()?;
        self.restart()
    }

    /// Kills it at once.
    pub fn crash(&self) -> Result<(), Failure> {
        self.started_program()?.borrow_mut().kill();
        Ok(())
    }

    /// Starts it where it was, after a crash.
    pub fn restart(&self) -> Result<(), Failure> {
        let started = self.started_program()?.borrow_mut().start_again();
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

    /// As [`Server::ended`], for one that may be about to end.
    pub fn ended_within(&self, time: Duration) -> Option<String> {
        let by = Instant::now() + time;
        loop {
            let ended = self.ended();
            if ended.is_some() || self.program.is_none() || Instant::now() >= by {
                return ended;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }
}
