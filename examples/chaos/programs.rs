//! The real programs: built, started in a place of their own, and killed.

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
use wire::fault::random_seed;

/// Between two looks at a process.
pub const LOOK: Duration = Duration::from_millis(2);

/// A bank that is not open by then never will be.
const OPENING: Duration = Duration::from_secs(30);

/// Ports to choose from: below those that systems give to clients, lest one of these sit on the
/// bank's port while it is closed.
const PORTS: Range<u16> = 12_000..32_000;

/// A card of the demonstration and its PIN.
pub type Card = (&'static str, &'static str);

/// Ports where nobody listens, never the same one twice.
pub fn free_ports() -> impl Iterator<Item = u16> {
    static TRIED: AtomicU64 = AtomicU64::new(0);
    static FIRST: OnceLock<u64> = OnceLock::new();
    // Another run at the same time is to begin elsewhere.
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

/// Where the programs are.
#[derive(Debug)]
pub struct Programs {
    directory: PathBuf,
}

impl Programs {
    /// Builds them in the profile of this program, beside which they then are.
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
        let built = Command::new(cargo)
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

    /// One of them, to be started.
    pub fn command(&self, name: &str) -> Command {
        let file = format!("{name}{}", std::env::consts::EXE_SUFFIX);
        Command::new(self.directory.join(file))
    }
}

/// A bank and its machines: a directory for all that they keep and say, and the bank's port.
#[derive(Debug)]
pub struct Place<'a> {
    programs: &'a Programs,
    directory: &'a Path,
    port: u16,
}

impl<'a> Place<'a> {
    pub fn new(programs: &'a Programs, directory: &'a Path, port: u16) -> Place<'a> {
        Place {
            programs,
            directory,
            port,
        }
    }

    pub fn ledger(&self) -> PathBuf {
        self.directory.join("bank.db")
    }

    /// What the drawer of this machine is kept in.
    pub fn drawer(&self, terminal: &str) -> PathBuf {
        let bank = format!("state/socketlab/atm/127.0.0.1_{}", self.port);
        self.directory.join(bank).join(terminal).join("drawer")
    }

    /// Starts the bank with these faults.
    pub fn bank(&self, faults: &[String]) -> Result<Process> {
        let said = self.directory.join("bank.out");
        let child = self
            .programs
            .command("labserver")
            .args(["--mode", "atm", "--port", &self.port.to_string()])
            .arg("--ledger")
            .arg(self.ledger())
            .args(faults)
            .env("XDG_STATE_HOME", self.directory.join("state"))
            .stdin(Stdio::null())
            .stdout(File::create(&said)?)
            .stderr(self.log("bank")?)
            .spawn()
            .context("labserver cannot be started")?;
        Ok(Process { child, said })
    }

    /// Starts a cash machine to do this, with these faults on its line. What is typed there is done
    /// in one session, where the words have no request.
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
            .args(["--server", &format!("127.0.0.1:{}", self.port)])
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

/// A running program. It is killed when nobody wants it any more.
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
    /// By us, as it was still there.
    Killed,
}

impl Process {
    /// Waits until the bank says that it is open. Whether it lives to say so.
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

    /// Whether the bank has said that it is open.
    pub fn is_open(&self) -> bool {
        std::fs::read_to_string(&self.said).is_ok_and(|said| said.ends_with('\n'))
    }

    /// Waits until the program ends, and kills it as soon as `enough` says so.
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

/// Whether a program died as `crash-at` makes it die. Elsewhere than on Unix that looks like any
/// other end.
pub fn crashed(status: ExitStatus) -> bool {
    #[cfg(unix)]
    let crashed = std::os::unix::process::ExitStatusExt::signal(&status) == Some(9);
    #[cfg(not(unix))]
    let crashed = !status.success();
    crashed
}
