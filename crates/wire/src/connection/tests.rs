use super::*;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener};
use std::num::NonZeroUsize;
use std::sync::mpsc::TryRecvError;

use socket2::SockRef;

const QUICK: Limits = Limits {
    frame: Duration::from_millis(60),
    idle: Some(Duration::from_millis(30)),
    write: Duration::from_millis(60),
};

/// A connection, and the bare other end of it.
fn pair(framing: Framing, limits: Limits) -> (Connection, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let other = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    (Connection::new(stream, framing, limits).unwrap(), other)
}

#[test]
fn three_messages_in_one_segment_are_three_messages() {
    let (mut connection, mut other) = pair(Framing::Netstring, Limits::SERVER);
    other.write_all(b"1:a,0:,2:bc,").unwrap();
    for expected in [&b"a"[..], b"", b"bc"] {
        assert_eq!(connection.reader.receive(None).unwrap().unwrap(), expected);
    }
    let Traffic { messages, bytes } = connection.reader.traffic();
    assert_eq!((messages, bytes), (3, 12));
}

#[test]
fn an_end_between_messages_is_clean_and_one_inside_is_measured() {
    let (mut connection, mut other) = pair(Framing::Netstring, Limits::SERVER);
    other.write_all(b"2:ok,").unwrap();
    drop(other);
    assert_eq!(connection.reader.receive(None).unwrap().unwrap(), b"ok");
    assert_eq!(connection.reader.receive(None).unwrap(), None);

    let (mut connection, mut other) = pair(Framing::Netstring, Limits::SERVER);
    other.write_all(b"16:abc").unwrap();
    drop(other);
    let error = connection.reader.receive(None).unwrap_err();
    assert_eq!(error.to_string(), "closed 3 bytes into a 16-byte message");
}

#[test]
fn silence_meets_the_idle_limit() {
    let (mut connection, _other) = pair(Framing::Netstring, QUICK);
    let error = connection.reader.receive(None).unwrap_err();
    assert!(matches!(error, ReceiveError::Idle(_)), "{error}");
}

#[test]
fn a_byte_now_and_then_does_not_move_the_deadline_of_a_frame() {
    let (mut connection, mut other) = pair(Framing::Netstring, QUICK);
    let trickle = std::thread::spawn(move || {
        let began = Instant::now();
        let _ = other.write_all(b"9999:");
        while began.elapsed() < Duration::from_secs(10) {
            std::thread::sleep(Duration::from_millis(5));
            if other.write_all(b"x").is_err() {
                return true;
            }
        }
        false
    });
    let error = connection.reader.receive(None).unwrap_err();
    assert!(matches!(error, ReceiveError::FrameTooSlow(_)), "{error}");
    drop(connection);
    assert!(trickle.join().unwrap(), "still open after ten seconds");
}

#[test]
fn the_near_deadline_of_a_frame_holds_although_the_silence_before_it_had_a_far_one() {
    let limits = Limits {
        idle: Some(Duration::from_secs(600)),
        ..QUICK
    };
    let (mut connection, mut other) = pair(Framing::Netstring, limits);
    other.write_all(b"2:ok,").unwrap();
    assert_eq!(connection.reader.receive(None).unwrap().unwrap(), b"ok");
    let beginning = std::thread::spawn(move || {
        other.write_all(b"9999:x").unwrap();
        other
    });
    let error = connection.reader.receive(None).unwrap_err();
    assert!(matches!(error, ReceiveError::FrameTooSlow(_)), "{error}");
    beginning.join().unwrap();
}

#[test]
fn the_callers_deadline_comes_first_when_it_is_earlier() {
    let (mut connection, _other) = pair(Framing::Netstring, Limits::SERVER);
    let by = Instant::now() + Duration::from_millis(20);
    let error = connection.reader.receive(Some(by)).unwrap_err();
    assert!(matches!(error, ReceiveError::DeadlinePassed), "{error}");
}

#[test]
fn a_peer_that_never_reads_meets_the_write_deadline() {
    let (mut connection, _other) = pair(Framing::Netstring, QUICK);
    let message = vec![b'x'; 64 * 1024];
    let error = std::iter::repeat_with(|| connection.writer.send(&message))
        .take(10_000)
        .find_map(Result::err);
    assert!(matches!(error, Some(SendError::WriteTooSlow(_))));
}

#[test]
fn a_peer_that_reads_a_byte_now_and_then_does_not_move_the_deadline_of_a_write() {
    let (mut connection, mut other) = pair(Framing::Netstring, QUICK);
    let (failed, sending) = std::sync::mpsc::channel::<()>();
    let reading = std::thread::spawn(move || {
        while sending.try_recv() == Err(TryRecvError::Empty) {
            let _ = other.read(&mut [0]);
            std::thread::sleep(Duration::from_millis(5));
        }
    });
    let message = vec![b'x'; 64 * 1024];
    let error = std::iter::repeat_with(|| connection.writer.send(&message))
        .take(10_000)
        .find_map(Result::err);
    assert!(matches!(error, Some(SendError::WriteTooSlow(_))));
    drop(failed);
    reading.join().unwrap();
}

#[test]
fn a_message_longer_than_the_operating_system_takes_at_once_arrives_whole() {
    let (mut connection, mut other) = pair(Framing::Netstring, Limits::SERVER);
    SockRef::from(&*connection.writer.stream)
        .set_send_buffer_size(4096)
        .unwrap();
    let message = vec![b'x'; 64 * 1024];
    for _ in 0..50 {
        connection.writer.queue(&message).unwrap();
    }
    let sending = std::thread::spawn(move || {
        connection.writer.flush().unwrap();
        connection.writer.finish().unwrap();
        connection.writer.traffic().bytes
    });
    let mut bytes = Vec::new();
    other.read_to_end(&mut bytes).unwrap();
    assert_eq!(sending.join().unwrap(), bytes.len() as u64);
    let framed = [b"65536:", &message[..], b","].concat();
    assert_eq!(bytes, framed.repeat(50));
}

#[test]
fn a_message_that_does_not_fit_leaves_the_connection_as_it_was() {
    let (mut connection, other) = pair(Framing::Len3, Limits::SERVER);
    let error = connection.writer.send(&[b'x'; 256]).unwrap_err();
    assert!(matches!(error, SendError::Encode(_)));
    connection.writer.send(b"hi").unwrap();
    drop(connection);
    assert_eq!(io::read_to_string(other).unwrap(), "002hi");
}

#[test]
fn the_last_words_arrive_although_the_peer_was_still_sending() {
    for is_split in [false, true] {
        let (mut connection, mut other) = pair(Framing::Line, Limits::SERVER);
        other.write_all(&[b'x'; 4096]).unwrap();
        connection.writer.send(b"ERR busy").unwrap();
        let closing = std::thread::spawn(move || match is_split {
            false => connection.close(),
            true => {
                let (reader, mut writer) = connection.split();
                writer.finish().unwrap();
                reader.close();
            }
        });
        assert_eq!(io::read_to_string(&other).unwrap(), "ERR busy\n");
        drop(other);
        closing.join().unwrap();
    }
}

#[test]
fn the_last_words_arrive_although_the_input_was_ended_here_and_the_peer_sends_on() {
    let (mut connection, mut other) = pair(Framing::Netstring, Limits::SERVER);
    // More than the peer takes before it reads.
    SockRef::from(&other).set_recv_buffer_size(4096).unwrap();
    let words = vec![b'x'; Framing::Netstring.max_payload()];
    // As a server that stops does; what comes later is received nevertheless.
    connection.reader.stream.shutdown(Shutdown::Read).unwrap();
    assert_eq!(connection.reader.receive(None).unwrap(), None);
    connection.writer.send(&words).unwrap();
    other.write_all(b"1:a,").unwrap();
    while !connection.reader.is_behind().unwrap() {
        std::thread::yield_now();
    }
    connection.close();
    let mut heard = Vec::new();
    other.read_to_end(&mut heard).unwrap();
    assert_eq!(heard.len(), "65536:,".len() + words.len());
}

#[test]
fn a_peer_that_sends_on_is_noticed_before_it_is_received() {
    let (mut connection, mut other) = pair(Framing::Netstring, Limits::SERVER);
    assert!(!connection.reader.is_behind().unwrap());
    other.write_all(b"1:a,1:b,").unwrap();
    connection.reader.receive(None).unwrap();
    assert!(connection.reader.is_behind().unwrap(), "read, not received");
    connection.reader.receive(None).unwrap();
    assert!(!connection.reader.is_behind().unwrap());
    drop(other);
    assert!(connection.reader.receive(None).unwrap().is_none());
    assert!(!connection.reader.is_behind().unwrap());
}

#[test]
fn raw_messages_of_a_known_length_keep_the_deadline_of_a_frame() {
    let (mut connection, mut other) = pair(Framing::Raw, QUICK);
    let length = NonZeroUsize::new(4).unwrap();
    connection.reader.set_message_length(length);
    other.write_all(b"abcdef").unwrap();
    assert_eq!(connection.reader.receive(None).unwrap().unwrap(), b"abcd");
    let error = connection.reader.receive(None).unwrap_err();
    assert!(matches!(error, ReceiveError::FrameTooSlow(_)), "{error}");
}

#[test]
fn a_message_may_take_several_reads_of_a_size_that_is_chosen() {
    let (mut connection, mut other) = pair(Framing::Raw, Limits::SERVER);
    other.write_all(b"Socket programming in python").unwrap();
    let seven = NonZeroUsize::new(7).unwrap();
    connection.reader.set_read_size(seven);
    for piece in ["Socket ", "program", "ming in", " python"] {
        let message = connection.reader.receive(None).unwrap().unwrap();
        assert_eq!(message, piece.as_bytes());
    }
}

#[test]
fn raw_messages_sent_apart_are_read_apart() {
    let (mut connection, other) = pair(Framing::Raw, Limits::SERVER);
    let mut other = Connection::new(other, Framing::Raw, Limits::CLIENT).unwrap();
    let reading = std::thread::spawn(move || {
        let mut read = Vec::new();
        while let Some(message) = other.reader.receive(None).unwrap() {
            read.push(message);
        }
        read
    });
    connection.writer.send_apart(&["name", "4321"]).unwrap();
    drop(connection);
    let read = reading.join().unwrap();
    assert_eq!(read, [b"name".to_vec(), b"4321".to_vec()]);
}

#[test]
fn queued_messages_leave_in_one_go_and_in_order() {
    let (mut connection, other) = pair(Framing::Netstring, Limits::SERVER);
    connection.writer.queue(b"a").unwrap();
    connection.writer.queue(b"b").unwrap();
    assert_eq!(connection.writer.traffic().bytes, 0);
    connection.writer.flush().unwrap();
    drop(connection);
    assert_eq!(io::read_to_string(other).unwrap(), "1:a,1:b,");
}

/// A client's connection with these faults, and the bare other end of it.
fn with_faults(spec: &str) -> (Connection, TcpStream) {
    use crate::fault::{Exchange, FaultPlan, FaultScope};
    use proto::mode::Transport;
    use proto::side::Side;
    let (mut connection, other) = pair(Framing::Line, Limits::CLIENT);
    let plan = FaultPlan::new(spec.parse().unwrap(), 1);
    connection.inject(plan.faults(FaultScope {
        side: Side::Client,
        transport: Transport::Tcp,
        number: 0,
        exchange: Exchange::Answered,
    }));
    let timeout = Some(Duration::from_secs(60));
    other.set_read_timeout(timeout).unwrap();
    (connection, other)
}

#[test]
fn a_message_that_does_not_fit_counts_for_nothing() {
    let (mut connection, other) = with_faults("drop-request=#1");
    connection.writer.send(b"a\nb").unwrap_err();
    connection.writer.send(b"ADD 1").unwrap();
    connection.writer.send(b"ADD 2").unwrap();
    drop(connection);
    assert_eq!(io::read_to_string(other).unwrap(), "ADD 2\n");
}

#[test]
fn a_split_message_is_read_in_pieces() {
    let (mut connection, mut other) = with_faults("split=1");
    let reading = std::thread::spawn(move || {
        let (mut all, mut reads) = (Vec::<u8>::new(), 0);
        let mut piece = [0; 1024];
        loop {
            match other.read(&mut piece).unwrap() {
                0 => return (all, reads),
                length => all.extend(&piece[..length]),
            }
            reads += 1;
        }
    });
    let message = [b'x'; 60];
    connection.writer.send(&message).unwrap();
    drop(connection);
    let (all, reads) = reading.join().unwrap();
    assert_eq!(all, [&message[..], b"\n"].concat());
    assert!(reads > 1, "{reads}");
}

#[test]
fn a_glued_message_waits_for_the_next_and_comes_with_it() {
    let (mut connection, mut other) = with_faults("glue=#1-2");
    connection.writer.send(b"one").unwrap();
    other.set_nonblocking(true).unwrap();
    let nothing = other.read(&mut [0; 16]).unwrap_err();
    assert_eq!(nothing.kind(), io::ErrorKind::WouldBlock);
    other.set_nonblocking(false).unwrap();
    connection.writer.send(b"two").unwrap();
    let mut both = [0; 16];
    let length = other.read(&mut both).unwrap();
    assert_eq!(&both[..length], b"one\ntwo\n");
}

#[test]
fn a_glued_message_that_nothing_follows_comes_alone() {
    let (mut connection, mut other) = with_faults("glue=#1");
    connection.writer.send(b"one").unwrap();
    let answering = std::thread::spawn(move || {
        let mut asked = [0; 4];
        other.read_exact(&mut asked).unwrap();
        other.write_all(b"OK\n").unwrap();
        asked
    });
    let answer = connection.reader.receive(None).unwrap();
    assert_eq!(answer, Some(b"OK".to_vec()));
    assert_eq!(&answering.join().unwrap(), b"one\n");
}

#[test]
fn a_reset_comes_instead_of_the_message_and_both_halves_end() {
    let (mut connection, mut other) = with_faults("reset=#2");
    connection.writer.send(b"one").unwrap();
    let mut one = [0; 4];
    other.read_exact(&mut one).unwrap();
    for error in [
        connection.writer.send(b"two").unwrap_err().to_string(),
        connection.reader.receive(None).unwrap_err().to_string(),
        connection.writer.send(b"three").unwrap_err().to_string(),
    ] {
        assert_eq!(error, Break::Reset.to_string());
    }
    connection.close();
    let error = other.read(&mut one).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
}

#[test]
fn a_reset_wakes_a_reader_in_another_thread() {
    let (connection, _other) = with_faults("reset=#1");
    let (mut reader, mut writer) = connection.split();
    let reading = std::thread::spawn(move || reader.receive(None).unwrap_err().to_string());
    let sent = writer.send(b"one").unwrap_err().to_string();
    assert_eq!(sent, "an injected fault reset the connection");
    assert_eq!(reading.join().unwrap(), sent);
}
