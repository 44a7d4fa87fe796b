//! What the loops count.

use std::collections::BTreeMap;
use std::time::Duration;

use super::latencies::Latencies;

/// How a failed operation is counted, and whether its connection can go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The user interrupted it.
    Interrupted,
    /// The server refused it with this code. The connection goes on.
    Refused(&'static str),
    /// No connection could be made.
    Unreachable,
    /// The connection ended.
    Lost,
    /// What came is no answer.
    Protocol,
    /// Anything else.
    Other,
}

/// An error of an operation that the loops can count.
pub trait OperationError {
    /// What it counts as.
    fn kind(&self) -> ErrorKind;
}

/// The labels of what ends a connection: its loss, and something that is no answer.
const LOST: &str = "connection lost";
const WRONG: &str = "wrong answer";

/// What was counted.
#[derive(Debug, Default)]
pub struct Tally {
    /// From the moment a request was due, or sent, to its answer.
    pub latency: Latencies,
    /// Connecting, `READY` and a log-in where there is one.
    pub connecting: Latencies,
    /// What went wrong, and how often.
    pub errors: BTreeMap<String, u64>,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Whether the user ended it.
    pub was_interrupted: bool,
    /// Requests that were begun, whatever came of them.
    pub asked: u64,
    /// How long no connection had been answered, if that ended it.
    pub fell_silent: Option<Duration>,
}

impl Tally {
    /// A request, or a connection for it, failed.
    pub fn failed(&mut self, kind: ErrorKind) {
        match kind {
            ErrorKind::Refused(code) => self.error(&format!("ERR {code}")),
            ErrorKind::Unreachable => self.error("not reachable"),
            ErrorKind::Lost => self.error(LOST),
            ErrorKind::Protocol => self.error(WRONG),
            ErrorKind::Interrupted | ErrorKind::Other => self.error("other"),
        }
    }

    /// Something with this label went wrong.
    pub fn error(&mut self, label: &str) {
        *self.errors.entry(label.to_owned()).or_default() += 1;
    }

    /// Adds what another thread counted.
    pub fn add(&mut self, other: &Tally) {
        self.latency.add(&other.latency);
        self.connecting.add(&other.connecting);
        for (label, count) in &other.errors {
            *self.errors.entry(label.clone()).or_default() += count;
        }
        self.asked += other.asked;
    }

    /// Connections that ended.
    pub fn lost_connections(&self) -> u64 {
        let count = |label| self.errors.get(label).copied().unwrap_or(0);
        count(LOST) + count(WRONG)
    }

    /// Answers a second.
    pub fn throughput(&self) -> f64 {
        self.latency.len() as f64 / self.elapsed.as_secs_f64().max(1e-9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tallies_of_threads_add_up() {
        let (mut one, mut other) = (Tally::default(), Tally::default());
        one.latency.record(Duration::from_millis(1));
        one.error("timeout");
        other.latency.record(Duration::from_millis(2));
        other.error("timeout");
        other.failed(ErrorKind::Lost);
        one.add(&other);
        assert_eq!(one.latency.len(), 2);
        assert_eq!(one.errors["timeout"], 2);
        assert_eq!(one.errors["connection lost"], 1);
    }
}
