//! The chat room: every member receives what any member says, in one order.
//!
//! One thread a connection reads requests, and one thread of the [`room`] writes what is said to all
//! members; what one of them does not take at once is in its [`outbox`], with a thread of its own
//! for as long as something waits there. A member may be silent for as long as it likes: whether it
//! is still there is asked of the operating systems at both ends, not of the person.
//!
//! Several servers can be one room, on a Redis: then what members ask goes through a [`queue`] and a
//! [`link`] into a [`stream`], and happens in each server's room when it comes back from there.

mod batch;
mod delivery;
pub(crate) mod dialect;
mod flood;
mod link;
mod outbox;
mod queue;
mod room;
mod stream;

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Context;
use proto::chat::{Answer, Message, Reason, Request, Text, too_long};
use proto::frame::Framing;
use proto::name::Name;
use proto::refusal::{Code, Refusal};
use socket2::{SockRef, TcpKeepalive};
use wire::connection::{Reader, ReceiveError, SendError};
use wire::fault::Exchange;

use crate::config::RoomSettings;
use crate::connections::ConnectionPermit;
use crate::conversation::{LOG_IN, as_text, log_bad_input, refusal_of};
use crate::incoming::IncomingConnection;
use crate::service::{End, TcpService};
use crate::threads::Threads;
use delivery::Recipient;
use dialect::Dialect;
use flood::Flood;
use link::Link;
use outbox::Outbox;
use room::{Gone, Member, Room};

/// Most bytes that wait to be written to one member: some thousand lines, a minute of a busy room.
/// If none of them reads, 2,000 members hold 512 MiB.
pub const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// Silence after which the operating system asks the peer's whether it is still there, and how
/// often, before it takes the connection for dead: within a minute a name is free again when a
/// cable was pulled.
const KEEPALIVE: (Duration, Duration, u32) = (Duration::from_secs(30), Duration::from_secs(10), 3);

/// How long bytes that were sent may stay unacknowledged. Without it, the kernel would repeat them
/// for a quarter of an hour, and ask nothing meanwhile.
#[cfg(target_os = "linux")]
const UNACKNOWLEDGED: Duration = Duration::from_secs(60);

/// The kernel's buffer for what was sent and not acknowledged. Left alone it grows to 4 MiB for a
/// peer that does not read, whom it would take that much longer to notice.
const SEND_BUFFER: usize = 64 * 1024;

/// The chat service: one room.
#[derive(Clone)]
pub struct Chat {
    dialect: Dialect,
    room: Room,
    threads: Threads,
    requests_per_second: u32,
    /// To the other servers of the room, while there may be any.
    _link: Option<Arc<Link>>,
}

/// One connection.
struct Session<'a> {
    room: &'a Room,
    permit: &'a ConnectionPermit,
    dialect: Dialect,
    outbox: Outbox,
    member: Option<Member>,
    /// Whether it was in the room, which then closes the outbox.
    has_joined: bool,
}

impl Chat {
    /// An empty room, whose members speak this dialect, make so many requests a second, 0 for no
    /// limit, and hear so many of the last lines when they join; with the threads that write from
    /// these.
    pub fn new(
        dialect: Dialect,
        requests_per_second: u32,
        history: usize,
        threads: Threads,
    ) -> Chat {
        Chat {
            dialect,
            room: Room::new(dialect, history, threads.clone()),
            threads,
            requests_per_second,
            _link: None,
        }
    }

    /// The same in the room of several servers that is on a Redis.
    ///
    /// # Errors
    /// When that Redis cannot be reached, or cannot be used.
    pub fn of_several(
        dialect: Dialect,
        requests_per_second: u32,
        history: usize,
        threads: Threads,
        settings: &RoomSettings,
    ) -> anyhow::Result<Chat> {
        let joined = Link::join(dialect, history, threads.clone(), settings);
        let (room, link) = joined.with_context(|| format!("--room {}", settings.address))?;
        Ok(Chat {
            dialect,
            room,
            threads,
            requests_per_second,
            _link: Some(Arc::new(link)),
        })
    }
}

impl TcpService for Chat {
    fn serve(&self, mut incoming: IncomingConnection<'_>) -> io::Result<End> {
        let (permit, login_by) = (incoming.permit, incoming.login_by);
        let dialect = self.dialect;
        // A member that only listens stays.
        incoming.limits.idle = None;
        if let Err(error) = set_options(&incoming.options()) {
            tracing::debug!(%error, "a dead peer will be noticed late");
        }
        let mut connection = incoming.messages(dialect.framing, Exchange::Answered)?;
        // A few bytes always fit the empty send buffer, so this never waits.
        if let Some(greeting) = dialect.greeting
            && let Err(error) = connection.writer.greet(greeting().as_bytes())
        {
            return Ok(End::Broken(error.to_string()));
        }
        let (mut reader, writer) = connection.split();
        let outbox = Outbox::new(writer, MAX_QUEUED_BYTES, self.threads.clone());
        let mut session = Session {
            room: &self.room,
            permit,
            dialect,
            outbox,
            member: None,
            has_joined: false,
        };
        let flood = Flood::new(self.requests_per_second);
        let end = session.receive_all(&mut reader, flood, login_by);
        match session.has_joined {
            true => drop(session.member.take()),
            false => session.outbox.close(),
        }
        session.outbox.wait_until_ended();
        reader.close();
        Ok(end)
    }

    fn refusal_framing(&self) -> Option<Framing> {
        self.dialect.greeting.map(|_| self.dialect.framing)
    }
}

impl Session<'_> {
    fn receive_all(&mut self, reader: &mut Reader, mut flood: Flood, login_by: Instant) -> End {
        loop {
            let by = self.member.is_none().then_some(login_by);
            let end = match reader.receive(by) {
                Ok(Some(message)) => {
                    self.permit.has_spoken();
                    if self.throttle(&mut flood, reader) {
                        return self.leave(Reason::Flood);
                    }
                    self.answer(&message)
                }
                Ok(None) => Some(self.lost(None)),
                Err(error) => self.bad_input(&error),
            };
            if let Some(end) = end {
                return end;
            }
        }
    }

    /// Waits when requests come too fast; says whether that has gone on for too long.
    fn throttle(&self, flood: &mut Flood, reader: &mut Reader) -> bool {
        let hold = flood.hold(Instant::now());
        thread::sleep(hold);
        let held = !hold.is_zero();
        let sends_on = held && reader.is_behind().unwrap_or(false);
        flood.is_persistent(held, sends_on, Instant::now())
    }

    fn answer(&mut self, message: &[u8]) -> Option<End> {
        let is_member = self.member.is_some();
        let request = as_text(message).and_then(|text| (self.dialect.read)(text, is_member));
        if request.is_ok() {
            self.permit.makes_sense();
        }
        let done = match (request, &self.member) {
            (Ok(Request::Quit), _) => return Some(self.leave(Reason::Quit)),
            (Ok(Request::Say(text)), _) if text.as_str().len() > self.longest_text() => {
                self.refuse(too_long(text.as_str(), self.longest_text()))
            }
            (Ok(Request::Say(text)), Some(member)) => member.say(text),
            (Ok(Request::Who), Some(member)) => member.who(),
            (Ok(Request::Join(name)), None) => self.join(name),
            (Ok(Request::Join(_)), Some(_)) => {
                self.refuse(out_of_order("you are in the room; QUIT to leave"))
            }
            (Ok(Request::Say(_) | Request::Who), None) => {
                self.refuse(out_of_order("JOIN under a name first"))
            }
            (Err(refusal), _) => {
                log_bad_input(&refusal.words);
                self.refuse(refusal)
            }
        };
        match done {
            Ok(()) if self.member.is_none() && !self.dialect.tries_again => Some(End::Done),
            Ok(()) => None,
            Err(Gone) => Some(self.lost(None)),
        }
    }

    fn longest_text(&self) -> usize {
        Text::max_len(self.dialect.framing)
    }

    fn join(&mut self, name: Name) -> Result<(), Gone> {
        match self.room.enter(name.clone(), self.outbox.clone()) {
            Ok(member) => {
                tracing::info!(%name, "joined");
                self.member = Some(member);
                self.has_joined = true;
                Ok(())
            }
            Err(refusal) => {
                tracing::info!(%name, refused = %refusal, "did not join");
                self.refuse(refusal)
            }
        }
    }

    fn refuse(&self, refusal: Refusal) -> Result<(), Gone> {
        match &self.member {
            Some(member) => member.refuse(refusal),
            None => {
                let refusal = self.dialect.render(&Message::Reply(Err(refusal)));
                // A stranger that does not read is not kept.
                let queued = refusal.map(|refusal| self.outbox.send(&refusal.into()));
                queued.unwrap_or(Ok(())).map_err(|_| Gone)
            }
        }
    }

    fn bad_input(&mut self, error: &ReceiveError) -> Option<End> {
        if self.permit.is_stopping() {
            return Some(self.lost(None));
        }
        let Some((refusal, is_fatal)) = refusal_of(error, LOG_IN) else {
            return Some(self.lost(Some(error)));
        };
        // Where it is the end, the end is logged with the same words.
        if !is_fatal && !matches!(error, ReceiveError::Injected) {
            log_bad_input(&refusal.words);
        }
        if self.refuse(refusal).is_err() {
            return Some(self.lost(None));
        }
        if !is_fatal {
            return None;
        }
        let reason = match error {
            // The end of the stream came too early for a message, but it is an end.
            ReceiveError::Truncated(_) => Reason::Disconnected,
            _ => Reason::BrokeProtocol,
        };
        self.leave(reason);
        Some(End::Broken(error.to_string()))
    }

    /// There is nothing more to receive: why, and what that means for the room.
    fn lost(&mut self, error: Option<&ReceiveError>) -> End {
        if self.permit.is_stopping() {
            return self.stop();
        }
        if let Some(reason) = self.member.as_ref().and_then(Member::out) {
            return End::Broken(reason.to_string());
        }
        match (self.outbox.take_failure(), error) {
            (Some(failed @ SendError::WriteTooSlow(_)), _) => {
                self.leave(Reason::DoesNotRead);
                End::Broken(failed.to_string())
            }
            (Some(failed), None) => {
                self.leave(Reason::Disconnected);
                End::Broken(failed.to_string())
            }
            (_, Some(error)) => {
                self.leave(Reason::Disconnected);
                End::Broken(error.to_string())
            }
            (None, None) => {
                self.leave(Reason::Disconnected);
                End::Closed
            }
        }
    }

    /// The first connection that notices removes all members, so that all have received the same
    /// before.
    fn stop(&mut self) -> End {
        self.room.close();
        if self.member.is_none() {
            let words = "the server is stopping; nothing after this was done";
            let _ = self.refuse(Refusal::new(Code::ShuttingDown, words));
        }
        End::Stopping
    }

    fn leave(&mut self, reason: Reason) -> End {
        self.outbox.reader_knows();
        match self.member.take() {
            Some(member) => member.leave(reason),
            None if reason == Reason::Quit => {
                let bye = self.dialect.render(&Message::Reply(Ok(Answer::Bye)));
                self.outbox.close_with(bye);
            }
            None => {}
        }
        match reason {
            Reason::Quit => End::Quit,
            _ => End::Broken(reason.to_string()),
        }
    }
}

fn out_of_order(words: &str) -> Refusal {
    Refusal::new(Code::OutOfOrder, words)
}

/// Has the operating system find out when the peer's machine is gone, which ends the stream; and
/// keep little for one that does not read.
fn set_options(socket: &SockRef<'_>) -> io::Result<()> {
    let (time, interval, retries) = KEEPALIVE;
    let keepalive = TcpKeepalive::new()
        .with_time(time)
        .with_interval(interval)
        .with_retries(retries);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNACKNOWLEDGED))?;
    socket.set_send_buffer_size(SEND_BUFFER)
}
