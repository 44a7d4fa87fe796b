//! The chat room over loopback: one order for all, and members who misbehave.

use std::io::Write;
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::{Mode, Transport};
use socket2::{Domain, Socket, Type};
use testkit::peer::{Peer, exchange};
use testkit::service::{Service, start, start_configured};
use testkit::{TEST_TIMEOUT, at_once};
use wire::limits::Limits;

fn room() -> Service {
    start(Mode::Chat)
}

/// A member who has joined; what it was answered is forgotten.
fn join(server: &Service, name: &str) -> Peer {
    join_over(server.connect(), name)
}

fn join_over(stream: TcpStream, name: &str) -> Peer {
    let mut peer = Peer::over(stream, Framing::Netstring);
    assert_eq!(peer.receive().unwrap(), "READY chat 1");
    let answer = peer.ask(&format!("JOIN {name}"));
    assert!(answer.starts_with(&format!("OK joined {name}")), "{answer}");
    peer
}

/// A connection for which the kernel on our side keeps little.
fn with_small_buffer(server: &Service) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4 * 1024).unwrap();
    let address = server.address_over(Transport::Tcp);
    socket.connect(&address.into()).unwrap();
    socket.into()
}

/// What a member hears up to and including this message.
fn hear_until(peer: &mut Peer, last: &str) -> Vec<String> {
    let mut heard = Vec::new();
    loop {
        let message = peer.receive().expect("the room went silent");
        let is_last = message == last;
        heard.push(message);
        if is_last {
            return heard;
        }
    }
}

fn events(heard: Vec<String>) -> Vec<String> {
    let is_event = |message: &String| message.starts_with("EVENT ");
    heard.into_iter().filter(is_event).collect()
}

/// What a member hears to the end of the stream, however that comes.
fn hear_all(peer: &mut Peer) -> Vec<String> {
    let mut heard = Vec::new();
    let by = Instant::now() + TEST_TIMEOUT;
    while let Ok(Some(message)) = peer.0.reader.receive(Some(by)) {
        heard.push(String::from_utf8(message).unwrap());
    }
    assert!(Instant::now() < by, "the connection was still open");
    heard
}

#[test]
fn a_conversation_has_these_exact_messages() {
    let server = room();
    let mut adarsh = server.converse(Framing::Netstring);
    assert_eq!(adarsh.ask("JOIN Adarsh"), "OK joined Adarsh");
    let mut joty = server.converse(Framing::Netstring);
    assert_eq!(joty.ask("JOIN Joty"), "OK joined Joty with Adarsh");
    joty.send("SAY  hello, QUIT");
    joty.send("WHO");
    joty.send("QUIT");
    assert_eq!(
        hear_all(&mut joty),
        [
            "EVENT said Joty  hello, QUIT",
            "OK said",
            "OK here Adarsh Joty",
            "OK bye",
        ]
    );
    adarsh.send("QUIT");
    assert_eq!(
        hear_all(&mut adarsh),
        [
            "EVENT joined Joty",
            "EVENT said Joty  hello, QUIT",
            "EVENT left Joty quit",
            "OK bye",
        ]
    );
}

#[test]
fn what_is_out_of_order_or_malformed_is_refused_and_the_connection_lives() {
    let server = room();
    let mut peer = server.converse(Framing::Netstring);
    for (request, code) in [
        ("SAY hello", "out-of-order"),
        ("WHO", "out-of-order"),
        ("JOIN", "malformed"),
        ("JOIN two words", "malformed"),
        ("JOIN Server", "name-taken"),
        ("hello", "unknown-verb"),
        ("", "unknown-verb"),
    ] {
        let answer = peer.ask(request);
        assert!(answer.starts_with(&format!("ERR {code} ")), "{answer}");
    }
    assert_eq!(peer.ask("JOIN Adarsh"), "OK joined Adarsh");
    let too_long = format!("SAY {}", "x".repeat(901));
    for (request, code) in [
        ("JOIN Joty", "out-of-order"),
        ("SAY ", "malformed"),
        ("SAY a\x1b[2J", "malformed"),
        ("SAY a\u{202e}b", "malformed"),
        (too_long.as_str(), "too-long"),
    ] {
        let answer = peer.ask(request);
        assert!(answer.starts_with(&format!("ERR {code} ")), "{answer}");
    }
    peer.0.writer.send(b"SAY \xff").unwrap();
    assert_eq!(
        peer.receive().unwrap(),
        "ERR malformed not UTF-8: byte 5 is no text"
    );
    assert_eq!(peer.ask("WHO"), "OK here Adarsh");
}

#[test]
fn twenty_members_who_all_talk_hear_the_same_in_the_same_order() {
    const MEMBERS: usize = 20;
    const LINES: usize = 15;
    let server = room();
    let barrier = Barrier::new(MEMBERS);
    let talk = |number: usize| {
        let mut peer = join(&server, &format!("m{number}"));
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
    let (heard, _peers): (Vec<_>, Vec<_>) = at_once(0..MEMBERS, talk).into_iter().unzip();
    let said = |heard: &[String]| -> Vec<String> {
        let is_said = |message: &&String| message.starts_with("EVENT said ");
        heard.iter().filter(is_said).cloned().collect()
    };
    let order = said(&heard[0]);
    assert_eq!(order.len(), MEMBERS * (LINES + 1));
    for (number, heard) in heard.iter().enumerate() {
        assert_eq!(said(heard), order, "m{number} heard another order");
        let own: Vec<_> = order
            .iter()
            .filter_map(|message| {
                message.strip_prefix(&format!("EVENT said m{number} m{number} line "))
            })
            .collect();
        let expected: Vec<String> = (0..LINES).map(|line| line.to_string()).collect();
        assert_eq!(own, expected);
    }
}

#[test]
fn of_fifty_connections_that_want_one_name_one_gets_it() {
    const WANT: usize = 50;
    let server = room();
    let mut witness = join(&server, "witness");
    let barrier = Barrier::new(WANT);
    let peers = at_once(0..WANT, |_| {
        let mut peer = server.converse(Framing::Netstring);
        barrier.wait();
        let answer = peer.ask("JOIN Joty");
        (peer, answer)
    });
    let (winners, losers): (Vec<_>, Vec<_>) = peers
        .into_iter()
        .partition(|(_, answer)| answer.starts_with("OK "));
    assert_eq!(winners.len(), 1);
    for (mut loser, answer) in losers {
        assert_eq!(answer, "ERR name-taken Joty is in the room");
        assert_eq!(loser.ask("QUIT"), "OK bye");
    }
    let (mut winner, _) = winners.into_iter().next().unwrap();
    assert_eq!(winner.ask("QUIT"), "OK bye");
    // The name is free as soon as the goodbye is there.
    join(&server, "jOTY");
    witness.send("SAY end");
    assert_eq!(
        events(hear_until(&mut witness, "OK said"))[..3],
        [
            "EVENT joined Joty",
            "EVENT left Joty quit",
            "EVENT joined jOTY"
        ]
    );
}

#[test]
fn one_of_two_hundred_who_does_not_read_is_thrown_out_and_the_others_notice_nothing_else() {
    const READERS: usize = 199;
    // More than the kernel, the writer and the queue hold for one who does not read.
    const TALKERS: usize = 45;
    const LINES: usize = 18;
    // Were the room to wait for the frozen one, it would wait longer than the test.
    let limits = Limits {
        write: 2 * TEST_TIMEOUT,
        ..Limits::SERVER
    };
    let server = start_configured(Mode::Chat, |config| {
        config.limits = limits;
        config.drain = Duration::from_millis(100);
    });
    let frozen = join_over(with_small_buffer(&server), "frozen");
    let barrier = Barrier::new(READERS);
    let take_part = |number: usize| {
        let peer = join(&server, &format!("m{number}"));
        barrier.wait();
        let (mut reader, mut writer) = peer.0.split();
        let mut heard = Vec::new();
        thread::scope(|scope| {
            if number < TALKERS {
                scope.spawn(move || {
                    for line in 0..LINES {
                        let text = format!("SAY {line} {}", "x".repeat(880));
                        writer.send(text.as_bytes()).unwrap();
                    }
                });
            }
            let by = Instant::now() + TEST_TIMEOUT;
            let (mut said, mut left) = (0, 0);
            while said < TALKERS * LINES || left < 1 {
                let message = reader.receive(Some(by)).unwrap().unwrap();
                let mut event = String::from_utf8(message).unwrap();
                if event.starts_with("EVENT said ") {
                    said += 1;
                    event.truncate(20);
                    heard.push(event);
                } else if event.starts_with("EVENT left ") {
                    left += 1;
                    heard.push(event);
                }
            }
        });
        (heard, reader)
    };
    let (heard, _readers): (Vec<_>, Vec<_>) = at_once(0..READERS, take_part).into_iter().unzip();
    for others in &heard {
        assert_eq!(others, &heard[0]);
    }
    let left: Vec<_> = heard[0]
        .iter()
        .filter(|event| event.starts_with("EVENT left "))
        .collect();
    assert_eq!(left, ["EVENT left frozen does not read"]);
    drop(frozen);
}

#[test]
fn a_member_who_leaves_without_a_word_is_announced_once() {
    let server = room();
    let mut witness = join(&server, "witness");
    type Farewell = fn(Peer);
    let farewells: [(&str, Farewell); 3] = [
        ("closed", |peer| drop(peer)),
        ("finished", |mut peer| {
            peer.0.writer.finish().unwrap();
            hear_all(&mut peer);
        }),
        ("reset", |mut peer| {
            // Closing with unread bytes resets the connection.
            peer.send("WHO");
            peer.send("WHO");
            assert!(peer.receive().is_some());
            drop(peer);
        }),
    ];
    for (name, leave) in farewells {
        leave(join(&server, name));
        let left = format!("EVENT left {name} disconnected");
        let heard = hear_until(&mut witness, &left);
        assert_eq!(heard, [format!("EVENT joined {name}"), left]);
        // At once, the name is free.
        drop(join(&server, name));
        hear_until(&mut witness, &format!("EVENT left {name} disconnected"));
    }
    witness.send("SAY end");
    assert_eq!(
        hear_until(&mut witness, "OK said"),
        ["EVENT said witness end", "OK said"]
    );
}

#[test]
fn half_a_message_and_garbage_end_one_connection_and_are_announced() {
    let server = room();
    let mut witness = join(&server, "witness");
    let answer = exchange(server.connect(), b"9:JOIN half,12:SAY hel");
    assert!(answer.contains("OK joined half with witness"), "{answer}");
    assert!(
        answer.contains("ERR malformed closed 7 bytes into a 12-byte message"),
        "{answer}"
    );
    let answer = exchange(server.connect(), b"12:JOIN garbage,GET / HTTP/1.1\r\n");
    assert!(answer.contains("ERR malformed "), "{answer}");
    let answer = exchange(server.connect(), b"8:JOIN big,65537:");
    assert!(answer.contains("ERR too-long "), "{answer}");
    // Never joined, so never announced.
    exchange(server.connect(), b"\x16\x03\x01\x02\x00\x01");
    assert_eq!(
        hear_until(&mut witness, "EVENT left big broke the protocol"),
        [
            "EVENT joined half",
            "EVENT left half disconnected",
            "EVENT joined garbage",
            "EVENT left garbage broke the protocol",
            "EVENT joined big",
            "EVENT left big broke the protocol",
        ]
    );
}

#[test]
fn single_bytes_make_the_same_messages() {
    let server = room();
    let mut stream = server.connect();
    stream.set_nodelay(true).unwrap();
    for byte in b"11:JOIN Adarsh,9:SAY hello,4:QUIT," {
        stream.write_all(&[*byte]).unwrap();
    }
    assert_eq!(
        exchange(stream, b""),
        "12:READY chat 1,16:OK joined Adarsh,23:EVENT said Adarsh hello,7:OK said,6:OK bye,"
    );
}

#[test]
fn who_never_joins_meets_the_login_deadline_and_who_joined_may_be_silent() {
    let limits = Limits {
        idle: Some(Duration::from_millis(50)),
        ..Limits::SERVER
    };
    let server = start_configured(Mode::Chat, |config| {
        config.login = Duration::from_millis(300);
        config.limits = limits;
    });
    let mut listener = join(&server, "listener");
    let mut stranger = server.converse(Framing::Netstring);
    assert_eq!(
        stranger.ask("JOIN listener"),
        "ERR name-taken listener is in the room"
    );
    assert_eq!(hear_all(&mut stranger), ["ERR too-slow no log-in in time"]);
    assert_eq!(listener.ask("WHO"), "OK here listener");
}

#[test]
fn a_stopping_server_tells_every_member() {
    let server = room();
    let mut stranger = server.converse(Framing::Netstring);
    let mut members: Vec<_> = (0..20).map(|n| join(&server, &format!("m{n}"))).collect();
    server.stop();
    for member in &mut members {
        let heard = hear_all(member);
        assert_eq!(
            heard.last().unwrap(),
            "ERR shutting-down the server is stopping"
        );
        let left = |message: &&String| message.starts_with("EVENT left ");
        assert_eq!(heard.iter().filter(left).count(), 0, "{heard:?}");
    }
    let heard = hear_all(&mut stranger);
    assert!(heard[0].starts_with("ERR shutting-down "), "{heard:?}");
}

#[test]
fn every_framing_carries_a_full_room() {
    for framing in [Framing::Len3, Framing::Line] {
        let server = start_configured(Mode::Chat, |config| config.framing = framing);
        let mut members: Vec<Peer> = Vec::new();
        for number in 0..40 {
            let mut peer = server.converse(framing);
            let answer = peer.ask(&format!("JOIN member-with-a-name-{number}"));
            assert!(answer.starts_with("OK joined member-"), "{answer}");
            members.push(peer);
        }
        let last = members.last_mut().unwrap();
        let who = last.ask("WHO");
        assert_eq!(who.contains(" +"), framing == Framing::Len3, "{who}");
        let longest = proto::chat::Text::max_len(framing);
        let text = "x".repeat(longest);
        assert!(last.ask(&format!("SAY {text}")).ends_with(&text));
        assert_eq!(last.receive().unwrap(), "OK said");
        if framing == Framing::Line {
            let answer = last.ask(&format!("SAY {text}x"));
            assert!(answer.starts_with("ERR too-long "), "{answer}");
        }
    }
}
