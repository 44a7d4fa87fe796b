//! The sequence diagram in a terminal, a step a line.

use std::io::{self, Write};

use anstyle::Style;
use record::wording::cut;

use super::sequence::{
    Arrow, ConnectionChange, Delivery, Lifeline, LossPoint, Sequence, Step, StepKind, Tone,
};
use super::wording;

mod heads;
mod row;

use heads::{heads, places};
use row::{BOLD, CYAN, DIM, PLAIN, RED, Row, YELLOW, width_of};

/// How the terminal is.
#[derive(Debug, Clone, Copy)]
pub struct TerminalStyle {
    /// Its columns.
    pub width: usize,
    /// Nothing but ASCII.
    pub is_ascii: bool,
    /// Colours.
    pub has_colours: bool,
}

/// Draws the diagram.
///
/// # Errors
/// When it cannot be written.
pub fn write(sequence: &Sequence<'_>, look: TerminalStyle, out: &mut impl Write) -> io::Result<()> {
    let mut drawing = Drawing::new(sequence, look, out);
    drawing.heads()?;
    for step in &sequence.steps {
        drawing.step(step)?;
    }
    drawing.feet()
}

struct Drawing<'a, W> {
    sequence: &'a Sequence<'a>,
    look: TerminalStyle,
    glyphs: Glyphs,
    out: &'a mut W,
    /// The column of each lifeline.
    places: Vec<usize>,
    is_alive: Vec<bool>,
    /// Where what is said stands, when the lifelines leave no space between them.
    margin: Option<usize>,
}

struct Glyphs {
    life: char,
    line: char,
    dotted: char,
    right: char,
    left: char,
    cross: char,
    dot: char,
    foot: char,
    head: char,
}

impl Glyphs {
    fn of(is_ascii: bool) -> Glyphs {
        let either = |unicode, ascii| if is_ascii { ascii } else { unicode };
        Glyphs {
            life: either('│', '|'),
            line: either('─', '-'),
            dotted: either('╌', '.'),
            right: either('►', '>'),
            left: either('◄', '<'),
            cross: either('✗', 'X'),
            dot: either('●', '*'),
            foot: either('┴', '+'),
            head: either('┬', '+'),
        }
    }
}

impl<'a, W: Write> Drawing<'a, W> {
    fn new(sequence: &'a Sequence<'a>, look: TerminalStyle, out: &'a mut W) -> Drawing<'a, W> {
        let (places, margin) = places(&sequence.lifelines, look.width);
        Drawing {
            sequence,
            look,
            glyphs: Glyphs::of(look.is_ascii),
            out,
            is_alive: vec![true; places.len()],
            places,
            margin,
        }
    }

    fn heads(&mut self) -> io::Result<()> {
        for title in &self.sequence.titles {
            for line in wording::wrapped(title, self.look.width) {
                self.free_line(&line, BOLD)?;
            }
        }
        if self.places.is_empty() {
            return Ok(());
        }
        writeln!(self.out)?;
        let mut lifelines = self.sequence.lifelines.clone();
        for Lifeline { name, detail, .. } in &mut lifelines {
            *name = ascii(name, self.look.is_ascii);
            *detail = ascii(detail, self.look.is_ascii);
        }
        let heads = heads(&lifelines, &self.places, self.look.width);
        for line in &heads.legend {
            self.free_line(line, BOLD)?;
        }
        for (line, style) in heads.lines.iter().zip([BOLD, DIM]) {
            let mut row = self.empty();
            for (from, text) in line {
                row.put(*from, text, style);
            }
            self.print(row)?;
        }
        let mut row = self.empty();
        for place in &self.places {
            row.set(*place, self.glyphs.head, DIM);
        }
        self.print(row)
    }

    fn feet(&mut self) -> io::Result<()> {
        if self.sequence.steps.is_empty() {
            self.free_line("nothing happened", DIM)?;
        }
        for notice in &self.sequence.notices {
            self.free_line(&format!("note: {notice}"), YELLOW)?;
        }
        Ok(())
    }

    fn step(&mut self, step: &Step) -> io::Result<()> {
        let mut row = self.empty_with_lifelines();
        row.put(0, &format!("{:>10}", wording::seconds(step.at)), DIM);
        match &step.kind {
            StepKind::Message(arrow) => self.message(&mut row, *arrow, true, true),
            StepKind::Departs(arrow) => self.message(&mut row, *arrow, true, false),
            StepKind::Arrives(arrow) => self.message(&mut row, *arrow, false, true),
            StepKind::Note { life, tone, words } => {
                let (style, dot) = match tone {
                    Tone::Plain => (PLAIN, self.glyphs.dot),
                    Tone::Warning | Tone::Unsettled => (YELLOW, '!'),
                    Tone::Bad => (RED, '!'),
                };
                row.set(self.places[*life], dot, style);
                self.beside(&mut row, *life, words, style);
            }
            StepKind::Connection(change) => self.change(&mut row, change),
            StepKind::Crashed { life, words } => {
                row.set(self.places[*life], self.glyphs.cross, RED);
                self.beside(&mut row, *life, words, RED);
                self.is_alive[*life] = false;
            }
            StepKind::Started { life, words } => {
                row.set(self.places[*life], self.glyphs.head, PLAIN);
                self.beside(&mut row, *life, words, BOLD);
                self.is_alive[*life] = true;
            }
            StepKind::Ended { life } => {
                row.set(self.places[*life], self.glyphs.foot, DIM);
                self.beside(&mut row, *life, "ended", DIM);
                self.is_alive[*life] = false;
            }
        }
        self.print(row)
    }

    fn message(&self, row: &mut Row, index: usize, departs: bool, arrives: bool) {
        let arrow = &self.sequence.arrows[index];
        let label = self.sequence.label(arrow);
        let label = self.sequence.numbered(arrow.conversation, &label);
        let badges = match departs {
            true => arrow.badges().join(", "),
            false => "arrives".into(),
        };
        let style = style(arrow);
        let (from, to) = (self.places[arrow.from], self.places[arrow.to]);
        let lost = match arrow.delivery {
            Delivery::Lost(place, _) if arrives => Some(place),
            _ => None,
        };
        let line = match arrow.marks.is_copy || arrow.delivery == Delivery::Unseen {
            true => self.glyphs.dotted,
            false => self.glyphs.line,
        };
        let span = from.abs_diff(to).saturating_sub(1);
        // How far it comes, in cells from the sender.
        let reach = match lost {
            None => span,
            Some(LossPoint::Arrival) => span.saturating_sub(2),
            Some(LossPoint::Way) => span * 3 / 4,
            Some(LossPoint::Start) => span.min(4),
        };
        let (text_at, room) = match lost {
            // It stands where the message never came.
            Some(LossPoint::Start) => (reach + 1, span.saturating_sub(reach + 4)),
            _ if !departs => (reach / 3, (reach - reach / 3).saturating_sub(5)),
            _ => (2, reach.saturating_sub(5)),
        };
        let room = self.margin.map_or(room, |margin| self.room_at(margin));
        let mut text = self.fitted(&label, &badges, room);
        if let Some(margin) = self.margin {
            row.put(margin, &std::mem::take(&mut text), style);
        }
        let cell = |steps: usize| match from < to {
            true => from + steps,
            false => from.saturating_sub(steps),
        };
        let first = if departs { 1 } else { reach / 3 };
        let last = match arrives {
            true => reach,
            false => (text_at + width_of(&text) + 4).max(span * 2 / 3).min(span),
        };
        for steps in first..=last {
            row.set(cell(steps), line, style);
        }
        if arrives {
            let tip = match (lost, from < to) {
                (Some(_), _) => self.glyphs.cross,
                (None, true) => self.glyphs.right,
                (None, false) => self.glyphs.left,
            };
            row.set(cell(last), tip, style);
        }
        if !text.is_empty() {
            let text = format!(" {text} ");
            let start = match from < to {
                true => cell(text_at),
                false => cell(text_at + width_of(&text) - 1),
            };
            row.put(start, &text, style);
        }
    }

    /// The label, cut so that the badges fit too.
    fn fitted(&self, label: &str, badges: &str, room: usize) -> String {
        let label = ascii(label, self.look.is_ascii);
        let badges = match badges {
            "" => String::new(),
            badges => ascii(&format!(" [{badges}]"), self.look.is_ascii),
        };
        let left = room.saturating_sub(width_of(&badges));
        let whole = self.cut(&label, left) + &badges;
        self.cut(&whole, room)
    }

    /// The beginning or the end of a connection.
    fn change(&self, row: &mut Row, change: &ConnectionChange) {
        let style = match change.tone {
            Tone::Plain => DIM,
            _ => RED,
        };
        let words = self.sequence.numbered(change.conversation, &change.words);
        let (from, to) = (self.places[change.from], self.places[change.to]);
        let (left, right) = (from.min(to), from.max(to));
        for cell in left + 1..right {
            row.set(cell, self.glyphs.dotted, style);
        }
        match from < to {
            true => row.set(right.saturating_sub(1), self.glyphs.right, style),
            false => row.set(left + 1, self.glyphs.left, style),
        }
        match self.margin {
            Some(margin) => row.put(margin, &self.cut(&words, self.room_at(margin)), style),
            None => {
                let room = (right - left).saturating_sub(6);
                let words = format!(" {} ", self.cut(&words, room));
                let start = match from < to {
                    true => left + 2,
                    false => right.saturating_sub(1 + width_of(&words)),
                };
                row.put(start, &words, style);
            }
        }
    }

    /// Says something beside a lifeline: where the space is.
    fn beside(&self, row: &mut Row, life: usize, words: &str, style: Style) {
        let place = self.places[life];
        let is_last = life + 1 == self.places.len() && life > 0;
        let (start, room) = match (self.margin, is_last) {
            (Some(margin), _) => (margin, self.room_at(margin)),
            (None, true) => {
                let room = place - self.places[life - 1] - 4;
                let shown = self.cut(words, room);
                (place - 1 - width_of(&shown), room)
            }
            (None, false) => {
                let next = self.places.get(life + 1).unwrap_or(&self.look.width);
                (place + 2, next.saturating_sub(place + 4))
            }
        };
        row.put(start, &self.cut(words, room), style);
    }

    fn cut(&self, text: &str, columns: usize) -> String {
        let text = ascii(text, self.look.is_ascii);
        // What says that it was cut is no ASCII either.
        ascii(&cut(&text, columns), self.look.is_ascii)
    }

    /// The columns from this one on.
    fn room_at(&self, column: usize) -> usize {
        self.look.width.saturating_sub(column)
    }

    fn empty(&self) -> Row {
        Row::new(self.look.width)
    }

    fn empty_with_lifelines(&self) -> Row {
        let mut row = self.empty();
        for (place, is_alive) in self.places.iter().zip(&self.is_alive) {
            if *is_alive {
                row.set(*place, self.glyphs.life, DIM);
            }
        }
        row
    }

    /// A line over the whole width, as long as it is.
    fn free_line(&mut self, text: &str, style: Style) -> io::Result<()> {
        let mut row = self.empty();
        row.put(0, &self.cut(text, self.look.width), style);
        self.print(row)
    }

    fn print(&mut self, row: Row) -> io::Result<()> {
        row.print(self.look.has_colours, self.out)
    }
}

fn style(arrow: &Arrow<'_>) -> Style {
    match arrow.delivery {
        Delivery::Lost(..) => RED,
        _ if arrow.is_unsettled => YELLOW,
        _ if arrow.marks.is_broken || arrow.marks.is_refused => RED,
        _ if arrow.marks.attempt.is_some() => CYAN,
        Delivery::Unseen => DIM,
        Delivery::Arrived | Delivery::Assumed => PLAIN,
    }
}

fn ascii(text: &str, is_wanted: bool) -> String {
    if !is_wanted || text.is_ascii() {
        return text.to_owned();
    }
    let shown = text.chars().map(|c| match c {
        '…' => "~".into(),
        '·' => "-".into(),
        'µ' => "u".into(),
        c if c.is_ascii() => c.to_string(),
        c => c.escape_default().to_string(),
    });
    shown.collect()
}
