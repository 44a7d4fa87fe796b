//! The key of a transaction, which authorises its settlement.
//!
//! The id of a transaction is in logs, recordings and receipts, and so authorises nothing. The key
//! is generated with the id, kept in the machine's journal, and sent to the bank only.

use core::fmt;
use core::str::FromStr;

use crate::refusal::Refusal;

/// 128 random bits; on the wire 32 hexadecimal digits in lower case. The debug form hides them.
/// Keys are compared as numbers, in time independent of where they differ.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Key(u128);

/// The number of digits of a key on the wire.
pub const DIGITS: usize = 32;

impl Key {
    /// The key with these bits, which must be unpredictable.
    pub const fn new(bits: u128) -> Key {
        Key(bits)
    }

    /// The key for the wire, the journal and the ledger. It must be shown nowhere else.
    pub fn reveal(&self) -> impl fmt::Display {
        Revealed(self.0)
    }
}

struct Revealed(u128);

impl fmt::Display for Revealed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:0DIGITS$x}", self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Key(…)")
    }
}

impl FromStr for Key {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Key, Refusal> {
        let is_digit = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if text.len() == DIGITS
            && text.bytes().all(is_digit)
            && let Ok(bits) = u128::from_str_radix(text, 16)
        {
            return Ok(Key(bits));
        }
        // The text itself is left out: it may be a truncated key.
        Err(Refusal::malformed(
            "a key is 32 hexadecimal digits in lower case",
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn a_key_has_one_text_and_is_not_shown_by_accident() {
        let text = "00ff00ff00ff00ff00ff00ff00ff0001";
        let key: Key = text.parse().unwrap();
        assert_eq!(key.reveal().to_string(), text);
        assert_eq!(key, Key::new(0x00ff_00ff_00ff_00ff_00ff_00ff_00ff_0001));
        assert_eq!(format!("{key:?}"), "Key(…)");
        for wrong in [
            "",
            "00ff",
            &text[1..],
            &format!("{text}0"),
            &text.to_uppercase(),
            &format!("+{}", &text[1..]),
            &format!(" {}", &text[1..]),
        ] {
            let refusal = wrong.parse::<Key>().unwrap_err();
            assert!(wrong.len() < 4 || !refusal.words.contains(wrong), "{wrong}");
        }
    }
}
