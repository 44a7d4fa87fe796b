//! The steps of all lifelines in one order.
//!
//! Each lifeline keeps its own order, and nothing is received before it was sent, whatever the
//! clocks of two machines say. A message is one step where it can be: unless its sender gave up on it,
//! or died, while it was on its way.

use super::gather::{Action, Entry};
use super::{Arrow, Delivery, Moment, Step, StepKind, Tone};

/// Where a message stands among the actions of the two ends.
#[derive(Debug, Clone, Copy, Default)]
struct Ends {
    sends: bool,
    receives: bool,
    /// Something happened to the sender while it was on its way.
    is_split: bool,
    has_departed: bool,
}

/// All arrows, and all steps in order.
pub(super) fn order(
    mut actions: Vec<Vec<Entry>>,
    mut arrows: Vec<Arrow<'_>>,
) -> (Vec<Arrow<'_>>, Vec<Step>) {
    for line in &mut actions {
        line.retain(|entry| !matches!(entry.action, Action::Nothing));
    }
    let mut ends = ends(&actions, &arrows);
    let mut steps = Vec::with_capacity(arrows.len());
    let mut heads = vec![0; actions.len()];
    loop {
        match next(&actions, &heads, &ends, &arrows) {
            Next::Over => return (arrows, steps),
            Next::Alone(life) => {
                let Entry { at, action } = &mut actions[life][heads[life]];
                heads[life] += 1;
                if let Some(kind) = step(action, &mut ends) {
                    steps.push(Step { at: *at, kind });
                }
            }
            Next::Together(from, to, arrow) => {
                // Any moment between the two is one of it.
                let (sent, received) = (actions[from][heads[from]].at, actions[to][heads[to]].at);
                let last = steps.last().map_or(sent, |step: &Step| step.at);
                let at = last.min(received).max(sent);
                heads[from] += 1;
                heads[to] += 1;
                let kind = StepKind::Message(arrow);
                steps.push(Step { at, kind });
            }
            Next::Split(arrow) => ends[arrow].is_split = true,
            Next::Part(life, arrow) => {
                // It arrives before it was sent, as far as can be seen: they were two messages.
                ends[arrow].receives = false;
                let other = Arrow {
                    sent: None,
                    delivery: Delivery::Assumed,
                    ..arrows[arrow].clone()
                };
                arrows[arrow].received = None;
                let copy = arrows.len();
                arrows.push(other);
                ends.push(Ends {
                    receives: true,
                    ..Ends::default()
                });
                actions[life][heads[life]].action = Action::Receives(copy);
            }
        }
    }
}

fn ends(actions: &[Vec<Entry>], arrows: &[Arrow<'_>]) -> Vec<Ends> {
    let mut ends = vec![Ends::default(); arrows.len()];
    for line in actions {
        // When it next waited in vain, or died. What it noted or closed does not matter.
        let mut next_event = Moment::MAX;
        for entry in line.iter().rev() {
            match &entry.action {
                Action::Sends(arrow) => {
                    let received = arrows[*arrow].received;
                    ends[*arrow].sends = true;
                    ends[*arrow].is_split = received.is_some_and(|at| at > next_event);
                }
                Action::Receives(arrow) => ends[*arrow].receives = true,
                Action::Alone(
                    StepKind::Crashed { .. }
                    | StepKind::Started { .. }
                    | StepKind::Note {
                        tone: Tone::Warning,
                        ..
                    },
                ) => next_event = entry.at,
                Action::Alone(_) | Action::Nothing => {}
            }
        }
    }
    ends
}

/// What comes next.
enum Next {
    Over,
    /// The first action of this lifeline.
    Alone(usize),
    /// A message, from one lifeline to the other.
    Together(usize, usize, usize),
    /// Nothing can, before this message is two steps.
    Split(usize),
    /// Nothing can, before this, which this lifeline received, is two messages.
    Part(usize, usize),
}

/// The earliest first action that does not wait for another.
fn next(actions: &[Vec<Entry>], heads: &[usize], ends: &[Ends], arrows: &[Arrow<'_>]) -> Next {
    let mut best: Option<(Moment, Next)> = None;
    let mut stuck: Option<(Moment, Next)> = None;
    let offer = |place: &mut Option<(Moment, Next)>, at: Moment, next: Next| {
        if place.as_ref().is_none_or(|(earliest, _)| at < *earliest) {
            *place = Some((at, next));
        }
    };
    let head = |life: usize| actions[life].get(heads[life]);
    for life in 0..actions.len() {
        let Some(Entry { at, action }) = head(life) else {
            continue;
        };
        match action {
            Action::Alone(_) | Action::Nothing => offer(&mut best, *at, Next::Alone(life)),
            Action::Sends(arrow) => {
                let is_waiting = ends[*arrow].receives && !ends[*arrow].is_split;
                if is_waiting {
                    offer(&mut stuck, *at, Next::Split(*arrow));
                } else {
                    offer(&mut best, *at, Next::Alone(life));
                }
            }
            Action::Receives(arrow) => {
                let ends = ends[*arrow];
                if !ends.sends || ends.has_departed {
                    offer(&mut best, *at, Next::Alone(life));
                    continue;
                }
                let from = arrows[*arrow].from;
                let action = head(from).filter(|_| !ends.is_split);
                match action {
                    Some(Entry {
                        at,
                        action: Action::Sends(sent),
                    }) if sent == arrow => {
                        offer(&mut best, *at, Next::Together(from, life, *arrow));
                    }
                    _ if stuck.is_none() => stuck = Some((Moment::MAX, Next::Part(life, *arrow))),
                    _ => {}
                }
            }
        }
    }
    match (best, stuck) {
        (Some((_, next)), _) | (None, Some((_, next))) => next,
        (None, None) => Next::Over,
    }
}

/// The step of an action that stands alone.
fn step(action: &mut Action, ends: &mut [Ends]) -> Option<StepKind> {
    match std::mem::replace(action, Action::Nothing) {
        Action::Alone(kind) => Some(kind),
        Action::Sends(arrow) => {
            ends[arrow].has_departed = true;
            Some(match ends[arrow].receives {
                true => StepKind::Departs(arrow),
                false => StepKind::Message(arrow),
            })
        }
        Action::Receives(arrow) => Some(match ends[arrow].sends {
            true => StepKind::Arrives(arrow),
            false => StepKind::Message(arrow),
        }),
        Action::Nothing => None,
    }
}
