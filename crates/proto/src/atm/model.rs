//! All that can happen, tried out: the real [`Machine`](super::machine::Machine) and the real
//! [`decide`](super::bank::decide), with a network and crashes that do their worst.
//!
//! [`check`] goes breadth first through every state that a [`Scenario`] can reach. At each, any
//! message under way may arrive next, so they overtake each other and come late; and while
//! [`Faults`] are left, a message may be lost or doubled, an answer may come after its time-out or
//! where that to another request is waited for, a customer may meddle, the bank may refuse, a customer may give up, and either side may be killed. A machine that is
//! killed keeps its journal and its drawer, a bank what it has committed.
//!
//! In every state must hold:
//!
//! * notes that moved are held or booked at the bank, in that amount; a deposit is booked only
//!   after its notes moved;
//! * each id has at most one outcome;
//! * each account is the sum of its transactions, and holds no more than it has;
//! * the drawer has what the journal says, or a machine would not start;
//! * a customer was told only what is so;
//! * and from here, with no further fault, all comes to rest: nothing is held, and an id is booked
//!   if and only if its notes moved. For this the one run without faults is gone through to its
//!   end.
//!
//! The first state in which something does not hold is a shortest counterexample, told as a
//! [`Counterexample`].

mod bank;
mod fingerprint;
mod law;
mod story;
mod world;

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use uuid::Uuid;

use self::fingerprint::Fingerprint;
pub use self::law::Violation;
use self::world::{Step, World};
use super::record::Account;
use super::semantics::Protections;
use super::{Amount, CreationId, Kind, Money, TransactionId};
use crate::refusal::Refusal;

/// How often each fault happens at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Faults {
    /// All of them together.
    pub in_all: u8,
    /// A message is lost.
    pub losses: u8,
    /// A message arrives, and once more later.
    pub duplicates: u8,
    /// An answer is taken for that to another request, as when it comes twice.
    pub mistakes: u8,
    /// A customer who has the card, and the id from a receipt, asks for a rollback.
    pub meddlers: u8,
    /// A machine stops waiting for an answer that may still come.
    pub delays: u8,
    /// The bank refuses without a look at its books, or for want of a log-in.
    pub refusals: u8,
    /// A customer gives up.
    pub give_ups: u8,
    /// A drawer is stuck.
    pub jams: u8,
    /// A machine is killed.
    pub machine_crashes: u8,
    /// The bank is killed.
    pub bank_crashes: u8,
}

impl Faults {
    /// So many faults of any kind.
    pub fn any(times: u8) -> Faults {
        Faults {
            in_all: times,
            losses: times,
            duplicates: times,
            mistakes: times,
            meddlers: times,
            delays: times,
            refusals: times,
            give_ups: times,
            jams: times,
            machine_crashes: times,
            bank_crashes: times,
        }
    }
}

/// What is tried out.
#[derive(Debug, Clone)]
pub struct Scenario {
    /// What is in place.
    pub protections: Protections,
    /// Of each machine the customers, one after another: what they do, and with how much. They
    /// all have the same account.
    pub customers: Vec<Vec<(Kind, Amount)>>,
    /// The account, as it is at first.
    pub account: Account,
    /// What is in each drawer at first.
    pub drawer: Money,
    /// How often each fault happens at most.
    pub faults: Faults,
    /// Whether the machines make the same ids, as they must not.
    pub same_ids: bool,
}

impl Scenario {
    fn id(&self, station: usize, number: usize, kind: Kind) -> TransactionId {
        let machine = if self.same_ids { 0 } else { station as u128 };
        let uuid = Uuid::from_u128(machine * 4 + number as u128 + 1);
        TransactionId { kind, uuid }
    }

    /// An account to try it on.
    ///
    /// # Errors
    /// Never: its card and its name are good ones.
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

/// What a search found.
#[derive(Debug, Clone)]
pub struct Report {
    /// Different states that were reached.
    pub states: usize,
    /// Steps that were tried between them.
    pub transitions: usize,
    /// Steps of the longest way that was needed.
    pub depth: usize,
    /// Whether the states were all; not, when a limit was set or something was found.
    pub exhaustive: bool,
    /// What was found.
    pub counterexample: Option<Counterexample>,
}

/// A shortest way to something that must not be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counterexample {
    /// What does not hold.
    pub violation: Violation,
    /// The steps, in words.
    pub steps: Vec<String>,
    /// What follows of itself without any further fault, when the violation shows only there.
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
        write!(f, "     => {}", story::short(&violation))
    }
}

/// Goes through every state that the scenario can reach, or the first `limit` ones.
pub fn check(scenario: &Scenario, limit: usize) -> Report {
    Search::new(scenario).run(limit)
}

struct Search {
    start: World,
    seen: BTreeSet<Fingerprint>,
    /// How each state was reached first: from which, and by what.
    ways: Vec<(u32, Step)>,
    /// The states that come to rest as they must.
    restful: BTreeSet<Fingerprint>,
    transitions: usize,
}

impl Search {
    fn new(scenario: &Scenario) -> Search {
        Search {
            start: World::new(scenario.clone()),
            seen: BTreeSet::new(),
            ways: Vec::new(),
            restful: BTreeSet::new(),
            transitions: 0,
        }
    }

    fn run(mut self, limit: usize) -> Report {
        self.seen.insert(self.start.fingerprint_with_faults());
        let mut frontier = alloc::vec![(ROOT, self.start.clone())];
        let mut depth = 0;
        while !frontier.is_empty() && self.seen.len() < limit {
            let mut next = Vec::new();
            for (from, world) in frontier {
                for step in world.steps() {
                    self.transitions += 1;
                    let after = world.after(step);
                    if !self.seen.insert(after.fingerprint_with_faults()) {
                        continue;
                    }
                    let number = self.ways.len() as u32;
                    self.ways.push((from, step));
                    let wrong = match &after.broken {
                        Some(violation) => Some((violation.clone(), Vec::new())),
                        None => self.unrest(&after),
                    };
                    if let Some((violation, sequel)) = wrong {
                        let found = self.tell(violation, number, &sequel);
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

    /// What does not hold at the end of the run without faults, and the run.
    fn unrest(&mut self, from: &World) -> Option<(Violation, Vec<Step>)> {
        let mut world = from.clone();
        let mut run = Vec::new();
        let mut passed = Vec::new();
        loop {
            let fingerprint = world.fingerprint();
            if self.restful.contains(&fingerprint) {
                break;
            }
            // A run that comes to where it was goes round for ever.
            if passed.contains(&fingerprint) {
                return Some((Violation::NeverAtRest, run));
            }
            passed.push(fingerprint);
            let violation = match world.calm_step() {
                Some(step) => {
                    run.push(step);
                    world = world.after(step);
                    world.broken.clone()
                }
                None => match law::broken_at_rest(&world) {
                    None => break,
                    broken => broken,
                },
            };
            if let Some(violation) = violation {
                return Some((violation, run));
            }
        }
        self.restful.extend(passed);
        None
    }

    fn tell(&self, violation: Violation, state: u32, sequel: &[Step]) -> Counterexample {
        let mut steps = Vec::new();
        let mut state = state;
        while let Some((from, step)) = self.ways.get(state as usize) {
            steps.push(*step);
            state = *from;
        }
        steps.reverse();
        let split = steps.len();
        steps.extend(sequel);
        let mut lines = story::told(self.start.clone(), &steps);
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

/// The state before the first step; not a number of any other.
const ROOT: u32 = u32::MAX;

#[cfg(test)]
mod tests;
