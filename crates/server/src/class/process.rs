//! The process of one group: started, listened to, and ended.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};

use crate::log::Log;

/// Bytes of a line that are read at once; the server writes no longer ones.
const MAX_LINE: u64 = 64 * 1024;

/// The stack of a thread that passes lines on, in bytes.
const STACK_SIZE: usize = 128 * 1024;

/// What a process does by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    /// It listens on all its sockets.
    Listens,
    /// It has ended, or is about to.
    Ended,
}

/// How a process is started.
pub struct Start<'a> {
    /// The group's name, which begins each line of the log.
    pub name: &'a str,
    /// The command line, without the program.
    pub arguments: &'a [OsString],
    /// How many sockets it is to listen on.
    pub sockets: usize,
    /// The file of its log.
    pub log_file: &'a Path,
    /// The log of this process, where its lines are shown.
    pub log: &'a Log,
}

/// A process that was started. It ends when this is dropped, also when this program is killed: its
/// standard input ends.
pub struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    last_line: Arc<Mutex<String>>,
}

impl Process {
    /// Starts it. What it does is told by `tell`, in a thread for each of its outputs.
    pub fn start(
        start: &Start<'_>,
        tell: impl Fn(Sign) + Send + Clone + 'static,
    ) -> io::Result<Process> {
        let mut log_file = state::open(start.log_file)?.file;
        io::Seek::seek(&mut log_file, io::SeekFrom::End(0))?;
        let mut child = Command::new(std::env::current_exe()?)
            .args(start.arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // Ctrl-C in a terminal is for the supervisor, which ends all of them.
            .process_group(0)
            .spawn()?;
        let mut process = Process {
            stdin: child.stdin.take(),
            last_line: Arc::default(),
            child,
        };
        let (stdout, stderr) = (process.child.stdout.take(), process.child.stderr.take());
        if let (Some(stdout), Some(stderr)) = (stdout, stderr) {
            let (sockets, tell_of_sockets) = (start.sockets, tell.clone());
            reader("ready")
                .spawn(move || wait_for_sockets(stdout, sockets, || tell_of_sockets(Sign::Listens)))
                .inspect_err(|_| process.kill())?;
            let (name, log) = (start.name.to_owned(), start.log.clone());
            let last_line = Arc::clone(&process.last_line);
            let pass_on = move || {
                pass_on(stderr, &name, &mut log_file, &log, &last_line);
                tell(Sign::Ended);
            };
            reader("group log")
                .spawn(pass_on)
                .inspect_err(|_| process.kill())?;
        }
        Ok(process)
    }

    /// Its number.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// The last line of its log: why it ended, if it says so.
    pub fn last_line(&self) -> String {
        let last_line = self.last_line.lock();
        last_line.unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Lets its conversations end, and then ends it.
    pub fn end_input(&mut self) {
        self.stdin = None;
    }

    /// Ends it without waiting for conversations, if it was told to end before.
    pub fn terminate(&self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
    }

    /// Waits until it has ended: to be called when it is about to.
    pub fn wait(&mut self) -> io::Result<ExitStatus> {
        self.stdin = None;
        self.child.wait()
    }
}

fn reader(name: &str) -> thread::Builder {
    let builder = thread::Builder::new().stack_size(STACK_SIZE);
    builder.name(name.into())
}

/// Reads the ready lines, and then whatever comes.
fn wait_for_sockets(stdout: ChildStdout, sockets: usize, listens: impl FnOnce()) {
    let mut stdout = BufReader::new(stdout);
    let mut line = Vec::new();
    let mut listening = 0;
    while listening < sockets {
        line.clear();
        match (&mut stdout).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => listening += usize::from(line.starts_with(b"listening ")),
        }
    }
    listens();
    let _ = io::copy(&mut stdout, &mut io::sink());
}

/// Passes each line of the log on, until there are no more.
fn pass_on(stderr: ChildStderr, name: &str, file: &mut File, log: &Log, last_line: &Mutex<String>) {
    let mut stderr = BufReader::new(stderr);
    let mut line = Vec::new();
    let mut is_written = true;
    loop {
        line.clear();
        match (&mut stderr).take(MAX_LINE).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
        if let (true, Err(error)) = (is_written, file.write_all(&line)) {
            is_written = false;
            tracing::warn!(group = name, %error, "the log's file cannot be written");
        }
        let text = String::from_utf8_lossy(line.trim_ascii_end());
        log.say(format_args!("{name} {text}"));
        *last_line.lock().unwrap_or_else(PoisonError::into_inner) = text.into_owned();
    }
}
