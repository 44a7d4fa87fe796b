//! Lab 002: a calculator with the arithmetic of Python's floats.
//!
//! The first message is the client's name and is not answered. Then `12 + 13` → `25.0`, until `q`,
//! at which the server closes without a byte. Numbers are binary: `0.1 + 0.2` is
//! `0.30000000000000004`.

use alloc::string::String;
use core::str::FromStr;

use super::float::repr;
use crate::calc::{Answer, Request};
use crate::handout::wording::{Step, Wording};
use crate::refusal::Refusal;

/// The answer to what is not an expression, and to a division by zero.
pub const INVALID: &str = "Invalid expression";

/// The word that ends a session.
pub const QUIT: &str = "q";

/// Two numbers and an operator: `12.5 / -4`, with one blank on each side of the operator.
/// A number is digits, with an optional sign before and an optional point after or among them, or
/// a point and digits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Expression {
    left: f64,
    operator: char,
    right: f64,
}

/// The text is not an expression of this form.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an expression is a number, an operator of + - * / and a number, with one blank between")]
pub struct NotAnExpression;

impl Expression {
    /// Python's result; `None` for a division by zero, which raises an exception.
    pub fn value(&self) -> Option<f64> {
        match self.operator {
            '+' => Some(self.left + self.right),
            '-' => Some(self.left - self.right),
            '*' => Some(self.left * self.right),
            _ if self.right == 0.0 => None,
            _ => Some(self.left / self.right),
        }
    }
}

impl FromStr for Expression {
    type Err = NotAnExpression;

    fn from_str(text: &str) -> Result<Expression, NotAnExpression> {
        let mut parts = text.split(' ');
        let mut next = || parts.next().ok_or(NotAnExpression);
        let (left, operator, right) = (next()?, next()?, next()?);
        if parts.next().is_some() || !["+", "-", "*", "/"].contains(&operator) {
            return Err(NotAnExpression);
        }
        Ok(Expression {
            left: number(left)?,
            operator: operator.chars().next().ok_or(NotAnExpression)?,
            right: number(right)?,
        })
    }
}

/// A number of the hand-out's form, as the nearest double.
fn number(text: &str) -> Result<f64, NotAnExpression> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let are_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let is_number = match unsigned.split_once('.') {
        Some(("", decimals)) => text == unsigned && !decimals.is_empty() && are_digits(decimals),
        Some((units, decimals)) => are_digits(units) && are_digits(decimals),
        None => !unsigned.is_empty() && are_digits(unsigned),
    };
    // For this form Rust parses as Python does: the nearest double, infinity beyond the largest.
    match text.parse() {
        Ok(number) if is_number => Ok(number),
        Ok(_) | Err(_) => Err(NotAnExpression),
    }
}

/// The server's half. The session is the service's; the arithmetic is not.
#[derive(Debug, Default)]
pub struct Calculator {
    is_named: bool,
    is_over: bool,
}

impl Wording for Calculator {
    type Request = Request;
    type Answer = Answer;

    fn received(&mut self, message: &[u8]) -> Step<Request> {
        let text = String::from_utf8_lossy(message);
        if !self.is_named {
            self.is_named = true;
            // Any name is accepted here; one that the service would refuse is not passed on.
            return match text.trim().parse() {
                Ok(name) => Step::Ask(Request::Hello(name)),
                Err(_) => Step::Listen,
            };
        }
        if text == QUIT {
            self.is_over = true;
            return Step::Ask(Request::Quit);
        }
        match text
            .parse::<Expression>()
            .map(|expression| expression.value())
        {
            Ok(Some(value)) => Step::say(repr(value)),
            Ok(None) => Step::say(INVALID),
            Err(NotAnExpression) => Step::say(INVALID).not_understood(),
        }
    }

    fn expected(&self) -> &'static str {
        match self.is_named {
            true => "NUMBER + NUMBER with one blank on each side of an operator of + - * /, or q",
            false => "a name",
        }
    }

    fn answered(&mut self, _: Result<Answer, Refusal>) -> Step<Request> {
        match self.is_over {
            true => Step::Close,
            false => Step::Listen,
        }
    }

    fn refused_by_fault(&mut self) -> Step<Request> {
        match self.is_named {
            true => Step::say(INVALID),
            // The name is not answered, even if it is refused.
            false => {
                self.is_named = true;
                Step::Listen
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The answer to an expression in a session.
    fn said(expression: &str) -> String {
        let mut calculator = Calculator::default();
        assert_eq!(
            calculator.received(b"Joty"),
            Step::Ask(Request::Hello("Joty".parse().unwrap()))
        );
        assert_eq!(calculator.answered(Ok(Answer::Bye)), Step::Listen);
        match calculator.received(expression.as_bytes()) {
            Step::Say(messages) => String::from_utf8(messages.concat()).unwrap(),
            Step::NotUnderstood(step) => {
                assert_eq!(*step, Step::say("Invalid expression"));
                "not understood".into()
            }
            step => panic!("{step:?}"),
        }
    }

    #[test]
    fn values_are_those_of_python() {
        for (expression, value) in [
            ("12 + 13", "25.0"),
            ("0.1 + 0.2", "0.30000000000000004"),
            ("1 / 3", "0.3333333333333333"),
            ("7 - -2", "9.0"),
            ("+5. * .5", "2.5"),
            ("0 * -1", "-0.0"),
            ("10000000000000000 + 0", "1e+16"),
            ("1 / 100000", "1e-05"),
            ("653 * 674.8", "440644.39999999997"),
        ] {
            assert_eq!(said(expression), value, "{expression}");
        }
        let large = "9".repeat(400);
        assert_eq!(said(&alloc::format!("{large} + 1")), "inf");
        assert_eq!(said(&alloc::format!("-{large} + 1")), "-inf");
        assert_eq!(said(&alloc::format!("{large} - {large}")), "nan");
    }

    #[test]
    fn a_bad_form_is_not_understood_and_invalid() {
        let malformed = "12(10|12+13|12  + 13| 12 + 13|12 + 13 |12 + 13\n|12 +|12|+|1 + 2 + 3|1 ^ 2|\
                         1 ** 2|1e5 + 1|1_0 + 1|nan + 1|inf + 1|0x1 + 1|. + 1|-.5 + 1|- + 1|1.2.3 + 1|\
                         --1 + 1|1\t+\t2|Q|\u{663} + 1|quit";
        for expression in malformed.split('|') {
            assert_eq!(said(expression), "not understood", "{expression:?}");
        }
    }

    #[test]
    fn a_division_by_zero_is_understood_and_invalid() {
        for expression in ["1 / 0", "1 / -0.0", "0 / 0", "1 / .000"] {
            assert_eq!(said(expression), "Invalid expression", "{expression:?}");
        }
        let tiny = alloc::format!("1 / 0.{}1", "0".repeat(400));
        assert_eq!(said(&tiny), "Invalid expression");
    }

    #[test]
    fn any_name_begins_a_session_and_q_ends_it_without_a_byte() {
        for name in ["Joty Saha", "12 + 13", "q", "\u{663}", "\n"] {
            let mut calculator = Calculator::default();
            match calculator.received(name.as_bytes()) {
                Step::Ask(Request::Hello(_)) => {
                    assert_eq!(calculator.answered(Ok(Answer::Bye)), Step::Listen);
                }
                step => assert_eq!(step, Step::Listen, "{name}"),
            }
            assert_eq!(calculator.received(b"q"), Step::Ask(Request::Quit));
            assert_eq!(calculator.answered(Ok(Answer::Bye)), Step::Close);
        }
    }

    #[test]
    fn a_refused_name_is_a_name_all_the_same() {
        let mut calculator = Calculator::default();
        assert_eq!(calculator.refused_by_fault(), Step::Listen);
        assert_eq!(
            calculator.refused_by_fault(),
            Step::say("Invalid expression")
        );
        assert_eq!(calculator.received(b"1 + 1"), Step::say("2.0"));
    }

    proptest! {
        #[test]
        fn two_integers_are_added_exactly(a in -1_000_000..1_000_000_i32, b in -1_000_000..1_000_000_i32) {
            let sum = alloc::format!("{}.0", a + b);
            prop_assert_eq!(said(&alloc::format!("{a} + {b}")), sum);
        }

        #[test]
        fn no_message_makes_it_panic(message in prop::collection::vec(any::<u8>(), 1..40)) {
            let mut calculator = Calculator::default();
            let _ = (calculator.received(&message), calculator.received(&message));
        }
    }
}
