//! Report 001, problem A: one request, one answer, and the connection is closed.
//!
//! `convert HELLO WORLD` → `hello`: the first word of the text. `check 97 prime` → `Prime`. Words
//! beyond these are ignored.

use alloc::borrow::ToOwned;

use crate::handout::python::{integer, words};
use crate::handout::wording::{Step, Wording};
use crate::refusal::Refusal;
use crate::text::{Answer, Request};

/// The answer to anything that is not a request, including where the printed server crashes.
pub const INVALID: &str = "Invalid request";

/// The server's half.
#[derive(Debug, Default)]
pub struct TextMenu;

impl Wording for TextMenu {
    type Request = Request;
    type Answer = Answer;

    fn received(&mut self, message: &[u8]) -> Step<Request> {
        match str::from_utf8(message).ok().and_then(request) {
            Some(request) => Step::Ask(request),
            None => Step::last(INVALID).not_understood(),
        }
    }

    fn expected(&self) -> &'static str {
        "convert WORD, check NUMBER prime, or check NUMBER palindrome"
    }

    fn answered(&mut self, answer: Result<Answer, Refusal>) -> Step<Request> {
        match answer {
            Ok(Answer::Lower(text)) => Step::last(text),
            Ok(Answer::Prime(true)) => Step::last("Prime"),
            Ok(Answer::Prime(false)) => Step::last("Not Prime"),
            Ok(Answer::Palindrome(true)) => Step::last("Palindrome"),
            Ok(Answer::Palindrome(false)) => Step::last("Not Palindrome"),
            Ok(Answer::Bye) => Step::Close,
            Err(_) => Step::last(INVALID),
        }
    }

    fn refused_by_fault(&mut self) -> Step<Request> {
        Step::last(INVALID)
    }
}

fn request(text: &str) -> Option<Request> {
    let mut words = words(text);
    match words.next()? {
        "convert" => Some(Request::Lower(words.next()?.to_owned())),
        "check" => {
            let number = integer(words.next()?)?;
            match words.next()? {
                "prime" => Some(Request::Prime(number)),
                "palindrome" => Some(Request::Palindrome(number)),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn asked(message: &[u8]) -> Option<Request> {
        match TextMenu.received(message) {
            Step::Ask(request) => Some(request),
            step => {
                assert_eq!(step, Step::last("Invalid request").not_understood());
                None
            }
        }
    }

    #[test]
    fn the_first_word_is_converted() {
        for message in [
            &b"convert HELLO WORLD"[..],
            b" convert\tHELLO\n",
            b"convert  HELLO",
        ] {
            assert_eq!(asked(message), Some(Request::Lower("HELLO".into())));
        }
    }

    #[test]
    fn a_number_is_checked_as_python_writes_it() {
        for (text, written) in [
            ("97", "97"),
            ("+7", "7"),
            ("-5", "-5"),
            ("1_000", "1000"),
            ("007", "7"),
        ] {
            let message = alloc::format!("check {text} prime");
            let number = written.parse().unwrap();
            assert_eq!(asked(message.as_bytes()), Some(Request::Prime(number)));
            let message = alloc::format!("check {text} palindrome");
            let number = written.parse().unwrap();
            assert_eq!(asked(message.as_bytes()), Some(Request::Palindrome(number)));
        }
    }

    #[test]
    fn anything_else_is_invalid() {
        let messages = b"hello| |convert|convert |check|check 7|check x prime|check 7 square\
                     |CONVERT x|check 7.0 prime|7 prime|convert \xff";
        for message in messages.split(|byte| *byte == b'|') {
            assert_eq!(asked(message), None, "{message:?}");
        }
    }

    #[test]
    fn each_answer_is_the_last() {
        for (answer, bytes) in [
            (Answer::Lower("hello".into()), "hello"),
            (Answer::Prime(true), "Prime"),
            (Answer::Prime(false), "Not Prime"),
            (Answer::Palindrome(true), "Palindrome"),
            (Answer::Palindrome(false), "Not Palindrome"),
        ] {
            assert_eq!(TextMenu.answered(Ok(answer)), Step::last(bytes));
        }
        let refused = Err(Refusal::malformed(""));
        assert_eq!(TextMenu.answered(refused), Step::last("Invalid request"));
    }

    proptest! {
        #[test]
        fn no_message_makes_it_panic(message in prop::collection::vec(any::<u8>(), 1..40)) {
            let _ = TextMenu.received(&message);
        }
    }
}
