//! How one end ends is how the other sees it end.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::mode::Transport;
use server::Config;
use testkit::TEST_TIMEOUT;
use testkit::peer::{read_text, reset};
use testkit::service::start_proxy;

use super::{Between, hear};
use crate::faults::config;

/// A proxy as it is, and one that holds messages until they are whole.
fn both() -> [Between; 2] {
    let framed = Config {
        framing: Framing::Netstring,
        ..config("drop-request=0%")
    };
    [Between::new(Config::default()), Between::new(framed)]
}

fn assert_reset(mut stream: &TcpStream) {
    let mut piece = vec![0; 64 * 1024];
    let error = loop {
        match stream.read(&mut piece) {
            Ok(0) => panic!("the stream ended in order"),
            Ok(_) => {}
            Err(error) => break error,
        }
    };
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
}

/// Waits until this end is reset, and neither reads nor writes.
fn wait_for_reset(stream: &TcpStream) {
    let by = Instant::now() + TEST_TIMEOUT;
    let error = loop {
        if let Some(error) = stream.take_error().unwrap() {
            break error;
        }
        assert!(Instant::now() < by, "not reset");
        std::thread::yield_now();
    };
    assert!(
        matches!(
            error.kind(),
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe
        ),
        "{error}"
    );
}

/// Writes until nothing is taken any more. How much it was.
fn write_until_stuck(mut stream: &TcpStream) -> usize {
    stream
        .set_write_timeout(Some(Duration::from_millis(150)))
        .unwrap();
    let piece = vec![b'x'; 64 * 1024];
    let mut written = 0;
    loop {
        match stream.write(&piece) {
            Ok(length) => written += length,
            Err(error) => {
                assert!(matches!(
                    error.kind(),
                    ErrorKind::WouldBlock | ErrorKind::TimedOut
                ));
                return written;
            }
        }
    }
}

#[test]
fn a_half_close_ends_one_direction_and_the_other_lives_on() {
    for between in both() {
        for (mut first, mut second) in between.either_end_first() {
            first.write_all(b"3:one,").unwrap();
            first.shutdown(Shutdown::Write).unwrap();
            assert_eq!(read_text(&second), "3:one,");
            for message in [&b"3:two,"[..], b"5:three,"] {
                second.write_all(message).unwrap();
                hear(&first, message);
            }
            drop(second);
            assert_eq!(first.read(&mut [0; 8]).unwrap(), 0);
        }
    }
}

#[test]
fn a_stream_that_ends_inside_a_message_ends_there_for_the_other_end_too() {
    for between in both() {
        let (mut client, server) = between.connect();
        client.write_all(b"3:one,8:PRI").unwrap();
        drop(client);
        assert_eq!(read_text(&server), "3:one,8:PRI");
    }
}

#[test]
fn a_reset_of_either_end_resets_the_other() {
    for between in both() {
        let mut bystander = between.connect();
        for speaks_first in [true, false] {
            for (mut broken, mut other) in between.either_end_first() {
                if speaks_first {
                    broken.write_all(b"3:one,").unwrap();
                    hear(&other, b"3:one,");
                    other.write_all(b"3:two,").unwrap();
                    hear(&broken, b"3:two,");
                }
                reset(broken);
                assert_reset(&other);
            }
        }
        bystander.0.write_all(b"5:still,").unwrap();
        hear(&bystander.1, b"5:still,");
    }
}

#[test]
fn a_reset_after_a_half_close_is_a_reset_still() {
    for between in both() {
        for (broken, mut other) in between.either_end_first() {
            broken.shutdown(Shutdown::Write).unwrap();
            assert_eq!(other.read(&mut [0; 8]).unwrap(), 0);
            reset(broken);
            // The end of the stream was read already, so no read can tell.
            wait_for_reset(&other);
        }
    }
}

#[test]
fn a_reset_is_seen_although_only_a_stuck_writer_meets_it() {
    for between in both() {
        for _ in 0..3 {
            for (broken, other) in between.either_end_first() {
                write_until_stuck(&other);
                reset(broken);
                assert_reset(&other);
            }
        }
    }
}

#[test]
fn a_reset_is_passed_on_although_the_other_end_does_not_read() {
    for between in both() {
        for (broken, other) in between.either_end_first() {
            write_until_stuck(&broken);
            reset(broken);
            wait_for_reset(&other);
        }
    }
}

#[test]
fn a_client_of_a_server_that_is_not_there_is_reset_and_the_proxy_lives() {
    let missing = TcpListener::bind("127.0.0.1:0").unwrap();
    let to = missing.local_addr().unwrap();
    drop(missing);
    let proxy = start_proxy(to, Transport::Tcp, Config::default());
    for _ in 0..3 {
        assert_reset(&proxy.connect());
    }
    let listener = TcpListener::bind(to).unwrap();
    let mut client = proxy.connect();
    client.write_all(b"there").unwrap();
    hear(&listener.accept().unwrap().0, b"there");
}

#[test]
fn a_reader_that_stops_is_waited_for_without_memory_and_hinders_no_other() {
    for between in both() {
        let (mut client, mut server) = between.connect();
        let stuck = write_until_stuck(&client);
        // What four sockets of the kernel hold, and nothing near what a proxy could.
        assert!(stuck < 64 * 1024 * 1024, "{stuck} bytes were taken");

        let (mut other_client, mut other_server) = between.connect();
        for _ in 0..100 {
            other_client.write_all(b"4:ping,").unwrap();
            hear(&other_server, b"4:ping,");
            other_server.write_all(b"4:pong,").unwrap();
            hear(&other_client, b"4:pong,");
        }
        // The direction that is not stuck lives, too.
        server.write_all(b"5:alive,").unwrap();
        hear(&client, b"5:alive,");

        client.shutdown(Shutdown::Write).unwrap();
        assert!(read_text(&server) == "x".repeat(stuck));
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).unwrap(), 0);
    }
}

#[test]
fn a_proxy_that_stops_lets_conversations_end() {
    let Between { proxy, listener } = Between::new(Config::default());
    let mut client = proxy.connect();
    let mut server = listener.accept().unwrap().0;
    client.write_all(b"last words").unwrap();
    hear(&server, b"last words");
    std::thread::scope(|scope| {
        scope.spawn(|| proxy.stop());
        assert_eq!(server.read(&mut [0; 8]).unwrap(), 0);
        server.write_all(b"farewell").unwrap();
        drop(server);
        assert_eq!(read_text(&client), "farewell");
    });
}

#[test]
fn a_proxy_that_stops_does_not_wait_for_ever() {
    let config = Config {
        drain: Duration::from_millis(50),
        ..Config::default()
    };
    let Between { proxy, listener } = Between::new(config);
    let (mut client, mut server) = (proxy.connect(), listener.accept().unwrap().0);
    client.write_all(b"here").unwrap();
    hear(&server, b"here");
    proxy.stop();
    for stream in [&mut client, &mut server] {
        assert_eq!(stream.read(&mut [0; 8]).unwrap(), 0);
    }
}
