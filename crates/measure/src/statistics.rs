//! The numbers of a report: quantiles with intervals, and a mean of attempts that is fair to
//! operations which were given up.
//!
//! An operation that was given up is *censored*: it took at least as long as it was watched. Since
//! all are watched for the same number of attempts, they are taken to be longer than all that were
//! answered, so quantiles below them are exact, and one that falls among them is not known.

/// A sample of durations or counts, of which some are known only to exceed all others.
#[derive(Debug, Clone, Default)]
pub struct Sample {
    /// Ascending.
    known: Vec<f64>,
    censored: usize,
}

/// From and to; `None` is beyond what was watched.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// The lower end.
    pub from: f64,
    /// The upper end.
    pub to: Option<f64>,
}

impl Sample {
    /// The sample with these known values, and so many that exceed them.
    pub fn new(mut known: Vec<f64>, censored: usize) -> Sample {
        known.sort_by(f64::total_cmp);
        Sample { known, censored }
    }

    /// How many there are, censored ones included.
    pub fn len(&self) -> usize {
        self.known.len() + self.censored
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The smallest value that at least this fraction of the sample does not exceed; `None` when it
    /// is a censored one, or there are none.
    pub fn quantile(&self, fraction: f64) -> Option<f64> {
        let rank = (fraction * self.len() as f64).ceil() as usize;
        self.ranked(rank.max(1))
    }

    /// As [`Sample::quantile`], if there are as many values as it needs.
    pub fn percentile(&self, fraction: f64) -> Option<f64> {
        let is_enough = self.len() as u64 >= samples_needed(fraction);
        is_enough.then(|| self.quantile(fraction)).flatten()
    }

    /// An interval that covers the median of whatever this is a sample of, with at least 95 %, by
    /// counting alone: it assumes no distribution. `None` for fewer than 6 values, where no two of
    /// them do, or when its lower end is censored.
    pub fn median_interval(&self) -> Option<Interval> {
        let below = median_rank(self.len())?;
        Some(Interval {
            from: self.ranked(below)?,
            to: self.ranked(self.len() + 1 - below),
        })
    }

    /// The value of this rank; the smallest has rank 1.
    fn ranked(&self, rank: usize) -> Option<f64> {
        self.known.get(rank.checked_sub(1)?).copied()
    }
}

/// The largest rank that exceeds the median with a chance of at most 2.5 %, in a sample this large.
fn median_rank(len: usize) -> Option<usize> {
    let n = len as f64;
    // Fewer than `rank` of n values are below the median with the chance I(1/2; n - rank + 1, rank).
    let chance = |rank: usize| incomplete_beta(0.5, n - rank as f64 + 1.0, rank as f64);
    let (mut enough, mut too_many) = (0, len / 2 + 1);
    while too_many - enough > 1 {
        let middle = enough.midpoint(too_many);
        if chance(middle) <= 0.025 {
            enough = middle;
        } else {
            too_many = middle;
        }
    }
    (enough > 0).then_some(enough)
}

/// How often something was tried, and how often that succeeded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Trials {
    /// All attempts, those of what was given up included.
    pub attempts: u64,
    /// Those that were answered.
    pub answered: u64,
}

impl Trials {
    /// Attempts until one is answered, on average: the maximum-likelihood estimate for independent
    /// attempts, which counts what was given up as attempts without an answer. `None` when nothing
    /// was answered.
    pub fn mean_attempts(self) -> Option<f64> {
        (self.answered > 0).then(|| self.attempts as f64 / self.answered as f64)
    }

    /// An interval that covers the expected attempts with at least this confidence, from the exact
    /// one of Clopper and Pearson for the chance that an attempt is answered. `None` without any
    /// attempt.
    pub fn interval(self, confidence: f64) -> Option<Interval> {
        if self.attempts == 0 {
            return None;
        }
        let (n, k) = (self.attempts as f64, self.answered as f64);
        let tail = (1.0 - confidence) / 2.0;
        let likeliest = if self.answered == self.attempts {
            1.0
        } else {
            inverse_incomplete_beta(1.0 - tail, k + 1.0, n - k)
        };
        let least = (self.answered > 0).then(|| inverse_incomplete_beta(tail, k, n - k + 1.0));
        Some(Interval {
            from: 1.0 / likeliest,
            to: least.map(|least| 1.0 / least),
        })
    }
}

impl Interval {
    /// Whether this is in it.
    pub fn contains(&self, value: f64) -> bool {
        self.from <= value && self.to.is_none_or(|to| value <= to)
    }
}

/// The confidence of each of so many intervals such that all of them together cover with 95 %
/// (Bonferroni). Otherwise one of ten would miss in two of five runs where all is as it should be.
pub fn each_of(intervals: usize) -> f64 {
    1.0 - 0.05 / intervals.max(1) as f64
}

/// Where the regularized incomplete beta function takes this value.
fn inverse_incomplete_beta(value: f64, a: f64, b: f64) -> f64 {
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    // A double has 53 bits; near 0 a few more are needed.
    for _ in 0..100 {
        let middle = low.midpoint(high);
        if incomplete_beta(middle, a, b) < value {
            low = middle;
        } else {
            high = middle;
        }
    }
    low.midpoint(high)
}

/// The regularized incomplete beta function I(x; a, b), by its continued fraction (Lentz's method).
fn incomplete_beta(x: f64, a: f64, b: f64) -> f64 {
    if x <= 0.0 {
        return 0.0;
    }
    if x >= 1.0 {
        return 1.0;
    }
    let front = (ln_gamma(a + b) - ln_gamma(a) - ln_gamma(b) + a * x.ln() + b * (-x).ln_1p()).exp();
    // The fraction converges quickly on this side of the mean only.
    if x < (a + 1.0) / (a + b + 2.0) {
        front * beta_fraction(x, a, b) / a
    } else {
        1.0 - front * beta_fraction(1.0 - x, b, a) / b
    }
}

fn beta_fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away_from_zero = |value: f64| if value.abs() < TINY { TINY } else { value };
    let mut c = 1.0;
    let mut d = 1.0 / away_from_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut fraction = d;
    for step in 1..100_000 {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away_from_zero(1.0 + term * d);
            c = away_from_zero(1.0 + term / c);
            change = c * d;
            fraction *= change;
        }
        if (change - 1.0).abs() < 1e-14 {
            break;
        }
    }
    fraction
}

/// The logarithm of the gamma function above 0, by Stirling's series.
fn ln_gamma(x: f64) -> f64 {
    // The series is good to 1e-15 from 15 on; below, gamma(x) = gamma(x + 1) / x leads there.
    let (mut x, mut shift) = (x, 0.0);
    while x < 15.0 {
        shift += x.ln();
        x += 1.0;
    }
    let (inverse, square) = (1.0 / x, 1.0 / (x * x));
    let series =
        inverse * (1.0 / 12.0 - square * (1.0 / 360.0 - square * (1.0 / 1260.0 - square / 1680.0)));
    (x - 0.5) * x.ln() - x + 0.5 * (2.0 * std::f64::consts::PI).ln() + series - shift
}

/// How many values a quantile needs so that one can lie beyond it. From fewer, it is the greatest of
/// them, which says little of what all of them are like.
pub fn samples_needed(quantile: f64) -> u64 {
    (1.0 / (1.0 - quantile)).round() as u64
}

/// A value above 0 with three significant digits, and at most three decimals.
pub fn three_digits(value: f64) -> String {
    let decimals = match value {
        value if value >= 100.0 => 0,
        value if value >= 10.0 => 1,
        value if value >= 1.0 => 2,
        _ => 3,
    };
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(value: f64, expected: f64) {
        assert!(
            (value - expected).abs() <= 1e-6 * expected.abs().max(1.0),
            "{value} is not {expected}"
        );
    }

    fn trials(attempts: u64, answered: u64) -> Trials {
        Trials { attempts, answered }
    }

    fn one_to(count: u32) -> Vec<f64> {
        (1..=count).rev().map(f64::from).collect()
    }

    #[test]
    fn quantiles_are_values_of_the_sample() {
        let sample = Sample::new(one_to(100), 0);
        assert_eq!(sample.quantile(0.5), Some(50.0));
        assert_eq!(sample.quantile(0.95), Some(95.0));
        assert_eq!(sample.quantile(0.99), Some(99.0));
        assert_eq!(sample.quantile(1.0), Some(100.0));
        assert_eq!(sample.quantile(0.0), Some(1.0));
        assert_eq!(Sample::new(vec![7.0], 0).quantile(0.99), Some(7.0));
        assert_eq!(Sample::default().quantile(0.5), None);
        assert!(Sample::default().is_empty());
    }

    #[test]
    fn a_percentile_needs_values_on_both_of_its_sides() {
        for (fraction, needed) in [(0.5, 2), (0.95, 20), (0.99, 100), (0.999, 1_000)] {
            assert_eq!(samples_needed(fraction), needed);
        }
        assert_eq!(Sample::new(one_to(99), 0).percentile(0.99), None);
        assert_eq!(Sample::new(one_to(100), 0).percentile(0.99), Some(99.0));
    }

    #[test]
    fn what_was_given_up_is_beyond_all_that_was_answered() {
        let sample = Sample::new(one_to(96), 4);
        assert_eq!(sample.len(), 100);
        assert_eq!(sample.quantile(0.5), Some(50.0));
        assert_eq!(sample.quantile(0.95), Some(95.0));
        assert_eq!(sample.quantile(0.99), None);
        assert_eq!(Sample::new(vec![1.0], 2).quantile(0.5), None);
    }

    #[test]
    fn the_interval_of_a_median_has_the_ranks_of_the_tables() {
        // Ranks for 95 %, as in tables of nonparametric intervals for a median.
        for (count, rank) in [
            (6, 1),
            (8, 1),
            (9, 2),
            (20, 6),
            (50, 18),
            (100, 40),
            (1000, 469),
        ] {
            assert_eq!(median_rank(count), Some(rank), "{count}");
        }
        assert_eq!(median_rank(5), None);
        assert_eq!(median_rank(0), None);
        let interval = Sample::new(one_to(100), 0).median_interval().unwrap();
        assert_eq!((interval.from, interval.to), (40.0, Some(61.0)));
        let interval = Sample::new(one_to(55), 45).median_interval().unwrap();
        assert_eq!((interval.from, interval.to), (40.0, None));
        assert_eq!(Sample::new(one_to(30), 70).median_interval(), None);
    }

    #[test]
    fn given_up_operations_count_as_attempts_without_an_answer() {
        let some = trials(300, 100);
        assert_eq!(some.mean_attempts(), Some(3.0));
        let never = trials(300, 0);
        assert_eq!(never.mean_attempts(), None);
        let interval = never.interval(0.95).unwrap();
        assert!(
            interval.from > 80.0 && interval.to.is_none(),
            "{interval:?}"
        );
        assert_eq!(Trials::default().interval(0.95), None);
    }

    #[test]
    fn the_interval_of_the_mean_is_that_of_clopper_and_pearson() {
        // 10 of 100: [0.0490047, 0.1762226]; 5 of 5: [0.4781762, 1]. Published values.
        let some = trials(100, 10);
        let interval = some.interval(0.95).unwrap();
        near(1.0 / interval.to.unwrap(), 0.049_004_69);
        near(1.0 / interval.from, 0.176_222_60);
        let all = trials(5, 5);
        let interval = all.interval(0.95).unwrap();
        assert_eq!(interval.from, 1.0);
        near(1.0 / interval.to.unwrap(), 0.478_176_25);
        assert!(interval.contains(1.0) && !interval.contains(2.2));
    }

    #[test]
    fn the_interval_covers_as_often_as_it_says() {
        use wire::fault::generator::Xoshiro256PlusPlus;
        let mut numbers = Xoshiro256PlusPlus::from_seed(1);
        let mut covered = 0;
        for _ in 0..1000 {
            let mut trials = Trials::default();
            // Attempts that are answered one in four times, given up after 10.
            for _ in 0..100 {
                for _ in 0..10 {
                    trials.attempts += 1;
                    if numbers.up_to(3) == 0 {
                        trials.answered += 1;
                        break;
                    }
                }
            }
            covered += u32::from(trials.interval(0.95).unwrap().contains(4.0));
        }
        assert!((935..=985).contains(&covered), "{covered} of 1000");
    }

    #[test]
    fn the_gamma_function_is_right_where_it_is_known() {
        near(ln_gamma(1.0), 0.0);
        near(ln_gamma(0.5), std::f64::consts::PI.sqrt().ln());
        near(ln_gamma(11.0), 3_628_800_f64.ln());
        near(ln_gamma(1e6), 12_815_504.569_147_61);
    }

    #[test]
    fn ten_intervals_are_each_wider_so_that_all_cover_together() {
        near(each_of(10), 0.995);
        near(each_of(1), 0.95);
        near(each_of(0), 0.95);
    }
}
