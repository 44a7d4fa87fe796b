//! What is said.

use proto::frame::Framing;
use proto::refusal::Code;

use super::{Member, Room};
use crate::case::{Case, DELIMITED};
use crate::server::Server;
use crate::verdict::Outcome;

pub const CASES: &[Case] = &[
    Case::must(
        "say.all",
        "chat",
        "Every member receives what one of them says: `EVENT said`, the name and the text.",
        all,
    )
    .points(2)
    .framings(DELIMITED),
    Case::must(
        "say.own-line-first",
        "chat",
        "A member receives its own line as well, and then `OK said`.",
        own_line_first,
    )
    .framings(DELIMITED)
    .cause("the answer was sent before, or in place of, the event"),
    Case::must(
        "say.blanks",
        "chat",
        "The text is everything behind the first blank, all of its blanks kept.",
        blanks,
    )
    .framings(DELIMITED)
    .cause("the text was split into words, or stripped"),
    Case::must(
        "say.verbs-are-text",
        "chat",
        "A verb in a sentence is text: `SAY QUIT` does not leave.",
        verbs,
    )
    .framings(DELIMITED)
    .cause("the verb is looked for anywhere in the message"),
    Case::must(
        "say.unicode",
        "chat",
        "A text in any script arrives as it was said, joined letters and emoji with their joiners too.",
        unicode,
    )
    .framings(DELIMITED),
    Case::must(
        "say.longest",
        "chat",
        "The longest text arrives whole: 900 bytes, 211 in len3.",
        longest,
    )
    .framings(DELIMITED),
    Case::must(
        "say.too-long",
        "chat",
        "A longer text is `too-long`: nobody receives it, cut or whole, and the member stays.",
        too_long,
    )
    .framings(DELIMITED)
    .cause("the length was counted in characters, the text cut, or the connection closed"),
    Case::must(
        "say.control-characters",
        "chat",
        "A text with control characters is `malformed`, and nobody receives it.",
        control_characters,
    )
    .points(2)
    .framings(DELIMITED)
    .cause("they would move the cursor, or write anywhere, on the others' terminals"),
    Case::must(
        "say.invisible-characters",
        "chat",
        "A text with characters that cannot be seen is `malformed`, and nobody receives it.",
        invisible_characters,
    )
    .framings(DELIMITED)
    .cause("the table in docs/protocol.md has them all"),
    Case::must(
        "say.blank",
        "chat",
        "A text without visible characters is `malformed`, and nobody receives it.",
        blank,
    )
    .framings(DELIMITED),
];

/// Each of these is received by both, as it was said.
fn arrive(server: &Server, texts: &[&str]) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    let mut speaker = room.member("Joty")?;
    for text in texts {
        speaker.says(text)?;
        member.hears(&said(&speaker, text))?;
    }
    Ok(())
}

/// Each of these is refused, and nobody receives it.
fn are_refused<'t>(
    server: &Server,
    texts: impl IntoIterator<Item = &'t str>,
    codes: &[Code],
) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    let mut speaker = room.member("Joty")?;
    // The first requests of a member are not slowed down.
    for text in texts {
        speaker.peer.is_refused(&format!("SAY {text}"), codes)?;
    }
    speaker.says("and now?")?;
    member.hears(&said(&speaker, "and now?"))
}

fn said(member: &Member, text: &str) -> String {
    format!("EVENT said {} {text}", member.name)
}

fn all(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut listeners = [room.member("Adarsh")?, room.member("Ahona")?];
    let mut speakers = [room.member("Joty")?, room.member("Zoe")?];
    for text in ["hello", "is anybody here?"] {
        for speaker in &mut speakers {
            speaker.says(text)?;
            for listener in &mut listeners {
                listener.hears(&said(speaker, text))?;
            }
        }
    }
    Ok(())
}

fn own_line_first(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    for text in ["one", "two"] {
        member.peer.send(&format!("SAY {text}"))?;
        let event = said(&member, text);
        member.hears(&event)?;
        member.peer.expect_answer("OK said")?;
    }
    Ok(())
}

fn blanks(server: &Server) -> Outcome {
    arrive(server, &["hello,  world", "  both ends  ", "a   b", " x"])
}

fn verbs(server: &Server) -> Outcome {
    arrive(
        server,
        &[
            "QUIT",
            "and then QUIT is a word",
            "quit",
            "WHO",
            "JOIN x",
            "EVENT left x quit",
            "OK said",
        ],
    )
}

fn unicode(server: &Server) -> Outcome {
    arrive(
        server,
        &[
            "É ß বাংলা",
            "a\u{a0}b\u{3000}c",
            "\u{2764}\u{fe0f}\u{200d}\u{1f525}",
            "می\u{200c}خواهم",
            "ক্\u{200d}ষ",
            "\u{845b}\u{e0100}城",
            "\u{1820}\u{180b}",
            "\u{10ffff}",
        ],
    )
}

fn longest(server: &Server) -> Outcome {
    let most = Room::new(server).longest();
    let ascii = "x".repeat(most);
    // A character of three bytes is three bytes.
    let others = format!("{}{}", "€".repeat(most / 3), "x".repeat(most % 3));
    arrive(server, &[&ascii, &others])
}

fn too_long(server: &Server) -> Outcome {
    let most = Room::new(server).longest();
    let texts = [
        "x".repeat(most + 1),
        "€".repeat(most / 3 + 1),
        "x".repeat(most + 20),
    ];
    let texts = texts.iter().map(String::as_str);
    are_refused(server, texts, &[Code::TooLong])
}

fn control_characters(server: &Server) -> Outcome {
    let texts = [
        "\u{1b}[2Jgone",
        "bell \u{7}",
        "a\tb",
        "a\0b",
        "a\rb",
        "del \u{7f}",
        "next line \u{85}",
        "\u{9b}31m",
        "a\nb",
    ];
    let is_line = server.framing == Framing::Line;
    let texts = texts
        .into_iter()
        .filter(|text| !is_line || !text.contains('\n'));
    are_refused(server, texts, &[Code::Malformed])
}

fn invisible_characters(server: &Server) -> Outcome {
    let texts = [
        "separator \u{2028}",
        "paragraph \u{2029}",
        "note \u{fff9}",
        "a\u{200b}b",
        "a\u{ad}b",
        "\u{202e}olleh",
        "a\u{2066}b",
        "\u{feff}x",
        "a\u{3164}b",
        "a\u{2800}b",
        "a\u{e0041}b",
        "a\u{61c}b",
        "a\u{200d}\u{200d}b",
        "a\u{200c}\u{200d}b",
        "a\u{fe0f}b",
        "a\u{e0100}",
        "a\u{180b}",
        "\u{200d}",
        " \u{200c} ",
    ];
    are_refused(server, texts, &[Code::Malformed])
}

fn blank(server: &Server) -> Outcome {
    let texts = ["", " ", "    ", "\u{a0}", "\u{3000} \u{a0}"];
    are_refused(server, texts, &[Code::Malformed])
}
