//! A customer: a card number, a PIN, and the name on the account.
//!
//! Except on the wire, a card number is shown masked and a PIN not at all: their `Debug` forms are
//! safe to log.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::str::FromStr;

use crate::printable::{is_unsafe, quoted};
use crate::refusal::{Code, Refusal};

/// A card number: 6 to 19 ASCII digits, the longest that ISO/IEC 7812 allows. `Display` is the
/// form on the wire; for a log there is [`masked`](CardNumber::masked).
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CardNumber(String);

impl CardNumber {
    /// Fewest digits.
    pub const MIN_LEN: usize = 6;
    /// Most digits.
    pub const MAX_LEN: usize = 19;

    /// The maximal length of a number [of free form](CardNumber::free_form).
    pub const MAX_FREE_FORM_LEN: usize = 64;

    /// The number of a card in the hand-outs' banks: 1 to 64 visible ASCII characters. A ledger in
    /// memory stores it; one on disk stores [standard](CardNumber::is_standard) numbers only.
    pub fn free_form(text: &str) -> Option<CardNumber> {
        let fits = (1..=CardNumber::MAX_FREE_FORM_LEN).contains(&text.len());
        (fits && text.bytes().all(|byte| byte.is_ascii_graphic()))
            .then(|| CardNumber(text.to_owned()))
    }

    /// Whether this is a number of 6 to 19 digits, as all that `FromStr` accepts.
    pub fn is_standard(&self) -> bool {
        digits(&self.0, CardNumber::MIN_LEN, CardNumber::MAX_LEN).is_some()
    }

    /// All the digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The number with all but the last four digits as stars: `*****6789`. One that is not
    /// [standard](CardNumber::is_standard) is all stars, because it may be a PIN typed by mistake.
    pub fn masked(&self) -> String {
        let shown = if self.is_standard() { 4 } else { 0 };
        let hidden = self.0.len().saturating_sub(shown);
        "*".repeat(hidden) + self.0.get(hidden..).unwrap_or_default()
    }
}

/// A PIN: 4 to 12 ASCII digits, as ISO 9564 has it.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Pin(String);

impl Pin {
    /// Fewest digits.
    pub const MIN_LEN: usize = 4;
    /// Most digits.
    pub const MAX_LEN: usize = 12;

    /// A password in place of a PIN, as the hand-outs' cash machine has it: 1 to 1,024
    /// bytes of any text, since it is only hashed.
    pub fn password(text: &str) -> Option<Pin> {
        (1..=1024)
            .contains(&text.len())
            .then(|| Pin(text.to_owned()))
    }

    /// The digits, to be hashed or sent, or shown for the demonstration accounts.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

/// The holder of an account: 1 to 64 characters safe to show, with no blank at either end.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Holder(String);

impl Holder {
    /// Most characters: a receipt has one line for it.
    pub const MAX_CHARS: usize = 64;

    /// The name as it was given.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for CardNumber {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<CardNumber, Refusal> {
        // The text itself is left out: it may be a PIN typed by mistake.
        digits(text, CardNumber::MIN_LEN, CardNumber::MAX_LEN)
            .map(CardNumber)
            .ok_or_else(|| Refusal::malformed("a card number has 6 to 19 digits"))
    }
}

impl FromStr for Pin {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Pin, Refusal> {
        digits(text, Pin::MIN_LEN, Pin::MAX_LEN)
            .map(Pin)
            .ok_or_else(|| Refusal::malformed("a PIN has 4 to 12 digits"))
    }
}

impl FromStr for Holder {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Holder, Refusal> {
        if text.is_empty() {
            return Err(Refusal::malformed("the holder's name is missing"));
        }
        if text.chars().count() > Holder::MAX_CHARS {
            let words = alloc::format!(
                "a holder's name has at most {} characters",
                Holder::MAX_CHARS
            );
            return Err(Refusal::new(Code::TooLong, words));
        }
        if text.trim() != text || text.chars().any(is_unsafe) {
            let words = alloc::format!(
                "a holder's name has visible characters and no blank at either end, not {}",
                quoted(text)
            );
            return Err(Refusal::malformed(words));
        }
        Ok(Holder(text.to_owned()))
    }
}

fn digits(text: &str, min: usize, max: usize) -> Option<String> {
    let allowed = (min..=max).contains(&text.len());
    (allowed && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.to_owned())
}

impl fmt::Display for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl fmt::Debug for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CardNumber({})", self.masked())
    }
}

impl fmt::Debug for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pin(…)")
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn a_card_number_has_six_to_nineteen_digits() {
        for text in ["123456", "123456789", "0000000000000000001"] {
            assert_eq!(text.parse::<CardNumber>().unwrap().to_string(), text);
        }
        for text in "|12345|12345678901234567890|12345a|123 456|+123456|١٢٣٤٥٦".split('|') {
            let refusal = text.parse::<CardNumber>().unwrap_err();
            assert_eq!(refusal.code, Code::Malformed, "{text:?}");
        }
    }

    #[test]
    fn a_pin_has_four_to_twelve_digits() {
        for text in ["0000", "123456789012"] {
            assert_eq!(text.parse::<Pin>().unwrap().reveal(), text);
        }
        for text in ["", "123", "1234567890123", "12 34", "-1234", "١٢٣٤"] {
            let refusal = text.parse::<Pin>().unwrap_err();
            assert_eq!(refusal.code, Code::Malformed, "{text:?}");
        }
    }

    #[test]
    fn a_bank_of_another_kind_has_cards_and_passwords_of_other_forms() {
        for text in ["1", "111", "abc-7", &"9".repeat(64)] {
            let card = CardNumber::free_form(text).unwrap();
            assert_eq!(card.as_str(), text);
            assert!(!card.is_standard(), "{text}");
        }
        assert!(CardNumber::free_form("123456").unwrap().is_standard());
        for text in ["", "1 2", "a\n", "\u{663}", &"9".repeat(65)] {
            assert_eq!(CardNumber::free_form(text), None, "{text:?}");
        }
        for text in ["x", "pw9", "two words", "\u{663}", &"p".repeat(1_024)] {
            assert_eq!(Pin::password(text).unwrap().reveal(), text);
        }
        assert_eq!(Pin::password(""), None);
        assert_eq!(Pin::password(&"p".repeat(1_025)), None);
    }

    #[test]
    fn a_holder_is_one_printable_line() {
        for text in [
            "J",
            "Joty Saha",
            "শ্রী জয়তী",
            "O'Brien, Ann",
            &"é".repeat(64),
        ] {
            assert_eq!(text.parse::<Holder>().unwrap().to_string(), text);
        }
        let texts = "| | Joty|Joty |a\nb|\u{1b}[2J|a\u{202e}b";
        for text in texts.split('|').chain([&*"é".repeat(65)]) {
            assert!(text.parse::<Holder>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_log_shows_four_digits_of_the_card_and_none_of_the_pin() {
        let card: CardNumber = "123456789".parse().unwrap();
        assert_eq!(card.masked(), "*****6789");
        assert_eq!(alloc::format!("{card:?}"), "CardNumber(*****6789)");
        assert_eq!("123456".parse::<CardNumber>().unwrap().masked(), "**3456");
        let other = |text| CardNumber::free_form(text).unwrap().masked();
        assert_eq!(
            (other("1234"), other("pw-9x")),
            ("****".into(), "*****".into())
        );
        let pin: Pin = "9271".parse().unwrap();
        assert!(!alloc::format!("{pin:?}").contains(|c: char| c.is_ascii_digit()));
    }

    #[test]
    fn a_refusal_does_not_repeat_what_may_be_a_pin() {
        let refusal = "9271".parse::<CardNumber>().unwrap_err();
        assert!(!refusal.words.contains("9271"));
        assert!(!"92x71".parse::<Pin>().unwrap_err().words.contains("92"));
    }
}
