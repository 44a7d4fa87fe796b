//! From random numbers to times of a stated distribution, in whole numbers alone, so that every
//! implementation gives the same. `docs/faults.md` specifies each step.

use super::generator::Xoshiro256PlusPlus;
use super::spec::{Distribution, LONGEST_DELAY};

/// ln 2 in units of 2^-32, rounded.
const LN_2: u128 = 2_977_044_472;

/// Numbers that are added up for one that is nearly normal: their sum has the variance 1.
const SUMMANDS: u32 = 12;

impl Distribution {
    /// Draws a time, in microseconds, at most [`LONGEST_DELAY`]. Each distribution draws the same
    /// number of numbers for each time.
    pub fn draw(&self, numbers: &mut Xoshiro256PlusPlus) -> u64 {
        let micros = match self {
            Distribution::Uniform(range) => {
                return range.start() + numbers.up_to(range.end() - range.start());
            }
            Distribution::Exponential(mean) => {
                let scaled = u128::from(*mean) * u128::from(negative_log2(numbers.next_u64()));
                (scaled * LN_2) >> 64
            }
            Distribution::Normal(mean, deviation) => {
                let sum: u64 = (0..SUMMANDS).map(|_| numbers.next_u64() >> 32).sum();
                let expected = u64::from(SUMMANDS / 2) * u64::from(u32::MAX);
                let from_mean = i128::from(sum) - i128::from(expected);
                // The shift rounds down, also below zero.
                let micros = i128::from(*mean) + ((i128::from(*deviation) * from_mean) >> 32);
                u128::try_from(micros).unwrap_or(0)
            }
        };
        // Both fit in 64 bits.
        micros.min(LONGEST_DELAY.as_micros()) as u64
    }
}

/// -log2 of the number that the upper 53 bits make, from 2^-53 to 1, in units of 2^-32 and rounded
/// up: bit by bit, by squaring.
fn negative_log2(x: u64) -> u64 {
    let n = (x >> 11) + 1;
    let whole = n.ilog2();
    let mut mantissa = n << (63 - whole);
    let mut log2 = u64::from(whole);
    for _ in 0..32 {
        let square = (u128::from(mantissa) * u128::from(mantissa)) >> 63;
        let bit = (square >> 64) as u64;
        mantissa = (square >> bit) as u64;
        log2 = log2 << 1 | bit;
    }
    (53 << 32) - log2
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(distribution: &Distribution, count: u32) -> Vec<f64> {
        let mut numbers = Xoshiro256PlusPlus::from_seed(2026);
        let drawn = (0..count).map(|_| distribution.draw(&mut numbers) as f64);
        let mut drawn: Vec<f64> = drawn.collect();
        drawn.sort_by(f64::total_cmp);
        drawn
    }

    fn mean_and_deviation(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        let squares = values.iter().map(|value| (value - mean).powi(2));
        (mean, (squares.sum::<f64>() / count).sqrt())
    }

    /// Whether the share of values below each of these is as expected, within five standard
    /// deviations of a binomial distribution.
    fn assert_shares(values: &[f64], expected: &[(f64, f64)]) {
        let count = values.len() as f64;
        for (below, share) in expected {
            let got = values.partition_point(|value| value < below) as f64 / count;
            let tolerance = 5.0 * (share * (1.0 - share) / count).sqrt();
            assert!((got - share).abs() < tolerance, "below {below}: {got}");
        }
    }

    #[test]
    fn exponential_times_have_their_mean_and_their_tail() {
        let values = drawn(&Distribution::Exponential(30_000), 100_000);
        let (mean, deviation) = mean_and_deviation(&values);
        assert!((29_500.0..30_500.0).contains(&mean), "{mean}");
        assert!((29_500.0..30_500.0).contains(&deviation), "{deviation}");
        let share = |times: f64| (30_000.0 * times, 1.0 - (-times).exp());
        assert_shares(&values, &[share(0.1), share(1.0), share(3.0), share(6.0)]);
    }

    #[test]
    fn normal_times_have_their_mean_and_their_deviation() {
        let values = drawn(&Distribution::Normal(50_000, 10_000), 100_000);
        let (mean, deviation) = mean_and_deviation(&values);
        assert!((49_850.0..50_150.0).contains(&mean), "{mean}");
        assert!((9_880.0..10_120.0).contains(&deviation), "{deviation}");
        let quantiles = [(40_000.0, 0.1587), (50_000.0, 0.5), (60_000.0, 0.8413)];
        assert_shares(&values, &quantiles);
    }

    #[test]
    fn a_normal_time_is_never_below_zero() {
        let values = drawn(&Distribution::Normal(1_000, 10_000), 10_000);
        let zeros = values.iter().filter(|value| **value == 0.0).count();
        assert!((4_000..5_000).contains(&zeros), "{zeros}");
    }

    #[test]
    fn the_logarithm_is_that_of_the_standard_library() {
        let greatest = u64::MAX;
        for x in [
            0,
            1 << 11,
            1 << 40,
            greatest / 3,
            1 << 63,
            greatest - 2048,
            greatest,
        ] {
            let expected = -((((x >> 11) + 1) as f64) / 53_f64.exp2()).log2();
            let computed = negative_log2(x) as f64 / 32_f64.exp2();
            let difference = (computed - expected).abs();
            assert!(difference < 1e-8, "{x}: {difference}");
        }
    }

    #[test]
    fn no_time_is_longer_than_the_longest_delay() {
        let longest = LONGEST_DELAY.as_micros() as u64;
        for distribution in [
            Distribution::Exponential(longest),
            Distribution::Normal(longest, longest),
            Distribution::Uniform(0..=longest),
        ] {
            let longest_drawn = drawn(&distribution, 1_000)[999];
            assert!(longest_drawn <= longest as f64, "{distribution:?}");
        }
    }
}
