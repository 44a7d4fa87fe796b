//! The parts of the picture.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::ops::Range;

use super::layout::{self, Layout};
use crate::sequence::{Arrow, Delivery, LossPoint, Sequence, StepKind, Tone};
use crate::wording;

mod frame;
mod lifelines;

/// How much lower a message arrives than it leaves.
const SLANT: f64 = 6.0;

/// Draws, step by step: a lifeline is drawn as far as it goes.
pub(crate) struct Drawing<'a, W> {
    sequence: &'a Sequence<'a>,
    layout: &'a Layout,
    pub(crate) out: &'a mut W,
    /// Whether each message carries its details, for a page's script.
    has_details: bool,
    /// Where each lifeline that is alive was drawn to.
    drawn: Vec<Option<f64>>,
    /// Which lifelines are alive at the step that is drawn.
    is_alive: Vec<bool>,
    /// Where those messages left that are still on their way.
    departed: HashMap<usize, f64>,
}

impl<'a, W: Write> Drawing<'a, W> {
    pub(crate) fn new(
        sequence: &'a Sequence<'a>,
        layout: &'a Layout,
        has_details: bool,
        out: &'a mut W,
    ) -> Drawing<'a, W> {
        Drawing {
            sequence,
            layout,
            out,
            has_details,
            drawn: vec![Some(0.0); sequence.lifelines.len()],
            is_alive: vec![true; sequence.lifelines.len()],
            departed: HashMap::new(),
        }
    }

    /// These steps, where they stand below the heads. Called for one range after the other.
    pub(crate) fn steps(&mut self, steps: Range<usize>) -> io::Result<()> {
        let is_last = steps.end == self.sequence.steps.len();
        let end = self.layout.top(steps.end);
        // Lifelines first, so that everything else lies on top of them.
        for step in steps.clone() {
            let y = self.layout.y[step];
            match &self.sequence.steps[step].kind {
                StepKind::Crashed { life, .. } | StepKind::Ended { life } => {
                    self.life_to(*life, y, true)?
                }
                StepKind::Started { life, .. } => self.drawn[*life] = Some(y),
                _ => {}
            }
        }
        for life in 0..self.drawn.len() {
            self.life_to(life, end, false)?;
        }
        for step in steps {
            self.step(step)?;
        }
        if is_last {
            self.still_on_the_way()?;
        }
        Ok(())
    }

    fn life_to(&mut self, life: usize, y: f64, is_over: bool) -> io::Result<()> {
        let Some(from) = self.drawn[life] else {
            return Ok(());
        };
        self.drawn[life] = (!is_over).then_some(y);
        let x = self.layout.x[life];
        let is_recorded = self.sequence.lifelines[life].is_recorded;
        let class = if is_recorded { "" } else { " stranger" };
        writeln!(
            self.out,
            r#"<line class="life{class}" x1="{x:.1}" y1="{from:.1}" x2="{x:.1}" y2="{y:.1}"/>"#
        )
    }

    fn step(&mut self, index: usize) -> io::Result<()> {
        let step = &self.sequence.steps[index];
        let y = self.layout.y[index];
        let time = self.layout.time;
        if let Some(pause) = self.layout.pause_before(self.sequence, index) {
            self.pause(self.layout.top(index), pause)?;
        }
        writeln!(
            self.out,
            r#"<text class="time" x="{time:.0}" y="{:.1}">{}</text>"#,
            y + 3.0,
            wording::seconds(step.at)
        )?;
        match &step.kind {
            StepKind::Message(arrow) => self.message(*arrow, y - SLANT / 2.0, y + SLANT / 2.0),
            StepKind::Departs(arrow) => {
                self.departed.insert(*arrow, y);
                Ok(())
            }
            StepKind::Arrives(arrow) => {
                let left = self.departed.remove(arrow).unwrap_or(y);
                self.message(*arrow, left, y)
            }
            StepKind::Note { life, tone, words } => {
                let class = match tone {
                    Tone::Plain => "",
                    Tone::Warning => " warning",
                    Tone::Bad => " bad",
                    Tone::Unsettled => " unsettled",
                };
                self.note(*life, y, class, words)
            }
            StepKind::Connection(change) => self.change(change, y),
            StepKind::Crashed { life, words } => {
                self.is_alive[*life] = false;
                self.crash(*life, y, words)
            }
            StepKind::Started { life, words } => {
                self.is_alive[*life] = true;
                self.start(*life, y, words)
            }
            StepKind::Ended { life } => {
                self.is_alive[*life] = false;
                let x = self.layout.x[*life];
                writeln!(
                    self.out,
                    r#"<line class="foot" x1="{:.1}" y1="{y:.1}" x2="{:.1}" y2="{y:.1}"/>"#,
                    x - 9.0,
                    x + 9.0
                )
            }
        }
    }

    fn message(&mut self, index: usize, from_y: f64, to_y: f64) -> io::Result<()> {
        let arrow = &self.sequence.arrows[index];
        let (from, to) = (self.layout.x[arrow.from], self.layout.x[arrow.to]);
        writeln!(
            self.out,
            r#"<g class="m{}"{}><title>{}</title>"#,
            class(arrow),
            self.details(index),
            escape(&self.tooltip(arrow))
        )?;
        let is_lost = matches!(arrow.delivery, Delivery::Lost(..));
        // A cross is taller than a line.
        let above = if is_lost { 8.0 } else { 5.5 };
        let label_y = from_y.min(to_y) - above;
        let width = layout::label_width(self.sequence, arrow);
        let mut x = (from + to) / 2.0 - width / 2.0;
        if arrow.is_unsettled {
            writeln!(
                self.out,
                r#"<rect class="glow" x="{:.1}" y="{:.1}" width="{:.1}" height="17" rx="3"/>"#,
                x - 5.0,
                label_y - 12.5,
                width + 10.0
            )?;
        }
        self.line(arrow, from_y, to_y)?;
        if let Some(number) = self.sequence.number(arrow.conversation) {
            writeln!(
                self.out,
                r#"<text class="label number" x="{x:.1}" y="{label_y:.1}">{}</text>"#,
                escape(&number)
            )?;
            x += layout::mono(&number) + 7.3;
        }
        let label = layout::label(self.sequence, arrow);
        writeln!(
            self.out,
            r#"<text class="label" x="{x:.1}" y="{label_y:.1}">{}</text>"#,
            escape(&label)
        )?;
        x += layout::mono(&label) + 6.0;
        for badge in arrow.badges() {
            let width = layout::pill_width(&badge);
            writeln!(
                self.out,
                r#"<rect class="pill" x="{x:.1}" y="{:.1}" width="{width:.1}" height="15" rx="7.5"/><text class="said" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text>"#,
                label_y - 11.5,
                x + width / 2.0,
                label_y - 0.5,
                escape(&badge)
            )?;
            x += width + 6.0;
        }
        writeln!(self.out, "</g>")
    }

    fn line(&mut self, arrow: &Arrow<'_>, from_y: f64, to_y: f64) -> io::Result<()> {
        let (from, to) = (self.layout.x[arrow.from], self.layout.x[arrow.to]);
        let way = if to >= from { 1.0 } else { -1.0 };
        let at = |part: f64| (from + (to - from) * part, from_y + (to_y - from_y) * part);
        if let Delivery::Lost(place, _) = arrow.delivery {
            let (x, y) = match place {
                LossPoint::Start => at(0.2),
                LossPoint::Way => at(0.62),
                LossPoint::Arrival => (to - way * 20.0, to_y - 0.3),
            };
            writeln!(
                self.out,
                r#"<line class="line" x1="{from:.1}" y1="{from_y:.1}" x2="{:.1}" y2="{y:.1}"/><path class="cross" d="M{:.1} {:.1}l10 10m0 -10l-10 10"/>"#,
                x - way * 6.0,
                x - 5.0,
                y - 5.0
            )?;
            if place != LossPoint::Arrival {
                writeln!(
                    self.out,
                    r#"<line class="faint" x1="{:.1}" y1="{y:.1}" x2="{:.1}" y2="{to_y:.1}"/>"#,
                    x + way * 12.0,
                    to - way * 4.0
                )?;
            }
            return Ok(());
        }
        let tip = to - way * 1.0;
        writeln!(
            self.out,
            r#"<line class="line" x1="{from:.1}" y1="{from_y:.1}" x2="{:.1}" y2="{to_y:.1}"/><path class="tip" d="M{tip:.1} {to_y:.1}l{:.1} -4.5l0 9z"/>"#,
            tip - way * 8.0,
            -way * 10.0
        )
    }

    /// What a page's script shows of a message.
    fn details(&self, index: usize) -> String {
        let mut details = String::new();
        if !self.has_details {
            return details;
        }
        let arrow = &self.sequence.arrows[index];
        let _ = write!(details, r#" tabindex="0" data-b=""#);
        const MOST: usize = 2048;
        for byte in arrow.bytes.0.iter().take(MOST) {
            let _ = write!(details, "{byte:02x}");
        }
        let _ = write!(details, r#"" data-n="{}""#, arrow.bytes.0.len());
        details
    }

    fn tooltip(&self, arrow: &Arrow<'_>) -> String {
        let mut words = match arrow.text {
            Some(text) => proto::printable::printable(text),
            None => arrow.bytes.escaped(),
        };
        let at = &self.sequence.conversations[arrow.conversation];
        let (service, number) = (&at.service, at.number);
        let (client_address, server_address) = (at.client_address, at.server_address);
        let _ = write!(
            words,
            "\n{} bytes on {service}#{number}, {client_address} and {server_address}",
            arrow.bytes.0.len(),
        );
        for (moment, name) in [(arrow.sent, "sent"), (arrow.received, "received")] {
            if let Some(moment) = moment {
                let _ = write!(words, "\n{name} at {}", wording::seconds(moment));
            }
        }
        if arrow.is_masked {
            words += "\nsecrets are masked";
        }
        for badge in arrow.badges() {
            let _ = write!(words, "\n{badge}");
        }
        words
    }

    /// Messages whose arrival is not in the picture.
    fn still_on_the_way(&mut self) -> io::Result<()> {
        let mut left: Vec<(usize, f64)> = self.departed.drain().collect();
        left.sort_by_key(|(arrow, _)| *arrow);
        for (arrow, y) in left {
            self.message(arrow, y, self.layout.height)?;
        }
        Ok(())
    }
}

fn class(arrow: &Arrow<'_>) -> String {
    let marks = &arrow.marks;
    let is_lost = matches!(arrow.delivery, Delivery::Lost(..));
    let classes = [
        (is_lost || marks.is_broken || marks.is_refused, " lost"),
        (marks.attempt.is_some(), " resent"),
        (marks.is_copy, " copy"),
        (arrow.delivery == Delivery::Unseen, " unseen"),
        (arrow.is_unsettled, " unsettled"),
    ];
    let given = classes.into_iter().filter(|(is, _)| *is);
    given.map(|(_, class)| class).collect()
}

/// Text as the content or a quoted attribute of an element, in XML and in HTML. What XML forbids
/// is left out; those that get here were made printable before.
pub(crate) fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\n' => escaped.push('\n'),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => escaped.push('\u{fffd}'),
            c => escaped.push(c),
        }
    }
    escaped
}
