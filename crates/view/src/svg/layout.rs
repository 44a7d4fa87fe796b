//! Where everything stands, in pixels.

use unicode_width::UnicodeWidthStr;

use crate::sequence::{Arrow, Sequence, StepKind};
use crate::wording;
use record::wording::cut;

/// The widest a character of the messages is, at 12 pixels: of the usual fonts DejaVu's is widest.
const MONO: f64 = 7.3;

/// The same of proportional text, by the size of its font. On average: a text of capitals is wider.
const SANS: f64 = 0.6;

/// Messages are cut to this many characters; the whole is in the tooltip.
const LONGEST_LABEL: usize = 96;

/// The same of notes.
const LONGEST_NOTE: usize = 56;

/// The time, at the left.
const TIME: f64 = 78.0;

/// How far apart two lifelines are.
const GAPS: (f64, f64) = (240.0, 900.0);

/// A time in which nothing happened is shown from this length on, in nanoseconds.
const PAUSE: i64 = 100_000_000;

/// The lengths of the picture.
pub(crate) struct Layout {
    /// Of the picture.
    pub(crate) width: f64,
    /// Of its steps, below the heads.
    pub(crate) height: f64,
    /// The middle of each lifeline.
    pub(super) x: Vec<f64>,
    /// The middle of each step, from the first one's top.
    pub(super) y: Vec<f64>,
    /// The top of the space of each step.
    tops: Vec<f64>,
    /// The right edge of the times.
    pub(super) time: f64,
}

impl Layout {
    pub(crate) fn of(sequence: &Sequence<'_>) -> Layout {
        let count = sequence.lifelines.len();
        let mut gap = GAPS.0;
        let (mut left, mut right, mut inner) = (70.0_f64, 70.0_f64, 0.0_f64);
        for life in &sequence.lifelines {
            gap = gap.max(head_width(&life.name, &life.detail) + 20.0);
        }
        let mut y = Vec::with_capacity(sequence.steps.len());
        let mut tops = Vec::with_capacity(sequence.steps.len());
        let mut top = 6.0;
        let mut last = None;
        for step in &sequence.steps {
            tops.push(top);
            if last.is_some_and(|last| step.at.saturating_sub(last) >= PAUSE) {
                top += 22.0;
            }
            last = Some(step.at);
            let (height, middle) = match &step.kind {
                StepKind::Message(_) | StepKind::Departs(_) => (34.0, 25.0),
                StepKind::Arrives(_) => (20.0, 10.0),
                StepKind::Note { .. } => (28.0, 14.0),
                StepKind::Connection(_) => (26.0, 18.0),
                StepKind::Crashed { .. } => (34.0, 17.0),
                StepKind::Started { .. } => (44.0, 22.0),
                StepKind::Ended { .. } => (24.0, 10.0),
            };
            y.push(top + middle);
            top += height;
            match &step.kind {
                StepKind::Message(arrow) | StepKind::Departs(arrow) => {
                    let arrow = &sequence.arrows[*arrow];
                    let spans = arrow.from.abs_diff(arrow.to).max(1) as f64;
                    gap = gap.max((label_width(sequence, arrow) + 44.0) / spans);
                }
                StepKind::Note { life, words, .. }
                | StepKind::Crashed { life, words }
                | StepKind::Started { life, words } => {
                    let width = sans(&cut(words, LONGEST_NOTE), 12.0) + 44.0;
                    match *life {
                        0 if count > 1 => left = left.max(width),
                        life if life + 1 == count => right = right.max(width),
                        _ => inner = inner.max(width),
                    }
                }
                StepKind::Connection(_) | StepKind::Arrives(_) | StepKind::Ended { .. } => {}
            }
        }
        let gap = gap.max(inner).min(GAPS.1);
        let first = TIME + left;
        let x: Vec<f64> = (0..count).map(|life| first + gap * life as f64).collect();
        Layout {
            width: x.last().copied().unwrap_or(first).max(first + 200.0) + right,
            height: top + 10.0,
            x,
            y,
            tops,
            time: TIME - 8.0,
        }
    }

    /// Above the heads.
    pub(crate) fn title_height(&self, sequence: &Sequence<'_>) -> f64 {
        let lines = sequence
            .titles
            .iter()
            .map(|title| self.wrapped(title).len());
        44.0 + 17.0 * lines.sum::<usize>() as f64
    }

    /// The heads themselves.
    pub(crate) fn head_height(&self) -> f64 {
        56.0
    }

    /// Below the steps: the legend and what is to be said of the recordings.
    pub(crate) fn foot_height(&self, sequence: &Sequence<'_>) -> f64 {
        56.0 + 17.0 * sequence.notices.len() as f64
    }

    /// The lines of a command.
    pub(super) fn wrapped(&self, title: &str) -> Vec<String> {
        let columns = (self.width - 40.0) / MONO;
        wording::wrapped(title, columns as usize)
    }

    /// Where the space of a step begins; of one after the last, where the steps end.
    pub(crate) fn top(&self, step: usize) -> f64 {
        match self.tops.get(step) {
            _ if step == 0 => 0.0,
            Some(top) => *top,
            None => self.height,
        }
    }

    /// Whether so much time passed before this step that it is shown.
    pub(super) fn pause_before(&self, sequence: &Sequence<'_>, step: usize) -> Option<i64> {
        let before = sequence.steps.get(step.checked_sub(1)?)?;
        let pause = sequence.steps[step].at.saturating_sub(before.at);
        (pause >= PAUSE).then_some(pause)
    }
}

pub(super) fn mono(text: &str) -> f64 {
    text.width() as f64 * MONO
}

pub(super) fn sans(text: &str, size: f64) -> f64 {
    text.width() as f64 * size * SANS
}

pub(super) fn head_width(name: &str, detail: &str) -> f64 {
    // The name is bold.
    (sans(name, 14.5)).max(sans(detail, 11.0)) + 28.0
}

/// The label, as it is drawn.
pub(super) fn label(sequence: &Sequence<'_>, arrow: &Arrow<'_>) -> String {
    cut(&sequence.label(arrow), LONGEST_LABEL)
}

/// A note, as it is drawn.
pub(super) fn note(words: &str) -> String {
    cut(words, LONGEST_NOTE)
}

pub(super) fn pill_width(words: &str) -> f64 {
    // Bold, which is wider.
    sans(words, 11.0) + 12.0
}

/// The label, the number before it, the badges behind it.
pub(super) fn label_width(sequence: &Sequence<'_>, arrow: &Arrow<'_>) -> f64 {
    let number = sequence.number(arrow.conversation);
    let number = number.map_or(0.0, |number| mono(&number) + MONO);
    let badges = arrow.badges();
    let badges: f64 = badges.iter().map(|badge| pill_width(badge) + 6.0).sum();
    number + mono(&label(sequence, arrow)) + badges
}
