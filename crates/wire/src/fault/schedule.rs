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

use super::generator::Xoshiro256PlusPlus;
use super::spec::{Delay, FaultSpec, Pause, Selection, Split};
use super::{Channel, Exchange, InjectedFault, Observer};
use proto::side::{Direction, Side};
use record::tap::FaultEffect;

/// What happens to a message, of which only one thing can.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// Nothing.
    Pass,
    /// It is lost. Its sender believes that it was sent.
    Drop,
    /// The request is refused before anything is done.
    Error,
    /// It is not sent, and the connection is reset.
    Reset,
    /// Its first half is sent, and then the connection ends.
    Cut,
    /// The request comes twice.
    Duplicate,
    /// The datagram comes after the one that follows it.
    Reorder,
    /// It comes in one segment with the one that follows it.
    Glue,
}

/// What happens to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decision {
    /// The message's number among those of its direction in this process; the first is 1.
    pub number: u64,
    /// What happens to it.
    pub verdict: FaultKind,
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
    channel: Channel,
    direction: Direction,
    counter: Arc<AtomicU64>,
    observer: Observer,
    /// The first that applies decides.
    rules: Vec<(FaultKind, Rule)>,
    late: Option<Late>,
    split: Option<(Split, Whether)>,
    corrupt: Option<(Rule, Xoshiro256PlusPlus)>,
    pause: Option<(Pause, Whether)>,
}

/// When a fault applies, which without a rule is always.
type Whether = Option<Rule>;

/// A fault and its numbers.
#[derive(Debug)]
struct Rule {
    when: Selection,
    numbers: Xoshiro256PlusPlus,
}

#[derive(Debug)]
struct Late {
    delay: Delay,
    whether: Whether,
    how_late: Xoshiro256PlusPlus,
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
        channel: Channel,
        direction: Direction,
    ) -> FaultSchedule {
        let numbers =
            |purpose: Purpose| Xoshiro256PlusPlus::stream(seed, channel.number, purpose as u64);
        let rule = |when: &Selection, purpose| Rule {
            when: when.clone(),
            numbers: numbers(purpose),
        };
        let is_request = direction == Direction::ToServer;
        // A program can only be late with, cut or hold back what it sends itself.
        let is_sent = is_request == (channel.side == Side::Client);
        let is_stream = channel.transport == Transport::Tcp;
        let is_answered = channel.exchange == Exchange::Answered;
        let mut rules = Vec::new();
        let mut add = |verdict, applies, when: &Option<Selection>, purpose| {
            if let Some(when) = when.as_ref().filter(|_| applies) {
                rules.push((verdict, rule(when, purpose)));
            }
        };
        // In the order in which they decide.
        let refuses = is_request && is_answered;
        let (on_stream, on_socket) = (is_sent && is_stream, is_sent && !is_stream);
        add(
            FaultKind::Drop,
            is_request,
            &spec.drop_request,
            Purpose::DropRequest,
        );
        add(
            FaultKind::Drop,
            !is_request,
            &spec.drop_reply,
            Purpose::DropReply,
        );
        add(FaultKind::Error, refuses, &spec.error, Purpose::Error);
        add(FaultKind::Reset, on_stream, &spec.reset, Purpose::Reset);
        add(FaultKind::Cut, on_stream, &spec.cut, Purpose::Cut);
        add(
            FaultKind::Duplicate,
            is_request,
            &spec.duplicate,
            Purpose::Duplicate,
        );
        add(
            FaultKind::Reorder,
            on_socket,
            &spec.reorder,
            Purpose::Reorder,
        );
        add(FaultKind::Glue, on_stream, &spec.glue, Purpose::Glue);
        let whether = |when: Option<&Selection>, purpose| when.map(|when| rule(when, purpose));
        FaultSchedule {
            channel,
            direction,
            counter: Arc::default(),
            observer: Observer::default(),
            rules,
            late: spec.delay.clone().filter(|_| is_sent).map(|delay| Late {
                whether: whether(delay.when.as_ref(), Purpose::DelayWhether),
                how_late: numbers(Purpose::DelayHowLate),
                delay,
            }),
            split: spec.split.clone().filter(|_| on_stream).map(|split| {
                let whether = whether(split.when.as_ref(), Purpose::Split);
                (split, whether)
            }),
            corrupt: spec.corrupt.as_ref().filter(|_| is_sent).map(|when| {
                let which = numbers(Purpose::CorruptWhich);
                (rule(when, Purpose::CorruptWhether), which)
            }),
            pause: spec.pause.clone().filter(|_| is_sent).map(|pause| {
                let whether = whether(pause.when.as_ref(), Purpose::Pause);
                (pause, whether)
            }),
        }
    }

    /// The schedule, with its messages counted together with others.
    pub(super) fn counting(self, counter: Arc<AtomicU64>, observer: Observer) -> FaultSchedule {
        FaultSchedule {
            counter,
            observer,
            ..self
        }
    }

    /// Whether a message may have to wait for the next one.
    pub fn may_glue(&self) -> bool {
        self.rules
            .iter()
            .any(|(verdict, _)| *verdict == FaultKind::Glue)
    }

    /// What happens to the next message, which was received: it is lost, refused or duplicated.
    pub fn next_received(&mut self) -> Option<FaultEffect> {
        self.next_decision().verdict.effect(0, true)
    }

    /// What happens to the next message.
    pub fn next_decision(&mut self) -> Decision {
        let number = self.counter.fetch_add(1, Ordering::Relaxed) + 1;
        let mut verdict = FaultKind::Pass;
        for (candidate, rule) in &mut self.rules {
            if rule.applies(number) && verdict == FaultKind::Pass {
                verdict = *candidate;
            }
        }
        let delay = self
            .late
            .as_mut()
            .map_or(Duration::ZERO, |late| late.delay(number));
        let split = self
            .split
            .as_mut()
            .and_then(|(split, whether)| applies(whether, number).then_some(split.size));
        let corrupt = self.corrupt.as_mut().and_then(|(rule, which)| {
            let flip = Flip(which.next_u64());
            rule.applies(number).then_some(flip)
        });
        let pause = self.pause.as_mut().and_then(|(pause, whether)| {
            applies(whether, number).then_some(Duration::from_micros(pause.micros))
        });
        let fate = Decision {
            number,
            verdict,
            delay,
            split,
            corrupt,
            pause,
        };
        if let Some(observe) = &self.observer.0
            && !fate.is_nothing()
        {
            observe(InjectedFault {
                connection: self.channel.number,
                direction: self.direction,
                fate,
            });
        }
        fate
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
    fn applies(&mut self, number: u64) -> bool {
        match &self.when {
            Selection::Chance(chance) => chance.draw(&mut self.numbers),
            Selection::Count(numbers) => numbers.contains(&number),
        }
    }
}

/// Whether a fault applies, which without a rule is always.
fn applies(whether: &mut Whether, number: u64) -> bool {
    whether.as_mut().is_none_or(|rule| rule.applies(number))
}

impl Late {
    fn delay(&mut self, number: u64) -> Duration {
        let micros = self.delay.micros.draw(&mut self.how_late);
        let is_late = applies(&mut self.whether, number);
        Duration::from_micros(if is_late { micros } else { 0 })
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
        self.verdict == FaultKind::Pass && self.corrupt.is_none() && self.pause.is_none()
    }

    /// What happens, one thing after the other.
    fn parts(&self) -> Vec<String> {
        let verdict = match self.verdict {
            FaultKind::Pass => None,
            FaultKind::Drop => Some("drop"),
            FaultKind::Error => Some("error"),
            FaultKind::Reset => Some("reset"),
            FaultKind::Cut => Some("cut"),
            FaultKind::Duplicate => Some("duplicate"),
            FaultKind::Reorder => Some("reorder"),
            FaultKind::Glue => Some("glue"),
        };
        let mut parts: Vec<String> = verdict.into_iter().map(String::from).collect();
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
        match self.verdict {
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
        if self.verdict == FaultKind::Pass {
            parts.insert(0, "pass".to_owned());
        }
        f.write_str(&parts.join(" "))
    }
}

#[cfg(test)]
mod tests;
