//! Python's parsing of words and numbers, as far as the printed programs rely on it.
//!
//! Digits of other scripts, which `int` accepts as well, are left out.

use alloc::format;
use alloc::string::String;

use crate::text::Integer;

/// The words of `str.split()`, separated by white space of any kind and length.
pub fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(is_space).filter(|word| !word.is_empty())
}

/// The number that `int` reads: a sign, digits with single underscores among them, and white space
/// around. It is written as `str` would: no plus, no leading zeros, no minus before zero.
pub fn integer(text: &str) -> Option<Integer> {
    let (sign, digits) = signed(text.trim_matches(is_space));
    let digits = digits_of(digits)?;
    let digits = digits.trim_start_matches('0');
    let written = match (digits, sign) {
        ("", _) => "0".into(),
        (_, "-") => format!("-{digits}"),
        (_, _) => digits.into(),
    };
    written.parse().ok()
}

/// The number that `float` reads, in hundredths and exact; too large a one is `i64::MAX` or
/// `i64::MIN`. `None` for what is no number, for `nan` and `inf`, and for a number that is no whole
/// number of hundredths.
pub fn hundredths(text: &str) -> Option<i64> {
    let (sign, number) = signed(text.trim_matches(is_space));
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, power(exponent)?),
        None => (number, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = match (whole, fraction) {
        ("", "") => return None,
        ("", fraction) => digits_of(fraction)?,
        (whole, "") => digits_of(whole)?,
        (whole, fraction) => digits_of(whole)? + &digits_of(fraction)?,
    };
    let decimals = i64::try_from(digits_of(fraction).unwrap_or_default().len()).ok()?;
    let significant = digits.trim_end_matches('0');
    let zeros = i64::try_from(digits.len() - significant.len()).ok()?;
    let significant = significant.trim_start_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    // The number is `significant` times ten to this power, in hundredths.
    let power = exponent + zeros - decimals + 2;
    let power = u32::try_from(power.min(i64::from(u32::MAX)));
    let value = power.ok().map(|power| {
        let scale = 10_i64.checked_pow(power);
        let significant = significant.parse::<i64>().ok();
        scale.and_then(|scale| significant?.checked_mul(scale))
    })?;
    Some(match (value, sign) {
        (Some(value), "-") => -value,
        (Some(value), _) => value,
        (None, "-") => i64::MIN,
        (None, _) => i64::MAX,
    })
}

/// A power of ten, saturating.
fn power(text: &str) -> Option<i64> {
    const MOST: i64 = 1_000_000;
    let (sign, digits) = signed(text);
    let digits = digits_of(digits)?;
    let power = digits.parse().map_or(MOST, |power: i64| power.min(MOST));
    Some(if sign == "-" { -power } else { power })
}

fn signed(text: &str) -> (&str, &str) {
    match text.strip_prefix(['+', '-']) {
        Some(rest) => (&text[..1], rest),
        None => ("", text),
    }
}

/// The digits without their underscores; `None` when it is anything but digits, with at most one
/// underscore between two.
fn digits_of(text: &str) -> Option<String> {
    text.split('_')
        .map(|part| {
            let are_digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            are_digits.then_some(part)
        })
        .collect()
}

/// As `str.isspace`, which includes four control characters that Unicode does not.
fn is_space(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{1c}'..='\u{1f}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    #[test]
    fn words_are_between_white_space_of_any_kind() {
        for (text, expected) in [
            ("check 7 prime", &["check", "7", "prime"][..]),
            (
                "  a\t\nb \u{a0}c\u{1c}d\u{85}e ",
                &["a", "b", "c", "d", "e"],
            ),
            (" \r\n", &[]),
        ] {
            assert_eq!(words(text).collect::<Vec<_>>(), expected, "{text:?}");
        }
    }

    #[test]
    fn integers_are_read_and_written_as_python_does() {
        for (text, expected) in [
            ("7", "7"),
            ("+7", "7"),
            ("-5", "-5"),
            ("007", "7"),
            ("-0", "0"),
            ("000", "0"),
            ("1_000", "1000"),
            (" 12\n", "12"),
            (&"9".repeat(1_000), &"9".repeat(1_000)),
        ] {
            assert_eq!(integer(text).unwrap().to_string(), expected, "{text:?}");
        }
        for text in [
            "", " ", "+", "-", "--1", "+-1", "1.0", "1e3", "_1", "1_", "1__0", "0x10", "1 0",
            "seven",
        ] {
            assert_eq!(integer(text), None, "{text:?}");
        }
    }

    #[test]
    fn amounts_are_read_exactly() {
        for (text, expected) in [
            ("3402.0", 340_200),
            ("3604", 360_400),
            ("1e3", 100_000),
            ("1.5E+2", 15_000),
            ("12345e-2", 12_345),
            ("0.01", 1),
            (".5", 50),
            ("5.", 500),
            ("007.10", 710),
            ("1_000.5_0", 100_050),
            ("3402.5000", 340_250),
            (" +20.50\n", 2_050),
            ("-20.5", -2_050),
            ("0", 0),
            ("-0.0", 0),
            ("0e999999999999999999999", 0),
            ("1e400", i64::MAX),
            ("-1e999999999999999999999", i64::MIN),
            (&"9".repeat(400), i64::MAX),
        ] {
            assert_eq!(hundredths(text), Some(expected), "{text:?}");
        }
        let others = "|.|e3|1e|1e+|abc|nan|inf|-Infinity|1.2.3|1..2|1,5|0.001|1e-3|\
                      1e-999999999999999999999|1_.5|1._5|0x10|1 0|1e1.0";
        for text in others.split('|') {
            assert_eq!(hundredths(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn every_number_of_hundredths_is_read_as_itself(number in -999_999_999_999..=999_999_999_999_i64) {
            let (sign, size) = (if number < 0 { "-" } else { "" }, number.unsigned_abs());
            let text = format!("{sign}{}.{:02}", size / 100, size % 100);
            prop_assert_eq!(hundredths(&text), Some(number));
        }

        #[test]
        fn no_text_makes_a_reader_panic(text in "[-+_.0-9eE ]{0,30}|.*") {
            let _ = (integer(&text), hundredths(&text), words(&text).count());
        }
    }
}
