//! What a room of several servers promises when Redis, a server, or the way between them fails.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use proto::mode::Mode;
use testkit::peer::Peer;
use testkit::process::{Process, Signal};
use testkit::redis::Redis;
use testkit::service::{Service, start_configured};
use testkit::{TEST_TIMEOUT, at_once, require_redis, wait_until};

use super::{hear_until, join, said, server_on, settings, who};
use crate::program;

/// The shortest lease.
const LEASE: &str = "3";

/// The real program, in the room on this Redis.
fn process_on(redis: &Redis, home: &std::path::Path) -> Process {
    let url = redis.url();
    let options = [
        "--mode",
        "chat",
        "--port",
        "0",
        "--room",
        &url,
        "--room-lease",
        LEASE,
    ];
    program("labserver", home).with(&options).start()
}

fn join_process(server: &Process, name: &str) -> Peer {
    let mut peer = server.converse("chat tcp");
    let answer = peer.ask(&format!("JOIN {name}"));
    assert!(answer.starts_with(&format!("OK joined {name}")), "{answer}");
    peer
}

/// Stops a process until it is continued.
fn halt(process: &Process) {
    process.signal(Signal::STOP);
    let file = format!("/proc/{}/stat", process.id());
    wait_until(|| std::fs::read_to_string(&file).unwrap().contains(") T "));
}

/// A server whose lease is as short as that of [`process_on`].
fn quick_server_on(redis: &Redis) -> Service {
    start_configured(Mode::Chat, |config| {
        let mut room = settings(&redis.url());
        room.lease = Duration::from_secs(LEASE.parse().unwrap());
        config.room = Some(room);
    })
}

/// Says a line until it is said, or it is not known whether it was; says whether it is known.
fn say_until_said(peer: &mut Peer, line: &str) -> bool {
    let by = Instant::now() + TEST_TIMEOUT;
    loop {
        assert!(Instant::now() < by, "nobody can speak any more");
        peer.send(&format!("SAY {line}"));
        let answer = loop {
            let message = peer.receive().expect("the room went silent");
            if !message.starts_with("EVENT ") {
                break message;
            }
        };
        match answer.split(' ').nth(1) {
            Some("said") => return true,
            Some("internal") => return false,
            // As a person would, and not as fast as it can be refused.
            Some("unavailable") => std::thread::sleep(Duration::from_millis(10)),
            _ => panic!("{answer}"),
        }
    }
}

/// Members of three servers talk while something fails; then everything that was said was heard by a
/// witness at each of them, once, in one order.
fn talk_while(redis: &mut Redis, fail: impl FnOnce(&mut Redis, &dyn Fn() -> usize) + Send) {
    const SPEAKERS: usize = 6;
    const LINES: usize = 150;
    let servers: Vec<Service> = (0..3).map(|_| server_on(redis)).collect();
    let mut witnesses: Vec<Peer> = (0..3)
        .map(|number| join(&servers[number], &format!("w{number}")).0)
        .collect();
    let said_so_far = std::sync::atomic::AtomicUsize::new(0);
    let unknown = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        let talking = scope.spawn(|| {
            at_once(0..SPEAKERS, |number| {
                let (mut peer, _) = join(&servers[number % 3], &format!("s{number}"));
                for line in 0..LINES {
                    let text = format!("s{number}:{line}");
                    if !say_until_said(&mut peer, &text) {
                        unknown.lock().unwrap().push(text);
                    }
                    said_so_far.fetch_add(1, Ordering::Relaxed);
                }
                peer
            })
        });
        fail(redis, &|| said_so_far.load(Ordering::Relaxed));
        let _speakers = talking.join().unwrap();
        assert!(say_until_said(&mut witnesses[0], "the end"));
        let heard: Vec<Vec<String>> = witnesses[1..]
            .iter_mut()
            .map(|witness| said(&hear_until(witness, "the end")))
            .collect();
        assert_eq!(heard[0], heard[1]);
        let unknown = unknown.lock().unwrap();
        for number in 0..SPEAKERS {
            for line in 0..LINES {
                let text = format!("s{number}:{line}");
                let event = format!("EVENT said s{number} {text}");
                let times = heard[0].iter().filter(|it| **it == event).count();
                let is_unknown = unknown.contains(&text);
                assert!(times == 1 || (is_unknown && times == 0), "{text}: {times}");
            }
        }
    });
}

#[test]
fn broken_connections_lose_nothing_and_double_nothing_and_nobody_notices() {
    require_redis!();
    talk_while(&mut Redis::start(), |redis, said| {
        for moment in 1..=12 {
            wait_until(|| said() >= moment * 60);
            redis.break_connections();
        }
    });
}

#[test]
fn a_redis_that_is_killed_and_started_again_loses_nothing_and_doubles_nothing() {
    require_redis!();
    talk_while(&mut Redis::start(), |redis, said| {
        for moment in 1..=3 {
            wait_until(|| said() >= moment * 200);
            redis.kill();
            redis.start_again();
        }
    });
}

#[test]
fn while_redis_is_away_speakers_are_refused_and_listeners_stay() {
    require_redis!();
    let mut redis = Redis::start();
    let (one, two) = (server_on(&redis), server_on(&redis));
    let (mut adarsh, _) = join(&one, "Adarsh");
    let (mut joty, _) = join(&two, "Joty");
    hear_until(&mut adarsh, "joined Joty");
    redis.kill();
    let answer = wait_for_refusal(&mut adarsh);
    assert!(
        answer.starts_with("ERR unavailable nothing listens on 127.0.0.1:"),
        "{answer}"
    );
    assert!(answer.ends_with("; nothing was done"), "{answer}");
    assert_eq!(who(&mut adarsh), "OK here Adarsh Joty");
    let mut stranger = one.converse(proto::frame::Framing::Netstring);
    let answer = stranger.ask("JOIN Ahona");
    assert!(answer.starts_with("ERR unavailable "), "{answer}");
    // Its goodbye waits for nobody, and the others hear of it later.
    let (mut ended, answer) = (two, joty.ask("QUIT"));
    assert_eq!(answer, "OK bye");
    redis.start_again();
    assert!(hear_until(&mut adarsh, "left Joty quit").len() <= 2);
    assert!(say_until_said(&mut adarsh, "there again"));
    (joty, _) = join(&ended, "Joty");
    assert_eq!(who(&mut joty), "OK here Adarsh Joty");
    drop(joty);
    hear_until(&mut adarsh, "left Joty disconnected");
    ended = server_on(&redis);
    drop(ended);
}

/// Speaks until that is refused because Redis is away; gives the refusal.
fn wait_for_refusal(peer: &mut Peer) -> String {
    loop {
        peer.send("SAY is it there?");
        loop {
            let message = peer.receive().expect("the room went silent");
            match message.split(' ').nth(1) {
                Some("unavailable") => return message,
                Some("internal") => break,
                _ if message == "OK said" => break,
                _ => {}
            }
        }
    }
}

#[test]
fn a_redis_that_stalls_is_as_good_as_one_that_is_away() {
    require_redis!();
    let redis = Redis::start();
    let (one, two) = (server_on(&redis), server_on(&redis));
    let (mut adarsh, _) = join(&one, "Adarsh");
    let (mut joty, _) = join(&two, "Joty");
    hear_until(&mut adarsh, "joined Joty");
    redis.signal(Signal::STOP);
    // Whether the first line was said is not known; it is not said twice.
    let stalled = Instant::now();
    let answer = wait_for_refusal(&mut adarsh);
    assert!(answer.contains("does not answer"), "{answer}");
    assert!(stalled.elapsed() < TEST_TIMEOUT / 2);
    redis.signal(Signal::CONT);
    assert!(say_until_said(&mut adarsh, "there again"));
    let heard = said(&hear_until(&mut joty, "there again"));
    assert!(heard.len() <= 2, "{heard:?}");
    assert_eq!(who(&mut joty), "OK here Adarsh Joty");
}

#[test]
fn the_members_of_a_killed_server_leave_once_when_its_lease_expires() {
    require_redis!();
    let redis = Redis::start();
    let home = tempfile::tempdir().unwrap();
    let process = process_on(&redis, home.path());
    let servers = [quick_server_on(&redis), quick_server_on(&redis)];
    let mut witnesses = [join(&servers[0], "w0").0, join(&servers[1], "w1").0];
    let _members = ["Joty", "Ahona"].map(|name| join_process(&process, name));
    process.kill();
    for witness in &mut witnesses {
        hear_until(witness, "left Joty disconnected");
        assert_eq!(witness.receive().unwrap(), "EVENT left Ahona disconnected");
    }
    let (_joty, answer) = join(&servers[0], "Joty");
    assert_eq!(answer, "OK joined Joty with w0 w1");
    for witness in &mut witnesses {
        assert_eq!(witness.receive().unwrap(), "EVENT joined Joty");
    }
}

#[test]
fn who_was_said_to_have_left_joins_again_when_its_server_is_back_unless_its_name_is_taken() {
    require_redis!();
    let redis = Redis::start();
    let home = tempfile::tempdir().unwrap();
    let process = process_on(&redis, home.path());
    let server = quick_server_on(&redis);
    let (mut witness, _) = join(&server, "witness");
    let mut joty = join_process(&process, "Joty");
    let mut ahona = join_process(&process, "Ahona");
    hear_until(&mut witness, "joined Ahona");
    halt(&process);
    hear_until(&mut witness, "left Ahona disconnected");
    let (mut other, _) = join(&server, "Joty");
    assert!(other.ask("SAY it is me").ends_with("it is me"));
    process.signal(Signal::CONT);
    hear_until(&mut witness, "joined Ahona");
    assert_eq!(
        hear_until(&mut joty, "was away").last().unwrap(),
        "ERR name-taken another Joty joined while this server was away"
    );
    assert!(joty.receive().is_none());
    let heard = hear_until(&mut ahona, "it is me");
    assert_eq!(
        heard,
        [
            "EVENT left Joty disconnected",
            "EVENT joined Joty",
            "EVENT said Joty it is me"
        ]
    );
    assert!(say_until_said(&mut ahona, "hello"));
    assert_eq!(who(&mut ahona), "OK here witness Joty Ahona");
    drop(other);
}

#[test]
fn what_was_dropped_from_the_stream_before_a_server_heard_it_is_said_to_be_missing() {
    require_redis!();
    let redis = Redis::start();
    let home = tempfile::tempdir().unwrap();
    let process = process_on(&redis, home.path());
    let server = server_on(&redis);
    let (mut adarsh, _) = join(&server, "Adarsh");
    let mut joty = join_process(&process, "Joty");
    halt(&process);
    for line in ["one", "two", "three"] {
        assert!(say_until_said(&mut adarsh, line));
    }
    let (_ahona, _) = join(&server, "Ahona");
    redis.call("XTRIM socketlab:room:stream MAXLEN 2");
    process.signal(Signal::CONT);
    let heard = hear_until(&mut joty, "joined Ahona");
    // One may have been on its way already.
    let heard = &heard[usize::from(heard[0].ends_with(" one"))..];
    assert_eq!(
        heard,
        [
            "EVENT said server this server was away from the room for too long; lines are missing \
             here",
            "EVENT said Adarsh three",
            "EVENT joined Ahona",
        ]
    );
    assert!(say_until_said(&mut joty, "and on it goes"));
    let log = process.stop().stderr;
    assert_eq!(log.matches("lines are missing here").count(), 1, "{log}");
}

#[test]
fn a_redis_that_has_lost_everything_is_told_to_all_and_the_room_goes_on() {
    require_redis!();
    let redis = Redis::start();
    let servers = [server_on(&redis), server_on(&redis)];
    let mut members = [join(&servers[0], "Adarsh").0, join(&servers[1], "Joty").0];
    redis.call("FLUSHALL");
    for member in &mut members {
        hear_until(member, "some heard it, some did not");
    }
    // They join again, in any order.
    let mut lists = members.each_mut().map(who);
    wait_until(|| {
        lists = members.each_mut().map(who);
        lists[0] == lists[1] && lists[0].split(' ').count() == 4
    });
    assert!(say_until_said(&mut members[0], "and on it goes"));
    hear_until(&mut members[1], "said Adarsh and on it goes");
    let (_ahona, answer) = join(&servers[1], "Ahona");
    assert!(
        answer.ends_with(lists[0].trim_start_matches("OK here")),
        "{answer}"
    );
}

#[test]
fn what_a_failover_lost_is_told_to_all_and_said_again_by_nobody() {
    require_redis!();
    let mut redis = Redis::start();
    let servers = [server_on(&redis), server_on(&redis)];
    let mut adarsh = join(&servers[0], "Adarsh").0;
    let mut joty = join(&servers[1], "Joty").0;
    assert!(say_until_said(&mut adarsh, "kept"));
    let before = redis.copy();
    assert!(say_until_said(&mut adarsh, "lost"));
    let mut ahona = join(&servers[1], "Ahona").0;
    redis.go_back_to(&before);
    assert!(say_until_said(&mut adarsh, "after"));
    // Who joined after that moment joins again.
    wait_until(|| who(&mut ahona).split(' ').count() == 5);
    assert!(say_until_said(&mut ahona, "the end"));
    let notice = "EVENT said server the Redis of this room has lost what was said last; some heard \
                  it, some did not";
    assert_eq!(
        said(&hear_until(&mut joty, "the end")),
        [
            "EVENT said Adarsh kept",
            "EVENT said Adarsh lost",
            notice,
            "EVENT said Adarsh after",
            "EVENT said Ahona the end",
        ]
    );
}

#[test]
fn a_line_counts_as_said_only_when_so_many_replicas_have_it() {
    require_redis!();
    let redis = Redis::start();
    let server = start_configured(Mode::Chat, |config| {
        let mut room = settings(&redis.url());
        room.replicas = 1;
        config.room = Some(room);
    });
    let (mut adarsh, _) = join(&server, "Adarsh");
    assert_eq!(adarsh.ask("SAY one"), "EVENT said Adarsh one");
    assert_eq!(
        adarsh.receive().unwrap(),
        "ERR internal it was said, but 0 of 1 replicas of Redis have it: it may be lost"
    );
    let port = redis.address().port().to_string();
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port]);
    wait_until(|| {
        replica
            .call("INFO replication")
            .contains("master_link_status:up")
    });
    assert_eq!(adarsh.ask("SAY two"), "EVENT said Adarsh two");
    assert_eq!(adarsh.receive().unwrap(), "OK said");
}

#[test]
fn a_failover_to_a_replica_that_has_everything_loses_nothing() {
    require_redis!();
    let mut master = Redis::start();
    let port = master.address().port().to_string();
    let options = ["--replicaof", "127.0.0.1", &port];
    let replicas = [Redis::start_with(&options), Redis::start_with(&options)];
    for replica in &replicas {
        wait_until(|| {
            replica
                .call("INFO replication")
                .contains("master_link_status:up")
        });
    }
    let sentinel = Redis::start_sentinel(&master);
    wait_until(|| {
        sentinel
            .call("SENTINEL MASTER room")
            .contains("num-slaves\r\n$1\r\n2")
    });
    let url = format!("redis+sentinel://127.0.0.1:1,{}/room", sentinel.address());
    let start = || {
        start_configured(Mode::Chat, |config| {
            let mut room = settings(&url);
            room.replicas = 1;
            config.room = Some(room);
            config.chat_rate = 0;
        })
    };
    let (one, two) = (start(), start());
    let (mut adarsh, _) = join(&one, "Adarsh");
    let (mut joty, _) = join(&two, "Joty");
    let mut counted = Vec::new();
    std::thread::scope(|scope| {
        let failover = scope.spawn(|| {
            master.kill();
            wait_until(|| {
                let roles = replicas.iter().filter_map(|it| it.try_call("ROLE"));
                roles.filter(|role| role.contains("master")).count() == 1
            });
        });
        let mut after = 0;
        for line in 0.. {
            let is_over = failover.is_finished();
            let text = format!("line {line}");
            if say_until_said(&mut adarsh, &text) {
                counted.push(format!("EVENT said Adarsh {text}"));
                after += usize::from(is_over);
            }
            if after > 3 {
                break;
            }
        }
    });
    let last = counted.last().unwrap().clone();
    let heard = said(&hear_until(&mut joty, &last));
    for line in &counted {
        assert_eq!(heard.iter().filter(|it| *it == line).count(), 1, "{line}");
    }
    assert_eq!(who(&mut joty), "OK here Adarsh Joty");
}
