//! Programs as processes that are always ended.

use std::fmt::Display;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;

use proto::frame::Framing;
#[cfg(unix)]
pub use rustix::process::Signal;
use tempfile::TempDir;

use crate::lines::Lines;
use crate::peer::{Peer, connect};

/// A program that was not started yet, in a home directory that no other test uses unless it is
/// named.
#[derive(Debug)]
pub struct Program {
    command: Command,
    home: Option<TempDir>,
}

/// A program that runs. Killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    name: String,
    arguments: Vec<String>,
    stdin: Option<ChildStdin>,
    /// Its standard output.
    pub stdout: Lines,
    /// Its standard error.
    pub stderr: Lines,
    // Removed after the process has ended.
    _home: Option<TempDir>,
}

/// The words of a command line.
pub fn words(line: &str) -> Vec<&str> {
    line.split_whitespace().collect()
}

/// How a program ended, and its outputs, without what was taken of them.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    /// The name of the program's file.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// `None` when a signal ended it.
    pub status: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Program {
    /// This file, with a home directory of its own.
    pub fn new(file: impl AsRef<Path>) -> Program {
        let home = tempfile::tempdir().unwrap();
        let mut program = Program::at_home(file, home.path());
        program.home = Some(home);
        program
    }

    /// This file, with a home directory that others use too.
    pub fn at_home(file: impl AsRef<Path>, home: &Path) -> Program {
        let mut command = Command::new(file.as_ref());
        command
            .env("HOME", home)
            .env("XDG_STATE_HOME", home)
            .env("USER", "student")
            .env_remove("LABCLIENT_PIN")
            .env_remove("LABCLIENT_SERVER")
            .env_remove("COLUMNS")
            .env_remove("NO_COLOR")
            .env_remove("CLICOLOR")
            .env_remove("CLICOLOR_FORCE")
            .current_dir(home)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Program {
            command,
            home: None,
        }
    }

    /// Adds arguments.
    #[must_use]
    pub fn with(mut self, arguments: &[&str]) -> Program {
        self.command.args(arguments);
        self
    }

    /// Adds `--server`.
    #[must_use]
    pub fn at(self, server: impl Display) -> Program {
        self.with(&["--server", &server.to_string()])
    }

    /// Sets LABCLIENT_PIN.
    #[must_use]
    pub fn pin(self, pin: &str) -> Program {
        self.adjust(|command| command.env("LABCLIENT_PIN", pin))
    }

    /// Writes a file into its home directory.
    #[must_use]
    pub fn beside(self, file: &str, text: &str) -> Program {
        std::fs::write(self.command.get_current_dir().unwrap().join(file), text).unwrap();
        self
    }

    /// Changes anything else about the command.
    #[must_use]
    pub fn adjust(mut self, adjust: impl FnOnce(&mut Command) -> &mut Command) -> Program {
        adjust(&mut self.command);
        self
    }

    /// Its standard output is one that is not read any more, as behind `| true`.
    #[must_use]
    pub fn with_closed_stdout(self) -> Program {
        // A socket that is shut down has no reader, while the reading end of a pipe may still be open
        // in a program that another test is just starting.
        #[cfg(unix)]
        let writer = {
            let (reader, writer) = std::os::unix::net::UnixStream::pair().unwrap();
            reader.shutdown(std::net::Shutdown::Both).unwrap();
            std::os::fd::OwnedFd::from(writer)
        };
        #[cfg(not(unix))]
        let (_, writer) = std::io::pipe().unwrap();
        self.adjust(|command| command.stdout(writer))
    }

    /// Has a shell start it with this script, in which it is `"$0" "$@"`. Its standard input and
    /// outputs are pipes.
    #[must_use]
    pub fn through_shell(mut self, script: &str) -> Program {
        let mut shell = Command::new("sh");
        shell.args(["-c", script]);
        shell.arg(self.command.get_program());
        shell.args(self.command.get_args());
        for (name, value) in self.command.get_envs() {
            match value {
                Some(value) => shell.env(name, value),
                None => shell.env_remove(name),
            };
        }
        shell
            .current_dir(self.command.get_current_dir().unwrap())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.command = shell;
        self
    }

    /// Runs it to its end without input.
    pub fn run(self) -> Ended {
        self.run_with("")
    }

    /// Runs it to its end with this on its standard input.
    pub fn run_with(self, input: impl AsRef<[u8]>) -> Ended {
        let mut process = self.start();
        let input = input.as_ref().to_vec();
        let stdin = process.stdin.take();
        // On a thread of its own: neither side waits for the other to read.
        let writing = stdin.map(|mut stdin| thread::spawn(move || stdin.write_all(&input)));
        let ended = process.end();
        // A program that has ended need not have read all of it.
        writing.map(thread::JoinHandle::join);
        ended
    }

    /// Starts it.
    #[track_caller]
    pub fn start(self) -> Process {
        self.try_start().unwrap()
    }

    /// Starts it, where the system lets it.
    pub fn try_start(mut self) -> io::Result<Process> {
        let mut child = self.command.spawn()?;
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        let file = Path::new(self.command.get_program());
        let arguments = self
            .command
            .get_args()
            .map(|it| it.to_string_lossy().into());
        Ok(Process {
            arguments: arguments.collect(),
            name: file.file_stem().unwrap().to_string_lossy().into_owned(),
            stdin: child.stdin.take(),
            stdout: stdout.map_or_else(Lines::none, Lines::of),
            stderr: stderr.map_or_else(Lines::none, Lines::of),
            child,
            _home: self.home,
        })
    }

    #[cfg(unix)]
    pub(crate) fn into_parts(self) -> (Command, Option<TempDir>) {
        (self.command, self.home)
    }
}

impl Process {
    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Writes to its standard input. A program that has ended need not have read all of it.
    pub fn write(&mut self, input: &str) {
        let _ = self.stdin.as_mut().unwrap().write_all(input.as_bytes());
    }

    /// Writes one line to its standard input.
    pub fn write_line(&mut self, line: &str) {
        self.write(&format!("{line}\n"));
    }

    /// Writes one line, and waits for the next of its standard output.
    #[track_caller]
    pub fn ask(&mut self, line: &str) -> String {
        self.write_line(line);
        self.stdout.next()
    }

    /// Where a service says it listens: `"text tcp"`.
    #[track_caller]
    pub fn address(&self, service: &str) -> SocketAddr {
        let ready = format!("listening {service} ");
        let line = self.stdout.find(|line| line.starts_with(&ready));
        let line = line.unwrap_or_else(|| panic!("not {ready}: {}", self.stderr.so_far()));
        line[ready.len()..].parse().unwrap()
    }

    /// A bare connection to one of its services.
    #[track_caller]
    pub fn connect(&self, service: &str) -> TcpStream {
        connect(self.address(service))
    }

    /// A conversation in netstring framing that has received `READY`.
    #[track_caller]
    pub fn converse(&self, service: &str) -> Peer {
        self.converse_in(Framing::Netstring, service)
    }

    /// The same in another framing.
    #[track_caller]
    pub fn converse_in(&self, framing: Framing, service: &str) -> Peer {
        Peer::greeted(self.connect(service), framing)
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }

    /// Sends it a signal.
    #[cfg(unix)]
    pub fn signal(&self, signal: Signal) {
        let process = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(process, signal).unwrap();
    }

    /// Asks it to terminate, and waits until it has.
    #[cfg(unix)]
    #[track_caller]
    pub fn stop(self) -> Ended {
        self.signal(Signal::TERM);
        self.end_by_itself()
    }

    /// Ends it as a power failure does.
    #[track_caller]
    pub fn kill(mut self) -> Ended {
        self.child.kill().unwrap();
        self.end_by_itself()
    }

    /// Ends its input, and waits until it has ended.
    #[track_caller]
    pub fn end(mut self) -> Ended {
        self.stdin = None;
        self.end_by_itself()
    }

    /// Writes this, ends its input, and waits until it has ended.
    #[track_caller]
    pub fn end_after(mut self, input: &str) -> Ended {
        self.write(input);
        self.end()
    }

    /// Waits until it has ended, while its input is still open.
    #[track_caller]
    pub fn end_by_itself(mut self) -> Ended {
        // It has ended, or is about to, once it has closed both outputs.
        let (stdout, stderr) = (self.stdout.rest(), self.stderr.rest());
        let status = self.child.wait().unwrap();
        Ended {
            program: std::mem::take(&mut self.name),
            arguments: std::mem::take(&mut self.arguments),
            status: status.code(),
            signal: signal_of(status),
            stdout,
            stderr,
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn signal_of(status: ExitStatus) -> Option<i32> {
    #[cfg(unix)]
    let signal = std::os::unix::process::ExitStatusExt::signal(&status);
    #[cfg(not(unix))]
    let signal = status.code().is_none().then_some(0);
    signal
}

impl Ended {
    /// The program succeeded, printed this, and wrote nothing to standard error.
    #[track_caller]
    pub fn printed(&self, stdout: &str) {
        assert_eq!(
            (self.stdout.as_str(), self.stderr.as_str(), self.status),
            (stdout, "", Some(0))
        );
    }

    /// The program ended with this status and printed this, whatever it wrote to standard error.
    #[track_caller]
    pub fn exited(&self, status: i32, stdout: impl AsRef<str>) {
        let ended = (self.status, self.stdout.as_str());
        assert_eq!(ended, (Some(status), stdout.as_ref()), "{self:?}");
    }

    /// The program ended with this status, and all of these words are on standard error.
    #[track_caller]
    pub fn complained(&self, status: i32, words: &[&str]) {
        assert_eq!(self.status, Some(status), "{self:?}");
        for words in words {
            assert!(self.stderr.contains(words), "{words:?} is not in {self:?}");
        }
    }

    /// The program printed nothing, ended with this status, and all of these words are on standard
    /// error.
    #[track_caller]
    pub fn refused(&self, status: i32, words: &[&str]) {
        self.exited(status, "");
        self.complained(status, words);
    }

    /// The program printed nothing and ended with this status, for this reason and no more.
    #[track_caller]
    pub fn failed(&self, status: i32, reason: &str) {
        let stderr = format!("{}: {reason}\n", self.program);
        assert_eq!(
            (self.stdout.as_str(), self.stderr.as_str(), self.status),
            ("", stderr.as_str(), Some(status))
        );
    }

    /// The program printed nothing and ended with this status, for this reason in one line and
    /// then, in indented lines, the circumstances: these lines, and perhaps more.
    #[track_caller]
    pub fn failed_with(&self, status: i32, reason: &str, evidence: &[&str]) {
        let reason = format!("{}: {reason}", self.program);
        let mut lines = self.stderr.lines();
        assert_eq!(
            (self.stdout.as_str(), lines.next(), self.status),
            ("", Some(reason.as_str()), Some(status)),
            "{self:?}"
        );
        let lines: Vec<&str> = lines.collect();
        assert!(lines.iter().all(|line| line.starts_with("  ")), "{self:?}");
        for expected in evidence {
            assert!(lines.contains(expected), "{expected:?} in {self:?}");
        }
    }
}
