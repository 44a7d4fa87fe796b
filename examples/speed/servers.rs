//! Programs that serve while they are measured. Each is ended when dropped, and ends itself when
//! this process is gone: its standard input, of which only this process holds the other end, ends.

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::floor::Floor;
use crate::interrupt;
use crate::programs::Programs;

/// The longest time that a program takes to serve.
const START: Duration = Duration::from_secs(60);

/// The longest time that a program takes to end.
const END: Duration = Duration::from_secs(10);

/// The same after Ctrl-C, when nothing that it has is wanted any more.
const INTERRUPTED_END: Duration = Duration::from_secs(1);

/// The interval between two looks at a program.
const LOOK: Duration = Duration::from_millis(5);

/// The script of a shell that runs a program until its own standard input ends.
const UNTIL_EOF: &str = r#""$0" "$@" & child=$!; read -r _; kill $child; wait $child"#;

/// This program, run by a shell until the shell's standard input ends.
pub fn until_eof(program: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", UNTIL_EOF]);
    shell.arg(program.get_program()).args(program.get_args());
    shell
}

/// A program that serves.
#[derive(Debug)]
pub struct Server {
    child: Child,
    stdin: Option<ChildStdin>,
    name: String,
}

impl Server {
    /// Starts a program that ends when its standard input does.
    pub fn start(mut command: Command) -> Result<Server> {
        let name = command.get_program().to_string_lossy().into_owned();
        let mut child = command
            .stdin(Stdio::piped())
            // Ctrl-C is for this process, which then ends the others.
            .process_group(0)
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let stdin = child.stdin.take();
        Ok(Server { child, stdin, name })
    }

    /// Its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Waits until this is true; an error if the program ends before.
    pub fn wait_until(&mut self, mut is_true: impl FnMut() -> bool) -> Result<()> {
        let deadline = Instant::now() + START;
        while !is_true() {
            interrupt::check()?;
            if let Some(status) = self.child.try_wait()? {
                bail!("{} has ended: {status}", self.name);
            }
            ensure!(Instant::now() < deadline, "{} does not serve", self.name);
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stdin.take());
        let patience = match interrupt::is_requested() {
            true => INTERRUPTED_END,
            false => END,
        };
        let deadline = Instant::now() + patience;
        while matches!(self.child.try_wait(), Ok(None)) {
            if Instant::now() >= deadline {
                let group = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
                // It may have ended by now.
                let _ = group.map(|group| kill_process_group(group, Signal::KILL));
                let _ = self.child.wait();
                return;
            }
            thread::sleep(LOOK);
        }
    }
}

/// A program that prints a line for each socket on which it listens, as `labserver` does.
#[derive(Debug)]
pub struct Listening {
    server: Server,
    /// Where it listens.
    pub address: SocketAddr,
}

impl Listening {
    /// Starts it and waits until it listens over this transport.
    fn start(mut command: Command, transport: &str) -> Result<Listening> {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut server = Server::start(command)?;
        let lines = lines(server.child.stdout.take().context("no standard output")?);
        let deadline = Instant::now() + START;
        loop {
            interrupt::check()?;
            match lines.recv_timeout(LOOK) {
                Ok(line) => {
                    let words: Vec<&str> = line.split_whitespace().collect();
                    if let ["listening", _, over, address] = words[..]
                        && over == transport
                    {
                        let address = address.parse()?;
                        return Ok(Listening { server, address });
                    }
                }
                Err(RecvTimeoutError::Timeout) => {
                    ensure!(Instant::now() < deadline, "{} is silent", server.name);
                }
                Err(RecvTimeoutError::Disconnected) => {
                    let mut why = String::new();
                    if let Some(mut stderr) = server.child.stderr.take() {
                        stderr.read_to_string(&mut why)?;
                    }
                    bail!("{} does not listen: {}", server.name, why.trim());
                }
            }
        }
    }

    /// Starts `labserver` with these arguments, on a free port, logging errors only.
    pub fn labserver<A: AsRef<OsStr>>(
        programs: &Programs,
        transport: &str,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Listening> {
        let mut command = programs.command("labserver");
        command.args(["--port", "0", "-qq", "--until-eof"]);
        command.args(arguments);
        Listening::start(command, transport)
    }

    /// Starts a bare server as another process.
    pub fn floor(floor: Floor) -> Result<Listening> {
        Listening::floor_in(floor, Path::new("."))
    }

    /// Starts a bare server as another process, in this directory.
    pub fn floor_in(floor: Floor, directory: &Path) -> Result<Listening> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["--floor", floor.name()]);
        command.current_dir(directory);
        Listening::start(command, floor.transport())
    }

    /// Its resident memory, in KiB.
    pub fn memory(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.server.id()))?;
        field(&status, "VmRSS:").context("no VmRSS in /proc")
    }

    /// How often its threads have gone to sleep.
    pub fn sleeps(&self) -> Result<f64> {
        let mut sum = 0.0;
        for task in fs::read_dir(format!("/proc/{}/task", self.server.id()))? {
            let status = fs::read_to_string(task?.path().join("status"))?;
            sum += field(&status, "voluntary_ctxt_switches:").context("no count in /proc")?;
        }
        Ok(sum)
    }
}

/// Runs a program to its end, and returns what it prints; an error if it fails.
pub fn output_of(mut command: Command) -> Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .with_context(|| format!("{name} cannot be started"))?;
    // None of the programs prints more than a pipe holds.
    while child.try_wait()?.is_none() {
        if interrupt::is_requested() {
            child.kill()?;
        }
        thread::sleep(LOOK);
    }
    let ended = child.wait_with_output()?;
    interrupt::check()?;
    ensure!(
        ended.status.success(),
        "{name}: {}",
        String::from_utf8_lossy(&ended.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&ended.stdout).into_owned())
}

fn field(status: &str, name: &str) -> Option<f64> {
    let rest = status.lines().find_map(|line| line.strip_prefix(name))?;
    rest.split_whitespace().next()?.parse().ok()
}

/// The lines of this output. Those that nobody wants are read too, so that the program does not
/// wait for that.
fn lines(output: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            let _ = sender.send(line);
        }
    });
    receiver
}
