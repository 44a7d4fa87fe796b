//! Our own server, which a judged client is given.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use proto::mode::Mode;

use super::by_hand::Hand;
use super::{Client, Recorded};
use crate::dialect::Dialect;
use crate::process::{POLL, Process};
use crate::program::Program;
use crate::verdict::Failure;

/// For it to say where it listens, and to end.
const TIMEOUT: Duration = Duration::from_secs(20);

/// A `labserver` as another process, which records what the client says.
#[derive(Debug)]
pub struct OwnServer {
    process: Process,
    /// Where it listens.
    pub address: SocketAddr,
    recording: PathBuf,
    by: Instant,
    /// What the client speaks.
    dialect: Dialect,
    /// Who starts the client by hand, and may take their time.
    hand: Option<Hand>,
    /// What it relays to, where it is a proxy before a program that ends with it.
    _relayed: Option<Program>,
}

impl OwnServer {
    pub(super) fn start(
        labserver: &Path,
        role: &[&str],
        client: &Client,
        recording: PathBuf,
        port: u16,
    ) -> Result<OwnServer, Failure> {
        let mut command = Command::new(labserver);
        command
            .args(role)
            .args(["--port", &port.to_string(), "--until-eof", "-q"])
            // The words of a hand-out are compared to their last byte, and no PIN here is a secret.
            .args(["--record-secrets", "--record"])
            .arg(&recording)
            .env("XDG_STATE_HOME", client.path("server"))
            .stdin(Stdio::piped());
        // A script that is played in place of a service says its own.
        let is_service = matches!(client.dialect, Dialect::Service(_));
        let plays_script = is_service && role.contains(&"script");
        if !plays_script && !role.contains(&"--handout") {
            command.args(["--wire", client.framing.name()]);
        }
        if client.mode == Mode::Atm {
            command.arg("--ledger").arg(client.path("bank.db"));
        }
        let process = Process::start(command, None);
        let process =
            process.map_err(|error| Failure::Undecided(format!("no labserver: {error}")))?;
        let mut server = OwnServer {
            process,
            address: (std::net::Ipv4Addr::LOCALHOST, port).into(),
            recording,
            by: client.by,
            dialect: client.dialect.clone(),
            hand: client.command.hand.clone(),
            _relayed: None,
        };
        let transport = client.command.transport.name();
        let by = Instant::now() + TIMEOUT;
        loop {
            let printed = server.process.printed();
            let mut lines = printed.lines().filter_map(|line| {
                let (what, address) = line.strip_prefix("listening ")?.rsplit_once(' ')?;
                what.ends_with(transport).then(|| address.parse().ok())?
            });
            if let Some(address) = lines.next() {
                server.address = address;
                return Ok(server);
            }
            if Instant::now() >= by || !matches!(server.process.ended(), Ok(None)) {
                server.process.wait_for_output();
                let said = server.process.said();
                return Err(Failure::Undecided(format!(
                    "labserver did not start:{said}"
                )));
            }
            thread::sleep(POLL);
        }
    }

    /// As a proxy, which ends together with this program.
    pub(super) fn before(self, program: Program) -> OwnServer {
        OwnServer {
            _relayed: Some(program),
            ..self
        }
    }

    /// What it has recorded so far.
    pub fn recorded(&self) -> Result<Recorded, Failure> {
        Recorded::read(&self.recording)
    }

    /// Whether a client has asked it so much, as far as that can be known, and has gone.
    pub(super) fn has_served(&self, requests: usize) -> Result<bool, Failure> {
        let recorded = self.recorded()?;
        let is_request = |text: &&&str| **text != "QUIT" && !text.starts_with("HELLO ");
        let asked = recorded.requests().iter().filter(is_request).count();
        // Elsewhere a request is several messages, or its end is not seen.
        let is_counted = matches!(
            self.dialect,
            Dialect::Service(Mode::Text | Mode::Calc | Mode::Echo)
        );
        Ok(is_counted && asked >= requests && recorded.is_over())
    }

    /// Waits until it has recorded something of which this is true, for at most so long.
    pub fn has_recorded(
        &self,
        most: Duration,
        is_true: impl Fn(&Recorded) -> bool,
    ) -> Result<bool, Failure> {
        let by = match self.hand {
            Some(_) => self.by,
            None => self.by.min(Instant::now() + most),
        };
        loop {
            if let Some(hand) = &self.hand {
                hand.goes_on()?;
            }
            if is_true(&self.recorded()?) {
                return Ok(true);
            }
            if Instant::now() >= by {
                return Ok(false);
            }
            thread::sleep(POLL);
        }
    }

    /// Kills it, as the loss of power would.
    pub fn kill(&mut self) {
        self.process.kill();
    }

    /// Stops it in order, so that all is recorded; what it has recorded.
    pub fn stop(&mut self) -> Result<Recorded, Failure> {
        self.process.type_last(String::new());
        if self.process.wait(Instant::now() + TIMEOUT).is_none() {
            return Err(Failure::Undecided("labserver did not stop".into()));
        }
        self.recorded()
    }

    /// Its port and its recording, for the next one.
    pub(super) fn place(&self) -> (u16, PathBuf) {
        (self.address.port(), self.recording.clone())
    }
}
