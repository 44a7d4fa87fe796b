//! The cluster of `examples/cluster` as what is disturbed: one bank on three PostgreSQL servers,
//! behind three labservers.

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use server::ledger::Place;

/// The longest wait for all to be as after the start: a server that comes back may have to copy the
/// whole database.
const SOUND: Duration = Duration::from_secs(180);

/// The longest wait for another server to lead.
const ELECTION: Duration = Duration::from_secs(60);

/// From one look to the next.
const LOOK: Duration = Duration::from_millis(20);

/// A cluster that runs. Removed when dropped, if it was started here.
#[derive(Debug)]
pub struct Cluster {
    directory: PathBuf,
    /// What `up` has written of it.
    state: Value,
    is_ours: bool,
}

impl Cluster {
    /// The cluster in this directory, or a new one of this labserver.
    pub fn open(directory: Option<&Path>, labserver: &Path) -> Result<Cluster> {
        let is_ours = directory.is_none();
        let directory = match directory {
            Some(directory) => directory.to_owned(),
            None => std::env::temp_dir().join(format!("socketlab-chaos-{}", std::process::id())),
        };
        if is_ours {
            let mut up = command("up", &directory);
            up.arg("--labserver")
                .arg(labserver)
                .args(["--port-base", "15500"]);
            ensure!(up.status()?.success(), "the cluster does not start");
        }
        let file = directory.join("cluster.json");
        let text = fs::read_to_string(&file).with_context(|| format!("no {}", file.display()))?;
        Ok(Cluster {
            state: serde_json::from_str(&text)?,
            directory,
            is_ours,
        })
    }

    /// Where the labservers are, for cash machines.
    pub fn servers(&self) -> Result<Vec<String>> {
        self.addresses("atm")
    }

    /// The ledger of all of them.
    pub fn ledger(&self) -> Result<Place> {
        let addresses = &self.state["addresses"];
        let [bank, passwords] = ["bank", "pgpass"].map(|name| addresses[name].as_str());
        let (bank, passwords) = bank.zip(passwords).context("no address of the bank")?;
        let passwords = fs::read_to_string(passwords)?;
        let password = passwords.lines().find_map(|line| {
            let mut fields = line.rsplit(':');
            let password = fields.next()?;
            (fields.next()? == "bank").then_some(password)
        });
        let password = password.context("no password of the bank")?;
        Ok(bank
            .replacen("bank@", &format!("bank:{password}@"), 1)
            .parse()?)
    }

    fn addresses(&self, of: &str) -> Result<Vec<String>> {
        let list = self.state["addresses"][of].as_array();
        let list = list.with_context(|| format!("no addresses of {of}"))?;
        Ok(list
            .iter()
            .filter_map(Value::as_str)
            .map(str::to_owned)
            .collect())
    }

    /// The PostgreSQL server that leads, if one does.
    pub fn primary(&self) -> Result<Option<String>> {
        let addresses = self.addresses("patroni")?;
        let leads = addresses
            .iter()
            .position(|address| leads(address).unwrap_or(false));
        Ok(leads.map(|index| format!("pg{}", index + 1)))
    }

    /// Waits for another server than this one to lead.
    pub fn wait_for_other(&self, than: &str) -> Result<String> {
        let by = Instant::now() + ELECTION;
        loop {
            match self.primary()? {
                Some(name) if name != than => return Ok(name),
                _ => ensure!(Instant::now() < by, "no other server than {than} leads"),
            }
            thread::sleep(LOOK);
        }
    }

    /// Waits until all is as after the start.
    pub fn wait_until_sound(&self) -> Result<()> {
        let by = Instant::now() + SOUND;
        while !self.status()?["sound"].as_bool().unwrap_or(false) {
            ensure!(Instant::now() < by, "the cluster does not recover");
            thread::sleep(10 * LOOK);
        }
        Ok(())
    }

    /// The Redis server that takes writes.
    pub fn master(&self) -> Result<Option<String>> {
        Ok(self.status()?["master"].as_str().map(str::to_owned))
    }

    fn status(&self) -> Result<Value> {
        let output = command("status", &self.directory).arg("--json").output()?;
        Ok(serde_json::from_slice(&output.stdout)?)
    }

    /// Ends a process with SIGKILL; of a PostgreSQL server, Patroni too.
    pub fn kill(&self, name: &str) -> Result<()> {
        run(command("stop", &self.directory).args(["--kill", name]))
    }

    /// Starts a process again that has ended.
    pub fn start(&self, name: &str) -> Result<()> {
        run(command("start", &self.directory).arg(name))
    }

    /// Sends a signal to a process and to those that it has started.
    pub fn signal(&self, name: &str, signal: Signal) -> Result<()> {
        let status = self.status()?;
        let processes = status["processes"].as_array();
        let mut processes = processes.context("no processes")?.iter();
        let process = processes.find(|process| process["name"] == name);
        let process = process.with_context(|| format!("no {name}"))?;
        let mut pids: Vec<i64> = ["pid", "postmaster"]
            .iter()
            .filter_map(|which| process[which].as_i64())
            .collect();
        for parent in pids.clone() {
            let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
            let children = children.unwrap_or_default();
            pids.extend(
                children
                    .split_whitespace()
                    .filter_map(|pid| pid.parse::<i64>().ok()),
            );
        }
        for pid in pids {
            let pid = i32::try_from(pid).ok().and_then(Pid::from_raw);
            // A child of PostgreSQL may have ended.
            let _ = pid.map(|pid| kill_process(pid, signal));
        }
        Ok(())
    }

    /// Cuts all connections between the labservers and the PostgreSQL server that leads.
    pub fn cut(&self) -> Result<()> {
        let Some(primary) = self.primary()? else {
            return Ok(());
        };
        let index: usize = primary.trim_start_matches("pg").parse()?;
        let address = self.addresses("postgresql")?.into_iter().nth(index - 1);
        let address = address.context("no such server")?;
        let (host, port) = address.split_once(':').context("no port")?;
        let binaries = self.state["binaries"].as_str().context("no programs")?;
        let passwords = self.state["addresses"]["pgpass"]
            .as_str()
            .context("no passwords")?;
        let sql = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                   WHERE usename = 'bank' AND pid <> pg_backend_pid()";
        // It may have stopped to lead meanwhile.
        Command::new(Path::new(binaries).join("psql"))
            .args([
                "-X", "-q", "-h", host, "-p", port, "-U", "bank", "-d", "bank", "-c", sql,
            ])
            .env("PGPASSFILE", passwords)
            .output()?;
        Ok(())
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if self.is_ours {
            // What is left of it can be removed by hand.
            let _ = run(&mut command("down", &self.directory));
        }
    }
}

fn command(name: &str, directory: &Path) -> Command {
    let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/cluster");
    let mut command = Command::new(programs.join(name));
    command.arg("--dir").arg(directory);
    command
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output()?;
    if !output.status.success() {
        bail!(
            "{command:?}: {}",
            String::from_utf8_lossy(&output.stderr).trim_end()
        );
    }
    Ok(())
}

/// Whether the PostgreSQL server of this Patroni leads.
fn leads(address: &str) -> Result<bool> {
    let timeout = Duration::from_millis(500);
    let mut stream = TcpStream::connect_timeout(&address.parse()?, timeout)?;
    stream.set_read_timeout(Some(timeout))?;
    stream.write_all(b"GET /primary HTTP/1.0\r\n\r\n")?;
    let mut status = [0; 12];
    stream.read_exact(&mut status)?;
    Ok(status.ends_with(b" 200"))
}
