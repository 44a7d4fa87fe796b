//! The diagram as the source of a [Mermaid](https://mermaid.js.org) sequence diagram, which many
//! places that show Markdown draw.

use std::fmt::Write as _;
use std::io::{self, Write};

use record::wording::cut;

use super::sequence::{Delivery, LossPoint, Sequence, StepKind, Tone};

/// Longer messages are cut: Mermaid breaks no lines, and all columns are as wide as the widest.
const LONGEST_LABEL: usize = 80;

/// Writes the source.
///
/// # Errors
/// When it cannot be written.
pub fn write(sequence: &Sequence<'_>, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "sequenceDiagram")?;
    for (index, life) in sequence.lifelines.iter().enumerate() {
        let (name, detail) = (escape(&life.name), escape(&life.detail));
        writeln!(out, "    participant L{index} as {name}<br/>{detail}")?;
    }
    if sequence.steps.is_empty() && sequence.lifelines.is_empty() {
        // Without a participant there is nothing to draw.
        writeln!(out, "    participant L0 as nothing happened")?;
    }
    for step in &sequence.steps {
        match &step.kind {
            StepKind::Message(index) | StepKind::Arrives(index) => message(sequence, *index, out)?,
            StepKind::Departs(index) => {
                let arrow = &sequence.arrows[*index];
                let label = label(sequence, *index);
                writeln!(out, "    Note over L{}: sends {label}", arrow.from)?;
            }
            StepKind::Note { life, tone, words } => {
                let sign = if *tone == Tone::Plain { "" } else { "⚠ " };
                let words = format!("{sign}{words}");
                note(*life, *tone == Tone::Unsettled, &words, out)?;
            }
            StepKind::Connection(change) => {
                let words = escape(&sequence.numbered(change.conversation, &change.words));
                writeln!(out, "    L{}-->L{}: {words}", change.from, change.to)?;
            }
            StepKind::Crashed { life, words } => note(*life, false, &format!("✗ {words}"), out)?,
            StepKind::Started { life, words } => note(*life, false, words, out)?,
            StepKind::Ended { life } => note(*life, false, "ended", out)?,
        }
    }
    for notice in &sequence.notices {
        writeln!(out, "    %% {}", escape(notice))?;
    }
    Ok(())
}

fn message(sequence: &Sequence<'_>, index: usize, out: &mut impl Write) -> io::Result<()> {
    let arrow = &sequence.arrows[index];
    let line = match arrow.delivery {
        Delivery::Lost(LossPoint::Arrival, _) => "-x",
        Delivery::Lost(..) => "--x",
        Delivery::Unseen => "--)",
        _ if arrow.marks.is_copy => "-->>",
        Delivery::Arrived | Delivery::Assumed => "->>",
    };
    let label = label(sequence, index);
    let drawn = format!("L{}{line}L{}: {label}", arrow.from, arrow.to);
    element(arrow.is_unsettled, &drawn, out)
}

/// One line, in a box of its own if it is about what is not settled.
fn element(is_unsettled: bool, drawn: &str, out: &mut impl Write) -> io::Result<()> {
    match is_unsettled {
        true => writeln!(out, "    rect rgb(255, 233, 184)\n    {drawn}\n    end"),
        false => writeln!(out, "    {drawn}"),
    }
}

fn label(sequence: &Sequence<'_>, index: usize) -> String {
    let arrow = &sequence.arrows[index];
    let label = cut(&sequence.label(arrow), LONGEST_LABEL);
    let badges = arrow.badges().join(", ");
    let label = match (&label[..], &badges[..]) {
        ("", "") => "(empty)".into(),
        (_, "") => label,
        (_, _) => format!("{label} [{badges}]"),
    };
    escape(&sequence.numbered(arrow.conversation, &label))
}

fn note(life: usize, is_unsettled: bool, words: &str, out: &mut impl Write) -> io::Result<()> {
    let words = escape(&cut(words, LONGEST_LABEL));
    let drawn = format!("Note over L{life}: {words}");
    element(is_unsettled, &drawn, out)
}

/// Text that Mermaid shows and does not read: everything but letters, digits and a few signs as
/// `#35;`. `end`, `wrap` and `nowrap` are words of its language.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for (index, word) in text.split(' ').enumerate() {
        if index > 0 {
            escaped.push(' ');
        }
        let lower = word.to_ascii_lowercase();
        let is_keyword = lower == "end" || lower.contains("wrap");
        for (place, c) in word.char_indices() {
            let is_safe = match c {
                '_' | '-' | '.' | ',' | '(' | ')' | '*' | '/' | '+' | '=' | '!' | '?' => true,
                c => c.is_alphanumeric() || (!c.is_ascii() && !c.is_control()),
            };
            if is_safe && !(is_keyword && place == 0) {
                escaped.push(c);
            } else {
                let _ = write!(escaped, "#{};", u32::from(c));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_a_peer_says_is_read_as_mermaid() {
        let directive = "%%{init: {}}%%";
        for (text, escaped) in [
            ("WITHDRAW WITH_…0001 500.00", "WITHDRAW WITH_…0001 500.00"),
            ("a;b#c:d", "a#59;b#35;c#58;d"),
            (directive, "#37;#37;#123;init#58; #123;#125;#125;#37;#37;"),
            ("x\nend", "x#10;end"),
            ("End nowrap", "#69;nd #110;owrap"),
            ("<b>&", "#60;b#62;#38;"),
            ("éã 日本", "éã 日本"),
        ] {
            assert_eq!(escape(text), escaped);
        }
    }
}
