//! What happens to which message.
//!
//! Each fault draws from generators of its own, one number for each message it looks at, whether or
//! not another fault strikes the same message. So the schedule of a fault depends on the seed, the
//! connection and how many messages that connection has carried, and on nothing else: not on the
//! other faults, not on what other connections do at the same time.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use proto::mode::Transport;

use super::generator::Xoshiro256PlusPlus;
use super::spec::{Delay, Spec, When};
use super::{Channel, Direction, Exchange, Observer, Side, Strike};

/// What happens to a message, besides being late.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Verdict {
    /// Nothing.
    Pass,
    /// It is lost. Its sender believes that it was sent.
    Drop,
    /// The request is refused before anything is done.
    Error,
    /// Its first half is sent, and then the connection ends.
    Cut,
    /// The request comes twice.
    Duplicate,
    /// The datagram comes after the one that follows it.
    Reorder,
}

/// What happens to one message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Fate {
    /// The message's number among those of its direction in this process; the first is 1.
    pub number: u64,
    /// What happens to it.
    pub verdict: Verdict,
    /// How late it is sent.
    pub delay: Duration,
}

/// What happens to the messages of one direction of one connection, in order.
#[derive(Debug)]
pub struct Schedule {
    channel: Channel,
    direction: Direction,
    counter: Arc<AtomicU64>,
    observer: Observer,
    /// The first that strikes decides.
    rules: Vec<(Verdict, Rule)>,
    late: Option<Late>,
}

/// A fault and its numbers.
#[derive(Debug)]
struct Rule {
    when: When,
    numbers: Xoshiro256PlusPlus,
}

#[derive(Debug)]
struct Late {
    delay: Delay,
    whether: Option<Rule>,
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
}

impl Schedule {
    /// The schedule of this direction, alone in its process.
    pub fn new(spec: &Spec, seed: u64, channel: Channel, direction: Direction) -> Schedule {
        let numbers =
            |purpose: Purpose| Xoshiro256PlusPlus::stream(seed, channel.number, purpose as u64);
        let rule = |when: &When, purpose| Rule {
            when: when.clone(),
            numbers: numbers(purpose),
        };
        let is_request = direction == Direction::Request;
        // A program can only be late with, cut or hold back what it sends itself.
        let is_sent = is_request == (channel.side == Side::Client);
        let is_stream = channel.transport == Transport::Tcp;
        let is_answered = channel.exchange == Exchange::Answered;
        let rules = [
            (
                Verdict::Drop,
                is_request,
                &spec.drop_request,
                Purpose::DropRequest,
            ),
            (
                Verdict::Drop,
                !is_request,
                &spec.drop_reply,
                Purpose::DropReply,
            ),
            (
                Verdict::Error,
                is_request && is_answered,
                &spec.error,
                Purpose::Error,
            ),
            (Verdict::Cut, is_sent && is_stream, &spec.cut, Purpose::Cut),
            (
                Verdict::Duplicate,
                is_request,
                &spec.duplicate,
                Purpose::Duplicate,
            ),
            (
                Verdict::Reorder,
                is_sent && !is_stream,
                &spec.reorder,
                Purpose::Reorder,
            ),
        ];
        let rules = rules.into_iter().filter(|(_, applies, ..)| *applies);
        Schedule {
            channel,
            direction,
            counter: Arc::default(),
            observer: Observer::default(),
            rules: rules
                .filter_map(|(verdict, _, when, purpose)| {
                    Some((verdict, rule(when.as_ref()?, purpose)))
                })
                .collect(),
            late: spec.delay.clone().filter(|_| is_sent).map(|delay| Late {
                whether: delay
                    .when
                    .as_ref()
                    .map(|when| rule(when, Purpose::DelayWhether)),
                how_late: numbers(Purpose::DelayHowLate),
                delay,
            }),
        }
    }

    /// The schedule, with its messages counted together with others.
    pub(super) fn counting(self, counter: Arc<AtomicU64>, observer: Observer) -> Schedule {
        Schedule {
            counter,
            observer,
            ..self
        }
    }

    /// What happens to the next message.
    pub fn next_fate(&mut self) -> Fate {
        let number = self.counter.fetch_add(1, Ordering::Relaxed) + 1;
        let mut verdict = Verdict::Pass;
        for (struck, rule) in &mut self.rules {
            if rule.strikes(number) && verdict == Verdict::Pass {
                verdict = *struck;
            }
        }
        let delay = self
            .late
            .as_mut()
            .map_or(Duration::ZERO, |late| late.delay(number));
        let fate = Fate {
            number,
            verdict,
            delay,
        };
        if let Some(tell) = &self.observer.0
            && (fate.verdict != Verdict::Pass || !fate.delay.is_zero())
        {
            tell(Strike {
                connection: self.channel.number,
                direction: self.direction,
                fate,
            });
        }
        fate
    }
}

impl Rule {
    fn strikes(&mut self, number: u64) -> bool {
        match &self.when {
            When::Chance(chance) => chance.strikes(&mut self.numbers),
            When::Count(numbers) => numbers.contains(&number),
        }
    }
}

impl Late {
    fn delay(&mut self, number: u64) -> Duration {
        let (shortest, longest) = (*self.delay.micros.start(), *self.delay.micros.end());
        let micros = shortest + self.how_late.up_to(longest - shortest);
        let is_late = self
            .whether
            .as_mut()
            .is_none_or(|rule| rule.strikes(number));
        Duration::from_micros(if is_late { micros } else { 0 })
    }
}

/// As in the schedules of `docs/faults.md`: `pass`, `drop`, `pass 41873us`.
impl fmt::Display for Fate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.verdict {
            Verdict::Pass => "pass",
            Verdict::Drop => "drop",
            Verdict::Error => "error",
            Verdict::Cut => "cut",
            Verdict::Duplicate => "duplicate",
            Verdict::Reorder => "reorder",
        })?;
        match self.delay.as_micros() {
            0 => Ok(()),
            micros => write!(f, " {micros}us"),
        }
    }
}

#[cfg(test)]
mod tests;
