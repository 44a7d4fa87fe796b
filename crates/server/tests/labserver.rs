//! The program under test, as a process that is always ended.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use proto::frame::Framing;
use tempfile::TempDir;

use crate::customer::Peer;
use crate::lines::{Lines, PATIENCE};

/// A home directory that no other test sees: where ledgers are kept.
pub struct Home(TempDir);

/// A `labserver` that runs. Killed when dropped.
pub struct Labserver {
    child: Child,
    stdout: Lines,
    log: Lines,
    // Removed after the process has ended.
    _home: Option<Home>,
}

/// How a `labserver` ended, and all it said.
#[derive(Debug)]
pub struct Ended {
    /// `None` when a signal ended it.
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Home {
    pub fn new() -> Home {
        Home(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// `labserver` with these arguments, not started yet.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_labserver"));
        command
            .args(arguments)
            .current_dir(self.path())
            .env("HOME", self.path())
            .env("XDG_STATE_HOME", self.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a server, and waits until it is ready.
    pub fn start(&self, arguments: &[&str]) -> Labserver {
        let server = Labserver::spawn(self.command(arguments));
        server.stdout.find(|line| line.starts_with("listening "));
        server
    }

    /// Runs a `labserver` that is expected to end by itself.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Labserver::spawn(self.command(arguments)).end()
    }

    /// Runs one whose standard output is a pipe that nobody reads any more, as behind `| true`.
    pub fn run_with_closed_stdout(&self, arguments: &[&str]) -> Ended {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut command = self.command(arguments);
        command.stdout(writer);
        Labserver::spawn(command).end()
    }

    /// Runs it, and gives its answer, which must be a success.
    pub fn answer(&self, arguments: &[&str]) -> String {
        let ended = self.run(arguments);
        assert_eq!(ended.status, Some(0), "{arguments:?}: {ended:?}");
        ended.stdout
    }
}

/// Starts a server with a home of its own, and waits until it is ready.
pub fn start(arguments: &[&str]) -> Labserver {
    let home = Home::new();
    let mut server = home.start(arguments);
    server._home = Some(home);
    server
}

/// Runs a `labserver` that is expected to end by itself, with a home of its own.
pub fn run(arguments: &[&str]) -> Ended {
    Home::new().run(arguments)
}

impl Labserver {
    pub fn spawn(mut command: Command) -> Labserver {
        let mut child = command.spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Labserver {
            stdout: stdout.map_or_else(|| Lines::of(std::io::empty()), Lines::of),
            log: stderr.map_or_else(|| Lines::of(std::io::empty()), Lines::of),
            child,
            _home: None,
        }
    }

    /// Where a service says it listens: `"text tcp"`.
    pub fn address(&self, service: &str) -> SocketAddr {
        let ready = format!("listening {service} ");
        let line = self.stdout.find(|line| line.starts_with(&ready));
        let line = line.unwrap_or_else(|| panic!("not {ready}: {}", self.log.so_far()));
        line[ready.len()..].parse().unwrap()
    }

    /// A bare connection, which fails rather than waits for ever.
    pub fn connect(&self, service: &str) -> TcpStream {
        let stream = TcpStream::connect(self.address(service)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A conversation that has heard `READY`.
    pub fn converse(&self, service: &str) -> Peer {
        self.converse_in(Framing::Netstring, service)
    }

    /// The same in another framing.
    pub fn converse_in(&self, framing: Framing, service: &str) -> Peer {
        let mut peer = Peer::over(self.connect(service), framing);
        let ready = peer.hear().unwrap();
        assert!(ready.starts_with("READY "), "{ready}");
        peer
    }

    /// What it says on standard output.
    pub fn output(&self) -> &Lines {
        &self.stdout
    }

    /// What it says on standard error.
    pub fn log(&self) -> &Lines {
        &self.log
    }

    #[cfg(target_os = "linux")]
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn signal(&self, signal: rustix::process::Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(self) -> Ended {
        self.signal(rustix::process::Signal::TERM);
        self.end()
    }

    /// Waits until it has ended by itself.
    pub fn end(mut self) -> Ended {
        // It has ended, or is about to, once it has closed both outputs.
        let (stdout, stderr) = (self.stdout.to_the_end(), self.log.to_the_end());
        let status = self.child.wait().unwrap().code();
        Ended {
            status,
            stdout,
            stderr,
        }
    }
}

impl Drop for Labserver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
