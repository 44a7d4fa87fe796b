//! What a client of a hand-out or a script has said, byte for byte, and how it takes a lost connection.

use proto::frame::Framing;

use crate::case::Case;
use crate::client::{Client, Recorded};
use crate::verdict::{Came, Expected, Failure, Finding, Outcome};

/// The case of answers that arrive byte by byte.
pub const fn bytewise(judge: fn(&Client) -> Outcome) -> Case {
    Case::client_must(
        "client.bytewise",
        "messages",
        "An answer is the same however it arrives: here each byte of it comes alone.",
        judge,
    )
    .by_hand()
    .points(2)
    .seconds(1)
    .cause("one recv is not one message: TCP is a stream, which the reads cut anywhere")
}

/// The case of a connection that is lost inside an answer.
pub const fn cut(judge: fn(&Client) -> Outcome) -> Case {
    Case::client_must(
        "client.cut",
        "who-closes-and-when",
        "A connection that ends inside an answer, or is reset, ends the client, or is made again.",
        judge,
    )
    .cause("an empty read is the end of the stream: to read again returns nothing for ever")
}

/// The client has said exactly this, over one connection after the other. One over which nothing is
/// said is nothing.
pub fn is_said(recorded: &Recorded, framing: Framing, expected: &[Vec<u8>]) -> Outcome {
    let said = recorded.said().into_iter();
    let said = said.map(|bytes| match framing {
        Framing::Line => without_carriage_returns(bytes),
        _ => bytes,
    });
    let said: Vec<Vec<u8>> = said.filter(|bytes| !bytes.is_empty()).collect();
    let expected = expected.iter().filter(|bytes| !bytes.is_empty());
    let expected: Vec<&Vec<u8>> = expected.collect();
    let count = said.len().max(expected.len());
    let differs = (0..count).find(|&at| said.get(at) != expected.get(at).copied());
    let Some(at) = differs else {
        return match recorded.has_client() {
            true => Ok(()),
            false => Err(Failure::because("a connection", "none")),
        };
    };
    is_said_instead(
        expected.get(at).map(|bytes| bytes.to_vec()),
        said.get(at).cloned(),
    )
}

/// This was said where that was expected; nothing where no connection was expected, or made.
pub fn is_said_instead(expected: Option<Vec<u8>>, came: Option<Vec<u8>>) -> Outcome {
    Err(Failure::Broken(Box::new(Finding {
        sent: Vec::new(),
        expected: match expected {
            Some(bytes) => Expected::Message(bytes),
            None => Expected::Described("no further connection".into()),
        },
        came: match came {
            Some(bytes) => Came::Message(bytes),
            None => Came::Described("nothing".into()),
        },
        cause: None,
    })))
}

/// A line may end with CR LF as well as with LF.
fn without_carriage_returns(bytes: Vec<u8>) -> Vec<u8> {
    let text = String::from_utf8_lossy(&bytes);
    match text.contains('\r') {
        true => text.replace("\r\n", "\n").into_bytes(),
        false => bytes,
    }
}

/// The client must end, whatever it was typed, when its connection ends inside an answer.
pub fn ends_when_cut(client: &Client, typed: &[&str]) -> Outcome {
    for fault in ["cut=#1", "reset=#1"] {
        let mut server = client.server(&["--fault", fault])?;
        client.ask(&server, typed)?;
        if !server.stop()?.has_client() {
            return Err(Failure::because("a connection", "none"));
        }
    }
    Ok(())
}
