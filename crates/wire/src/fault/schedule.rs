//! What happens to which message.
//!
//! Each fault draws from generators of its own, one number for each message it looks at, whether or
//! not another fault applies to the same message. So the schedule of a fault depends on the seed, the
//! connection and how many messages that connection has carried, and on nothing else: not on the
//! other faults, not on what other connections do at the same time.

use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proto::mode::Transport;
use proto::named;

use super::generator::Xoshiro256PlusPlus;
use super::spec::{Distribution, Fault, FaultSpec, Micros, Selection};
use super::{Current, Exchange, FaultScope, InjectedFault, Observer};
use proto::side::{Direction, Side};
use record::tap::FaultEffect;

named! {
    /// What happens to a message, of which only one thing can.
    #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
    pub enum FaultKind by name {
        /// Nothing.
        Pass => "pass",
        /// It is lost. To its sender it was sent.
        Drop => "drop",
        /// The request is refused before anything is done.
        Error => "error",
        /// It is not sent, and the connection is reset.
        Reset => "reset",
        /// Its first half is sent, and then the connection ends.
        Cut => "cut",
        /// The request comes twice.
        Duplicate => "duplicate",
        /// The datagram comes after the one that follows it.
        Reorder => "reorder",
        /// It comes in one segment with the one that follows it.
        Glue => "glue",
    }
}

/// What happens to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The message's number among those of its direction in this process; the first is 1.
    pub number: u64,
    /// What happens to it.
    pub kind: FaultKind,
    /// How late it is sent.
    pub delay: Duration,
    /// In how large segments it is sent, if it is split.
    pub split: Option<NonZeroUsize>,
    /// Which of its bits is flipped, if one is.
    pub corrupt: Option<Flip>,
    /// How long the process stops before it is sent, if it does.
    pub pause: Option<Duration>,
}

/// Which bit of a message is flipped: the number that was drawn, because it depends on the length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Flip(pub u64);

/// What happens to the messages of one direction of one connection, in order.
#[derive(Debug)]
pub struct FaultSchedule {
    channel: FaultScope,
    direction: Direction,
    counter: Arc<AtomicU64>,
    observer: Observer,
    /// `None` is a schedule that is alone in its process.
    source: Option<Source>,
    /// The first that applies decides.
    rules: Vec<(FaultKind, Rule)>,
    delay: Option<Conditional<Distribution>>,
    delays: Xoshiro256PlusPlus,
    split: Option<Conditional<NonZeroUsize>>,
    corrupt: Option<Rule>,
    flips: Xoshiro256PlusPlus,
    pause: Option<Conditional<Micros>>,
}

/// The plan that a schedule is of.
#[derive(Debug, Clone)]
pub(super) struct Source {
    pub(super) plan: Arc<Current>,
    /// Which of the plan's faults these are.
    pub(super) version: u64,
    /// The schedule's seed, from the plan's.
    pub(super) seed_of: fn(u64) -> u64,
    pub(super) counter: Arc<AtomicU64>,
    pub(super) observer: Observer,
}

/// A fault and its numbers.
#[derive(Debug)]
struct Rule {
    when: Selection,
    numbers: Xoshiro256PlusPlus,
}

/// A value, and the messages it is for: without a rule, all.
#[derive(Debug)]
struct Conditional<T> {
    value: T,
    rule: Option<Rule>,
}

/// What the numbers of a stream are drawn for. The values are part of the specification.
#[derive(Debug, Clone, Copy)]
enum Purpose {
    DropRequest = 1,
    DropReply = 2,
    Duplicate = 3,
    DelayWhether = 4,
    DelayHowLate = 5,
    Error = 6,
    Cut = 7,
    Reorder = 8,
    Split = 9,
    Glue = 10,
    Reset = 11,
    CorruptWhether = 12,
    CorruptWhich = 13,
    Pause = 14,
}

impl FaultSchedule {
    /// The schedule of this direction, alone in its process.
    pub fn new(
        spec: &FaultSpec,
        seed: u64,
        channel: FaultScope,
        direction: Direction,
    ) -> FaultSchedule {
        let numbers =
            |purpose: Purpose| Xoshiro256PlusPlus::stream(seed, channel.number, purpose as u64);
        let is_request = direction == Direction::ToServer;
        // A program can only be late with, cut or hold back what it sends itself.
        let is_sent = is_request == (channel.side == Side::Client);
        let is_stream = channel.transport == Transport::Tcp;
        let on_stream = is_sent && is_stream;
        let refuses = is_request && channel.exchange == Exchange::Answered;
        use FaultKind::{Cut, Drop, Duplicate, Error, Glue, Reorder, Reset};
        // In the order in which they decide.
        let rules = [
            (Drop, is_request, &spec.drop_request, Purpose::DropRequest),
            (Drop, !is_request, &spec.drop_reply, Purpose::DropReply),
            (Error, refuses, &spec.error, Purpose::Error),
            (Reset, on_stream, &spec.reset, Purpose::Reset),
            (Cut, on_stream, &spec.cut, Purpose::Cut),
            (Duplicate, is_request, &spec.duplicate, Purpose::Duplicate),
            (
                Reorder,
                is_sent && !is_stream,
                &spec.reorder,
                Purpose::Reorder,
            ),
            (Glue, on_stream, &spec.glue, Purpose::Glue),
        ];
        let rules = rules.into_iter().filter(|(_, applies, ..)| *applies);
        let rules = rules.filter_map(|(kind, _, when, purpose)| {
            Some((kind, Rule::of(when.as_ref()?, numbers(purpose))))
        });
        let corrupt = spec.corrupt.as_ref().filter(|_| is_sent);
        FaultSchedule {
            channel,
            direction,
            counter: Arc::default(),
            observer: Observer::default(),
            source: None,
            rules: rules.collect(),
            delay: Conditional::of(&spec.delay, is_sent, numbers(Purpose::DelayWhether)),
            delays: numbers(Purpose::DelayHowLate),
            split: Conditional::of(&spec.split, on_stream, numbers(Purpose::Split)),
            corrupt: corrupt.map(|when| Rule::of(when, numbers(Purpose::CorruptWhether))),
            flips: numbers(Purpose::CorruptWhich),
            pause: Conditional::of(&spec.pause, is_sent, numbers(Purpose::Pause)),
        }
    }

    /// The schedule as one of a plan: its messages are counted together with others, and the plan's
    /// faults may be replaced.
    pub(super) fn of_plan(self, source: Source) -> FaultSchedule {
        FaultSchedule {
            counter: Arc::clone(&source.counter),
            observer: source.observer.clone(),
            source: Some(source),
            ..self
        }
    }

    /// Takes up the faults of the plan, if they were replaced.
    fn renew(&mut self) {
        let Some(source) = &self.source else { return };
        let version = source.plan.version();
        if version != source.version {
            let (spec, seed) = source.plan.lock().clone();
            let mut source = source.clone();
            source.version = version;
            let seed = (source.seed_of)(seed);
            let renewed = FaultSchedule::new(&spec, seed, self.channel, self.direction);
            *self = renewed.of_plan(source);
        }
    }

    /// Whether a message may have to wait for the next one.
    pub fn may_glue(&self) -> bool {
        let mut verdicts = self.rules.iter().map(|(kind, _)| kind);
        verdicts.any(|kind| *kind == FaultKind::Glue)
    }

    /// What happens to the next message, which was received: it is lost, refused or duplicated.
    pub fn next_received(&mut self) -> Option<FaultEffect> {
        self.next_decision().kind.effect(0, true)
    }

    /// What happens to the next message.
    pub fn next_decision(&mut self) -> Decision {
        self.renew();
        let number = self.counter.fetch_add(1, Ordering::Relaxed) + 1;
        let mut kind = FaultKind::Pass;
        for (candidate, rule) in &mut self.rules {
            if rule.applies(number) && kind == FaultKind::Pass {
                kind = *candidate;
            }
        }
        let delay = self.delay.as_mut().map_or(Duration::ZERO, |delay| {
            let micros = delay.value.draw(&mut self.delays);
            Duration::from_micros(if delay.applies(number) { micros } else { 0 })
        });
        let split = self
            .split
            .as_mut()
            .and_then(|split| split.value_for(number));
        let corrupt = self.corrupt.as_mut().and_then(|rule| {
            let flip = Flip(self.flips.next_u64());
            rule.applies(number).then_some(flip)
        });
        let pause = self
            .pause
            .as_mut()
            .and_then(|pause| pause.value_for(number));
        let pause = pause.map(|Micros(micros)| Duration::from_micros(micros));
        let decision = Decision {
            number,
            kind,
            delay,
            split,
            corrupt,
            pause,
        };
        if let Some(observe) = &self.observer.0
            && !decision.is_nothing()
        {
            observe(InjectedFault {
                connection: self.channel.number,
                direction: self.direction,
                decision,
            });
        }
        decision
    }
}

impl FaultKind {
    /// What it does to a message of so many bytes, framing included. One message is held back at a
    /// time: where `may_hold` is false, another is.
    pub(super) fn effect(self, length: usize, may_hold: bool) -> Option<FaultEffect> {
        Some(match self {
            FaultKind::Pass => return None,
            FaultKind::Drop => FaultEffect::Dropped,
            FaultKind::Error => FaultEffect::Refused,
            FaultKind::Reset => FaultEffect::Reset,
            FaultKind::Cut => FaultEffect::Cut(length / 2),
            FaultKind::Duplicate => FaultEffect::Duplicated,
            FaultKind::Reorder | FaultKind::Glue if !may_hold => return None,
            FaultKind::Reorder => FaultEffect::Reordered,
            FaultKind::Glue => FaultEffect::Glued,
        })
    }
}

impl Rule {
    fn of(when: &Selection, numbers: Xoshiro256PlusPlus) -> Rule {
        let when = when.clone();
        Rule { when, numbers }
    }

    fn applies(&mut self, number: u64) -> bool {
        match &self.when {
            Selection::Chance(chance) => chance.draw(&mut self.numbers),
            Selection::Count(numbers) => numbers.contains(&number),
        }
    }
}

impl<T: Clone> Conditional<T> {
    fn of(
        fault: &Option<Fault<T>>,
        is_possible: bool,
        numbers: Xoshiro256PlusPlus,
    ) -> Option<Conditional<T>> {
        let fault = fault.as_ref().filter(|_| is_possible)?;
        Some(Conditional {
            value: fault.value.clone(),
            rule: fault.when.as_ref().map(|when| Rule::of(when, numbers)),
        })
    }

    fn applies(&mut self, number: u64) -> bool {
        self.rule.as_mut().is_none_or(|rule| rule.applies(number))
    }

    fn value_for(&mut self, number: u64) -> Option<T> {
        self.applies(number).then(|| self.value.clone())
    }
}

impl Flip {
    /// The number of the bit in a message of so many bytes, framing included: of the byte `bit / 8`,
    /// counted from 0, the one with the value 2^(`bit % 8`). `None` where there is no bit.
    pub fn bit(self, bytes: usize) -> Option<usize> {
        let bits = (bytes as u128) * 8;
        // Below `bits`, so it fits.
        (bits > 0).then(|| ((u128::from(self.0) * bits) >> 64) as usize)
    }
}

impl Decision {
    /// Whether nothing happens to the message.
    pub fn is_nothing(&self) -> bool {
        self.is_quiet() && self.delay.is_zero() && self.split.is_none()
    }

    /// Whether the message comes whole and by itself, though perhaps late or in pieces: what is
    /// often asked for all messages, so that reporting each would hide what else happens.
    pub fn is_quiet(&self) -> bool {
        self.kind == FaultKind::Pass && self.corrupt.is_none() && self.pause.is_none()
    }

    /// What happens, one thing after the other.
    fn parts(&self) -> Vec<String> {
        let mut parts = match self.kind {
            FaultKind::Pass => Vec::new(),
            fault => vec![fault.name().to_owned()],
        };
        match self.delay.as_micros() {
            0 => {}
            micros => parts.push(format!("{micros}us")),
        }
        parts.extend(self.split.map(|size| format!("split {size}")));
        parts.extend(self.corrupt.map(|flip| format!("corrupt {}", flip.0)));
        let pause = self.pause.map(|pause| pause.as_micros());
        parts.extend(pause.map(|micros| format!("pause {micros}us")));
        parts
    }

    /// What happens, in words: `drop`, `41873us`.
    pub fn words(&self) -> String {
        let mut shown = *self;
        // What comes besides means nothing where nothing is sent.
        match self.kind {
            FaultKind::Drop | FaultKind::Error => {
                (shown.split, shown.corrupt, shown.pause) = (None, None, None);
            }
            FaultKind::Reset => (shown.split, shown.corrupt) = (None, None),
            _ => {}
        }
        // The number that was drawn is of no use to a reader.
        let corrupt = shown.corrupt.take().map(|_| "corrupt".to_owned());
        let mut parts = shown.parts();
        parts.extend(corrupt);
        parts.join(" ")
    }
}

/// As in the schedules of `docs/faults.md`: `pass`, `drop`, `pass 41873us`.
impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut parts = self.parts();
        if self.kind == FaultKind::Pass {
            parts.insert(0, "pass".to_owned());
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests;
