//! What a peer may get wrong, on purpose or not: it hears what is wrong, others are served.

use std::io::{Read, Write};
use std::time::Duration;

use proto::frame::Framing;
use proto::mode::Mode;
use testkit::peer::{exchange, read_text};
use testkit::service::{Service, start_configured};
use wire::limits::Limits;

fn text(framing: Framing) -> Service {
    start_configured(Mode::Text, |config| config.framing = framing)
}

/// The one thing that matters after all mischief.
fn still_serves(server: &Service, framing: Framing) {
    assert_eq!(server.converse(framing).ask("PRIME 97"), "OK prime");
}

#[test]
fn a_bad_header_is_answered_and_the_connection_closed() {
    let server = text(Framing::Netstring);
    for (bytes, code) in [
        (&b"+12:PRIME 97"[..], "malformed"),
        (b" 8:PRIME 97,", "malformed"),
        (b"08:PRIME 97,", "malformed"),
        (b"GET / HTTP/1.1\r\n\r\n", "malformed"),
        (b"8:PRIME 97;", "malformed"),
        (b"65537:", "too-long"),
        (b"99999999999999999999:", "too-long"),
    ] {
        let answer = exchange(server.connect(), bytes);
        assert!(
            answer.contains(&format!("ERR {code} ")),
            "{bytes:?}: {answer}"
        );
        assert_eq!(answer.matches("ERR").count(), 1, "{answer}");
    }
    still_serves(&server, Framing::Netstring);
}

#[test]
fn an_end_inside_a_message_is_measured() {
    let server = text(Framing::Netstring);
    let answer = exchange(server.connect(), b"16:abc");
    assert!(
        answer.ends_with("ERR malformed closed 3 bytes into a 16-byte message,"),
        "{answer}"
    );
}

#[test]
fn text_that_is_not_utf_8_is_refused_and_the_stream_stays_in_step() {
    let server = text(Framing::Netstring);
    let answer = exchange(server.connect(), b"8:LOWER \xff\xfe,8:PRIME 97,");
    assert_eq!(
        answer,
        "12:READY text 1,42:ERR malformed not UTF-8: byte 7 is no text,8:OK prime,"
    );
}

#[test]
fn a_line_too_long_is_refused_and_the_next_one_answered() {
    let server = text(Framing::Line);
    let long = [&vec![b'x'; 300_000][..], b"\nPRIME 97\n"].concat();
    let answer = exchange(server.connect(), &long);
    let lines: Vec<&str> = answer.lines().collect();
    assert_eq!(lines[0], "READY text 1");
    assert!(lines[1].starts_with("ERR too-long "), "{answer}");
    assert_eq!(lines[2], "OK prime");
}

#[test]
fn random_bytes_end_their_own_connection_only() {
    // A fixed sequence, so that a failure can be repeated.
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    for framing in Framing::ALL {
        let server = text(framing);
        for _ in 0..100 {
            let length = (random() % 2_000) as usize;
            let bytes: Vec<u8> = (0..length).map(|_| random() as u8).collect();
            let mut peer = server.connect();
            let _ = peer.write_all(&bytes);
            let _ = peer.shutdown(std::net::Shutdown::Write);
            // To the end, or to a reset.
            let _ = peer.read_to_end(&mut Vec::new());
        }
        still_serves(&server, framing);
    }
}

#[test]
fn a_frame_that_never_ends_meets_its_deadline() {
    let limits = Limits {
        frame: Duration::from_millis(50),
        ..Limits::SERVER
    };
    let server = start_configured(Mode::Text, |config| config.limits = limits);
    let mut peer = server.connect();
    peer.write_all(b"9999:x").unwrap();
    let answer = read_text(&peer);
    assert!(
        answer.contains("ERR too-slow a message was not complete after 0.05 s"),
        "{answer}"
    );
}

#[test]
fn a_silent_connection_meets_the_idle_limit_and_one_that_must_log_in_its_deadline() {
    let limits = Limits {
        idle: Some(Duration::from_millis(50)),
        ..Limits::SERVER
    };
    let server = start_configured(Mode::Text, |config| config.limits = limits);
    let answer = read_text(&server.connect());
    assert!(
        answer.contains("ERR too-slow nothing was said for 0.05 s"),
        "{answer}"
    );

    let server = start_configured(Mode::Calc, |config| {
        config.login = Duration::from_millis(50)
    });
    let answer = read_text(&server.connect());
    assert!(
        answer.contains("ERR too-slow no log-in in time"),
        "{answer}"
    );
}

#[test]
fn thousands_of_connections_that_say_nothing_keep_no_other_out() {
    let server = start_configured(Mode::Text, |config| config.connections = 20);
    let silent: Vec<_> = (0..500).map(|_| server.connect()).collect();
    still_serves(&server, Framing::Netstring);
    drop(silent);
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_server_of_whom_each_is_alone_at_its_address_says_busy() {
    let server = start_configured(Mode::Text, |config| config.connections = 1);
    let mut first = server.converse(Framing::Netstring);
    assert_eq!(first.ask("PRIME 7"), "OK prime");
    let second = server.connect_from_elsewhere();
    let answer = read_text(&second);
    assert!(
        answer.contains("ERR busy too many connections; try again later"),
        "{answer}"
    );
    assert_eq!(first.ask("PRIME 8"), "OK not prime");
}

#[test]
fn half_frames_held_open_do_not_delay_others() {
    let server = text(Framing::Netstring);
    let held: Vec<_> = (0..200)
        .map(|_| {
            let mut peer = server.connect();
            peer.write_all(b"60000:half of it").unwrap();
            peer
        })
        .collect();
    still_serves(&server, Framing::Netstring);
    drop(held);
}
