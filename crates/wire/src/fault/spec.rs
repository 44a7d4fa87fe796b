//! What `--fault` says: `drop-request=10%,drop-reply=#2,delay=20ms..80ms`.
//!
//! `docs/faults.md` has the grammar. A mistake is shown where it stands:
//!
//! ```text
//! drop-request=1O%
//!              ^ a chance as 10% or a count as #2
//! ```

mod parse;

use std::fmt;
use std::num::NonZeroUsize;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::crash::CrashAt;
use super::generator::Xoshiro256PlusPlus;
use proto::side::Side;

pub use self::parse::FaultSpecError;

/// Longest delay: a message that is later than this is lost. Also the longest pause.
pub const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// Longest segment that a message is split into, in bytes: more is not sent in one anyway.
pub const LONGEST_SEGMENT: usize = 65_535;

/// Which faults are to be injected, and when; read with [`str::parse`], written with `to_string`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultSpec {
    /// A request is lost.
    pub drop_request: Option<Selection>,
    /// An answer or event is lost.
    pub drop_reply: Option<Selection>,
    /// A request comes twice.
    pub duplicate: Option<Selection>,
    /// A message arrives late, by so much.
    pub delay: Option<Fault<Distribution>>,
    /// A request is refused.
    pub error: Option<Selection>,
    /// The connection ends inside a message.
    pub cut: Option<Selection>,
    /// A datagram arrives after the one that follows it.
    pub reorder: Option<Selection>,
    /// A message arrives in several segments: of so many bytes, at most [`LONGEST_SEGMENT`], and
    /// the last with the rest.
    pub split: Option<Fault<NonZeroUsize>>,
    /// A message arrives in one segment with the next one.
    pub glue: Option<Selection>,
    /// The connection is reset instead of a message.
    pub reset: Option<Selection>,
    /// A bit of a message is flipped.
    pub corrupt: Option<Selection>,
    /// The process stops for so long.
    pub pause: Option<Fault<Micros>>,
    /// The process dies.
    pub crash_at: Option<CrashAt>,
}

/// Which messages a fault applies to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Selection {
    /// Each with the same probability, independently.
    Chance(Chance),
    /// Those with these numbers: the first of the process is 1.
    Count(RangeInclusive<u64>),
}

/// A probability, in units of 10^-8, so that the decimal in the text is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u64);

/// A fault that needs more than to be chosen: how late, how large.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault<T> {
    /// What is needed.
    pub value: T,
    /// To which messages it applies; `None` is every message.
    pub when: Option<Selection>,
}

/// A time in microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Micros(pub u64);

/// A distribution of whole microseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Distribution {
    /// Each in this range as likely as the other.
    Uniform(RangeInclusive<u64>),
    /// Exponential with this mean: mostly less, sometimes much more.
    Exponential(u64),
    /// Normal with this mean and this standard deviation; what is below zero is zero.
    Normal(u64, u64),
}

impl Chance {
    /// Certainty.
    pub const ALWAYS: Chance = Chance(100_000_000);

    /// Draws one number `x` and says whether the fault applies: `(x >> 11) / 2^53` is below the
    /// probability, in exact arithmetic.
    pub fn draw(self, numbers: &mut Xoshiro256PlusPlus) -> bool {
        let drawn = u128::from(numbers.next_u64() >> 11) * u128::from(Chance::ALWAYS.0);
        drawn < u128::from(self.0) << 53
    }
}

impl FaultSpec {
    /// The faults of the spec, by their keys, in the order of the documentation.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        let given = self
            .entries()
            .into_iter()
            .filter(|(_, value)| value.is_some());
        given.map(|(key, _)| key)
    }

    /// Whether there is no fault.
    pub fn is_empty(&self) -> bool {
        self.keys().next().is_none()
    }

    /// All faults by their keys, in the order of the documentation.
    fn entries(&self) -> [(&'static str, Option<&dyn fmt::Display>); 13] {
        fn shown<T: fmt::Display>(value: &Option<T>) -> Option<&dyn fmt::Display> {
            value.as_ref().map(|value| value as &dyn fmt::Display)
        }
        [
            ("drop-request", shown(&self.drop_request)),
            ("drop-reply", shown(&self.drop_reply)),
            ("duplicate", shown(&self.duplicate)),
            ("delay", shown(&self.delay)),
            ("error", shown(&self.error)),
            ("cut", shown(&self.cut)),
            ("reorder", shown(&self.reorder)),
            ("split", shown(&self.split)),
            ("glue", shown(&self.glue)),
            ("reset", shown(&self.reset)),
            ("corrupt", shown(&self.corrupt)),
            ("pause", shown(&self.pause)),
            ("crash-at", shown(&self.crash_at)),
        ]
    }

    /// Reads a spec for one of the programs.
    ///
    /// # Errors
    /// When the text is none, or names a crash point that this program never reaches: what to show below
    /// the name of the flag.
    pub fn parse_for(side: Side, text: &str) -> Result<FaultSpec, String> {
        let spec: FaultSpec = text.parse().map_err(|error| format!("\n{error}"))?;
        let (here, there) = match side {
            Side::Client => ("labclient", "labserver"),
            Side::Server => ("labserver", "labclient"),
        };
        match spec.crash_at {
            Some(CrashAt { point, .. }) if !point.is_in(side) => {
                Err(format!("{here} never comes by {point}, {there} does"))
            }
            Some(_) | None => Ok(spec),
        }
    }
}

impl fmt::Display for FaultSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for (key, value) in self.entries() {
            if let Some(value) = value {
                write!(f, "{separator}{key}={value}")?;
                separator = ",";
            }
        }
        Ok(())
    }
}

impl fmt::Display for Selection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Selection::Chance(chance) => chance.fmt(f),
            Selection::Count(numbers) if numbers.start() == numbers.end() => {
                write!(f, "#{}", numbers.start())
            }
            Selection::Count(numbers) => write!(f, "#{}-{}", numbers.start(), numbers.end()),
        }
    }
}

impl fmt::Display for Chance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.0 / 1_000_000, self.0 % 1_000_000);
        if rest == 0 {
            return write!(f, "{whole}%");
        }
        let digits = format!("{rest:06}");
        write!(f, "{whole}.{}%", digits.trim_end_matches('0'))
    }
}

impl fmt::Display for Distribution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Distribution::Uniform(range) => {
                Micros(*range.start()).fmt(f)?;
                match range.end() == range.start() {
                    true => Ok(()),
                    false => write!(f, "..{}", Micros(*range.end())),
                }
            }
            Distribution::Exponential(mean) => write!(f, "exponential:{}", Micros(*mean)),
            Distribution::Normal(mean, deviation) => {
                write!(f, "normal:{}+-{}", Micros(*mean), Micros(*deviation))
            }
        }
    }
}

impl<T: fmt::Display> fmt::Display for Fault<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)?;
        match &self.when {
            Some(when) => write!(f, "@{when}"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => f.write_str("0ms"),
            micros if micros.is_multiple_of(1_000_000) => write!(f, "{}s", micros / 1_000_000),
            micros if micros.is_multiple_of(1_000) => write!(f, "{}ms", micros / 1_000),
            micros => write!(f, "{micros}us"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_applies_as_often_as_it_says() {
        for (text, chance) in [("0%", 0.0), ("0.5%", 0.005), ("10%", 0.1), ("100%", 1.0)] {
            let spec: FaultSpec = format!("cut={text}").parse().unwrap();
            let Some(Selection::Chance(parsed)) = spec.cut else {
                panic!("{spec:?}");
            };
            let mut numbers = Xoshiro256PlusPlus::from_seed(2026);
            let trials = 100_000;
            let drawn = (0..trials).filter(|_| parsed.draw(&mut numbers)).count();
            let expected = chance * f64::from(trials);
            // Five standard deviations of a binomial distribution.
            let tolerance = 5.0 * (expected * (1.0 - chance)).sqrt();
            let difference = (drawn as f64 - expected).abs();
            assert!(difference <= tolerance, "{text}: {drawn}");
        }
    }

    #[test]
    fn a_place_where_the_program_never_comes_is_refused() {
        assert!(FaultSpec::parse_for(Side::Server, "crash-at=after-commit").is_ok());
        let error = FaultSpec::parse_for(Side::Client, "crash-at=after-commit").unwrap_err();
        let words = "labclient never comes by after-commit, labserver does";
        assert_eq!(error, words);
    }

    #[test]
    fn the_smallest_chance_is_not_rounded_away() {
        let spec: FaultSpec = "cut=0.000001%".parse().unwrap();
        assert_eq!(spec.cut, Some(Selection::Chance(Chance(1))));
    }
}
