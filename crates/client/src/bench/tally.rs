//! What was counted, and how it is shown.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde_json::{Value, json};

use super::ledger::LedgerAudit;
use super::load::Load;
use super::visitors::Site;
use crate::experiment::statistics::samples_needed;
use crate::failure::Failure;
use crate::output::Output;

/// Longest latency that is told apart, in nanoseconds: an hour.
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

/// The kind of error where a connection ended.
const LOST: &str = "connection lost";

/// The kind of error where something came that is no answer, which ends the connection too.
const WRONG: &str = "wrong answer";

/// The kind of error of a request of an open loop that was due, and for which nobody was free.
pub const NEVER_ASKED: &str = "never asked, 5 s after the end";

/// The longest bar of a histogram, in characters.
const BAR: usize = 50;

/// What was counted.
#[derive(Debug)]
pub struct Tally {
    /// From the moment a request was due, or sent, to its answer, in nanoseconds.
    pub latency: Histogram<u64>,
    /// Connecting, `READY` and a log-in where there is one, in nanoseconds.
    pub connecting: Histogram<u64>,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
    /// Withdrawals that were confirmed.
    pub withdrawn: i64,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Whether Ctrl-C ended it.
    pub was_interrupted: bool,
    /// Requests that were begun, whatever came of them.
    pub asked: u64,
    /// That nobody was answered for so long ended it.
    pub fell_silent: Option<Duration>,
}

impl Default for Tally {
    fn default() -> Tally {
        Tally {
            latency: histogram(),
            connecting: histogram(),
            errors: BTreeMap::new(),
            withdrawn: 0,
            elapsed: Duration::ZERO,
            was_interrupted: false,
            asked: 0,
            fell_silent: None,
        }
    }
}

/// An empty histogram of nanoseconds.
pub fn histogram() -> Histogram<u64> {
    // It refuses other bounds alone; one that grows by itself stands in, and is never needed.
    Histogram::new_with_bounds(1, LONGEST, DIGITS)
        .or_else(|_| Histogram::new(DIGITS))
        .unwrap_or_else(|_| unreachable!("3 digits are allowed"))
}

/// Counts one duration; one beyond an hour as an hour.
pub fn record(histogram: &mut Histogram<u64>, duration: Duration) {
    let nanoseconds = u64::try_from(duration.as_nanos()).unwrap_or(LONGEST);
    histogram.saturating_record(nanoseconds.clamp(1, LONGEST));
}

impl Tally {
    /// A request was answered after so long.
    pub fn answered(&mut self, latency: Duration) {
        record(&mut self.latency, latency);
    }

    /// A connection was set up in so long.
    pub fn connected(&mut self, duration: Duration) {
        record(&mut self.connecting, duration);
    }

    /// No answer came in time.
    pub fn timed_out(&mut self) {
        self.error("timeout");
    }

    /// A request, or a connection for it, failed.
    pub fn failed(&mut self, failure: &Failure) {
        match failure {
            Failure::Refused(refusal) => self.error(&format!("ERR {}", refusal.code.as_str())),
            Failure::Unreachable(_) => self.error("not reachable"),
            Failure::Lost(_) => self.error(LOST),
            Failure::Protocol(_) => self.error(WRONG),
            Failure::Usage(_)
            | Failure::Resource(_)
            | Failure::Unsendable(_)
            | Failure::Unknown(_)
            | Failure::OutputClosed
            | Failure::Interrupted => self.error("other"),
        }
    }

    /// Something of this kind went wrong.
    pub fn error(&mut self, kind: &str) {
        *self.errors.entry(kind.to_owned()).or_default() += 1;
    }

    /// Adds what another thread counted.
    pub fn add(&mut self, other: &Tally) {
        // Both have the same bounds.
        let _ = self.latency.add(&other.latency);
        let _ = self.connecting.add(&other.connecting);
        for (kind, count) in &other.errors {
            *self.errors.entry(kind.clone()).or_default() += count;
        }
        self.withdrawn += other.withdrawn;
        self.asked += other.asked;
    }

    /// Connections that ended.
    pub fn lost_connections(&self) -> u64 {
        let count = |kind| self.errors.get(kind).copied().unwrap_or(0);
        count(LOST) + count(WRONG)
    }

    /// Answers a second.
    pub fn throughput(&self) -> f64 {
        self.latency.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }

    /// Prints it, as text or as one object.
    ///
    /// # Errors
    /// When nobody reads standard output any more.
    pub fn print(
        &self,
        site: &Site,
        load: &Load,
        audit: Option<&LedgerAudit>,
        output: Output,
    ) -> Result<(), Failure> {
        if output.json {
            let mut object = self.json(site, load);
            object["audit"] = json!(audit.map(|audit| json!({
                "sound": audit.is_sound,
                "words": audit.words,
            })));
            return output.line(&object.to_string());
        }
        let mut text = self.text(site, load);
        if let Some(audit) = audit {
            let _ = write!(text, "\n{}", audit.words);
        }
        output.line(text.trim_end())
    }

    /// As one object.
    pub fn json(&self, site: &Site, load: &Load) -> Value {
        json!({
            "ok": true,
            "mode": site.subject.mode().name(),
            "server": site.server,
            "own_server": site.own_accounts.is_some(),
            "connections": load.connections,
            "loop": if load.rate.is_some() { "open" } else { "closed" },
            "rate_per_s": load.rate,
            "complete": !self.was_interrupted && self.fell_silent.is_none(),
            "elapsed_s": self.elapsed.as_secs_f64(),
            "answered": self.latency.len(),
            "throughput_per_s": self.throughput(),
            "errors": self.errors,
            "latency_ms": quantiles(&self.latency),
            "connecting_ms": quantiles(&self.connecting),
        })
    }

    /// As text.
    fn text(&self, site: &Site, load: &Load) -> String {
        let mut text = heading(site, load, self.was_interrupted);
        let what = match site.subject {
            super::Subject::Atm => "withdrawals",
            _ => "answers",
        };
        let _ = writeln!(
            text,
            "{what:<12}{} in {:.2} s: {:.0} per s",
            self.latency.len(),
            self.elapsed.as_secs_f64(),
            self.throughput()
        );
        text += &errors(&self.errors);
        if let Some(silence) = self.fell_silent {
            let seconds = silence.as_secs();
            let _ = writeln!(text, "ended early: nobody was answered for {seconds} s");
        }
        text += &percentiles(&[("latency", &self.latency), ("connecting", &self.connecting)]);
        text += &bars(&self.latency);
        text
    }
}

/// What was done, where.
pub fn heading(site: &Site, load: &Load, was_interrupted: bool) -> String {
    let way = match load.rate {
        Some(rate) => format!("open loop, {rate} per s, from the moment each was due"),
        None => "closed loop, from sending".into(),
    };
    let whose = match site.own_accounts {
        Some(_) => "a labserver of its own",
        None => site.server.as_str(),
    };
    let part = if was_interrupted { ", interrupted" } else { "" };
    let many = if load.connections == 1 { "" } else { "s" };
    format!(
        "{}: {} connection{many}, {whose}{part}\n{way}\n",
        site.subject.mode().name(),
        load.connections
    )
}

/// The errors by kind, a line each.
pub fn errors(errors: &BTreeMap<String, u64>) -> String {
    let mut text = String::new();
    if errors.is_empty() {
        text += "errors      none\n";
    }
    for (kind, count) in errors {
        let _ = writeln!(text, "errors      {count} {kind}");
    }
    text
}

/// The percentiles in milliseconds, a row for each histogram, and why one is left out.
pub fn percentiles(rows: &[(&str, &Histogram<u64>)]) -> String {
    let mut text = format!("{:<12}", "ms");
    for (name, _) in QUANTILES {
        let _ = write!(text, "{name:>9}");
    }
    let _ = writeln!(text, "{:>9}", "max");
    let mut left_out = BTreeMap::new();
    for (name, histogram) in rows {
        if histogram.is_empty() {
            let _ = writeln!(text, "{name:<12}{:>9}", "none");
            continue;
        }
        let _ = write!(text, "{name:<12}");
        for (name, quantile) in QUANTILES {
            let shown = match value_at(histogram, quantile) {
                Some(value) => shown(value),
                None => {
                    left_out.insert(samples_needed(quantile), name);
                    "-".into()
                }
            };
            let _ = write!(text, "{shown:>9}");
        }
        let _ = writeln!(text, "{:>9}", shown(histogram.max()));
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

/// The percentiles in milliseconds, as an object; null where there are too few values.
pub fn quantiles(histogram: &Histogram<u64>) -> Value {
    let mut object = json!({ "count": histogram.len() });
    if histogram.is_empty() {
        return object;
    }
    for (name, quantile) in QUANTILES {
        let value = value_at(histogram, quantile);
        object[name] = json!(value.map(|value| value as f64 / 1e6));
    }
    object["max"] = json!(histogram.max() as f64 / 1e6);
    object["mean"] = json!(histogram.mean() / 1e6);
    object
}

/// The value of a quantile, if there are as many as it needs.
fn value_at(histogram: &Histogram<u64>, quantile: f64) -> Option<u64> {
    let is_enough = histogram.len() >= samples_needed(quantile);
    is_enough.then(|| histogram.value_at_quantile(quantile))
}

/// A histogram for a terminal: in steps of 1, 2, 5 as far as there is anything.
pub fn bars(histogram: &Histogram<u64>) -> String {
    let steps = (0..13).flat_map(|power| [1, 2, 5].map(|digit| digit * 10_u64.pow(power)));
    let mut values = histogram.iter_recorded().peekable();
    let mut rows: Vec<(u64, u64)> = Vec::new();
    for to in steps.filter(|to| *to >= 1000) {
        let mut count = 0;
        // What cannot be told apart is in one row, by its least value.
        while let Some(some) =
            values.next_if(|some| histogram.lowest_equivalent(some.value_iterated_to()) < to)
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
        // What happened at all is seen.
        let length = (count * BAR as u64).div_ceil(most.max(1)) as usize;
        let _ = writeln!(
            text,
            "{:>9} ms {count:>9} {}",
            format!("< {}", shown(to)),
            "#".repeat(length)
        );
    }
    text
}

/// Nanoseconds in milliseconds, with three digits that count.
fn shown(nanoseconds: u64) -> String {
    let milliseconds = nanoseconds as f64 / 1e6;
    let decimals = match milliseconds {
        ms if ms >= 100.0 => 0,
        ms if ms >= 10.0 => 1,
        ms if ms >= 1.0 => 2,
        _ => 3,
    };
    format!("{milliseconds:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_has_a_row_for_every_step_between_the_first_and_the_last() {
        let mut histogram = histogram();
        for _ in 0..100 {
            record(&mut histogram, Duration::from_micros(150));
        }
        record(&mut histogram, Duration::from_micros(900));
        let rows = bars(&histogram);
        let rows: Vec<&str> = rows.lines().collect();
        assert_eq!(rows.len(), 3, "{rows:?}");
        assert_eq!(
            rows[0],
            format!("  < 0.200 ms       100 {}", "#".repeat(BAR))
        );
        assert_eq!(rows[1], "  < 0.500 ms         0 ");
        assert_eq!(rows[2], "   < 1.00 ms         1 #");
        assert_eq!(bars(&super::histogram()), "");
    }

    #[test]
    fn the_rows_of_a_histogram_add_up_to_what_was_counted() {
        let mut histogram = histogram();
        // Around the limits of the rows, where many values cannot be told apart.
        for step in [1_000_000, 2_000_000, 5_000_000, 10_000_000_u64] {
            for away in 0..1_000 {
                record(
                    &mut histogram,
                    Duration::from_nanos(step - 5_000 + 10 * away),
                );
            }
        }
        let rows = bars(&histogram);
        let count = |row: &str| {
            row.split_whitespace()
                .nth(3)
                .unwrap()
                .parse::<u64>()
                .unwrap()
        };
        let counts: Vec<u64> = rows.lines().map(count).collect();
        assert_eq!(counts.iter().sum::<u64>(), histogram.len(), "{rows}");
    }

    #[test]
    fn a_percentile_of_too_few_values_is_left_out_and_said_to_be() {
        let mut histogram = histogram();
        for microseconds in 1..=999 {
            record(&mut histogram, Duration::from_micros(microseconds));
        }
        assert_eq!(quantiles(&histogram)["p99.9"], Value::Null);
        assert!(quantiles(&histogram)["p99"].is_number());
        let text = percentiles(&[("latency", &histogram), ("none", &super::histogram())]);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[1].ends_with("        -        -    0.999"), "{text}");
        assert_eq!(lines[2], "none             none");
        assert_eq!(lines[3], "-: too few (p99.9 needs 1000, p99.99 10000)");
        assert!(lines.iter().all(|line| line.len() <= 80), "{text}");
        record(&mut histogram, Duration::from_micros(1));
        assert!(quantiles(&histogram)["p99.9"].is_number());
    }

    #[test]
    fn quantiles_are_in_milliseconds_and_absent_without_values() {
        let mut histogram = histogram();
        for microseconds in 1..=1000 {
            record(&mut histogram, Duration::from_micros(microseconds));
        }
        let object = quantiles(&histogram);
        assert_eq!(object["count"], 1000);
        let p99 = object["p99"].as_f64().unwrap();
        assert!((p99 - 0.99).abs() < 0.002, "{p99}");
        assert_eq!(quantiles(&super::histogram()), json!({"count": 0}));
        record(&mut histogram, Duration::from_secs(7200));
        assert!(histogram.max() >= LONGEST);
    }

    #[test]
    fn tallies_of_threads_add_up() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        one.answered(Duration::from_millis(1));
        one.timed_out();
        other.answered(Duration::from_millis(2));
        other.timed_out();
        other.failed(&Failure::Lost("gone".into()));
        one.add(&other);
        assert_eq!(one.latency.len(), 2);
        assert_eq!(one.errors["timeout"], 2);
        assert_eq!(one.errors["connection lost"], 1);
    }
}
