//! Injected faults: messages are lost, duplicated, delayed, refused or cut, and processes crash, as
//! `--fault` says and as `--seed` repeats. `docs/faults.md` specifies all of it.
//!
//! A [`FaultPlan`] is what one process does to its messages: a [`FaultSpec`], a seed, and how many messages
//! have passed. For each connection or socket it makes [`Faults`]: a [`FaultSchedule`] for its requests
//! and one for its answers, each asked once a message. What is decided becomes effects
//! ([`FaultEffect`](record::tap::FaultEffect)) in one place, [`sending`] for what is sent and
//! [`FaultSchedule::next_received`] for what is received; a connection or a socket records them and carries
//! them out, so a service knows nothing of it.
//!
//! * [`spec`]: the text of `--fault`;
//! * [`applicability`]: where a fault can have an effect at all;
//! * [`generator`]: the random numbers, and [`distribution`] times drawn from them;
//! * [`schedule`]: what happens to which message;
//! * [`sending`]: what happens to one that is sent, in order;
//! * [`outgoing`]: those of one direction of a stream that are not written yet;
//! * [`stream`]: both directions of a connection, and [`datagrams`] those of a socket;
//! * [`crash`]: the points where a process can be made to crash, and [`pause`] how it stops for a while.

pub mod applicability;
pub mod crash;
pub mod datagrams;
pub mod distribution;
pub mod generator;
pub mod outgoing;
pub mod pause;
pub mod schedule;
pub mod sending;
pub mod spec;
pub mod stream;

use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use proto::mode::Transport;
use proto::refusal::{Code, Refusal};
use proto::reply;
use proto::side::{Direction, Side};

pub use self::applicability::Applicability;
use self::generator::SplitMix64;
use self::schedule::Source;
pub use self::schedule::{Decision, FaultKind, FaultSchedule, Flip};
pub use self::spec::{FaultSpec, FaultSpecError};

/// The words of an injected refusal, on either side.
pub const INJECTED: &str = "injected fault";

/// The answer to a request that a fault refused.
pub(crate) fn injected_refusal() -> String {
    reply::render::<&str>(&Err(Refusal::new(Code::Unavailable, INJECTED)))
}

/// What one process does to its messages. Clones share the counts, and what is
/// [in force](FaultPlan::replace).
#[derive(Debug, Clone)]
pub struct FaultPlan {
    current: Arc<Current>,
    counts: Arc<Counts>,
    observer: Observer,
}

/// The faults that are in force.
#[derive(Debug)]
struct Current {
    in_force: Mutex<(Arc<FaultSpec>, u64)>,
    /// How often they were replaced, to be read without the lock.
    version: AtomicU64,
}

/// The messages and connections of this process so far.
#[derive(Debug, Default)]
struct Counts {
    requests: Arc<AtomicU64>,
    replies: Arc<AtomicU64>,
    connections: AtomicU64,
}

/// Whether the messages are requests with one answer each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Exchange {
    /// Each request has one answer, in order; between them there may be events.
    Answered,
    /// Nothing is known about the messages: echo, scripts. No answer can be made up, and none to a
    /// duplicated request is suppressed.
    Transparent,
}

/// A connection or socket, as far as its schedule depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultScope {
    /// Which program this is.
    pub side: Side,
    /// A stream cannot be reordered, a datagram cannot be cut.
    pub transport: Transport,
    /// The connection's number in the process: the first is 0. A UDP socket has the number 0.
    pub number: u64,
    /// What its messages are to each other.
    pub exchange: Exchange,
}

/// What happens to the messages of one connection or socket.
#[derive(Debug)]
pub struct Faults {
    /// The connection or socket.
    pub channel: FaultScope,
    /// To its requests.
    pub requests: FaultSchedule,
    /// To its answers and events.
    pub replies: FaultSchedule,
}

impl Faults {
    /// The schedules of what this program sends, and of what it receives.
    fn sent_and_received(self) -> (FaultSchedule, FaultSchedule) {
        match self.channel.side {
            Side::Client => (self.requests, self.replies),
            Side::Server => (self.replies, self.requests),
        }
    }
}

/// An injected fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InjectedFault {
    /// The number of the connection in the process.
    pub connection: u64,
    /// Of a request or of a reply.
    pub direction: Direction,
    /// What happened to it.
    pub decision: Decision,
}

/// A callback for each injected fault.
#[derive(Clone, Default)]
struct Observer(Option<Arc<dyn Fn(InjectedFault) + Send + Sync>>);

impl FaultPlan {
    /// What this spec does with this seed.
    pub fn new(spec: FaultSpec, seed: u64) -> FaultPlan {
        FaultPlan {
            current: Arc::new(Current {
                in_force: Mutex::new((Arc::new(spec), seed)),
                version: AtomicU64::new(0),
            }),
            counts: Arc::default(),
            observer: Observer::default(),
        }
    }

    /// Injects these faults instead, from the next message of each connection on: messages are
    /// counted from 1 again. A crash point that was [armed](FaultPlan::arm) stays so.
    pub fn replace(&self, spec: FaultSpec, seed: u64) {
        let mut in_force = self.current.lock();
        *in_force = (Arc::new(spec), seed);
        self.counts.requests.store(0, Ordering::Relaxed);
        self.counts.replies.store(0, Ordering::Relaxed);
        self.current.version.fetch_add(1, Ordering::Release);
    }

    /// The plan, with `observe` called for each fault just before it is injected.
    #[must_use]
    pub fn observed(self, observe: impl Fn(InjectedFault) + Send + Sync + 'static) -> FaultPlan {
        FaultPlan {
            observer: Observer(Some(Arc::new(observe))),
            ..self
        }
    }

    /// The faults.
    pub fn spec(&self) -> Arc<FaultSpec> {
        Arc::clone(&self.current.lock().0)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.current.lock().1
    }

    /// Arms the crash point of the spec, if it has one.
    pub fn arm(&self) {
        if let Some(at) = self.spec().crash_at {
            crash::arm(at);
        }
    }

    /// The number of the next connection, for a program that numbers them as it opens them.
    pub fn next_connection(&self) -> u64 {
        self.counts.connections.fetch_add(1, Ordering::Relaxed)
    }

    /// The schedules of one connection or socket.
    pub fn faults(&self, channel: FaultScope) -> Faults {
        Faults {
            channel,
            requests: self.schedule(|seed| seed, channel, Direction::ToServer),
            replies: self.schedule(|seed| seed, channel, Direction::ToClient),
        }
    }

    /// The schedules of one connection or socket of a proxy: its requests', and its answers'.
    ///
    /// A proxy sends both, so it is a client to the server and a server to the client, and both its
    /// halves can be late, cut or reordered. Were the two drawn from the same seed, the n-th request
    /// and the n-th answer would always be late together; so the answers' seed is the first number
    /// of SplitMix64 from the plan's.
    pub fn relay(&self, transport: Transport, number: u64) -> (FaultSchedule, FaultSchedule) {
        let channel = |side| FaultScope {
            side,
            transport,
            number,
            exchange: Exchange::Transparent,
        };
        let other_seed = |seed| SplitMix64::new(seed).next_u64();
        (
            self.schedule(|seed| seed, channel(Side::Client), Direction::ToServer),
            self.schedule(other_seed, channel(Side::Server), Direction::ToClient),
        )
    }

    /// `seed_of` makes the schedule's seed of the plan's.
    fn schedule(
        &self,
        seed_of: fn(u64) -> u64,
        channel: FaultScope,
        direction: Direction,
    ) -> FaultSchedule {
        let counter = match direction {
            Direction::ToServer => &self.counts.requests,
            Direction::ToClient => &self.counts.replies,
        };
        let version = self.current.version();
        let (spec, seed) = self.current.lock().clone();
        let schedule = FaultSchedule::new(&spec, seed_of(seed), channel, direction);
        schedule.of_plan(Source {
            plan: Arc::clone(&self.current),
            version,
            seed_of,
            counter: Arc::clone(counter),
            observer: self.observer.clone(),
        })
    }
}

impl Current {
    fn lock(&self) -> MutexGuard<'_, (Arc<FaultSpec>, u64)> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn version(&self) -> u64 {
        self.version.load(Ordering::Acquire)
    }
}

/// As at the start of a run, so that it can be repeated.
impl fmt::Display for FaultPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (spec, seed) = self.current.lock().clone();
        write!(f, "injecting faults: --fault {spec} --seed {seed}")
    }
}

impl fmt::Display for InjectedFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.direction {
            Direction::ToServer => "request",
            Direction::ToClient => "reply",
        };
        let (number, words) = (self.decision.number, self.decision.words());
        write!(f, "fault: {what} #{number}: {words}")
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Observer({})", self.0.is_some())
    }
}

/// A random seed, short enough to be copied by hand: below 2^32. It comes from the random
/// keys of the standard library's hash maps.
pub fn random_seed() -> u64 {
    RandomState::new().hash_one(0) >> 32
}
