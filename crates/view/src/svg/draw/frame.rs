//! What stands above and below the steps.

use std::io::{self, Write};

use super::{Drawing, escape};
use crate::sequence::{Arrow, Delivery, StepKind};
use crate::svg::layout;

impl<W: Write> Drawing<'_, W> {
    /// The commands, and when it was.
    pub(crate) fn titles(&mut self) -> io::Result<()> {
        let mut y = 24.0;
        let titles = self.sequence.titles.iter();
        for line in titles.flat_map(|title| self.layout.wrapped(title)) {
            let line = escape(&line);
            writeln!(
                self.out,
                r#"<text class="cmd" x="16" y="{y:.0}" xml:space="preserve">{line}</text>"#
            )?;
            y += 17.0;
        }
        let began = self.sequence.began.strftime("%Y-%m-%d %H:%M:%S UTC");
        writeln!(
            self.out,
            r#"<text class="small" x="16" y="{y:.0}">{began}; times in seconds since then</text>"#
        )
    }

    /// The boxes with the names.
    pub(crate) fn heads(&mut self) -> io::Result<()> {
        for (life, x) in self.sequence.lifelines.iter().zip(&self.layout.x) {
            let width = layout::head_width(&life.name, &life.detail);
            let class = if life.is_recorded { "" } else { " guess" };
            writeln!(
                self.out,
                r#"<rect class="head{class}" x="{:.1}" y="6" width="{width:.1}" height="42" rx="6"/><text class="name" x="{x:.1}" y="24">{}</text><text class="detail" x="{x:.1}" y="40">{}</text><line class="life" x1="{x:.1}" y1="48" x2="{x:.1}" y2="56"/>"#,
                x - width / 2.0,
                escape(&life.name),
                escape(&life.detail),
            )?;
        }
        Ok(())
    }

    /// What the signs mean, of those that are there; and what is to be said of the recordings.
    pub(crate) fn foot(&mut self, mut y: f64) -> io::Result<()> {
        y += 22.0;
        let arrows = &self.sequence.arrows;
        let shown = self
            .sequence
            .steps
            .iter()
            .filter_map(|step| match step.kind {
                StepKind::Message(arrow) | StepKind::Departs(arrow) => Some(&arrows[arrow]),
                _ => None,
            });
        type Sign = (fn(&Arrow<'_>) -> bool, &'static str, &'static str);
        let signs: [Sign; 4] = [
            (
                |it| matches!(it.delivery, Delivery::Lost(..)),
                " lost",
                "lost",
            ),
            (|it| it.marks.attempt.is_some(), " resent", "asked again"),
            (|it| it.marks.is_copy, " copy", "doubled by a fault"),
            (
                |it| it.delivery == Delivery::Unseen,
                " unseen",
                "the other recording does not say",
            ),
        ];
        let mut x = 16.0;
        for (is_shown, class, words) in signs {
            if !shown.clone().any(is_shown) {
                continue;
            }
            let end = match words {
                "lost" => r#"<path class="cross" d="M25 -4l8 8m0 -8l-8 8"/>"#,
                _ => r#"<path class="tip" d="M34 0l-10 -4.5l0 9z"/>"#,
            };
            writeln!(
                self.out,
                r#"<g class="m{class}" transform="translate({x:.0} {y:.0})"><line class="line" x1="0" y1="0" x2="24" y2="0"/>{end}<text class="small" x="42" y="4">{words}</text></g>"#
            )?;
            x += 42.0 + layout::sans(words, 11.0) + 28.0;
        }
        for notice in &self.sequence.notices {
            y += 17.0;
            writeln!(
                self.out,
                r#"<text class="small" x="16" y="{:.0}">{}</text>"#,
                y + 4.0,
                escape(notice)
            )?;
        }
        Ok(())
    }
}
