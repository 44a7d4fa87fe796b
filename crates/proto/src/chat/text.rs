//! Lines of a chat: text that every member can be shown unchanged, or that is refused.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use super::EVENT_SAID;
use unicode_properties::UnicodeEmoji;

use crate::frame::Framing;
use crate::invisible::is_invisible;
use crate::name::Name;
use crate::printable::is_unsafe;
use crate::refusal::{Code, Refusal};

/// One line of the conversation: 1 to [`Text::MAX_LEN`] bytes, not all of them blank, without
/// control characters, direction overrides and invisible characters, so that it is safe to show
/// unchanged.
///
/// Other text is refused rather than cleaned, so that all members see what its author wrote, or its
/// author sees a refusal. Invisible characters that some scripts and emoji require are allowed
/// where they have an effect: joiners and variation selectors.
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

    /// A text from a room. The room's version of Unicode determines which characters have variants,
    /// so a variation selector may follow any.
    ///
    /// # Errors
    /// The reason, when no room may send it.
    pub fn from_room(text: &str) -> Result<Text, Refusal> {
        checked(text, |_, c| is_variation_selector(c))
    }

    /// Longest text in this framing, in bytes, for which the event fits a frame.
    pub fn max_len(framing: Framing) -> usize {
        let around = EVENT_SAID.len() + Name::MAX_LEN + 1;
        Text::MAX_LEN.min(framing.max_payload() - around)
    }
}

/// The zero-width joiner and non-joiner: Bengali, Persian and many emoji cannot be written without
/// them.
fn is_joiner(c: char) -> bool {
    matches!(c, '\u{200c}' | '\u{200d}')
}

fn is_variation_selector(c: char) -> bool {
    matches!(c, '\u{180b}'..='\u{180d}' | '\u{180f}' | '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}')
}

/// Whether this is a variation selector after a character that has variants.
fn varies(before: char, c: char) -> bool {
    let is_ideograph = matches!(before,
        '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{f900}'..='\u{faff}'
        // The planes that Unicode reserves for them.
        | '\u{20000}'..='\u{3ffff}');
    match c {
        // As text, or as a picture.
        '\u{fe0e}' | '\u{fe0f}' => before.is_emoji_char(),
        // The forms of compatibility ideographs, and those of Japanese names.
        '\u{fe00}'..='\u{fe02}' | '\u{e0100}'..='\u{e01ef}' => is_ideograph,
        '\u{180b}'..='\u{180d}' | '\u{180f}' => matches!(before, '\u{1820}'..='\u{18aa}'),
        _ => false,
    }
}

/// The fault of a character that selects no variant; the one before it, if there is one.
fn fault(before: Option<char>, c: char) -> Option<&'static str> {
    if is_joiner(c) {
        return before
            .is_some_and(is_joiner)
            .then_some("which joins what is joined already");
    }
    if is_invisible(c) {
        return Some("which cannot be seen");
    }
    is_unsafe(c).then_some("which does more than put a glyph on the screen")
}

impl FromStr for Text {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Text, Refusal> {
        checked(text, varies)
    }
}

/// The text, if nothing in it is refused; `varies` decides of a character and the one before it
/// whether it selects a variant.
fn checked(text: &str, varies: fn(char, char) -> bool) -> Result<Text, Refusal> {
    if text.chars().all(|c| c.is_whitespace() || is_joiner(c)) {
        return Err(Refusal::malformed("there is nothing to say"));
    }
    if text.len() > Text::MAX_LEN {
        return Err(too_long(text, Text::MAX_LEN));
    }
    // Of these nothing is refused, and most texts have no others.
    if text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        return Ok(Text(text.to_owned()));
    }
    let mut before = None;
    for (position, c) in text.chars().enumerate() {
        let is_selector = before.is_some_and(|before| varies(before, c));
        if let Some(fault) = fault(before, c).filter(|_| !is_selector) {
            let words = alloc::format!("character {} is U+{:04X}, {fault}", position + 1, c as u32);
            return Err(Refusal::malformed(words));
        }
        before = Some(c);
    }
    Ok(Text(text.to_owned()))
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
        for text in "hello| a  b |QUIT|EVENT left Joty quit|বাংলা র\u{200d}্যাব|x".split('|')
        {
            let said: Text = text.parse().unwrap();
            assert_eq!(said.as_str(), text);
        }
    }

    #[test]
    fn joiners_and_variation_selectors_are_said_where_scripts_and_emoji_need_them() {
        for text in [
            "👩\u{200d}💻",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "\u{1f575}\u{1f3fd}\u{200d}\u{2642}\u{fe0f}",
            "1\u{fe0f}\u{20e3} and \u{263a}\u{fe0e}",
            "\u{1f1e7}\u{1f1e9}",
            "می\u{200c}خواهم",
            "ক্\u{200d}ষ",
            "葛\u{e0100}飾",
            "\u{fa10}\u{fe00}",
            "\u{1820}\u{180b}",
            "a\u{301}\u{a0}\u{3000}b",
        ] {
            assert!(text.parse::<Text>().is_ok(), "{text:?}");
        }
    }

    #[test]
    fn what_cannot_be_seen_is_refused_with_its_place() {
        let texts = "a\u{3164}|a\u{115f}b|a\u{ffa0}|a\u{2800}b|a\u{ad}b|a\u{34f}|a\u{2060}b\
                     |a\u{fe0f}|é\u{fe0f}| \u{fe0f}a|葛\u{fe0f}|a\u{e0100}|a\u{180b}|☺\u{180e}\
                     |🏴\u{e0067}\u{e007f}";
        for text in texts.split('|') {
            let refusal = text.parse::<Text>().unwrap_err();
            assert_eq!(refusal.code, Code::Malformed, "{text:?}");
            assert!(refusal.words.starts_with("character 2 is U+"), "{refusal}");
            assert!(
                refusal.words.ends_with(", which cannot be seen"),
                "{refusal}"
            );
        }
        // Of several in a row after one character, the second is refused.
        for text in [
            "☺\u{fe0f}\u{fe0e}",
            "x\u{200c}\u{200d}",
            "x\u{200d}\u{200d}",
        ] {
            let refusal = text.parse::<Text>().unwrap_err();
            assert!(refusal.words.starts_with("character 3 is U+"), "{refusal}");
        }
    }

    #[test]
    fn what_could_act_on_a_terminal_or_hide_is_refused_with_its_place() {
        let texts = "a\x1b[2J|a\tb|a\r|a\nb|a\0|a\x7f|a\u{9b}31m|a\u{202e}b|a\u{2066}b\
                     |a\u{200b}b|a\u{feff}";
        for text in texts.split('|') {
            let refusal = text.parse::<Text>().unwrap_err();
            assert_eq!(refusal.code, Code::Malformed, "{text:?}");
            assert!(refusal.words.starts_with("character 2 is U+"), "{refusal}");
        }
    }

    #[test]
    fn a_room_that_knows_newer_emoji_is_understood() {
        // Not an emoji in this version of Unicode.
        let text = "\u{2192}\u{fe0f}";
        assert!(text.parse::<Text>().is_err());
        assert_eq!(Text::from_room(text).unwrap().as_str(), text);
        for text in ["\u{fe0f}", "a\u{3164}", "a\u{1b}[2J", "x\u{200d}\u{200d}"] {
            assert!(Text::from_room(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn nothing_is_not_said() {
        for text in [
            "", " ", "   ", "\u{3000}", "\u{200d}", "\u{3164}", "\u{2800}",
        ] {
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
