//! The faults of a trial, which follow from the seed and the trial's number.

use std::time::Duration;

use proto::atm::{Kind, Money};
use proto::side::Side;
use wire::fault::crash::CrashPoint;
use wire::fault::generator::Xoshiro256PlusPlus;

use crate::programs::Card;

const CARDS: [Card; 2] = [("123456789", "1234"), ("987654321", "5678")];

/// A trial.
#[derive(Debug)]
pub struct Schedule {
    /// The runs of the bank, in order; after these it has no faults.
    pub lives: Vec<Life>,
    pub machines: Vec<Machine>,
}

/// A run of the bank, from its start to its end.
#[derive(Debug, Default)]
pub struct Life {
    /// How long it is closed before.
    pub closed: Duration,
    pub faults: Vec<String>,
    /// Since its start.
    pub killed_after: Option<Duration>,
}

/// A cash machine, and its customers in order.
#[derive(Debug)]
pub struct Machine {
    pub terminal: String,
    pub visits: Vec<Visit>,
}

/// A customer.
#[derive(Debug)]
pub struct Visit {
    pub card: Card,
    pub kind: Kind,
    pub amount: Money,
    /// Whether the session begins with a request that the bank declines, whose duplicated answer
    /// must not be taken for that to the next.
    pub is_second: bool,
    pub faults: Vec<String>,
    pub killed_after: Option<Duration>,
}

impl Schedule {
    pub fn of(seed: u64, trial: u64) -> Schedule {
        let mut dice = Dice(Xoshiro256PlusPlus::stream(seed, trial, 0));
        let lives = (0..dice.between(0, 4)).map(|_| dice.life()).collect();
        let machines = (1..=dice.between(1, 3)).map(|number| dice.machine(number));
        Schedule {
            lives,
            machines: machines.collect(),
        }
    }
}

struct Dice(Xoshiro256PlusPlus);

impl Dice {
    fn between(&mut self, least: u64, most: u64) -> u64 {
        least + self.0.up_to(most - least)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.between(1, 100) <= percent
    }

    fn milliseconds(&mut self, least: u64, most: u64) -> Duration {
        Duration::from_millis(self.between(least, most))
    }

    fn life(&mut self) -> Life {
        Life {
            closed: self.milliseconds(0, 150),
            faults: self.faults(Side::Server),
            killed_after: self.chance(70).then(|| self.milliseconds(1, 700)),
        }
    }

    fn machine(&mut self, number: u64) -> Machine {
        let visits = (0..self.between(1, 4)).map(|visit| self.visit(visit));
        Machine {
            visits: visits.collect(),
            terminal: format!("M{number}"),
        }
    }

    fn visit(&mut self, number: u64) -> Visit {
        // Each visit moves at most 500 units, of five times the previous visit's, so that no two
        // errors cancel out if each is booked or counted up to twice too often or too seldom.
        let unit = 5_u64.pow(u32::try_from(number).unwrap_or(0));
        let amount = self.between(1, 500) * unit;
        let kind = if self.chance(60) {
            Kind::Withdrawal
        } else {
            Kind::Deposit
        };
        Visit {
            card: CARDS[usize::from(self.chance(50))],
            kind,
            amount: i64::try_from(amount)
                .ok()
                .and_then(Money::from_minor)
                .unwrap_or(Money::ZERO),
            is_second: self.chance(30),
            faults: self.faults(Side::Client),
            killed_after: self.chance(25).then(|| self.milliseconds(1, 250)),
        }
    }

    /// Arguments for a command line; sometimes none.
    fn faults(&mut self, side: Side) -> Vec<String> {
        let mut faults = Vec::new();
        if self.chance(35) {
            return faults;
        }
        for fault in [
            "drop-request",
            "drop-reply",
            "duplicate",
            "error",
            "cut",
            "reset",
        ] {
            if self.chance(25) {
                faults.push(format!("{fault}={}", self.when()));
            }
        }
        if self.chance(10) {
            faults.push(format!("split={}@{}", self.between(1, 20), self.when()));
        }
        if self.chance(25) {
            let least = self.between(0, 10);
            faults.push(format!("delay={least}ms..{}ms", self.between(least, 30)));
        }
        if self.chance(35) {
            let points = CrashPoint::ALL
                .into_iter()
                .filter(|point| point.is_in(side));
            let points: Vec<_> = points.collect();
            let point = points[self.between(0, points.len() as u64 - 1) as usize];
            faults.push(format!("crash-at={point}#{}", self.passage(point)));
        }
        if faults.is_empty() {
            return faults;
        }
        let seed = self.between(0, u64::from(u32::MAX)).to_string();
        vec!["--fault".into(), faults.join(","), "--seed".into(), seed]
    }

    fn when(&mut self) -> String {
        if self.chance(50) {
            return format!("{}%", self.between(1, 15));
        }
        let first = self.between(1, 8);
        format!("#{first}-{}", self.between(first, first + 1))
    }

    /// A machine moves notes once, or settles before and moves them twice.
    fn passage(&mut self, point: CrashPoint) -> u64 {
        match point {
            CrashPoint::BeforeDispense | CrashPoint::MidDispense | CrashPoint::AfterDispense => 1,
            _ => self.between(1, 6),
        }
    }
}
