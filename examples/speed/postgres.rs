//! PostgreSQL, the bank's peer: the same withdrawal as one prepared statement, loaded by `pgbench`.

use std::fs;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tempfile::TempDir;

use crate::programs::free_ports;
use crate::run::Run;
use crate::servers::{Server, output_of, until_eof};

/// Where Debian puts its versions.
const DEBIAN: &str = "/usr/lib/postgresql";

/// The programs that are needed.
const PROGRAMS: [&str; 4] = ["initdb", "postgres", "psql", "pgbench"];

/// The accounts, one of which a withdrawal chooses at random.
const ACCOUNTS: u32 = 1_000;

/// The amount of a withdrawal.
const AMOUNT: u64 = 5;

/// The balance that every account begins with.
const BALANCE: u64 = 1_000_000_000;

/// A withdrawal with an id that no other has, in one statement and so in one transaction.
const WITHDRAWAL: &str = "\\set n :n + 1
\\set id :base + :client_id * 1000000000 + :n
\\set account random(1, 1000)
WITH new AS (INSERT INTO requests VALUES (:id, :account, 5) ON CONFLICT DO NOTHING \
RETURNING account, amount) UPDATE accounts SET balance = balance - new.amount FROM new \
WHERE accounts.id = new.account AND accounts.balance >= new.amount;
";

/// A running PostgreSQL with its own files.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    port: u16,
    user: Option<(u32, u32)>,
    /// The measurements done, by which the ids of requests differ.
    measurements: u64,
    /// The withdrawals that `pgbench` reports.
    reported: u64,
    _server: Server,
    // Removed after the server has ended.
    directory: TempDir,
}

impl Postgres {
    /// Starts it where it is installed.
    pub fn start(run: &mut Run) -> Result<Option<Postgres>> {
        let Some(programs) = programs() else {
            run.note(
                "PostgreSQL is not installed (Debian: apt-get install postgresql): not measured",
            );
            return Ok(None);
        };
        let directory = tempfile::Builder::new()
            .prefix("speed-postgres-")
            .tempdir_in(&run.directory)?;
        let user = unprivileged_user(directory.path())?;
        let port = free_ports().next().context("no port is free")?;
        let command = |name: &str| command(&programs.join(name), directory.path(), user);

        let mut initdb = command("initdb");
        initdb.args([
            "--auth",
            "trust",
            "--username",
            "bench",
            "--no-sync",
            "-D",
            "data",
        ]);
        output_of(initdb)?;
        let mut postgres = Command::new(programs.join("postgres"));
        postgres.args(["-D", "data", "-p", &port.to_string()]);
        for setting in [
            "listen_addresses=127.0.0.1",
            "unix_socket_directories=",
            "fsync=on",
            "synchronous_commit=on",
            "max_connections=200",
            "log_destination=stderr",
        ] {
            postgres.args(["-c", setting]);
        }
        let mut shell = until_eof(&postgres);
        as_user(&mut shell, directory.path(), user);
        shell.stderr(fs::File::create(directory.path().join("log"))?);
        let server = Server::start(shell)?;
        let mut postgres = Postgres {
            programs,
            port,
            user,
            measurements: 0,
            reported: 0,
            _server: server,
            directory,
        };
        postgres.prepare(run)?;
        Ok(Some(postgres))
    }

    fn prepare(&mut self, run: &mut Run) -> Result<()> {
        let tools = (self.programs.clone(), self.port, self.user);
        let place = self.directory.path().to_owned();
        let is_up = || {
            let (programs, port, user) = &tools;
            query(programs, *port, *user, &place, "SELECT 1").is_ok()
        };
        self._server.wait_until(is_up)?;
        self.query(&format!(
            "CREATE TABLE accounts (id int PRIMARY KEY, balance bigint NOT NULL CHECK (balance >= 0));
             CREATE TABLE requests (id bigint PRIMARY KEY, account int NOT NULL, amount int NOT NULL);
             INSERT INTO accounts SELECT i, {BALANCE} FROM generate_series(1, {ACCOUNTS}) i;"
        ))?;
        self.query("CHECKPOINT")?;
        fs::write(self.directory.path().join("withdrawal.sql"), WITHDRAWAL)?;
        let settings = [
            "server_version",
            "fsync",
            "synchronous_commit",
            "wal_sync_method",
        ]
        .map(|name| self.query(&format!("SHOW {name}")));
        let [version, fsync, commit, method] = settings;
        run.note(format!(
            "PostgreSQL {}: fsync {}, synchronous_commit {}, {}",
            version?, fsync?, commit?, method?
        ));
        Ok(())
    }

    /// Measures withdrawals of so many clients; the rate, and the median in milliseconds.
    pub fn measure(&mut self, clients: usize, period: Duration) -> Result<(f64, f64)> {
        self.measurements += 1;
        let prefix = format!("withdrawals{}", self.measurements);
        let base = self.measurements * 1_000_000_000_000;
        let mut pgbench = self.command("pgbench");
        pgbench.args([
            "--no-vacuum",
            "--protocol",
            "prepared",
            "--file",
            "withdrawal.sql",
        ]);
        pgbench.args(["--client", &clients.to_string()]);
        pgbench.args(["--jobs", if clients > 1 { "2" } else { "1" }]);
        // It measures whole seconds.
        pgbench.args(["--time", &period.as_secs().max(1).to_string()]);
        pgbench.args(["--define", "n=0", "--define", &format!("base={base}")]);
        pgbench.args(["--log", "--log-prefix", &prefix]);
        pgbench.args(connection(self.port)).arg("postgres");
        let printed = output_of(pgbench)?;
        let rate = printed.lines().find_map(|line| line.strip_prefix("tps = "));
        let rate = rate.and_then(|rest| rest.split_whitespace().next()?.parse().ok());
        let mut latencies = self.logged(&prefix)?;
        self.reported += latencies.len() as u64;
        ensure!(!latencies.is_empty(), "pgbench has done nothing: {printed}");
        latencies.sort_unstable();
        let median = latencies[latencies.len() / 2] as f64 / 1e3;
        Ok((rate.context("pgbench prints no rate")?, median))
    }

    /// The latencies in the files that begin so, in microseconds.
    fn logged(&self, prefix: &str) -> Result<Vec<u64>> {
        let mut latencies = Vec::new();
        for file in fs::read_dir(self.directory.path())? {
            let file = file?;
            let name = file.file_name();
            let name = name.to_string_lossy();
            if name
                .strip_prefix(prefix)
                .is_some_and(|rest| rest.starts_with('.'))
            {
                for line in fs::read_to_string(file.path())?.lines() {
                    let latency = line.split(' ').nth(2).context("pgbench's log")?;
                    latencies.push(latency.parse()?);
                }
            }
        }
        Ok(latencies)
    }

    /// Checks that every withdrawal reported is in its books, once.
    pub fn check(&self) -> Result<()> {
        let taken = format!("SELECT {ACCOUNTS} * {BALANCE}::bigint - sum(balance) FROM accounts");
        let taken: u64 = self.query(&taken)?.parse()?;
        let requests: u64 = self.query("SELECT count(*) FROM requests")?.parse()?;
        ensure!(
            taken == requests * AMOUNT && requests == self.reported,
            "PostgreSQL has {requests} requests and paid {taken}; pgbench reports {}",
            self.reported
        );
        Ok(())
    }

    fn command(&self, name: &str) -> Command {
        command(&self.programs.join(name), self.directory.path(), self.user)
    }

    fn query(&self, sql: &str) -> Result<String> {
        query(
            &self.programs,
            self.port,
            self.user,
            self.directory.path(),
            sql,
        )
    }
}

fn query(
    programs: &Path,
    port: u16,
    user: Option<(u32, u32)>,
    directory: &Path,
    sql: &str,
) -> Result<String> {
    let mut psql = command(&programs.join("psql"), directory, user);
    psql.args(["-XAtq", "--dbname", "postgres", "-v", "ON_ERROR_STOP=1"]);
    psql.args(connection(port)).args(["--command", sql]);
    Ok(output_of(psql)?.trim().to_owned())
}

fn connection(port: u16) -> [String; 6] {
    let port = port.to_string();
    [
        "--host",
        "127.0.0.1",
        "--port",
        &port,
        "--username",
        "bench",
    ]
    .map(str::to_owned)
}

fn command(program: &Path, directory: &Path, user: Option<(u32, u32)>) -> Command {
    let mut command = Command::new(program);
    as_user(&mut command, directory, user);
    command
}

fn as_user(command: &mut Command, directory: &Path, user: Option<(u32, u32)>) {
    command
        .current_dir(directory)
        .env("LC_ALL", "C")
        .env("HOME", directory);
    if let Some((uid, gid)) = user {
        command.gid(gid).uid(uid);
    }
}

/// The directory with all the programs: of Debian's newest version, or on the path.
fn programs() -> Option<PathBuf> {
    let versions = fs::read_dir(DEBIAN).into_iter().flatten().flatten();
    let mut versions: Vec<(u32, PathBuf)> = versions
        .filter_map(|version| {
            let number = version.file_name().to_str()?.parse().ok()?;
            Some((number, version.path().join("bin")))
        })
        .collect();
    versions.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = versions.into_iter().rev().map(|(_, directory)| directory);
    directories
        .chain(std::env::split_paths(&path))
        .find(|directory| {
            let mut programs = PROGRAMS.iter();
            programs.all(|program| directory.join(program).is_file())
        })
}

/// PostgreSQL refuses to run as root: then another user owns the directory, and runs it.
fn unprivileged_user(directory: &Path) -> Result<Option<(u32, u32)>> {
    if !rustix::process::geteuid().is_root() {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd")?;
    let ids = |name: &str| {
        let mut users = users.lines().map(|line| line.split(':'));
        let mut fields = users.find_map(|mut fields| (fields.next()? == name).then_some(fields))?;
        Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    let user: Option<(u32, u32)> = ids("postgres").or_else(|| ids("nobody"));
    let user = user.context("there is no unprivileged user to run PostgreSQL")?;
    chown(directory, Some(user.0), Some(user.1))?;
    Ok(Some(user))
}
