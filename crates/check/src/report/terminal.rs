//! The report as text: each rule that does not hold, as a reviewer would note it, and a summary.

use std::io::{self, Write};

use proto::printable::printable;
use proto::side::Side;

use super::Report;
use crate::case::Level;
use crate::prose::prose;
use crate::run::Judgement;
use crate::verdict::{Came, Expected, Failure, Finding};

/// Bytes of a message that are shown.
const MOST_BYTES: usize = 240;

/// Bytes of a message that are shown in hexadecimal.
const MOST_HEX: usize = 32;

/// Lines of a diagram that are shown; the last ones tell the most.
const MOST_LINES: usize = 40;

/// Columns before what a line of the report says.
const INDENT: usize = 12;

/// Writes the whole report.
///
/// # Errors
/// When it cannot be written.
pub fn write(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let mut reasons: Vec<&str> = Vec::new();
    for judgement in &report.judgements {
        match &judgement.outcome {
            Ok(()) => {}
            Err(Failure::Broken(_)) => writeln!(out, "{}", note(report, judgement))?,
            Err(Failure::Undecided(why)) if !reasons.contains(&why.as_str()) => reasons.push(why),
            Err(Failure::Undecided(_)) => {}
        }
    }
    // What is said of many is said once.
    for reason in reasons {
        let is_of_it =
            |it: &&Judgement| matches!(&it.outcome, Err(Failure::Undecided(why)) if why == reason);
        let judgements: Vec<&Judgement> = report.judgements.iter().filter(is_of_it).collect();
        undecided(&judgements, reason, out)?;
        writeln!(out)?;
    }
    write!(out, "{}", summary(report))
}

/// What a reviewer would note of a case; nothing where its rule holds.
pub fn note(report: &Report, judgement: &Judgement) -> String {
    let mut note = Vec::new();
    // Writing to memory does not fail.
    let _ = match &judgement.outcome {
        Ok(()) => Ok(()),
        Err(Failure::Undecided(why)) => undecided(&[judgement], why, &mut note),
        Err(Failure::Broken(finding)) => broken(report, judgement, finding, &mut note),
    };
    String::from_utf8_lossy(&note).into_owned()
}

/// How many rules hold, and which do not.
pub fn summary(report: &Report) -> String {
    let mut summary = Vec::new();
    let _ = write_summary(report, &mut summary);
    String::from_utf8_lossy(&summary).into_owned()
}

fn undecided(judgements: &[&Judgement], why: &str, out: &mut impl Write) -> io::Result<()> {
    for judgement in judgements {
        let level = judgement.case.level;
        writeln!(out, "NOT JUDGED  {}  ({level})", judgement.id)?;
        writeln!(out, "  {}", prose(judgement.case.rule, 2))?;
    }
    let lines = why.lines().map(|line| prose(&printable(line), INDENT));
    let lines: Vec<String> = lines.collect();
    writeln!(out, "  because   {}", indented(&lines.join("\n")))
}

fn broken(
    report: &Report,
    judgement: &Judgement,
    finding: &Finding,
    out: &mut impl Write,
) -> io::Result<()> {
    let case = &judgement.case;
    let points = match case.points {
        1 => "1 point".to_owned(),
        points => format!("{points} points"),
    };
    writeln!(
        out,
        "DOES NOT HOLD  {}  ({}, {points})",
        judgement.id, case.level
    )?;
    writeln!(out, "  {}", prose(case.rule, 2))?;
    let page = report.plan.dialect.page(case.section);
    writeln!(out, "  See {page}\n")?;
    if !finding.sent.is_empty() {
        writeln!(out, "  sent      {}", shown(&finding.sent))?;
    }
    match (&finding.expected, &finding.came) {
        (Expected::Message(expected), Came::Message(came)) => {
            let same = expected
                .iter()
                .zip(came)
                .take_while(|(one, other)| one == other)
                .count();
            writeln!(out, "  expected  {}", shown(expected))?;
            writeln!(out, "  came      {}", shown(came))?;
            // Where both are cut, so may the difference be.
            if same <= MOST_BYTES {
                let before = shown(&came[..same]).chars().count();
                writeln!(out, "            {:>width$}", "^", width = before + 1)?;
            }
            hex("expected", expected, out)?;
            hex("came", came, out)?;
        }
        (expected, came) => {
            match expected {
                Expected::Message(bytes) => writeln!(out, "  expected  {}", shown(bytes))?,
                Expected::Described(words) => {
                    writeln!(out, "  expected  {}", prose(words, INDENT))?;
                }
            }
            writeln!(out, "  came      {}", words(came))?;
            if let Came::Message(bytes)
            | Came::Unreadable(bytes, _)
            | Came::Nothing(_, bytes)
            | Came::End(bytes) = came
            {
                hex("came", bytes, out)?;
            }
        }
    }
    if let Some(cause) = &finding.cause {
        writeln!(out, "  likely    {}", prose(cause, INDENT))?;
    }
    if !judgement.said.is_empty() {
        let lines: Vec<&str> = judgement.said.lines().map(str::trim_start).collect();
        let lines = lines.join("\n").trim_start().to_owned();
        writeln!(out, "  printed   {}", indented(&lines))?;
    }
    if !judgement.diagram.is_empty() {
        writeln!(out)?;
        let lines: Vec<&str> = judgement.diagram.lines().collect();
        let left_out = lines.len().saturating_sub(MOST_LINES);
        if left_out > 0 {
            writeln!(out, "  ({left_out} lines before)")?;
        }
        for line in &lines[left_out..] {
            writeln!(out, "  {line}")?;
        }
    }
    if let Some(recording) = &judgement.recording {
        writeln!(out, "\n  recorded  labclient view {}", recording.display())?;
    }
    writeln!(out, "\n  again     {}", report.again(judgement))
}

fn write_summary(report: &Report, out: &mut impl Write) -> io::Result<()> {
    let plan = &report.plan;
    let framing = match plan.dialect.has_framings() {
        true => format!(", {} framing", plan.framing),
        false => String::new(),
    };
    writeln!(
        out,
        "{} {} {}{framing}, seed {}",
        plan.dialect.name(),
        match report.side {
            Side::Server => "server",
            Side::Client => "client",
        },
        printable(&report.subject),
        plan.seed
    )?;
    for level in [Level::Must, Level::Should] {
        let tally = report.tally(level);
        let all = tally.held + tally.broken + tally.undecided;
        if all == 0 {
            continue;
        }
        write!(
            out,
            "  {level:<7} {} of {all} hold, {} of {} points",
            tally.held, tally.points, tally.possible
        )?;
        if tally.undecided > 0 {
            write!(out, "; {} could not be judged", tally.undecided)?;
        }
        writeln!(out)?;
    }
    let left = report.planned - report.judgements.len();
    if left > 0 {
        writeln!(out, "  interrupted: {left} were not judged")?;
    }
    for judgement in &report.judgements {
        match judgement.outcome {
            Ok(()) => {}
            Err(Failure::Broken(_)) => writeln!(out, "  does not hold: {}", judgement.id)?,
            Err(Failure::Undecided(_)) => writeln!(out, "  not judged:    {}", judgement.id)?,
        }
    }
    Ok(())
}

/// What came, in words.
pub fn words(came: &Came) -> String {
    let rest = |bytes: &[u8]| match bytes.len() {
        0 => String::new(),
        length => format!(
            ", after {length} bytes that are no whole message: {}",
            shown(bytes)
        ),
    };
    match came {
        Came::Message(bytes) => shown(bytes),
        Came::Unreadable(bytes, why) => format!("{}, which is no message: {why}", shown(bytes)),
        Came::Nothing(waited, first) => {
            format!("nothing in {:.1} s{}", waited.as_secs_f32(), rest(first))
        }
        Came::End(first) => format!("the end of the connection{}", rest(first)),
        Came::Broken(how) => format!("no message: {how}"),
        Came::Described(words) => words.clone(),
    }
}

/// Bytes as text: what is not printable ASCII or a printable character is escaped.
pub fn shown(bytes: &[u8]) -> String {
    let cut = &bytes[..bytes.len().min(MOST_BYTES)];
    let mut text = String::new();
    for chunk in cut.utf8_chunks() {
        for c in chunk.valid().chars() {
            match c {
                '\n' => text.push_str("\\n"),
                '\r' => text.push_str("\\r"),
                '\t' => text.push_str("\\t"),
                '\\' => text.push_str("\\\\"),
                c => text.push_str(&printable(c.encode_utf8(&mut [0; 4]))),
            }
        }
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    match bytes.len() - cut.len() {
        0 if text.is_empty() => "(an empty message)".into(),
        0 => text,
        more => format!("{text}… and {more} bytes more"),
    }
}

fn hex(name: &str, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    if bytes.is_empty() {
        return Ok(());
    }
    let cut = &bytes[..bytes.len().min(MOST_HEX)];
    let digits: Vec<String> = cut.iter().map(|byte| format!("{byte:02x}")).collect();
    let more = if bytes.len() > cut.len() { " …" } else { "" };
    writeln!(out, "  {name:<8}  {}{more}", digits.join(" "))
}

fn indented(text: &str) -> String {
    text.replace('\n', &format!("\n{:INDENT$}", ""))
}
