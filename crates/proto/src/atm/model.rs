//! A model checker of the real [`Machine`](super::machine::Machine) and the real
//! [`decide`](super::bank::decide), over an unreliable network and with crashes.
//!
//! [`check`] searches breadth first through every state that a [`Scenario`] can reach. In each
//! state any message in flight may arrive next, so messages are reordered and delayed. While
//! [`Faults`] are left, a message may be lost or duplicated, an answer may arrive after its
//! time-out or be taken for that to another request, a customer may request a rollback without the
//! key, the bank may refuse, a customer may give up, and either side may crash. A machine keeps its
//! journal and its drawer in a crash, a bank what it has committed.
//!
//! The invariants of every state:
//!
//! * notes that moved are held or booked at the bank, in that amount; a deposit is booked only
//!   after its notes moved;
//! * each id has at most one outcome;
//! * each account is the sum of its transactions, and holds no more than it has;
//! * the drawer agrees with the journal, so that a machine can restart;
//! * what a machine showed its customer is true;
//! * without further faults the system comes to rest with nothing held, and with an id booked if
//!   and only if its notes moved. The one run without faults is followed to its end to check this.
//!
//! The first state that violates one of them ends a shortest [`Counterexample`].

mod bank;
mod fingerprint;
mod invariants;
mod step;
mod system;
mod trace;
mod violation;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use uuid::Uuid;

use self::fingerprint::Fingerprint;
use self::step::Step;
use self::system::System;
pub use self::violation::Violation;
use super::record::Account;
use super::semantics::Protections;
use super::{Amount, CreationId, Kind, Money, TransactionId};
use crate::refusal::Refusal;

/// The maximal number of faults, in all and of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults {
    /// All of them together.
    pub in_all: u8,
    /// A message is lost.
    pub losses: u8,
    /// A message arrives twice.
    pub duplicates: u8,
    /// An answer is taken for that to another request, as when it is duplicated.
    pub misattributions: u8,
    /// A customer with the card and the id from a receipt, but no key, requests a rollback.
    pub unauthorized_rollbacks: u8,
    /// A machine's wait times out although the answer may still arrive.
    pub delays: u8,
    /// The bank refuses because it is unavailable, or because there is no log-in.
    pub refusals: u8,
    /// A customer gives up.
    pub give_ups: u8,
    /// A drawer jams.
    pub jams: u8,
    /// A machine crashes.
    pub machine_crashes: u8,
    /// The bank crashes.
    pub bank_crashes: u8,
}

impl Faults {
    /// At most this many faults, of any kinds.
    pub fn any(times: u8) -> Faults {
        Faults {
            in_all: times,
            losses: times,
            duplicates: times,
            misattributions: times,
            unauthorized_rollbacks: times,
            delays: times,
            refusals: times,
            give_ups: times,
            jams: times,
            machine_crashes: times,
            bank_crashes: times,
        }
    }
}

/// The system to check, in its initial state.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// The protections in effect.
    pub protections: Protections,
    /// The transactions at each machine, in their order, all on the same account.
    pub customers: Vec<Vec<(Kind, Amount)>>,
    /// The account.
    pub account: Account,
    /// The content of each machine's drawer.
    pub drawer: Money,
    /// The maximal number of faults.
    pub faults: Faults,
    /// Whether the machines generate the same ids, contrary to the protocol.
    pub same_ids: bool,
}

impl Scenario {
    fn id(&self, machine: usize, number: usize, kind: Kind) -> TransactionId {
        let machine = if self.same_ids { 0 } else { machine as u128 };
        let uuid = Uuid::from_u128(machine * 4 + number as u128 + 1);
        TransactionId { kind, uuid }
    }

    /// An account for a scenario.
    ///
    /// # Errors
    /// Never: its card and its name are valid.
    pub fn account(opening: Money) -> Result<Account, Refusal> {
        Ok(Account {
            card: "123456789".parse()?,
            holder: "Joty".parse()?,
            pin_hash: String::new(),
            created_by: CreationId(Uuid::nil()),
            opening,
            posted: opening,
            held: Money::ZERO,
            pending: Money::ZERO,
            wrong_pins: 0,
            locked_until: None,
            lockouts: 0,
        })
    }
}

/// The result of a search.
#[derive(Debug, Clone)]
pub struct Report {
    /// The number of distinct states reached.
    pub states: usize,
    /// The number of steps between them.
    pub transitions: usize,
    /// The length of the longest of the shortest paths to them.
    pub depth: usize,
    /// Whether all states were reached, as opposed to a limit or a counterexample.
    pub exhaustive: bool,
    /// The counterexample, if there is one.
    pub counterexample: Option<Counterexample>,
}

/// A shortest path to a violation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// The property violated.
    pub violation: Violation,
    /// The steps, in words.
    pub steps: Vec<String>,
    /// The steps that follow without further faults, if the violation occurs only after them.
    pub sequel: Vec<String>,
}

impl fmt::Display for Counterexample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, step) in self.steps.iter().enumerate() {
            writeln!(f, "{:3}. {step}", number + 1)?;
        }
        if !self.sequel.is_empty() {
            writeln!(f, "     and with no further fault")?;
        }
        for (number, step) in self.sequel.iter().enumerate() {
            writeln!(f, "{:3}. {step}", self.steps.len() + number + 1)?;
        }
        let violation = alloc::format!("{}", self.violation);
        write!(f, "     => {}", trace::short(&violation))
    }
}

/// Checks every state that the scenario can reach, or the first `limit` ones.
pub fn check(scenario: &Scenario, limit: usize) -> Report {
    Search::new(scenario).run(limit)
}

struct Search {
    start: System,
    seen: BTreeSet<Fingerprint>,
    /// Of each state, that from which it was reached first, and the step.
    predecessors: Vec<(u32, Step)>,
    /// The states whose run without faults is known to end without a violation.
    quiescent: BTreeSet<Fingerprint>,
    transitions: usize,
}

impl Search {
    fn new(scenario: &Scenario) -> Search {
        Search {
            start: System::new(scenario.clone()),
            seen: BTreeSet::new(),
            predecessors: Vec::new(),
            quiescent: BTreeSet::new(),
            transitions: 0,
        }
    }

    fn run(mut self, limit: usize) -> Report {
        self.seen.insert(self.start.fingerprint_with_faults());
        let mut frontier = alloc::vec![(ROOT, self.start.clone())];
        let mut depth = 0;
        while !frontier.is_empty() && self.seen.len() < limit {
            let mut next = Vec::new();
            for (from, system) in frontier {
                for step in system.steps() {
                    self.transitions += 1;
                    let after = system.after(step);
                    if !self.seen.insert(after.fingerprint_with_faults()) {
                        continue;
                    }
                    let number = self.predecessors.len() as u32;
                    self.predecessors.push((from, step));
                    let violated = match &after.violation {
                        Some(violation) => Some((violation.clone(), Vec::new())),
                        None => self.check_fault_free_run(&after),
                    };
                    if let Some((violation, sequel)) = violated {
                        let found = self.counterexample(violation, number, &sequel);
                        return self.report(depth + 1, false, Some(found));
                    }
                    next.push((number, after));
                }
            }
            frontier = next;
            depth += 1;
        }
        let exhaustive = frontier.is_empty();
        self.report(depth, exhaustive, None)
    }

    /// Follows the run without faults; returns a violation and the steps up to it.
    fn check_fault_free_run(&mut self, from: &System) -> Option<(Violation, Vec<Step>)> {
        let mut system = from.clone();
        let mut run = Vec::new();
        let mut passed = Vec::new();
        loop {
            let fingerprint = system.fingerprint();
            if self.quiescent.contains(&fingerprint) {
                break;
            }
            // A run that returns to a state never ends.
            if passed.contains(&fingerprint) {
                return Some((Violation::NeverQuiescent, run));
            }
            passed.push(fingerprint);
            let violation = match system.fault_free_step() {
                Some(step) => {
                    run.push(step);
                    system = system.after(step);
                    system.violation.clone()
                }
                None => match invariants::check_quiescent(&system) {
                    None => break,
                    broken => broken,
                },
            };
            if let Some(violation) = violation {
                return Some((violation, run));
            }
        }
        self.quiescent.extend(passed);
        None
    }

    fn counterexample(&self, violation: Violation, state: u32, sequel: &[Step]) -> Counterexample {
        let mut steps = Vec::new();
        let mut state = state;
        while let Some((from, step)) = self.predecessors.get(state as usize) {
            steps.push(*step);
            state = *from;
        }
        steps.reverse();
        let split = steps.len();
        steps.extend(sequel);
        let mut lines = trace::render(self.start.clone(), &steps);
        let sequel = lines.split_off(split);
        Counterexample {
            violation,
            steps: lines,
            sequel,
        }
    }

    fn report(&self, depth: usize, exhaustive: bool, found: Option<Counterexample>) -> Report {
        Report {
            states: self.seen.len(),
            transitions: self.transitions,
            depth,
            exhaustive,
            counterexample: found,
        }
    }
}

/// The number of the initial state; no other state has it.
const ROOT: u32 = u32::MAX;

#[cfg(test)]
mod tests;
