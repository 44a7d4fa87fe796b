//! What came of a check, for people and for other programs.

pub mod json;
pub mod terminal;

use proto::side::Side;

use crate::case::Level;
use crate::run::{Judgement, Plan};
use crate::verdict::Failure;

/// What came of a check of one program.
#[derive(Debug)]
pub struct Report {
    /// How it was judged.
    pub plan: Plan,
    /// Which half of a lab was judged.
    pub side: Side,
    /// What was judged, as `127.0.0.1:9006` or its command.
    pub subject: String,
    /// The command that judges it again, up to the choice of cases.
    pub command: String,
    /// The rest of the command, behind the choice of cases.
    pub rest: String,
    /// Whether what should hold counts as what must.
    pub is_strict: bool,
    /// What came of each case.
    pub judgements: Vec<Judgement>,
    /// How many cases there were to be judged.
    pub planned: usize,
}

/// How many cases came to what, and what they are worth.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Cases whose rule holds.
    pub held: usize,
    /// Cases whose rule does not hold.
    pub broken: usize,
    /// Cases that could not be judged.
    pub undecided: usize,
    /// Points of the cases whose rule holds.
    pub points: u32,
    /// Points of all cases that were judged.
    pub possible: u32,
}

impl Report {
    /// The cases of this level.
    pub fn tally(&self, level: Level) -> Tally {
        let mut tally = Tally::default();
        let cases = self.judgements.iter();
        for judgement in cases.filter(|it| it.case.level == level) {
            let points = judgement.case.points;
            match &judgement.outcome {
                Ok(()) => {
                    tally.held += 1;
                    tally.points += points;
                    tally.possible += points;
                }
                Err(Failure::Broken(_)) => {
                    tally.broken += 1;
                    tally.possible += points;
                }
                Err(Failure::Undecided(_)) => tally.undecided += 1,
            }
        }
        tally
    }

    /// Whether every rule that counts is known to hold.
    pub fn holds(&self) -> bool {
        let counts = |level: Level| level == Level::Must || self.is_strict;
        let all = self.judgements.iter();
        self.judgements.len() == self.planned
            && all
                .filter(|it| counts(it.case.level))
                .all(|it| it.outcome.is_ok())
    }

    /// The command that judges this case alone.
    pub fn again(&self, judgement: &Judgement) -> String {
        format!(
            "{} --only {} --seed {}{}",
            self.command, judgement.id, self.plan.seed, self.rest
        )
    }
}
