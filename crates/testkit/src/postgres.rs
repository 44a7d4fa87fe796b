//! A PostgreSQL server of the tests' own, on loopback, which ends with them.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use rustix::process::Signal;
use rustix::process::{Pid, kill_process};
use tempfile::TempDir;

use crate::{requirement, wait_until};

/// Ends a test that has nothing to run because there is no PostgreSQL; else, names the server that
/// the tests of this process share.
#[macro_export]
macro_rules! require_postgres {
    () => {
        match $crate::postgres::shared() {
            Some(server) => server,
            None => return,
        }
    };
}

/// The server that the tests of this process share, where [PostgreSQL is installed](is_there).
pub fn shared() -> Option<&'static Postgres> {
    static SHARED: LazyLock<Option<Postgres>> = LazyLock::new(|| {
        // Nothing of a test need outlast the computer's crash.
        is_there().then(|| Postgres::start(&["fsync=off"]))
    });
    SHARED.as_ref()
}

/// Whether PostgreSQL is installed; see [`requirement::is_met`].
#[track_caller]
pub fn is_there() -> bool {
    requirement::is_met("postgres", PROGRAMS.is_some())
}

/// Where its programs are: Debian has them beside the search path, by version.
static PROGRAMS: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
    let versions = fs::read_dir("/usr/lib/postgresql").into_iter().flatten();
    let mut debian: Vec<_> = versions
        .flatten()
        .map(|version| version.path().join("bin"))
        .collect();
    debian.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut directories = debian.into_iter().rev().chain(std::env::split_paths(&path));
    let has_all = |directory: &PathBuf| {
        let all = ["initdb", "postgres", "psql"];
        all.iter().all(|name| directory.join(name).exists())
    };
    directories.find(has_all)
});

/// A server. Ended when dropped, and when this process ends.
#[derive(Debug)]
pub struct Postgres {
    /// A shell that ends the server when its standard input ends.
    guard: Child,
    /// The port on 127.0.0.1.
    pub port: u16,
    databases: AtomicU32,
    directory: TempDir,
}

impl Postgres {
    /// One of PostgreSQL's programs for people.
    pub fn program(&self, name: &str) -> Command {
        Command::new(PROGRAMS.as_ref().unwrap().join(name))
    }

    /// A new server, with nothing in it, and with these settings.
    pub fn start(settings: &[&str]) -> Postgres {
        Postgres::start_in(tempfile::tempdir().unwrap(), settings)
    }

    /// The same, which offers encryption with a certificate for the name `localhost`, and the file
    /// that has it; `None` where there is no openssl to make it with.
    pub fn start_encrypted() -> Option<(Postgres, PathBuf)> {
        let directory = tempfile::tempdir().unwrap();
        let [certificate, key] = ["server.crt", "server.key"].map(|it| directory.path().join(it));
        let mut openssl = Command::new("openssl");
        openssl
            .args([
                "req",
                "-x509",
                "-nodes",
                "-days",
                "2",
                "-subj",
                "/CN=socketlab",
            ])
            .args(["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
            .args(["-addext", "subjectAltName=DNS:localhost"])
            .args(["-addext", "basicConstraints=critical,CA:FALSE"]);
        openssl
            .arg("-out")
            .arg(&certificate)
            .arg("-keyout")
            .arg(&key);
        let made = openssl.stderr(Stdio::null()).status();
        let is_made = made.is_ok_and(|status| status.success());
        requirement::is_met("openssl", is_made).then(|| {
            let file = |name: &str, path: &Path| format!("{name}={}", path.display());
            let settings = [
                "ssl=on",
                &file("ssl_cert_file", &certificate),
                &file("ssl_key_file", &key),
            ];
            let server = Postgres::start_in(directory, &settings);
            (server, certificate)
        })
    }

    fn start_in(directory: TempDir, settings: &[&str]) -> Postgres {
        let data = directory.path().join("data");
        let shown = directory.path().display().to_string();
        if rustix::process::getuid().is_root() {
            // PostgreSQL refuses to run as root.
            let owned = Command::new("chown")
                .args(["-R", "postgres", &shown])
                .status();
            assert!(owned.unwrap().success());
        }
        let made = program("initdb")
            .args([
                "--no-sync",
                "--no-locale",
                "--auth=trust",
                "--encoding=UTF8",
                "--username=bank",
            ])
            .arg(&data)
            .stdout(Stdio::null())
            .status();
        assert!(made.unwrap().success(), "initdb");
        let port = free_port();
        let mut server = program("postgres");
        server.arg("-D").arg(&data).args(["-p", &port.to_string()]);
        server.args([
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "max_connections=200",
        ]);
        server.args(["-c", "log_min_messages=fatal"]);
        for setting in settings {
            server.args(["-c", setting]);
        }
        server.arg("-c").arg(format!(
            "unix_socket_directories={}",
            directory.path().display()
        ));
        let mut guard = Command::new("sh");
        // Again, until it takes signals.
        let script = "\"$@\" & server=$!; cat; while kill -QUIT $server; do sleep 0.05; done; \
                      rm -rf \"$0\"";
        guard.args(["-c", script, &shown]).arg(server.get_program());
        guard.args(server.get_args()).current_dir(directory.path());
        guard
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let postgres = Postgres {
            guard: guard.spawn().unwrap(),
            port,
            databases: AtomicU32::new(0),
            directory,
        };
        wait_until(|| postgres.try_run("postgres", "SELECT 1").is_ok());
        postgres
    }

    /// The address of a new database, which has nothing in it.
    pub fn database(&self) -> String {
        let number = self.databases.fetch_add(1, Ordering::Relaxed);
        let name = format!("bank_{number}");
        self.run("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// How a database is addressed.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://bank@127.0.0.1:{}/{database}", self.port)
    }

    /// Runs SQL with psql, and gives the fields it finds, a row a line.
    #[track_caller]
    pub fn run(&self, database: &str, sql: &str) -> String {
        self.try_run(database, sql).unwrap()
    }

    fn try_run(&self, database: &str, sql: &str) -> Result<String, String> {
        let (directory, port) = (self.directory.path(), self.port.to_string());
        let ran = self
            .program("psql")
            .args([
                "-X",
                "-q",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "bank",
                "-p",
                &port,
            ])
            .arg("-h")
            .arg(directory)
            .args(["-d", database, "-c", sql])
            .output()
            .unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim_end().to_owned();
        match ran.status.success() {
            true => Ok(text(&ran.stdout)),
            false => Err(text(&ran.stderr)),
        }
    }

    /// Sends a signal to the process that accepts connections, and to those of the connections.
    pub fn signal_all(&self, signal: Signal) {
        let first = fs::read_to_string(self.directory.path().join("data/postmaster.pid")).unwrap();
        let first: i32 = first.lines().next().unwrap().parse().unwrap();
        for pid in children(first).into_iter().chain([first]) {
            let _ = kill_process(Pid::from_raw(pid).unwrap(), signal);
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
    }
}

fn children(parent: i32) -> Vec<i32> {
    let file = format!("/proc/{parent}/task/{parent}/children");
    let list = fs::read_to_string(file).unwrap_or_default();
    list.split_whitespace()
        .map(|pid| pid.parse().unwrap())
        .collect()
}

/// One of PostgreSQL's programs, as the user that Debian makes for it where this is root.
fn program(name: &str) -> Command {
    let file: &Path = &PROGRAMS.as_ref().unwrap().join(name);
    if !rustix::process::getuid().is_root() {
        return Command::new(file);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]);
    command.arg(file);
    command
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}
