//! Expressions: `number operator number`, with the exact place of an error.
//!
//! A number is ASCII digits with an optional sign before and an optional fraction behind: `12`,
//! `-0.50`, `+7`. Digits stand on both sides of a point, so `.5` and `12.` are refused: a lost
//! digit is more likely than a saved one. Blanks (spaces or tabs) stand around the operator, so
//! that `2 - -3` reads in one way only; blanks at either end do no harm.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::printable::quoted;
use crate::refusal::{Code, Refusal};

/// A decimal number as written, with its sign and zeros: `+7`, `-0.50`, `007`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Number(String);

/// The operator between the two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operator {
    /// `+`
    Add,
    /// `-`
    Subtract,
    /// `*`
    Multiply,
    /// `/`
    Divide,
}

/// Two numbers and an operator. `Display` puts one blank on each side of the operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expression {
    /// The number before the operator.
    pub left: Number,
    /// The operator.
    pub operator: Operator,
    /// The number after the operator.
    pub right: Number,
}

impl Number {
    /// Longest number, in digits. Two of them with signs, points and `CALC` fit the smallest
    /// frame, 255 bytes; so does every answer, of which a product has at most twice as many.
    pub const MAX_DIGITS: usize = 100;

    /// The text as written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is a minus. `-0` has one.
    pub fn is_negative(&self) -> bool {
        self.0.starts_with('-')
    }

    /// The digits before the point; never empty.
    pub fn whole(&self) -> &str {
        self.unsigned()
            .split_once('.')
            .map_or(self.unsigned(), |(whole, _)| whole)
    }

    /// The digits after the point; empty when there is none.
    pub fn fraction(&self) -> &str {
        self.unsigned()
            .split_once('.')
            .map_or("", |(_, fraction)| fraction)
    }

    fn unsigned(&self) -> &str {
        self.0.strip_prefix(['+', '-']).unwrap_or(&self.0)
    }
}

impl Operator {
    /// All four.
    pub const ALL: [Operator; 4] = [
        Operator::Add,
        Operator::Subtract,
        Operator::Multiply,
        Operator::Divide,
    ];

    /// The operator's sign.
    pub fn symbol(self) -> char {
        match self {
            Operator::Add => '+',
            Operator::Subtract => '-',
            Operator::Multiply => '*',
            Operator::Divide => '/',
        }
    }
}

/// The unread part of an expression, and its position.
#[derive(Clone, Copy)]
struct Cursor<'a> {
    rest: &'a str,
    /// The first is 1; counted in characters, as an editor does.
    column: usize,
}

impl<'a> Cursor<'a> {
    fn new(text: &'a str) -> Cursor<'a> {
        Cursor {
            rest: text,
            column: 1,
        }
    }

    /// Skips every wanted character, and returns the number of bytes. All wanted characters are
    /// ASCII, so each is a byte.
    fn pass(&mut self, wanted: impl Fn(char) -> bool) -> usize {
        let behind = self.rest.trim_start_matches(wanted);
        let passed = self.rest.len() - behind.len();
        (self.rest, self.column) = (behind, self.column + passed);
        passed
    }

    /// Skips one character, if it is wanted.
    fn pass_one(&mut self, wanted: impl Fn(char) -> bool) -> bool {
        let behind = self.rest.strip_prefix(wanted);
        if let Some(behind) = behind {
            (self.rest, self.column) = (behind, self.column + 1);
        }
        behind.is_some()
    }

    fn blanks(&mut self) -> usize {
        self.pass(|c| c == ' ' || c == '\t')
    }

    fn digits(&mut self) -> usize {
        self.pass(|c| c.is_ascii_digit())
    }

    fn number(&mut self) -> Result<Number, Refusal> {
        let start = *self;
        let signed = self.pass_one(|c| c == '+' || c == '-');
        let mut digits = self.digits();
        if digits == 0 {
            return Err(self.expected(if signed {
                "a digit"
            } else {
                "a digit or a sign"
            }));
        }
        if self.pass_one(|c| c == '.') {
            match self.digits() {
                0 => return Err(self.expected("a digit after the point")),
                fraction => digits += fraction,
            }
        }
        if digits > Number::MAX_DIGITS {
            let words = alloc::format!("a number has at most {} digits", Number::MAX_DIGITS);
            return Err(start.refused(Code::TooLong, &words));
        }
        Ok(Number(
            start.rest[..start.rest.len() - self.rest.len()].to_owned(),
        ))
    }

    fn operator(&mut self) -> Result<Operator, Refusal> {
        Operator::ALL
            .into_iter()
            .find(|operator| self.pass_one(|c| c == operator.symbol()))
            .ok_or_else(|| self.expected("one of + - * /"))
    }

    fn end(self) -> Result<(), Refusal> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.expected("the end"))
        }
    }

    fn expected(self, what: &str) -> Refusal {
        let words = match self.rest.chars().next() {
            Some(c) => alloc::format!(
                "expected {what}, not {}",
                quoted(c.encode_utf8(&mut [0; 4]))
            ),
            None => alloc::format!("expected {what}, not the end"),
        };
        self.refused(Code::Malformed, &words)
    }

    fn refused(self, code: Code, words: &str) -> Refusal {
        Refusal::new(code, alloc::format!("column {}: {words}", self.column))
    }
}

impl FromStr for Number {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Number, Refusal> {
        let mut cursor = Cursor::new(text);
        let number = cursor.number()?;
        cursor.end()?;
        Ok(number)
    }
}

impl FromStr for Expression {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Expression, Refusal> {
        let mut cursor = Cursor::new(text);
        cursor.blanks();
        let left = cursor.number()?;
        if cursor.blanks() == 0 {
            return Err(cursor.expected("a blank after the number"));
        }
        let operator = cursor.operator()?;
        if cursor.blanks() == 0 {
            return Err(cursor.expected("a blank after the operator"));
        }
        let right = cursor.number()?;
        cursor.blanks();
        cursor.end()?;
        Ok(Expression {
            left,
            operator,
            right,
        })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.symbol())
    }
}

impl fmt::Display for Expression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Expression {
            left,
            operator,
            right,
        } = self;
        write!(f, "{left} {operator} {right}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn refusal(text: &str) -> Refusal {
        text.parse::<Expression>().unwrap_err()
    }

    #[test]
    fn blanks_are_needed_around_the_operator_and_made_single() {
        for (text, canonical) in [
            ("12 + 42", "12 + 42"),
            ("  12  +\t42 \t", "12 + 42"),
            ("2 - -3", "2 - -3"),
            ("-2 * +3", "-2 * +3"),
            ("0.10 / 007.50", "0.10 / 007.50"),
        ] {
            let expression: Expression = text.parse().unwrap();
            assert_eq!(expression.to_string(), canonical, "{text:?}");
        }
    }

    #[test]
    fn a_number_gives_back_its_parts() {
        for (text, negative, whole, fraction) in [
            ("12", false, "12", ""),
            ("+007", false, "007", ""),
            ("-0.50", true, "0", "50"),
            ("-0", true, "0", ""),
        ] {
            let number: Number = text.parse().unwrap();
            assert_eq!(number.as_str(), text);
            assert_eq!(number.is_negative(), negative, "{text}");
            assert_eq!(number.whole(), whole, "{text}");
            assert_eq!(number.fraction(), fraction, "{text}");
        }
    }

    #[test]
    fn a_refusal_names_the_column_and_what_stands_there() {
        for (text, column, expected, found) in [
            ("", 1, "a digit or a sign", "the end"),
            ("   ", 4, "a digit or a sign", "the end"),
            ("12(10", 3, "a blank after the number", "\"(\""),
            ("12+10", 3, "a blank after the number", "\"+\""),
            ("12", 3, "a blank after the number", "the end"),
            ("12 ", 4, "one of + - * /", "the end"),
            ("12 × 3", 4, "one of + - * /", "\"×\""),
            ("12 +", 5, "a blank after the operator", "the end"),
            ("12 +10", 5, "a blank after the operator", "\"1\""),
            ("12 ** 3", 5, "a blank after the operator", "\"*\""),
            ("12 + ", 6, "a digit or a sign", "the end"),
            ("12 + x", 6, "a digit or a sign", "\"x\""),
            ("12 + 1 + 1", 8, "the end", "\"+\""),
            ("12 + 1)", 7, "the end", "\")\""),
            ("- 2 + 1", 2, "a digit", "\" \""),
            ("--2 + 1", 2, "a digit", "\"-\""),
        ] {
            let words = alloc::format!("column {column}: expected {expected}, not {found}");
            assert_eq!(refusal(text), Refusal::malformed(words), "{text:?}");
        }
    }

    #[test]
    fn what_other_grammars_call_a_number_is_refused() {
        for (column, numbers) in [
            (1, "inf|NaN|.5|٣|−3"),
            (2, "-inf|0x1F|1_000|1,000|1e5|-.5|1\u{a0}"),
            (4, "1.2.3|12."),
        ] {
            for number in numbers.split('|') {
                let refused = refusal(&alloc::format!("{number} + 1"));
                assert_eq!(refused.code, Code::Malformed, "{number}");
                let place = alloc::format!("column {column}: ");
                assert!(refused.words.starts_with(&place), "{number}: {refused}");
                assert!(number.parse::<Number>().is_err(), "{number}");
            }
        }
    }

    #[test]
    fn a_number_may_be_so_long_and_no_longer() {
        let longest = "9".repeat(Number::MAX_DIGITS);
        assert!(longest.parse::<Number>().is_ok());
        let (whole, fraction) = longest.split_at(60);
        let with_point = alloc::format!("-{whole}.{fraction}");
        assert!(with_point.parse::<Number>().is_ok());
        for text in [
            alloc::format!("1 + {longest}9"),
            alloc::format!("1 + -{whole}.{fraction}9"),
        ] {
            let refused = refusal(&text);
            assert_eq!(refused.code, Code::TooLong);
            assert_eq!(refused.words, "column 5: a number has at most 100 digits");
        }
    }

    proptest! {
        #[test]
        fn every_expression_survives_the_wire(
            left in r"[+-]?[0-9]{1,50}(\.[0-9]{1,50})?",
            operator in r"[+*/-]",
            right in r"[+-]?[0-9]{1,50}(\.[0-9]{1,50})?",
        ) {
            let text = alloc::format!("{left} {operator} {right}");
            prop_assert_eq!(text.parse::<Expression>().unwrap().to_string(), text);
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*", near in r"[-+*/ .0-9\u{e9}x]{0,12}") {
            let _ = text.parse::<Expression>();
            let _ = near.parse::<Expression>();
        }

        #[test]
        fn a_refusal_fits_the_smallest_frame(text in ".*") {
            if let Err(refused) = text.parse::<Expression>() {
                prop_assert!(refused.words.len() < 200, "{}", refused);
            }
        }
    }
}
