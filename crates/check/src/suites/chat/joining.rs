//! Joining, and names.

use std::thread;
use std::time::{Duration, Instant};

use proto::chat::RESERVED;
use proto::refusal::Code;

use super::{Member, Room};
use crate::case::{Case, DELIMITED};
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

/// How often it is asked whether a name is free.
const AGAIN: Duration = Duration::from_millis(50);

pub const CASES: &[Case] = &[
    Case::must(
        "join.first",
        "chat",
        "Before JOIN, SAY and WHO are `out-of-order`.",
        first,
    ),
    Case::must(
        "join.once",
        "chat",
        "Who is in the room cannot join again: `out-of-order`, and the name stays.",
        once,
    ),
    Case::must(
        "join.no-events-before",
        "chat",
        "A client that has not joined receives no events.",
        no_events_before,
    )
    .framings(DELIMITED)
    .cause("events are sent to all connections, and not to the members"),
    Case::must(
        "join.announced-once-in",
        "chat",
        "Members hear of a new one when it has joined: not of a connection, and not of a refused name.",
        announced,
    )
    .framings(DELIMITED)
    .fresh(),
    Case::must(
        "join.not-to-itself",
        "chat",
        "A member does not receive its own `EVENT joined`.",
        not_to_itself,
    )
    .framings(DELIMITED),
    Case::must(
        "join.list",
        "chat",
        "The answer to JOIN has the members, in the order of joining, and those who come later are events.",
        list,
    )
    .framings(DELIMITED),
    Case::must(
        "join.at-once",
        "chat",
        "Of eight that join at once, each learns of each other one exactly once, from the list or from an event.",
        at_once,
    )
    .points(2)
    .framings(DELIMITED)
    .cause("the list is made, and the member added, in two steps between which others join"),
    Case::must(
        "name.case",
        "chat",
        "A name is taken in any case, and who is refused may try another.",
        case,
    )
    .cause("names are compared as they are written: `Joty` is `jOTY`"),
    Case::must(
        "name.reserved",
        "chat",
        "Names that could be taken for the room are reserved, in any case: `name-taken`.",
        reserved,
    ),
    Case::must(
        "name.grammar",
        "chat",
        "A name has 1 to 32 letters, digits, `_` and `-`: others are `malformed`, longer ones `too-long`.",
        grammar,
    ),
    Case::must(
        "name.free-after-quit",
        "chat",
        "A name is free again when its member has left with QUIT.",
        free_after_quit,
    ),
    Case::must(
        "name.free-after-loss",
        "chat",
        "A name is free again when its member's connection has ended without QUIT.",
        free_after_loss,
    )
    .points(2)
    .cause("the name is given back at QUIT alone, and not wherever a connection ends"),
];

fn first(server: &Server) -> Outcome {
    let mut member = Room::new(server).stranger("Adarsh")?;
    member.peer.is_refused("SAY hello", &[Code::OutOfOrder])?;
    member.peer.is_refused("WHO", &[Code::OutOfOrder])?;
    member.joins().map(drop)
}

fn once(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    let again = format!("JOIN {}", room.name("Ahona"));
    member.peer.is_refused(&again, &[Code::OutOfOrder])?;
    room.stranger("Joty")?.joins()?.are(&[&member])
}

fn no_events_before(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut stranger = room.stranger("Ahona")?;
    let mut member = room.member("Adarsh")?;
    member.says("is anybody here?")?;
    room.member("Joty")?.quits()?;
    // When this is answered, all that was to be heard of before has been sent.
    member.says("and now?")?;
    let expected = "ERR out-of-order …";
    stranger.peer.send("WHO")?;
    let message = stranger.peer.message(expected)?;
    match message.starts_with("ERR out-of-order") {
        true => Ok(()),
        false => stranger.peer.found(
            Expected::Described(expected.into()),
            Came::Message(message.into()),
        ),
    }
}

fn announced(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    let mut other = room.stranger("Joty")?;
    let taken = format!("JOIN {}", member.name);
    other.peer.is_refused(&taken, &[Code::NameTaken])?;
    let wrong = format!("JOIN Joty {}", room.name(""));
    other.peer.is_refused(&wrong, &[Code::Malformed])?;
    other.joins()?;
    let event = format!("EVENT joined {}", other.name);
    match server.is_started() {
        // Nobody else is there.
        true => member.peer.expect(&event),
        false => member.hears(&event),
    }
}

fn not_to_itself(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut first = room.member("Adarsh")?;
    let mut second = room.stranger("Joty")?;
    let join = format!("JOIN {}", second.name);
    second.peer.send(&join)?;
    // It might come before the answer as well as after it.
    loop {
        let message = second.peer.message("OK joined …")?;
        if !second.is_of_no_concern(message.as_bytes(), "joined") {
            second.people_in(message)?;
            break;
        }
    }
    let third = room.member("Ahona")?;
    let event = format!("EVENT joined {}", third.name);
    second.hears(&event)?;
    first.hears(&format!("EVENT joined {}", second.name))?;
    first.hears(&event)
}

fn list(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut first = room.stranger("Zoe")?;
    first.joins()?.are(&[])?;
    let mut second = room.stranger("Adarsh")?;
    second.joins()?.are(&[&first])?;
    let mut third = room.stranger("Joty")?;
    third.joins()?.are(&[&first, &second])?;
    first.hears(&format!("EVENT joined {}", second.name))?;
    let event = format!("EVENT joined {}", third.name);
    first.hears(&event)?;
    second.hears(&event)
}

fn at_once(server: &Server) -> Outcome {
    let room = Room::new(server);
    let words = ["A", "B", "C", "D", "E", "F", "G", "H"];
    let mut members: Vec<Member> = Vec::new();
    for word in words {
        members.push(room.stranger(word)?);
    }
    for member in &mut members {
        let join = format!("JOIN {}", member.name);
        member.peer.send(&join)?;
    }
    let mut known = Vec::new();
    for member in &mut members {
        known.push(met_on_joining(member)?);
    }
    let last = room.member("Last")?;
    for (member, mut known) in members.iter_mut().zip(known) {
        known.extend(joined_before(member, &last.name)?);
        known.retain(|name| *name != member.name);
        known.sort();
        let expected = words.map(|word| room.name(word));
        let others = expected.iter().filter(|name| **name != member.name);
        if !others.eq(&known) {
            return Err(Failure::because(
                format!("each of {} once", expected.join(" ")),
                format!("{} learned of {}", member.name, known.join(" ")),
            ));
        }
    }
    Ok(())
}

/// The names of the case that the answer to `JOIN` has, and of those who join before it is sent.
fn met_on_joining(member: &mut Member) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    loop {
        let message = member.peer.message("OK joined …")?;
        match message.strip_prefix("EVENT joined ") {
            Some(name) if member.is_ours(name) => names.push(name.to_owned()),
            None if !message.starts_with("EVENT ") => {
                let list = member.people_in(message)?;
                if list.unnamed > 0 {
                    let words = "the room has more members than the list has room for";
                    return Err(Failure::Undecided(words.into()));
                }
                names.extend(list.names);
                return Ok(names);
            }
            _ => {}
        }
    }
}

/// The names of the case whose joining is heard of before that of the last.
fn joined_before(member: &mut Member, last: &str) -> Result<Vec<String>, Failure> {
    let mut names = Vec::new();
    loop {
        let expected = format!("EVENT joined {last}");
        let message = member.peer.message(&expected)?;
        match message.strip_prefix("EVENT joined ") {
            Some(name) if name == last => return Ok(names),
            Some(name) if member.is_ours(name) => names.push(name.to_owned()),
            _ => {}
        }
    }
}

fn case(server: &Server) -> Outcome {
    let room = Room::new(server);
    let _member = room.member("Joty")?;
    let mut other = room.stranger("Ahona")?;
    for name in ["Joty", "jOTY", "JOTY", "joty"] {
        let join = format!("JOIN {}", room.name(name));
        other.peer.is_refused(&join, &[Code::NameTaken])?;
    }
    other.joins().map(drop)
}

fn reserved(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.stranger("Adarsh")?;
    for name in RESERVED {
        let join = format!("JOIN {name}");
        member.peer.is_refused(&join, &[Code::NameTaken])?;
    }
    for name in ["SERVER", "Admin", "eVERYBODY"] {
        let join = format!("JOIN {name}");
        member.peer.is_refused(&join, &[Code::NameTaken])?;
    }
    member.joins().map(drop)
}

fn grammar(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.stranger("x-9-Z")?;
    member.peer.is_refused("JOIN", &[Code::Malformed])?;
    for name in ["", "a b", "a.b", "é", "a\tb", " a", "a ", "٣"] {
        let join = format!("JOIN {name}");
        member.peer.is_refused(&join, &[Code::Malformed])?;
    }
    let longest = format!("{}{}", "a".repeat(32 - room.tag.len()), room.tag);
    member.peer.is_refused(
        &format!("JOIN b{longest}"),
        &[Code::TooLong, Code::Malformed],
    )?;
    member.joins()?;
    let mut other = room.stranger("")?;
    other.name = longest;
    other.joins().map(drop)
}

/// Somebody else gets this name, at once or when the server has noticed that it is free.
fn becomes_free(room: &Room<'_>, word: &str) -> Outcome {
    let mut member = room.stranger(word)?;
    let join = format!("JOIN {}", member.name);
    let by = Instant::now() + room.server.patience;
    loop {
        let answer = member.peer.ask(&join)?;
        if !answer.starts_with("ERR name-taken") {
            let expected = format!("OK joined {}", member.name);
            return match answer.starts_with(&expected) {
                true => Ok(()),
                false => member.peer.found(
                    Expected::Message(expected.into()),
                    Came::Message(answer.into()),
                ),
            };
        }
        if Instant::now() >= by {
            return member.peer.found(
                Expected::Described("a name that is free again".into()),
                Came::Message(answer.into()),
            );
        }
        thread::sleep(AGAIN);
    }
}

fn free_after_quit(server: &Server) -> Outcome {
    let room = Room::new(server);
    room.member("Joty")?.quits()?;
    becomes_free(&room, "Joty")
}

fn free_after_loss(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Joty")?;
    member.peer.half_close();
    becomes_free(&room, "jOTY")?;
    drop(room.member("Adarsh")?);
    becomes_free(&room, "Adarsh")?;
    room.member("Ahona")?.peer.reset();
    becomes_free(&room, "Ahona")
}
