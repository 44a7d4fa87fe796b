//! The client of the text service.

use proto::frame::Framing;
use rand::RngExt;

use super::question::{ask_plainly, is_asked};
use crate::case::Case;
use crate::client::Client;
use crate::verdict::Outcome;

/// Its cases.
pub const CASES: &[Case] = &[
    Case::client_must(
        "client.ordinary",
        "text",
        "The client asks what it is told to, in upper-case verbs, and shows the answers.",
        ordinary,
    )
    .by_hand(),
    Case::client_must(
        "client.outcomes",
        "text",
        "What the client shows for a prime differs from what it shows for another number.",
        outcomes,
    )
    .by_hand(),
    Case::client_must(
        "client.blanks",
        "text",
        "The text of LOWER is the rest of the message: its blanks are kept.",
        blanks,
    )
    .by_hand()
    .cause("the text is split into words, and joined with one blank"),
    Case::client_must(
        "client.unicode",
        "messages",
        "A message is UTF-8, its length counts bytes, and every letter of the answer is shown.",
        unicode,
    )
    .by_hand()
    .points(2)
    .cause("the length is that of the characters, or the bytes are cut inside one"),
    Case::client_must(
        "client.long",
        "messages",
        "An answer of many kilobytes is put together from as many reads as it takes.",
        long,
    )
    .cause("one recv returns at most what has arrived, and at most what was asked for"),
];

fn ordinary(client: &Client) -> Outcome {
    let word: String = {
        let mut random = client.random.borrow_mut();
        (0..8).map(|_| random.random_range('A'..='Z')).collect()
    };
    let asked = format!("lower {word} World");
    let finished = ask_plainly(
        client,
        &[&asked, "palindrome 12321"],
        &[&format!("LOWER {word} World"), "PALINDROME 12321"],
    )?;
    finished.shows(&format!("{} world", word.to_lowercase()))
}

fn outcomes(client: &Client) -> Outcome {
    let prime = ask_plainly(client, &["prime 97"], &["PRIME 97"])?;
    let other = ask_plainly(client, &["prime 98"], &["PRIME 98"])?;
    super::question::differ(&prime, "a prime", &other, "a number that is none")
}

fn blanks(client: &Client) -> Outcome {
    let finished = ask_plainly(
        client,
        &["lower Two  Blanks   HERE"],
        &["LOWER Two  Blanks   HERE"],
    )?;
    finished.shows("two  blanks   here")
}

fn unicode(client: &Client) -> Outcome {
    let finished = ask_plainly(
        client,
        &["lower ÅNGSTRÖM ΟΔΟΣ ক"],
        &["LOWER ÅNGSTRÖM ΟΔΟΣ ক"],
    )?;
    finished.shows("ångström οδος ক")
}

fn long(client: &Client) -> Outcome {
    let length = match client.framing {
        Framing::Len3 => 240,
        Framing::Raw => 900,
        Framing::Netstring | Framing::Line => 30_000,
    };
    let text: String = {
        let mut random = client.random.borrow_mut();
        (0..length)
            .map(|_| random.random_range('A'..='Z'))
            .collect()
    };
    let asked = format!("lower {text}");
    let server = client.server(&[])?;
    let finished = client.ask(&server, &[&asked])?;
    is_asked(server, &[&format!("LOWER {text}")])?;
    finished.shows(&text.to_lowercase())
}
