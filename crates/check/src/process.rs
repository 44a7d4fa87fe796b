//! A process that a check starts: limited, and ended with all it started.

use std::collections::VecDeque;
use std::fs;
use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use proto::printable::printable;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, kill_process_group, prlimit};
use uuid::Uuid;

/// How often it is looked whether something has happened.
pub const POLL: Duration = Duration::from_millis(5);

/// Bytes of the output that are kept of its end.
const KEPT_END: usize = 8 * 1024;

/// Bytes of the output that are kept of its beginning.
const KEPT_BEGINNING: usize = 1024 * 1024;

/// For the last output of a process that is gone.
const LAST_OUTPUT: Duration = Duration::from_secs(1);

/// The variable that every process of a judged program inherits, by which it is found again.
const MARK: &str = "SOCKETLAB_CHECK";

/// A running process.
#[derive(Debug)]
pub struct Process {
    child: Child,
    mark: String,
    output: Arc<Mutex<Output>>,
    /// Disconnected when the output has ended.
    output_is_open: Receiver<()>,
}

#[derive(Debug, Default)]
struct Output {
    printed: Vec<u8>,
    complained: Vec<u8>,
    /// The end of both.
    last: VecDeque<u8>,
}

#[derive(Debug, Clone, Copy)]
enum Stream {
    Output,
    Error,
}

impl Process {
    /// Starts it, with so much memory for each of its processes.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn start(mut command: Command, memory: Option<u64>) -> io::Result<Process> {
        let mark = Uuid::new_v4().to_string();
        command
            .env(MARK, &mark)
            // What Python prints is seen at once.
            .env("PYTHONUNBUFFERED", "1")
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        // A group of its own, to be ended as a whole, and out of reach of this terminal's Ctrl-C.
        std::os::unix::process::CommandExt::process_group(&mut command, 0);
        let mut child = command.spawn()?;
        if let Some(memory) = memory {
            let most = Rlimit {
                current: Some(memory),
                maximum: Some(memory),
            };
            // Of a program that has ended already there is nothing to limit.
            let _ = prlimit(Some(Pid::from_child(&child)), Resource::As, most);
        }
        let output = Arc::default();
        let (is_open, output_is_open) = channel();
        if let Some(stdout) = child.stdout.take() {
            keep(stdout, Stream::Output, Arc::clone(&output), is_open.clone());
        }
        if let Some(stderr) = child.stderr.take() {
            keep(stderr, Stream::Error, Arc::clone(&output), is_open);
        }
        Ok(Process {
            child,
            mark,
            output,
            output_is_open,
        })
    }

    /// Types this. That a process does not read it is no error.
    pub fn type_in(&mut self, text: &str) {
        if let Some(input) = &mut self.child.stdin {
            let _ = input.write_all(text.as_bytes());
        }
    }

    /// Types this, and then ends the input, while the process goes on.
    pub fn type_last(&mut self, text: String) {
        if let Some(mut input) = self.child.stdin.take() {
            thread::spawn(move || {
                let _ = input.write_all(text.as_bytes());
            });
        }
    }

    /// How it has ended, if it has.
    ///
    /// # Errors
    /// What the operating system says.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// How it has ended by then, if it has.
    pub fn wait(&mut self, by: Instant) -> Option<ExitStatus> {
        loop {
            match self.ended() {
                Ok(None) if Instant::now() < by => thread::sleep(POLL),
                Ok(status) => return status,
                Err(_) => return None,
            }
        }
    }

    /// Ends it at once, and every process that it has started.
    pub fn kill(&mut self) {
        if !matches!(self.ended(), Ok(Some(_))) {
            let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
        // One that left the group may be starting others.
        while kill_marked(&self.mark) {}
    }

    /// The beginning of what it has printed; all of it, once it was killed or has ended.
    pub fn printed(&self) -> String {
        String::from_utf8_lossy(&self.output().printed).into_owned()
    }

    /// The beginning of what it has printed on standard error.
    pub fn complained(&self) -> String {
        String::from_utf8_lossy(&self.output().complained).into_owned()
    }

    /// Waits until there is no more output, of a process that has ended.
    pub fn wait_for_output(&self) {
        let _ = self.output_is_open.recv_timeout(LAST_OUTPUT);
    }

    /// The end of what it has printed, each line indented, or nothing; safe to be shown.
    pub fn said(&self) -> String {
        let bytes: Vec<u8> = self.output().last.iter().copied().collect();
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        let last = &lines[lines.len().saturating_sub(12)..];
        let shown = last.iter().map(|line| format!("\n    {}", printable(line)));
        shown.collect()
    }

    fn output(&self) -> MutexGuard<'_, Output> {
        self.output.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Keeps what comes from here, in a thread of its own.
fn keep(
    mut source: impl Read + Send + 'static,
    stream: Stream,
    output: Arc<Mutex<Output>>,
    is_open: Sender<()>,
) {
    thread::spawn(move || {
        let mut piece = [0; 4096];
        while let Ok(length @ 1..) = source.read(&mut piece) {
            let piece = &piece[..length];
            let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
            output.last.extend(piece);
            let surplus = output.last.len().saturating_sub(KEPT_END);
            output.last.drain(..surplus);
            let whole = match stream {
                Stream::Output => &mut output.printed,
                Stream::Error => &mut output.complained,
            };
            let room = KEPT_BEGINNING.saturating_sub(whole.len());
            whole.extend(&piece[..length.min(room)]);
        }
        drop(is_open);
    });
}

/// Kills the processes that carry this mark; whether there was one.
fn kill_marked(mark: &str) -> bool {
    let variable = format!("{MARK}={mark}");
    let Ok(processes) = fs::read_dir("/proc") else {
        return false;
    };
    let mut was_there = false;
    for process in processes.flatten() {
        let name = process.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        if carries(&process.path(), &variable)
            && let Some(pid) = Pid::from_raw(pid)
        {
            was_there |= kill_process(pid, Signal::KILL).is_ok();
        }
    }
    was_there
}

fn carries(process: &Path, variable: &str) -> bool {
    let environment = fs::read(process.join("environ")).unwrap_or_default();
    let mut variables = environment.split(|byte| *byte == 0);
    variables.any(|it| it == variable.as_bytes())
}

/// How a process has ended, in words.
pub fn how(status: ExitStatus) -> String {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("exit status {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => status.to_string(),
    }
}
