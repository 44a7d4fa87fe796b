//! A judged program as a process: started from its command, limited, and ended with all it started.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use proto::mode::Transport;
use tempfile::TempDir;

use crate::directory;
use crate::port::Port;
use crate::process::{Process, how};

/// How long a program may take until it listens: a busy machine may start many at once.
const START_TIMEOUT: Duration = Duration::from_secs(60);

/// How soon it is looked again whether it listens, or has ended: later if it takes long, because the
/// look costs the processor that it starts on.
const POLL: RangeInclusive<Duration> = Duration::from_millis(5)..=Duration::from_millis(50);

/// The command that starts a judged program. Of a server, `{host}`, `{port}` and `{state}`, an empty
/// directory of its own, are replaced in each word.
#[derive(Debug, Clone)]
pub struct ProgramCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Where it runs; here, if nowhere else.
    pub directory: Option<PathBuf>,
    /// Whether it may keep files there: it runs in a copy, each program in its own, unless there is too
    /// much to copy.
    pub keeps_files: bool,
    /// Bytes of memory that each of its processes may have.
    pub memory: u64,
}

/// A running program.
#[derive(Debug)]
pub struct Program {
    command: ProgramCommand,
    port: Port,
    transports: &'static [Transport],
    state: TempDir,
    /// The copy that it runs in.
    copy: Option<TempDir>,
    process: Option<Process>,
    /// Since when it listens.
    listened: Instant,
    /// Whether a case was judged on it.
    pub has_served: bool,
}

/// Why a program did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is none.
    #[error("cannot start {program}: {error}")]
    None {
        /// The program.
        program: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// It ended before it listened.
    #[error("it ended before it listened on port {port}: {how}{output}")]
    Ended {
        /// The port.
        port: u16,
        /// Its status.
        how: String,
        /// What it printed.
        output: String,
    },
    /// It runs and does not listen.
    #[error(
        "it did not listen on port {port} within {} s: does its command have {{port}}?{output}",
        START_TIMEOUT.as_secs()
    )]
    Deaf {
        /// The port.
        port: u16,
        /// What it printed.
        output: String,
    },
    /// This computer failed.
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl ProgramCommand {
    /// Starts it as a server on a free port, and waits until it listens over one of these.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn serve(&self, transports: &'static [Transport]) -> Result<Program, StartError> {
        let mut program = Program {
            command: self.clone(),
            copy: self.copy()?,
            port: Port::free()?,
            transports,
            state: tempfile::tempdir()?,
            process: None,
            listened: Instant::now(),
            has_served: false,
        };
        program.start_again()?;
        Ok(program)
    }

    /// Whether the programs have the directory that they keep files in in common: only one of them
    /// may run then.
    pub fn share_files(&self) -> bool {
        self.keeps_files && !directory::is_small(self.directory())
    }

    /// A copy of the directory, if it runs in one.
    pub(crate) fn copy(&self) -> io::Result<Option<TempDir>> {
        match self.keeps_files {
            true => directory::copy(self.directory()),
            false => Ok(None),
        }
    }

    /// A word of the command as it is in the copy.
    pub(crate) fn located(&self, word: String, copy: Option<&TempDir>) -> String {
        match copy {
            Some(copy) => directory::outside_the_copy(word, copy.path(), self.directory()),
            None => word,
        }
    }

    /// Has it run where it is to.
    pub(crate) fn place(&self, command: &mut Command, copy: Option<&TempDir>) {
        if let Some(copy) = copy {
            command.current_dir(copy.path());
        } else if let Some(directory) = &self.directory {
            command.current_dir(directory);
        }
    }

    fn directory(&self) -> &Path {
        self.directory.as_deref().unwrap_or(Path::new("."))
    }
}

impl Program {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port.number()).into()
    }

    /// Starts it where it was, after it has ended.
    ///
    /// # Errors
    /// When it does not come to listen.
    pub fn start_again(&mut self) -> Result<(), StartError> {
        self.spawn()?;
        let began = Instant::now();
        while !self.transports.iter().any(|it| self.listens(*it)) {
            if let Some(how) = self.ended() {
                if let Some(process) = &self.process {
                    process.wait_for_output();
                }
                return Err(StartError::Ended {
                    port: self.port.number(),
                    how,
                    output: self.said(),
                });
            }
            let waited = began.elapsed();
            if waited >= START_TIMEOUT {
                self.kill();
                return Err(StartError::Deaf {
                    port: self.port.number(),
                    output: self.said(),
                });
            }
            thread::sleep((waited / 8).clamp(*POLL.start(), *POLL.end()));
        }
        self.listened = Instant::now();
        Ok(())
    }

    fn spawn(&mut self) -> Result<(), StartError> {
        let state = self.state.path().display().to_string();
        let replaced = |word: &String| {
            let word = word
                .replace("{host}", "127.0.0.1")
                .replace("{port}", &self.port.number().to_string())
                .replace("{state}", &state);
            self.command.located(word, self.copy.as_ref())
        };
        let words: Vec<String> = self.command.words.iter().map(replaced).collect();
        let (file, arguments) = words.split_first().ok_or_else(no_command)?;
        let mut command = Command::new(file);
        command
            .args(arguments)
            // What is kept for the user is kept there.
            .env("XDG_STATE_HOME", self.state.path())
            .stdin(Stdio::null());
        self.command.place(&mut command, self.copy.as_ref());
        let process = Process::start(command, Some(self.command.memory));
        let process = process.map_err(|error| StartError::None {
            program: file.clone(),
            error,
        })?;
        self.process = Some(process);
        Ok(())
    }

    /// Since when it listens, over one of its transports at least.
    pub fn listened(&self) -> Instant {
        self.listened
    }

    /// Whether it listens over this transport.
    pub fn listens(&self, transport: Transport) -> bool {
        self.port.is_used(transport)
    }

    /// How it has ended, if it has.
    pub fn ended(&mut self) -> Option<String> {
        match self.process.as_mut()?.ended() {
            Ok(status) => status.map(how),
            Err(error) => Some(error.to_string()),
        }
    }

    /// Ends it at once, and every process that it has started.
    pub fn kill(&mut self) {
        if let Some(process) = &mut self.process {
            process.kill();
        }
    }

    /// The end of what it has printed since it was started last, each line indented, or nothing; safe
    /// to be shown.
    pub fn said(&self) -> String {
        self.process.as_ref().map(Process::said).unwrap_or_default()
    }
}

fn no_command() -> StartError {
    StartError::Io(io::Error::new(
        io::ErrorKind::InvalidInput,
        "there is no command",
    ))
}
