//! What came of a check, for people and for other programs.

pub mod csv;
pub mod gradescope;
pub mod json;
pub mod junit;
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proto::frame::Framing;
    use proto::mode::Mode;

    use crate::dialect::Dialect;

    use super::*;
    use crate::case::Case;
    use crate::verdict::{Came, Expected, Finding, Outcome};

    /// A report of a case that holds, one that does not, and one that could not be judged.
    pub fn report() -> Report {
        let small = Case::must("prime.small", "text", "2 is prime.", |_| Ok(()));
        let squares = Case::must(
            "prime.squares",
            "text",
            "The square of a prime is not prime.",
            |_| Ok(()),
        );
        let reset = Case::must(
            "stream.reset",
            "messages",
            "The next client is served.",
            |_| Ok(()),
        );
        let finding = Finding {
            sent: b"8:PRIME 25,".to_vec(),
            expected: Expected::Message(b"OK not prime".to_vec()),
            came: Came::Message(b"OK prime".to_vec()),
            cause: Some("the loop ends too early".into()),
        };
        let judged = |case: Case, outcome: Outcome| Judgement {
            id: format!("text.{}", case.name),
            case,
            outcome,
            took: Duration::from_millis(250),
            diagram: String::new(),
            recording: None,
            said: String::new(),
        };
        Report {
            side: Side::Server,
            plan: Plan {
                dialect: Dialect::Service(Mode::Text),
                framing: Framing::Line,
                seed: 7,
                jobs: 1,
                patience: Duration::from_secs(5),
                time_limit: Duration::from_secs(60),
                out: None,
            },
            subject: "python3 <server.py>".into(),
            command: "labclient check text --wire line".into(),
            rest: " -- python3 '<server.py>' {port}".into(),
            is_strict: false,
            judgements: vec![
                judged(small, Ok(())),
                judged(squares.points(2), Err(Failure::Broken(Box::new(finding)))),
                judged(
                    reset,
                    Err(Failure::Undecided("the server did not start".into())),
                ),
            ],
            planned: 3,
        }
    }

    #[test]
    fn a_note_has_the_rule_what_was_expected_what_came_and_where_they_part() {
        let report = report();
        let note = terminal::note(&report, &report.judgements[1]);
        assert_eq!(
            note,
            "DOES NOT HOLD  text.prime.squares  (must, 2 points)\n  \
             The square of a prime is not prime.\n  \
             See docs/protocol.md#text\n\n  \
             sent      8:PRIME 25,\n  \
             expected  OK not prime\n  \
             came      OK prime\n               \
             ^\n  \
             expected  4f 4b 20 6e 6f 74 20 70 72 69 6d 65\n  \
             came      4f 4b 20 70 72 69 6d 65\n  \
             likely    the loop ends too early\n\n  \
             again     labclient check text --wire line --only text.prime.squares --seed 7 -- python3 '<server.py>' {port}\n"
        );
    }

    #[test]
    fn what_could_not_be_judged_is_neither_held_nor_broken() {
        let report = report();
        let tally = report.tally(Level::Must);
        assert_eq!((tally.held, tally.broken, tally.undecided), (1, 1, 1));
        assert_eq!((tally.points, tally.possible), (1, 3));
        assert!(!report.holds());
        assert!(terminal::summary(&report).contains("1 could not be judged"));
    }

    #[test]
    fn bytes_that_are_no_text_are_shown_escaped() {
        assert_eq!(
            terminal::shown(b"a\n\x1b[0m\xff\\"),
            "a\\n\\u{1b}[0m\\xff\\\\"
        );
    }
}
