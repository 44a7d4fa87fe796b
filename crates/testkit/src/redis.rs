//! A real Redis, with a directory of its own.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU16, Ordering};

use tempfile::TempDir;

use crate::peer::with_timeouts;
use crate::process::{Process, Program, Signal};
use crate::{requirement, wait_until};

/// Ends a test that has nothing to run on because there is no Redis.
#[macro_export]
macro_rules! require_redis {
    () => {
        if !$crate::redis::is_there() {
            return;
        }
    };
}

/// Whether there is a Redis; see [`requirement::is_met`].
#[track_caller]
pub fn is_there() -> bool {
    requirement::is_met("redis", requirement::is_installed("redis-server"))
}

/// A Redis, or a Sentinel. Killed when dropped.
#[derive(Debug)]
pub struct Redis {
    process: Option<Process>,
    port: u16,
    directory: TempDir,
    options: Vec<String>,
}

impl Redis {
    /// Starts one that forgets nothing when it is killed and started again.
    #[track_caller]
    pub fn start() -> Redis {
        Redis::start_with(&[])
    }

    /// Starts one with these options besides, as `--maxmemory 1mb`.
    #[track_caller]
    pub fn start_with(options: &[&str]) -> Redis {
        // What is written survives the process, if not the machine: the disk is not waited for.
        let mut all = vec!["--save", "", "--appendonly", "yes"];
        all.extend(["--appendfsync", "no"]);
        all.extend(options);
        Redis::started(&all)
    }

    /// Starts one that watches this one under the name `room`, and replaces it soon after its end.
    #[track_caller]
    pub fn start_sentinel(master: &Redis) -> Redis {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("sentinel.conf");
        let port = master.port;
        let watched = format!(
            "sentinel monitor room 127.0.0.1 {port} 1\n\
             sentinel down-after-milliseconds room 400\n\
             sentinel failover-timeout room 5000\n"
        );
        std::fs::write(&file, watched).unwrap();
        let file = file.to_str().unwrap().to_owned();
        Redis::started_in(directory, &[&file, "--sentinel"])
    }

    fn started(options: &[&str]) -> Redis {
        Redis::started_in(tempfile::tempdir().unwrap(), options)
    }

    fn started_in(directory: TempDir, options: &[&str]) -> Redis {
        let mut redis = Redis {
            process: None,
            port: free_port(),
            directory,
            options: options.iter().map(|&option| option.to_owned()).collect(),
        };
        redis.start_again();
        redis
    }

    /// Starts it again, on its port and with its data, and waits until it answers.
    #[track_caller]
    pub fn start_again(&mut self) {
        self.begin_again();
        wait_until(|| {
            let answer = self.try_call("PING");
            answer.is_some_and(|it| it.starts_with("+PONG") || it.starts_with("-NOAUTH"))
        });
    }

    fn begin_again(&mut self) {
        let port = self.port.to_string();
        let directory = self.directory.path().to_str().unwrap();
        let options: Vec<&str> = self.options.iter().map(String::as_str).collect();
        // A configuration file comes first.
        let program = Program::at_home("redis-server", self.directory.path())
            .with(&options)
            .with(&["--port", &port, "--bind", "127.0.0.1", "--dir", directory]);
        self.process = Some(program.start());
    }

    /// Ends it as a power failure does.
    pub fn kill(&mut self) {
        if let Some(process) = self.process.take() {
            process.kill();
        }
    }

    /// Its data as they are now.
    pub fn copy(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        copy_files(&self.data(), copy.path());
        copy
    }

    /// Starts it again with these data instead, as when a replica takes its place that did not have
    /// everything.
    #[track_caller]
    pub fn go_back_to(&mut self, copy: &TempDir) {
        self.kill();
        copy_files(copy.path(), &self.data());
        self.start_again();
    }

    fn data(&self) -> PathBuf {
        self.directory.path().join("appendonlydir")
    }

    /// Sends it a signal.
    pub fn signal(&self, signal: Signal) {
        self.process.as_ref().unwrap().signal(signal);
    }

    /// Its address.
    pub fn address(&self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.port))
    }

    /// Its address, as a URL.
    pub fn url(&self) -> String {
        format!("redis://{}", self.address())
    }

    /// What it answers to a command, in its protocol.
    #[track_caller]
    pub fn call(&self, command: &str) -> String {
        self.try_call(command).unwrap()
    }

    /// Breaks all connections to it; but the one that asks for that.
    #[track_caller]
    pub fn break_connections(&self) {
        let answer = self.call("CLIENT KILL TYPE normal");
        assert!(answer.starts_with(':'), "{answer}");
    }

    /// The same; `None` when it is away, or breaks the connection, as it does with all when it takes
    /// the place of its master.
    pub fn try_call(&self, command: &str) -> Option<String> {
        let stream = TcpStream::connect(self.address()).ok()?;
        let mut stream = with_timeouts(stream);
        write!(stream, "{command}\r\n").ok()?;
        stream.shutdown(Shutdown::Write).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        Some(answer)
    }
}

fn copy_files(from: &Path, to: &Path) {
    for file in std::fs::read_dir(from).unwrap() {
        let file = file.unwrap();
        std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
    }
}

/// A port below those that the system gives away, so that nothing takes it while a Redis is started
/// again.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    const PORTS: u16 = 10_000;
    let own = u16::try_from(std::process::id() % u32::from(PORTS)).unwrap();
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (own.wrapping_mul(37).wrapping_add(next)) % PORTS;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}
