//! Redis, whose publish and subscribe is the room's peer.

use std::net::{SocketAddr, TcpStream};
use std::process::Command;

use anyhow::{Context, Result};
use tempfile::TempDir;

use crate::programs::free_ports;
use crate::run::Run;
use crate::servers::{Server, until_eof};

/// A running Redis without persistence.
#[derive(Debug)]
pub struct Redis {
    /// Where it listens.
    pub address: SocketAddr,
    _server: Server,
    // Removed after the server has ended.
    _directory: TempDir,
}

impl Redis {
    /// Starts it where it is installed.
    pub fn start(run: &mut Run) -> Result<Option<Redis>> {
        let Ok(version) = Command::new("redis-server").arg("--version").output() else {
            run.note("Redis is not installed (Debian: apt-get install redis-server): not measured");
            return Ok(None);
        };
        let version = String::from_utf8_lossy(&version.stdout);
        let number = version
            .split_whitespace()
            .find_map(|word| word.strip_prefix("v="));
        run.note(format!(
            "Redis {}: one channel, nothing written to disk",
            number.unwrap_or("of an unknown version")
        ));
        let directory = tempfile::Builder::new().prefix("speed-redis-").tempdir()?;
        let port = free_ports().next().context("no port is free")?;
        let mut command = Command::new("redis-server");
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1"]);
        command.args(["--save", "", "--appendonly", "no", "--loglevel", "warning"]);
        command.args(["--maxclients", "4000", "--tcp-backlog", "4096", "--logfile"]);
        command.arg(directory.path().join("log"));
        command.arg("--dir").arg(directory.path());
        let mut server = Server::start(until_eof(&command))?;
        let address = SocketAddr::from(([127, 0, 0, 1], port));
        server.wait_until(|| TcpStream::connect(address).is_ok())?;
        Ok(Some(Redis {
            address,
            _server: server,
            _directory: directory,
        }))
    }
}
