//! What all requests have in common: `VERB arguments`, and `QUIT` in every service.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::refusal::Refusal;

/// A request to one service. Its `FromStr` reads what its `Display` writes; the error for an
/// unreadable message is the [`Refusal`] to send.
pub trait Request: FromStr<Err = Refusal> + fmt::Display + PartialEq {
    /// The client asks to end the conversation. The server answers, then closes.
    const QUIT: Self;

    /// The service's answer, after `OK`.
    type Answer;

    /// Reads the arguments of the `OK` that answers this request; `None` when they do not fit it.
    fn answer(&self, arguments: &str) -> Option<Self::Answer>;

    /// Reads a reply as the answer to this request; `None` when it does not answer it.
    fn read(&self, reply: Result<&str, Refusal>) -> Option<Result<Self::Answer, Refusal>> {
        match reply {
            Ok(arguments) => self.answer(arguments).map(Ok),
            Err(refusal) => Some(Err(refusal)),
        }
    }

    /// The refusal of this request, in the form of [`answers`](Request::answers).
    fn refused(&self) -> String {
        "ERR CODE WORDS".into()
    }

    /// The messages that can answer this request, besides `ERR`, for the report that none of them
    /// arrived. A word in upper case stands for a value that only the server knows.
    fn answers(&self) -> Vec<String>;
}

/// The verb that ends every conversation.
pub const QUIT: &str = "QUIT";

/// Splits a message at its first blank: the verb, and the arguments if there is a blank.
pub fn split_verb(message: &str) -> (&str, Option<&str>) {
    match message.split_once(' ') {
        Some((verb, arguments)) => (verb, Some(arguments)),
        None => (message, None),
    }
}

/// The arguments, split at single blanks into exactly `N` words, none of them empty.
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

    /// Every announced answer is one once the server's values are filled in.
    #[track_caller]
    fn announces_its_answers(request: &impl Request) {
        for answer in request.answers() {
            let mut filled = answer.clone();
            for (word, known) in [
                ("HOLDER", "Joty"),
                ("MONEY", "9500.00"),
                ("PEOPLE", "Joty Ahona +3"),
                ("NUMBER", "54"),
                ("TEXT", "hello"),
                ("YYYY-MM-DD", "2026-11-21"),
                ("HH:MM:SS", "07:44:16"),
            ] {
                filled = filled.replace(word, known);
            }
            let arguments = filled.strip_prefix("OK ").unwrap();
            assert!(request.answer(arguments).is_some(), "{request}: {answer}");
        }
    }

    #[test]
    fn the_answers_that_a_request_announces_are_read_as_its_answers() {
        const UUID: &str = "0190e5a8-7c00-7000-8000-000000000001";
        for text in ["LOWER HELLO", "PRIME 97", "PALINDROME 121", "QUIT"] {
            announces_its_answers(&text.parse::<crate::text::Request>().unwrap());
        }
        for text in ["HELLO Adarsh", "CALC 12 + 42", "QUIT"] {
            announces_its_answers(&text.parse::<crate::calc::Request>().unwrap());
        }
        for text in ["JOIN Adarsh", "SAY hello", "WHO", "QUIT"] {
            announces_its_answers(&text.parse::<crate::chat::Request>().unwrap());
        }
        for text in ["SEND_DATE", "SEND_TIME", "QUIT"] {
            announces_its_answers(&text.parse::<crate::datetime::Request>().unwrap());
        }
        for text in [
            "VERIFY_CARD_AND_PASSWORD LOGIN_ID 123456789 1234",
            "BALANCE_INQUIRY",
            "WITHDRAW WITH_ID 500.00",
            "DEPOSIT DEP_ID 20.50",
            "CONFIRM WITH_ID",
            "ROLLBACK DEP_ID",
            "CREATE_ACCOUNT ACC_ID 5550001111 2468 100 Ada",
            "TERMINAL ATM-1",
            "QUIT",
        ] {
            let text = text.replace("_ID", &alloc::format!("_{UUID}"));
            announces_its_answers(&text.parse::<crate::atm::Request>().unwrap());
        }
    }
}
