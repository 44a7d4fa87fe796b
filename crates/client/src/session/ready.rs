//! What a server says first: that it is ready, and for what.

use std::time::{Duration, Instant};

use proto::frame::{Decoder, Framing};
use proto::mode::Mode;
use proto::printable::quoted;
use proto::reply;
use wire::connection::{Connection, ReceiveError};

use super::target::Target;
use crate::evidence::{Evidence, Section};
use crate::failure::{Failure, Report};

/// When to check whether a `READY` has come in another framing, which would never be complete.
const FRAMING_CHECK_DELAY: Duration = Duration::from_millis(500);

/// Waits for the `READY` of the service.
pub fn receive(target: &Target, connection: &mut Connection) -> Result<(), Failure> {
    let by = Instant::now() + target.timeout;
    let mut first = connection
        .reader
        .receive(Some(by.min(Instant::now() + FRAMING_CHECK_DELAY)));
    let in_other_framing = ready_in(connection.reader.unfinished()).is_some();
    if matches!(first, Err(ReceiveError::DeadlinePassed)) && !in_other_framing {
        first = connection.reader.receive(Some(by));
    }
    let message = match first {
        Ok(Some(message)) => message,
        Ok(None) => {
            let words = format!("{} closed the connection at once", target.server);
            return Err(Failure::Unreachable(no_ready(target, words, b"")));
        }
        Err(error) => {
            if let (ReceiveError::DeadlinePassed, Some(tap)) = (&error, connection.tap()) {
                tap.timed_out(target.timeout, "no READY");
            }
            let unfinished = connection.reader.unfinished();
            if !unfinished.is_empty() {
                return Err(wrong_greeting(target, unfinished));
            }
            if !matches!(error, ReceiveError::DeadlinePassed) {
                let words = format!("{}: {error}", target.server);
                return Err(Failure::Unreachable(no_ready(target, words, b"")));
            }
            let words = format!(
                "{} took the connection but said nothing within {} s: is it `{}`?",
                target.server,
                target.timeout.as_secs_f32(),
                target.peer
            );
            return Err(Failure::Protocol(no_ready(target, words, b"")));
        }
    };
    let text = String::from_utf8_lossy(&message);
    match reply::parse_ready(&text) {
        Some((service, reply::VERSION)) if service == target.service() => Ok(()),
        Some((service, reply::VERSION)) => Err(wrong_service(target, service)),
        Some((_, version)) => Err(Failure::Unreachable(
            format!(
                "{} speaks version {version} of the protocol, this client version {}: use a \
                     labserver of the same release",
                target.server,
                reply::VERSION
            )
            .into(),
        )),
        None => match reply::parse(&text) {
            Ok(Err(refusal)) => Err(Failure::Refused(refusal)),
            Ok(Ok(_)) | Err(_) => Err(wrong_greeting(target, &message)),
        },
    }
}

/// No `READY` came: in these words, and what came instead.
fn no_ready(target: &Target, words: String, came: &[u8]) -> Report {
    let ready = reply::ready(target.peer.service());
    let mut expected = vec![ready.clone()];
    let mut framed = Vec::new();
    if target.framing != Framing::Raw
        && target.framing.encode(ready.as_bytes(), &mut framed).is_ok()
    {
        let framed = framed.escape_ascii();
        expected[0] = format!("{ready} (on the wire: {framed})");
    }
    let evidence = Evidence {
        request: None,
        expected,
        came: came.to_owned(),
        section: Section::Messages,
    };
    Report::new(words, evidence)
}

fn wrong_service(target: &Target, service: &str) -> Failure {
    let known = match Mode::parse(service) {
        Some(mode) => format!("ask it with `labclient {}`, or", mode.name()),
        None => "give --server".to_owned(),
    };
    Failure::Unreachable(
        format!(
            "{} is the service {}, not {}: {known} give the address of `{}`",
            target.server,
            quoted(service),
            target.service(),
            target.peer
        )
        .into(),
    )
}

/// The first words of the server are no `READY` in our framing.
fn wrong_greeting(target: &Target, bytes: &[u8]) -> Failure {
    match ready_in(bytes) {
        Some((framing, _)) if framing != target.framing => Failure::Unreachable(
            format!(
                "{} speaks {framing} framing, this client {}: add --wire {framing}",
                target.server, target.framing
            )
            .into(),
        ),
        Some(_) | None => {
            let heard = quoted(&String::from_utf8_lossy(bytes));
            let words = format!(
                "{} opened with {heard} and not with READY: something else listens there, or it \
                 breaks the protocol",
                target.server
            );
            Failure::Protocol(no_ready(target, words, bytes))
        }
    }
}

/// The framing in which these bytes are a `READY`, and the service that it names.
pub fn ready_in(bytes: &[u8]) -> Option<(Framing, String)> {
    Framing::ALL.into_iter().find_map(|framing| {
        let mut decoder = Decoder::new(framing);
        decoder.push(bytes);
        let first = decoder.next_message().ok()??;
        let (service, _) = reply::parse_ready(str::from_utf8(&first).ok()?)?;
        Some((framing, service.to_owned()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_servers_framing_is_recognised_by_its_ready() {
        for framing in Framing::ALL {
            let mut bytes = Vec::new();
            framing.encode(b"READY text 1", &mut bytes).unwrap();
            assert_eq!(ready_in(&bytes), Some((framing, "text".into())));
        }
        assert_eq!(ready_in(b"SSH-2.0-x\r\n"), None);
        assert_eq!(ready_in(b""), None);
    }
}
