//! The report as JUnit's XML, which continuous integration reads: a suite a program, a test a case.
//!
//! There is no standard, but the schema of Jenkins' xUnit plugin, which others follow:
//! <https://github.com/jenkinsci/xunit-plugin/tree/master/src/main/resources/org/jenkinsci/plugins/xunit/types/model/xsd>.

use std::io::{self, Write};

use super::Report;
use super::terminal;
use crate::verdict::Failure;

/// Writes the reports of one or more programs.
///
/// # Errors
/// When they cannot be written.
pub fn write<'a>(
    reports: impl IntoIterator<Item = &'a Report>,
    out: &mut impl Write,
) -> io::Result<()> {
    writeln!(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>")?;
    writeln!(out, "<testsuites>")?;
    for report in reports {
        suite(report, out)?;
    }
    writeln!(out, "</testsuites>")
}

fn suite(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let count = |is: fn(&Failure) -> bool| {
        let failures = report.judgements.iter();
        let failures = failures.filter_map(|it| it.outcome.as_ref().err());
        failures.filter(|failure| is(failure)).count()
    };
    let seconds: f32 = report
        .judgements
        .iter()
        .map(|it| it.took.as_secs_f32())
        .sum();
    writeln!(
        out,
        "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" time=\"{seconds:.3}\">",
        escaped(&report.subject),
        report.judgements.len(),
        count(|failure| matches!(failure, Failure::Broken(_))),
        count(|failure| matches!(failure, Failure::Undecided(_))),
    )?;
    for judgement in &report.judgements {
        let (suite, name) = judgement.id.split_once('.').unwrap_or(("", &judgement.id));
        let seconds = judgement.took.as_secs_f32();
        write!(
            out,
            "    <testcase classname=\"{}\" name=\"{}\" time=\"{seconds:.3}\"",
            escaped(suite),
            escaped(name)
        )?;
        let (element, message) = match &judgement.outcome {
            Ok(()) => {
                writeln!(out, "/>")?;
                continue;
            }
            Err(Failure::Broken(_)) => ("failure", judgement.case.rule),
            Err(Failure::Undecided(why)) => ("error", why.as_str()),
        };
        let note = terminal::note(report, judgement);
        writeln!(out, ">")?;
        writeln!(
            out,
            "      <{element} message=\"{}\">{}</{element}>",
            escaped(message),
            escaped(&note)
        )?;
        writeln!(out, "    </testcase>")?;
    }
    writeln!(out, "  </testsuite>")
}

/// The text as it may stand in an attribute or an element. XML 1.0 has no way to write most control
/// characters.
fn escaped(text: &str) -> String {
    let mut xml = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => xml.push_str("&amp;"),
            '<' => xml.push_str("&lt;"),
            '>' => xml.push_str("&gt;"),
            '"' => xml.push_str("&quot;"),
            '\n' => xml.push_str("&#10;"),
            '\t' => xml.push_str("&#9;"),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => xml.push('\u{fffd}'),
            c => xml.push(c),
        }
    }
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::report;

    #[test]
    fn a_test_that_fails_one_that_could_not_be_judged_and_one_that_passes_are_told_apart() {
        let mut xml = Vec::new();
        write([&report()], &mut xml).unwrap();
        let xml = String::from_utf8(xml).unwrap();
        let heads = [
            "<testsuite name=\"python3 &lt;server.py&gt;\" tests=\"3\" failures=\"1\" errors=\"1\" time=\"0.750\">",
            "<testcase classname=\"text\" name=\"prime.small\" time=\"0.250\"/>",
            "<testcase classname=\"text\" name=\"prime.squares\" time=\"0.250\">",
            "<failure message=\"The square of a prime is not prime.\">DOES NOT HOLD",
            "<error message=\"the server did not start\">NOT JUDGED",
        ];
        for head in heads {
            assert!(xml.contains(head), "{head} in {xml}");
        }
    }

    #[test]
    fn no_character_of_a_program_breaks_the_file() {
        assert_eq!(
            escaped("<a b=\"&\">\u{1b}[0m\0\n"),
            "&lt;a b=&quot;&amp;&quot;&gt;\u{fffd}[0m\u{fffd}&#10;"
        );
    }
}
