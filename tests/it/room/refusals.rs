//! What a room cannot be on, and what its Redis refuses, each with a clear error.

use std::io::Write;
use std::net::TcpListener;
use std::thread;

use proto::mode::Mode;
use server::config::RoomSettings;
use server::redis::Password;
use server::{Config, Role, Server};
use testkit::redis::Redis;
use testkit::require_redis;

use super::{join, server_on, settings};
use crate::program;

/// Why a server does not start with this room.
fn refusal(room: RoomSettings) -> String {
    let config = Config {
        role: Role::Services(vec![Mode::Chat]),
        port: Some(0),
        room: Some(room),
        ..Config::default()
    };
    let error = Server::bind(config).err().unwrap();
    format!("{error:#}")
}

fn refusal_at(url: &str) -> String {
    refusal(settings(url))
}

#[test]
fn what_a_room_cannot_be_on_is_said_at_the_start() {
    require_redis!();
    let gone = Redis::start();
    let gone = {
        let url = gone.url();
        drop(gone);
        url
    };
    let address = gone.strip_prefix("redis://").unwrap();
    let words = format!("--room {gone}: nothing listens on {address}");
    assert_eq!(refusal_at(&gone), words);

    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let web = format!("redis://{}", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        stream
    });
    let words = refusal_at(&web);
    assert!(
        words.contains("that is no Redis: it answered \"HTTP/1.1 400"),
        "{words}"
    );

    let locked = Redis::start_with(&["--requirepass", "secret"]);
    let words = refusal_at(&locked.url());
    assert!(
        words.ends_with("Redis wants a password: set REDISCLI_AUTH"),
        "{words}"
    );
    let mut room = settings(&locked.url());
    room.password = Some(Password::new("wrong".into()));
    let words = refusal(room);
    assert!(
        words.ends_with("Redis refuses the password in REDISCLI_AUTH"),
        "{words}"
    );

    let redis = Redis::start();
    let port = redis.address().port().to_string();
    let replica = Redis::start_with(&["--replicaof", "127.0.0.1", &port]);
    let words = refusal_at(&replica.url());
    assert!(words.contains("\"slave\" cannot be written"), "{words}");

    let words = refusal_at(&format!("{}/99", redis.url()));
    assert!(words.contains("DB index is out of range"), "{words}");
    let words = refusal_at(&format!("redis+sentinel://{}/room", redis.address()));
    assert!(words.contains("Sentinel 127.0.0.1:"), "{words}");
    let sentinel = Redis::start_sentinel(&redis);
    let words = refusal_at(&format!("redis+sentinel://{}/other", sentinel.address()));
    assert!(words.contains("it knows no \"other\""), "{words}");

    redis.call("SET socketlab:room:format 999");
    let words = refusal_at(&redis.url());
    assert!(
        words.contains("the room there has format \"999\""),
        "{words}"
    );
    redis.call("DEL socketlab:room:format");
    redis.call("LPUSH socketlab:room:format x");
    let words = refusal_at(&redis.url());
    assert!(
        words.contains("other data under the keys of the room"),
        "{words}"
    );
}

#[test]
fn a_password_comes_from_the_environment() {
    require_redis!();
    let redis = Redis::start_with(&["--requirepass", "secret"]);
    let home = tempfile::tempdir().unwrap();
    for user in ["", "default@"] {
        let url = redis.url().replace("://", &format!("://{user}"));
        let server = program("labserver", home.path())
            .with(&["--mode", "chat", "--port", "0", "-vv", "--room", &url])
            .adjust(|command| command.env("REDISCLI_AUTH", "secret"))
            .start();
        let mut adarsh = server.converse("chat tcp");
        assert_eq!(adarsh.ask("JOIN Adarsh"), "OK joined Adarsh");
        let log = server.stop().stderr;
        assert!(!log.contains("secret"), "{log}");
    }
}

#[test]
fn a_redis_without_memory_refuses_lines_and_the_room_goes_on_when_it_has_some() {
    require_redis!();
    let redis = Redis::start();
    let server = server_on(&redis);
    let (mut adarsh, _) = join(&server, "Adarsh");
    redis.call("CONFIG SET maxmemory 1");
    let answer = adarsh.ask("SAY hello");
    assert!(
        answer.starts_with("ERR unavailable Redis has no memory left for more"),
        "{answer}"
    );
    redis.call("CONFIG SET maxmemory 0");
    loop {
        let answer = adarsh.ask("SAY hello");
        if answer == "EVENT said Adarsh hello" {
            break;
        }
        assert!(answer.starts_with("ERR unavailable "), "{answer}");
    }
}

#[test]
fn what_others_write_into_the_stream_is_skipped() {
    require_redis!();
    let redis = Redis::start();
    let server = server_on(&redis);
    let (mut adarsh, _) = join(&server, "Adarsh");
    redis.call("XADD socketlab:room:stream 0-* kind danced by x/1 name Joty");
    redis.call(
        "XADD socketlab:room:stream 0-* kind said by x/1 name no_one line 1 text \"\\x1b[2J\"",
    );
    assert_eq!(adarsh.ask("SAY hello"), "EVENT said Adarsh hello");
}

#[test]
fn a_room_that_cannot_be_is_a_usage_error() {
    let home = tempfile::tempdir().unwrap();
    for (options, words) in [
        ("--mode chat --room localhost", "a Redis is redis://"),
        (
            "--mode chat --room redis://:secret@localhost",
            "REDISCLI_AUTH",
        ),
        (
            "--mode chat --room redis://ahona@localhost",
            "set REDISCLI_AUTH to the password",
        ),
        (
            "--mode text --room redis://localhost",
            "--room is for --mode chat",
        ),
        (
            "--mode chat --wire len3 --room redis://localhost",
            "not len3",
        ),
        (
            "--handout chat --room redis://localhost",
            "cannot be used with",
        ),
        ("--mode chat --room-replicas 1", "--room"),
        (
            "--mode chat --room redis://localhost --room-lease 1",
            "between 3 and 3600 seconds",
        ),
        ("--mode chat --history 101", "at most 100"),
        ("--mode chat --history some", "at most 100"),
    ] {
        let options: Vec<&str> = options.split(' ').collect();
        let ended = program("labserver", home.path()).with(&options).run();
        ended.refused(2, &[words]);
    }
}
