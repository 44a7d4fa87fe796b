//! `008PRIME 97`: exactly three decimal digits, then that many bytes, at most 255.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use super::{DecodeError, Framing, Truncated, number, quoted_bytes};

const HEADER_LEN: usize = 3;

pub(super) fn encode(payload: &[u8], bytes: &mut Vec<u8>) {
    bytes.extend_from_slice(format!("{:03}", payload.len()).as_bytes());
    bytes.extend_from_slice(payload);
}

/// The payload's place in `waiting`, and the whole message's length.
pub(super) fn decode(waiting: &[u8]) -> Result<Option<(Range<usize>, usize)>, DecodeError> {
    let Some(length) = header(waiting)? else {
        return Ok(None);
    };
    let end = HEADER_LEN + length;
    Ok((waiting.len() >= end).then_some((HEADER_LEN..end, end)))
}

pub(super) fn truncated(waiting: &[u8]) -> Truncated {
    match header(waiting) {
        Ok(Some(length)) => Truncated::in_payload(waiting.len() - HEADER_LEN, length),
        Ok(None) | Err(_) => Truncated::in_header(waiting.len()),
    }
}

fn header(waiting: &[u8]) -> Result<Option<usize>, DecodeError> {
    let digits = &waiting[..waiting.len().min(HEADER_LEN)];
    if !digits.iter().all(u8::is_ascii_digit) {
        return Err(DecodeError::Malformed(format!(
            "len3 framing begins with three digits, as in `002hi`, not {}",
            quoted_bytes(digits)
        )));
    }
    if digits.len() < HEADER_LEN {
        return Ok(None);
    }
    let length = number(digits);
    if length > Framing::Len3.max_payload() {
        return Err(DecodeError::TooLong {
            framing: Framing::Len3,
        });
    }
    Ok(Some(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_these_exact_bytes() {
        for (payload, expected) in [
            (&b""[..], &b"000"[..]),
            (b"hello", b"005hello"),
            (b"017\r\n", b"005017\r\n"),
            ("é".as_bytes(), b"002\xc3\xa9"),
        ] {
            let mut bytes = Vec::new();
            encode(payload, &mut bytes);
            assert_eq!(bytes, expected);
            let (place, length) = decode(&bytes).unwrap().unwrap();
            assert_eq!((&bytes[place], length), (payload, bytes.len()));
        }
    }

    #[test]
    fn a_length_is_three_ascii_digits_alone() {
        for bytes in ["+12", " 12", "1_0", "12:", "x", "-01", "٣٣"] {
            let error = decode(bytes.as_bytes()).unwrap_err();
            assert!(matches!(error, DecodeError::Malformed(_)), "{bytes:?}");
            assert!(error.is_fatal());
        }
    }

    #[test]
    fn lengths_from_256_to_999_are_refused() {
        for length in ["256", "300", "999"] {
            let error = decode(length.as_bytes()).unwrap_err();
            assert_eq!(
                error,
                DecodeError::TooLong {
                    framing: Framing::Len3
                }
            );
        }
        assert_eq!(decode(b"255"), Ok(None));
    }
}
