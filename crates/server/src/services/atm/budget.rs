//! A limit on rows that requests without a log-in leave in the ledger: new accounts, and rollbacks of
//! transactions that the bank does not know. Such rows are never deleted.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use proto::refusal::{Code, Refusal};

/// Rows that are had at once: a class that opens its accounts, machines that all restart.
const BURST: u32 = 200;

/// From one row to the next when the burst is used up. A ledger grows by 300 MB a day then.
const INTERVAL: Duration = Duration::from_millis(100);

/// What is left of it, for all connections together.
#[derive(Debug, Default)]
pub struct Budget {
    /// Until when the rows so far use it up, at one for each interval.
    used_until: Mutex<Option<Instant>>,
}

impl Budget {
    /// Takes one row from it.
    pub fn take(&self, now: Instant) -> Result<(), Refusal> {
        let mut used = self
            .used_until
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let from = used.map_or(now, |until| until.max(now));
        if from - now > INTERVAL * (BURST - 1) {
            let words = "too much is asked of the bank without a log-in; try again in a second";
            return Err(Refusal::new(Code::Busy, words));
        }
        *used = Some(from + INTERVAL);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_granted_and_then_one_for_each_interval() {
        let budget = Budget::default();
        let start = Instant::now();
        for _ in 0..BURST {
            budget.take(start).unwrap();
        }
        assert_eq!(budget.take(start).unwrap_err().code, Code::Busy);
        for number in 1..=5 {
            let now = start + INTERVAL * number;
            budget.take(now).unwrap();
            assert!(budget.take(now).is_err());
        }
    }
}
