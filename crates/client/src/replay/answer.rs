//! What a server said, or is expected to say.

use super::bytes::shown;

/// What comes from a server next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// A message, without its framing. A byte of a secret in a recording is a `*`.
    Message(Vec<u8>),
    /// Bytes that are no message.
    Unreadable,
    /// The end of the stream.
    Ended,
    /// The connection broke.
    Broken(String),
    /// Nothing.
    Silence,
}

impl Answer {
    /// The answer in a line.
    pub fn in_words(&self) -> String {
        match self {
            Answer::Message(message) if message.is_empty() => "(an empty message)".into(),
            Answer::Message(message) => shown(message),
            Answer::Unreadable => "(bytes that are no message)".into(),
            Answer::Ended => "(the server closes)".into(),
            Answer::Broken(words) => format!("({words})"),
            Answer::Silence => "(nothing)".into(),
        }
    }
}

/// Whether the answer that came is the one that was recorded.
pub fn matches(expected: &Answer, came: &Answer) -> bool {
    match (expected, came) {
        (Answer::Message(expected), Answer::Message(came)) => {
            first_difference(expected, came).is_none()
        }
        (expected, came) => expected == came,
    }
}

/// The first byte in which the message that came differs from the recorded one. A `*` of the
/// recording may stand for any byte, since it may mask a secret.
pub fn first_difference(expected: &[u8], came: &[u8]) -> Option<usize> {
    let mut both = expected.iter().zip(came);
    let differs = both.position(|(expected, came)| expected != came && *expected != b'*');
    let shorter = expected.len().min(came.len());
    differs.or_else(|| (expected.len() != came.len()).then_some(shorter))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_byte_that_differs_is_found_and_a_masked_one_does_not() {
        for (expected, came, difference) in [
            (&b"OK 1"[..], &b"OK 1"[..], None),
            (b"OK 1", b"OK 2", Some(3)),
            (b"OK", b"OK 2", Some(2)),
            (b"OK 2", b"OK", Some(2)),
            (b"PIN ****", b"PIN 1234", None),
            (b"", b"", None),
        ] {
            assert_eq!(first_difference(expected, came), difference);
        }
        let message = || Answer::Message(b"OK".to_vec());
        assert!(matches(&message(), &message()));
        assert!(!matches(&message(), &Answer::Ended));
        assert!(matches(&Answer::Ended, &Answer::Ended));
    }
}
