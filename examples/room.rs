//! Measures a chat room of several servers on one Redis, on this machine:
//!
//! ```text
//! cargo run --release --example room
//! cargo run --release --example room -- --members 300 --rate 100
//! ```
//!
//! It starts a Redis that writes to its disk, and the servers, each a process; lets the members join,
//! as many at each server; and has some of them speak in turn. Every member must hear every line, all
//! in the same order; the time is that from sending a line until a member has received it. All this
//! is done by one thread, on the same cores as the servers.

#[path = "chaos/programs.rs"]
#[allow(
    dead_code,
    reason = "the bank and the cash machine are for chaos alone"
)]
mod programs;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use clap::Parser;
use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use testkit::process::{Process, Program};
use testkit::redis::{Redis, is_there};

use crate::programs::Programs;

/// The members that speak in turn.
const SPEAKERS: usize = 20;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is received at once, at most.
const READ: usize = 64 * 1024;

/// Silence after which nothing more about those who joined is expected.
const SILENCE: Duration = Duration::from_millis(500);

/// What is to be heard, in milliseconds, by 99 of 100.
const BAR: f64 = 200.0;

#[derive(Parser)]
struct Arguments {
    /// How many servers
    #[arg(long, default_value_t = 3)]
    servers: usize,
    /// How many members, at all servers together
    #[arg(long, default_value_t = 3_000)]
    members: usize,
    /// How many lines a second, of all speakers together
    #[arg(long, default_value_t = 20.0)]
    rate: f64,
    /// How long lines are said, in seconds
    #[arg(long, default_value_t = 20)]
    seconds: u64,
}

/// One member: its connection, what it has received of an unfinished message, and what it has heard.
struct Member {
    stream: TcpStream,
    rest: Vec<u8>,
    heard: u64,
    /// Of the lines it has heard, in their order.
    order: DefaultHasher,
}

struct Room {
    epoll: OwnedFd,
    members: Vec<Member>,
    started: Instant,
    latencies: Histogram<u64>,
    buffer: Vec<u8>,
}

fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    if !is_there() {
        bail!("redis-server is not installed (Debian: apt-get install redis-server)");
    }
    let limit = getrlimit(Resource::Nofile);
    let most = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    setrlimit(Resource::Nofile, most).context("cannot raise the limit of open files")?;
    let programs = Programs::build()?;
    let redis = Redis::start_with(&["--appendfsync", "everysec"]);
    let servers: Vec<Process> = (0..arguments.servers)
        .map(|_| server(&programs, &redis))
        .collect();
    let addresses: Vec<SocketAddr> = servers.iter().map(|it| it.address("chat tcp")).collect();
    let mut out = std::io::stdout();
    let begun = Instant::now();
    let mut room = Room::join(&addresses, arguments.members)?;
    writeln!(
        out,
        "{} members joined {} servers in {:.1} s",
        arguments.members,
        arguments.servers,
        begun.elapsed().as_secs_f64()
    )?;
    let lines = room.speak(arguments.rate, Duration::from_secs(arguments.seconds))?;
    let milliseconds = |quantile| room.latencies.value_at_quantile(quantile) as f64 / 1_000_000.0;
    let p99 = milliseconds(0.99);
    writeln!(
        out,
        "{lines} lines, {} a second: each was heard by all {}, in one order\n\
         from saying to hearing: median {:.1} ms, p99 {p99:.1} ms, longest {:.1} ms; {} cores",
        arguments.rate,
        arguments.members,
        milliseconds(0.5),
        milliseconds(1.0),
        thread::available_parallelism().map_or(1, usize::from)
    )?;
    Ok(match p99 < BAR {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

fn server(programs: &Programs, redis: &Redis) -> Process {
    let url = redis.url();
    let options = [
        "--mode",
        "chat",
        "--port",
        "0",
        "--chat-rate",
        "0",
        "--room",
        &url,
        "-q",
    ];
    Program::new(programs.command("labserver").get_program())
        .with(&options)
        .start()
}

impl Room {
    /// Lets so many members join, in turn at these servers.
    fn join(servers: &[SocketAddr], members: usize) -> Result<Room> {
        let mut room = Room {
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            members: Vec::with_capacity(members),
            started: Instant::now(),
            latencies: Histogram::new_with_max(60_000_000_000, 3)?,
            buffer: vec![0; READ],
        };
        for number in 0..members {
            let stream = TcpStream::connect(servers[number % servers.len()])?;
            stream.set_nodelay(true)?;
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&room.epoll, &stream, data, epoll::EventFlags::IN)?;
            room.members.push(Member {
                stream,
                rest: Vec::new(),
                heard: 0,
                order: DefaultHasher::new(),
            });
            room.say(number, &format!("JOIN u{number}"))?;
        }
        while room.receive(SILENCE)? > 0 {
            ensure!(
                room.started.elapsed() < 3 * PATIENCE,
                "the room does not fall silent"
            );
        }
        Ok(room)
    }

    /// Has lines said for so long, and waits until all have heard all of them; says how many.
    fn speak(&mut self, rate: f64, period: Duration) -> Result<u64> {
        let (begun, mut said) = (Instant::now(), 0_u64);
        loop {
            let elapsed = begun.elapsed();
            let is_open = elapsed < period;
            if is_open && elapsed.as_secs_f64() * rate >= said as f64 {
                let sent = self.started.elapsed().as_nanos();
                let speaker = said as usize % SPEAKERS.min(self.members.len());
                self.say(
                    speaker,
                    &format!("SAY @{said} {sent} is what this line says"),
                )?;
                said += 1;
            }
            let least = self.members.iter().map(|member| member.heard).min();
            if !is_open && least >= Some(said) {
                break;
            }
            ensure!(
                elapsed < period + PATIENCE,
                "a member heard {least:?} of {said} lines"
            );
            self.receive(Duration::from_millis(1))?;
        }
        let order = self.members[0].order.finish();
        for (number, member) in self.members.iter().enumerate() {
            ensure!(
                member.heard == said,
                "member {number} heard {} lines",
                member.heard
            );
            ensure!(
                member.order.finish() == order,
                "member {number} heard another order"
            );
        }
        Ok(said)
    }

    fn say(&mut self, number: usize, request: &str) -> Result<()> {
        let framed = format!("{}:{request},", request.len());
        let written = self.members[number].stream.write(framed.as_bytes());
        ensure!(
            matches!(written, Ok(length) if length == framed.len()),
            "member {number} cannot speak: {written:?}"
        );
        Ok(())
    }

    /// Receives what has arrived for anyone, and says for how many something had.
    fn receive(&mut self, wait: Duration) -> Result<usize> {
        let wait = Timespec::try_from(wait)?;
        let mut events = Vec::with_capacity(512);
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&wait),
        )?;
        for event in &events {
            let number = event.data.u64() as usize;
            let member = &mut self.members[number];
            match member.stream.read(&mut self.buffer) {
                Ok(0) => bail!("the connection of member {number} was closed"),
                Ok(read) => {
                    let now = self.started.elapsed().as_nanos();
                    member.rest.extend_from_slice(&self.buffer[..read]);
                    member.hear(now, &mut self.latencies)?;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("a member receives nothing more"),
            }
        }
        Ok(events.len())
    }
}

impl Member {
    /// Takes the whole messages out of what was received by this time.
    fn hear(&mut self, now: u128, latencies: &mut Histogram<u64>) -> Result<()> {
        let mut at = 0;
        while let Some(colon) = self.rest[at..].iter().position(|byte| *byte == b':') {
            let length: usize = str::from_utf8(&self.rest[at..at + colon])?.parse()?;
            let start = at + colon + 1;
            let Some(message) = self.rest.get(start..start + length + 1) else {
                break;
            };
            let message = str::from_utf8(&message[..length])?;
            ensure!(!message.starts_with("ERR "), "{message}");
            if let Some((_, line)) = message.split_once('@') {
                let mut words = line.split(' ');
                let number: u64 = words.next().context("no number")?.parse()?;
                let sent: u128 = words.next().context("no time")?.parse()?;
                number.hash(&mut self.order);
                self.heard += 1;
                latencies.saturating_record(u64::try_from(now.saturating_sub(sent))?);
            }
            at = start + length + 1;
        }
        self.rest.drain(..at);
        Ok(())
    }
}
