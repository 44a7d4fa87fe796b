//! Bytes in a line of a recording: a string with one character for each byte, U+0000 to U+00FF.
//!
//! What is ASCII can be read as it is, everything is exact, and every language has the way back: in
//! Python `text.encode("latin-1")`, in JavaScript `charCodeAt`, in jq `explode`.

use std::fmt;

use serde::de::{Error, Unexpected, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Bytes, written as a string with one character for each.
#[derive(Clone, PartialEq, Eq, Hash, Default)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// The bytes as text: what is not printable ASCII as `\xNN`.
    pub fn escaped(&self) -> String {
        self.0.escape_ascii().to_string()
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match str::from_utf8(&self.0) {
            Ok(text) if self.0.is_ascii() => serializer.serialize_str(text),
            _ => serializer.collect_str(self),
        }
    }
}

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Bytes, D::Error> {
        deserializer.deserialize_str(Characters)
    }
}

struct Characters;

impl Visitor<'_> for Characters {
    type Value = Bytes;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of characters up to U+00FF, one for each byte")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Bytes, E> {
        let bytes: Result<Vec<u8>, _> = text.chars().map(u8::try_from).collect();
        bytes
            .map(Bytes)
            .map_err(|_| E::invalid_value(Unexpected::Str(text), &self))
    }
}

/// One character for each byte.
impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|byte| fmt::Write::write_char(f, char::from(*byte)))
    }
}

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

impl From<&[u8]> for Bytes {
    fn from(bytes: &[u8]) -> Bytes {
        Bytes(bytes.to_vec())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_is_itself_and_every_other_byte_the_character_of_its_number() {
        for (bytes, json) in [
            (&b"8:PRIME 97,"[..], r#""8:PRIME 97,""#),
            (b"a\r\n", r#""a\r\n""#),
            (b"\x00\"\xe9\xff", "\"\\u0000\\\"\u{e9}\u{ff}\""),
            (b"", "\"\""),
        ] {
            assert_eq!(serde_json::to_string(&Bytes::from(bytes)).unwrap(), json);
        }
    }

    #[test]
    fn a_character_that_is_no_byte_is_refused() {
        let error = serde_json::from_str::<Bytes>("\"\u{100}\"").unwrap_err();
        assert!(error.to_string().contains("U+00FF"), "{error}");
    }
}
