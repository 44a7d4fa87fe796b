//! The chat room: every member receives what any member says, in one order.
//!
//! Two threads a connection: one reads requests, one writes what waits for this member. The
//! [`room`] is between them. A member may be silent for as long as it likes: whether it is still
//! there is asked of the operating systems at both ends, not of the person.

pub(crate) mod dialect;
mod flood;
mod room;

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use proto::chat::{Answer, Message, Reason, Request, Text, too_long};
use proto::frame::Framing;
use proto::name::Name;
use proto::refusal::{Code, Refusal};
use proto::reply;
use socket2::{SockRef, TcpKeepalive};
use wire::connection::{Reader, ReceiveError, SendError, Writer};
use wire::fault::Exchange;

use crate::connections::ConnectionPermit;
use crate::conversation::{LOG_IN, as_text, log_bad_input, refusal_of};
use crate::incoming::IncomingConnection;
use crate::service::{End, TcpService};
use crate::threads::Threads;
use dialect::Dialect;
use flood::Flood;
use room::{Gone, Member, Queue, Room};

/// Most bytes that wait to be written to one member: some thousand lines, a minute of a busy room.
/// If none of them reads, 2,000 members hold 512 MiB.
pub const MAX_QUEUED_BYTES: usize = 256 * 1024;

/// Bytes that are written in one go, each time within the write limit of the connection. Writing
/// all that waits at once, rather than message by message, is worth a factor of four in a busy
/// room; a peer on a slow line is given the time for this much, and then for as much again.
const MAX_BATCH_BYTES: usize = 64 * 1024;

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
}

/// One connection.
struct Session<'a> {
    room: &'a Room,
    permit: &'a ConnectionPermit,
    dialect: Dialect,
    outbound: Arc<Queue>,
    member: Option<Member>,
    /// Whether the reader knows that the connection ends.
    is_ending: Arc<AtomicBool>,
    /// What became of the writing, as soon as that has ended.
    written: Receiver<Result<(), SendError>>,
}

impl Chat {
    /// An empty room, whose members speak this dialect, with writers from these threads.
    pub fn new(dialect: Dialect, threads: Threads) -> Chat {
        Chat {
            dialect,
            room: Room::new(dialect),
            threads,
        }
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
        let outbound = Arc::new(Queue::new(MAX_QUEUED_BYTES));
        let is_ending = Arc::new(AtomicBool::new(false));
        let (written_tx, written) = mpsc::channel();
        let writing = Writing {
            writer,
            outbound: Arc::clone(&outbound),
            is_ending: Arc::clone(&is_ending),
        };
        if let Err(error) = self.threads.run(move || writing.run(&written_tx)) {
            tracing::warn!(%error, "no thread to write with");
            return Ok(End::Broken("no thread to write with".into()));
        }

        let mut session = Session {
            room: &self.room,
            permit,
            dialect,
            outbound,
            member: None,
            is_ending,
            written,
        };
        let end = session.receive_all(&mut reader, login_by);
        session.outbound.close();
        // Bounded by the write limit of the connection.
        let _ = session.written.recv();
        reader.close();
        Ok(end)
    }

    fn refusal_framing(&self) -> Option<Framing> {
        self.dialect.greeting.map(|_| self.dialect.framing)
    }
}

impl Session<'_> {
    fn receive_all(&mut self, reader: &mut Reader, login_by: Instant) -> End {
        let mut flood = Flood::default();
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
        match self.room.enter(name.clone(), Arc::clone(&self.outbound)) {
            Ok(member) => {
                tracing::info!(%name, "joined");
                self.member = Some(member);
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
                let queued = refusal.map(|refusal| self.outbound.push(refusal));
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
        match (self.written.try_recv(), error) {
            (Ok(Err(failed @ SendError::WriteTooSlow(_))), _) => {
                self.leave(Reason::DoesNotRead);
                End::Broken(failed.to_string())
            }
            (Ok(Err(failed)), None) => {
                self.leave(Reason::Disconnected);
                End::Broken(failed.to_string())
            }
            (_, Some(error)) => {
                self.leave(Reason::Disconnected);
                End::Broken(error.to_string())
            }
            (_, None) => {
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
        self.is_ending.store(true, Ordering::Relaxed);
        match self.member.take() {
            Some(member) => member.leave(reason),
            None if reason == Reason::Quit => {
                let bye = self.dialect.render(&Message::Reply(Ok(Answer::Bye)));
                self.outbound.close_with(bye);
            }
            None => {}
        }
        match reason {
            Reason::Quit => End::Quit,
            _ => End::Broken(reason.to_string()),
        }
    }
}

/// The thread that writes to one peer.
struct Writing {
    writer: Writer,
    outbound: Arc<Queue>,
    is_ending: Arc<AtomicBool>,
}

impl Writing {
    fn run(mut self, written_tx: &mpsc::Sender<Result<(), SendError>>) {
        let written = self.write_all();
        let has_failed = written.is_err();
        let _ = written_tx.send(written);
        if has_failed || !self.is_ending.load(Ordering::Relaxed) {
            // The reader waits for a peer that was thrown out or lost: wake it.
            self.outbound.close();
            self.writer.abort();
        }
    }

    fn write_all(&mut self) -> Result<(), SendError> {
        while let Some(messages) = self.outbound.take() {
            let mut queued = 0;
            for message in messages {
                self.queue(&message)?;
                queued += message.len();
                // In raw framing a message is what one write made, if all goes well.
                if queued >= MAX_BATCH_BYTES || self.writer.framing() == Framing::Raw {
                    self.writer.flush()?;
                    queued = 0;
                }
            }
            self.writer.flush()?;
        }
        self.writer.finish()?;
        Ok(())
    }

    /// A message that does not fit the framing becomes a refusal that does.
    fn queue(&mut self, message: &[u8]) -> Result<(), SendError> {
        match self.writer.queue(message) {
            Err(SendError::Encode(error)) => {
                let refusal = Refusal::new(Code::TooLong, format!("the answer: {error}"));
                let refusal = reply::render::<&str>(&Err(refusal));
                self.writer.queue(refusal.as_bytes())
            }
            queued => queued,
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
