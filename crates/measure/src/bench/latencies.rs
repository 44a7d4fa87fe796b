//! A histogram of durations, and how it is shown.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::statistics::{samples_needed, three_digits};

/// Longest latency that is counted as itself, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// Digits of a latency that are kept.
const DIGITS: u8 = 3;

/// The quantiles that are shown.
const QUANTILES: [(&str, f64); 6] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p95", 0.95),
    ("p99", 0.99),
    ("p99.9", 0.999),
    ("p99.99", 0.9999),
];

/// The longest bar, in characters.
const BAR: usize = 50;

/// A histogram of durations.
#[derive(Debug, Clone)]
pub struct Latencies(Histogram<u64>);

impl Default for Latencies {
    fn default() -> Latencies {
        let histogram = Histogram::new_with_bounds(1, LONGEST, DIGITS);
        Latencies(histogram.unwrap_or_else(|_| unreachable!("1 to an hour, 3 digits are allowed")))
    }
}

impl Latencies {
    /// Counts one duration; one beyond an hour as an hour.
    pub fn record(&mut self, duration: Duration) {
        let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(LONGEST);
        self.0.saturating_record(nanoseconds.clamp(1, LONGEST));
    }

    /// Adds what another one counted.
    pub fn add(&mut self, other: &Latencies) {
        // Both have the same bounds.
        let _ = self.0.add(&other.0);
    }

    /// How many were counted.
    pub fn len(&self) -> u64 {
        self.0.len()
    }

    /// Whether none were.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The value of a quantile in nanoseconds, if there are as many values as it needs.
    fn quantile(&self, quantile: f64) -> Option<u64> {
        let is_enough = self.len() >= samples_needed(quantile);
        is_enough.then(|| self.0.value_at_quantile(quantile))
    }

    /// The percentiles in milliseconds, as an object; null where there are too few values.
    pub fn json(&self) -> Value {
        let mut object = json!({ "count": self.len() });
        if self.is_empty() {
            return object;
        }
        for (name, quantile) in QUANTILES {
            let value = self.quantile(quantile);
            object[name] = json!(value.map(|value| value as f64 / 1e6));
        }
        object["max"] = json!(self.0.max() as f64 / 1e6);
        object["mean"] = json!(self.0.mean() / 1e6);
        object
    }

    /// A bar for each step of 1, 2, 5, as far as there is anything.
    pub fn bars(&self) -> String {
        let steps = (0..13).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
        let mut values = self.0.iter_recorded().peekable();
        let mut rows: Vec<(u64, u64)> = Vec::new();
        for to in steps.filter(|to| *to >= 1000) {
            let mut count = 0;
            // What cannot be told apart is in one row, by its least value.
            while let Some(some) =
                values.next_if(|some| self.0.lowest_equivalent(some.value_iterated_to()) < to)
            {
                count += some.count_at_value();
            }
            if count > 0 || !rows.is_empty() {
                rows.push((to, count));
            }
            if values.peek().is_none() {
                break;
            }
        }
        let most = rows.iter().map(|(_, count)| *count).max().unwrap_or(0);
        let mut text = String::new();
        for (to, count) in rows {
            // A row that is not empty has a bar.
            let length = (count * BAR as u64).div_ceil(most.max(1)) as usize;
            let _ = writeln!(
                text,
                "{:>9} ms {count:>9} {}",
                format!("< {}", milliseconds(to)),
                "#".repeat(length)
            );
        }
        text
    }
}

/// The percentiles in milliseconds, a row for each histogram, and why one is left out.
pub fn percentiles(rows: &[(&str, &Latencies)]) -> String {
    let mut text = format!("{:<12}", "ms");
    for (name, _) in QUANTILES {
        let _ = write!(text, "{name:>9}");
    }
    let _ = writeln!(text, "{:>9}", "max");
    let mut left_out = BTreeMap::new();
    for (name, latencies) in rows {
        if latencies.is_empty() {
            let _ = writeln!(text, "{name:<12}{:>9}", "none");
            continue;
        }
        let _ = write!(text, "{name:<12}");
        for (name, quantile) in QUANTILES {
            let shown = match latencies.quantile(quantile) {
                Some(value) => milliseconds(value),
                None => {
                    left_out.insert(samples_needed(quantile), name);
                    "-".into()
                }
            };
            let _ = write!(text, "{shown:>9}");
        }
        let _ = writeln!(text, "{:>9}", milliseconds(latencies.0.max()));
    }
    if !left_out.is_empty() {
        let needs = left_out.iter();
        let needs: Vec<_> = needs
            .map(|(samples, name)| format!("{name} {samples}"))
            .collect();
        let needs = needs.join(", ").replacen(' ', " needs ", 1);
        let _ = writeln!(text, "-: too few ({needs})");
    }
    text
}

fn milliseconds(nanoseconds: u64) -> String {
    three_digits(nanoseconds as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One latency of each number of microseconds.
    fn up_to(most: u64) -> Latencies {
        let mut latencies = Latencies::default();
        for microseconds in 1..=most {
            latencies.record(Duration::from_micros(microseconds));
        }
        latencies
    }

    #[test]
    fn a_histogram_has_a_row_for_every_step_between_the_first_and_the_last() {
        let mut latencies = Latencies::default();
        for _ in 0..100 {
            latencies.record(Duration::from_micros(150));
        }
        latencies.record(Duration::from_micros(900));
        let rows = latencies.bars();
        let rows: Vec<&str> = rows.lines().collect();
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert_eq!(
            rows[0],
            format!("  < 0.200 ms       100 {}", "#".repeat(BAR))
        );
        assert_eq!(rows[1], "  < 0.500 ms         0 ");
        assert_eq!(rows[2], "   < 1.00 ms         1 #");
        assert_eq!(Latencies::default().bars(), "");
    }

    #[test]
    fn the_rows_of_a_histogram_add_up_to_what_was_counted() {
        let mut latencies = Latencies::default();
        // Around the limits of the rows, where many values cannot be told apart.
        for step in [1_000_000, 2_000_000, 5_000_000, 10_000_000_u64] {
            for away in 0..1_000 {
                latencies.record(Duration::from_nanos(step - 5_000 + 10 * away));
            }
        }
        let rows = latencies.bars();
        let counts = rows.lines().map(|row| row.split_whitespace().nth(3));
        let counts = counts.map(|count| count.unwrap().parse::<u64>().unwrap());
        assert_eq!(counts.sum::<u64>(), latencies.len(), "{rows}");
    }

    #[test]
    fn a_percentile_of_too_few_values_is_left_out_and_said_to_be() {
        let mut latencies = up_to(999);
        assert_eq!(latencies.json()["p99.9"], Value::Null);
        assert!(latencies.json()["p99"].is_number());
        let text = percentiles(&[("latency", &latencies), ("none", &Latencies::default())]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with("        -        -    0.999"), "{text}");
        assert_eq!(lines[2], "none             none");
        assert_eq!(lines[3], "-: too few (p99.9 needs 1000, p99.99 10000)");
        assert!(lines.iter().all(|line| line.len() <= 80), "{text}");
        latencies.record(Duration::from_micros(1));
        assert!(latencies.json()["p99.9"].is_number());
    }

    #[test]
    fn quantiles_are_in_milliseconds_and_absent_without_values() {
        let mut latencies = up_to(1000);
        let object = latencies.json();
        assert_eq!(object["count"], 1000);
        let p99 = object["p99"].as_f64().unwrap();
        assert!((p99 - 0.99).abs() < 0.002, "{p99}");
        assert_eq!(Latencies::default().json(), json!({"count": 0}));
        latencies.record(Duration::from_secs(7200));
        assert!(latencies.0.max() >= LONGEST);
    }
}
