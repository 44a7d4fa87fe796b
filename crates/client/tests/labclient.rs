//! The program under test, as a process that is given its input and ends.

use std::io::{BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::Duration;

use tempfile::TempDir;

/// Far longer than anything here takes: a test that meets it has failed.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A `labclient` that was not started yet.
pub struct Labclient {
    command: Command,
    // What it keeps, it keeps where no other test sees it.
    home: TempDir,
}

/// A `labclient` that runs. Killed when dropped.
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    _home: TempDir,
}

/// How it ended, and all it said.
#[derive(Debug, PartialEq, Eq)]
pub struct Ended {
    pub status: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

/// `labclient` with these arguments.
pub fn labclient(arguments: &[&str]) -> Labclient {
    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_labclient"));
    command
        .args(arguments)
        .env("HOME", home.path())
        .env("XDG_STATE_HOME", home.path())
        .env("USER", "student")
        .env_remove("LABCLIENT_PIN")
        .env_remove("LABCLIENT_SERVER")
        .current_dir(home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    Labclient { command, home }
}

impl Labclient {
    /// Adds `--server`.
    pub fn at(mut self, server: &str) -> Labclient {
        self.command.args(["--server", server]);
        self
    }

    /// Adds more arguments.
    pub fn with(mut self, arguments: &[&str]) -> Labclient {
        self.command.args(arguments);
        self
    }

    /// Sets LABCLIENT_PIN.
    pub fn pin(mut self, pin: &str) -> Labclient {
        self.command.env("LABCLIENT_PIN", pin);
        self
    }

    /// Puts a file where it runs.
    pub fn beside(self, file: &str, text: &str) -> Labclient {
        std::fs::write(self.home.path().join(file), text).unwrap();
        self
    }

    /// Gives the command to who needs it otherwise.
    pub fn adjust(mut self, adjust: impl FnOnce(&mut Command) -> &mut Command) -> Labclient {
        adjust(&mut self.command);
        self
    }

    /// Runs it to its end without input.
    pub fn run(self) -> Ended {
        self.run_with("")
    }

    /// Runs it to its end with this on its standard input.
    pub fn run_with(self, input: impl AsRef<[u8]>) -> Ended {
        let mut running = self.start();
        let input = input.as_ref().to_vec();
        let stdin = running.stdin.take();
        // On a thread of its own: neither side waits for the other to read.
        let writing = stdin.map(|mut stdin| thread::spawn(move || stdin.write_all(&input)));
        let ended = running.end();
        // A program that has ended need not have read all of it.
        writing.map(thread::JoinHandle::join);
        ended
    }

    pub fn start(mut self) -> Running {
        let mut child = self.command.spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
        Running {
            stdin: child.stdin.take(),
            stdout: stdout.map_or_else(|| lines(std::io::empty()), lines),
            stderr: stderr.map_or_else(|| lines(std::io::empty()), lines),
            child,
            _home: self.home,
        }
    }
}

impl Running {
    /// Writes one line to its standard input.
    pub fn say(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().unwrap();
        writeln!(stdin, "{line}").unwrap();
    }

    /// Writes one line, and waits for the next of its standard output.
    pub fn ask(&mut self, line: &str) -> String {
        self.say(line);
        self.stdout.recv_timeout(PATIENCE).unwrap()
    }

    /// The next line of its standard output.
    pub fn next_line(&self) -> String {
        self.stdout.recv_timeout(PATIENCE).unwrap()
    }

    /// The lines of its standard output that have come and were not taken yet.
    pub fn lines_so_far(&self) -> impl Iterator<Item = String> {
        self.stdout.try_iter()
    }

    /// Sends it this signal, such as `TERM`.
    #[cfg(unix)]
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("kill")
            .args([&format!("-{name}"), &id])
            .status();
        assert!(sent.unwrap().success());
    }

    /// Ends its input, and waits until it has ended.
    pub fn end(mut self) -> Ended {
        self.stdin = None;
        self.end_by_itself()
    }

    /// Waits until it has ended, while its input is still open.
    pub fn end_by_itself(mut self) -> Ended {
        let (stdout, stderr) = (to_the_end(&self.stdout), to_the_end(&self.stderr));
        // It has ended, or is about to, once it has closed both outputs.
        let status = self.child.wait().unwrap().code();
        Ended {
            status,
            stdout,
            stderr,
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Ended {
    /// The program ended well, having printed this and said nothing.
    #[track_caller]
    pub fn printed(&self, stdout: &str) {
        assert_eq!(
            (self.stdout.as_str(), self.stderr.as_str(), self.status),
            (stdout, "", Some(0))
        );
    }

    /// The program printed nothing and ended with this status, saying this and no more.
    #[track_caller]
    pub fn failed(&self, status: i32, words: &str) {
        assert_eq!(
            (self.stdout.as_str(), self.stderr.as_str(), self.status),
            ("", format!("labclient: {words}\n").as_str(), Some(status))
        );
    }
}

impl Ended {
    /// The program printed nothing and ended with this status, saying these words in one line and
    /// then, in indented lines, what was going on: these lines, and perhaps more.
    #[track_caller]
    pub fn failed_with(&self, status: i32, words: &str, evidence: &[&str]) {
        let mut lines = self.stderr.lines();
        assert_eq!(
            (self.stdout.as_str(), lines.next(), self.status),
            (
                "",
                Some(format!("labclient: {words}").as_str()),
                Some(status)
            ),
            "{self:?}"
        );
        let lines: Vec<&str> = lines.collect();
        assert!(lines.iter().all(|line| line.starts_with("  ")), "{self:?}");
        for expected in evidence {
            assert!(lines.contains(expected), "{expected:?} in {self:?}");
        }
    }
}

/// The lines of an output, with their ends, read as they come.
pub fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, told) = channel();
    thread::spawn(move || {
        let mut output = BufReader::new(output);
        loop {
            let mut line = Vec::new();
            match output.read_until(b'\n', &mut line) {
                Ok(1..) => {}
                Ok(0) | Err(_) => return,
            }
            if tell.send(String::from_utf8(line).unwrap()).is_err() {
                return;
            }
        }
    });
    told
}

fn to_the_end(lines: &Receiver<String>) -> String {
    let mut all = String::new();
    loop {
        match lines.recv_timeout(PATIENCE) {
            Ok(line) => all.push_str(&line),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => return all,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => panic!("still running: {all}"),
        }
    }
}
