//! Invisible characters, which can hide in a text, make two names look alike, or fill a line.
//!
//! Two small tables rather than a library: `icu_properties`, which has the first, brings seventeen
//! crates. Unicode reserves whole ranges for such characters, so that new versions change hardly
//! anything; a test compares the first table with another library's.

/// The property `Default_Ignorable_Code_Point` in Unicode 18.0.0, and in 16.0.0 just so:
/// <https://www.unicode.org/Public/18.0.0/ucd/DerivedCoreProperties.txt>.
const DEFAULT_IGNORABLE: [(char, char); 17] = [
    ('\u{ad}', '\u{ad}'),
    ('\u{34f}', '\u{34f}'),
    ('\u{61c}', '\u{61c}'),
    ('\u{115f}', '\u{1160}'),
    ('\u{17b4}', '\u{17b5}'),
    ('\u{180b}', '\u{180f}'),
    ('\u{200b}', '\u{200f}'),
    ('\u{202a}', '\u{202e}'),
    ('\u{2060}', '\u{206f}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{fe00}', '\u{fe0f}'),
    ('\u{feff}', '\u{feff}'),
    ('\u{ffa0}', '\u{ffa0}'),
    ('\u{fff0}', '\u{fff8}'),
    ('\u{1bca0}', '\u{1bca3}'),
    ('\u{1d173}', '\u{1d17a}'),
    ('\u{e0000}', '\u{e0fff}'),
];

/// Characters with an empty glyph that Unicode counts among symbols, letters and marks: the blank
/// of Braille, the blanks of Egyptian hieroglyphs, the filler of the Khitan small script, the null
/// notehead.
const BLANK: [char; 5] = [
    '\u{2800}',
    '\u{13441}',
    '\u{13442}',
    '\u{16fe4}',
    '\u{1d159}',
];

/// Whether this character has no glyph of its own. White space is not counted.
pub fn is_invisible(c: char) -> bool {
    BLANK.contains(&c)
        || DEFAULT_IGNORABLE
            .iter()
            .any(|(first, last)| (*first..=*last).contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::hir::{Class, HirKind};

    #[test]
    fn the_ignorable_characters_are_those_of_unicode() {
        let parsed = regex_syntax::parse(r"\p{Default_Ignorable_Code_Point}").unwrap();
        let HirKind::Class(Class::Unicode(class)) = parsed.kind() else {
            panic!("no class: {parsed:?}");
        };
        let theirs: alloc::vec::Vec<_> = class.iter().map(|r| (r.start(), r.end())).collect();
        assert_eq!(theirs, DEFAULT_IGNORABLE);
    }

    #[test]
    fn what_hides_is_invisible_and_what_is_seen_or_is_white_space_is_not() {
        for c in "\u{3164}\u{115f}\u{2800}\u{ad}\u{34f}\u{fe0f}\u{e0061}\u{200d}".chars() {
            assert!(is_invisible(c), "U+{:04X}", c as u32);
        }
        for c in "a \u{a0}\u{3000}\u{301}ক👍⠿\u{600}".chars() {
            assert!(!is_invisible(c), "U+{:04X}", c as u32);
        }
    }
}
