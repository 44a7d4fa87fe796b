//! A server of `examples/python`, as a process that is always ended.

use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::mpsc::Receiver;

use proto::frame::Framing;
use tempfile::TempDir;
use wire::connection::Connection;
use wire::limits::Limits;

use crate::labclient::{PATIENCE, lines};

const EXAMPLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/python/");

/// Whether there is a Python that can run the examples. Where there is none, a test has nothing to
/// run, and that is said where nobody captures it; with SOCKETLAB_REQUIRE_PYTHON it has failed.
pub fn python() -> bool {
    static IS_THERE: LazyLock<bool> = LazyLock::new(|| {
        let mut python = Command::new("python3");
        python.args(["-c", "import sys; sys.exit(sys.version_info < (3, 10))"]);
        python.status().is_ok_and(|status| status.success())
    });
    if !*IS_THERE {
        let is_required = std::env::var_os("SOCKETLAB_REQUIRE_PYTHON").is_some();
        assert!(!is_required, "no python3 of version 3.10 or newer");
        let test = std::thread::current().name().unwrap_or_default().to_owned();
        // Not with a macro, whose output is captured.
        let notice = format!("SKIPPED {test}: no python3 of version 3.10 or newer\n");
        let _ = std::io::stderr().write_all(notice.as_bytes());
    }
    *IS_THERE
}

/// One that runs. Killed when dropped.
pub struct Server {
    child: Child,
    /// Its first lines, which say where it listens.
    listening: Vec<String>,
    stderr: Receiver<String>,
    _home: Option<TempDir>,
}

/// Starts one on a free port, in a directory of its own, and waits until it is ready.
pub fn server(file: &str, arguments: &[&str]) -> Server {
    let home = tempfile::tempdir().unwrap();
    let mut server = server_in(home.path(), file, arguments);
    server._home = Some(home);
    server
}

/// Starts one in this directory, on a free port unless the arguments name one.
pub fn server_in(home: &Path, file: &str, arguments: &[&str]) -> Server {
    let port: &[&str] = match arguments.contains(&"--port") {
        true => &[],
        false => &["--port", "0"],
    };
    let mut command = Command::new("python3");
    command
        .arg(format!("{EXAMPLES}{file}"))
        .args(arguments)
        .args(port)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .current_dir(home)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let stdout = lines(child.stdout.take().unwrap());
    let sockets = if file == "echo_server.py" { 2 } else { 1 };
    let mut server = Server {
        stderr: lines(child.stderr.take().unwrap()),
        child,
        listening: Vec::new(),
        _home: None,
    };
    for _ in 0..sockets {
        let line = stdout.recv_timeout(PATIENCE);
        let line = line.unwrap_or_else(|_| panic!("{file}: {}", server.said()));
        server.listening.push(line);
    }
    server
}

impl Server {
    /// Where it says that it listens: `"text tcp"`.
    pub fn address(&self, service: &str) -> String {
        let start = format!("listening {service} ");
        let mut said = self.listening.iter();
        let address = said.find_map(|line| line.strip_prefix(&start));
        let address = address.unwrap_or_else(|| panic!("not {start}: {:?}", self.listening));
        address.trim_end().to_owned()
    }

    /// A bare connection, which fails rather than waits for ever.
    pub fn connect(&self, service: &str) -> TcpStream {
        let stream = TcpStream::connect(self.address(service)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A framed connection.
    pub fn converse(&self, service: &str) -> Connection {
        let stream = self.connect(service);
        Connection::new(stream, Framing::Netstring, Limits::CLIENT).unwrap()
    }

    /// Ends it as a power failure does, and gives what it complained about.
    pub fn kill(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let mut all = String::new();
        while let Ok(line) = self.stderr.recv_timeout(PATIENCE) {
            all += &line;
        }
        all
    }

    /// What it has said on standard error and nobody has taken yet.
    fn said(&self) -> String {
        self.stderr.try_iter().collect()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends these bytes and no more, and reads whatever comes until the server closes.
pub fn pour(stream: &mut TcpStream, bytes: &[u8]) {
    // A server may have closed, or reset, before it has taken them all.
    let _ = stream.write_all(bytes);
    let _ = stream.shutdown(Shutdown::Write);
    let _ = std::io::copy(stream, &mut std::io::sink());
}
