//! Closed-loop load: each client asks as soon as it has been answered. Every answer is judged, and a
//! wrong one ends the measurement.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream, UdpSocket};
use std::os::fd::AsFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, bail, ensure};
use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};
use socket2::{Domain, Socket, Type};

use crate::interrupt;
use crate::questions::{Question, Verdict};

/// The longest wait for one answer.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// The longest wait between two looks at the clock.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 50_000_000,
};

/// The part of a period that is not measured, at its beginning.
const WARM_UP: u32 = 10;

/// The addresses of the loopback that new connections come from, for each client. A closed
/// connection keeps its pair of addresses and ports for a minute.
const SOURCES: u8 = 12;

/// More than any answer of the table has.
const READ: usize = 512;

/// The rate and the median latency of one measurement.
#[derive(Debug, Clone, Copy)]
pub struct Figures {
    /// Answers a second.
    pub rate: f64,
    /// The median, in milliseconds.
    pub median: f64,
    /// All that were answered, also while warming up.
    pub answered: u64,
}

/// What a client sends on and receives from.
pub trait Exchange: AsFd {
    /// Sends a whole request.
    fn send_all(&self, request: &[u8]) -> io::Result<()>;

    /// Receives what has arrived.
    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize>;

    /// Makes it blocking, or not.
    fn set_blocking(&self, blocking: bool) -> io::Result<()>;
}

impl Exchange for TcpStream {
    fn send_all(&self, request: &[u8]) -> io::Result<()> {
        let mut stream = self;
        // One request is under way at a time: there is room for it.
        stream.write_all(request)
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut stream = self;
        stream.read(buffer)
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.set_nonblocking(!blocking)
    }
}

impl Exchange for UdpSocket {
    fn send_all(&self, request: &[u8]) -> io::Result<()> {
        self.send(request).map(|_| ())
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.recv(buffer)
    }

    fn set_blocking(&self, blocking: bool) -> io::Result<()> {
        self.set_nonblocking(!blocking)
    }
}

/// One client: its socket, and what it asks.
#[derive(Debug)]
pub struct Client<S, Q> {
    socket: S,
    question: Q,
    request: Vec<u8>,
    /// The beginning of an answer.
    received: Vec<u8>,
    /// When the request under way was sent.
    asked: Option<Instant>,
}

impl<S: Exchange, Q: Question> Client<S, Q> {
    /// A client that has asked nothing.
    pub fn new(socket: S, question: Q) -> Client<S, Q> {
        Client {
            socket,
            question,
            request: Vec::new(),
            received: Vec::new(),
            asked: None,
        }
    }

    fn ask(&mut self, now: Instant) -> Result<()> {
        self.request.clear();
        self.question.write(&mut self.request);
        self.asked = Some(now);
        self.socket
            .send_all(&self.request)
            .context("a request cannot be sent")
    }

    /// Receives once; how long the answer took, if it is complete.
    fn receive(&mut self) -> Result<Option<Duration>> {
        let mut buffer = [0; READ];
        let read = match self.socket.receive(&mut buffer) {
            Ok(0) => bail!("the connection was closed instead of an answer"),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error).context("no answer"),
        };
        let received = if self.received.is_empty() {
            &buffer[..read]
        } else {
            self.received.extend_from_slice(&buffer[..read]);
            &self.received[..]
        };
        match self.question.judge(received) {
            Verdict::Wrong => bail!(
                "a wrong answer to {:?}: {:?}",
                String::from_utf8_lossy(&self.request),
                String::from_utf8_lossy(received)
            ),
            Verdict::Incomplete => {
                self.received = received.to_vec();
                Ok(None)
            }
            Verdict::Right => {
                self.received.clear();
                let asked = self.asked.take().context("an answer to no request")?;
                Ok(Some(asked.elapsed()))
            }
        }
    }

    /// Asks once and waits for the answer; how long it took.
    pub fn exchange(&mut self) -> Result<Duration> {
        let asked = Instant::now();
        self.ask(asked)?;
        loop {
            if let Some(taken) = self.receive()? {
                return Ok(taken);
            }
            ensure!(asked.elapsed() < PATIENCE, "no answer for {PATIENCE:?}");
        }
    }
}

/// A connection to this server.
pub fn connect(server: SocketAddr) -> Result<TcpStream> {
    let stream = TcpStream::connect(server).context("no connection")?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// A connection to a server that sends these bytes first.
pub fn connect_and_read(server: SocketAddr, greeting: &[u8]) -> Result<TcpStream> {
    let stream = connect(server)?;
    read_exactly(&stream, greeting)?;
    Ok(stream)
}

/// Reads these bytes, which the server sends first.
fn read_exactly(mut stream: &TcpStream, expected: &[u8]) -> Result<()> {
    let mut received = vec![0; expected.len()];
    stream
        .read_exact(&mut received)
        .context("the server does not say that it is ready")?;
    ensure!(
        received == expected,
        "the server says {:?} first",
        String::from_utf8_lossy(&received)
    );
    Ok(())
}

/// A socket that exchanges datagrams with this server.
pub fn datagram_socket(server: SocketAddr) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(server)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket)
}

/// Measures kept connections for this long: one by blocking reads, more of them by one thread with
/// `epoll`.
pub fn kept<S: Exchange, Q: Question>(
    clients: &mut [Client<S, Q>],
    period: Duration,
) -> Result<Figures> {
    let mut counted = Counted::for_period(period)?;
    match clients {
        [client] => {
            client.socket.set_blocking(true)?;
            while counted.goes_on()? {
                let taken = client.exchange()?;
                counted.add(taken)?;
            }
        }
        clients => poll(clients, &mut counted)?,
    }
    counted.figures()
}

fn poll<S: Exchange, Q: Question>(
    clients: &mut [Client<S, Q>],
    counted: &mut Counted,
) -> Result<()> {
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
    for (number, client) in clients.iter_mut().enumerate() {
        client.socket.set_blocking(false)?;
        let data = epoll::EventData::new_u64(number as u64);
        epoll::add(&epoll, &client.socket, data, epoll::EventFlags::IN)?;
        client.ask(Instant::now())?;
    }
    let mut events = Vec::with_capacity(256);
    let mut under_way = clients.len();
    while under_way > 0 {
        let goes_on = counted.goes_on()?;
        ensure!(
            goes_on || counted.ended() < PATIENCE,
            "{under_way} requests were not answered"
        );
        events.clear();
        epoll::wait(
            &epoll,
            rustix::buffer::spare_capacity(&mut events),
            Some(&LOOK),
        )?;
        for event in &events {
            let client = &mut clients[event.data.u64() as usize];
            let Some(taken) = client.receive()? else {
                continue;
            };
            counted.add(taken)?;
            // The requests under way at the end are answered before the next measurement.
            if counted.goes_on()? {
                client.ask(Instant::now())?;
            } else {
                under_way -= 1;
            }
        }
    }
    Ok(())
}

/// Measures requests that have a connection each, made by so many clients at once.
pub fn new_connections<Q: Question + Copy + Send + Sync>(
    server: SocketAddr,
    greeting: &[u8],
    question: Q,
    clients: u8,
    period: Duration,
) -> Result<Figures> {
    let counted = thread::scope(|scope| {
        let client = |number: u8| {
            let mut counted = Counted::for_period(period)?;
            let mut turn = 0;
            while counted.goes_on()? {
                let begun = Instant::now();
                let source = Ipv4Addr::new(127, 0, number + 1, turn % SOURCES + 1);
                turn = turn.wrapping_add(1);
                let stream = connect_from(source, server)?;
                read_exactly(&stream, greeting)?;
                Client::new(stream, question).exchange()?;
                counted.add(begun.elapsed())?;
            }
            Ok(counted)
        };
        let threads: Vec<_> = (0..clients)
            .map(|number| scope.spawn(move || client(number)))
            .collect();
        let counted = threads.into_iter().map(|thread| {
            let joined = thread.join();
            joined.unwrap_or_else(|_| Err(anyhow!("a client panicked")))
        });
        counted.collect::<Result<Vec<Counted>>>()
    })?;
    let sum = counted.into_iter().reduce(Counted::and);
    sum.context("no client")?.figures()
}

/// A connection from this address: from a single one, there would soon be no ports left.
fn connect_from(source: Ipv4Addr, server: SocketAddr) -> Result<TcpStream> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((source, 0)).into())?;
    socket.connect(&server.into()).context("no connection")?;
    socket.set_tcp_nodelay(true)?;
    socket.set_read_timeout(Some(PATIENCE))?;
    Ok(socket.into())
}

/// A period, and what was answered in it.
#[derive(Debug)]
struct Counted {
    begin: Instant,
    end: Instant,
    latencies: Histogram<u64>,
    answered: u64,
}

impl Counted {
    /// A period that begins with warming up.
    fn for_period(period: Duration) -> Result<Counted> {
        let begin = Instant::now() + period / WARM_UP;
        Ok(Counted {
            begin,
            end: begin + period,
            latencies: new_histogram()?,
            answered: 0,
        })
    }

    /// Whether it has not ended; an error after Ctrl-C.
    fn goes_on(&self) -> Result<bool> {
        interrupt::check()?;
        Ok(Instant::now() < self.end)
    }

    /// How long ago it ended.
    fn ended(&self) -> Duration {
        self.end.elapsed()
    }

    fn add(&mut self, taken: Duration) -> Result<()> {
        self.answered += 1;
        let now = Instant::now();
        if now >= self.begin && now < self.end {
            record(&mut self.latencies, taken);
        }
        Ok(())
    }

    fn and(mut self, other: Counted) -> Counted {
        // Both have the same bounds.
        let _ = self.latencies.add(&other.latencies);
        self.answered += other.answered;
        self
    }

    fn figures(&self) -> Result<Figures> {
        ensure!(!self.latencies.is_empty(), "nothing was answered");
        let period = self.end - self.begin;
        Ok(Figures {
            rate: self.latencies.len() as f64 / period.as_secs_f64(),
            median: milliseconds(&self.latencies, 0.5),
            answered: self.answered,
        })
    }
}

/// A histogram of durations up to a minute, in nanoseconds, with three digits.
pub fn new_histogram() -> Result<Histogram<u64>> {
    Ok(Histogram::new_with_bounds(1, 60_000_000_000, 3)?)
}

/// Counts a duration; one beyond a minute as a minute.
pub fn record(histogram: &mut Histogram<u64>, taken: Duration) {
    histogram.saturating_record(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX));
}

/// A quantile in milliseconds.
pub fn milliseconds(histogram: &Histogram<u64>, quantile: f64) -> f64 {
    histogram.value_at_quantile(quantile) as f64 / 1e6
}
