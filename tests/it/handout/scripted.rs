//! Echo, date and time, and a server that is full. The scripts are with those of `script`.

use std::io::{Read, Write};
use std::net::Shutdown;

use jiff::Zoned;
use proto::handout::Handout;
use server::Config;
use server::clock::Clock;
use testkit::peer::{receive_text, reset};

use super::{ask, hear_the_end, started, started_with};

#[test]
fn echo_gives_everything_back_until_the_client_closes() {
    let server = started(Handout::Echo);
    for _ in 0..2 {
        let mut stream = server.connect();
        ask(&mut stream, b"Hello, world", b"Hello, world");
        ask(&mut stream, &[b'x'; 5_000], &[b'x'; 5_000]);
        stream.shutdown(Shutdown::Write).unwrap();
        hear_the_end(&mut stream);
        reset(server.connect());
    }
}

#[test]
fn date_and_time_are_bare() {
    let moment: Zoned = "2026-01-02T03:04:05.999[Asia/Dhaka]".parse().unwrap();
    let config = Config {
        clock: Clock::Fixed(Box::new(moment)),
        ..Config::default()
    };
    let server = started_with(Handout::Datetime, config);
    let socket = server.datagrams();
    for _ in 0..2 {
        // Not answered, or its answer would come before the next one.
        socket.send(b"q").unwrap();
        for (request, expected) in [
            (b"SEND_DATE", "2026-01-02"),
            (b"SEND_TIME", "03:04:05"),
            (b"SEND_YEAR", "Invalid request"),
        ] {
            socket.send(request).unwrap();
            assert_eq!(receive_text(&socket), expected);
        }
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_that_is_full_says_nothing_in_words_it_does_not_have() {
    let config = Config {
        connections: 1,
        ..Config::default()
    };
    let server = started_with(Handout::TextSession, config);
    let mut first = server.connect();
    ask(&mut first, b"X", b"x");
    let mut second = server.connect_from_elsewhere();
    let _ = second.write_all(b"X");
    let mut answer = Vec::new();
    let _ = second.read_to_end(&mut answer);
    assert_eq!(answer, b"");
}
