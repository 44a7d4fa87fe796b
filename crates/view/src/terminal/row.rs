//! A line of a terminal: cells with a character and a style each.

use std::io::{self, Write};

use anstyle::{AnsiColor, Reset, Style};
use proto::printable::is_unsafe;
use unicode_width::UnicodeWidthChar;

/// As the terminal's own text.
pub(super) const PLAIN: Style = Style::new();
pub(super) const DIM: Style = PLAIN.dimmed();
pub(super) const BOLD: Style = PLAIN.bold();
pub(super) const RED: Style = AnsiColor::Red.on_default().bold();
pub(super) const YELLOW: Style = AnsiColor::Yellow.on_default();
pub(super) const CYAN: Style = AnsiColor::Cyan.on_default();

/// A line; what is put outside it is left out.
pub(super) struct Row {
    cells: Vec<(char, Style)>,
    /// Characters without a width of their own, such as vowel signs and accents, each with the cell
    /// that it is drawn in.
    marks: Vec<(usize, char)>,
}

/// The cell that a wide character covers besides its own.
const COVERED: char = '\0';

/// Most marks of one cell: no script needs more, and a pile of them covers the lines above.
const MOST_MARKS: usize = 4;

impl Row {
    pub(super) fn new(width: usize) -> Row {
        let (cells, marks) = (vec![(' ', PLAIN); width], Vec::new());
        Row { cells, marks }
    }

    pub(super) fn set(&mut self, cell: usize, c: char, style: Style) {
        if let Some(place) = self.cells.get_mut(cell) {
            *place = (c, style);
            self.marks.retain(|(marked, _)| *marked != cell);
        }
    }

    /// Writes a text from this cell on.
    pub(super) fn put(&mut self, mut cell: usize, text: &str, style: Style) {
        let mut last = None;
        for c in text.chars() {
            let width = c.width().unwrap_or(0);
            if width == 0 {
                let here = |cell| self.marks.iter().rev().filter(move |mark| mark.0 == cell);
                if let Some(cell) = last.filter(|cell| here(*cell).count() < MOST_MARKS)
                    && !is_unsafe(c)
                {
                    self.marks.push((cell, c));
                }
                continue;
            }
            last = None;
            if cell + width > self.cells.len() {
                continue;
            }
            self.set(cell, c, style);
            last = Some(cell);
            for covered in cell + 1..cell + width {
                self.set(covered, COVERED, style);
            }
            cell += width;
        }
    }

    /// Writes the line, without the spaces at its end.
    pub(super) fn print(self, has_colours: bool, out: &mut impl Write) -> io::Result<()> {
        let used = self.cells.iter().rposition(|(c, _)| *c != ' ');
        let used = used.map_or(0, |last| last + 1);
        let mut line = String::with_capacity(used * 3 + 16);
        let mut current = PLAIN;
        for (cell, (c, style)) in self.cells[..used].iter().enumerate() {
            if *c == COVERED {
                continue;
            }
            // A space looks the same in any style.
            if has_colours && *style != current && *c != ' ' {
                line += &format!("{Reset}{style}");
                current = *style;
            }
            line.push(*c);
            let marks = self.marks.iter().filter(|(marked, _)| *marked == cell);
            line.extend(marks.map(|(_, mark)| mark));
        }
        if current != PLAIN {
            line += &Reset.to_string();
        }
        line.push('\n');
        out.write_all(line.as_bytes())
    }
}

/// The columns that a text takes.
pub(super) fn width_of(text: &str) -> usize {
    match text.is_ascii() {
        true => text.len(),
        false => text.chars().map(|c| c.width().unwrap_or(0)).sum(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(row: Row, has_colours: bool) -> String {
        let mut out = Vec::new();
        row.print(has_colours, &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_does_not_fit_a_line_is_left_out() {
        let mut row = Row::new(4);
        row.put(1, "日本語", PLAIN);
        row.put(9, "x", PLAIN);
        row.set(9, 'x', PLAIN);
        assert_eq!(printed(row, false), " 日\n");
    }

    #[test]
    fn vowel_signs_and_accents_stay_on_their_letters() {
        for text in ["বাংলা", "e\u{301}tude", "हिन्दी"] {
            let mut row = Row::new(12);
            row.put(1, text, PLAIN);
            row.set(11, '|', PLAIN);
            let line = printed(row, false);
            assert!(line.starts_with(&format!(" {text} ")), "{line}");
            assert_eq!(width_of(line.trim_end()), 12);
        }
        let mut row = Row::new(3);
        let pile = "\u{301}".repeat(9);
        row.put(0, &format!("\u{301}a{pile}\u{202e}b"), PLAIN);
        row.put(1, "c", PLAIN);
        assert_eq!(printed(row, false), "a\u{301}\u{301}\u{301}\u{301}c\n");
    }

    #[test]
    fn a_colour_ends_with_its_line() {
        let mut row = Row::new(9);
        row.put(0, "a b", RED);
        row.put(4, "c", PLAIN);
        let expected = "\x1b[0m\x1b[1m\x1b[31ma b \x1b[0mc\n";
        assert_eq!(printed(row, true), expected);
        let mut row = Row::new(9);
        row.put(0, "a", DIM);
        assert_eq!(printed(row, true), "\x1b[0m\x1b[2ma\x1b[0m\n");
    }
}
