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

/// Which faults are to be injected, and when. Text becomes a `FaultSpec` with [`str::parse`], and a `FaultSpec`
/// text with `to_string`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FaultSpec {
    /// A request is lost.
    pub drop_request: Option<Selection>,
    /// An answer or event is lost.
    pub drop_reply: Option<Selection>,
    /// A request comes twice.
    pub duplicate: Option<Selection>,
    /// A message arrives late.
    pub delay: Option<Delay>,
    /// A request is refused.
    pub error: Option<Selection>,
    /// The connection ends inside a message.
    pub cut: Option<Selection>,
    /// A datagram arrives after the one that follows it.
    pub reorder: Option<Selection>,
    /// A message arrives in several segments.
    pub split: Option<Split>,
    /// A message arrives in one segment with the next one.
    pub glue: Option<Selection>,
    /// The connection is reset instead of a message.
    pub reset: Option<Selection>,
    /// A bit of a message is flipped.
    pub corrupt: Option<Selection>,
    /// The process stops for a while.
    pub pause: Option<Pause>,
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

/// How late a message arrives, and which messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// How late.
    pub micros: Distribution,
    /// `None` is every message.
    pub when: Option<Selection>,
}

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

/// How many bytes a segment of a message has, and which messages are split.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    /// Of each segment but the last, which may have fewer; at most [`LONGEST_SEGMENT`].
    pub size: NonZeroUsize,
    /// `None` is every message.
    pub when: Option<Selection>,
}

/// How long the process stops, and before which messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// In microseconds.
    pub micros: u64,
    /// `None` is every message.
    pub when: Option<Selection>,
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
    /// The keys, in the order of the documentation.
    pub const KEYS: [&'static str; 13] = [
        "drop-request",
        "drop-reply",
        "duplicate",
        "delay",
        "error",
        "cut",
        "reorder",
        "split",
        "glue",
        "reset",
        "corrupt",
        "pause",
        "crash-at",
    ];
}

impl FaultSpec {
    /// The faults of the spec, by their keys, in the order of the documentation.
    pub fn keys(&self) -> impl Iterator<Item = &'static str> {
        self.entries().into_iter().map(|(key, _)| key)
    }

    fn entries(&self) -> Vec<(&'static str, &dyn fmt::Display)> {
        fn shown<T: fmt::Display>(value: &Option<T>) -> Option<&dyn fmt::Display> {
            value.as_ref().map(|value| value as &dyn fmt::Display)
        }
        let values = [
            shown(&self.drop_request),
            shown(&self.drop_reply),
            shown(&self.duplicate),
            shown(&self.delay),
            shown(&self.error),
            shown(&self.cut),
            shown(&self.reorder),
            shown(&self.split),
            shown(&self.glue),
            shown(&self.reset),
            shown(&self.corrupt),
            shown(&self.pause),
            shown(&self.crash_at),
        ];
        let entries = FaultSpec::KEYS.into_iter().zip(values);
        entries
            .filter_map(|(key, value)| Some((key, value?)))
            .collect()
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
            write!(f, "{separator}{key}={value}")?;
            separator = ",";
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

impl fmt::Display for Delay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.micros {
            Distribution::Uniform(range) => {
                write_duration(f, *range.start())?;
                if range.end() != range.start() {
                    f.write_str("..")?;
                    write_duration(f, *range.end())?;
                }
            }
            Distribution::Exponential(mean) => {
                f.write_str("exponential:")?;
                write_duration(f, *mean)?;
            }
            Distribution::Normal(mean, deviation) => {
                f.write_str("normal:")?;
                write_duration(f, *mean)?;
                f.write_str("+-")?;
                write_duration(f, *deviation)?;
            }
        }
        write_when(f, self.when.as_ref())
    }
}

impl fmt::Display for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.size)?;
        write_when(f, self.when.as_ref())
    }
}

impl fmt::Display for Pause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_duration(f, self.micros)?;
        write_when(f, self.when.as_ref())
    }
}

fn write_when(f: &mut fmt::Formatter<'_>, when: Option<&Selection>) -> fmt::Result {
    match when {
        Some(when) => write!(f, "@{when}"),
        None => Ok(()),
    }
}

fn write_duration(f: &mut fmt::Formatter<'_>, micros: u64) -> fmt::Result {
    match micros {
        0 => f.write_str("0ms"),
        _ if micros.is_multiple_of(1_000_000) => write!(f, "{}s", micros / 1_000_000),
        _ if micros.is_multiple_of(1_000) => write!(f, "{}ms", micros / 1_000),
        _ => write!(f, "{micros}us"),
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
        assert_eq!(
            error,
            "labclient never comes by after-commit, labserver does"
        );
    }

    #[test]
    fn the_smallest_chance_is_not_rounded_away() {
        let spec: FaultSpec = "cut=0.000001%".parse().unwrap();
        assert_eq!(spec.cut, Some(Selection::Chance(Chance(1))));
    }
}
