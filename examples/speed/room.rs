//! One to many: the members of a room, some of whom speak. Every line carries its speaker, its
//! number and the moment it was sent, so that order, loss and the time of delivery can be checked
//! at each member.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use rustix::event::{Timespec, epoll};

use crate::floor::ADMITTED;
use crate::load::{self, PATIENCE};
use crate::{interrupt, questions};

/// `@@`, the speaker in 2 digits, the number of the line in 8, the time in 16, all hexadecimal.
const TOKEN: usize = 28;

/// What follows the token in a line.
const FILLING: &[u8] = b"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";

/// The bytes of a line.
const LINE: usize = TOKEN + FILLING.len();

/// The most that is received at once.
const READ: usize = 64 * 1024;

/// Silence after which nothing more about those who joined is expected.
const SILENCE: Duration = Duration::from_millis(150);

/// A pause before a write that would block is repeated.
const RETRY: Duration = Duration::from_micros(50);

/// What is remembered of the bytes before an awaited word.
const TAIL: usize = 64;

/// What the server speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The chat room of `labserver`, in netstrings.
    Chat,
    /// Redis: subscribers of one channel, and publishers on connections of their own.
    Redis,
    /// The bare server, without names or framing.
    Bare,
}

/// How lines are sent.
#[derive(Debug, Clone, Copy)]
pub enum Pace {
    /// The next line as soon as fewer than this many are not with all members.
    UnderWay(u64),
    /// This many lines a second, whatever the server does.
    EachSecond(f64),
}

/// Deliveries a second, and the time from sending a line to its receipt by a member.
#[derive(Debug, Clone, Copy)]
pub struct Delivered {
    /// Deliveries a second.
    pub rate: f64,
    /// The median time, in milliseconds.
    pub median: f64,
    /// Its 99th percentile, in milliseconds.
    pub p99: f64,
}

#[derive(Debug)]
struct Member {
    stream: TcpStream,
    /// The end of what was received: the beginning of a line, or before joining, anything.
    rest: Vec<u8>,
    /// The number of the last line of each speaker.
    last: Vec<u32>,
}

/// A room with all its members, who stay in it.
#[derive(Debug)]
pub struct Room {
    dialect: Dialect,
    epoll: OwnedFd,
    members: Vec<Member>,
    receivers: usize,
    /// The lines of each speaker.
    said: Vec<u32>,
    started: Instant,
    buffer: Vec<u8>,
}

impl Dialect {
    /// What the server sends when it has accepted, if anything.
    fn greeting(self) -> &'static [u8] {
        match self {
            Dialect::Chat => b"12:READY chat 1,",
            Dialect::Redis => b"",
            Dialect::Bare => ADMITTED,
        }
    }

    /// What a receiver sends to join, and a word of the answer.
    fn joining(self, number: usize) -> Option<(Vec<u8>, &'static [u8])> {
        match self {
            Dialect::Chat => {
                let mut request = Vec::new();
                questions::frame(&mut request, &format!("JOIN u{number}"));
                Some((request, b"OK joined"))
            }
            Dialect::Redis => Some((b"SUBSCRIBE room\r\n".to_vec(), b"subscribe")),
            Dialect::Bare => None,
        }
    }

    fn saying(self, line: &str) -> Vec<u8> {
        match self {
            Dialect::Chat => {
                let mut request = Vec::new();
                questions::frame(&mut request, &format!("SAY {line}"));
                request
            }
            Dialect::Redis => format!("PUBLISH room {line}\r\n").into_bytes(),
            Dialect::Bare => line.as_bytes().to_vec(),
        }
    }

    /// Whether speakers have connections of their own, which receive no lines.
    fn has_publishers(self) -> bool {
        self == Dialect::Redis
    }
}

impl Room {
    /// Lets so many members join, of whom so many may speak.
    pub fn join(
        server: SocketAddr,
        dialect: Dialect,
        receivers: usize,
        speakers: usize,
    ) -> Result<Room> {
        let apart = if dialect.has_publishers() {
            speakers
        } else {
            0
        };
        let mut room = Room {
            dialect,
            epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
            members: Vec::with_capacity(receivers + apart),
            receivers,
            said: vec![0; speakers],
            started: Instant::now(),
            buffer: vec![0; READ],
        };
        for number in 0..receivers + apart {
            let stream = load::connect_and_read(server, dialect.greeting())?;
            stream.set_nonblocking(true)?;
            let data = epoll::EventData::new_u64(number as u64);
            epoll::add(&room.epoll, &stream, data, epoll::EventFlags::IN)?;
            room.members.push(Member {
                stream,
                rest: Vec::new(),
                last: vec![0; speakers],
            });
            if number < receivers
                && let Some((request, word)) = dialect.joining(number)
            {
                room.send(number, &request)?;
                room.wait_for(number, word)?;
            }
        }
        room.wait_for_silence()?;
        Ok(room)
    }

    /// Measures lines of so many speakers for this long, and until all have been delivered.
    pub fn measure(&mut self, speakers: usize, pace: Pace, period: Duration) -> Result<Delivered> {
        let mut sent = 0_u64;
        let mut deliveries = Deliveries::new()?;
        let receivers = self.receivers as u64;
        let begun = Instant::now();
        let end = begun + period;
        loop {
            interrupt::check()?;
            let now = Instant::now();
            let open = now < end;
            if !open && deliveries.count == sent * receivers {
                break;
            }
            ensure!(
                now < end + PATIENCE,
                "{} of {} deliveries are missing",
                sent * receivers - deliveries.count,
                sent * receivers
            );
            let complete = deliveries.count / receivers;
            let is_due = match pace {
                Pace::UnderWay(lines) => sent - complete < lines,
                Pace::EachSecond(rate) => (now - begun).as_secs_f64() * rate >= sent as f64,
            };
            if open && is_due {
                self.say(sent as usize % speakers)?;
                sent += 1;
                if let Pace::UnderWay(_) = pace {
                    continue;
                }
            }
            let wait = match pace {
                Pace::UnderWay(_) => Duration::from_millis(10),
                Pace::EachSecond(_) => Duration::from_millis(1),
            };
            self.deliver(wait, &mut deliveries)?;
        }
        let taken = deliveries.last - begun;
        Ok(Delivered {
            rate: deliveries.count as f64 / taken.as_secs_f64(),
            median: load::milliseconds(&deliveries.latencies, 0.5),
            p99: load::milliseconds(&deliveries.latencies, 0.99),
        })
    }

    fn say(&mut self, speaker: usize) -> Result<()> {
        self.said[speaker] += 1;
        let line = format!(
            "@@{speaker:02x}{:08x}{:016x}{}",
            self.said[speaker],
            self.started.elapsed().as_nanos(),
            String::from_utf8_lossy(FILLING)
        );
        let request = self.dialect.saying(&line);
        let apart = self.members.len() > self.receivers;
        let number = if apart {
            self.receivers + speaker
        } else {
            speaker
        };
        self.send(number, &request)
    }

    fn send(&mut self, number: usize, mut request: &[u8]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        while !request.is_empty() {
            match self.members[number].stream.write(request) {
                Ok(written) => request = &request[written..],
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    ensure!(Instant::now() < deadline, "the server does not read");
                    thread::sleep(RETRY);
                }
                Err(error) => return Err(error).context("a line cannot be sent"),
            }
        }
        Ok(())
    }

    /// Receives what has arrived for anyone, and looks for lines in it.
    fn deliver(&mut self, wait: Duration, deliveries: &mut Deliveries) -> Result<()> {
        let started = self.started;
        self.receive(wait, |member, received| {
            let now = Instant::now();
            let elapsed = u64::try_from((now - started).as_nanos()).unwrap_or(u64::MAX);
            deliveries.last = now;
            // Mostly, nothing is left over from before.
            if member.rest.is_empty() {
                let used = deliveries.take(&mut member.last, received, elapsed)?;
                member.rest.extend_from_slice(&received[used..]);
            } else {
                member.rest.extend_from_slice(received);
                let used = deliveries.take(&mut member.last, &member.rest, elapsed)?;
                member.rest.drain(..used);
            }
            Ok(())
        })?;
        Ok(())
    }

    /// Passes everything that has arrived to this function, and returns how many had something.
    fn receive(
        &mut self,
        wait: Duration,
        mut handle: impl FnMut(&mut Member, &[u8]) -> Result<()>,
    ) -> Result<usize> {
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
            match (&member.stream).read(&mut self.buffer) {
                Ok(0) => bail!("the connection of member {number} was closed"),
                Ok(read) => handle(member, &self.buffer[..read])?,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error).context("a member receives nothing more"),
            }
        }
        Ok(events.len())
    }

    /// Waits until this member has received this word.
    fn wait_for(&mut self, number: usize, word: &[u8]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let holds = |bytes: &[u8]| bytes.windows(word.len()).any(|window| window == word);
        while !holds(&self.members[number].rest) {
            interrupt::check()?;
            ensure!(
                Instant::now() < deadline,
                "member {number} cannot join: {:?}",
                String::from_utf8_lossy(&self.members[number].rest)
            );
            self.receive(Duration::from_millis(100), |member, received| {
                member.rest.extend_from_slice(received);
                // The awaited word comes first in what the member that joins receives.
                if holds(&member.rest) {
                    member.rest.truncate(READ);
                } else if member.rest.len() > TAIL {
                    member.rest.drain(..member.rest.len() - TAIL);
                }
                Ok(())
            })?;
        }
        Ok(())
    }

    /// Waits until nothing arrives any more, and forgets what has arrived.
    fn wait_for_silence(&mut self) -> Result<()> {
        let deadline = Instant::now() + 3 * PATIENCE;
        while self.receive(SILENCE, |_, _| Ok(()))? > 0 {
            interrupt::check()?;
            ensure!(Instant::now() < deadline, "the room does not fall silent");
        }
        for member in &mut self.members {
            member.rest = Vec::new();
        }
        Ok(())
    }
}

/// The lines received by all members.
struct Deliveries {
    count: u64,
    latencies: Histogram<u64>,
    last: Instant,
}

impl Deliveries {
    fn new() -> Result<Deliveries> {
        Ok(Deliveries {
            count: 0,
            latencies: load::new_histogram()?,
            last: Instant::now(),
        })
    }

    /// Counts the lines in what a member has received by this time, checks that each is the next
    /// of its speaker, and returns how many bytes are dealt with.
    fn take(&mut self, last: &mut [u32], received: &[u8], elapsed: u64) -> Result<usize> {
        let mut at = 0;
        while let Some(found) = received[at..].iter().position(|byte| *byte == b'@') {
            at += found;
            let Some(line) = received[at..].get(..LINE) else {
                return Ok(at);
            };
            let wrong = || format!("a wrong line: {:?}", String::from_utf8_lossy(line));
            ensure!(line[1] == b'@' && line[TOKEN..] == *FILLING, "{}", wrong());
            let speaker = hexadecimal(&line[2..4]).with_context(wrong)? as usize;
            let number = hexadecimal(&line[4..12]).with_context(wrong)?;
            let sent = hexadecimal(&line[12..TOKEN]).with_context(wrong)?;
            let last = last.get_mut(speaker).with_context(wrong)?;
            ensure!(
                number == u64::from(*last) + 1,
                "line {number} of speaker {speaker} after line {last}"
            );
            *last += 1;
            self.count += 1;
            self.latencies
                .saturating_record(elapsed.saturating_sub(sent));
            at += LINE;
        }
        Ok(received.len())
    }
}

fn hexadecimal(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |value, digit| {
        let digit = char::from(*digit).to_digit(16)?;
        Some(value << 4 | u64::from(digit))
    })
}
