//! Binary floating-point numbers as Python writes them.

use alloc::string::String;
use alloc::{format, vec};

/// The number as `repr(float)` formats it: the fewest digits that read back as the same double,
/// always with `.0` or an exponent; an exponent from `1e+16` up and below `0.0001`, with a sign and
/// at least two digits; `inf`, `-inf` and `nan`.
pub fn repr(number: f64) -> String {
    if number.is_nan() {
        return "nan".into();
    }
    let sign = if number.is_sign_negative() { "-" } else { "" };
    if number.is_infinite() {
        return format!("{sign}inf");
    }
    let scientific = scientific(number.abs());
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if !(-4..16).contains(&exponent) {
        let direction = if exponent < 0 { '-' } else { '+' };
        return format!("{sign}{mantissa}e{direction}{:02}", exponent.unsigned_abs());
    }
    let digits: String = mantissa.chars().filter(|digit| *digit != '.').collect();
    match usize::try_from(exponent) {
        Ok(whole) if digits.len() > whole + 1 => {
            let (whole, fraction) = digits.split_at(whole + 1);
            format!("{sign}{whole}.{fraction}")
        }
        Ok(whole) => {
            let zeros: String = vec!['0'; whole + 1 - digits.len()].into_iter().collect();
            format!("{sign}{digits}{zeros}.0")
        }
        Err(_) => {
            let zeros = usize::try_from(-1 - exponent).unwrap_or(0);
            let zeros: String = vec!['0'; zeros].into_iter().collect();
            format!("{sign}0.{zeros}{digits}")
        }
    }
}

/// The fewest digits that read back, as `7.384e14`; of those, the ones nearest to the number, and
/// of two as near the even ones.
fn scientific(number: f64) -> String {
    // As few digits as Python's, but of two equally near candidates possibly the odd one.
    let shortest = format!("{number:e}");
    let mantissa = shortest.split('e').next().unwrap_or_default();
    let decimals = mantissa.len().saturating_sub("0.".len());
    // For a given number of digits Rust rounds as Python does. At a power of two the nearest digits
    // may be those of the double below.
    let nearest = format!("{number:.decimals$e}");
    match nearest.parse() {
        Ok(read) if number == read => nearest,
        Ok(_) | Err(_) => shortest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_look_as_python_prints_them() {
        for (number, expected) in [
            (25.0, "25.0"),
            (440_662.0, "440662.0"),
            (500_000.0, "500000.0"),
            (0.0, "0.0"),
            (-0.0, "-0.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.0 / 3.0, "0.3333333333333333"),
            (-2.5, "-2.5"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (0.000_012_5, "1.25e-05"),
            (1e15, "1000000000000000.0"),
            (123_456_789_012_345.6, "123456789012345.6"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (1e16, "1e+16"),
            (1.5e16, "1.5e+16"),
            (1e22, "1e+22"),
            // Halfway between two candidates: the even one.
            (828_352.23 * 891_516_997.0, "738490092547853.2"),
            // The nearest 16 digits read back as the double below.
            (1.0 / 17_592_186_044_416.0, "5.684341886080802e-14"),
            (1e100, "1e+100"),
            (1e-300, "1e-300"),
            (5e-324, "5e-324"),
            (f64::MAX, "1.7976931348623157e+308"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
            (f64::NAN, "nan"),
        ] {
            assert_eq!(repr(number), expected);
        }
    }

    proptest! {
        #[test]
        fn what_is_written_reads_back_as_the_same_number(number in proptest::num::f64::NORMAL) {
            prop_assert_eq!(repr(number).parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }
}
