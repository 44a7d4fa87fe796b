//! The real programs: built, started in a directory, and killed.

use std::fs::{self, File, OpenOptions};
use std::net::TcpListener;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use server::ledger;
use wire::fault::random_seed;

/// The interval between two checks of a process.
pub const LOOK: Duration = Duration::from_millis(2);

/// The maximal time that a bank takes to open.
const OPENING: Duration = Duration::from_secs(30);

/// Ports to choose from: below the ephemeral ones, so that no client gets the bank's port while it
/// is closed.
const PORTS: Range<u16> = 12_000..32_000;

/// A card of the demonstration and its PIN.
pub type Card = (&'static str, &'static str);

/// Free ports, each returned once.
pub fn free_ports() -> impl Iterator<Item = u16> {
    static TRIED: AtomicU64 = AtomicU64::new(0);
    static FIRST: OnceLock<u64> = OnceLock::new();
    // A concurrent run is to begin elsewhere.
    let first = *FIRST.get_or_init(random_seed);
    let port = move || {
        PORTS.start
            + ((first + TRIED.fetch_add(1, Ordering::Relaxed)) % u64::from(PORTS.end - PORTS.start))
                as u16
    };
    std::iter::repeat_with(port)
        .take(PORTS.len())
        .filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok())
}

/// The paths of the programs.
#[derive(Debug)]
pub struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Builds them in the profile of this program, into the directory next to it.
    pub fn build() -> Result<Programs> {
        let own = std::env::current_exe()?;
        let directory = own.parent().and_then(Path::parent);
        let directory = directory.context("this program is in no target directory")?;
        let profile = match directory.file_name().and_then(|name| name.to_str()) {
            Some("debug") => "dev",
            Some(name) => name,
            None => bail!("this program is in no target directory"),
        };
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut build = Command::new(cargo);
        // What cargo tells this program of itself, the build of a dependency would take for news, and
        // begin again.
        for (name, _) in std::env::vars_os() {
            let shown = name.to_string_lossy();
            if shown.starts_with("CARGO_PKG_") || shown.starts_with("CARGO_MANIFEST_") {
                build.env_remove(&name);
            }
        }
        let built = build
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["build", "--quiet", "--bins", "--profile", profile])
            .arg("--target-dir")
            .args(directory.parent())
            .status()
            .context("cargo cannot be run")?;
        ensure!(built.success(), "the programs cannot be built");
        Ok(Programs {
            directory: directory.to_owned(),
        })
    }

    /// Where one of them is.
    pub fn path(&self, name: &str) -> PathBuf {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        self.directory.join(file)
    }

    /// The command of one of them.
    pub fn command(&self, name: &str) -> Command {
        Command::new(self.path(name))
    }
}

/// A bank and its machines: a directory for their files and output, where the bank listens, and
/// its ledger.
#[derive(Debug)]
pub struct Place<'a> {
    programs: &'a Programs,
    directory: &'a Path,
    /// `HOST:PORT`, or several.
    servers: String,
    /// How long a machine waits for an answer, and for the bank.
    pub patience: [&'static str; 4],
    /// Where the ledger is.
    pub ledger: ledger::Place,
}

impl<'a> Place<'a> {
    /// A bank of our own at this port.
    pub fn new(programs: &'a Programs, directory: &'a Path, port: u16) -> Place<'a> {
        Place {
            programs,
            directory,
            servers: format!("127.0.0.1:{port}"),
            patience: ["--timeout", "0.2", "--patience", "1"],
            ledger: ledger::Place::File(directory.join("bank.db")),
        }
    }

    /// The bank of several servers, in this order.
    pub fn of_servers(
        programs: &'a Programs,
        directory: &'a Path,
        servers: &[String],
        ledger: ledger::Place,
    ) -> Place<'a> {
        Place {
            programs,
            directory,
            servers: servers.join(","),
            patience: ["--timeout", "1", "--patience", "5"],
            ledger,
        }
    }

    /// The file of this machine's drawer.
    pub fn drawer(&self, terminal: &str) -> PathBuf {
        let first = self.servers.split(',').next().unwrap_or_default();
        let bank = format!("state/socketlab/atm/{}", first.replace(':', "_"));
        self.directory.join(bank).join(terminal).join("drawer")
    }

    /// Starts the bank with these faults.
    pub fn bank(&self, faults: &[String]) -> Result<Process> {
        let said = self.directory.join("bank.out");
        let child = self
            .programs
            .command("labserver")
            .args([
                "--mode",
                "atm",
                "--port",
                self.servers.rsplit(':').next().unwrap_or("0"),
            ])
            .args(["--ledger", &self.ledger.to_string()])
            .args(faults)
            .env("XDG_STATE_HOME", self.directory.join("state"))
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(self.log("bank")?)
            .spawn()
            .context("labserver cannot be started")?;
        Ok(Process { child, said })
    }

    /// Starts a cash machine with these arguments and these faults. Without a request among the
    /// arguments, it executes the typed ones in one session.
    pub fn machine(
        &self,
        terminal: &str,
        (card, pin): Card,
        faults: &[String],
        words: &[&str],
        typed: &str,
    ) -> Result<Process> {
        let said = self.directory.join(format!("{terminal}.out"));
        let input = self.directory.join(format!("{terminal}.in"));
        fs::write(&input, typed)?;
        let child = self
            .programs
            .command("labclient")
            .args(["--server", &self.servers])
            .args(faults)
            .args(["atm", "--terminal", terminal, "--card", card])
            .args(words)
            .env("LABCLIENT_PIN", pin)
            .env("XDG_STATE_HOME", self.directory.join("state"))
            .stdin(File::open(&input)?)
            .stdout(File::create(&said)?)
            .stderr(self.log(terminal)?)
            .spawn()
            .context("labclient cannot be started")?;
        Ok(Process { child, said })
    }

    fn log(&self, name: &str) -> Result<File> {
        let path = self.directory.join(format!("{name}.log"));
        let log = OpenOptions::new().append(true).create(true).open(path)?;
        Ok(log)
    }
}

/// A running program. It is killed on drop.
#[derive(Debug)]
pub struct Process {
    child: Child,
    said: PathBuf,
}

/// How a program ended.
#[derive(Debug, Clone, Copy)]
pub enum End {
    /// By itself.
    Exited(ExitStatus),
    /// Killed by us.
    Killed,
}

impl Process {
    /// Waits until the bank prints that it is open; false if it ended before.
    pub fn opens(&mut self) -> Result<bool> {
        let by = Instant::now() + OPENING;
        while !self.is_open() {
            ensure!(Instant::now() < by, "labserver does not open");
            if self.child.try_wait()?.is_some() {
                return Ok(false);
            }
            thread::sleep(LOOK);
        }
        Ok(true)
    }

    /// Whether the bank has printed that it is open.
    pub fn is_open(&self) -> bool {
        std::fs::read_to_string(&self.said).is_ok_and(|said| said.ends_with('\n'))
    }

    /// Waits until the program ends, and kills it as soon as `enough` returns true.
    pub fn ends(&mut self, enough: impl Fn(&Process) -> bool) -> Result<End> {
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(End::Exited(status));
            }
            if enough(self) {
                self.child.kill()?;
                self.child.wait()?;
                return Ok(End::Killed);
            }
            thread::sleep(LOOK);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may be gone already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Whether a program ended as by `crash-at`. Except on Unix that looks like any other end.
pub fn crashed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let crashed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
    #[cfg(not(unix))]
    let crashed = !status.success();
    crashed
}
