//! Measuring: one rate after another, fresh samples for each.

use std::io;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use terminal::can_redraw;

use super::loss::Loss;
use super::rates::{Rate, Rates};
use crate::subject::{Audit, Performed, Subject};

/// What is measured, in the words of a report.
#[derive(Debug, Clone, Copy)]
pub struct Description {
    /// The name of the subject.
    pub name: &'static str,
    /// What one operation is, for the plural.
    pub operations: &'static str,
    /// What an operation consists of.
    pub definition: &'static str,
    /// Exchanges of one operation.
    pub exchanges: u32,
}

/// What is to be measured, and how.
#[derive(Debug)]
pub struct Experiment {
    /// What.
    pub subject: Description,
    /// At which rates.
    pub rates: Rates,
    /// Operations at each rate.
    pub operations: u32,
    /// Operations before those, which are not recorded.
    pub warm_up: u32,
    /// What is lost.
    pub loss: Loss,
    /// The program that loses it.
    pub fault_side: &'static str,
    /// What the order of the rates and all faults are drawn from.
    pub seed: u64,
    /// How long to wait for one answer.
    pub timeout: Duration,
    /// Attempts after which an exchange is given up.
    pub give_up_after: u32,
    /// The name of the framing.
    pub framing: &'static str,
    /// The address of the server; `None` where each rate has one of its own.
    pub server: Option<String>,
}

/// One operation that was measured.
#[derive(Debug, Clone)]
pub struct Operation {
    /// From its beginning to its end, or to when it was given up.
    pub latency: Duration,
    /// What it took.
    pub performed: Performed,
}

/// All that was measured at one rate.
#[derive(Debug, Clone)]
pub struct RateRun {
    /// The rate.
    pub rate: Rate,
    /// The seed of its faults.
    pub seed: u64,
    /// Which rate of the run it was; the first is 1.
    pub position: usize,
    /// The operations, in order.
    pub operations: Vec<Operation>,
    /// Whether everything was done exactly once. `None` when the rate was not measured to its end.
    pub audit: Option<Audit>,
}

/// What was measured, and why not more, if not all.
#[derive(Debug)]
pub struct Measured<E> {
    /// In the order in which they were measured.
    pub runs: Vec<RateRun>,
    /// Why it ended early.
    pub ended_early: Option<E>,
}

/// The measurement at one rate.
#[derive(Debug)]
pub struct Measurement<'a> {
    experiment: &'a Experiment,
    bar: &'a ProgressBar,
    run: RateRun,
}

impl Experiment {
    /// Measures every rate in random order, until the end or what ends it early. `at_rate` sets up
    /// the subject of a rate and hands it to the [`Measurement`].
    pub fn run<E>(
        &self,
        mut at_rate: impl FnMut(Rate, &mut Measurement) -> Result<(), E>,
    ) -> Measured<E> {
        let bar = self.progress_bar();
        let mut runs = Vec::new();
        let mut ended_early = None;
        for (position, rate) in (1..).zip(self.rates.in_random_order(self.seed)) {
            let mut measurement = Measurement {
                experiment: self,
                bar: &bar,
                run: RateRun {
                    rate,
                    seed: 0,
                    position,
                    operations: Vec::new(),
                    audit: None,
                },
            };
            ended_early = at_rate(rate, &mut measurement).err();
            if !measurement.run.operations.is_empty() {
                runs.push(measurement.run);
            }
            if ended_early.is_some() {
                break;
            }
        }
        bar.finish_and_clear();
        Measured { runs, ended_early }
    }

    /// Attempts that an operation at this rate is expected to take.
    fn expected_work(&self, rate: Rate) -> u64 {
        let most = f64::from(self.give_up_after);
        let attempts = self.loss.expected_attempts(rate).min(most);
        (attempts * f64::from(self.subject.exchanges)).round() as u64
    }

    /// How long all of it takes at least: the expected timeouts, each of which takes so long.
    pub fn expected_duration(&self, timeout: Duration) -> Duration {
        let exchanges = u64::from(self.subject.exchanges);
        let rates = self.rates.0.iter();
        let timeouts: u64 = rates
            .map(|rate| self.expected_work(*rate).saturating_sub(exchanges))
            .sum();
        let timeouts = timeouts * u64::from(self.operations + self.warm_up);
        Duration::from_secs_f64(timeouts as f64 * timeout.as_secs_f64())
    }

    /// Counts expected attempts and not operations, so that the time left is right although an
    /// operation at one rate takes a hundred times as long as at another.
    fn progress_bar(&self) -> ProgressBar {
        if !can_redraw(&io::stderr()) {
            return ProgressBar::hidden();
        }
        let operations = u64::from(self.operations + self.warm_up);
        let rates = self.rates.0.iter();
        let work: u64 = rates
            .map(|rate| self.expected_work(*rate) * operations)
            .sum();
        let bar = ProgressBar::new(work);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  left: {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar
    }
}

impl Measurement<'_> {
    /// Measures this subject, under faults that are drawn with this seed.
    ///
    /// # Errors
    /// When the subject cannot go on. What was measured before is kept.
    pub fn measure<E>(&mut self, subject: &mut dyn Subject<Error = E>, seed: u64) -> Result<(), E> {
        let (experiment, rate) = (self.experiment, self.run.rate);
        self.run.seed = seed;
        let work = experiment.expected_work(rate);
        for number in 0..experiment.warm_up + experiment.operations {
            let measured = number.checked_sub(experiment.warm_up);
            self.bar.set_message(match measured {
                None => format!("{rate} %: warm-up"),
                Some(done) => format!("{rate} %: {done} of {}", experiment.operations),
            });
            thread::sleep(subject.rest());
            let began = Instant::now();
            let performed = subject.perform()?;
            let latency = began.elapsed();
            let given_up = performed.given_up_after.is_some();
            if measured.is_some() {
                self.run.operations.push(Operation { latency, performed });
            }
            if given_up {
                subject.after_given_up()?;
            }
            self.bar.inc(work);
        }
        self.run.audit = Some(subject.audit()?);
        Ok(())
    }
}
