//! The recorder of a process: numbers events, and passes them on to threads that write them.

use std::ffi::OsString;
use std::fmt;
use std::fs::File;
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::event::{Channel, Closer, Event, EventKind, Header, Secrets};
use super::file::{append_line, open};
use super::trace::{Trace, TraceWriter};
use super::{MAX_LINE, VERSION};
use crate::queue::{Item, Queue};
use proto::side::{Direction, Side};

pub use super::file::OpenError;

/// Most bytes of events that wait, in memory: some ten thousand short messages, or a hundred of the
/// longest.
pub const MAX_QUEUED_BYTES: usize = 16 * 1024 * 1024;

/// How long an event waits for room, once: a disk that is merely busy has caught up by then, and a
/// conversation is not noticeably late.
pub const ENQUEUE_TIMEOUT: Duration = Duration::from_millis(20);

/// How long the end of the process waits for what is not written yet.
pub const FLUSH_TIMEOUT: Duration = Duration::from_secs(2);

/// Bytes after which a batch of lines is written.
const MAX_BATCH_BYTES: usize = 256 * 1024;

/// Characters of one argument that are kept in the header.
const MAX_ARGUMENT_CHARS: usize = 1_000;

/// What is to be recorded, and where.
pub struct Settings {
    /// `labserver` or `labclient`.
    pub program: &'static str,
    /// Its version.
    pub release: &'static str,
    /// Which side it is.
    pub side: Side,
    /// Its command line, without its name.
    pub arguments: Vec<String>,
    /// The faults it injects, as `--fault` takes them, and their seed.
    pub faults: Option<(String, u64)>,
    /// What to do with PINs.
    pub secrets: Secrets,
    /// The file to record to.
    pub file: Option<PathBuf>,
    /// Most bytes of that file, with what it had before; `None` sets no limit.
    pub most_bytes: Option<u64>,
    /// How to show it on standard error.
    pub trace: Option<Trace>,
    /// What else is told of it.
    pub follower: Option<Arc<dyn Follower>>,
}

/// What is told of the events of a run while they happen, on a thread of its own.
pub trait Follower: Send + Sync {
    /// The run begins.
    fn begins(&self, header: &Header);

    /// These events happened since it was told before. Meanwhile others wait, and are lost where
    /// there are too many: no conversation waits for a follower.
    fn happened(&self, events: &[Arc<Event>]);

    /// Whether one more message in this direction, or one more read, is too many now. Asked where
    /// nothing else records it, and before anything is made of it; it is the follower's to count.
    fn skips(&self, _channel: &Channel, _side: Side, _message: Option<Direction>) -> bool {
        false
    }
}

/// Records the events of this process. Clones share it.
#[derive(Clone)]
pub struct Recorder(Arc<Shared>, Side);

struct Shared {
    run: String,
    secrets: Secrets,
    started: Instant,
    /// The number of the last event. It is held while an event is queued, so that the lines are in
    /// the order of their numbers.
    last: Mutex<u64>,
    connections: AtomicU64,
    is_stopping: AtomicBool,
    /// Connections that may still be open.
    open: Mutex<Vec<Open>>,
    sinks: Vec<Arc<Queue<Arc<Event>>>>,
    /// What follows, where nothing else records.
    only_follower: Option<Arc<dyn Follower>>,
}

/// A connection that may still be open when the run ends.
type Open = Weak<dyn Ends>;

/// What has an end that is recorded.
pub(super) trait Ends: Send + Sync {
    /// Records the end, once.
    fn record_end(&self);
}

/// When an event began, on both clocks.
#[derive(Debug, Clone, Copy)]
pub struct EventTime {
    t: u64,
    wall: Timestamp,
}

impl Settings {
    /// The arguments of this process, without the program's name.
    pub fn own_arguments() -> Vec<String> {
        let shown = |argument: OsString| argument.to_string_lossy().into_owned();
        std::env::args_os().skip(1).map(shown).collect()
    }
}

impl Recorder {
    /// Starts recording; `None` when neither a file nor a trace is wanted, and nothing follows.
    ///
    /// # Errors
    /// When the file cannot be used, or there is no thread.
    pub fn start(settings: Settings) -> Result<Option<Recorder>, OpenError> {
        if settings.file.is_none() && settings.trace.is_none() && settings.follower.is_none() {
            return Ok(None);
        }
        // One moment on both clocks, so that the header's wall clock is where `t` is 0.
        let (started, wall) = (Instant::now(), Timestamp::now());
        let header = header(&settings, wall);
        let mut sinks = Vec::new();
        if let Some(path) = &settings.file {
            let failed = |error| OpenError::Io {
                path: path.clone(),
                error,
            };
            let mut file = open(path)?;
            let mut line = Vec::new();
            append_line(&header, &mut line).map_err(failed)?;
            file.write_all(&line).map_err(failed)?;
            let (name, program) = (path.display().to_string(), settings.program);
            let most = settings.most_bytes.unwrap_or(u64::MAX);
            sinks.push(sink("recording", ENQUEUE_TIMEOUT, move |queue| {
                if let Err(error) = write_to_file(queue, &mut file, most) {
                    queue.abandon();
                    let _ = writeln!(
                        io::stderr(),
                        "{program}: cannot record to {name} any more: {error}: going on without"
                    );
                }
            })?);
        }
        if let Some(trace) = settings.trace {
            let mut screen = TraceWriter::on_stderr(trace);
            sinks.push(sink("trace", ENQUEUE_TIMEOUT, move |queue| {
                while let Some(events) = queue.take() {
                    if events.iter().try_for_each(|e| screen.show(e)).is_err() {
                        return queue.abandon();
                    }
                }
            })?);
        }
        let only_follower = settings.follower.clone().filter(|_| sinks.is_empty());
        if let Some(follower) = settings.follower {
            follower.begins(&header);
            sinks.push(sink("follower", Duration::ZERO, move |queue| {
                while let Some(events) = queue.take() {
                    follower.happened(&events);
                }
            })?);
        }
        let shared = Shared {
            run: header.run,
            secrets: header.secrets,
            started,
            last: Mutex::new(0),
            connections: AtomicU64::new(0),
            is_stopping: AtomicBool::new(false),
            open: Mutex::default(),
            sinks,
            only_follower,
        };
        Ok(Some(Recorder(Arc::new(shared), header.side)))
    }

    /// The same recorder, for what this process does as this side: a proxy is a server to its
    /// clients and a client to the server.
    #[must_use]
    pub fn on_side(&self, side: Side) -> Recorder {
        Recorder(Arc::clone(&self.0), side)
    }

    /// Which side this process is.
    pub fn side(&self) -> Side {
        self.1
    }

    /// Whether secrets are masked.
    pub(super) fn masks(&self) -> bool {
        self.0.secrets == Secrets::Masked
    }

    /// Whether nobody is to be told of this message in this direction, or this read.
    pub(super) fn skips(&self, channel: &Channel, message: Option<Direction>) -> bool {
        let follower = self.0.only_follower.as_ref();
        follower.is_some_and(|follower| follower.skips(channel, self.1, message))
    }

    /// The number of the next connection, for a program that numbers them as it opens them.
    pub fn next_connection(&self) -> u64 {
        self.0.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// From here on, streams end because this program ends them: it is stopping.
    pub fn stopping(&self) {
        self.0.is_stopping.store(true, Ordering::Relaxed);
    }

    /// Which end caused the end of stream that a read found.
    pub(super) fn closer(&self) -> Closer {
        if self.0.is_stopping.load(Ordering::Relaxed) {
            Closer::Us
        } else {
            Closer::Peer
        }
    }

    /// Now.
    pub fn now(&self) -> EventTime {
        EventTime {
            t: self.since_start(Instant::now()),
            wall: Timestamp::now(),
        }
    }

    /// A moment as nanoseconds since the start of the run.
    pub fn since_start(&self, moment: Instant) -> u64 {
        nanoseconds(moment.saturating_duration_since(self.0.started))
    }

    /// Records an event that happens now.
    pub fn record(&self, channel: Option<&Channel>, kind: EventKind) {
        self.record_at(self.now(), channel, kind);
    }

    /// Records an event that began then.
    pub fn record_at(&self, moment: EventTime, channel: Option<&Channel>, kind: EventKind) {
        let mut event = Event {
            run: self.0.run.clone(),
            n: 0,
            t: moment.t,
            wall: moment.wall,
            side: self.1,
            channel: channel.cloned(),
            kind,
        };
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        *last += 1;
        event.n = *last;
        let event = Arc::new(event);
        self.0
            .sinks
            .iter()
            .for_each(|sink| sink.push(Arc::clone(&event)));
    }

    /// Records that the process dies at a crash point, and waits until everything is written.
    pub fn crashed(&self, at: &str) {
        let at = at.to_owned();
        self.record(None, EventKind::Crashed { at });
        self.flush();
    }

    /// Registers a connection whose end is to be recorded when the run ends first.
    pub(super) fn opened(&self, connection: Open) {
        let mut open = self.0.open.lock().unwrap_or_else(PoisonError::into_inner);
        // Those that are closed make room, for as many more as are open.
        if open.len() == open.capacity() {
            open.retain(|connection| connection.strong_count() > 0);
            let room = open.len().max(16);
            open.reserve(room);
        }
        open.push(connection);
    }

    /// Records the end of every connection that is still open and of the program, and waits until
    /// everything is written and the file is closed, at most [`FLUSH_TIMEOUT`]. What happens after it
    /// is not recorded.
    pub fn finish(&self) {
        let open = &self.0.open;
        let open = std::mem::take(&mut *open.lock().unwrap_or_else(PoisonError::into_inner));
        for connection in open.iter().filter_map(Open::upgrade) {
            connection.record_end();
        }
        self.record(None, EventKind::Ended);
        for sink in &self.0.sinks {
            sink.close();
        }
        let by = Instant::now() + FLUSH_TIMEOUT;
        for sink in &self.0.sinks {
            sink.wait_until_ended(by);
        }
    }

    /// Waits until everything is written, at most [`FLUSH_TIMEOUT`].
    pub fn flush(&self) {
        let by = Instant::now() + FLUSH_TIMEOUT;
        for sink in &self.0.sinks {
            sink.wait_until_written(by);
        }
    }
}

pub(super) fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

impl fmt::Debug for Recorder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recorder({})", self.0.run)
    }
}

/// The threads write what is left and end.
impl Drop for Shared {
    fn drop(&mut self) {
        for sink in &self.sinks {
            sink.close();
        }
    }
}

fn header(settings: &Settings, wall: Timestamp) -> Header {
    Header {
        version: VERSION,
        run: format!("{:016x}", RandomState::new().hash_one(VERSION)),
        program: settings.program.to_owned(),
        release: settings.release.to_owned(),
        pid: std::process::id(),
        side: settings.side,
        arguments: kept(&settings.arguments),
        wall,
        secrets: settings.secrets,
        fault: settings.faults.as_ref().map(|(faults, _)| faults.clone()),
        seed: settings.faults.as_ref().map(|(_, seed)| *seed),
    }
}

/// The arguments, cut such that the header is no longer than a line may be.
fn kept(arguments: &[String]) -> Vec<String> {
    let cut = |argument: &String| match argument.char_indices().nth(MAX_ARGUMENT_CHARS) {
        Some((end, _)) => format!("{}…", &argument[..end]),
        None => argument.clone(),
    };
    // Each character takes twelve bytes at most.
    let most = MAX_LINE / 2 / (12 * MAX_ARGUMENT_CHARS);
    arguments.iter().take(most).map(cut).collect()
}

fn sink(
    name: &str,
    patience: Duration,
    write: impl FnOnce(&Queue<Arc<Event>>) + Send + 'static,
) -> Result<Arc<Queue<Arc<Event>>>, OpenError> {
    let queue = Arc::new(Queue::new(MAX_QUEUED_BYTES, patience));
    let taken_from = Arc::clone(&queue);
    let thread = thread::Builder::new().name(name.into());
    let spawned = thread.spawn(move || {
        write(&taken_from);
        taken_from.end();
    });
    spawned.map(|_| queue).map_err(OpenError::Thread)
}

/// Writes all that is queued, until the file would become longer than `most` bytes. Each batch that
/// waits takes as few calls as possible, and nothing of it is left in memory before the next.
fn write_to_file(queue: &Queue<Arc<Event>>, file: &mut File, most: u64) -> io::Result<()> {
    let mut length = file.metadata()?.len();
    let mut lines = Vec::new();
    let mut write = |lines: &mut Vec<u8>| {
        length += lines.len() as u64;
        if length > most {
            let words = format!("it has as many bytes as it may have ({most})");
            return Err(io::Error::other(words));
        }
        file.write_all(lines)?;
        lines.clear();
        Ok(())
    };
    while let Some(events) = queue.take() {
        for event in events {
            append_line(&*event, &mut lines)?;
            if lines.len() >= MAX_BATCH_BYTES {
                write(&mut lines)?;
            }
        }
        write(&mut lines)?;
    }
    Ok(())
}

impl Item for Arc<Event> {
    fn size(&self) -> usize {
        let text = match &self.kind {
            EventKind::Unreadable { bytes, .. } => bytes.0.len(),
            EventKind::Resent { text, .. } => text.len(),
            kind => kind.message().map_or(0, |message| {
                message.bytes.0.len() + message.text.as_ref().map_or(0, String::len)
            }),
        };
        size_of::<Event>() + 64 + text
    }

    fn lost(self, count: u64) -> Arc<Event> {
        Arc::new(Event {
            channel: None,
            kind: EventKind::Lost { count },
            ..Event::clone(&self)
        })
    }
}
