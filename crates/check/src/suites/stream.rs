//! What every service with messages over TCP must keep: framing, the stream, other clients.

use std::thread;
use std::time::Duration;

use proto::frame::Framing;
use proto::mode::Mode;
use proto::refusal::Code;
use rand::RngExt;

use crate::case::{Case, DELIMITED, PREFIXED};
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// The cases of all these services, by topic.
pub const ALL: &[&[Case]] = &[CONVERSATION, STREAM, FRAMING, CLIENTS];

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

const FRAMING: &[Case] = &[
    Case::must(
        "framing.bad-length",
        "messages",
        "A length is ASCII digits alone; anything else is refused with `malformed`, and the connection is closed.",
        bad_length,
    )
    .cause("the parser of the language's integers accepts signs, blanks or underscores")
    .framings(PREFIXED),
    Case::must(
        "framing.too-long",
        "messages",
        "A message longer than the framing permits is refused with `too-long` as soon as its length is known.",
        too_long,
    )
    .cause("the length is checked before anything is allocated or waited for")
    .framings(PREFIXED),
    Case::must(
        "framing.long-line",
        "messages",
        "A line that is too long is refused with `too-long` and skipped, and the next one is answered.",
        long_line,
    )
    .framings(&[Framing::Line]),
    Case::must(
        "framing.crlf",
        "messages",
        "A line may end with CR LF as well as with LF.",
        crlf,
    )
    .framings(&[Framing::Line]),
    Case::must(
        "framing.empty",
        "messages",
        "An empty message is a message: it is refused with `unknown-verb`, and the connection stays open.",
        empty,
    )
    .cause("an empty message is not the end of the stream")
    .framings(DELIMITED),
];

const CLIENTS: &[Case] = &[
    Case::must(
        "clients.silent",
        "who-closes-and-when",
        "A client that is silent holds up no other.",
        silent,
    )
    .points(2)
    .cause("one client is served after the other, and not each by a thread of its own"),
    Case::must(
        "clients.fifty",
        "who-closes-and-when",
        "Fifty clients at once are all answered.",
        fifty,
    )
    .seconds(1),
    Case::must(
        "clients.garbage",
        "messages",
        "Whatever bytes a client sends, the next one is served.",
        garbage,
    )
    .points(2)
    .cause("an exception of one connection's thread ends the server, or its accepting loop"),
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
            exactly("LOWER HELLO World", "OK hello world"),
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
        peer.send_in_pieces(&bytes[..at], at)?;
        peer.send_bytes(&bytes[at..])?;
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
    for part in [0, 1, 2] {
        let mut peer = server.connect()?;
        let (asked, _) = conversation(server).swap_remove(0);
        let bytes = peer.frame(&asked)?;
        peer.throw(&bytes[..bytes.len() * part / 2]);
        peer.reset();
    }
    serves_another(server)
}

fn bad_length(server: &Server) -> Outcome {
    let headers: &[&str] = match server.framing {
        Framing::Netstring => &[
            "+4:QUIT,", " 4:QUIT,", "1_0:x", "04:QUIT,", "-1:", "4 :QUIT,", "QUIT", "4:QUIT;",
            "٤:QUIT,",
        ],
        _ => &[
            "+04QUIT",
            " 04QUIT",
            "1_0x",
            "-01x",
            "0x4QUIT",
            "QUIT",
            "٠٠٤QUIT",
        ],
    };
    for header in headers {
        let mut peer = server.connect()?;
        peer.throw(header.as_bytes());
        peer.expect_refusal(&[Code::Malformed])?;
        peer.expect_end()?;
    }
    serves_another(server)
}

fn too_long(server: &Server) -> Outcome {
    let headers: &[&str] = match server.framing {
        Framing::Netstring => &["65537:", "100000", "99999999999999999999999999:"],
        _ => &["256", "999"],
    };
    for header in headers {
        let mut peer = server.connect()?;
        peer.throw(header.as_bytes());
        peer.expect_refusal(&[Code::TooLong])?;
        peer.expect_end()?;
    }
    serves_another(server)
}

fn long_line(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    let mut line = vec![b'A'; Framing::Line.max_payload() + 1];
    line.push(b'\n');
    peer.send_bytes(&line)?;
    peer.expect_refusal(&[Code::TooLong])?;
    for (asked, answer) in conversation(server) {
        peer.send(&asked)?;
        answered(&mut peer, &answer)?;
    }
    leave(peer)
}

fn crlf(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    for (asked, answer) in conversation(server) {
        peer.send_bytes(format!("{asked}\r\n").as_bytes())?;
        answered(&mut peer, &answer)?;
    }
    leave(peer)
}

fn empty(server: &Server) -> Outcome {
    let mut peer = server.connect()?;
    peer.is_refused("", &[Code::UnknownVerb])?;
    leave(peer)
}

fn silent(server: &Server) -> Outcome {
    let first = server.connect_silently()?;
    let mut second = server.connect_silently()?;
    // The beginning of a message, and not its end.
    let (asked, _) = conversation(server).swap_remove(0);
    let bytes = second.frame(&asked)?;
    second.send_bytes(&bytes[..1])?;
    serves_another(server)?;
    drop((first, second));
    Ok(())
}

fn fifty(server: &Server) -> Outcome {
    let mut peers = Vec::new();
    for _ in 0..50 {
        peers.push((server.connect()?, conversation(server)));
    }
    if server.dialect.mode() == Mode::Chat {
        // A room of fifty has other answers.
        for (mut peer, _) in peers {
            peer.is_refused("WHO", &[Code::OutOfOrder])?;
            leave(peer)?;
        }
        return Ok(());
    }
    // Crosswise: the first question of all, then the second of all.
    for step in 0..3 {
        for (peer, conversation) in &mut peers {
            peer.send(&conversation[step].0)?;
        }
        for (peer, conversation) in &mut peers {
            answered(peer, &conversation[step].1)?;
        }
    }
    peers.into_iter().try_for_each(|(peer, _)| leave(peer))
}

fn garbage(server: &Server) -> Outcome {
    for round in 0..12 {
        let mut peer = server.connect()?;
        let bytes: Vec<u8> = {
            let mut random = server.random.borrow_mut();
            let length = random.random_range(1..2_000);
            let mut byte = || match round % 2 {
                0 => random.random(),
                _ => b"0123456789:,\n\r OKERQUIT"[random.random_range(0..23)],
            };
            (0..length).map(|_| byte()).collect()
        };
        peer.throw(&bytes);
        thread::sleep(Duration::from_millis(5));
        match round % 3 {
            0 => peer.reset(),
            1 => peer.half_close(),
            _ => drop(peer),
        }
    }
    serves_another(server)
}
