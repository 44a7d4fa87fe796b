//! The calculator's arithmetic: exact decimals of any size a request can have.
//!
//! Sums, differences and products are always exact. A quotient is exact when it ends soon enough
//! to be a [`Number`] itself, so that `x / 1` is `x`; otherwise it is rounded, and says so.

use std::cmp::Ordering;

use num_bigint::{BigInt, BigUint, Sign};
use proto::calc::{Expression, Number, Operator, Value};
use proto::refusal::{Code, Refusal};

/// Significant digits of a quotient that has to be rounded: those of IEEE 754 decimal128, the
/// widest decimal type in common use. Halves go to the even digit, as there.
pub const ROUNDED_DIGITS: usize = 34;

/// The value of an expression, in plain notation: no exponent, no minus zero, no trailing zeros
/// behind the point.
pub fn evaluate(expression: &Expression) -> Result<Value, Refusal> {
    let (left, right) = (
        Decimal::new(&expression.left),
        Decimal::new(&expression.right),
    );
    Ok(match expression.operator {
        Operator::Add => left.plus(right).exact(),
        Operator::Subtract => left.plus(right.negated()).exact(),
        Operator::Multiply => left.times(right).exact(),
        Operator::Divide if right.is_zero() => {
            return Err(Refusal::new(Code::DivisionByZero, "division by zero"));
        }
        Operator::Divide => left.divided_by(&right),
    })
}

/// `mantissa / 10^scale`.
struct Decimal {
    mantissa: BigInt,
    scale: usize,
}

impl Decimal {
    fn new(number: &Number) -> Decimal {
        let digits = number.whole().bytes().chain(number.fraction().bytes());
        let magnitude = digits.fold(BigUint::ZERO, |read, digit| read * 10u8 + (digit - b'0'));
        let sign = if number.is_negative() {
            Sign::Minus
        } else {
            Sign::Plus
        };
        Decimal {
            mantissa: BigInt::from_biguint(sign, magnitude),
            scale: number.fraction().len(),
        }
    }

    fn is_zero(&self) -> bool {
        self.mantissa == BigInt::ZERO
    }

    fn negated(self) -> Decimal {
        Decimal {
            mantissa: -self.mantissa,
            ..self
        }
    }

    fn plus(self, other: Decimal) -> Decimal {
        let scale = self.scale.max(other.scale);
        let aligned =
            |addend: Decimal| addend.mantissa * BigInt::from(power_of_ten(scale - addend.scale));
        Decimal {
            mantissa: aligned(self) + aligned(other),
            scale,
        }
    }

    fn times(self, other: Decimal) -> Decimal {
        Decimal {
            mantissa: self.mantissa * other.mantissa,
            scale: self.scale + other.scale,
        }
    }

    /// The quotient, by a divisor that is not zero.
    fn divided_by(&self, divisor: &Decimal) -> Value {
        let (dividend_digits, divisor_digits) = (digits(&self.mantissa), digits(&divisor.mantissa));
        // With so many zeros appended the quotient has more digits than a number may have: if
        // there is a remainder even so, it ends too late or never.
        let zeros = (Number::MAX_DIGITS + 1 + divisor_digits).saturating_sub(dividend_digits);
        let dividend = &self.mantissa * BigInt::from(power_of_ten(zeros + divisor.scale));
        let quotient = &dividend / &divisor.mantissa;
        let ends = &quotient * &divisor.mantissa == dividend;
        let quotient = Decimal {
            mantissa: quotient,
            scale: zeros + self.scale,
        };
        if ends {
            let text = quotient.to_plain();
            if text.bytes().filter(u8::is_ascii_digit).count() <= Number::MAX_DIGITS {
                return Value {
                    text,
                    rounded: false,
                };
            }
        }
        quotient.rounded(ends)
    }

    /// The nearest value of [`ROUNDED_DIGITS`] digits. Unless `is_all`, more digits follow those
    /// of the mantissa, not all of them zero.
    fn rounded(self, is_all: bool) -> Value {
        let excess = digits(&self.mantissa).saturating_sub(ROUNDED_DIGITS);
        let unit = power_of_ten(excess);
        let (sign, magnitude) = self.mantissa.into_parts();
        let mut kept = &magnitude / &unit;
        let lost = magnitude - &kept * &unit;
        let rounded = !is_all || lost != BigUint::ZERO;
        let up = match (lost * 2u8).cmp(&unit) {
            Ordering::Less => false,
            Ordering::Equal => !is_all || kept.bit(0),
            Ordering::Greater => true,
        };
        if up {
            kept += 1u8;
        }
        let mantissa = BigInt::from_biguint(sign, kept * unit);
        Value {
            text: Decimal {
                mantissa,
                scale: self.scale,
            }
            .to_plain(),
            rounded,
        }
    }

    fn exact(self) -> Value {
        Value {
            text: self.to_plain(),
            rounded: false,
        }
    }

    fn to_plain(&self) -> String {
        let digits = self.mantissa.magnitude().to_string();
        // At least one digit stands before the point.
        let padded = format!("{digits:0>width$}", width = self.scale + 1);
        let (whole, fraction) = padded.split_at(padded.len() - self.scale);
        let sign = if self.mantissa.sign() == Sign::Minus {
            "-"
        } else {
            ""
        };
        match fraction.trim_end_matches('0') {
            "" => format!("{sign}{whole}"),
            fraction => format!("{sign}{whole}.{fraction}"),
        }
    }
}

fn power_of_ten(zeros: usize) -> BigUint {
    // Numbers are bounded: a few hundred zeros at most.
    BigUint::from(10u8).pow(zeros as u32)
}

/// How many decimal digits the magnitude has.
fn digits(mantissa: &BigInt) -> usize {
    mantissa.magnitude().to_string().len()
}

#[cfg(test)]
mod properties;

#[cfg(test)]
mod tests {
    use super::*;
    use proto::reply;

    pub(super) fn value(expression: &str) -> Value {
        evaluate(&expression.parse().unwrap()).unwrap()
    }

    pub(super) fn shown(expression: &str) -> String {
        value(expression).to_string()
    }

    /// Equations, one a line.
    fn check(equations: &str) {
        for equation in equations.trim().lines() {
            let (expression, result) = equation.trim().split_once(" = ").unwrap();
            assert_eq!(shown(expression), result, "{equation}");
        }
    }

    #[test]
    fn sums_differences_and_products_are_exact() {
        check(
            "12 + 42 = 54
             0.1 + 0.2 = 0.3
             0.10 + 0.20 = 0.3
             1.5 + 1.50 = 3
             100 + 0.00 = 100
             1 - 0.9 = 0.1
             1 - 2.5 = -1.5
             -1 - -1.001 = 0.001
             5.0 * 2 = 10
             -0.5 * 0.5 = -0.25
             +007 * 06.50 = 45.5
             1000 * 0.001 = 1
             0.001 * 0.001 = 0.000001
             9007199254740993 + 0.1 = 9007199254740993.1
             18446744073709551616 * 18446744073709551616 = 340282366920938463463374607431768211456",
        );
    }

    #[test]
    fn a_quotient_is_exact_when_it_ends_soon_enough() {
        // The last but one has 42 digits behind the point: more than a rounded quotient would keep.
        let long = "1234567890".repeat(10);
        check(&format!(
            "1 / 8 = 0.125
             -10 / 4 = -2.5
             6 / 3 = 2
             6.0 / 0.3 = 20
             0.3 / 0.1 = 3
             1 / -1000 = -0.001
             100 / 0.001 = 100000
             1 / 1024 = 0.0009765625
             1 / 4398046511104 = 0.000000000000227373675443232059478759765625
             {long} / 1 = {long}"
        ));
    }

    #[test]
    fn any_other_quotient_is_rounded_to_34_digits_and_says_so() {
        check(
            "1 / 3 = 0.3333333333333333333333333333333333 rounded
             2 / 3 = 0.6666666666666666666666666666666667 rounded
             -2 / 3 = -0.6666666666666666666666666666666667 rounded
             2 / 0.3 = 6.666666666666666666666666666666667 rounded
             1 / 7 = 0.1428571428571428571428571428571429 rounded
             355 / 113 = 3.141592920353982300884955752212389 rounded
             1 / 998001 = 0.000001002003004005006007008009010011012 rounded
             1234567.89 / 0.000321 = 3846005887.850467289719626168224299 rounded
             -0.001 / 7777 = -0.000000128584287000128584287000128584287 rounded
             10000000000000000000000000000000000000000 / 3 = 3333333333333333333333333333333333000000 \
             rounded",
        );
    }

    #[test]
    fn halves_go_to_the_even_digit() {
        // `digits / 0.00…01` is the digits with 70 zeros, too long to be shown in full.
        let divisor = format!("0.{}1", "0".repeat(69));
        let (zeros, more) = ("0".repeat(30), "0".repeat(71));
        for (last, kept) in [
            ("0005", "000"),
            ("0015", "002"),
            ("0025", "002"),
            ("0004", "000"),
            ("0006", "001"),
        ] {
            for sign in ["", "-"] {
                let shown = shown(&format!("{sign}1{zeros}{last} / {divisor}"));
                assert_eq!(shown, format!("{sign}1{zeros}{kept}{more} rounded"));
            }
        }
        let nines = shown(&format!("{}5 / {divisor}", "9".repeat(34)));
        assert_eq!(nines, format!("1{}{more} rounded", "0".repeat(34)));
        // More than a half, but only just: 97 zeros follow the 5, and then a 2.
        let result = shown(
            "1999999999999999999999999999999961 \
             / 199999999999999999999999999999996000000000000000000000000000\
             000001999999999999999999999999999999999",
        );
        let zeros = "0".repeat(64);
        assert_eq!(
            result,
            format!("0.{zeros}1000000000000000000000000000000001 rounded")
        );
        // A long quotient that loses no digit is not called rounded.
        let digits = "1234567890123456789012345678901234";
        let exact = shown(&format!("{digits} / {divisor}"));
        assert_eq!(exact, format!("{digits}{}", "0".repeat(70)));
    }

    #[test]
    fn zero_has_no_sign() {
        check(
            "-0 + 0 = 0
             -0 + -0.00 = 0
             1 - 1 = 0
             -1.5 + 1.50 = 0
             0 * -5 = 0
             -0.0 * 3 = 0
             0 / -5 = 0
             -0 / 3 = 0",
        );
    }

    #[test]
    fn division_by_zero_is_refused_however_the_zero_is_written() {
        for expression in ["12 / 0", "0 / 0", "1 / -0", "1 / 0.000"] {
            let refused = evaluate(&expression.parse().unwrap());
            assert_eq!(refused.unwrap_err().code, Code::DivisionByZero);
        }
    }

    #[test]
    fn the_longest_operands_have_answers_that_fit_the_smallest_frame() {
        let nines = "9".repeat(Number::MAX_DIGITS);
        let point = format!("9.{}", "9".repeat(Number::MAX_DIGITS - 1));
        let small = format!("-0.{}1", "0".repeat(Number::MAX_DIGITS - 2));
        let zero = format!("-0.{}", "0".repeat(Number::MAX_DIGITS - 1));
        let eight = format!("8.{}", "0".repeat(Number::MAX_DIGITS - 1));
        for left in [&nines, &point, &small, &zero, &eight] {
            for right in [&nines, &point, &small, &zero, &eight] {
                for operator in Operator::ALL {
                    let expression = format!("{left} {operator} {right}");
                    let answer = reply::render(&evaluate(&expression.parse().unwrap()));
                    assert!(answer.len() <= 255, "{expression}");
                }
            }
        }
        let product = nines.parse::<BigUint>().unwrap().pow(2).to_string();
        assert_eq!(shown(&format!("{nines} * {nines}")), product);
    }
}
