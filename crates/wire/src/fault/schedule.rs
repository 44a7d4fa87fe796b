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
mod tests {
    use super::*;
    use crate::fault::Plan;

    const CHANNEL: Channel = Channel {
        side: Side::Client,
        transport: Transport::Tcp,
        number: 0,
        exchange: Exchange::Answered,
    };

    fn requests(spec: &str, seed: u64, number: u64, count: usize) -> Vec<Fate> {
        let channel = Channel { number, ..CHANNEL };
        let mut schedule = Schedule::new(&spec.parse().unwrap(), seed, channel, Direction::Request);
        (0..count).map(|_| schedule.next_fate()).collect()
    }

    fn verdicts(fates: &[Fate]) -> Vec<Verdict> {
        fates.iter().map(|fate| fate.verdict).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_schedule_and_another_seed_another() {
        let spec = "drop-request=30%,duplicate=30%,delay=1ms..9ms";
        assert_eq!(requests(spec, 7, 0, 200), requests(spec, 7, 0, 200));
        assert_ne!(requests(spec, 7, 0, 200), requests(spec, 8, 0, 200));
        assert_ne!(requests(spec, 7, 0, 200), requests(spec, 7, 1, 200));
    }

    #[test]
    fn one_fault_does_not_move_another() {
        let alone = requests("drop-request=30%", 7, 0, 200);
        let among = requests(
            "drop-request=30%,error=50%,cut=50%,duplicate=50%,delay=1ms",
            7,
            0,
            200,
        );
        let dropped = |fates: &[Fate]| -> Vec<bool> {
            fates
                .iter()
                .map(|fate| fate.verdict == Verdict::Drop)
                .collect()
        };
        assert_eq!(dropped(&alone), dropped(&among));
    }

    #[test]
    fn connections_that_interleave_keep_their_schedules() {
        let plan = || Plan::new("drop-request=30%,delay=1us..1ms".parse().unwrap(), 7);
        let faults = |plan: &Plan, number| plan.faults(Channel { number, ..CHANNEL });
        let without_numbers = |fate: Fate| (fate.verdict, fate.delay);

        let alone = plan();
        let (mut first, mut second) = (faults(&alone, 0), faults(&alone, 1));
        let mut expected = [Vec::new(), Vec::new()];
        for _ in 0..100 {
            expected[0].push(without_numbers(first.requests.next_fate()));
        }
        for _ in 0..100 {
            expected[1].push(without_numbers(second.requests.next_fate()));
        }

        let together = plan();
        let threads = [0, 1].map(|number| {
            let mut faults = faults(&together, number);
            std::thread::spawn(move || -> Vec<_> {
                (0..100)
                    .map(|_| without_numbers(faults.requests.next_fate()))
                    .collect()
            })
        });
        assert_eq!(threads.map(|thread| thread.join().unwrap()), expected);
    }

    #[test]
    fn counts_go_over_all_connections_of_the_process() {
        let plan = Plan::new("drop-request=#3-4,drop-reply=#1".parse().unwrap(), 7);
        let mut dropped = Vec::new();
        for number in 0..3 {
            let mut faults = plan.faults(Channel { number, ..CHANNEL });
            dropped.push(verdicts(&[
                faults.requests.next_fate(),
                faults.requests.next_fate(),
            ]));
            let expected = if number == 0 {
                Verdict::Drop
            } else {
                Verdict::Pass
            };
            assert_eq!(faults.replies.next_fate().verdict, expected);
        }
        use Verdict::{Drop, Pass};
        assert_eq!(dropped, [[Pass, Pass], [Drop, Drop], [Pass, Pass]]);
    }

    #[test]
    fn a_fault_strikes_only_where_it_has_a_meaning() {
        let all: Spec =
            "drop-request=#1,drop-reply=#1,error=#2,cut=#3,duplicate=#4,reorder=#5,delay=1ms"
                .parse()
                .unwrap();
        let of = |side, transport, exchange, direction| {
            let channel = Channel {
                side,
                transport,
                number: 0,
                exchange,
            };
            let mut schedule = Schedule::new(&all, 1, channel, direction);
            let fates: Vec<_> = (0..5).map(|_| schedule.next_fate().to_string()).collect();
            fates.join(" ").replace(" 1000us", "+")
        };
        use Direction::{Reply, Request};
        use Exchange::{Answered, Transparent};
        use Side::{Client, Server};
        use Transport::{Tcp, Udp};
        for (side, transport, exchange, direction, expected) in [
            (
                Client,
                Tcp,
                Answered,
                Request,
                "drop+ error+ cut+ duplicate+ pass+",
            ),
            (Client, Tcp, Answered, Reply, "drop pass pass pass pass"),
            (
                Server,
                Tcp,
                Answered,
                Request,
                "drop error pass duplicate pass",
            ),
            (Server, Tcp, Answered, Reply, "drop+ pass+ cut+ pass+ pass+"),
            (
                Client,
                Udp,
                Answered,
                Request,
                "drop+ error+ pass+ duplicate+ reorder+",
            ),
            (
                Server,
                Udp,
                Answered,
                Reply,
                "drop+ pass+ pass+ pass+ reorder+",
            ),
            (
                Server,
                Tcp,
                Transparent,
                Request,
                "drop pass pass duplicate pass",
            ),
        ] {
            assert_eq!(
                of(side, transport, exchange, direction),
                expected,
                "{side:?} {transport:?}"
            );
        }
    }

    #[test]
    fn the_first_fault_in_the_list_decides_when_several_strike() {
        let fates = requests(
            "duplicate=100%,cut=100%,error=100%,drop-request=#1",
            7,
            0,
            2,
        );
        assert_eq!(verdicts(&fates), [Verdict::Drop, Verdict::Error]);
    }

    #[test]
    fn delays_stay_within_their_range_and_strike_as_often_as_they_say() {
        let fates = requests("delay=20ms..80ms@10%", 7, 0, 10_000);
        let late: Vec<_> = fates
            .iter()
            .map(|fate| fate.delay)
            .filter(|d| !d.is_zero())
            .collect();
        assert!((850..1150).contains(&late.len()), "{}", late.len());
        let range = Duration::from_millis(20)..=Duration::from_millis(80);
        assert!(late.iter().all(|delay| range.contains(delay)));
        let mean = late.iter().sum::<Duration>() / late.len() as u32;
        assert!(
            (Duration::from_millis(47)..Duration::from_millis(53)).contains(&mean),
            "{mean:?}"
        );
    }
}
