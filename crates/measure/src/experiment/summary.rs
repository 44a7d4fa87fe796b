//! What the samples of a rate say, and what theory says.

use std::time::Duration;

use super::loss::Loss;
use super::rates::Rate;
use super::sweep::RateRun;
use crate::statistics::{Interval, Sample, Trials, each_of};
use crate::subject::Audit;

/// The summary of one rate.
#[derive(Debug, Clone)]
pub struct Summary {
    /// The rate.
    pub rate: Rate,
    /// Operations, those given up included.
    pub operations: usize,
    /// Those that were given up.
    pub given_up: usize,
    /// Median latency in milliseconds; `None` when it is a given-up one's.
    pub median: Option<f64>,
    /// Its 95 % interval.
    pub median_interval: Option<Interval>,
    /// 95 % were as fast, in milliseconds; `None` when it is a given-up one's, or of too few.
    pub p95: Option<f64>,
    /// 99 % were as fast, in milliseconds; `None` likewise.
    pub p99: Option<f64>,
    /// Mean latency in milliseconds; `None` when an operation was given up.
    pub mean: Option<f64>,
    /// What theory expects of it.
    pub expected_mean: Option<f64>,
    /// Operations that were done each second, one at a time.
    pub throughput: f64,
    /// All exchanges but those left out: attempts, and answers.
    pub trials: Trials,
    /// Exchanges that were answered late, of which it is not known how many attempts they needed.
    pub left_out: u64,
    /// An interval for the expected attempts, such that those of all rates together cover with 95 %.
    pub attempts_interval: Option<Interval>,
    /// What theory expects of the attempts.
    pub expected_attempts: f64,
    /// Answers that came after their timeout.
    pub late: u64,
    /// The mean wait for an answer that did not come, in milliseconds.
    pub mean_wait: Option<f64>,
    /// Whether everything was done exactly once.
    pub audit: Option<Audit>,
}

/// The summaries of all rates, ascending.
pub fn summarize(runs: &[RateRun], loss: Loss, theory: &Theory) -> Vec<Summary> {
    let confidence = each_of(runs.len());
    let mut summaries: Vec<Summary> = runs
        .iter()
        .map(|run| summarize_one(run, loss, confidence, theory))
        .collect();
    summaries.sort_by_key(|summary| summary.rate);
    summaries
}

/// What the expected latency is made of, measured in the same run.
#[derive(Debug, Clone)]
pub struct Theory {
    /// The mean latency of operations that lost nothing, in milliseconds.
    undisturbed: Option<f64>,
    /// The mean wait for an answer that did not come, in milliseconds, if any did not. The operating
    /// system may round a timeout up to a tick of its clock.
    pub wait: Option<f64>,
    exchanges: f64,
}

impl Theory {
    /// From all samples of a run whose operations have so many exchanges.
    pub fn of(runs: &[RateRun], exchanges: u32) -> Theory {
        let operations = || runs.iter().flat_map(|run| &run.operations);
        let undisturbed = operations().filter(|operation| operation.performed.unanswered == 0);
        let undisturbed: Vec<f64> = undisturbed.map(|one| millis(one.latency)).collect();
        let waited = operations().map(|one| one.performed.waited).sum();
        let unanswered = operations().map(|one| u64::from(one.performed.unanswered));
        Theory {
            undisturbed: (!undisturbed.is_empty())
                .then(|| undisturbed.iter().sum::<f64>() / undisturbed.len() as f64),
            wait: mean_of(waited, unanswered.sum()),
            exchanges: f64::from(exchanges),
        }
    }

    /// The timeout for a title: what was asked for, and what it was on average.
    pub fn timeout(&self, nominal: Duration) -> String {
        let nominal = millis(nominal);
        match self.wait {
            Some(wait) => format!("timeout {nominal} ms (measured: {wait:.2} ms)"),
            None => format!("timeout {nominal} ms"),
        }
    }

    /// The mean latency in milliseconds, when an exchange takes so many attempts on average. `None`
    /// when it is infinite, or no operation went undisturbed.
    pub fn mean(&self, attempts: f64) -> Option<f64> {
        let wait = self.wait.unwrap_or(0.0);
        let mean = self.undisturbed? + self.exchanges * (attempts - 1.0) * wait;
        mean.is_finite().then_some(mean)
    }
}

fn summarize_one(run: &RateRun, loss: Loss, confidence: f64, theory: &Theory) -> Summary {
    let (mut known, mut given_up, mut total) = (Vec::new(), 0, Duration::ZERO);
    let (mut late, mut unanswered) = (0, 0);
    let mut waited = Duration::ZERO;
    for operation in &run.operations {
        let performed = &operation.performed;
        total += operation.latency;
        match performed.given_up_after {
            Some(_) => given_up += 1,
            None => known.push(millis(operation.latency)),
        }
        late += performed.late.len() as u64;
        waited += performed.waited;
        unanswered += u64::from(performed.unanswered);
    }
    let (trials, left_out) = trials_of(run);
    let done = known.len();
    let mean = (given_up == 0 && done > 0).then(|| known.iter().sum::<f64>() / done as f64);
    let sample = Sample::new(known, given_up);
    let expected_attempts = loss.expected_attempts(run.rate);
    Summary {
        rate: run.rate,
        operations: sample.len(),
        given_up,
        median: sample.quantile(0.5),
        median_interval: sample.median_interval(),
        p95: sample.percentile(0.95),
        p99: sample.percentile(0.99),
        mean,
        expected_mean: theory.mean(expected_attempts),
        throughput: done as f64 / total.as_secs_f64().max(1e-9),
        trials,
        left_out,
        attempts_interval: trials.interval(confidence),
        expected_attempts,
        late,
        mean_wait: mean_of(waited, unanswered),
        audit: run.audit.clone(),
    }
}

/// The attempts of all exchanges, without those that were answered late, and how many these are.
///
/// One is answered late as often as another, however many attempts it took, so leaving them out
/// favours nothing; counting them would tell how busy the computer was.
fn trials_of(run: &RateRun) -> (Trials, u64) {
    let mut exchanges: Vec<Option<Trials>> = Vec::new();
    for operation in &run.operations {
        let performed = &operation.performed;
        let first = exchanges.len();
        let trials = |(attempts, answered): (&u32, u64)| {
            let attempts = u64::from(*attempts);
            Some(Trials { attempts, answered })
        };
        let answered = performed.attempts.iter().map(|attempts| (attempts, 1));
        let given_up = performed
            .given_up_after
            .iter()
            .map(|attempts| (attempts, 0));
        exchanges.extend(answered.chain(given_up).map(trials));
        for during in &performed.late {
            let before = (first + during).checked_sub(1);
            // The one before the first was warm-up.
            if let Some(late) = before.and_then(|before| exchanges.get_mut(before)) {
                *late = None;
            }
        }
    }
    let left_out = exchanges.iter().filter(|one| one.is_none()).count();
    let mut trials = Trials::default();
    for exchange in exchanges.into_iter().flatten() {
        trials.attempts += exchange.attempts;
        trials.answered += exchange.answered;
    }
    (trials, left_out as u64)
}

impl Summary {
    /// Whether the theory is in the interval of the attempts.
    pub fn agrees(&self) -> bool {
        match self.attempts_interval {
            // Nothing was answered, and nothing is expected to be.
            Some(interval) if self.expected_attempts.is_infinite() => interval.to.is_none(),
            Some(interval) => interval.contains(self.expected_attempts),
            None => false,
        }
    }
}

/// A duration in milliseconds.
pub fn millis(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e3
}

fn mean_of(total: Duration, count: u64) -> Option<f64> {
    (count > 0).then(|| millis(total) / count as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::rates::Rates;
    use crate::experiment::sweep::Operation;
    use crate::subject::Performed;

    fn operation(milliseconds: u64, attempts: &[u32], given_up_after: Option<u32>) -> Operation {
        Operation {
            latency: Duration::from_millis(milliseconds),
            performed: Performed {
                attempts: attempts.to_vec(),
                given_up_after,
                unanswered: attempts.iter().sum::<u32>() - attempts.len() as u32
                    + given_up_after.unwrap_or(0),
                waited: Duration::from_millis(milliseconds - 1),
                late: Vec::new(),
            },
        }
    }

    fn run(percent: &str, operations: Vec<Operation>) -> RateRun {
        RateRun {
            rate: Rates::parse(percent).unwrap().0[0],
            seed: 1,
            position: 1,
            operations,
            audit: None,
        }
    }

    fn summarized(runs: &[RateRun], loss: Loss, exchanges: u32) -> Vec<Summary> {
        summarize(runs, loss, &Theory::of(runs, exchanges))
    }

    #[test]
    fn summaries_are_ascending_and_count_what_was_given_up() {
        let none = run("0", vec![operation(1, &[1, 1], None); 10]);
        let half = run(
            "50",
            vec![
                operation(41, &[2, 4], None),
                operation(101, &[1], Some(10)),
                operation(21, &[2, 2], None),
                operation(1, &[1, 1], None),
            ],
        );
        let summaries = summarized(&[half, none], Loss::Both, 2);
        let [none, half] = &summaries[..] else {
            panic!("{summaries:?}");
        };
        assert_eq!((none.rate.percent(), half.rate.percent()), (0.0, 50.0));
        assert_eq!((none.operations, none.given_up), (10, 0));
        assert_eq!(none.trials.mean_attempts(), Some(1.0));
        assert_eq!(none.mean, Some(1.0));
        assert!(none.agrees());
        assert_eq!((half.operations, half.given_up), (4, 1));
        assert_eq!(half.median, Some(21.0));
        assert_eq!(half.p99, None, "the slowest was given up");
        assert_eq!(half.mean, None);
        assert_eq!((half.trials.attempts, half.trials.answered), (23, 7));
        assert_eq!(half.expected_attempts, 4.0);
        assert!((half.throughput - 3.0 / 0.164).abs() < 1e-9);
    }

    #[test]
    fn a_title_states_the_timeout_that_was_asked_for_and_the_one_that_was_measured() {
        let nominal = Duration::from_millis(5);
        // Ten waits, 123 ms together.
        let half = run("50", vec![operation(124, &[11], None)]);
        let theory = Theory::of(&[half], 1);
        assert_eq!(theory.timeout(nominal), "timeout 5 ms (measured: 12.30 ms)");
        let none = run("0", vec![operation(1, &[1], None)]);
        assert_eq!(Theory::of(&[none], 1).timeout(nominal), "timeout 5 ms");
    }

    #[test]
    fn an_exchange_that_was_answered_late_is_left_out() {
        let mut operations = vec![operation(5, &[1, 2], None); 3];
        // The answer to the CONFIRM of the first comes during the WITHDRAW of the second.
        operations[1].performed.late = vec![0];
        // One from the warm-up, and one to the WITHDRAW of the same withdrawal.
        operations[0].performed.late = vec![0];
        operations[2].performed.late = vec![1, 1];
        let summary = &summarized(&[run("0", operations)], Loss::Both, 2)[0];
        assert_eq!((summary.late, summary.left_out), (4, 2));
        assert_eq!((summary.trials.attempts, summary.trials.answered), (6, 4));
    }

    #[test]
    fn the_expected_latency_is_what_the_timeouts_add() {
        let none = run("0", vec![operation(1, &[1, 1], None); 10]);
        // Two attempts without an answer took 20 ms.
        let half = run("50", vec![operation(21, &[2, 2], None); 10]);
        let summaries = summarized(&[none, half], Loss::Request, 2);
        assert_eq!(summaries[0].expected_mean, Some(1.0));
        assert_eq!(summaries[1].expected_mean, Some(21.0));
        assert_eq!(summaries[1].mean_wait, Some(10.0));
    }

    #[test]
    fn where_nothing_comes_through_that_is_what_theory_says() {
        let all = run("100", vec![operation(100, &[], Some(10)); 6]);
        let summary = &summarized(&[all], Loss::Both, 1)[0];
        assert_eq!(summary.trials.mean_attempts(), None);
        assert_eq!((summary.median, summary.median_interval), (None, None));
        assert!(summary.agrees());
    }
}
