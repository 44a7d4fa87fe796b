//! The calculator: a named session in which two numbers at a time are added, subtracted,
//! multiplied or divided.
//!
//! `HELLO Adarsh` → `OK hello Adarsh`; `CALC 12 + 42` → `OK 54`; `CALC 1 / 3` →
//! `OK 0.3333333333333333333333333333333333 rounded`. A result without the word `rounded` is exact.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::fmt;
use core::str::FromStr;

mod expression;

pub use expression::{Expression, Number, Operator};

use crate::name::Name;
use crate::refusal::Refusal;
use crate::request::{self, QUIT, no_arguments, split_verb};

/// A request to the calculator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// The client's name; opens the session.
    Hello(Name),
    /// An expression to evaluate.
    Calc(Expression),
    /// The end of the conversation.
    Quit,
}

/// An answer of the calculator, after `OK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// `hello` and the name.
    Hello(Name),
    /// The result.
    Value(Value),
    /// `bye`.
    Bye,
}

/// A result: `54`, `-0.5`, `0.3333333333333333333333333333333333 rounded`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Digits with an optional minus and an optional fraction; never an exponent.
    pub text: String,
    /// Whether digits were lost.
    pub rounded: bool,
}

/// The word after an inexact result.
const ROUNDED: &str = "rounded";

impl FromStr for Request {
    type Err = Refusal;

    fn from_str(message: &str) -> Result<Request, Refusal> {
        let (verb, arguments) = split_verb(message);
        match verb {
            "HELLO" => Ok(Request::Hello(arguments.unwrap_or("").parse()?)),
            "CALC" => Ok(Request::Calc(arguments.unwrap_or("").parse()?)),
            QUIT => no_arguments(QUIT, arguments).map(|()| Request::Quit),
            _ => Err(Refusal::unknown_verb(verb, "HELLO, CALC, QUIT")),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Request::Hello(name) => write!(f, "HELLO {name}"),
            Request::Calc(expression) => write!(f, "CALC {expression}"),
            Request::Quit => f.write_str(QUIT),
        }
    }
}

impl request::Request for Request {
    const QUIT: Request = Request::Quit;

    type Answer = Answer;

    fn answer(&self, arguments: &str) -> Option<Answer> {
        match (self, arguments) {
            (Request::Hello(name), greeting) => {
                let greeted = greeting.strip_prefix("hello ")?;
                (greeted == name.as_str()).then(|| Answer::Hello(name.clone()))
            }
            (Request::Calc(_), value) => Value::parse(value).map(Answer::Value),
            (Request::Quit, "bye") => Some(Answer::Bye),
            (Request::Quit, _) => None,
        }
    }

    fn answers(&self) -> Vec<String> {
        match self {
            Request::Hello(name) => vec![format!("OK hello {name}")],
            Request::Calc(_) => vec!["OK NUMBER".into(), "OK NUMBER rounded".into()],
            Request::Quit => vec!["OK bye".into()],
        }
    }
}

impl Value {
    /// Reads what `Display` writes. The digits are not counted: a result may be longer than a
    /// [`Number`], and the frame has bounded it.
    fn parse(text: &str) -> Option<Value> {
        let (text, rounded) = match text.split_once(' ') {
            None => (text, false),
            Some((text, ROUNDED)) => (text, true),
            Some(_) => return None,
        };
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        (is_digits(whole) && is_digits(fraction)).then(|| Value {
            text: text.to_owned(),
            rounded,
        })
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Hello(name) => write!(f, "hello {name}"),
            Answer::Value(value) => value.fmt(f),
            Answer::Bye => f.write_str("bye"),
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        if self.rounded {
            write!(f, " {ROUNDED}")
        } else {
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Code;
    use crate::request::Request as _;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn hello() -> Request {
        Request::Hello("Adarsh".parse().unwrap())
    }

    fn calc(expression: &str) -> Request {
        Request::Calc(expression.parse().unwrap())
    }

    fn value(text: &str, rounded: bool) -> Answer {
        Answer::Value(Value {
            text: text.into(),
            rounded,
        })
    }

    #[test]
    fn requests_have_these_exact_bytes() {
        for (request, bytes) in [
            (hello(), "HELLO Adarsh"),
            (calc("  12 +   42"), "CALC 12 + 42"),
            (calc("-0.50 / +7"), "CALC -0.50 / +7"),
            (Request::Quit, "QUIT"),
        ] {
            assert_eq!(request.to_string(), bytes);
            assert_eq!(bytes.parse(), Ok(request));
        }
    }

    #[test]
    fn answers_have_these_exact_bytes() {
        let greeting = Answer::Hello("Adarsh".parse().unwrap());
        for (request, answer, bytes) in [
            (hello(), greeting, "hello Adarsh"),
            (calc("12 + 42"), value("54", false), "54"),
            (calc("1 / -3"), value("-0.3333", true), "-0.3333 rounded"),
            (Request::Quit, Answer::Bye, "bye"),
        ] {
            assert_eq!(answer.to_string(), bytes);
            assert_eq!(request.answer(bytes), Some(answer));
        }
    }

    #[test]
    fn an_answer_that_does_not_fit_the_request_is_none() {
        for (request, arguments) in [(hello(), "hello"), (hello(), "hello Joty"), (hello(), "54")]
            .into_iter()
            .chain(["", "bye", "inf", "1e5", "1.", ".5", "--1", "+1"].map(|t| (calc("1 + 1"), t)))
            .chain(["1 ", "1 exact", "1 rounded ", " 1"].map(|t| (calc("1 + 1"), t)))
            .chain([(Request::Quit, ""), (Request::Quit, "54")])
        {
            assert_eq!(request.answer(arguments), None, "{arguments:?}");
        }
    }

    #[test]
    fn malformed_requests_are_refused_with_the_reason() {
        for (text, words) in [
            ("HELLO", "a name is missing"),
            ("HELLO ", "a name is missing"),
            (
                "HELLO a b",
                "a name has ASCII letters, digits, _ and - only, not \"a b\"",
            ),
            ("CALC", "column 1: expected a digit or a sign, not the end"),
            (
                "CALC 12(10",
                "column 3: expected a blank after the number, not \"(\"",
            ),
            ("QUIT now", "QUIT takes no arguments"),
        ] {
            let refused = Err(Refusal::malformed(words));
            assert_eq!(text.parse::<Request>(), refused, "{text:?}");
        }
        for text in ["", "hello Adarsh", "calc 1 + 1", "1 + 1", "q"] {
            let refusal = text.parse::<Request>().unwrap_err();
            assert_eq!(refusal.code, Code::UnknownVerb, "{text:?}");
        }
    }

    #[test]
    fn the_longest_request_fits_the_smallest_frame() {
        let number = alloc::format!("-{}.{}", "9".repeat(50), "9".repeat(50));
        let request = calc(&alloc::format!("{number} + {number}"));
        assert!(request.to_string().len() <= 255);
    }

    proptest! {
        #[test]
        fn every_result_survives_the_wire(
            text in r"-?[0-9]{1,200}(\.[0-9]{1,200})?", rounded: bool
        ) {
            let answer = value(&text, rounded);
            prop_assert_eq!(calc("1 + 1").answer(&answer.to_string()), Some(answer));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = text.parse::<Request>();
            let _ = hello().answer(&text);
            let _ = calc("1 + 1").answer(&text);
        }
    }
}
