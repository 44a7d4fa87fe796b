//! Lab 002: date and time over UDP. `SEND_DATE` → `2026-11-21`, `SEND_TIME` → `07:44:16`, `q` → no
//! answer, anything else → `Invalid request`. White space around a request is ignored.

use alloc::string::{String, ToString};

use crate::datetime::{Answer, Request};
use crate::reply;
use crate::request::Request as _;

/// The answer to anything that is not a request.
pub const INVALID: &str = "Invalid request";

/// The known requests, for a log.
pub const EXPECTED: &str = "SEND_DATE, SEND_TIME or q";

/// The last datagram of a printed client.
pub const QUIT: &str = "q";

/// Reads a datagram: `None` if it is not answered, an error if the answer is `INVALID`.
///
/// An empty datagram, and one that could itself be a server's answer, are not answered: two servers
/// could otherwise answer each other without end.
pub fn request(datagram: &[u8]) -> Option<Result<Request, Invalid>> {
    if reply::looks_like_a_reply(datagram) {
        return None;
    }
    let Ok(text) = str::from_utf8(datagram) else {
        return Some(Err(Invalid));
    };
    match text.trim() {
        "" | QUIT | INVALID => None,
        "SEND_DATE" => Some(Ok(Request::Date)),
        "SEND_TIME" => Some(Ok(Request::Time)),
        other if is_answer(other) => None,
        _ => Some(Err(Invalid)),
    }
}

/// The datagram that answers.
pub fn answer(answer: Result<Answer, Invalid>) -> String {
    match answer {
        Ok(answer) => answer.to_string(),
        Err(Invalid) => INVALID.into(),
    }
}

/// The datagram is not a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither SEND_DATE nor SEND_TIME nor q")]
pub struct Invalid;

fn is_answer(text: &str) -> bool {
    let requests = [Request::Date, Request::Time];
    requests
        .iter()
        .any(|request| request.answer(text).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn requests_and_answers_have_these_exact_bytes() {
        assert_eq!(request(b"SEND_DATE"), Some(Ok(Request::Date)));
        assert_eq!(request(b"SEND_TIME\n"), Some(Ok(Request::Time)));
        let date = Answer::Date {
            year: 2026,
            month: 1,
            day: 2,
        };
        let time = Answer::Time {
            hour: 3,
            minute: 4,
            second: 5,
        };
        assert_eq!(answer(Ok(date)), "2026-01-02");
        assert_eq!(answer(Ok(time)), "03:04:05");
        assert_eq!(answer(Err(Invalid)), "Invalid request");
    }

    #[test]
    fn other_words_are_invalid() {
        for datagram in b"send_date|SEND DATE|Q|quit|x|\xff".split(|byte| *byte == b'|') {
            assert_eq!(request(datagram), Some(Err(Invalid)), "{datagram:?}");
        }
    }

    #[test]
    fn silence_answers_the_last_word_and_what_is_an_answer_itself() {
        let datagrams = b"q|q\n|| |Invalid request|2026-11-21|07:44:16|OK 07:44:16\
                     |ERR unknown-verb";
        for datagram in datagrams.split(|byte| *byte == b'|') {
            assert_eq!(request(datagram), None, "{datagram:?}");
        }
    }

    proptest! {
        #[test]
        fn no_answer_is_answered(datagram in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Some(Err(Invalid)) = request(&datagram) {
                prop_assert_eq!(request(answer(Err(Invalid)).as_bytes()), None);
            }
        }
    }
}
