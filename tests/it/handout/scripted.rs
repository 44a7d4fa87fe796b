//! The one-exchange hand-outs, echo, and datagrams.

use std::io::{Read, Write};
use std::net::Shutdown;
use std::time::Duration;

use jiff::Zoned;
use proto::handout::Handout;
use server::Config;
use server::clock::Clock;
use testkit::peer::reset;

use super::{ask, connect_and_leave, hear_the_end, say, started, started_with, told};

#[test]
fn knock_knock() {
    let server = started(Handout::KnockKnock);
    for _ in 0..2 {
        assert_eq!(told(&server, b"Knock Knock.."), "Whose there?");
        reset(server.connect());
    }
}

#[test]
fn greeting_is_read_seven_bytes_at_a_time() {
    let server = started(Handout::Greeting);
    for _ in 0..2 {
        let mut stream = server.connect();
        let mut pieces = [[0; 7]; 4];
        for piece in &mut pieces {
            stream.read_exact(piece).unwrap();
        }
        assert_eq!(pieces.concat(), b"Socket programming in python");
        hear_the_end(&mut stream);
        reset(server.connect());
    }
}

#[test]
fn sixteen_octets_are_answered_with_seventeen_of_which_one_may_stay_unread() {
    let server = started(Handout::Sixteen);
    for _ in 0..3 {
        let mut stream = server.connect();
        ask(&mut stream, b"Hello!! Server!!", b"BYE BYE CLIENT..");
        drop(stream);
        assert_eq!(told(&server, b"Hello!! Server!!"), "BYE BYE CLIENT...");
    }
}

#[test]
fn a_length_goes_before_one_message_however_it_arrives() {
    let server = started(Handout::LengthPrefix);
    let longest = [&b"255"[..], &[b'x'; 255]].concat();
    for message in [&b"005hello"[..], b"000", &longest] {
        assert_eq!(told(&server, message), "017BYE BYE CLIENT...");
        let mut stream = server.connect();
        for byte in message {
            say(&mut stream, &[*byte]);
        }
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert_eq!(answer, "017BYE BYE CLIENT...");
        connect_and_leave(&server);
    }
}

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
fn all_is_accepted_until_close_in_any_case() {
    let server = started(Handout::Accepted);
    for close in [&b"close"[..], b"CLOSE", b"Close"] {
        let mut stream = server.connect();
        ask(&mut stream, b"hello", b"accepted");
        ask(&mut stream, b"close it", b"accepted");
        let mut other = server.connect();
        ask(&mut other, &[b'x'; 1_024], b"accepted");
        ask(&mut stream, close, b"closed");
        hear_the_end(&mut stream);
        reset(other);
        connect_and_leave(&server);
    }
}

#[test]
fn a_joke_is_got() {
    let server = started(Handout::Joke);
    let socket = server.datagrams();
    for _ in 0..2 {
        let joke = b"I could tell you a UDP joke but I'm not sure you'll get it.";
        assert_eq!(joke.len(), 59);
        socket.send(joke).unwrap();
        let mut answer = [0; 64];
        let length = socket.recv(&mut answer).unwrap();
        assert_eq!(&answer[..length], b"Ok");
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
            (&b"SEND_DATE"[..], &b"2026-01-02"[..]),
            (b"SEND_TIME", b"03:04:05"),
            (b"SEND_YEAR", b"Invalid request"),
        ] {
            socket.send(request).unwrap();
            let mut answer = [0; 64];
            let length = socket.recv(&mut answer).unwrap();
            assert_eq!(&answer[..length], expected);
        }
    }
}

#[test]
fn a_datagram_is_not_answered() {
    let server = started(Handout::Udp);
    let socket = server.datagrams();
    socket.send(b"Hello, world").unwrap();
    socket
        .set_read_timeout(Some(Duration::from_millis(100)))
        .unwrap();
    assert!(socket.recv(&mut [0; 64]).is_err());
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
