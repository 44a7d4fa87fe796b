//! Accepting connections, each of which is served by the thread that accepted it.
//!
//! To hand a connection to another thread costs about as much as to serve a short one: the other
//! has to be woken, on a core that it must share with the first. So a thread that accepts a connection
//! sees to it that another one accepts, and serves it; afterwards it accepts again, if there are not
//! enough that do.

use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::Sender;
use std::thread;
use std::time::{Duration, Instant};

use proto::refusal::{Code, Refusal};
use proto::reply;
use wire::connection::Connection;
use wire::fault::pause::wait_while_stopped;
use wire::limits::Limits;

use crate::config::Config;
use crate::connections::{ConnectionPermit, Connections, NotAdmitted};
use crate::incoming::IncomingConnection;
use crate::service::{End, TcpService};
use crate::threads::Threads;

/// Longest pause after `accept` failed; the first is a millisecond.
const PAUSE_MOST: Duration = Duration::from_secs(1);

/// Threads that wait for connections to one socket, at most: enough for short connections to find
/// one on each core, while the others end theirs.
const WAITING_MOST: usize = 8;

/// The refusal where all places are taken.
const FULL: &str = "too many connections; try again later";

/// The refusal of a source that floods.
const FLOOD: &str =
    "too many connections from your address sent no request; try again in a few seconds";

/// How often a connection that is held back looks whether it is to end meanwhile.
const LOOK: Duration = Duration::from_millis(100);

/// Serves all connections to one socket.
pub struct Acceptor {
    /// The service's name.
    pub name: &'static str,
    /// The socket.
    pub listener: Arc<TcpListener>,
    /// What serves its connections.
    pub service: Arc<dyn TcpService>,
    /// The configuration of the server.
    pub config: Arc<Config>,
    /// The connections of the server.
    pub connections: Connections,
    /// The threads of the server.
    pub threads: Threads,
    /// The threads that accept, or are about to. Until the server stops, there is one at least.
    pub accepting: AtomicUsize,
    /// Is told when no thread accepts any more, and dropped after the service, which may have a file to
    /// close.
    pub over: Sender<()>,
}

/// A connection that may be served.
struct Admitted {
    stream: Arc<TcpStream>,
    peer: SocketAddr,
    permit: ConnectionPermit,
    since: Instant,
}

impl Acceptor {
    /// Accepts in a thread of its own, until the server stops.
    pub fn start(self: Arc<Self>) -> io::Result<()> {
        let threads = self.threads.clone();
        threads.run(move || self.accept_all())
    }

    fn accept_all(self: Arc<Self>) {
        let mut pause = Duration::from_millis(1);
        while !self.connections.are_stopping() {
            let accepted = self.listener.accept();
            if self.connections.are_stopping() {
                break;
            }
            match accepted {
                Ok((stream, peer)) => {
                    pause = Duration::from_millis(1);
                    wait_while_stopped();
                    let Some(admitted) = self.admit(Arc::new(stream), peer) else {
                        continue;
                    };
                    if let Err(error) = Arc::clone(&self).leave_to_another() {
                        tracing::warn!(%peer, %error, "refused: no thread for a connection");
                        let Admitted { stream, permit, .. } = admitted;
                        drop(permit);
                        self.refuse(stream, peer, FULL);
                        continue;
                    }
                    self.serve(admitted);
                    if !self.accepts_again() {
                        return;
                    }
                }
                Err(error) if is_about_one_connection(&error) => {}
                // A thread needs a descriptor to wait with. One that waits is enough, and only it ends
                // connections to have one.
                Err(error) if is_out_of_descriptors(&error) && self.others_accept() => return,
                Err(error)
                    if is_out_of_descriptors(&error)
                        && self.connections.make_room(Some(self.name)) =>
                {
                    tracing::warn!(%error, "ended an idle connection to accept another");
                }
                Err(error) => {
                    // To try again at once would spin.
                    tracing::warn!(%error, pause_ms = pause.as_millis(), "cannot accept");
                    thread::sleep(pause);
                    pause = (pause * 2).min(PAUSE_MOST);
                }
            }
        }
        if self.accepting.fetch_sub(1, Ordering::Relaxed) == 1 {
            let _ = self.over.send(());
        }
    }

    fn admit(&self, stream: Arc<TcpStream>, peer: SocketAddr) -> Option<Admitted> {
        match self.connections.enter(&stream, self.name, peer.ip()) {
            Ok(permit) => Some(Admitted {
                stream,
                peer,
                permit,
                since: Instant::now(),
            }),
            Err(NotAdmitted::Stopping) => None,
            Err(NotAdmitted::Full) => {
                tracing::warn!(%peer, mode = self.name, "refused: too many connections");
                self.refuse(stream, peer, FULL);
                None
            }
            // It is logged once for all of them.
            Err(NotAdmitted::Flood) => {
                self.refuse(stream, peer, FLOOD);
                None
            }
        }
    }

    /// This thread accepts no more: another one does, a new one if there is none.
    fn leave_to_another(self: Arc<Self>) -> io::Result<()> {
        match self.others_accept() {
            true => Ok(()),
            false => self.start(),
        }
    }

    /// Whether others accept. Then this thread does not count among them any more.
    fn others_accept(&self) -> bool {
        self.update_accepting(|accepting| (accepting > 1).then(|| accepting - 1))
    }

    /// Whether this thread accepts again. It has better things to do where threads are short, and
    /// none is needed where enough accept. Once the server stopped, none does.
    fn accepts_again(&self) -> bool {
        // Connections are numbered in the order in which they are accepted, by one thread at a time.
        let most = match self.config.faults.is_some() || self.config.recorder.is_some() {
            true => 1,
            false => WAITING_MOST,
        };
        let one_more = |accepting| (1..most).contains(&accepting).then_some(accepting + 1);
        !self.threads.are_short() && self.update_accepting(one_more)
    }

    fn update_accepting(&self, update: impl FnMut(usize) -> Option<usize>) -> bool {
        let relaxed = Ordering::Relaxed;
        let updated = self.accepting.fetch_update(relaxed, relaxed, update);
        updated.is_ok()
    }

    fn serve(&self, admitted: Admitted) {
        let Admitted {
            stream,
            peer,
            permit,
            since,
        } = admitted;
        let span = tracing::info_span!("connection", mode = self.name, id = permit.id(), %peer);
        let _entered = span.entered();
        tracing::debug!("opened");
        hold_back(&permit);
        // The stream is dropped before the permit: there is a descriptor for the next one.
        let incoming = IncomingConnection::new(stream, peer, &permit, &self.config);
        let end = match self.service.serve(incoming) {
            _ if permit.was_evicted() => End::Evicted,
            Ok(end) => end,
            Err(error) => End::Broken(error.to_string()),
        };
        if matches!(end, End::Done | End::Quit) {
            // There are exchanges in which only the server says something.
            permit.makes_sense();
        }
        let seconds = format_args!("{:.3}", since.elapsed().as_secs_f32());
        match end {
            End::Broken(_) | End::Unserved(_) => tracing::warn!(%end, %seconds, "ended"),
            end => tracing::info!(%end, %seconds, "ended"),
        }
    }

    /// Says `ERR busy` where that can be said. A few bytes always fit the empty send buffer, so
    /// this never waits.
    fn refuse(&self, stream: Arc<TcpStream>, peer: SocketAddr, words: &str) {
        let Some(framing) = self.service.refusal_framing() else {
            return;
        };
        let limits = Limits {
            write: Duration::from_millis(50),
            ..self.config.limits
        };
        let mut connection = Connection::over(stream, peer, framing, limits);
        let refusal = Refusal::new(Code::Busy, words);
        let refusal = reply::render::<&str>(&Err(refusal));
        let _ = connection.writer.send(refusal.as_bytes());
        let _ = connection.writer.finish();
    }
}

/// Has a connection wait of whose source many came to nothing.
fn hold_back(permit: &ConnectionPermit) {
    let by = Instant::now() + permit.hold_back();
    loop {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() || permit.is_stopping() || permit.was_evicted() {
            return;
        }
        thread::sleep(left.min(LOOK));
    }
}

/// Whether this process, or the whole system, may not open one more file.
fn is_out_of_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    let codes = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(|it| it.raw_os_error());
    #[cfg(not(unix))]
    let codes: [i32; 0] = [];
    error
        .raw_os_error()
        .is_some_and(|code| codes.contains(&code))
}

fn is_about_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionReset | Interrupted
    )
}
