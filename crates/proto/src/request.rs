//! What every request has in common: `VERB arguments`, and `QUIT` everywhere.

use core::fmt;
use core::str::FromStr;

use crate::refusal::Refusal;

/// A request of one service. Its `FromStr` reads what its `Display` writes; a message that cannot
/// be read is a [`Refusal`], ready to be sent back.
pub trait Request: FromStr<Err = Refusal> + fmt::Display {
    /// Whether the client asks to end the conversation. The server answers, then closes.
    fn is_quit(&self) -> bool;
}

/// The verb that ends every conversation.
pub const QUIT: &str = "QUIT";

/// Cuts a message at its first blank: the verb, and the arguments if there was a blank.
pub fn split_verb(message: &str) -> (&str, Option<&str>) {
    match message.split_once(' ') {
        Some((verb, arguments)) => (verb, Some(arguments)),
        None => (message, None),
    }
}

/// The arguments, cut at single blanks into exactly `N` words, none of them empty.
///
/// # Errors
/// `expected` (as in `WITHDRAW needs an id and an amount`) when there are more or fewer.
pub fn words<'a, const N: usize>(
    arguments: Option<&'a str>,
    expected: &str,
) -> Result<[&'a str; N], Refusal> {
    let mut words = [""; N];
    let mut given = arguments.unwrap_or("").split(' ');
    for word in &mut words {
        *word = given
            .next()
            .filter(|w| !w.is_empty())
            .ok_or_else(|| Refusal::malformed(expected))?;
    }
    match given.next() {
        None => Ok(words),
        Some(_) => Err(Refusal::malformed(expected)),
    }
}

/// Refuses arguments after a verb that takes none.
///
/// # Errors
/// When there are any.
pub fn no_arguments(verb: &str, arguments: Option<&str>) -> Result<(), Refusal> {
    match arguments {
        None => Ok(()),
        Some(_) => Err(Refusal::malformed(alloc::format!(
            "{verb} takes no arguments"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_verb_ends_at_the_first_blank() {
        assert_eq!(split_verb("LOWER  A B"), ("LOWER", Some(" A B")));
        assert_eq!(split_verb("QUIT"), ("QUIT", None));
        assert_eq!(split_verb("LOWER "), ("LOWER", Some("")));
        assert_eq!(split_verb(""), ("", None));
    }

    #[test]
    fn words_are_counted_and_none_is_empty() {
        assert_eq!(words(Some("a b"), ""), Ok(["a", "b"]));
        for arguments in [
            None,
            Some(""),
            Some("a"),
            Some("a  b"),
            Some("a b "),
            Some("a b c"),
        ] {
            assert!(words::<2>(arguments, "two").is_err(), "{arguments:?}");
        }
    }
}
