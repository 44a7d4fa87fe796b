//! Report 000, problem A: any number of requests over one connection.
//!
//! `12321 palindrome` → `It is palindrome.`; whatever does not begin with a digit comes back in
//! lower case, blanks and line breaks kept.

use crate::handout::python::{integer, words};
use crate::handout::wording::{Step, Wording};
use crate::refusal::Refusal;
use crate::text::{Answer, Integer, Request};

/// The answer to a request that begins with a digit and names no known operation, including where
/// the printed server crashes.
pub const NOT_AVAILABLE: &str = "Operation not available";

/// The server's half.
#[derive(Debug, Default)]
pub struct TextSession;

impl Wording for TextSession {
    type Request = Request;
    type Answer = Answer;

    fn received(&mut self, message: &[u8]) -> Step<Request> {
        match str::from_utf8(message).ok().and_then(request) {
            Some(request) => Step::Ask(request),
            None => Step::say(NOT_AVAILABLE).not_understood(),
        }
    }

    fn expected(&self) -> &'static str {
        "NUMBER prime, NUMBER palindrome, or a text that does not begin with a digit"
    }

    fn answered(&mut self, answer: Result<Answer, Refusal>) -> Step<Request> {
        match answer {
            Ok(Answer::Lower(text)) => Step::say(text),
            Ok(Answer::Prime(true)) => Step::say("It is a prime number."),
            Ok(Answer::Prime(false)) => Step::say("It is not a prime number."),
            Ok(Answer::Palindrome(true)) => Step::say("It is palindrome."),
            Ok(Answer::Palindrome(false)) => Step::say("It is not palindrome."),
            Ok(Answer::Bye) => Step::Close,
            Err(_) => Step::say(NOT_AVAILABLE),
        }
    }

    fn refused_by_fault(&mut self) -> Step<Request> {
        Step::say(NOT_AVAILABLE)
    }
}

fn request(text: &str) -> Option<Request> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        return Some(Request::Lower(text.into()));
    }
    let mut words = words(text);
    let (number, operation) = (words.next()?, words.next()?);
    if words.next().is_some() {
        return None;
    }
    match operation {
        "prime" => integer(number).map(Request::Prime),
        // As written: 010 reads the same backwards.
        "palindrome" => number.parse::<Integer>().ok().map(Request::Palindrome),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(message: &[u8]) -> Option<Request> {
        match TextSession.received(message) {
            Step::Ask(request) => Some(request),
            step => {
                assert_eq!(step, Step::say(NOT_AVAILABLE).not_understood());
                None
            }
        }
    }

    #[test]
    fn text_is_lowered_as_a_whole() {
        for text in "HELLO World| 7 prime|-7 prime|prime|\n|QUIT|ÀÉ |\u{661} prime".split('|') {
            assert_eq!(asked(text.as_bytes()), Some(Request::Lower(text.into())));
        }
    }

    #[test]
    fn a_number_and_a_word_are_a_question() {
        let integer = |text: &str| text.parse::<Integer>().unwrap();
        assert_eq!(asked(b"97 prime"), Some(Request::Prime(integer("97"))));
        assert_eq!(asked(b"007 prime\n"), Some(Request::Prime(integer("7"))));
        assert_eq!(
            asked(b"010 palindrome"),
            Some(Request::Palindrome(integer("010")))
        );
        let longest = [&[b'9'; 1_018][..], b" prime"].concat();
        assert_eq!(
            asked(&longest),
            Some(Request::Prime(integer(&"9".repeat(1_018))))
        );
    }

    #[test]
    fn what_begins_with_a_digit_and_asks_nothing_is_not_available() {
        let messages = b"12321|7 prime x|7x prime|7 Prime|7 square|7.0 prime|7x palindrome|7 \
                     |\xff\xfe|7 prime\xff";
        for message in messages.split(|byte| *byte == b'|') {
            assert_eq!(asked(message), None, "{message:?}");
        }
    }

    #[test]
    fn answers_have_these_exact_bytes() {
        for (answer, bytes) in [
            (Answer::Lower("hello ".into()), "hello "),
            (Answer::Prime(true), "It is a prime number."),
            (Answer::Prime(false), "It is not a prime number."),
            (Answer::Palindrome(true), "It is palindrome."),
            (Answer::Palindrome(false), "It is not palindrome."),
        ] {
            assert_eq!(TextSession.answered(Ok(answer)), Step::say(bytes));
        }
        let refused = Err(Refusal::malformed(""));
        assert_eq!(
            TextSession.answered(refused),
            Step::say("Operation not available")
        );
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic_or_close(message in prop::collection::vec(any::<u8>(), 1..40)) {
            let step = TextSession.received(&message);
            let goes_on = matches!(step, Step::Ask(_)) || step == Step::say(NOT_AVAILABLE).not_understood();
            prop_assert!(goes_on, "{:?}", step);
        }
    }
}
