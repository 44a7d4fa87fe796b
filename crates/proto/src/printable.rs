//! A peer's text, made safe to show on a terminal or in a log.
//!
//! Control characters can move the cursor or recolour the screen, bidirectional overrides can
//! reorder a line, and invisible characters can hide in a name. They are shown as `\u{…}`.

use alloc::string::String;
use core::fmt::Write;

/// Longest excerpt of a peer's text in an error message, in characters: enough to recognise it,
/// short enough that the message fits the smallest frame.
pub const EXCERPT: usize = 40;

/// Whether showing this character could do anything but put a glyph on the screen.
pub fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{feff}'
            | '\u{200b}'..='\u{200f}'   // zero width, direction marks
            | '\u{2028}'..='\u{202e}'   // line and paragraph separator, direction embedding
            | '\u{2060}'..='\u{206f}'   // word joiner, isolates, deprecated format characters
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}' // tags
        )
}

/// The text with every unsafe character written as `\u{…}`.
pub fn printable(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\u{{{:x}}}", c as u32);
        } else {
            shown.push(c);
        }
    }
    shown
}

/// The text printable, and cut to [`EXCERPT`] characters.
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(EXCERPT) {
        Some((end, _)) => printable(&text[..end]) + "…",
        None => printable(text),
    }
}

/// The [`excerpt`] in double quotes.
pub fn quoted(text: &str) -> String {
    alloc::format!("\"{}\"", excerpt(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_text_in_any_script_is_shown_as_it_is() {
        for text in ["hello world", "Ünïcode", "বাংলা", "日本語", "👍", ""] {
            assert_eq!(printable(text), text);
        }
    }

    #[test]
    fn escapes_line_breaks_and_overrides_lose_their_power() {
        assert_eq!(printable("\x1b[2J"), "\\u{1b}[2J");
        assert_eq!(printable("a\r\nb"), "a\\u{d}\\u{a}b");
        assert_eq!(printable("\u{202e}txt"), "\\u{202e}txt");
        assert_eq!(printable("\u{9b}31m"), "\\u{9b}31m");
    }

    #[test]
    fn a_quotation_is_cut_at_forty_characters() {
        assert_eq!(quoted("ab"), "\"ab\"");
        let cut = quoted(&"é".repeat(41));
        assert_eq!(cut.chars().filter(|c| *c == 'é').count(), EXCERPT);
        assert!(cut.ends_with("…\""));
    }
}
