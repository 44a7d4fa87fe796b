//! Reports as comma-separated values (RFC 4180): a row a program.

use std::io::{self, Write};

use super::Report;
use crate::case::Level;
use crate::verdict::Failure;

/// Writes a heading, and a row for each report.
///
/// # Errors
/// When they cannot be written.
pub fn write<'a>(
    reports: impl IntoIterator<Item = &'a Report>,
    out: &mut impl Write,
) -> io::Result<()> {
    write!(
        out,
        "program,must_hold,must,must_points,must_possible,should_hold,should,should_points,should_possible,\
         not_judged,do_not_hold\r\n"
    )?;
    for report in reports {
        let (must, should) = (report.tally(Level::Must), report.tally(Level::Should));
        let broken = report.judgements.iter();
        let broken = broken.filter(|it| matches!(it.outcome, Err(Failure::Broken(_))));
        let broken: Vec<&str> = broken.map(|it| it.id.as_str()).collect();
        write!(out, "{}", cell(&report.subject))?;
        for tally in [must, should] {
            let judged = tally.held + tally.broken;
            write!(
                out,
                ",{},{judged},{},{}",
                tally.held, tally.points, tally.possible
            )?;
        }
        let undecided = must.undecided + should.undecided;
        write!(out, ",{undecided},{}\r\n", cell(&broken.join(" ")))?;
    }
    Ok(())
}

/// The text as a cell. One that a spreadsheet would take for a formula begins with an apostrophe.
fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    match text.contains([',', '"', '\r', '\n']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn a_row_has_what_holds_and_what_does_not() {
        let mut csv = Vec::new();
        write([&report()], &mut csv).unwrap();
        let csv = String::from_utf8(csv).unwrap();
        let row = csv.lines().nth(1).unwrap();
        assert_eq!(
            row,
            "python3 <server.py>,1,2,1,3,0,0,0,0,1,text.prime.squares"
        );
    }

    #[test]
    fn no_name_is_a_formula_or_breaks_the_row() {
        assert_eq!(cell("=1+1"), "'=1+1");
        assert_eq!(cell("a,\"b\"\n"), "\"a,\"\"b\"\"\n\"");
    }
}
