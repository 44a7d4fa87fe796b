//! Where a message ends, and what is no message.

use proto::frame::Framing;
use proto::refusal::Code;

use super::{answered, conversation, leave, serves_another};
use crate::case::{Case, DELIMITED, PREFIXED};
use crate::server::Server;
use crate::verdict::Outcome;

pub const CASES: &[Case] = &[
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
