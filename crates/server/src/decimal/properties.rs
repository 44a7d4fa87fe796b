//! What holds for every two numbers.

use proptest::prelude::*;
use proto::reply;

use super::tests::{shown, value};
use super::*;

/// A result, which may be too long to be an operand.
fn read(text: &str) -> Decimal {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let mantissa = format!("{whole}{fraction}").parse().unwrap();
    Decimal {
        mantissa,
        scale: fraction.len(),
    }
}

fn magnitude(number: Decimal) -> Decimal {
    match number.mantissa.sign() {
        Sign::Minus => number.negated(),
        _ => number,
    }
}

fn number() -> impl Strategy<Value = String> {
    r"[+-]?[0-9]{1,20}(\.[0-9]{1,20})?"
}

fn long_number() -> impl Strategy<Value = String> {
    r"[+-]?[0-9]{1,50}(\.[0-9]{1,50})?"
}

/// A number as `mantissa / 10^scale`, small enough for i128 to check what is done with it.
fn small_number() -> impl Strategy<Value = (i128, u32)> {
    (-1_000_000_000_000i128..=1_000_000_000_000, 0u32..=6)
}

fn written((mantissa, scale): (i128, u32)) -> String {
    Decimal {
        mantissa: mantissa.into(),
        scale: scale as usize,
    }
    .to_plain()
}

proptest! {
    #[test]
    fn what_is_added_can_be_taken_away(a in number(), b in number()) {
        let sum = shown(&format!("{a} + {b}"));
        prop_assert_eq!(shown(&format!("{sum} - {b}")), shown(&format!("{a} + 0")));
    }

    #[test]
    fn what_is_multiplied_can_be_divided(a in number(), b in number()) {
        prop_assume!(b.bytes().any(|byte| (b'1'..=b'9').contains(&byte)));
        let product = shown(&format!("{a} * {b}"));
        prop_assert_eq!(shown(&format!("{product} / {b}")), shown(&format!("{a} + 0")));
    }

    #[test]
    fn the_order_of_addends_and_factors_does_not_matter(
        a in long_number(), b in long_number()
    ) {
        for operator in ["+", "*"] {
            let (one, other) = (format!("{a} {operator} {b}"), format!("{b} {operator} {a}"));
            prop_assert_eq!(shown(&one), shown(&other));
        }
    }

    #[test]
    fn results_agree_with_fractions_of_i128(a in small_number(), b in small_number()) {
        let (left, right) = (written(a), written(b));
        let (x, y) = (a.0 * 10i128.pow(b.1), b.0 * 10i128.pow(a.1));
        let scale = a.1 + b.1;
        let sum = shown(&format!("{left} + {right}"));
        prop_assert_eq!(sum, written((x + y, scale)));
        let difference = shown(&format!("{left} - {right}"));
        prop_assert_eq!(difference, written((x - y, scale)));
        let product = shown(&format!("{left} * {right}"));
        prop_assert_eq!(product, written((a.0 * b.0, scale)));
        if y != 0 {
            let quotient = value(&format!("{left} / {right}"));
            // A fraction in lowest terms ends when its denominator divides a power of ten.
            let (mut p, mut q) = (x.abs(), y.abs());
            while q != 0 {
                (p, q) = (q, p % q);
            }
            let mut denominator = y.abs() / p;
            for factor in [2, 5] {
                while denominator % factor == 0 {
                    denominator /= factor;
                }
            }
            prop_assert_eq!(quotient.rounded, denominator != 1);
        }
    }

    #[test]
    fn a_quotient_is_the_nearest_there_is(a in long_number(), b in long_number()) {
        let (dividend, divisor) = (read(&a), read(&b));
        prop_assume!(!divisor.is_zero());
        let quotient = value(&format!("{a} / {b}"));
        let product = read(&quotient.text).times(divisor);
        let error = magnitude(dividend.plus(product.negated()));
        prop_assert_eq!(quotient.rounded, !error.is_zero());
        if quotient.rounded {
            // Half a unit in the 34th significant digit.
            let text = read(&quotient.text);
            let places = digits(&text.mantissa) as i64 - ROUNDED_DIGITS as i64;
            let zeros = places - text.scale as i64;
            let mantissa = BigInt::from(10u8).pow(zeros.max(0) as u32);
            let unit = Decimal { mantissa, scale: (-zeros).max(0) as usize };
            let bound = unit.times(magnitude(read(&b)));
            let doubled = error.times(read("2"));
            let slack = bound.plus(doubled.negated());
            prop_assert!(slack.mantissa.sign() != Sign::Minus);
        }
    }

    #[test]
    fn every_answer_fits_the_smallest_frame(a in long_number(), b in long_number()) {
        for operator in Operator::ALL {
            let expression = format!("{a} {operator} {b}");
            let answer = reply::render(&evaluate(&expression.parse().unwrap()));
            prop_assert!(answer.len() <= 255);
        }
    }
}
