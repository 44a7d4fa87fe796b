//! The chat room of several servers, on a real Redis. Without one the tests say so and pass, unless
//! `SOCKETLAB_REQUIRE_REDIS` is set, as it is in the gate.

mod failures;
mod refusals;

use std::sync::Barrier;

use proto::frame::Framing;
use proto::mode::Mode;
use server::Config;
use server::config::RoomSettings;
use testkit::peer::Peer;
use testkit::redis::Redis;
use testkit::service::{Service, start_configured};
use testkit::{at_once, require_redis};

/// A room's settings on this Redis.
fn settings(url: &str) -> RoomSettings {
    RoomSettings {
        address: url.parse().unwrap(),
        password: None,
        replicas: 0,
        lease: Config::LEASE,
    }
}

/// A server whose room is on this Redis.
fn server_on(redis: &Redis) -> Service {
    server_with(redis, 0)
}

/// The same, where a newcomer hears so many lines.
fn server_with(redis: &Redis, history: usize) -> Service {
    start_configured(Mode::Chat, |config| {
        config.room = Some(settings(&redis.url()));
        config.history = history;
        config.chat_rate = 0;
    })
}

/// A member who has joined, and what it was answered.
fn join(server: &Service, name: &str) -> (Peer, String) {
    let mut peer = server.converse(Framing::Netstring);
    let answer = peer.ask(&format!("JOIN {name}"));
    assert!(answer.starts_with(&format!("OK joined {name}")), "{answer}");
    (peer, answer)
}

/// What a member hears up to and including the message that ends so.
fn hear_until(peer: &mut Peer, end: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let message = peer.receive().expect("the room went silent");
        let is_last = message.ends_with(end);
        heard.push(message);
        if is_last {
            return heard;
        }
    }
}

/// Who is there, to this member.
fn who(peer: &mut Peer) -> String {
    peer.send("WHO");
    loop {
        let message = peer.receive().expect("the room went silent");
        if message.starts_with("OK here ") {
            return message;
        }
    }
}

/// What was said, of what was heard.
fn said(heard: &[String]) -> Vec<String> {
    let said = heard.iter().filter(|it| it.starts_with("EVENT said "));
    said.cloned().collect()
}

#[test]
fn a_conversation_over_two_servers_has_the_messages_of_one_over_one() {
    require_redis!();
    let redis = Redis::start();
    let (one, two) = (server_on(&redis), server_on(&redis));
    let (mut adarsh, _) = join(&one, "Adarsh");
    let (mut joty, answer) = join(&two, "Joty");
    assert_eq!(answer, "OK joined Joty with Adarsh");
    joty.send("SAY  hello, QUIT");
    joty.send("WHO");
    let heard = hear_until(&mut joty, "Adarsh Joty");
    assert_eq!(
        heard,
        [
            "EVENT said Joty  hello, QUIT",
            "OK said",
            "OK here Adarsh Joty"
        ]
    );
    assert_eq!(joty.ask("QUIT"), "OK bye");
    assert!(joty.receive().is_none());
    // With the goodbye, the name is free at every server.
    let (mut again, answer) = join(&one, "jOTY");
    assert_eq!(answer, "OK joined jOTY with Adarsh");
    drop(again.ask("QUIT"));
    assert_eq!(
        hear_until(&mut adarsh, "left jOTY quit"),
        [
            "EVENT joined Joty",
            "EVENT said Joty  hello, QUIT",
            "EVENT left Joty quit",
            "EVENT joined jOTY",
            "EVENT left jOTY quit",
        ]
    );
}

#[test]
fn members_of_three_servers_who_all_talk_hear_the_same_in_the_same_order() {
    const MEMBERS: usize = 18;
    const LINES: usize = 12;
    require_redis!();
    let redis = Redis::start();
    let servers: Vec<Service> = (0..3).map(|_| server_on(&redis)).collect();
    let barrier = Barrier::new(MEMBERS);
    let talk = |number: usize| {
        let (mut peer, _) = join(&servers[number % 3], &format!("m{number}"));
        barrier.wait();
        for line in 0..LINES {
            peer.send(&format!("SAY m{number} line {line}"));
        }
        peer.send("SAY end");
        let (mut heard, mut ends) = (Vec::new(), 0);
        while ends < MEMBERS {
            let message = peer.receive().unwrap();
            ends += usize::from(message.ends_with(" end"));
            heard.push(message);
        }
        // Nobody leaves, which would be heard, before all have heard everything.
        (heard, peer)
    };
    let (heard, mut peers): (Vec<_>, Vec<_>) = at_once(0..MEMBERS, talk).into_iter().unzip();
    let order = said(&heard[0]);
    assert_eq!(order.len(), MEMBERS * (LINES + 1));
    for (number, heard) in heard.iter().enumerate() {
        assert_eq!(said(heard), order, "m{number} heard another order");
        let own = format!("EVENT said m{number} m{number} line ");
        let own = order.iter().filter_map(|line| line.strip_prefix(&own));
        assert!(own.eq((0..LINES).map(|line| line.to_string())));
        // Its own line, then the answer to it.
        let own_events = format!("EVENT said m{number} ");
        let is_own = |it: &&String| it.starts_with(&own_events) || *it == "OK said";
        let own: Vec<_> = heard.iter().filter(is_own).collect();
        for pair in own.chunks_exact(2) {
            assert!(pair[0] != "OK said" && pair[1] == "OK said", "{own:?}");
        }
    }
    let lists: Vec<String> = peers[..3].iter_mut().map(who).collect();
    assert!(lists.iter().all(|list| *list == lists[0]), "{lists:?}");
    assert_eq!(lists[0].split(' ').count(), MEMBERS + 2);
}

#[test]
fn of_many_connections_to_three_servers_that_want_one_name_one_gets_it() {
    const WANT: usize = 30;
    require_redis!();
    let redis = Redis::start();
    let servers: Vec<Service> = (0..3).map(|_| server_on(&redis)).collect();
    let (mut witness, _) = join(&servers[0], "witness");
    let barrier = Barrier::new(WANT);
    let peers = at_once(0..WANT, |number| {
        let mut peer = servers[number % 3].converse(Framing::Netstring);
        barrier.wait();
        let answer = peer.ask(["JOIN Joty", "JOIN JOTY"][number % 2]);
        (peer, answer)
    });
    let is_in = |it: &&(Peer, String)| it.1.starts_with("OK joined");
    assert_eq!(peers.iter().filter(is_in).count(), 1);
    for (_, answer) in peers.iter().filter(|it| !is_in(it)) {
        let answer = answer.to_lowercase();
        assert_eq!(answer, "err name-taken joty is in the room");
    }
    witness.send("SAY end");
    let heard = hear_until(&mut witness, "OK said");
    assert_eq!(heard.len(), 3, "{heard:?}");
}

#[test]
fn a_newcomer_hears_the_last_lines_at_a_server_that_was_started_later_too() {
    require_redis!();
    let redis = Redis::start();
    let first = server_with(&redis, 2);
    let (mut adarsh, _) = join(&first, "Adarsh");
    for line in ["one", "two", "three"] {
        assert!(adarsh.ask(&format!("SAY {line}")).ends_with(line));
        assert_eq!(adarsh.receive().unwrap(), "OK said");
    }
    let later = server_with(&redis, 2);
    for server in [&first, &later] {
        let (mut joty, _) = join(server, "Joty");
        assert_eq!(joty.receive().unwrap(), "EVENT said Adarsh two");
        assert_eq!(joty.receive().unwrap(), "EVENT said Adarsh three");
        assert_eq!(joty.ask("QUIT"), "OK bye");
    }
}

#[test]
fn the_members_of_a_server_that_stops_are_said_to_have_left() {
    require_redis!();
    let redis = Redis::start();
    let (one, two) = (server_on(&redis), server_on(&redis));
    let (mut witness, _) = join(&one, "witness");
    let (mut first, _) = join(&two, "first");
    let (_second, _) = join(&two, "second");
    two.stop();
    assert_eq!(
        hear_until(&mut first, "stopping"),
        [
            "EVENT joined second",
            "ERR shutting-down the server is stopping"
        ]
    );
    let heard = hear_until(&mut witness, "left second disconnected");
    assert_eq!(heard[2], "EVENT left first disconnected");
    let (_first, answer) = join(&one, "first");
    assert_eq!(answer, "OK joined first with witness");
}
