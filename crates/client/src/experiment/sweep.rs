//! Measuring: one rate after another, fresh samples for each.

use std::io::{self, IsTerminal};
use std::net::UdpSocket;
use std::thread;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use proto::frame::Framing;
use wire::datagram::Endpoint;
use wire::fault::Plan;

use super::loss::{FaultSide, Loss};
use super::rates::{Rate, Rates, expected_attempts, seeds_of};
use super::subject::{Audit, Patience, Performed};
use super::subjects::cash_machine::Account;
use super::subjects::printed_machine::Customer;
use super::subjects::{Kind, OwnService, Scene, preliminaries_pass};
use crate::failure::Failure;

/// Timeouts that are measured before the experiment: of longer ones, what the operating system adds
/// makes no difference.
const MEASURED_TIMEOUT: Duration = Duration::from_millis(100);

/// How often.
const MEASURED_TIMES: usize = 3;

/// Seeds that are tried until one lets the log-in pass: at 99 % both ways, one in 10,000 does.
const SEEDS_TRIED: usize = 1_000_000;

/// What is to be measured, and how.
#[derive(Debug)]
pub struct Setup {
    /// What.
    pub kind: Kind,
    /// At which rates.
    pub rates: Rates,
    /// Operations at each rate.
    pub operations: u32,
    /// Operations before those, which are not recorded.
    pub warm_up: u32,
    /// What is lost.
    pub loss: Loss,
    /// Where.
    pub side: FaultSide,
    /// What the order of the rates and all faults are drawn from.
    pub seed: u64,
    /// How long to wait, and how often to ask.
    pub patience: Patience,
    /// The framing.
    pub framing: Framing,
    /// The account that is withdrawn from.
    pub account: Account,
    /// Who withdraws at the bank of a hand-out.
    pub customer: Customer,
    /// Whose server.
    pub server: ServerUsed,
}

/// The server that is measured.
#[derive(Debug)]
pub enum ServerUsed {
    /// One started for each rate, from this program.
    Own(std::path::PathBuf),
    /// Somebody's, at `HOST:PORT`.
    Foreign(String),
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
pub struct Measured {
    /// In the order in which they were measured.
    pub runs: Vec<RateRun>,
    /// Why it ended early.
    pub ended_early: Option<Failure>,
}

impl Setup {
    /// Measures every rate in random order, until the end or what ends it early.
    pub fn measure(&self) -> Measured {
        let bar = self.progress_bar();
        let mut runs = Vec::new();
        let mut ended_early = None;
        for (index, rate) in self
            .rates
            .in_random_order(self.seed)
            .into_iter()
            .enumerate()
        {
            let mut run = RateRun {
                rate,
                seed: 0,
                position: index + 1,
                operations: Vec::new(),
                audit: None,
            };
            let measured = self.measure_rate(&mut run, &bar);
            if !run.operations.is_empty() {
                runs.push(run);
            }
            if let Err(failure) = measured {
                ended_early = Some(failure);
                break;
            }
        }
        bar.finish_and_clear();
        Measured { runs, ended_early }
    }

    fn measure_rate(&self, run: &mut RateRun, bar: &ProgressBar) -> Result<(), Failure> {
        let plan = self.plan_of(run.rate)?;
        run.seed = plan.seed();
        let in_client = self.side == FaultSide::Client;
        let own;
        let address = match &self.server {
            ServerUsed::Foreign(address) => address,
            ServerUsed::Own(program) => {
                let faults = (!in_client).then_some(&plan);
                own = OwnService::start(program, self.kind, self.framing, faults)?;
                own.address()
            }
        };
        let scene = Scene {
            kind: self.kind,
            server: address,
            framing: self.framing,
            faults: in_client.then_some(&plan),
            patience: &self.patience,
            account: &self.account,
            customer: Some(&self.customer),
            operations: u64::from(self.warm_up) + u64::from(self.operations),
            is_foreign: matches!(self.server, ServerUsed::Foreign(_)),
        };
        let mut subject = scene.subject()?;
        let work = self.expected_work(run.rate);
        for number in 0..self.warm_up + self.operations {
            bar.set_message(match number.checked_sub(self.warm_up) {
                None => format!("{} %: warm-up", run.rate),
                Some(done) => format!("{} %: {done} of {}", run.rate, self.operations),
            });
            thread::sleep(subject.rest());
            let began = Instant::now();
            let performed = subject.perform()?;
            let latency = began.elapsed();
            let given_up = performed.given_up_after.is_some();
            if number >= self.warm_up {
                run.operations.push(Operation { latency, performed });
            }
            if given_up {
                subject.after_given_up()?;
            }
            bar.inc(work);
        }
        run.audit = Some(subject.audit()?);
        Ok(())
    }

    /// The faults of this rate: of the seeds that the run's seed leads to, the first under which the
    /// log-in passes.
    fn plan_of(&self, rate: Rate) -> Result<Plan, Failure> {
        for seed in seeds_of(rate, self.seed).take(SEEDS_TRIED) {
            let plan = self.loss.plan_at(rate, self.side, seed)?;
            if self.side == FaultSide::Client || preliminaries_pass(self.kind, &plan) {
                return Ok(plan);
            }
        }
        Err(Failure::Usage(format!(
            "a server that loses {rate} % lets nobody log in: leave that rate out, or use \
             --fault-side client"
        )))
    }

    /// Attempts that an operation at this rate is expected to take.
    fn expected_work(&self, rate: Rate) -> u64 {
        let most = f64::from(self.patience.give_up_after);
        let attempts = expected_attempts(rate, self.loss).min(most);
        (attempts * f64::from(self.kind.exchanges())).round() as u64
    }

    /// How long all of it takes at least: the expected timeouts, each of which takes so long.
    pub fn expected_duration(&self, timeout: Duration) -> Duration {
        let exchanges = u64::from(self.kind.exchanges());
        let timeouts: u64 = self
            .rates
            .ascending()
            .iter()
            .map(|rate| self.expected_work(*rate).saturating_sub(exchanges))
            .sum();
        let timeouts = timeouts * u64::from(self.operations + self.warm_up);
        Duration::from_secs_f64(timeouts as f64 * timeout.as_secs_f64())
    }

    /// Counts expected attempts and not operations, so that the time left is right although an
    /// operation at one rate takes a hundred times as long as at another.
    fn progress_bar(&self) -> ProgressBar {
        if !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let operations = u64::from(self.operations + self.warm_up);
        let work = self.rates.ascending().iter().copied();
        let work: u64 = work.map(|rate| self.expected_work(rate) * operations).sum();
        let bar = ProgressBar::new(work);
        let style = ProgressStyle::with_template("{bar:30} {percent:>3} %  {msg}  left: {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar
    }
}

/// How long a wait takes on this computer that is to end after `timeout`: the median of some.
pub fn wait_here(timeout: Duration) -> Duration {
    if timeout > MEASURED_TIMEOUT {
        return timeout;
    }
    let waits = || -> io::Result<Vec<Duration>> {
        let mut nobody = Endpoint::new(UdpSocket::bind("127.0.0.1:0")?);
        let mut wait = || {
            let began = Instant::now();
            nobody.receive(Some(began + timeout))?;
            Ok(began.elapsed())
        };
        (0..MEASURED_TIMES).map(|_| wait()).collect()
    };
    let mut waits = waits().unwrap_or_default();
    waits.sort();
    waits.get(MEASURED_TIMES / 2).copied().unwrap_or(timeout)
}

impl ServerUsed {
    /// For a report.
    pub fn words(&self) -> String {
        match self {
            ServerUsed::Own(_) => "a labserver of its own for each rate".into(),
            ServerUsed::Foreign(address) => address.clone(),
        }
    }
}
