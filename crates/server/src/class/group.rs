//! Keeping one group running: its process is started again when it ends, later each time, and stopped
//! and started afresh when the group is reset.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::sync::mpsc::{Receiver, Sender, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::control::{GroupStatus, State};
use super::files::{Files, LOG};
use super::process::{Process, Sign, Start};
use crate::log::Log;

/// How long a process may take to listen. Hashing the PINs of a great class is done before.
const START_TIMEOUT: Duration = Duration::from_secs(30);

/// From the end of a process to the next start, at first; twice as long each time.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest such pause.
const MOST_PAUSE: Duration = Duration::from_secs(30);

/// A process that ran as long as this begins with the first pause again.
const STABLE: Duration = Duration::from_secs(60);

/// How long conversations may take to end when the class stops: a little longer than a server waits
/// for them by itself.
const DRAIN: Duration = Duration::from_secs(6);

/// The same when the group is reset, whose conversations are about what is gone then.
const DRAIN_FOR_RESET: Duration = Duration::from_millis(300);

/// How long a process may take to end when it is told to do so at once.
const SOON: Duration = Duration::from_secs(3);

/// What happens to a group.
pub enum Event {
    /// The process of this generation did something.
    Sign(u64, Sign),
    /// It is to be reset, and the outcome told: where its files are now, or why not.
    Reset(SyncSender<Result<Option<PathBuf>, String>>),
    /// It is to stop; told a second time, at once.
    Stop,
}

/// Keeps a group running.
pub struct Keeper {
    name: String,
    arguments: Vec<OsString>,
    sockets: usize,
    files: Files,
    log: Log,
    status: Arc<Mutex<GroupStatus>>,
    events: Receiver<Event>,
    tell: Sender<Event>,
    process: Option<Process>,
    /// The number of the process: what is told of one before it is of no interest.
    generation: u64,
    started: Instant,
    pause: Duration,
    restart_at: Option<Instant>,
    /// How often it was told to stop.
    stops: usize,
}

/// What a [`Keeper`] needs to know.
pub struct Settings {
    /// The group's name.
    pub name: String,
    /// The command line of its process.
    pub arguments: Vec<OsString>,
    /// How many sockets it listens on.
    pub sockets: usize,
    /// The class's files.
    pub files: Files,
    /// Where its log is shown.
    pub log: Log,
    /// How it is, for those who ask.
    pub status: Arc<Mutex<GroupStatus>>,
}

impl Keeper {
    /// A group that was not started yet. `tell` leads to `events`.
    pub fn new(settings: Settings, tell: Sender<Event>, events: Receiver<Event>) -> Keeper {
        Keeper {
            name: settings.name,
            arguments: settings.arguments,
            sockets: settings.sockets,
            files: settings.files,
            log: settings.log,
            status: settings.status,
            events,
            tell,
            process: None,
            generation: 0,
            started: Instant::now(),
            pause: FIRST_PAUSE,
            restart_at: None,
            stops: 0,
        }
    }

    /// Starts the group, tells whether it listens, and keeps it running until it is told to stop. One
    /// that never listened is not started again.
    pub fn run(mut self, tell_ready: impl FnOnce(Result<(), String>)) {
        let ready = self.start();
        let is_ready = ready.is_ok();
        tell_ready(ready);
        if !is_ready {
            return;
        }
        while self.stops == 0 {
            let event = match self.restart_at {
                Some(at) => self.receive(at.saturating_duration_since(Instant::now())),
                None => self.events.recv().ok(),
            };
            match event {
                Some(event) => self.act(event),
                None if self.restart_at.is_some() => self.start_again(),
                None => break,
            }
        }
        self.stop(DRAIN);
        self.set(State::Stopped);
    }

    fn receive(&self, timeout: Duration) -> Option<Event> {
        self.events.recv_timeout(timeout).ok()
    }

    fn act(&mut self, event: Event) {
        match event {
            Event::Sign(generation, Sign::Ended) if generation == self.generation => self.ended(),
            Event::Sign(..) => {}
            Event::Reset(outcome) => {
                let reset = self.reset();
                let _ = outcome.try_send(reset);
            }
            Event::Stop => self.stops += 1,
        }
    }

    /// Starts the process, and waits until it listens.
    fn start(&mut self) -> Result<(), String> {
        self.restart_at = None;
        self.generation += 1;
        self.started = Instant::now();
        let (generation, tell) = (self.generation, self.tell.clone());
        let start = Start {
            name: &self.name,
            arguments: &self.arguments,
            sockets: self.sockets,
            log_file: &self.files.group(&self.name).join(LOG),
            log: &self.log,
        };
        let tell = move |sign| drop(tell.send(Event::Sign(generation, sign)));
        let process = Process::start(&start, tell).map_err(|error| error.to_string())?;
        self.process = Some(process);
        self.set(State::Starting);
        let by = self.started + START_TIMEOUT;
        loop {
            match self.receive(by.saturating_duration_since(Instant::now())) {
                Some(Event::Sign(of, Sign::Listens)) if of == generation => {
                    self.set(State::Running);
                    return Ok(());
                }
                Some(Event::Sign(of, Sign::Ended)) if of == generation => {
                    let (end, last_line) = self.reap();
                    return Err(match last_line.is_empty() {
                        true => end,
                        false => last_line,
                    });
                }
                Some(Event::Sign(..)) => {}
                Some(Event::Reset(outcome)) => {
                    let _ = outcome.try_send(Err("it is just starting".into()));
                }
                Some(Event::Stop) => {
                    self.stops += 1;
                    self.stop(Duration::ZERO);
                    return Err("it was told to stop".into());
                }
                None => {
                    self.stop(Duration::ZERO);
                    return Err(format!("it does not listen after {START_TIMEOUT:?}"));
                }
            }
        }
    }

    fn start_again(&mut self) {
        match self.start() {
            Ok(()) => tracing::info!(group = self.name, "runs again"),
            Err(words) if self.stops == 0 => {
                tracing::warn!(group = self.name, "does not start: {words}");
                self.restart_later();
            }
            Err(_) => {}
        }
    }

    /// The process has ended, although nobody asked it to.
    fn ended(&mut self) {
        if self.started.elapsed() >= STABLE {
            self.pause = FIRST_PAUSE;
        }
        let (end, _) = self.reap();
        let pause = self.pause;
        tracing::warn!(
            group = self.name,
            "ended ({end}); starts again in {pause:?}"
        );
        self.restart_later();
    }

    fn restart_later(&mut self) {
        self.restart_at = Some(Instant::now() + self.pause);
        self.pause = (self.pause * 2).min(MOST_PAUSE);
        self.set(State::Waiting);
        self.with_status(|status| status.restarts += 1);
    }

    /// How the process ended, and its last words.
    fn reap(&mut self) -> (String, String) {
        let Some(mut process) = self.process.take() else {
            return (String::new(), String::new());
        };
        let end = match process.wait() {
            Ok(status) => in_words(status),
            Err(error) => error.to_string(),
        };
        (end, process.last_line())
    }

    /// Ends the process, whose conversations have so long to end.
    fn stop(&mut self, patience: Duration) {
        self.restart_at = None;
        let Some(mut process) = self.process.take() else {
            return;
        };
        process.end_input();
        if !self.is_ended_within(patience) {
            process.terminate();
            if !self.is_ended_within(SOON) {
                process.kill();
            }
        }
        let _ = process.wait();
    }

    fn is_ended_within(&mut self, patience: Duration) -> bool {
        let by = Instant::now() + patience;
        let stops = self.stops;
        while self.stops == stops {
            match self.receive(by.saturating_duration_since(Instant::now())) {
                Some(Event::Sign(of, Sign::Ended)) if of == self.generation => return true,
                Some(Event::Sign(..)) => {}
                Some(Event::Reset(outcome)) => {
                    let _ = outcome.try_send(Err("it is just stopping".into()));
                }
                Some(Event::Stop) => self.stops += 1,
                None => return false,
            }
        }
        false
    }

    fn reset(&mut self) -> Result<Option<PathBuf>, String> {
        self.stop(DRAIN_FOR_RESET);
        let aside = self.files.set_aside(&self.name, Timestamp::now());
        self.pause = FIRST_PAUSE;
        if let Err(words) = self.start() {
            self.restart_later();
            return Err(format!("it does not start: {words}"));
        }
        let aside = aside.map_err(|error| format!("{error:#}"))?;
        tracing::info!(group = self.name, "was reset");
        Ok(aside)
    }

    fn set(&self, state: State) {
        let process = self.process.as_ref().map(Process::id);
        self.with_status(|status| {
            status.state = state;
            status.process = process;
            status.since = Some(Timestamp::now());
        });
    }

    fn with_status(&self, change: impl FnOnce(&mut GroupStatus)) {
        change(&mut self.status.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

fn in_words(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
