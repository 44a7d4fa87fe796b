//! The hand-outs: the exchange that is printed, and what else its words permit.

mod pickled;

use std::collections::BTreeMap;
use std::thread;
use std::time::Duration;

use proto::frame::Framing;
use proto::handout::float::repr;
use proto::handout::{Handout, Implementation};
use proto::mode::Transport;
use rand::RngExt;

use crate::case::Case;
use crate::exchange::{Exchange, Turn, exchanges};
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// The page with the exchange.
fn page(handout: Handout) -> &'static str {
    match handout {
        Handout::Accepted => include_str!("../../../../docs/handouts/accepted.md"),
        Handout::AtmCard => include_str!("../../../../docs/handouts/atm-card.md"),
        Handout::AtmLogin => include_str!("../../../../docs/handouts/atm-login.md"),
        Handout::Calculator => include_str!("../../../../docs/handouts/calculator.md"),
        Handout::Chat => include_str!("../../../../docs/handouts/chat.md"),
        Handout::Datetime => include_str!("../../../../docs/handouts/datetime.md"),
        Handout::Echo => include_str!("../../../../docs/handouts/echo.md"),
        Handout::Greeting => include_str!("../../../../docs/handouts/greeting.md"),
        Handout::Joke => include_str!("../../../../docs/handouts/joke.md"),
        Handout::KnockKnock => include_str!("../../../../docs/handouts/knock-knock.md"),
        Handout::LengthPrefix => include_str!("../../../../docs/handouts/length-prefix.md"),
        Handout::Sixteen => include_str!("../../../../docs/handouts/sixteen.md"),
        Handout::TextMenu => include_str!("../../../../docs/handouts/text-menu.md"),
        Handout::TextSession => include_str!("../../../../docs/handouts/text-session.md"),
        Handout::TextbookAtm => include_str!("../../../../docs/handouts/textbook-atm.md"),
        Handout::Udp => include_str!("../../../../docs/handouts/udp.md"),
    }
}

/// Between two messages of clients without an answer between them, which nothing else keeps apart.
const APART: Duration = Duration::from_millis(500);

/// How long nothing must come where no later message could show that nothing did.
const SILENCE: Duration = Duration::from_millis(300);

const EXCHANGE: Case = Case::must(
    "exchange",
    "script",
    "The printed exchange, message by message and byte for byte.",
    exchange,
)
.points(5)
.fresh();

const DRAWN: Case = Case::must(
    "drawn",
    "script",
    "Messages like the printed ones, with other numbers and texts in them.",
    drawn,
)
.points(2)
.cause("the printed messages are recognised, and not what they mean");

const NEXT: Case = Case::should(
    "clients.next",
    "script",
    "After a client that says nothing, sends garbage or resets, the next one is served.",
    next,
)
.cause("the server ends with its first client, or at the error of one");

/// The cases of this hand-out's server.
pub fn cases(handout: Handout) -> Vec<Case> {
    let mut cases = vec![EXCHANGE];
    if is_drawn(handout) {
        cases.push(DRAWN);
    }
    // Of a script, its own cases say so.
    let is_script = matches!(handout.implementation(), Implementation::Script(_));
    if !is_script || handout.transport() == Transport::Udp {
        cases.push(NEXT);
    }
    cases
}

fn is_drawn(handout: Handout) -> bool {
    use Handout::{Calculator, Echo, TextMenu, TextSession};
    matches!(handout, TextSession | TextMenu | Calculator | Echo)
}

/// What a client says in the exchange where the printed program has no answer: it dies there, or the
/// lab is silent. What is answered then is the preset's choice, and not judged.
fn our_choice(handout: Handout) -> Option<&'static str> {
    match handout {
        Handout::TextSession => Some("12321"),
        Handout::AtmCard => Some("BALANCE_INQUIRY"),
        Handout::Datetime => Some("SEND_YEAR"),
        Handout::Calculator => Some("1 / 0"),
        _ => None,
    }
}

fn handout(server: &Server) -> Result<Handout, Failure> {
    match server.dialect {
        crate::dialect::Dialect::Handout(handout) => Ok(handout),
        _ => Err(Failure::Undecided("there is no hand-out".into())),
    }
}

fn printed(handout: Handout) -> Result<Exchange<'static>, Failure> {
    let mut all = exchanges(page(handout)).into_iter();
    let found = all.find(|it| it.header == handout.name());
    found.ok_or_else(|| Failure::Undecided("no exchange of this hand-out is written down".into()))
}

/// Without this message and its answers.
fn without<'d>(turns: &[Turn<'d>], message: Option<&str>) -> Vec<Turn<'d>> {
    let mut left_out = None;
    let is_kept = |turn: &&Turn<'_>| {
        if turn.is_client {
            left_out = (turn.said.is_some() && turn.said == message).then_some(turn.client);
        }
        left_out != Some(turn.client)
    };
    turns.iter().filter(is_kept).copied().collect()
}

fn exchange(server: &Server) -> Outcome {
    let handout = handout(server)?;
    let turns = printed(handout)?.turns;
    play(server, handout, &without(&turns, our_choice(handout)))
}

fn play(server: &Server, handout: Handout, turns: &[Turn<'_>]) -> Outcome {
    match handout.transport() {
        Transport::Tcp => play_stream(server, handout, turns),
        Transport::Udp => play_datagrams(server, turns),
    }
}

fn play_stream(server: &Server, handout: Handout, turns: &[Turn<'_>]) -> Outcome {
    let mut peers: BTreeMap<char, Peer> = BTreeMap::new();
    let mut is_unanswered = false;
    for turn in turns {
        if turn.is_client && is_unanswered {
            thread::sleep(APART);
        }
        is_unanswered = turn.is_client;
        let peer = match peers.entry(turn.client) {
            std::collections::btree_map::Entry::Occupied(peer) => peer.into_mut(),
            std::collections::btree_map::Entry::Vacant(place) => {
                place.insert(server.connect_unframed()?)
            }
        };
        match (turn.is_client, turn.said) {
            (true, Some(said)) => peer.send_bytes(framed(handout, said).as_bytes())?,
            (true, None) => peer.half_close(),
            (false, Some(said)) => hears(server, handout, peer, said)?,
            (false, None) => peer.expect_end()?,
        }
    }
    Ok(())
}

/// A message as it is sent: in the document, `\n` is a line feed.
fn text(said: &str) -> String {
    said.replace("\\n", "\n")
}

/// A message with what ends it, which most of the hand-outs have nothing for.
fn framed(handout: Handout, said: &str) -> String {
    match handout.framing() {
        Framing::Line => text(said) + "\n",
        _ => text(said),
    }
}

fn hears(server: &Server, handout: Handout, peer: &mut Peer, said: &str) -> Outcome {
    // A bank that runs already may have done business since its beginning.
    let may_differ = !server.is_started() && handout.mode() == proto::mode::Mode::Atm;
    match said.strip_suffix(" (pickled)") {
        Some(dictionary) => pickled::hears(peer, dictionary, may_differ),
        None if may_differ
            && said.contains(|c: char| c.is_ascii_digit())
            && !said.contains("\\n") =>
        {
            let came = peer.message(said)?;
            match is_like(&came, said) {
                true => Ok(()),
                false => peer.found(
                    Expected::Message(text(said).into()),
                    Came::Message(came.into()),
                ),
            }
        }
        None => peer.expect_bytes(framed(handout, said).as_bytes()),
    }
}

/// Whether two texts are equal up to the numbers in them.
fn is_like(one: &str, other: &str) -> bool {
    let shape = |text: &str| {
        let mut shape = String::new();
        for c in text.chars() {
            match c {
                '0'..='9' if shape.ends_with('0') => {}
                '0'..='9' => shape.push('0'),
                c => shape.push(c),
            }
        }
        shape
    };
    shape(one) == shape(other)
}

fn play_datagrams(server: &Server, turns: &[Turn<'_>]) -> Outcome {
    let mut socket = server.datagrams()?;
    for (number, turn) in turns.iter().enumerate() {
        let said = text(turn.said.unwrap_or_default());
        if turn.is_client {
            socket.send(said.as_bytes())?;
            let is_answered = turns.get(number + 1).is_some_and(|next| !next.is_client);
            let is_last = number + 1 == turns.len();
            if is_last && !is_answered {
                return match socket.receive_within(SILENCE) {
                    Came::Nothing(..) => Ok(()),
                    came => socket.found(Expected::Described("no answer".into()), came),
                };
            }
            continue;
        }
        let came = socket.receive(&said)?;
        // The moment is another one.
        let form = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "0");
        if form(&String::from_utf8_lossy(&came)) != form(&said) {
            return socket.found(Expected::Message(said.into()), Came::Message(came));
        }
    }
    Ok(())
}

/// One request of one client, and its answer.
fn asks(server: &Server, request: &str, answer: &str) -> Outcome {
    let mut peer = server.connect_unframed()?;
    peer.send_bytes(request.as_bytes())?;
    peer.expect_bytes(answer.as_bytes())?;
    peer.expect_end()
}

fn drawn(server: &Server) -> Outcome {
    let number = |most: u32| server.random.borrow_mut().random_range(100..most);
    match handout(server)? {
        Handout::TextSession => {
            let mut peer = server.connect_unframed()?;
            let [one, other] = [number(1_000), number(1_000)];
            for (request, answer) in [
                (
                    format!("Hello {one}  WORLD É"),
                    format!("hello {one}  world é"),
                ),
                ("7919 prime".into(), "It is a prime number.".into()),
                (
                    format!("{} prime", one * other),
                    "It is not a prime number.".into(),
                ),
                ("1 prime".into(), "It is not a prime number.".into()),
                (
                    format!("{} palindrome", mirrored(one)),
                    "It is palindrome.".into(),
                ),
                (
                    format!("1{}2 palindrome", mirrored(one)),
                    "It is not palindrome.".into(),
                ),
            ] {
                peer.send_bytes(request.as_bytes())?;
                peer.expect_bytes(answer.as_bytes())?;
            }
            Ok(())
        }
        Handout::TextMenu => {
            let [one, other] = [number(1_000), number(1_000)];
            asks(
                server,
                &format!("convert Hello{one} WORLD"),
                &format!("hello{one}"),
            )?;
            asks(server, "check 7919 prime", "Prime")?;
            asks(server, &format!("check {} prime", one * other), "Not Prime")?;
            let palindrome = format!("check {} palindrome", mirrored(one));
            asks(server, &palindrome, "Palindrome")?;
            asks(
                server,
                &format!("check 1{}2 palindrome", mirrored(one)),
                "Not Palindrome",
            )
        }
        Handout::Calculator => {
            let mut peer = server.connect_unframed()?;
            peer.send_bytes(b"Adarsh")?;
            thread::sleep(APART);
            let [one, other] = [f64::from(number(100_000)), f64::from(number(100_000))];
            for (operator, result) in [
                ('+', one + other),
                ('-', one - other),
                ('*', one * other),
                ('/', one / other),
            ] {
                let expression = format!("{one} {operator} {other}");
                peer.send_bytes(expression.as_bytes())?;
                peer.expect_bytes(repr(result).as_bytes())?;
            }
            Ok(())
        }
        Handout::Echo => {
            let mut peer = server.connect_unframed()?;
            for _ in 0..3 {
                let text = format!("Hello {}, world", number(1_000_000));
                peer.send_bytes(text.as_bytes())?;
                peer.expect_bytes(text.as_bytes())?;
            }
            peer.half_close();
            peer.expect_end()
        }
        _ => Ok(()),
    }
}

/// The digits of this number and their mirror image.
fn mirrored(number: u32) -> String {
    let digits = number.to_string();
    let back: String = digits.chars().rev().collect();
    format!("{digits}{back}")
}

fn next(server: &Server) -> Outcome {
    let handout = handout(server)?;
    let turns = printed(handout)?.turns;
    // What the first client says up to the first answer, whoever hears it.
    let answer = turns.iter().position(|turn| !turn.is_client);
    let first = &turns[..answer.map_or(turns.len(), |at| at + 1)];
    let unanswered = our_choice(handout).unwrap_or_default().as_bytes();
    if handout.transport() == Transport::Udp {
        for bytes in [&b"\xff\xfe"[..], b"", b" ", &[b'x'; 1_000], unanswered] {
            server.datagrams()?.send(bytes)?;
        }
        return play(server, handout, first);
    }
    let mut peer = server.connect_unframed()?;
    peer.throw(b"x");
    peer.reset();
    let garbage: [&[u8]; 4] = [b"", b"\xff\xfe\x00", b"  \r\n", unanswered];
    for bytes in garbage {
        let mut peer = server.connect_unframed()?;
        peer.throw(bytes);
        peer.half_close();
        // Until it has been dealt with.
        let _ = peer.receive_within(SILENCE);
    }
    play(server, handout, first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_hand_out_has_an_exchange_and_the_choices_are_in_it() {
        for handout in Handout::ALL {
            let turns = printed(handout).unwrap().turns;
            assert!(!turns.is_empty(), "{handout:?}");
            let choice = our_choice(handout);
            let is_in_it = turns.iter().any(|turn| turn.said == choice);
            assert!(choice.is_none() || is_in_it, "{handout:?}");
        }
    }

    #[test]
    fn a_message_is_left_out_with_its_answers() {
        let document = "```exchange x\nC1: a\nS1: b\nC2: no\nS2: c\nS2 closes\nC1: d\n```\n";
        let turns = &exchanges(document)[0].turns;
        let said: Vec<_> = without(turns, Some("no"))
            .iter()
            .map(|it| it.said)
            .collect();
        assert_eq!(said, [Some("a"), Some("b"), Some("d")]);
        assert_eq!(without(turns, None).len(), turns.len());
    }

    #[test]
    fn only_numbers_may_differ() {
        assert!(is_like("BALANCE_ACK 9500", "BALANCE_ACK 10000"));
        assert!(!is_like("BALANCE_ACK -", "BALANCE_ACK 10000"));
    }
}
