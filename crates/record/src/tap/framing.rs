//! Where a message begins and ends in its bytes, also in bytes that make none.

use std::num::NonZeroUsize;
use std::ops::Range;

use crate::event::FramingName;

/// Where the message is in its bytes on the wire. Of bytes that make none, what does not look like
/// a header.
pub fn payload(framing: FramingName, bytes: &[u8]) -> Range<usize> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let (start, end) = match framing {
        FramingName::Netstring => {
            let digits = digits.count();
            let start = digits + usize::from(bytes.get(digits) == Some(&b':'));
            (start, bytes.len() - usize::from(bytes.ends_with(b",")))
        }
        FramingName::Len3 => (digits.take(3).count(), bytes.len()),
        FramingName::Line => {
            let line = bytes.strip_suffix(b"\n").unwrap_or(bytes);
            (0, line.strip_suffix(b"\r").unwrap_or(line).len())
        }
        FramingName::Raw | FramingName::Stream | FramingName::Datagram => (0, bytes.len()),
    };
    start..end.max(start)
}

/// Whether these bytes are a message, no more and no less.
pub fn is_one_message(framing: FramingName, bytes: &[u8]) -> bool {
    match framing {
        FramingName::Netstring | FramingName::Len3 | FramingName::Line => {
            needed(framing, bytes, None) == Some(bytes.len())
        }
        FramingName::Raw | FramingName::Stream | FramingName::Datagram => true,
    }
}

/// How many bytes the first message of these has, framing included, if that is known yet.
pub fn needed(framing: FramingName, here: &[u8], length: Option<NonZeroUsize>) -> Option<usize> {
    let number = |digits: &[u8]| str::from_utf8(digits).ok()?.parse::<usize>().ok();
    match framing {
        FramingName::Netstring => {
            let colon = here.iter().take(6).position(|byte| *byte == b':')?;
            Some(number(&here[..colon])? + colon + 2)
        }
        FramingName::Len3 => Some(number(here.get(..3)?)? + 3),
        FramingName::Line => Some(here.iter().position(|byte| *byte == b'\n')? + 1),
        FramingName::Raw => length.map(NonZeroUsize::get),
        FramingName::Stream | FramingName::Datagram => None,
    }
}
