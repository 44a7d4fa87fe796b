//! The client of echo, over TCP and over UDP.

use std::time::Duration;

use proto::frame::Framing;
use rand::RngExt;
use record::event::{CloseReason, Closer, EventKind};

use crate::case::Case;
use crate::client::{Client, Recorded, quoted};
use crate::verdict::{Failure, Outcome};

/// The cases over TCP.
pub const OVER_TCP: &[Case] = &[
    Case::client_must(
        "client.ordinary",
        "echo",
        "The client sends the text, reads it back, and shows it.",
        ordinary,
    )
    .by_hand(),
    Case::client_must(
        "client.bytewise",
        "echo",
        "The echo is read until all of it is there: here each byte of it comes alone.",
        bytewise,
    )
    .by_hand()
    .points(2)
    .seconds(1)
    .cause("one recv returns what has arrived, which may be a part of the echo"),
    Case::client_must(
        "client.long",
        "echo",
        "A text of many kilobytes comes back whole.",
        long,
    ),
    Case::client_must(
        "client.ends",
        "echo",
        "The client ends its stream when it has sent all: the server closes only then.",
        ends,
    )
    .by_hand()
    .cause("both sides wait for the other to close"),
    Case::client_must(
        "client.cut",
        "echo",
        "A connection that ends too early ends the client, and the part is not shown as the echo.",
        cut,
    ),
    Case::client_should(
        "client.compares",
        "echo",
        "A client that is sent something else than its own text reports that.",
        compares,
    )
    .cause("what comes back is not compared with what was sent"),
];

/// The cases over UDP.
pub const OVER_UDP: &[Case] = &[
    Case::client_must(
        "client.ordinary",
        "echo",
        "The client sends the text as one datagram, and shows the one that comes back.",
        ordinary,
    )
    .by_hand(),
    Case::client_must(
        "client.lost-answer",
        "over-udp",
        "A client whose answer is lost sends its datagram again.",
        lost_answer,
    )
    .by_hand()
    .points(2)
    .seconds(1)
    .cause("a datagram may be lost: without a time-out its sender waits for ever"),
    Case::client_must(
        "client.lost-request",
        "over-udp",
        "A client whose datagram is lost sends it again.",
        lost_request,
    )
    .by_hand()
    .seconds(1)
    .cause("a datagram may be lost: without a time-out its sender waits for ever"),
];

fn ordinary(client: &Client) -> Outcome {
    let text = "Hello,  wörld কী OK";
    echoed(client, &[], text)
}

/// The text must be sent, and shown when it has come back.
fn echoed(client: &Client, faults: &[&str], text: &str) -> Outcome {
    let mut server = client.server(faults)?;
    let finished = client.ask(&server, &[text])?;
    let recorded = server.stop()?;
    if !contains(&sent(&recorded), text.as_bytes()) {
        let came = String::from_utf8_lossy(&sent(&recorded)).into_owned();
        return Err(Failure::because(
            format!("the text {}", quoted(text)),
            format!("the server was sent {}", proto::printable::quoted(&came)),
        ));
    }
    finished.shows(text)
}

/// All bytes that the client sent.
fn sent(recorded: &Recorded) -> Vec<u8> {
    let received = recorded
        .events
        .iter()
        .filter_map(|event| match &event.kind {
            EventKind::Received(message) => Some(message.bytes.0.as_slice()),
            _ => None,
        });
    received.flatten().copied().collect()
}

fn contains(all: &[u8], part: &[u8]) -> bool {
    all.windows(part.len()).any(|window| window == part)
}

fn bytewise(client: &Client) -> Outcome {
    echoed(client, &["--fault", "split=1"], "Hello, wörld")
}

fn long(client: &Client) -> Outcome {
    let length = match client.framing {
        Framing::Len3 => 240,
        Framing::Raw => 1_000,
        Framing::Netstring | Framing::Line => 60_000,
    };
    let text: String = {
        let mut random = client.random.borrow_mut();
        (0..length)
            .map(|_| random.random_range('a'..='z'))
            .collect()
    };
    echoed(client, &[], &text)
}

fn ends(client: &Client) -> Outcome {
    let mut server = client.server(&[])?;
    client.ask(&server, &["Hello"])?;
    let has_ended = |recorded: &Recorded| {
        recorded.events.iter().any(|event| {
            matches!(
                event.kind,
                EventKind::HalfClosed { by: Closer::Peer }
                    | EventKind::Closed {
                        by: Closer::Peer,
                        ..
                    }
            )
        })
    };
    if !server.has_recorded(Duration::from_secs(5), has_ended)? {
        return Err(Failure::because("an end of the client's stream", "none"));
    }
    let recorded = server.stop()?;
    let was_reset = recorded.events.iter().any(|event| {
        let how = CloseReason::Reset;
        matches!(&event.kind, EventKind::Closed { how: it, .. } if *it == how)
    });
    match was_reset {
        true => Err(Failure::because("an end in order", "a reset connection")),
        false => Ok(()),
    }
}

fn cut(client: &Client) -> Outcome {
    let server = client.server(&["--fault", "cut=#1"])?;
    let text = "Hello, world";
    let finished = client.ask(&server, &[text])?;
    match finished.is_success && !finished.printed.contains(text) {
        true => Err(Failure::because(
            "the whole text, or an exit status other than 0",
            format!("{}; {}", quoted(&finished.output()), finished.status),
        )),
        false => Ok(()),
    }
}

fn compares(client: &Client) -> Outcome {
    let server = client.server(&["--fault", "corrupt=100%"])?;
    let finished = client.ask(&server, &["Hello, world"])?;
    match finished.is_success {
        true => Err(Failure::because(
            "an exit status other than 0 where a bit of the echo was flipped",
            format!("exit status 0; {}", quoted(&finished.output())),
        )),
        false => Ok(()),
    }
}

fn lost_answer(client: &Client) -> Outcome {
    echoed(client, &["--fault", "drop-reply=#1"], "Hello, world")
}

fn lost_request(client: &Client) -> Outcome {
    echoed(client, &["--fault", "drop-request=#1"], "Hello, world")
}
