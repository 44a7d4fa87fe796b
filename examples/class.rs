//! Measures a class of groups: how soon it is ready, what memory it takes, and what one group that
//! floods, crashes and is reset costs the others:
//!
//! ```text
//! cargo run --release --example class
//! cargo run --release --example class -- --groups 40 --rounds 5
//! ```
//!
//! Sixty clients have five connections each, spread over the groups: the bank, text, the calculator,
//! the chat room and echo. Each asks on all of them in turn, with a pause in between. In every other
//! phase, the last group is flooded with connections that are closed again, with nonsense and with
//! requests, its bank crashes with each log-in, and it is reset. What is compared is the latency in all
//! other groups, in calm phases and in these. The programs must be built in the same profile.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use clap::Parser;
use hdrhistogram::Histogram;
use proto::frame::Framing;
use uuid::Uuid;
use wire::connection::Connection;
use wire::limits::Limits;

/// Clients of all groups together.
const CLIENTS: usize = 60;

/// Between two questions of a client: a program that is used by a person, five times as fast.
const PAUSE: Duration = Duration::from_millis(40);

/// The card that each group has, and its PIN.
const CARD: (&str, &str) = ("123456789", "1234");

/// Services over TCP that are asked, and what is above the base of a group's ports.
const SERVICES: [(&str, u16); 5] = [
    ("atm", 5),
    ("text", 6),
    ("calc", 7),
    ("chat", 8),
    ("echo", 9),
];

/// Of each service, in nanoseconds.
type Latencies = Vec<Histogram<u64>>;

#[derive(Parser)]
struct Arguments {
    /// How many groups
    #[arg(long, default_value_t = 20)]
    groups: u16,
    /// How many pairs of a calm phase and one of trouble
    #[arg(long, default_value_t = 3)]
    rounds: usize,
    /// How long each phase is, in seconds
    #[arg(long, default_value_t = 8)]
    seconds: u64,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "class: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> Result<bool> {
    let directory = tempfile::tempdir()?;
    let class = Class::start(directory.path(), arguments.groups)?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "{} groups ready after {:.2} s",
        class.groups,
        class.ready.as_secs_f64()
    )?;
    let (pss, rss) = class.memory()?;
    writeln!(
        out,
        "memory: {} MB (PSS), {} MB (RSS)",
        pss / 1_000,
        rss / 1_000
    )?;
    let (calm, trouble) = class.measure(arguments)?;
    let log = class
        .directory
        .join("class-state")
        .join(format!("group-{:02}", class.groups));
    let log = std::fs::read_to_string(log.join("log.txt"))?;
    let (connections, resets) = (&class.connections, &class.resets);
    writeln!(
        out,
        "in trouble: {} connections, {} resets; starts since the last one: {}",
        connections.load(Ordering::Relaxed),
        resets.load(Ordering::Relaxed),
        log.matches("the ledger is open").count()
    )?;
    let mut is_good = true;
    writeln!(
        out,
        "service  requests  p50 calm  trouble   p99 calm  trouble   ratio"
    )?;
    for (at, (service, _)) in SERVICES.iter().enumerate() {
        let milliseconds = |histogram: &Histogram<u64>, quantile| {
            histogram.value_at_quantile(quantile) as f64 / 1e6
        };
        let (calm, trouble) = (&calm[at], &trouble[at]);
        let ratio = milliseconds(trouble, 0.99) / milliseconds(calm, 0.99);
        is_good &= ratio <= 2.0;
        writeln!(
            out,
            "{service:7} {:9} {:7.2} ms {:5.2} ms {:7.2} ms {:5.2} ms {ratio:6.2}",
            calm.len() + trouble.len(),
            milliseconds(calm, 0.5),
            milliseconds(trouble, 0.5),
            milliseconds(calm, 0.99),
            milliseconds(trouble, 0.99),
        )?;
    }
    Ok(is_good)
}

/// A running class, whose last group crashes with each log-in.
struct Class {
    directory: PathBuf,
    groups: u16,
    base: u16,
    supervisor: Child,
    ready: Duration,
    /// Of the last group, in trouble.
    connections: AtomicUsize,
    resets: AtomicUsize,
}

impl Class {
    fn start(directory: &Path, groups: u16) -> Result<Class> {
        let base = free_block(groups)?;
        let made = labserver(directory)?
            .args(["class", "init", "--groups", &groups.to_string()])
            .args(["--port-base", &base.to_string()])
            .output()?;
        ensure!(
            made.status.success(),
            "{}",
            String::from_utf8_lossy(&made.stderr)
        );
        let file = directory.join("class.toml");
        let mut text = std::fs::read_to_string(&file)?;
        text += "fault = \"crash-at=after-commit\"\n";
        std::fs::write(file, text)?;
        let began = Instant::now();
        let mut supervisor = labserver(directory)?
            .args(["class", "run"])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let mut stdout = supervisor.stdout.take().context("no output")?;
        let read = stdout.read(&mut [0; 16])?;
        let ready = began.elapsed();
        let class = Class {
            directory: directory.to_owned(),
            groups,
            base,
            supervisor,
            ready,
            connections: AtomicUsize::new(0),
            resets: AtomicUsize::new(0),
        };
        ensure!(read > 0, "the class does not start");
        thread::spawn(move || std::io::copy(&mut stdout, &mut std::io::sink()));
        Ok(class)
    }

    fn address(&self, group: u16, service: u16) -> SocketAddr {
        ([127, 0, 0, 1], self.base + 100 * group + service).into()
    }

    /// KiB of the supervisor and all groups: shared pages divided among them, and counted for each.
    fn memory(&self) -> Result<(u64, u64)> {
        let supervisor = self.supervisor.id();
        let children = format!("/proc/{supervisor}/task");
        let mut processes = vec![supervisor];
        for task in std::fs::read_dir(children)? {
            let children = std::fs::read_to_string(task?.path().join("children"))?;
            processes.extend(
                children
                    .split_whitespace()
                    .filter_map(|id| id.parse::<u32>().ok()),
            );
        }
        ensure!(
            processes.len() == usize::from(self.groups) + 1,
            "{processes:?}"
        );
        let (mut pss, mut rss) = (0, 0);
        for process in processes {
            let text = std::fs::read_to_string(format!("/proc/{process}/smaps_rollup"))?;
            let kib = |name: &str| {
                let line = text.lines().find_map(|line| line.strip_prefix(name))?;
                line.split_whitespace().next()?.parse::<u64>().ok()
            };
            pss += kib("Pss:").context("no PSS")?;
            rss += kib("Rss:").context("no RSS")?;
        }
        Ok((pss, rss))
    }

    /// The latencies of each service, in nanoseconds, in calm phases and in the others.
    fn measure(&self, arguments: &Arguments) -> Result<(Latencies, Latencies)> {
        let (is_over, in_trouble) = (AtomicBool::new(false), AtomicBool::new(false));
        let connected = AtomicUsize::new(0);
        let (tell, told) = channel();
        let mut calm = new_histograms()?;
        let mut trouble = new_histograms()?;
        thread::scope(|scope| {
            let (is_over, in_trouble, connected) = (&is_over, &in_trouble, &connected);
            let mut clients = Vec::new();
            for number in 0..CLIENTS {
                // The last group is the one in trouble.
                let group = number as u16 % (self.groups - 1);
                let tell = tell.clone();
                clients.push(scope.spawn(move || {
                    let mut client = Client::connect(self, group, number)?;
                    connected.fetch_add(1, Ordering::Relaxed);
                    while !is_over.load(Ordering::Relaxed) {
                        client.ask(in_trouble, &tell)?;
                    }
                    Ok::<_, anyhow::Error>(())
                }));
            }
            drop(tell);
            let result = (|| {
                let by = Instant::now() + Duration::from_secs(60);
                while connected.load(Ordering::Relaxed) < CLIENTS {
                    ensure!(Instant::now() < by, "not all clients get in");
                    ensure!(
                        !clients.iter().any(|it| it.is_finished()),
                        "a client has failed"
                    );
                    thread::sleep(Duration::from_millis(10));
                }
                for _ in 0..arguments.rounds {
                    thread::sleep(Duration::from_secs(arguments.seconds));
                    in_trouble.store(true, Ordering::Relaxed);
                    self.make_trouble(Duration::from_secs(arguments.seconds))?;
                    in_trouble.store(false, Ordering::Relaxed);
                }
                Ok(())
            })();
            is_over.store(true, Ordering::Relaxed);
            for client in clients {
                client.join().map_err(|_| anyhow!("a client panicked"))??;
            }
            result
        })?;
        for (service, was_trouble, nanoseconds) in told {
            let histograms = if was_trouble { &mut trouble } else { &mut calm };
            histograms[service].record(nanoseconds)?;
        }
        Ok((calm, trouble))
    }

    /// Floods the last group, has its bank crash, and resets it, for so long.
    fn make_trouble(&self, duration: Duration) -> Result<()> {
        let until = Instant::now() + duration;
        let group = self.groups - 1;
        let is_over = || Instant::now() >= until;
        // Some hundred a second each, of which most are refused while the group is away.
        let repeat = |what: &dyn Fn() -> Option<()>| {
            while !is_over() {
                if what().is_some() {
                    self.connections.fetch_add(1, Ordering::Relaxed);
                }
                thread::sleep(Duration::from_millis(2));
            }
        };
        let text = self.address(group, 6);
        thread::scope(|scope| {
            scope.spawn(|| repeat(&|| TcpStream::connect(text).ok().map(drop)));
            scope.spawn(|| {
                repeat(&|| {
                    let mut stream = TcpStream::connect(text).ok()?;
                    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").ok()
                })
            });
            scope.spawn(|| {
                repeat(&|| {
                    let mut text = greeted(text).ok()?;
                    while !is_over() {
                        ask(&mut text, "LOWER HELLO World").ok()?;
                    }
                    Some(())
                })
            });
            scope.spawn(|| repeat(&|| log_in(&mut greeted(self.address(group, 5)).ok()?).ok()));
            while !is_over() {
                thread::sleep(Duration::from_secs(2));
                let name = format!("group-{:02}", self.groups);
                let reset = labserver(&self.directory)?
                    .args(["class", "reset", &name])
                    .output()?;
                ensure!(
                    reset.status.success(),
                    "{}",
                    String::from_utf8_lossy(&reset.stdout)
                );
                self.resets.fetch_add(1, Ordering::Relaxed);
            }
            Ok(())
        })
    }
}

impl Drop for Class {
    fn drop(&mut self) {
        let _ = self.supervisor.kill();
        let _ = self.supervisor.wait();
    }
}

/// A client with a connection to each service of its group.
struct Client {
    framed: Vec<Connection>,
    echo: TcpStream,
}

impl Client {
    fn connect(class: &Class, group: u16, number: usize) -> Result<Client> {
        let mut framed = Vec::new();
        for (service, port) in &SERVICES[..4] {
            let mut connection = greeted(class.address(group, *port))?;
            match *service {
                "atm" => log_in(&mut connection)?,
                "calc" => ask(&mut connection, &format!("HELLO client-{number}"))?,
                "chat" => ask(&mut connection, &format!("JOIN client-{number}"))?,
                _ => {}
            }
            framed.push(connection);
        }
        let echo = TcpStream::connect(class.address(group, SERVICES[4].1))?;
        echo.set_nodelay(true)?;
        Ok(Client { framed, echo })
    }

    /// Asks each service once.
    fn ask(&mut self, in_trouble: &AtomicBool, tell: &Sender<(usize, bool, u64)>) -> Result<()> {
        let requests = [
            "BALANCE_INQUIRY",
            "LOWER HELLO World",
            "CALC 12 + 42",
            "WHO",
            "hello",
        ];
        for (service, request) in requests.into_iter().enumerate() {
            let before = in_trouble.load(Ordering::Relaxed);
            let asked = Instant::now();
            match self.framed.get_mut(service) {
                Some(connection) => ask(connection, request)?,
                None => {
                    self.echo.write_all(request.as_bytes())?;
                    self.echo.read_exact(&mut [0; 5])?;
                }
            }
            let took = u64::try_from(asked.elapsed().as_nanos())?;
            if in_trouble.load(Ordering::Relaxed) == before {
                let _ = tell.send((service, before, took));
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

fn greeted(address: SocketAddr) -> Result<Connection> {
    let stream = TcpStream::connect(address)?;
    let mut connection = Connection::new(stream, Framing::Netstring, Limits::CLIENT)?;
    connection.reader.receive(None)?.context("no READY")?;
    Ok(connection)
}

/// Asks, and waits for the answer, past events.
fn ask(connection: &mut Connection, request: &str) -> Result<()> {
    connection.writer.send(request.as_bytes())?;
    loop {
        let answer = connection.reader.receive(None)?;
        let answer = answer.with_context(|| format!("{request}: closed"))?;
        if answer.starts_with(b"OK ") {
            return Ok(());
        }
        if !answer.starts_with(b"EVENT ") {
            bail!("{request}: {}", String::from_utf8_lossy(&answer));
        }
    }
}

fn log_in(connection: &mut Connection) -> Result<()> {
    let (card, pin) = CARD;
    let id = Uuid::now_v7();
    ask(
        connection,
        &format!("VERIFY_CARD_AND_PASSWORD LOGIN_{id} {card} {pin}"),
    )
}

fn new_histograms() -> Result<Latencies> {
    SERVICES.iter().map(|_| Ok(Histogram::new(3)?)).collect()
}

/// The program beside this one, in this directory.
fn labserver(directory: &Path) -> Result<Command> {
    let own = std::env::current_exe()?;
    let beside = own
        .parent()
        .and_then(Path::parent)
        .context("no directory")?;
    let file = beside.join("labserver");
    ensure!(
        file.exists(),
        "{} is missing: cargo build --release",
        file.display()
    );
    let mut command = Command::new(file);
    command.current_dir(directory).stdin(Stdio::null());
    Ok(command)
}

/// Ports for so many groups, all of them free.
fn free_block(groups: u16) -> Result<u16> {
    let is_free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    let all_free =
        |base: &u16| (0..groups).all(|it| (5..12).all(|at| is_free(base + 100 * it + at)));
    let bases = (12_000..32_000 - 100 * groups).step_by(500);
    bases
        .into_iter()
        .find(all_free)
        .context("no ports are free")
}
