//! A judged program as a process: started from its command, limited, and ended with all it started.

use std::fs;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use proto::mode::Transport;

use crate::process::{POLL, Process, how};

/// How long a program may take until it listens.
const START_TIMEOUT: Duration = Duration::from_secs(20);

/// The command that starts a judged program. `{host}`, `{port}` and `{state}`, an empty directory of
/// its own, are replaced in each word.
#[derive(Debug, Clone)]
pub struct ProgramCommand {
    /// The program and its arguments.
    pub words: Vec<String>,
    /// Where it runs; here, if nowhere else.
    pub directory: Option<PathBuf>,
    /// Bytes of memory that each of its processes may have.
    pub memory: u64,
}

/// A running program.
#[derive(Debug)]
pub struct Program {
    command: ProgramCommand,
    port: u16,
    transport: Transport,
    state: tempfile::TempDir,
    process: Option<Process>,
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
    /// Starts it as a server on a free port, and waits until it listens.
    ///
    /// # Errors
    /// When it does not come to that.
    pub fn serve(&self, transport: Transport) -> Result<Program, StartError> {
        let mut program = Program {
            command: self.clone(),
            port: free_port()?,
            transport,
            state: tempfile::tempdir()?,
            process: None,
        };
        program.start_again()?;
        Ok(program)
    }
}

impl Program {
    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        (Ipv4Addr::LOCALHOST, self.port).into()
    }

    /// Starts it where it was, after it has ended.
    ///
    /// # Errors
    /// When it does not come to listen.
    pub fn start_again(&mut self) -> Result<(), StartError> {
        self.spawn()?;
        let by = Instant::now() + START_TIMEOUT;
        while !listens(self.port, self.transport) {
            if let Some(how) = self.ended() {
                return Err(StartError::Ended {
                    port: self.port,
                    how,
                    output: self.said(),
                });
            }
            if Instant::now() >= by {
                self.kill();
                return Err(StartError::Deaf {
                    port: self.port,
                    output: self.said(),
                });
            }
            thread::sleep(POLL);
        }
        Ok(())
    }

    fn spawn(&mut self) -> Result<(), StartError> {
        let state = self.state.path().display().to_string();
        let replaced = |word: &String| {
            word.replace("{host}", "127.0.0.1")
                .replace("{port}", &self.port.to_string())
                .replace("{state}", &state)
        };
        let words: Vec<String> = self.command.words.iter().map(replaced).collect();
        let (file, arguments) = words.split_first().ok_or_else(no_command)?;
        let mut command = Command::new(file);
        command
            .args(arguments)
            // What is kept for the user is kept there.
            .env("XDG_STATE_HOME", self.state.path())
            .stdin(Stdio::null());
        if let Some(directory) = &self.command.directory {
            command.current_dir(directory);
        }
        let process = Process::start(command, Some(self.command.memory));
        let process = process.map_err(|error| StartError::None {
            program: file.clone(),
            error,
        })?;
        self.process = Some(process);
        Ok(())
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

/// A port that nothing uses now, over TCP or UDP.
fn free_port() -> io::Result<u16> {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let port = listener.local_addr()?.port();
        match UdpSocket::bind((Ipv4Addr::LOCALHOST, port)) {
            Ok(_) => return Ok(port),
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            Err(error) => return Err(error),
        }
    }
}

/// Whether a socket listens on this port. A connection would show it too, but a server may take
/// that for its first client.
fn listens(port: u16, transport: Transport) -> bool {
    const LISTENING: &str = "0A";
    let (files, state) = match transport {
        Transport::Tcp => (["/proc/net/tcp", "/proc/net/tcp6"], Some(LISTENING)),
        Transport::Udp => (["/proc/net/udp", "/proc/net/udp6"], None),
    };
    let ending = format!(":{port:04X}");
    files.iter().any(|file| {
        let table = fs::read_to_string(file).unwrap_or_default();
        table.lines().skip(1).any(|line| {
            let mut columns = line.split_whitespace().skip(1);
            let is_there = columns.next().is_some_and(|local| local.ends_with(&ending));
            is_there && (state.is_none() || columns.nth(1) == state)
        })
    })
}

fn no_command() -> StartError {
    StartError::Io(io::Error::new(
        io::ErrorKind::InvalidInput,
        "there is no command",
    ))
}
