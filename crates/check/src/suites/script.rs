//! Scripts: what the server says is in a file.

use std::sync::Arc;
use std::time::Duration;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::script::{Player, Script, SideScript, Then, Turn};
use rand::RngExt;

use crate::case::Case;
use crate::peer::Peer;
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// How long nothing must come where no later message could show that nothing did.
const SILENCE: Duration = Duration::from_millis(300);

const SAYS_ITS_PART: Case = Case::must(
    "says-its-part",
    "script",
    "The server says its part of the script: each message byte for byte, and closes where it is to.",
    says_its_part,
)
.points(3);

const BYTEWISE: Case = Case::must(
    "bytewise",
    "messages",
    "A message is the same however it arrives: here each byte comes alone.",
    bytewise,
)
.points(2)
.cause("one recv is not one message: TCP is a stream, which the reads cut anywhere");

const NOTHING_ELSE: Case = Case::must(
    "nothing-else",
    "script",
    "What is not in the script is not answered.",
    nothing_else,
);

const CLIENTS_PART: Case = Case::must(
    "client-gets-to-its-end",
    "script",
    "The client's part of the script can be played to its end.",
    client_gets_to_its_end,
);

const AGAIN: Case = Case::should(
    "clients.next",
    "script",
    "After a client that sends something else, half-closes or resets, the next one is served.",
    next,
)
.cause("the server ends with its first client, or at the error of one");

const SILENT: Case = Case::should(
    "clients.silent",
    "script",
    "A client that is silent holds up no other.",
    silent,
)
.cause("one client is served after the other, and not each by a thread of its own");

const DATAGRAMS: Case = Case::must(
    "says-its-part",
    "script",
    "Each datagram is answered as the script says, byte for byte.",
    datagrams,
)
.points(3);

/// The cases of this script's server.
pub fn cases(script: &Script) -> Vec<Case> {
    let Some(part) = script.server() else {
        return vec![CLIENTS_PART];
    };
    if script.transport() == Transport::Udp {
        return vec![DATAGRAMS];
    }
    let mut cases = vec![SAYS_ITS_PART];
    if script.client().is_some() {
        cases.push(CLIENTS_PART);
    }
    // In raw framing, a message of no known length is what one read returns.
    let has_length = script.framing() != Framing::Raw || part.message_length().is_some();
    if has_length {
        cases.push(BYTEWISE);
    }
    if !part.takes_any_first() && !part.ways("").is_empty() {
        cases.push(NOTHING_ELSE);
    }
    cases.extend([AGAIN, SILENT]);
    cases
}

fn script(server: &Server) -> Result<Arc<Script>, Failure> {
    let no_script = || Failure::Undecided("there is no script".into());
    server.dialect.script().ok_or_else(no_script)
}

fn part(script: &Script) -> Result<&SideScript, Failure> {
    let no_part = || Failure::Undecided("the script has no part of a server".into());
    script.server().ok_or_else(no_part)
}

/// A text that is in no script, as long as a message must be.
fn drawn(server: &Server, part: &SideScript) -> String {
    let number = server.random.borrow_mut().random_range(0..1_000_000);
    let text = format!("hello {number:06}");
    match part.message_length() {
        Some(length) => text.chars().cycle().take(length.get()).collect(),
        None => text,
    }
}

/// How the messages of a client are sent.
#[derive(Clone, Copy)]
enum Sending {
    Whole,
    Bytewise,
}

/// Plays one connection: these messages, and what the script answers to them.
fn play(server: &Server, part: &SideScript, way: &[String], sending: Sending) -> Outcome {
    let mut peer = server.connect_silently()?;
    let mut player = Player::new(part);
    let mut turn = player.connected();
    let mut messages = way.iter();
    loop {
        hears(&mut peer, turn)?;
        if turn.then == Then::Close {
            return peer.expect_end();
        }
        let Some(message) = messages.next() else {
            return Ok(());
        };
        let bytes = peer.frame(message)?;
        match sending {
            Sending::Whole => peer.send_bytes(&bytes)?,
            Sending::Bytewise => peer.send_in_pieces(&bytes, 1)?,
        }
        turn = player
            .received(message.as_bytes())
            .map_err(|unexpected| Failure::Undecided(unexpected.to_string()))?;
    }
}

fn hears(peer: &mut Peer, turn: &Turn) -> Outcome {
    turn.send
        .iter()
        .try_for_each(|text| peer.expect_bytes(text.as_bytes()))
}

/// Plays all that the server can be brought to say.
fn play_all(server: &Server, sending: Sending) -> Outcome {
    let script = script(server)?;
    let part = part(&script)?;
    let ways = part.ways(&drawn(server, part));
    if ways.is_empty() {
        return play(server, part, &[], sending);
    }
    ways.iter()
        .try_for_each(|way| play(server, part, way, sending))
}

/// One client is served from beginning to end.
fn serves(server: &Server) -> Outcome {
    let script = script(server)?;
    let part = part(&script)?;
    let ways = part.ways(&drawn(server, part));
    let first = ways.first().map_or(&[][..], Vec::as_slice);
    play(server, part, first, Sending::Whole)
}

fn says_its_part(server: &Server) -> Outcome {
    play_all(server, Sending::Whole)
}

fn bytewise(server: &Server) -> Outcome {
    play_all(server, Sending::Bytewise)
}

fn nothing_else(server: &Server) -> Outcome {
    let script = script(server)?;
    let part = part(&script)?;
    let mut peer = server.connect_silently()?;
    let mut player = Player::new(part);
    hears(&mut peer, player.connected())?;
    let wrong = drawn(server, part);
    peer.send(&wrong)?;
    peer.half_close();
    peer.expect_end()
}

fn client_gets_to_its_end(server: &Server) -> Outcome {
    let script = script(server)?;
    let Some(part) = script.client() else {
        return Err(Failure::Undecided(
            "the script has no part of a client".into(),
        ));
    };
    if script.transport() == Transport::Udp {
        let words = "over UDP a script is judged by its server's part";
        return Err(Failure::Undecided(words.into()));
    }
    // What is typed: anything first, then what leads on.
    let mut typed = vec![drawn(server, part)];
    if let Some(part) = script.server() {
        let ways = part.ways(&typed[0]);
        typed.extend(ways.into_iter().filter_map(|mut way| way.pop()));
    }
    let mut typed = typed.into_iter();
    let mut peer = server.connect_silently()?;
    let mut player = Player::new(part);
    let mut turn = player.connected();
    loop {
        for message in &turn.send {
            peer.send(message)?;
        }
        if turn.ask.is_some() {
            let Some(line) = typed.next() else {
                return Ok(());
            };
            peer.send(&line)?;
        }
        match turn.then {
            Then::Close => return Ok(()),
            Then::AwaitClose => return peer.expect_end(),
            Then::Receive => {}
        }
        let expected = player.waited(b"").expected().to_owned();
        let message = receive_whole(&mut peer, part, &player)?;
        turn = match player.received(&message) {
            Ok(turn) => turn,
            Err(_) => {
                let expected = Expected::Described(expected);
                return peer.found(expected, Came::Message(message));
            }
        };
    }
}

/// The next message to the client. In raw framing it may come in pieces.
fn receive_whole(
    peer: &mut Peer,
    part: &SideScript,
    player: &Player<'_>,
) -> Result<Vec<u8>, Failure> {
    let expected = player.waited(b"").expected().to_owned();
    let mut message = Vec::new();
    loop {
        match peer.receive() {
            Came::Message(piece) => message.extend(piece),
            came => return peer.found(Expected::Described(expected), came),
        }
        if peer.framing() != Framing::Raw {
            return Ok(message);
        }
        // Of more than it reads, the client knows nothing.
        if let Some(length) = part.message_length()
            && message.len() >= length.get()
        {
            message.truncate(length.get());
            return Ok(message);
        }
        if part.message_length().is_none() && !player.expects_more_than(&message) {
            return Ok(message);
        }
    }
}

fn next(server: &Server) -> Outcome {
    serves(server)?;
    let script = script(server)?;
    let part = part(&script)?;
    let mut other = server.connect_silently()?;
    other.throw(drawn(server, part).as_bytes());
    other.half_close();
    let _ = other.receive();
    drop(other);
    let mut empty = server.connect_silently()?;
    empty.half_close();
    let _ = empty.receive();
    serves(server)?;
    let mut reset = server.connect_silently()?;
    reset.throw(b"\xff\x000");
    reset.reset();
    serves(server)
}

fn silent(server: &Server) -> Outcome {
    let silent = server.connect_silently()?;
    serves(server)?;
    drop(silent);
    Ok(())
}

fn datagrams(server: &Server) -> Outcome {
    let script = script(server)?;
    let part = part(&script)?;
    // Each datagram is a beginning.
    let ways = part.ways(&drawn(server, part));
    let first = ways.iter().filter(|way| way.len() == 1);
    let mut socket = server.datagrams()?;
    let mut is_answered = false;
    for message in first.flatten() {
        let mut player = Player::new(part);
        let turn = player
            .received(message.as_bytes())
            .map_err(|unexpected| Failure::Undecided(unexpected.to_string()))?;
        socket.send(message.as_bytes())?;
        is_answered = false;
        for text in &turn.send {
            is_answered = true;
            socket.expect(text.as_bytes())?;
        }
    }
    if is_answered {
        return Ok(());
    }
    // Nothing is there that would be answered after it.
    match socket.receive_within(SILENCE) {
        Came::Nothing(..) => Ok(()),
        came => socket.found(Expected::Described("no answer".into()), came),
    }
}
