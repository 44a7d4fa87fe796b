//! What every service with messages over TCP must keep: the conversation, and the stream that carries it.

mod clients;
mod framing;

use proto::frame::Framing;
use proto::mode::Mode;
use proto::refusal::Code;
use rand::RngExt;

use crate::case::{Case, DELIMITED};
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// The cases of all these services, by topic.
pub const ALL: &[&[Case]] = &[CONVERSATION, STREAM, framing::CASES, clients::CASES];

const CONVERSATION: &[Case] = &[
    Case::must(
        "conversation.ordinary",
        "requests-and-answers",
        "The server says READY with its service and version, and answers each request in order.",
        ordinary,
    ),
    Case::must(
        "conversation.unknown-verb",
        "requests-and-answers",
        "A first word that is no verb of the service, in lower case for instance, is refused with \
         `unknown-verb`, and the connection stays open.",
        unknown_verb,
    )
    .cause("a request that is not understood must not end the connection"),
    Case::must(
        "conversation.not-utf8",
        "requests-and-answers",
        "A message that is not UTF-8 is refused with `malformed`, and the connection stays open.",
        not_utf8,
    )
    .cause("bytes are decoded without a thought of those that are no text"),
    Case::must(
        "conversation.quit",
        "who-closes-and-when",
        "QUIT is answered with `OK bye`, and then the server closes.",
        quit,
    ),
    Case::must(
        "conversation.quit-alone",
        "requests-and-answers",
        "QUIT takes no arguments: `QUIT now` is `malformed`, and the connection stays open.",
        quit_with_arguments,
    ),
];

const STREAM: &[Case] = &[
    Case::must(
        "stream.bytewise",
        "messages",
        "A message is the same however it arrives: here each byte comes alone.",
        bytewise,
    )
    .points(2)
    .cause("one recv is not one message: TCP is a stream, which the reads cut anywhere")
    .framings(DELIMITED),
    Case::must(
        "stream.cut",
        "messages",
        "A message may be cut in two at any place.",
        cut,
    )
    .points(2)
    .cause("one recv is not one message: what came of it must be kept until the rest is there")
    .framings(DELIMITED),
    Case::must(
        "stream.together",
        "who-closes-and-when",
        "Several messages may come in one read: each is answered, in order.",
        together,
    )
    .points(2)
    .cause("what follows the first message in a read must be kept, not thrown away")
    .framings(DELIMITED),
    Case::must(
        "stream.half-close",
        "who-closes-and-when",
        "After the end of the client's stream the server answers what it has, then closes.",
        half_close,
    )
    .cause("an empty read is the end of the input, not of the output"),
    Case::must(
        "stream.end-inside",
        "who-closes-and-when",
        "A stream that ends inside a message is closed by the server, and the next client is served.",
        end_inside,
    )
    .cause("an empty read is the end of the stream: to read again returns nothing for ever"),
    Case::must(
        "stream.reset",
        "who-closes-and-when",
        "A connection that is reset inside a message ends alone: the next client is served.",
        reset,
    )
    .cause("an error on one connection must not end the server"),
];

/// What answers a request.
#[derive(Debug, Clone)]
enum Answer {
    Exactly(String),
    /// These words, or more behind them: a room may have other people in it.
    Beginning(String),
    Refused(Code),
}

/// Requests of an ordinary conversation with this service, and their answers. A name is drawn, since
/// the room is everybody's.
fn conversation(server: &Server) -> Vec<(String, Answer)> {
    let exactly = |asked: &str, answer: &str| (asked.to_owned(), Answer::Exactly(answer.into()));
    match server.dialect.mode() {
        Mode::Text => vec![
            exactly("PRIME 97", "OK prime"),
            exactly("LOWER HELLO", "OK hello"),
            exactly("PALINDROME 1232", "OK not palindrome"),
        ],
        Mode::Calc => vec![
            exactly("HELLO Adarsh", "OK hello Adarsh"),
            exactly("CALC 12 + 42", "OK 54"),
            exactly("CALC 7 * 6", "OK 42"),
        ],
        Mode::Chat => {
            let name = format!(
                "Guest{}",
                server.random.borrow_mut().random_range(0..1_000_000)
            );
            vec![
                ("WHO".into(), Answer::Refused(Code::OutOfOrder)),
                (
                    format!("JOIN {name}"),
                    Answer::Beginning(format!("OK joined {name}")),
                ),
                ("WHO".into(), Answer::Beginning("OK here".into())),
            ]
        }
        Mode::Atm => vec![
            exactly("TERMINAL ATM-1", "OK terminal ATM-1"),
            ("BALANCE_INQUIRY".into(), Answer::Refused(Code::NotLoggedIn)),
            exactly("TERMINAL ATM_22", "OK terminal ATM_22"),
        ],
        Mode::Echo | Mode::Datetime | Mode::Script => Vec::new(),
    }
}

fn answered(peer: &mut Peer, answer: &Answer) -> Outcome {
    match answer {
        Answer::Exactly(text) => peer.expect_answer(text),
        Answer::Beginning(words) => {
            let answer = peer.answer(words)?;
            let rest = answer.strip_prefix(words.as_str());
            match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')) {
                true => Ok(()),
                false => peer.found(
                    Expected::Message(words.clone().into()),
                    Came::Message(answer.into()),
                ),
            }
        }
        Answer::Refused(code) => peer.expect_refusal(&[*code]),
    }
}

/// The server still answers a new client.
fn serves_another(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let conversation = conversation(server);
    for (asked, answer) in conversation {
        peer.send(&asked)?;
        answered(&mut peer, &answer)?;
    }
    leave(peer)
}

/// Ends a conversation in order, so that nothing of it is left for the next.
fn leave(mut peer: Peer) -> Outcome {
    peer.asks("QUIT", "OK bye")
}

fn ordinary(server: &Server) -> Outcome {
    serves_another(server)
}

fn unknown_verb(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    for asked in ["SQUARE 7", "quit", "OK", "READY"] {
        peer.is_refused(asked, &[Code::UnknownVerb])?;
    }
    leave(peer)
}

fn not_utf8(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    for bytes in [&b"LOWER \xff\xfe"[..], b"\xc3", b"LOWER \xed\xa0\x80"] {
        let mut framed = Vec::new();
        let encoded = peer.framing().encode(bytes, &mut framed);
        encoded.map_err(|error| Failure::Undecided(error.to_string()))?;
        peer.send_bytes(&framed)?;
        peer.expect_refusal(&[Code::Malformed])?;
    }
    leave(peer)
}

fn quit(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    peer.asks("QUIT", "OK bye")?;
    peer.expect_end()
}

fn quit_with_arguments(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    peer.is_refused("QUIT now", &[Code::Malformed])?;
    leave(peer)
}

fn bytewise(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    for (asked, answer) in conversation(server) {
        let bytes = peer.frame(&asked)?;
        peer.send_in_pieces(&bytes, 1)?;
        answered(&mut peer, &answer)?;
    }
    leave(peer)
}

fn cut(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let conversation = conversation(server);
    for (asked, answer) in &conversation {
        peer.send(asked)?;
        answered(&mut peer, answer)?;
    }
    // The last one may be asked again and again.
    let Some((asked, answer)) = conversation.last() else {
        return Ok(());
    };
    let bytes = peer.frame(asked)?;
    for at in 1..bytes.len() {
        peer.send_cut(&bytes, at)?;
        answered(&mut peer, answer)?;
    }
    leave(peer)
}

fn together(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let conversation = conversation(server);
    let mut bytes = Vec::new();
    for (asked, _) in &conversation {
        bytes.extend(peer.frame(asked)?);
    }
    peer.send_bytes(&bytes)?;
    for (_, answer) in &conversation {
        answered(&mut peer, answer)?;
    }
    // Half of one behind another.
    let Some((asked, answer)) = conversation.last() else {
        return Ok(());
    };
    let one = peer.frame(asked)?;
    let (first, rest) = one.split_at(one.len() / 2);
    peer.send_in_pieces(&[&one, first].concat(), one.len() + first.len())?;
    answered(&mut peer, answer)?;
    peer.send_bytes(rest)?;
    answered(&mut peer, answer)?;
    leave(peer)
}

fn half_close(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let conversation = conversation(server);
    let is_raw = peer.framing() == Framing::Raw;
    if is_raw {
        let (asked, answer) = &conversation[0];
        peer.send(asked)?;
        peer.half_close();
        answered(&mut peer, answer)?;
    } else {
        let mut bytes = Vec::new();
        for (asked, _) in &conversation {
            bytes.extend(peer.frame(asked)?);
        }
        peer.send_bytes(&bytes)?;
        peer.half_close();
        for (_, answer) in &conversation {
            answered(&mut peer, answer)?;
        }
    }
    closes(&mut peer)
}

/// The server ends the stream, after a last word perhaps.
fn closes(peer: &mut Peer) -> Outcome {
    match peer.receive() {
        Came::Message(bytes) if bytes.starts_with(b"ERR ") => peer.expect_end(),
        Came::End(_) | Came::Broken(_) => Ok(()),
        came => peer.found(
            Expected::Described("the end of the connection".into()),
            came,
        ),
    }
}

fn end_inside(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let (asked, _) = conversation(server).swap_remove(0);
    let bytes = peer.frame(&asked)?;
    peer.send_bytes(&bytes[..bytes.len() / 2])?;
    peer.half_close();
    closes(&mut peer)?;
    serves_another(server)
}

fn reset(server: &Server) -> Outcome {
    for tenths in [0, 5, 9] {
        let mut peer = server.connect()?;
        let (asked, _) = conversation(server).swap_remove(0);
        let bytes = peer.frame(&asked)?;
        peer.throw(&bytes[..bytes.len() * tenths / 10]);
        peer.reset();
    }
    serves_another(server)
}
