//! Leaving.

use proto::frame::Framing;
use proto::refusal::Code;

use super::{Member, Room};
use crate::case::{Case, DELIMITED, PREFIXED};
use crate::server::Server;
use crate::verdict::{Came, Expected, Failure, Outcome};

pub const CASES: &[Case] = &[
    Case::must(
        "leave.quit",
        "chat",
        "The others hear of a member that leaves with QUIT: `EVENT left`, its name and `quit`.",
        quit,
    )
    .framings(DELIMITED),
    Case::must(
        "leave.disconnected",
        "chat",
        "The others hear of a member whose connection ends or is reset: `EVENT left`, its name and `disconnected`.",
        disconnected,
    )
    .points(2)
    .framings(DELIMITED)
    .cause("a member is taken out at QUIT alone, and not wherever a connection ends"),
    Case::must(
        "leave.broke-the-protocol",
        "chat",
        "A member that breaks the framing is removed, and the others hear why.",
        broke_the_protocol,
    )
    .framings(PREFIXED),
    Case::must(
        "leave.once",
        "chat",
        "The others hear of each member that leaves once.",
        heard_once,
    )
    .framings(DELIMITED)
    .cause("the member is taken out at QUIT, and again at the end of its connection"),
    Case::must(
        "leave.not-to-itself",
        "chat",
        "A member does not receive its own `EVENT left`: the answer to QUIT is the last message.",
        not_to_itself,
    )
    .framings(DELIMITED),
];

fn quit(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    let mut other = room.member("Joty")?;
    other.quits()?;
    member.hears(&format!("EVENT left {} quit", other.name))
}

/// Ends a member's connection, or one direction of it, which must be kept then.
type Ending = fn(Member) -> Result<Option<Member>, Failure>;

fn disconnected(server: &Server) -> Outcome {
    // Each in a room of its own.
    let endings: [Ending; 3] = [
        |_closes| Ok(None),
        |mut half_closes| {
            half_closes.peer.half_close();
            Ok(Some(half_closes))
        },
        |mut resets| {
            // In the middle of a message.
            let bytes = resets.peer.frame("SAY hello")?;
            resets.peer.throw(&bytes[..bytes.len() / 2]);
            resets.peer.reset();
            Ok(None)
        },
    ];
    for end in endings {
        let room = Room::new(server);
        let mut member = room.member("Adarsh")?;
        let other = room.member("Joty")?;
        let event = format!("EVENT left {} disconnected", other.name);
        let _kept = end(other)?;
        member.hears(&event)?;
    }
    Ok(())
}

fn broke_the_protocol(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    let mut other = room.member("Joty")?;
    let wrong: &[u8] = match server.framing {
        Framing::Netstring => b"x:hello,",
        _ => b"0x5hello",
    };
    other.peer.throw(wrong);
    other.peer.expect_refusal(&[Code::Malformed])?;
    member.hears(&format!("EVENT left {} broke the protocol", other.name))
}

fn heard_once(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    let left = |word: &str| format!("EVENT left {}", room.name(word));
    room.member("Joty")?.quits()?;
    begins(&mut member, &left("Joty"))?;
    room.member("Ahona")?.quits()?;
    begins(&mut member, &left("Ahona"))
}

/// The next event of somebody who left begins so, whatever the reason.
fn begins(member: &mut Member, event: &str) -> Outcome {
    loop {
        let message = member.peer.message(event)?;
        if member.is_of_no_concern(message.as_bytes(), "left") {
            continue;
        }
        let rest = message.strip_prefix(event);
        return match rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')) {
            true => Ok(()),
            false => member.peer.found(
                Expected::Described(format!("{event} …")),
                Came::Message(message.into()),
            ),
        };
    }
}

fn not_to_itself(server: &Server) -> Outcome {
    let room = Room::new(server);
    let mut member = room.member("Adarsh")?;
    member.peer.send("QUIT")?;
    loop {
        let message = member.peer.message("OK bye")?;
        if !member.is_of_no_concern(message.as_bytes(), "left") {
            return match message == "OK bye" {
                true => member.peer.expect_end(),
                false => member.peer.found(
                    Expected::Message("OK bye".into()),
                    Came::Message(message.into()),
                ),
            };
        }
    }
}
