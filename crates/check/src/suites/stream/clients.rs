//! Several clients: silent ones, many at once, and those that send garbage.

use std::thread;
use std::time::Duration;

use proto::mode::Mode;
use proto::refusal::Code;
use rand::RngExt;

use super::{answered, conversation, leave, serves_another};
use crate::case::Case;
use crate::server::Server;
use crate::verdict::Outcome;

pub const CASES: &[Case] = &[
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
