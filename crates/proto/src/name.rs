//! A name that a user chooses: 1 to 32 ASCII letters, digits, `_` or `-`.
//!
//! Only ASCII, so that names that look the same are the same, and no blanks, so that a name is one
//! word of a message.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::invisible::is_invisible;
use crate::printable::{is_unsafe, quoted};
use crate::refusal::{Code, Refusal};

/// A valid name, as written. Names are the same if their [`folded`](Name::folded) forms are equal.
/// All but those made by [`free_form`](Name::free_form) fit a message of the native protocol.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Name(String);

impl Name {
    /// Longest name, in bytes: it stands before every line of a chat, on an 80-column screen.
    pub const MAX_LEN: usize = 32;
    /// Longest name [of free form](Name::free_form), in bytes: 32 letters of most scripts.
    pub const MAX_FREE_FORM_LEN: usize = 64;

    /// A name in the hand-outs' chat room, which need not be one word of ASCII: 1 to 64 bytes that
    /// are safe to show, without a blank at either end, and without a colon, which separates the
    /// name from the line.
    ///
    /// # Errors
    /// The reason, when the text is not such a name.
    pub fn free_form(text: &str) -> Result<Name, Refusal> {
        check_length(text, Name::MAX_FREE_FORM_LEN)?;
        let is_refused = |c| c == ':' || is_unsafe(c) || is_invisible(c);
        if text.trim() != text || text.chars().any(is_refused) {
            let words = alloc::format!(
                "a name has visible characters, no colon and no blank at either end, not {}",
                quoted(text)
            );
            return Err(Refusal::malformed(words));
        }
        Ok(Name(text.to_owned()))
    }

    /// The name as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name in lower case, by which names are compared.
    pub fn folded(&self) -> String {
        self.0.to_lowercase()
    }
}

fn check_length(text: &str, most: usize) -> Result<(), Refusal> {
    if text.is_empty() {
        return Err(Refusal::malformed("a name is missing"));
    }
    if text.len() > most {
        let words = alloc::format!("a name has at most {most} bytes");
        return Err(Refusal::new(Code::TooLong, words));
    }
    Ok(())
}

impl FromStr for Name {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Name, Refusal> {
        check_length(text, Name::MAX_LEN)?;
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
        if !text.bytes().all(allowed) {
            let words = alloc::format!(
                "a name has ASCII letters, digits, _ and - only, not {}",
                quoted(text)
            );
            return Err(Refusal::malformed(words));
        }
        Ok(Name(text.to_owned()))
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn letters_digits_underscore_and_hyphen_make_a_name() {
        for text in ["a", "Adarsh", "x_1-Y", &"a".repeat(32)] {
            assert_eq!(Name::from_str(text).unwrap().to_string(), text);
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in "| |a b|é|a\u{200b}|*|a\n"
            .split('|')
            .chain([&*"a".repeat(33)])
        {
            assert!(Name::from_str(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_name_of_any_form_may_have_blanks_and_letters_of_any_script() {
        for text in [
            "Joty Saha",
            "José",
            "\u{99c}\u{9cb}\u{9a4}\u{9bf}",
            &"a".repeat(64),
        ] {
            assert_eq!(Name::free_form(text).unwrap().as_str(), text);
        }
        let texts = "| | a|a |a: b|a\u{200b}|\u{3164}|a\u{fe0f}|a\n|\u{1b}[m";
        for text in texts.split('|').chain([&*"a".repeat(65)]) {
            assert!(Name::free_form(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn case_does_not_make_another_name() {
        let (one, other) = (
            Name::from_str("Joty").unwrap(),
            Name::from_str("jOTY").unwrap(),
        );
        assert_ne!(one, other);
        assert_eq!(one.folded(), other.folded());
    }
}
