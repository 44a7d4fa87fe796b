//! The error rates of an experiment: what `--rates` says, in what order, and the seeds of each.

use std::fmt;

use wire::fault::generator::Xoshiro256PlusPlus;

/// Most rates in one experiment: far more than a plot can show.
const MAX_RATES: usize = 200;

/// A fraction of messages that is lost, in ten-thousandths of a percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(u32);

impl Rate {
    /// Everything is lost.
    const ALL: u32 = 1_000_000;

    /// The probability that one message is lost, from 0 to 1.
    pub fn probability(self) -> f64 {
        f64::from(self.0) / f64::from(Rate::ALL)
    }

    /// The rate in percent.
    pub fn percent(self) -> f64 {
        f64::from(self.0) / 1e4
    }

    /// The number that its random numbers are drawn with.
    pub fn number(self) -> u64 {
        u64::from(self.0)
    }

    fn parse(text: &str) -> Result<Rate, String> {
        let wrong = || format!("{text:?} is no rate in percent, as 10 or 2.5");
        let (whole, decimals) = text.split_once('.').unwrap_or((text, "0"));
        let is_number = |digits: &str| {
            !digits.is_empty() && digits.len() <= 4 && digits.bytes().all(|b| b.is_ascii_digit())
        };
        if !is_number(whole) || !is_number(decimals) {
            return Err(wrong());
        }
        let whole: u32 = whole.parse().map_err(|_| wrong())?;
        let decimals: u32 = format!("{decimals:0<4}").parse().map_err(|_| wrong())?;
        let rate = whole * 10_000 + decimals;
        if rate > Rate::ALL {
            return Err(format!("{text} % is more than everything"));
        }
        Ok(Rate(rate))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.percent())
    }
}

/// The rates of an experiment, ascending, each once; at least one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rates(pub Vec<Rate>);

impl Rates {
    /// Reads `0..90/10` (both ends included), `0,10,50`, or both mixed.
    ///
    /// # Errors
    /// When it is neither.
    pub fn parse(text: &str) -> Result<Rates, String> {
        let mut rates = Vec::new();
        for part in text.split(',') {
            let Some((from, rest)) = part.split_once("..") else {
                rates.push(Rate::parse(part.trim())?);
                continue;
            };
            let (to, step) = rest
                .split_once('/')
                .ok_or_else(|| format!("{part:?} has no step: write 0..90/10"))?;
            let from = Rate::parse(from.trim())?;
            let (to, step) = (Rate::parse(to.trim())?, Rate::parse(step.trim())?);
            if from > to || step.0 == 0 {
                return Err(format!("{part:?} goes nowhere: write 0..90/10"));
            }
            let range = (from.0..=to.0).step_by(step.0 as usize);
            rates.extend(range.map(Rate).take(MAX_RATES + 1));
        }
        rates.sort();
        rates.dedup();
        if rates.len() > MAX_RATES {
            return Err(format!("more than {MAX_RATES} rates"));
        }
        Ok(Rates(rates))
    }

    /// The rates in the order of this seed, so that what changes during the run, as a computer that
    /// grows warm, is not taken for an effect of the rate.
    pub fn in_random_order(&self, seed: u64) -> Vec<Rate> {
        let mut rates = self.0.clone();
        let mut numbers = Xoshiro256PlusPlus::stream(seed, 0, ORDER);
        for last in (1..rates.len()).rev() {
            rates.swap(last, numbers.up_to(last as u64) as usize);
        }
        rates
    }
}

impl fmt::Display for Rates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, rate) in self.0.iter().enumerate() {
            let separator = if position == 0 { "" } else { "," };
            write!(f, "{separator}{rate}")?;
        }
        Ok(())
    }
}

/// What numbers are drawn for, besides the faults: the order of the rates, the seed of each.
const ORDER: u64 = 100;
const SEED: u64 = 101;

/// Seeds for the faults of this rate: as many as are asked for. Below 2^32, as all that are printed.
pub fn seeds_of(rate: Rate, run_seed: u64) -> impl Iterator<Item = u64> {
    let mut numbers = Xoshiro256PlusPlus::stream(run_seed, rate.number(), SEED);
    std::iter::repeat_with(move || numbers.next_u64() >> 32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        Rates::parse(text).unwrap().to_string()
    }

    #[test]
    fn rates_are_a_range_with_both_ends_or_a_list_or_both() {
        assert_eq!(shown("0..90/10"), "0,10,20,30,40,50,60,70,80,90");
        assert_eq!(shown("0..100/30"), "0,30,60,90");
        assert_eq!(shown("50,0, 10"), "0,10,50");
        assert_eq!(shown("2.5"), "2.5");
        assert_eq!(shown("90,0..1/0.25,90"), "0,0.25,0.5,0.75,1,90");
        assert_eq!(shown("100"), "100");
    }

    #[test]
    fn what_is_no_rate_is_refused() {
        for text in [
            "",
            ",",
            "x",
            "-1",
            "101",
            "100.0001",
            "0..90",
            "90..0/10",
            "0..90/0",
            "1e1",
            "10%",
            "0..100/0.0001",
            "0.00001",
            ".5",
            "5.",
        ] {
            assert!(Rates::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn the_order_is_that_of_the_seed_and_keeps_every_rate() {
        let rates = Rates::parse("0..90/10").unwrap();
        let order = rates.in_random_order(7);
        assert_eq!(order, rates.in_random_order(7));
        assert_ne!(order, rates.in_random_order(8));
        assert_ne!(order, rates.0);
        let mut sorted = order;
        sorted.sort();
        assert_eq!(sorted, rates.0);
    }

    #[test]
    fn each_rate_has_seeds_of_its_own() {
        let rates = Rates::parse("0..90/10").unwrap();
        let first = |rate: &Rate| seeds_of(*rate, 2026).next().unwrap();
        let seeds: std::collections::BTreeSet<u64> = rates.0.iter().map(first).collect();
        assert_eq!(seeds.len(), 10);
        assert!(seeds.iter().all(|seed| *seed < 1 << 32));
    }
}
