//! The requests of the table, and what is a right answer to each.

use std::io::Write;

use uuid::Uuid;

/// What was received in answer to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The whole answer and nothing more.
    Right,
    /// The beginning of an answer.
    Incomplete,
    /// Anything else.
    Wrong,
}

/// A request of one client, made anew each time it is asked.
pub trait Question {
    /// Writes the next request.
    fn write(&mut self, request: &mut Vec<u8>);

    /// Judges what has been received since.
    fn judge(&self, received: &[u8]) -> Verdict;
}

/// A request that is the same every time.
#[derive(Debug, Clone, Copy)]
pub struct Fixed {
    /// The bytes sent.
    pub request: &'static [u8],
    /// The bytes of the answer.
    pub answer: &'static [u8],
}

/// Text in lower case, framed as netstrings.
pub const LOWER: Fixed = Fixed {
    request: b"22:LOWER HELLO World abcd,",
    answer: b"19:OK hello world abcd,",
};

/// What `labserver --mode text` sends first.
pub const TEXT_READY: &[u8] = b"12:READY text 1,";

/// Sixteen bytes, returned.
pub const SIXTEEN: Fixed = Fixed {
    request: b"0123456789abcdef",
    answer: b"0123456789abcdef",
};

impl Question for Fixed {
    fn write(&mut self, request: &mut Vec<u8>) {
        request.extend_from_slice(self.request);
    }

    fn judge(&self, received: &[u8]) -> Verdict {
        if received == self.answer {
            Verdict::Right
        } else if self.answer.starts_with(received) {
            Verdict::Incomplete
        } else {
            Verdict::Wrong
        }
    }
}

/// The time of day, in one datagram.
#[derive(Debug, Clone, Copy)]
pub struct Time;

/// An answer to [`Time`]; the digits are those of any time.
pub const TIME_ANSWER: &[u8] = b"OK 00:00:00";

impl Question for Time {
    fn write(&mut self, request: &mut Vec<u8>) {
        request.extend_from_slice(b"SEND_TIME");
    }

    fn judge(&self, received: &[u8]) -> Verdict {
        let alike = |(byte, model): (&u8, &u8)| match model {
            b'0' => byte.is_ascii_digit(),
            _ => byte == model,
        };
        let is_time = received.len() == TIME_ANSWER.len();
        match is_time && received.iter().zip(TIME_ANSWER).all(alike) {
            true => Verdict::Right,
            false => Verdict::Wrong,
        }
    }
}

/// Five from the account that is logged in, under a new id each time.
#[derive(Debug, Default)]
pub struct Withdrawal {
    /// Of the last request.
    pub id: String,
}

impl Question for Withdrawal {
    fn write(&mut self, request: &mut Vec<u8>) {
        self.id = format!("WITH_{}", Uuid::now_v7());
        frame(request, &format!("WITHDRAW {} 5", self.id));
    }

    fn judge(&self, received: &[u8]) -> Verdict {
        answer_begins(received, &format!("OK {} held 5.00, available ", self.id))
    }
}

/// Whether the answer is one that begins so.
pub fn answer_begins(received: &[u8], right: &str) -> Verdict {
    match unframe(received) {
        None => Verdict::Incomplete,
        Some(Some(answer)) if answer.starts_with(right.as_bytes()) => Verdict::Right,
        Some(_) => Verdict::Wrong,
    }
}

/// Appends a message as a netstring.
pub fn frame(bytes: &mut Vec<u8>, message: &str) {
    // Writing to a vector does not fail.
    let _ = write!(bytes, "{}:{message},", message.len());
}

/// The payload of exactly one netstring: `None` if more bytes are needed, `Some(None)` if the bytes
/// are not one.
pub fn unframe(bytes: &[u8]) -> Option<Option<&[u8]>> {
    let digits = bytes.iter().take_while(|byte| byte.is_ascii_digit());
    let digits = digits.count();
    if digits == bytes.len() && digits < 6 {
        return None;
    }
    let length = std::str::from_utf8(&bytes[..digits]).ok();
    let Some(length) = length.and_then(|length| length.parse::<usize>().ok()) else {
        return Some(None);
    };
    let rest = &bytes[digits..];
    if rest.first() != Some(&b':') {
        return Some(None);
    }
    match rest[1..].split_at_checked(length) {
        None | Some((_, [])) => None,
        Some((payload, b",")) => Some(Some(payload)),
        Some(_) => Some(None),
    }
}
