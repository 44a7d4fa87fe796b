//! What may be said in the room: text that is shown to everybody as it was sent, or not at all.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::EVENT_SAID;
use crate::frame::Framing;
use crate::name::Name;
use crate::printable::{is_unsafe, printable};
use crate::refusal::{Code, Refusal};

/// One line of the conversation: 1 to [`Text::MAX_LEN`] bytes, not all of them blank, without
/// control characters, direction overrides and invisible characters.
///
/// Such text is refused rather than cleaned: then everybody sees what its author wrote, and the
/// author knows when nobody does. The two joiners of [`is_joiner`] are allowed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// Longest text, in bytes: a dozen lines of a terminal. With the longest name before it, it
    /// fits a message of the raw framing, which has 1,024 bytes.
    pub const MAX_LEN: usize = 900;

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Longest text in this framing, in bytes, such that everybody can be told who said it.
    pub fn max_len(framing: Framing) -> usize {
        let around = EVENT_SAID.len() + Name::MAX_LEN + 1;
        Text::MAX_LEN.min(framing.max_payload() - around)
    }

    /// The text as it may be shown on a terminal.
    pub fn shown(&self) -> String {
        self.0
            .split_inclusive(is_joiner)
            .map(|part| match part.strip_suffix(is_joiner) {
                Some(before) => printable(before) + &part[before.len()..],
                None => printable(part),
            })
            .collect()
    }
}

/// The zero-width joiner and non-joiner: Bengali, Persian and many emoji cannot be written without
/// them, and inside a text they can do no harm.
pub fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

impl FromStr for Text {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Text, Refusal> {
        if text.chars().all(|c| c.is_whitespace() || is_joiner(c)) {
            return Err(Refusal::malformed("there is nothing to say"));
        }
        if text.len() > Text::MAX_LEN {
            return Err(too_long(text, Text::MAX_LEN));
        }
        let refused = |c: &char| is_unsafe(*c) && !is_joiner(*c);
        if let Some((position, c)) = text.chars().enumerate().find(|(_, c)| refused(c)) {
            let words = alloc::format!(
                "character {} is U+{:04X}, which does more than put a glyph on the screen",
                position + 1,
                c as u32
            );
            return Err(Refusal::malformed(words));
        }
        Ok(Text(text.to_owned()))
    }
}

/// The refusal of a text that is longer than `most` bytes.
pub fn too_long(text: &str, most: usize) -> Refusal {
    let words = alloc::format!(
        "a text has at most {most} bytes, this one {}; nobody got it",
        text.len()
    );
    Refusal::new(Code::TooLong, words)
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Event;
    use alloc::string::ToString;

    #[test]
    fn text_in_any_script_is_said_as_it_is() {
        for text in [
            "hello",
            " a  b ",
            "QUIT",
            "EVENT left Joty quit",
            "বাংলা র\u{200d}্যাব",
            "👩\u{200d}💻",
            "x",
        ] {
            let said: Text = text.parse().unwrap();
            assert_eq!(said.as_str(), text);
            assert_eq!(said.shown(), text);
        }
    }

    #[test]
    fn what_could_act_on_a_terminal_or_hide_is_refused_with_its_place() {
        for text in [
            "a\x1b[2J",
            "a\tb",
            "a\r",
            "a\nb",
            "a\0",
            "a\x7f",
            "a\u{9b}31m",
            "a\u{202e}b",
            "a\u{2066}b",
            "a\u{200b}b",
            "a\u{feff}",
        ] {
            let refusal = text.parse::<Text>().unwrap_err();
            assert_eq!(refusal.code, Code::Malformed, "{text:?}");
            assert!(
                refusal.words.starts_with("character 2 is U+"),
                "{}",
                refusal.words
            );
        }
    }

    #[test]
    fn nothing_is_not_said() {
        for text in ["", " ", "   ", "\u{3000}", "\u{200d}"] {
            assert!(text.parse::<Text>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_text_of_the_stated_length_is_said_and_a_byte_more_is_refused() {
        let longest = "é".repeat(Text::MAX_LEN / 2);
        assert!(longest.parse::<Text>().is_ok());
        let refusal = (longest + "x").parse::<Text>().unwrap_err();
        assert_eq!(refusal.code, Code::TooLong);
    }

    #[test]
    fn the_longest_text_of_the_longest_name_fits_every_framing() {
        let name: Name = "n".repeat(Name::MAX_LEN).parse().unwrap();
        for framing in Framing::ALL {
            let text: Text = "x".repeat(Text::max_len(framing)).parse().unwrap();
            let event = Event::Said(name.clone(), text).to_string();
            assert!(event.len() <= framing.max_payload(), "{framing}");
        }
    }
}
