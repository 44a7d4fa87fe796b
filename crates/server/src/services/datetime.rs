//! Date and time: the server's local time, one clock reading for each answer.

use std::net::SocketAddr;

use proto::datetime::{Answer, Request};
use proto::refusal::Refusal;
use proto::reply;
use wire::fault::Exchange;

use crate::clock::Clock;
use crate::conversation::as_text;
use crate::datagrams::refuse;
use crate::incoming::IncomingDatagrams;
use crate::service::UdpService;

/// The date and time service.
pub struct Datetime {
    clock: Clock,
    wording: Wording,
}

/// How requests and answers are worded.
pub struct Wording {
    /// The answer to one datagram, if it has any.
    pub answer: fn(&[u8], SocketAddr, &Clock) -> Option<Vec<u8>>,
    /// The answer to one that an injected fault refuses, if it has any.
    pub refuse: fn(&[u8]) -> Option<Vec<u8>>,
}

impl Datetime {
    /// In our own protocol.
    pub fn new(clock: Clock) -> Datetime {
        let wording = Wording {
            answer,
            // Nothing is refused where nothing would be answered.
            refuse: |datagram| request(datagram).and_then(|_| refuse(datagram)),
        };
        Datetime::worded(clock, wording)
    }

    /// In other words.
    pub fn worded(clock: Clock, wording: Wording) -> Datetime {
        Datetime { clock, wording }
    }
}

impl UdpService for Datetime {
    fn serve(&self, incoming: IncomingDatagrams<'_>) {
        tracing::info!(zone = %self.clock.zone(), "date and time are local");
        let answer = |datagram: &[u8], sender| (self.wording.answer)(datagram, sender, &self.clock);
        incoming.answer(Exchange::Answered, answer, self.wording.refuse);
    }
}

/// The answer to one datagram, or nothing where silence is the answer: to an empty one, to `QUIT`,
/// and to anything that could itself be an answer. White space around it is ignored. Its sender is
/// named in the log.
fn answer(datagram: &[u8], sender: SocketAddr, clock: &Clock) -> Option<Vec<u8>> {
    let answer = match request(datagram)? {
        Ok(request) => Ok(now(request, clock)?),
        Err(mut refusal) => {
            tracing::warn!(%sender, refused = %refusal, "bad input");
            // The words would make a short forged request into a longer answer.
            refusal.words.clear();
            Err(refusal)
        }
    };
    Some(reply::render(&answer).into_bytes())
}

/// What a datagram asks for, or why that is refused; nothing where silence is the answer.
fn request(datagram: &[u8]) -> Option<Result<Request, Refusal>> {
    let datagram = datagram.trim_ascii();
    if datagram.is_empty() || reply::looks_like_a_reply(datagram) {
        return None;
    }
    let request = as_text(datagram).and_then(str::parse);
    (request != Ok(Request::Quit)).then_some(request)
}

/// What the clock answers, at one reading; nothing to `QUIT`.
pub fn now(request: Request, clock: &Clock) -> Option<Answer> {
    let now = clock.now();
    match request {
        Request::Date => Some(Answer::Date {
            year: u16::try_from(now.year()).unwrap_or(0),
            month: now.month() as u8,
            day: now.day() as u8,
        }),
        Request::Time => Some(Answer::Time {
            hour: now.hour() as u8,
            minute: now.minute() as u8,
            second: now.second() as u8,
        }),
        Request::Quit => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_at(datagram: &[u8], moment: &str) -> Option<String> {
        let clock = Clock::Fixed(Box::new(moment.parse().unwrap()));
        let sender = "127.0.0.1:40000".parse().unwrap();
        answer(datagram, sender, &clock).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn date_and_time_are_local_and_padded() {
        let moment = "2026-01-02T03:04:05.999[Asia/Dhaka]";
        assert_eq!(answer_at(b"SEND_DATE", moment).unwrap(), "OK 2026-01-02");
        assert_eq!(answer_at(b"SEND_TIME\r\n", moment).unwrap(), "OK 03:04:05");
    }

    #[test]
    fn silence_answers_what_must_not_be_answered() {
        for datagram in [
            "",
            "QUIT",
            "OK 07:44:16",
            "ERR unknown-verb",
            "EVENT x",
            " \r\n",
            " OK\r\n",
        ] {
            let answer = answer_at(datagram.as_bytes(), "2026-01-02T03:04:05[UTC]");
            assert_eq!(answer, None);
        }
    }

    #[test]
    fn a_refusal_is_short_whatever_was_asked() {
        for datagram in [&b"x"[..], &[b'x'; 60_000], b"\xff"] {
            let refusal = answer_at(datagram, "2026-01-02T03:04:05[UTC]").unwrap();
            assert!(refusal.len() <= 16, "{refusal}");
        }
    }
}
