//! `8:PRIME 97,`: decimal byte length, colon, payload, comma
//! (<https://cr.yp.to/proto/netstrings.txt>).
//!
//! The length is ASCII digits without leading zeros; a sign, a blank or a sixth digit is refused
//! as soon as it arrives, before anything is allocated.

use alloc::format;
use alloc::vec::Vec;
use core::ops::Range;

use super::{DecodeError, Framing, Truncated, number, quoted_bytes};

/// `65536` has five digits.
const MAX_HEADER_DIGITS: usize = 5;

pub(super) fn encode(payload: &[u8], bytes: &mut Vec<u8>) {
    let digits = payload.len().checked_ilog10().unwrap_or(0);
    bytes.reserve(digits as usize + 3 + payload.len());
    let digits = (0..=digits)
        .rev()
        .map(|place| payload.len() / 10_usize.pow(place) % 10);
    bytes.extend(digits.map(|digit| b'0' + digit as u8));
    bytes.push(b':');
    bytes.extend_from_slice(payload);
    bytes.push(b',');
}

/// The payload's place in `waiting`, and the whole netstring's length.
pub(super) fn decode(waiting: &[u8]) -> Result<Option<(Range<usize>, usize)>, DecodeError> {
    let Some((start, length)) = header(waiting)? else {
        return Ok(None);
    };
    let end = start + length;
    match waiting.get(end) {
        None => Ok(None),
        Some(b',') => Ok(Some((start..end, end + 1))),
        Some(other) => Err(DecodeError::Malformed(format!(
            "a netstring of {length} bytes ends with a comma, not {}",
            quoted_bytes(&[*other])
        ))),
    }
}

pub(super) fn truncated(waiting: &[u8]) -> Truncated {
    match header(waiting) {
        Ok(Some((start, length))) if waiting.len() - start < length => {
            Truncated::in_payload(waiting.len() - start, length)
        }
        Ok(Some((_, length))) => Truncated(format!(
            "before the comma that ends a {length}-byte message"
        )),
        Ok(None) | Err(_) => Truncated::in_header(waiting.len()),
    }
}

/// Where the payload starts, and its length.
fn header(waiting: &[u8]) -> Result<Option<(usize, usize)>, DecodeError> {
    let framing = Framing::Netstring;
    let digits = waiting
        .iter()
        .take_while(|byte| byte.is_ascii_digit())
        .count();
    let leading_zero = digits > 1 && waiting[0] == b'0';
    match waiting.get(digits) {
        _ if leading_zero => Err(bad_header(waiting)),
        _ if digits > MAX_HEADER_DIGITS => Err(DecodeError::TooLong { framing }),
        None => Ok(None),
        Some(b':') if digits > 0 => {
            let length = number(&waiting[..digits]);
            if length > framing.max_payload() {
                return Err(DecodeError::TooLong { framing });
            }
            Ok(Some((digits + 1, length)))
        }
        Some(_) => Err(bad_header(waiting)),
    }
}

fn bad_header(waiting: &[u8]) -> DecodeError {
    DecodeError::Malformed(format!(
        "netstring framing begins with a byte length and a colon, as in `2:hi,`, not {}",
        quoted_bytes(&waiting[..waiting.len().min(16)])
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_these_exact_bytes() {
        for (payload, expected) in [
            (&b""[..], &b"0:,"[..]),
            (b"hello world!", b"12:hello world!,"),
            (b"\0,:", b"3:\0,:,"),
        ] {
            let mut bytes = Vec::new();
            encode(payload, &mut bytes);
            assert_eq!(bytes, expected);
            let (place, length) = decode(&bytes).unwrap().unwrap();
            assert_eq!((&bytes[place], length), (payload, bytes.len()));
        }
    }

    #[test]
    fn a_length_is_ascii_digits_alone() {
        for bytes in [
            "+12:", " 12:", "-1:", "1_0:", "012:", "00:", ":", "x", "1 2:", "٣:", "0x1:",
        ] {
            let error = decode(bytes.as_bytes()).unwrap_err();
            assert!(
                matches!(error, DecodeError::Malformed(_)),
                "{bytes:?}: {error}"
            );
            assert!(error.is_fatal());
        }
    }

    #[test]
    fn a_giant_length_is_refused_before_its_colon_comes() {
        for bytes in ["65537:", "99999:", "100000", "999999999999999999999999999"] {
            let error = decode(bytes.as_bytes()).unwrap_err();
            assert_eq!(
                error,
                DecodeError::TooLong {
                    framing: Framing::Netstring
                },
                "{bytes}"
            );
        }
        assert_eq!(decode(b"65536:"), Ok(None));
    }

    #[test]
    fn the_comma_must_be_there() {
        let words = "a netstring of 1 bytes ends with a comma, not \"b\"";
        assert_eq!(decode(b"1:ab"), Err(DecodeError::Malformed(words.into())));
    }
}
