//! What an experiment leaves: a table for the reader, and files for a report.

use std::fmt::Write;

use serde_json::{Value, json};

use super::summary::{Summary, Theory, millis};
use super::sweep::{Experiment, Measured, RateRun};
use crate::statistics::{Interval, samples_needed, three_digits};
use crate::subject::Audit;

/// What `parameters.json` calls the program, by which a directory of results is known.
pub const PROGRAM: &str = "labclient experiment";

/// The tables, and what has to be known to read them; at most 80 columns wide.
pub fn table(experiment: &Experiment, summaries: &[Summary], theory: &Theory) -> String {
    let mut text = String::new();
    let _ = writeln!(
        text,
        "{} at the {}; {} {} at each rate\n{}, no pause; seed {}",
        experiment.loss,
        experiment.fault_side,
        experiment.operations,
        experiment.subject.operations,
        theory.timeout(experiment.timeout),
        experiment.seed
    );
    let _ = writeln!(
        text,
        "{};\nan attempt is one sending of a request, which is repeated until it is\nanswered, at \
         most {} times\n",
        experiment.subject.definition, experiment.give_up_after
    );
    let mut row = |[error, n, given, median, p95, p99, done]: [&str; 7]| {
        let _ = writeln!(
            text,
            "{error:>6} {n:>5} {given:>7} {median:>25} {p95:>8} {p99:>8} {done:>9}"
        );
    };
    let median = "latency: median";
    row(["error", "n", "given", median, "p95", "p99", "done"]);
    row(["%", "", "up", "ms [95 %]", "ms", "ms", "per s"]);
    for summary in summaries {
        let percentile = |value, fraction| {
            let is_enough = summary.operations as u64 >= samples_needed(fraction);
            if is_enough { short(value) } else { "-".into() }
        };
        row([
            &summary.rate.to_string(),
            &summary.operations.to_string(),
            &summary.given_up.to_string(),
            &with_interval(summary.median, summary.median_interval),
            &percentile(summary.p95, 0.95),
            &percentile(summary.p99, 0.99),
            &short(Some(summary.throughput)),
        ]);
    }
    text.push('\n');
    let mut row = |[error, attempts, expected]: [&str; 3]| {
        let _ = writeln!(text, "{error:>6} {attempts:>27} {expected:>9}");
    };
    row(["error", "attempts per exchange", "expected"]);
    row(["%", "[95 %, all rates together]", experiment.loss.formula()]);
    for summary in summaries {
        let attempts = summary.trials.mean_attempts();
        row([
            &summary.rate.to_string(),
            &with_interval(attempts, summary.attempts_interval),
            &short(Some(summary.expected_attempts)),
        ]);
    }
    text.push('\n');
    for line in remarks(summaries) {
        let _ = writeln!(text, "{line}");
    }
    text
}

/// Whether the theory holds, nothing was lost or doubled, and what to be careful with.
fn remarks(summaries: &[Summary]) -> Vec<String> {
    let mut lines = Vec::new();
    let agreeing = summaries.iter().filter(|summary| summary.agrees()).count();
    lines.push(format!(
        "attempts: the expected number is within the interval at {agreeing} of {} rates",
        summaries.len()
    ));
    let fewest = summaries.iter().map(|summary| summary.operations).min();
    if fewest.is_some_and(|fewest| (fewest as u64) < samples_needed(0.99)) {
        lines.push(format!(
            "-: left out; p95 needs {} operations, p99 {}",
            samples_needed(0.95),
            samples_needed(0.99)
        ));
    }
    let given_up: usize = summaries.iter().map(|summary| summary.given_up).sum();
    if given_up > 0 {
        lines.push(format!(
            "given up: {given_up}; they count as longer than all others, and as attempts without\n\
             an answer"
        ));
    }
    let late: u64 = summaries.iter().map(|summary| summary.late).sum();
    let left_out: u64 = summaries.iter().map(|summary| summary.left_out).sum();
    if late > 0 {
        lines.push(format!(
            "late: {late} answers came after the timeout, so that those attempts were no loss;\n\
             their {left_out} exchanges are left out of the attempts; a longer --timeout avoids that"
        ));
    }
    let mut sound = 0;
    for summary in summaries {
        let rate = summary.rate;
        match &summary.audit {
            Some(Audit::Sound(_)) => sound += 1,
            Some(Audit::Wrong(words)) => {
                lines.push(format!(
                    "WRONG at {rate} %: {words}: money was lost or made"
                ));
            }
            Some(Audit::NotKnown(words)) => lines.push(format!("not checked at {rate} %: {words}")),
            Some(Audit::NothingToCheck) | None => {}
        }
    }
    if sound > 0 {
        lines.push(format!(
            "exactly once: at {sound} of {} rates the balance is what the withdrawals left",
            summaries.len()
        ));
    }
    lines
}

/// Every operation, one a line.
pub fn samples_csv(runs: &[RateRun]) -> String {
    let mut csv = String::from(
        "error_rate_percent,position_in_run,operation,outcome,latency_ms,attempts,\
         attempts_of_each_exchange,late_answers,unanswered_attempts,wait_for_unanswered_ms\n",
    );
    for run in runs {
        for (number, operation) in run.operations.iter().enumerate() {
            let performed = &operation.performed;
            let each = performed.attempts.iter().chain(&performed.given_up_after);
            let each: Vec<String> = each.map(u32::to_string).collect();
            let outcome = match performed.given_up_after {
                Some(_) => "given-up",
                None => "done",
            };
            let _ = writeln!(
                csv,
                "{},{},{},{outcome},{:.6},{},{},{},{},{:.6}",
                run.rate,
                run.position,
                number + 1,
                millis(operation.latency),
                performed.total_attempts(),
                each.join("+"),
                performed.late.len(),
                performed.unanswered,
                millis(performed.waited),
            );
        }
    }
    csv
}

/// The columns of the summary, in CSV and JSON. What is not known is null.
fn row(summary: &Summary, run: Option<&RateRun>) -> [(&'static str, Value); 24] {
    let low = |interval: Option<Interval>| json!(interval.map(|interval| interval.from));
    let high = |interval: Option<Interval>| json!(interval.and_then(|interval| interval.to));
    let expected = summary.expected_attempts;
    let expected = expected.is_finite().then_some(expected);
    let audit = match &summary.audit {
        Some(Audit::Sound(_)) => "sound",
        Some(Audit::Wrong(_)) => "wrong",
        Some(Audit::NotKnown(_)) | None => "not-known",
        Some(Audit::NothingToCheck) => "nothing-to-check",
    };
    [
        ("error_rate_percent", json!(summary.rate.percent())),
        ("operations", json!(summary.operations)),
        ("given_up", json!(summary.given_up)),
        ("latency_median_ms", json!(summary.median)),
        ("latency_median_low_ms", low(summary.median_interval)),
        ("latency_median_high_ms", high(summary.median_interval)),
        ("latency_p95_ms", json!(summary.p95)),
        ("latency_p99_ms", json!(summary.p99)),
        ("latency_mean_ms", json!(summary.mean)),
        ("latency_mean_expected_ms", json!(summary.expected_mean)),
        ("throughput_per_s", json!(summary.throughput)),
        ("exchanges_answered", json!(summary.trials.answered)),
        ("attempts", json!(summary.trials.attempts)),
        (
            "attempts_per_exchange",
            json!(summary.trials.mean_attempts()),
        ),
        ("attempts_per_exchange_low", low(summary.attempts_interval)),
        (
            "attempts_per_exchange_high",
            high(summary.attempts_interval),
        ),
        ("attempts_per_exchange_expected", json!(expected)),
        ("expected_within_interval", json!(summary.agrees())),
        ("late_answers", json!(summary.late)),
        ("exchanges_left_out", json!(summary.left_out)),
        ("mean_wait_for_unanswered_ms", json!(summary.mean_wait)),
        ("position_in_run", json!(run.map(|run| run.position))),
        ("seed_of_faults", json!(run.map(|run| run.seed))),
        ("audit", json!(audit)),
    ]
}

/// Each summary as a row, with the run that it is of.
fn rows(
    summaries: &[Summary],
    runs: &[RateRun],
) -> impl Iterator<Item = [(&'static str, Value); 24]> {
    summaries.iter().map(|summary| {
        let run = runs.iter().find(|run| run.rate == summary.rate);
        row(summary, run)
    })
}

/// One line a rate; what is not known, because it was given up or is infinite, is empty.
pub fn summary_csv(summaries: &[Summary], runs: &[RateRun]) -> String {
    let mut csv = String::new();
    for row in rows(summaries, runs) {
        if csv.is_empty() {
            csv = row.clone().map(|(name, _)| name).join(",") + "\n";
        }
        let cells = row.map(|(_, value)| match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            value => value.to_string(),
        });
        csv += &cells.join(",");
        csv.push('\n');
    }
    csv
}

/// The summary as objects.
pub fn summary_json(summaries: &[Summary], runs: &[RateRun]) -> Vec<Value> {
    let object = |row: [(&str, Value); 24]| row.into_iter().collect();
    rows(summaries, runs).map(object).collect()
}

/// All that is needed to repeat the run and to judge it.
pub fn parameters<E>(
    experiment: &Experiment,
    measured: &Measured<E>,
    theory: &Theory,
    started: &str,
    ended: &str,
) -> Value {
    let cpus = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let order: Vec<f64> = measured.runs.iter().map(|run| run.rate.percent()).collect();
    json!({
        "program": PROGRAM,
        "version": env!("CARGO_PKG_VERSION"),
        "command_line": std::env::args().collect::<Vec<_>>(),
        "complete": measured.ended_early.is_none(),
        "started": started,
        "ended": ended,
        "cpus": cpus,
        "operating_system": std::env::consts::OS,
        "architecture": std::env::consts::ARCH,
        "subject": experiment.subject.name,
        "operation": experiment.subject.definition,
        "exchanges_per_operation": experiment.subject.exchanges,
        "attempt": "one sending of a request, which is repeated until it is answered",
        "load": "closed loop, one operation at a time, one connection a rate; connecting and logging in are not measured",
        "clock": "monotonic",
        "server": experiment.server,
        "framing": experiment.framing,
        "loss": experiment.loss.name(),
        "fault_side": experiment.fault_side,
        "expected_attempts": experiment.loss.formula(),
        "rates_percent": experiment.rates.0.iter().map(|rate| rate.percent()).collect::<Vec<_>>(),
        "order_of_rates_percent": order,
        "operations": experiment.operations,
        "warm_up": experiment.warm_up,
        "timeout_ms": millis(experiment.timeout),
        "timeout_measured_mean_ms": theory.wait,
        "give_up_after_attempts": experiment.give_up_after,
        "seed": experiment.seed,
        "interval_of_the_median": "95 %, by order statistics",
        "interval_of_the_attempts": "Clopper-Pearson, 95 % for all rates together (Bonferroni)",
    })
}

fn with_interval(value: Option<f64>, interval: Option<Interval>) -> String {
    let value = short(value);
    match interval {
        Some(Interval { from, to }) => format!("{value} [{}, {}]", short(Some(from)), short(to)),
        None => format!("{value} [none]"),
    }
}

/// Three significant digits; `given up` for what is beyond what was watched.
fn short(value: Option<f64>) -> String {
    match value {
        None => "given up".into(),
        Some(value) if value.is_infinite() => "infinite".into(),
        Some(value) => three_digits(value),
    }
}
