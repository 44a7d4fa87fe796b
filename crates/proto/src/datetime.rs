//! Date and time, over UDP, stateless.
//!
//! `SEND_DATE` → `OK 2026-11-21`; `SEND_TIME` → `OK 07:44:16`: the server's local time, ISO 8601,
//! 24 hours, zero-padded. White space around a request is ignored, since tools add line breaks. An
//! answer shows by its form which of the two it is, so a client can recognise a late one. Refusals
//! are `ERR code` without words, so that no answer is much longer than its request.

use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::refusal::Refusal;
use crate::request::{self, QUIT};

/// A request to the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Request {
    /// Today's date.
    Date,
    /// The time of day.
    Time,
    /// The end of the conversation; there is no session, so it is not answered.
    Quit,
}

/// An answer of the clock, after `OK`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// `2026-11-21`: ISO 8601 calendar date, years 0 to 9999.
    Date {
        /// 0..=9999.
        year: u16,
        /// 1..=12.
        month: u8,
        /// 1..=31.
        day: u8,
    },
    /// `07:44:16`: ISO 8601 time of day.
    Time {
        /// 0..=23.
        hour: u8,
        /// 0..=59.
        minute: u8,
        /// 0..=60: a leap second is legal.
        second: u8,
    },
}

impl FromStr for Request {
    type Err = Refusal;

    fn from_str(message: &str) -> Result<Request, Refusal> {
        match message.trim_ascii() {
            "SEND_DATE" => Ok(Request::Date),
            "SEND_TIME" => Ok(Request::Time),
            QUIT => Ok(Request::Quit),
            other => Err(Refusal::unknown_verb(other, "SEND_DATE, SEND_TIME, QUIT")),
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Request::Date => "SEND_DATE",
            Request::Time => "SEND_TIME",
            Request::Quit => QUIT,
        })
    }
}

impl request::Request for Request {
    const QUIT: Request = Request::Quit;

    type Answer = Answer;

    fn answer(&self, arguments: &str) -> Option<Answer> {
        match self {
            Request::Date => {
                let [year, month, day] = numbers(arguments, '-', [4, 2, 2])?;
                let (month, day) = (month as u8, day as u8);
                let fits = (1..=12).contains(&month) && (1..=31).contains(&day);
                fits.then_some(Answer::Date { year, month, day })
            }
            Request::Time => {
                let [hour, minute, second] = numbers(arguments, ':', [2, 2, 2])?;
                let fits = hour <= 23 && minute <= 59 && second <= 60;
                fits.then_some(Answer::Time {
                    hour: hour as u8,
                    minute: minute as u8,
                    second: second as u8,
                })
            }
            Request::Quit => None,
        }
    }

    fn answers(&self) -> Vec<String> {
        match self {
            Request::Date => vec!["OK YYYY-MM-DD".into()],
            Request::Time => vec!["OK HH:MM:SS".into()],
            Request::Quit => Vec::new(),
        }
    }
}

/// Three numbers of exactly these widths with this separator between them.
fn numbers(text: &str, separator: char, widths: [usize; 3]) -> Option<[u16; 3]> {
    let mut parts = text.split(separator);
    let mut numbers = [0; 3];
    for (number, width) in numbers.iter_mut().zip(widths) {
        let digits = parts.next()?;
        if digits.len() != width || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        *number = digits.parse().ok()?;
    }
    parts.next().is_none().then_some(numbers)
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Answer::Date { year, month, day } => write!(f, "{year:04}-{month:02}-{day:02}"),
            Answer::Time {
                hour,
                minute,
                second,
            } => write!(f, "{hour:02}:{minute:02}:{second:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Code;
    use crate::request::Request as _;
    use alloc::string::ToString;
    use proptest::prelude::*;

    #[test]
    fn requests_have_these_exact_bytes_and_white_space_around_them_is_ignored() {
        for (request, bytes) in [
            (Request::Date, "SEND_DATE"),
            (Request::Time, "SEND_TIME"),
            (Request::Quit, "QUIT"),
        ] {
            assert_eq!(request.to_string(), bytes);
            assert_eq!(bytes.parse(), Ok(request));
            assert_eq!(alloc::format!(" {bytes}\r\n").parse(), Ok(request));
        }
        for text in ["", "send_date", "SEND_DATE please", "SEND DATE", "q"] {
            let refusal = text.parse::<Request>().unwrap_err();
            assert_eq!(refusal.code, Code::UnknownVerb, "{text:?}");
        }
    }

    #[test]
    fn answers_are_zero_padded() {
        let (year, month, day) = (33, 4, 5);
        let date = Answer::Date { year, month, day };
        assert_eq!(date.to_string(), "0033-04-05");
        let (hour, minute, second) = (7, 4, 0);
        let time = Answer::Time {
            hour,
            minute,
            second,
        };
        assert_eq!(time.to_string(), "07:04:00");
    }

    #[test]
    fn a_date_never_passes_for_a_time_and_nonsense_for_neither() {
        assert!(Request::Date.answer("2026-11-21").is_some());
        assert!(Request::Time.answer("23:59:60").is_some());
        assert_eq!(Request::Time.answer("2026-11-21"), None);
        let times = "|07:44|7:44:16|24:00:00|07:60:00|+7:44:16|07:44:16:00";
        for text in times.split('|') {
            assert_eq!(Request::Time.answer(text), None, "{text}");
        }
        let dates = "2026-13-01|2026-00-01|2026-01-32|26-01-01|2026-1-1|٢٠٢٦-01-01";
        for text in dates.split('|') {
            assert_eq!(Request::Date.answer(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn every_answer_survives_the_wire(
            year in 0u16..10_000, month in 1u8..13, day in 1u8..32,
            hour in 0u8..24, minute in 0u8..60, second in 0u8..61,
        ) {
            let (date, time) = (Answer::Date { year, month, day }, Answer::Time { hour, minute, second });
            prop_assert_eq!(Request::Date.answer(&date.to_string()), Some(date));
            prop_assert_eq!(Request::Time.answer(&time.to_string()), Some(time));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in ".*") {
            let _ = text.parse::<Request>();
            let _ = Request::Date.answer(&text);
            let _ = Request::Time.answer(&text);
        }
    }
}
