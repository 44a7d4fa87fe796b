//! The messages of a server: `READY service 1`, `OK arguments`, `ERR code words`.

use alloc::string::String;
use core::fmt::{self, Write};

use crate::mode::Mode;
use crate::refusal::{Code, Refusal};

/// The version of the protocol, the last word of [`ready`].
pub const VERSION: u32 = 1;

/// The first message of a TCP service: `READY text 1`.
pub fn ready(mode: Mode) -> String {
    alloc::format!("READY {} {VERSION}", mode.name())
}

/// Reads a [`ready`] message: the service's name and the protocol's version.
pub fn parse_ready(message: &str) -> Option<(&str, u32)> {
    let (service, version) = message.strip_prefix("READY ")?.split_once(' ')?;
    Some((service, version.parse().ok()?))
}

/// The answer to one request, as it stands on the wire.
pub fn render<A: fmt::Display>(answer: &Result<A, Refusal>) -> String {
    match answer {
        Ok(arguments) => {
            // Room for most answers, to be allocated once.
            let mut reply = String::with_capacity(128);
            reply.push_str("OK ");
            let _ = write!(reply, "{arguments}");
            if reply.len() == "OK ".len() {
                reply.pop();
            }
            reply
        }
        Err(Refusal { code, words }) if words.is_empty() => {
            alloc::format!("ERR {}", code.as_str())
        }
        Err(Refusal { code, words }) => alloc::format!("ERR {} {words}", code.as_str()),
    }
}

/// Reads an answer: the arguments of `OK`, or the refusal.
///
/// # Errors
/// When the message is neither, or its code is not in the list.
pub fn parse(message: &str) -> Result<Result<&str, Refusal>, NotAReply> {
    if message == "OK" {
        return Ok(Ok(""));
    }
    if let Some(arguments) = message.strip_prefix("OK ") {
        return Ok(Ok(arguments));
    }
    let refused = message.strip_prefix("ERR ").ok_or(NotAReply)?;
    let (code, words) = refused.split_once(' ').unwrap_or((refused, ""));
    let code = Code::parse(code).ok_or(NotAReply)?;
    Ok(Err(Refusal::new(code, words)))
}

/// The message is neither `OK …` nor `ERR code …`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("neither `OK …` nor `ERR code …`")]
pub struct NotAReply;

/// Whether this could be a server's message. A datagram service answers none of these: two services
/// could otherwise answer each other without end.
pub fn looks_like_a_reply(message: &[u8]) -> bool {
    let word = message
        .split(|byte| *byte == b' ')
        .next()
        .unwrap_or_default();
    [&b"OK"[..], b"ERR", b"READY", b"EVENT"].contains(&word)
}

/// Whether this is an event, which answers no request.
pub fn is_event(message: &[u8]) -> bool {
    message.starts_with(b"EVENT ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn answers_have_these_exact_bytes() {
        assert_eq!(ready(Mode::Text), "READY text 1");
        assert_eq!(render(&Ok("54")), "OK 54");
        assert_eq!(render(&Ok("")), "OK");
        assert_eq!(
            render::<&str>(&Err(Refusal::new(Code::Busy, ""))),
            "ERR busy"
        );
        let refusal = Refusal::new(Code::DivisionByZero, "12 / 0");
        assert_eq!(render::<&str>(&Err(refusal)), "ERR division-by-zero 12 / 0");
    }

    #[test]
    fn what_is_no_answer_is_refused() {
        for text in "|OKAY|ok 1|ERR|ERR |ERR nonsense words|READY text 1".split('|') {
            assert_eq!(parse(text), Err(NotAReply), "{text:?}");
        }
    }

    #[test]
    fn ready_is_read_back_and_nothing_else() {
        assert_eq!(parse_ready("READY atm 1"), Some(("atm", 1)));
        for text in ["READY", "READY atm", "READY atm x", "ready atm 1", "OK"] {
            assert_eq!(parse_ready(text), None, "{text:?}");
        }
    }

    #[test]
    fn our_own_words_are_recognised_as_such() {
        for text in ["OK", "OK 1", "ERR busy", "READY x 1", "EVENT said"] {
            assert!(looks_like_a_reply(text.as_bytes()), "{text}");
        }
        for text in ["", "OKAY", "SEND_DATE", "ERRAND"] {
            assert!(!looks_like_a_reply(text.as_bytes()), "{text}");
        }
    }

    #[test]
    fn an_event_is_distinguished_from_an_answer() {
        assert!(is_event(b"EVENT said A hi"));
        for text in ["OK", "ERR busy", "READY chat 1", "EVENTUALLY", "OK EVENT "] {
            assert!(!is_event(text.as_bytes()), "{text}");
        }
    }

    proptest! {
        #[test]
        fn an_answer_survives_the_wire(arguments in ".{0,80}") {
            let sent = render(&Ok(&arguments));
            prop_assert_eq!(parse(&sent), Ok(Ok(arguments.as_str())));
        }

        #[test]
        fn a_refusal_survives_the_wire(which in 0..Code::ALL.len(), words in ".{0,80}") {
            let refusal = Refusal::new(Code::ALL[which], words);
            let sent = render::<&str>(&Err(refusal.clone()));
            prop_assert_eq!(parse(&sent), Ok(Err(refusal)));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in ".*") {
            let _ = parse(&text);
            let _ = parse_ready(&text);
        }
    }
}
