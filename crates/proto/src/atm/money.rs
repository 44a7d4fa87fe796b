//! Money: a whole number of hundredths, so that nothing is rounded.
//!
//! Read from decimal text digit by digit: `500`, `20.5` and `20.50`, at most two decimals. A sign,
//! an exponent, a blank, a point without digits on both sides and digits of other scripts are
//! refused. Always written with two decimals: `500.00`.

use core::fmt;
use core::str::FromStr;

use crate::printable::quoted;
use crate::refusal::{Code, Refusal};

/// An amount of money that may be zero but not negative, such as a balance.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money(i64);

impl Money {
    /// Nothing.
    pub const ZERO: Money = Money(0);

    /// The largest sum, 9999999999.99: twelve digits, as in the amount field of ISO 8583. An `i64`
    /// holds nine million times as much, so adding up the balances of a bank cannot overflow.
    pub const MAX: Money = Money(999_999_999_999);

    /// Money from hundredths; `None` below zero and above [`Money::MAX`].
    pub fn from_minor(hundredths: i64) -> Option<Money> {
        (0..=Money::MAX.0)
            .contains(&hundredths)
            .then_some(Money(hundredths))
    }

    /// The number of hundredths.
    pub fn minor(self) -> i64 {
        self.0
    }

    /// The sum; `None` above [`Money::MAX`].
    pub fn checked_add(self, other: Money) -> Option<Money> {
        self.0.checked_add(other.0).and_then(Money::from_minor)
    }

    /// The difference; `None` below zero.
    pub fn checked_sub(self, other: Money) -> Option<Money> {
        self.0.checked_sub(other.0).and_then(Money::from_minor)
    }
}

/// The amount of a transaction: positive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Amount(Money);

impl Amount {
    /// An amount; `None` for zero.
    pub fn new(money: Money) -> Option<Amount> {
        (money > Money::ZERO).then_some(Amount(money))
    }

    /// The same as plain money.
    pub fn money(self) -> Money {
        self.0
    }
}

impl FromStr for Money {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Money, Refusal> {
        let malformed = || {
            let words = alloc::format!(
                "money is digits with at most two decimals, as in 20.50, not {}",
                quoted(text)
            );
            Refusal::malformed(words)
        };
        let (units, hundredths) = match text.split_once('.') {
            None => (text, 0),
            Some((units, decimals)) => {
                let scale = match decimals.len() {
                    1 => 10,
                    2 => 1,
                    _ => return Err(malformed()),
                };
                (
                    units,
                    digits(decimals).ok_or_else(malformed)?.unwrap_or(0) * scale,
                )
            }
        };
        let units = digits(units).ok_or_else(malformed)?;
        units
            .and_then(|units| units.checked_mul(100)?.checked_add(hundredths))
            .and_then(Money::from_minor)
            .ok_or_else(|| {
                let words = alloc::format!("the largest sum is {}", Money::MAX);
                Refusal::new(Code::OutOfRange, words)
            })
    }
}

impl FromStr for Amount {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Amount, Refusal> {
        let nothing = || Refusal::new(Code::OutOfRange, "the amount must be more than 0.00");
        Amount::new(text.parse()?).ok_or_else(nothing)
    }
}

/// The number written with these ASCII digits: `None` when they are no digits, `Some(None)` when
/// the number is too large.
fn digits(text: &str) -> Option<Option<i64>> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().ok())
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Through `pad`, so that a width lines up the columns of a table.
        f.pad(&alloc::format!("{}.{:02}", self.0 / 100, self.0 % 100))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use proptest::prelude::*;

    fn money(text: &str) -> Result<Money, Code> {
        text.parse::<Money>().map_err(|refusal| refusal.code)
    }

    #[test]
    fn decimal_text_is_read_to_the_hundredth() {
        for (text, hundredths) in [
            ("500", 50_000),
            ("20.5", 2_050),
            ("20.50", 2_050),
            ("0", 0),
            ("0.01", 1),
            ("007", 700),
            ("9999999999.99", 999_999_999_999),
        ] {
            assert_eq!(money(text).map(Money::minor), Ok(hundredths), "{text}");
        }
    }

    #[test]
    fn what_is_no_plain_decimal_is_malformed() {
        for text in [
            "", " ", "+5", "-5", "-0", "5 ", " 5", "5.", ".5", ".", "1.234", "1..2", "1.2.3",
            "1e3", "1_000", "1,50", "0x10", "NaN", "inf", "٣", "5.٣", "½", "5.-1", "5.+1",
        ] {
            assert_eq!(money(text), Err(Code::Malformed), "{text:?}");
        }
    }

    #[test]
    fn more_than_twelve_digits_are_out_of_range() {
        for text in [
            "10000000000",
            "10000000000.00",
            "92233720368547758.08",
            &"9".repeat(500),
        ] {
            assert_eq!(money(text), Err(Code::OutOfRange), "{text:?}");
        }
        assert_eq!(Money::from_minor(-1), None);
        assert_eq!(Money::MAX.checked_add(Money(1)), None);
        assert_eq!(Money::ZERO.checked_sub(Money(1)), None);
    }

    #[test]
    fn an_amount_is_more_than_nothing() {
        assert_eq!("0.01".parse::<Amount>().unwrap().money(), Money(1));
        for text in ["0", "0.0", "0.00"] {
            let refusal = text.parse::<Amount>().unwrap_err();
            assert_eq!(refusal.code, Code::OutOfRange, "{text}");
        }
    }

    #[test]
    fn money_is_written_with_two_decimals() {
        assert_eq!(Money(1_000_000).to_string(), "10000.00");
        assert_eq!(Money(5).to_string(), "0.05");
        assert_eq!(Amount(Money(2_050)).to_string(), "20.50");
        assert_eq!(alloc::format!("{:>8}|", Money(5)), "    0.05|");
    }

    proptest! {
        #[test]
        fn money_survives_the_wire(hundredths in 0..=Money::MAX.0) {
            prop_assert_eq!(money(&Money(hundredths).to_string()), Ok(Money(hundredths)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "[0-9.+-]{0,30}|.*") {
            let _ = text.parse::<Amount>();
        }
    }
}
