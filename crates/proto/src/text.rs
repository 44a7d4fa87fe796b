//! The text service: lower case, prime, palindrome.
//!
//! `LOWER HELLO World` → `OK hello world`; `PRIME 97` → `OK prime`; `PALINDROME 12321` →
//! `OK palindrome`. A number is ASCII digits with an optional minus: `+7`, `1_000` and digits of
//! other scripts are refused. The text of `LOWER` is everything after the first blank, blanks
//! included.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::printable::quoted;
use crate::refusal::Refusal;
use crate::request::{self, QUIT, no_arguments, split_verb};

/// A request to the text service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The text in Unicode lower case.
    Lower(String),
    /// Whether the number is prime.
    Prime(Integer),
    /// Whether the number reads the same backwards, as written.
    Palindrome(Integer),
    /// The end of the conversation.
    Quit,
}

/// An answer of the text service, after `OK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// The lowered text.
    Lower(String),
    /// `prime` or `not prime`.
    Prime(bool),
    /// `palindrome` or `not palindrome`.
    Palindrome(bool),
    /// `bye`.
    Bye,
}

/// An integer as it was written, leading zeros and all: `-121`, `007`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Integer(String);

impl Integer {
    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is a minus.
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }

    /// The digits, without the minus.
    pub fn digits(&self) -> &str {
        self.0.strip_prefix('-').unwrap_or(&self.0)
    }

    /// Whether the text reads the same backwards. The minus counts, so `-121` does not; leading
    /// zeros count, so `010` does.
    pub fn is_palindrome(&self) -> bool {
        self.0.bytes().eq(self.0.bytes().rev())
    }
}

impl FromStr for Integer {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Integer, Refusal> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        if text.is_empty() {
            return Err(Refusal::malformed("a number is missing"));
        }
        if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            let words = alloc::format!(
                "a number is digits with an optional minus, not {}",
                quoted(text)
            );
            return Err(Refusal::malformed(words));
        }
        Ok(Integer(text.to_owned()))
    }
}

impl FromStr for Request {
    type Err = Refusal;

    fn from_str(message: &str) -> Result<Request, Refusal> {
        let (verb, arguments) = split_verb(message);
        let number = || arguments.unwrap_or("").parse();
        match verb {
            "LOWER" => match arguments {
                Some(text) => Ok(Request::Lower(text.to_owned())),
                None => Err(Refusal::malformed("LOWER needs a text")),
            },
            "PRIME" => Ok(Request::Prime(number()?)),
            "PALINDROME" => Ok(Request::Palindrome(number()?)),
            QUIT => no_arguments(QUIT, arguments).map(|()| Request::Quit),
            _ => Err(Refusal::unknown_verb(
                verb,
                "LOWER, PRIME, PALINDROME, QUIT",
            )),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Lower(text) => write!(f, "LOWER {text}"),
            Request::Prime(number) => write!(f, "PRIME {number}"),
            Request::Palindrome(number) => write!(f, "PALINDROME {number}"),
            Request::Quit => f.write_str(QUIT),
        }
    }
}

impl request::Request for Request {
    const QUIT: Request = Request::Quit;

    type Answer = Answer;

    fn answer(&self, arguments: &str) -> Option<Answer> {
        match (self, arguments) {
            (Request::Lower(_), text) => Some(Answer::Lower(text.to_string())),
            (Request::Prime(_), "prime") => Some(Answer::Prime(true)),
            (Request::Prime(_), "not prime") => Some(Answer::Prime(false)),
            (Request::Palindrome(_), "palindrome") => Some(Answer::Palindrome(true)),
            (Request::Palindrome(_), "not palindrome") => Some(Answer::Palindrome(false)),
            (Request::Quit, "bye") => Some(Answer::Bye),
            (Request::Prime(_) | Request::Palindrome(_) | Request::Quit, _) => None,
        }
    }

    fn answers(&self) -> Vec<String> {
        match self {
            Request::Lower(_) => vec!["OK TEXT".into()],
            Request::Prime(_) => vec!["OK prime".into(), "OK not prime".into()],
            Request::Palindrome(_) => vec!["OK palindrome".into(), "OK not palindrome".into()],
            Request::Quit => vec!["OK bye".into()],
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Answer::Lower(text) => text,
            Answer::Prime(true) => "prime",
            Answer::Prime(false) => "not prime",
            Answer::Palindrome(true) => "palindrome",
            Answer::Palindrome(false) => "not palindrome",
            Answer::Bye => "bye",
        })
    }
}

impl fmt::Display for Integer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Code;
    use crate::request::Request as _;
    use proptest::prelude::*;

    fn integer(text: &str) -> Integer {
        text.parse().unwrap()
    }

    #[test]
    fn requests_have_these_exact_bytes() {
        for (request, bytes) in [
            (
                Request::Lower("HELLO  World ".into()),
                "LOWER HELLO  World ",
            ),
            (Request::Lower("".into()), "LOWER "),
            (Request::Prime(integer("97")), "PRIME 97"),
            (Request::Palindrome(integer("-010")), "PALINDROME -010"),
            (Request::Quit, "QUIT"),
        ] {
            assert_eq!(request.to_string(), bytes);
            assert_eq!(bytes.parse(), Ok(request));
        }
    }

    #[test]
    fn answers_have_these_exact_bytes() {
        let prime = Request::Prime(integer("7"));
        let palindrome = Request::Palindrome(integer("7"));
        for (request, answer, bytes) in [
            (&Request::Lower("A".into()), Answer::Lower("a".into()), "a"),
            (&prime, Answer::Prime(true), "prime"),
            (&prime, Answer::Prime(false), "not prime"),
            (&palindrome, Answer::Palindrome(true), "palindrome"),
            (&palindrome, Answer::Palindrome(false), "not palindrome"),
            (&Request::Quit, Answer::Bye, "bye"),
        ] {
            assert_eq!(answer.to_string(), bytes);
            assert_eq!(request.answer(bytes), Some(answer));
        }
        assert_eq!(prime.answer("palindrome"), None);
    }

    #[test]
    fn malformed_requests_are_refused_with_the_reason() {
        let malformed = "PRIME|PRIME |PRIME +7|PRIME 7 |PRIME  7|PRIME 1_0|PRIME ٣|PRIME -|\
                         PRIME --1|PRIME 1e3|LOWER|QUIT now|PALINDROME abc";
        for text in malformed.split('|') {
            let refusal = text.parse::<Request>().unwrap_err();
            assert_eq!(refusal.code, Code::Malformed, "{text:?}");
        }
        for text in ["", " ", "lower x", "PRIMES 7", "\0"] {
            let refusal = text.parse::<Request>().unwrap_err();
            assert_eq!(refusal.code, Code::UnknownVerb, "{text:?}");
        }
    }

    #[test]
    fn a_palindrome_is_judged_as_written() {
        for text in ["0", "010", "12321"] {
            assert!(integer(text).is_palindrome(), "{text}");
        }
        for text in ["-121", "10"] {
            assert!(!integer(text).is_palindrome(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_request_survives_the_wire(text in ".*", number in "-?[0-9]{1,60}") {
            for request in [
                Request::Lower(text.clone()),
                Request::Prime(integer(&number)),
                Request::Palindrome(integer(&number)),
            ] {
                prop_assert_eq!(request.to_string().parse(), Ok(request));
            }
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Request>();
        }
    }
}
