//! What stands on a lifeline, and the lines between two that are no messages.

use std::io::{self, Write};

use super::{Drawing, escape};
use crate::sequence::{ConnectionChange, Tone};
use crate::svg::layout;
use crate::wording;

impl<W: Write> Drawing<'_, W> {
    /// Time that passes with nothing to show.
    pub(super) fn pause(&mut self, y: f64, pause: i64) -> io::Result<()> {
        let time = self.layout.time;
        let pause = wording::rough_duration(pause.unsigned_abs());
        write!(
            self.out,
            r#"<text class="time" x="{time:.0}" y="{:.1}">⋮ {pause}</text>"#,
            y + 12.0
        )?;
        for (life, x) in self.layout.x.iter().enumerate() {
            if self.is_alive[life] && self.sequence.lifelines[life].is_recorded {
                let (left, y) = (x - 5.0, y + 9.0);
                write!(
                    self.out,
                    r##"<rect x="{left:.1}" y="{:.1}" width="10" height="5" fill="#fff"/><path class="rip" d="M{left:.1} {y:.1}l5 -3l0 3l5 -3M{left:.1} {:.1}l5 -3l0 3l5 -3"/>"##,
                    y - 1.5,
                    y + 5.0
                )?;
            }
        }
        writeln!(self.out)
    }

    /// The left edge of what stands so far from a lifeline, on the outer side where there is one.
    fn beside(&self, life: usize, distance: f64, width: f64) -> f64 {
        let x = self.layout.x[life];
        match life == 0 && self.layout.x.len() > 1 {
            true => x - distance - width,
            false => x + distance,
        }
    }

    /// A note beside a lifeline.
    pub(super) fn note(&mut self, life: usize, y: f64, class: &str, words: &str) -> io::Result<()> {
        let shown = layout::note(words);
        let width = layout::sans(&shown, 12.0) + 16.0;
        let x = self.layout.x[life];
        let left = self.beside(life, 12.0, width);
        let (near, far) = match left < x {
            true => (x - 12.0, x),
            false => (x, x + 12.0),
        };
        writeln!(
            self.out,
            r#"<g><title>{}</title><line class="rip" x1="{near:.1}" y1="{y:.1}" x2="{far:.1}" y2="{y:.1}"/><circle class="knot{class}" cx="{x:.1}" cy="{y:.1}" r="3.5"/><rect class="note{class}" x="{left:.1}" y="{:.1}" width="{width:.1}" height="21" rx="3"/><text x="{:.1}" y="{:.1}" text-anchor="middle">{}</text></g>"#,
            escape(words),
            y - 10.5,
            left + width / 2.0,
            y + 4.0,
            escape(&shown),
        )
    }

    /// The beginning or the end of a connection.
    pub(super) fn change(&mut self, change: &ConnectionChange, y: f64) -> io::Result<()> {
        let class = match change.tone {
            Tone::Plain => "",
            _ => " bad",
        };
        let words = self.sequence.numbered(change.conversation, &change.words);
        let words = layout::note(&words);
        let (from, to) = (self.layout.x[change.from], self.layout.x[change.to]);
        let way = if to >= from { 1.0 } else { -1.0 };
        let (middle, half) = ((from + to) / 2.0, layout::sans(&words, 11.0) / 2.0 + 5.0);
        writeln!(
            self.out,
            r##"<path class="thin{class}" d="M{from:.1} {y:.1}H{:.1}M{:.1} {y:.1}H{to:.1}m{:.1} -4l{:.1} 4l{:.1} 4"/><text class="tiny{class}" x="{middle:.1}" y="{:.1}" text-anchor="middle">{}</text>"##,
            middle - way * half,
            middle + way * half,
            -way * 7.0,
            way * 6.0,
            -way * 6.0,
            y + 3.5,
            escape(&words),
        )
    }

    pub(super) fn crash(&mut self, life: usize, y: f64, words: &str) -> io::Result<()> {
        let x = self.layout.x[life];
        let shown = layout::note(words);
        let width = layout::sans(&shown, 13.5) + 18.0;
        let left = self.beside(life, 16.0, width);
        writeln!(
            self.out,
            r#"<g><title>{}</title><path class="cross" d="M{:.1} {:.1}l16 16m0 -16l-16 16"/><rect class="crash" x="{left:.1}" y="{:.1}" width="{width:.1}" height="23" rx="3"/><text class="shout" x="{:.1}" y="{:.1}" text-anchor="middle">{}</text></g>"#,
            escape(words),
            x - 8.0,
            y - 8.0,
            y - 11.5,
            left + width / 2.0,
            y + 4.0,
            escape(&shown),
        )
    }

    pub(super) fn start(&mut self, life: usize, y: f64, words: &str) -> io::Result<()> {
        let x = self.layout.x[life];
        let name = &self.sequence.lifelines[life].name;
        let width = layout::head_width(name, words);
        writeln!(
            self.out,
            r#"<rect class="head" x="{:.1}" y="{:.1}" width="{width:.1}" height="36" rx="6"/><text class="name" x="{x:.1}" y="{:.1}">{}</text><text class="detail" x="{x:.1}" y="{:.1}">{}</text>"#,
            x - width / 2.0,
            y - 18.0,
            y - 3.0,
            escape(name),
            y + 12.0,
            escape(words),
        )
    }
}
