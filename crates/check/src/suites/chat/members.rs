//! The members together: one order, fifty of them, and one that does not read.

use proto::frame::Framing;
use proto::refusal::Code;

use super::{Member, Room};
use crate::case::{Case, DELIMITED};
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

pub const CASES: &[Case] = &[
    Case::must(
        "who.order",
        "chat",
        "WHO lists the members in the order of joining, the one that asks among them.",
        who,
    )
    .framings(DELIMITED),
    Case::must(
        "who.alone",
        "chat",
        "WHO takes no arguments: `WHO now` is `malformed`.",
        who_alone,
    ),
    Case::must(
        "order.same",
        "chat",
        "All members receive the lines in the same order, also where several speak at once.",
        same_order,
    )
    .points(2)
    .framings(DELIMITED)
    .cause(
        "each connection's thread sends by itself: one lock must be held for the whole of an event",
    ),
    Case::must(
        "members.unread",
        "chat",
        "A member that does not read holds up no other.",
        unread,
    )
    .points(2)
    .seconds(2)
    .framings(&[Framing::Netstring, Framing::Line])
    .cause(
        "it is written to while all others wait: each member needs a queue and a thread of its own",
    ),
    Case::must(
        "members.fifty",
        "chat",
        "Fifty members each receive what one of them says.",
        fifty,
    )
    .seconds(1)
    .framings(DELIMITED),
];

fn who(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut first = room.member("Zoe")?;
    let mut second = room.member("Adarsh")?;
    let third = room.member("Joty")?;
    for asks in 0..2 {
        let people = match asks {
            0 => first.who()?,
            _ => second.who()?,
        };
        people.are(&[&first, &second, &third])?;
    }
    Ok(())
}

fn who_alone(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    member.peer.is_refused("WHO now", &[Code::Malformed])?;
    member.peer.is_refused("WHO ", &[Code::Malformed])?;
    let answer = member.peer.ask("WHO")?;
    match answer.starts_with("OK here") {
        true => Ok(()),
        false => member.peer.found(
            Expected::Described("OK here and the members".into()),
            Came::Message(answer.into()),
        ),
    }
}

fn same_order(server: &Server) -> Outcome {
    const ROUNDS: usize = 3;
    let room = Room::new(server);
    let mut members = Vec::new();
    for word in ["A", "B", "C", "D", "E", "F"] {
        members.push(room.member(word)?);
    }
    for round in 0..ROUNDS {
        for member in &mut members {
            let say = format!("SAY line {round}");
            member.peer.send(&say)?;
        }
    }
    let lines = ROUNDS * members.len();
    let mut first: Vec<String> = Vec::new();
    for member in &mut members {
        for number in 0..lines {
            let line = next_line(member)?;
            match first.get(number) {
                None => first.push(line),
                Some(other) if *other == line => {}
                Some(other) => {
                    return member.peer.found(
                        Expected::Described(format!("{other}, as another member received it")),
                        Came::Message(line.into()),
                    );
                }
            }
        }
    }
    // What one member says is in its own order.
    for member in &members {
        let begin = format!("EVENT said {} line ", member.name);
        let rounds = first.iter().filter_map(|line| line.strip_prefix(&begin));
        if !rounds.eq(["0", "1", "2"]) {
            let expected = format!("the three lines of {} in their order", member.name);
            return Err(Failure::because(expected, first.join("; ")));
        }
    }
    Ok(())
}

/// The next line that somebody of the case says.
fn next_line(member: &mut Member) -> Result<String, Failure> {
    loop {
        let message = member.peer.message("EVENT said …")?;
        let is_answer = message == "OK said";
        if !is_answer && !member.is_of_no_concern(message.as_bytes(), "said") {
            return Ok(message);
        }
    }
}

fn unread(server: &Server) -> Outcome {
    // As many as a member may say without being slowed down, and more than the buffers hold.
    const LINES: usize = 17;
    let room = Room::new(server);
    let peer = server.connect_with_little_room()?;
    let mut silent = room.over(peer, "Silent");
    silent.peer.expect("READY chat 1")?;
    silent.joins()?;
    let mut members = Vec::new();
    // A little less than the longest, which is judged by a case of its own.
    let length = room.longest() - 20;
    for number in 0..160_000 / (LINES * length) + 1 {
        members.push(room.member(&format!("M{number}"))?);
    }
    let text = "x".repeat(length);
    for _ in 0..LINES {
        for member in &mut members {
            member.says(&text)?;
        }
    }
    room.member("Late")?.says("hello")?;
    let event = format!("EVENT said {} hello", room.name("Late"));
    while next_line(&mut members[0])? != event {}
    drop(silent);
    Ok(())
}

fn fifty(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut members = Vec::new();
    for number in 0..50 {
        members.push(room.member(&format!("M{number}"))?);
    }
    members[49].says("hello")?;
    let event = format!("EVENT said {} hello", members[49].name);
    for member in &mut members[..49] {
        member.hears(&event)?;
    }
    Ok(())
}
