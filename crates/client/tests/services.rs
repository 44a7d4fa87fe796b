//! The server that the client under test talks to, in this process.

use std::net::SocketAddr;
use std::thread::JoinHandle;

use proto::mode::Mode;
use server::{Config, Role, Server, Stopper};

/// One service on a free port, stopped when dropped.
pub struct Service {
    address: SocketAddr,
    stopper: Stopper,
    thread: Option<JoinHandle<()>>,
}

/// Starts a service as `labserver --mode MODE` does, but for the port, and a ledger in memory.
pub fn start(mode: Mode) -> Service {
    start_with(mode, Config::default())
}

/// Starts a service with these settings.
pub fn start_with(mode: Mode, config: Config) -> Service {
    let server = Server::bind(Config {
        role: Role::Services(vec![mode]),
        port: Some(0),
        ..config
    })
    .unwrap();
    let (address, stopper) = (server.addresses()[0].2, server.stopper());
    Service {
        address,
        stopper,
        thread: Some(std::thread::spawn(move || server.run())),
    }
}

impl Service {
    /// What `--server` is to be.
    pub fn address(&self) -> String {
        self.address.to_string()
    }

    /// Waits until nothing listens there any more.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            self.end();
        }
    }
}
