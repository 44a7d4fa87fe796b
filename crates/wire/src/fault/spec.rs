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
use std::ops::RangeInclusive;
use std::time::Duration;

use super::Side;
use super::crash::CrashPoint;
use super::generator::Xoshiro256PlusPlus;

pub use self::parse::SpecError;

/// Longest delay: a message that is later than this is lost.
pub const LONGEST_DELAY: Duration = Duration::from_secs(3600);

/// Which faults are to strike, and when. Text becomes a `Spec` with [`str::parse`], and a `Spec`
/// text with `to_string`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spec {
    /// A request is lost.
    pub drop_request: Option<When>,
    /// An answer or event is lost.
    pub drop_reply: Option<When>,
    /// A request comes twice.
    pub duplicate: Option<When>,
    /// A message arrives late.
    pub delay: Option<Delay>,
    /// A request is refused.
    pub error: Option<When>,
    /// The connection ends inside a message.
    pub cut: Option<When>,
    /// A datagram arrives after the one that follows it.
    pub reorder: Option<When>,
    /// The process dies.
    pub crash_at: Option<CrashAt>,
}

/// Which messages a fault strikes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// Each with the same probability, independently.
    Chance(Chance),
    /// Those with these numbers: the first of the process is 1.
    Count(RangeInclusive<u64>),
}

/// A probability, in units of 10^-8, so that the decimal a person wrote is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u64);

/// How late a message arrives, and which messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delay {
    /// In whole microseconds, each as likely as the other.
    pub micros: RangeInclusive<u64>,
    /// `None` is every message.
    pub when: Option<When>,
}

/// Where the process dies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CrashAt {
    /// The place.
    pub point: CrashPoint,
    /// The how-manieth time the process comes there; the first is 1.
    pub passage: u64,
}

impl Chance {
    /// Certainty.
    pub const ALWAYS: Chance = Chance(100_000_000);

    /// Draws one number `x` and says whether the fault strikes: `(x >> 11) / 2^53` is below the
    /// probability, in exact arithmetic.
    pub fn strikes(self, numbers: &mut Xoshiro256PlusPlus) -> bool {
        let drawn = u128::from(numbers.next_u64() >> 11) * u128::from(Chance::ALWAYS.0);
        drawn < u128::from(self.0) << 53
    }
}

impl Spec {
    /// The keys, in the order of the documentation.
    pub const KEYS: [&'static str; 8] = [
        "drop-request",
        "drop-reply",
        "duplicate",
        "delay",
        "error",
        "cut",
        "reorder",
        "crash-at",
    ];
}

impl Spec {
    /// Reads a spec for one of the programs.
    ///
    /// # Errors
    /// When the text is none, or names a place where this program never comes: what to show below
    /// the name of the flag.
    pub fn parse_for(side: Side, text: &str) -> Result<Spec, String> {
        let spec: Spec = text.parse().map_err(|error| format!("\n{error}"))?;
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

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        let mut entry = |key: &str, value: Option<&dyn fmt::Display>| {
            let Some(value) = value else { return Ok(()) };
            write!(f, "{separator}{key}={value}")?;
            separator = ",";
            Ok(())
        };
        fn shown<T: fmt::Display>(value: &Option<T>) -> Option<&dyn fmt::Display> {
            value.as_ref().map(|value| value as &dyn fmt::Display)
        }
        entry("drop-request", shown(&self.drop_request))?;
        entry("drop-reply", shown(&self.drop_reply))?;
        entry("duplicate", shown(&self.duplicate))?;
        entry("delay", shown(&self.delay))?;
        entry("error", shown(&self.error))?;
        entry("cut", shown(&self.cut))?;
        entry("reorder", shown(&self.reorder))?;
        entry("crash-at", shown(&self.crash_at))
    }
}

impl fmt::Display for When {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            When::Chance(chance) => chance.fmt(f),
            When::Count(numbers) if numbers.start() == numbers.end() => {
                write!(f, "#{}", numbers.start())
            }
            When::Count(numbers) => write!(f, "#{}-{}", numbers.start(), numbers.end()),
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
        let (shortest, longest) = (*self.micros.start(), *self.micros.end());
        write_duration(f, shortest)?;
        if longest != shortest {
            f.write_str("..")?;
            write_duration(f, longest)?;
        }
        match &self.when {
            Some(when) => write!(f, "@{when}"),
            None => Ok(()),
        }
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

impl fmt::Display for CrashAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.passage {
            1 => f.write_str(self.point.name()),
            passage => write!(f, "{}#{passage}", self.point.name()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chance_strikes_as_often_as_it_says() {
        for (text, chance) in [("0%", 0.0), ("0.5%", 0.005), ("10%", 0.1), ("100%", 1.0)] {
            let spec: Spec = format!("cut={text}").parse().unwrap();
            let Some(When::Chance(parsed)) = spec.cut else {
                panic!("{spec:?}");
            };
            let mut numbers = Xoshiro256PlusPlus::from_seed(2026);
            let trials = 100_000;
            let struck = (0..trials).filter(|_| parsed.strikes(&mut numbers)).count();
            let expected = chance * f64::from(trials);
            // Five standard deviations of a binomial distribution.
            let tolerance = 5.0 * (expected * (1.0 - chance)).sqrt();
            let difference = (struck as f64 - expected).abs();
            assert!(difference <= tolerance, "{text}: {struck}");
        }
    }

    #[test]
    fn a_place_where_the_program_never_comes_is_refused() {
        assert!(Spec::parse_for(Side::Server, "crash-at=after-commit").is_ok());
        let error = Spec::parse_for(Side::Client, "crash-at=after-commit").unwrap_err();
        assert_eq!(
            error,
            "labclient never comes by after-commit, labserver does"
        );
    }

    #[test]
    fn the_smallest_chance_is_not_rounded_away() {
        let spec: Spec = "cut=0.000001%".parse().unwrap();
        assert_eq!(spec.cut, Some(When::Chance(Chance(1))));
    }
}
