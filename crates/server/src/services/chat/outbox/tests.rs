use super::*;
use std::io::{ErrorKind, Read};
use std::net::{TcpListener, TcpStream};
use std::thread;
use std::time::Duration;

use socket2::SockRef;
use wire::connection::{Connection, Reader};
use wire::limits::Limits;

/// More than the kernel takes for a peer that does not read.
const MUCH: usize = 1024 * 1024;

/// An outbox, the peer that it writes to, and who reads from that peer.
fn outbox(
    framing: Framing,
    most_bytes: usize,
    write: Duration,
    threads: Threads,
) -> (Outbox, TcpStream, Reader) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (stream, _) = listener.accept().unwrap();
    SockRef::from(&stream)
        .set_send_buffer_size(16 * 1024)
        .unwrap();
    let limits = Limits {
        write,
        ..Limits::SERVER
    };
    let (reader, writer) = Connection::new(stream, framing, limits).unwrap().split();
    (Outbox::new(writer, most_bytes, threads), peer, reader)
}

fn patient(most_bytes: usize) -> (Outbox, TcpStream, Reader) {
    let hour = Duration::from_secs(3600);
    outbox(Framing::Line, most_bytes, hour, Threads::default())
}

fn message(text: &str) -> Arc<FramedMessage> {
    Arc::new(FramedMessage::new(Framing::Line, text.as_bytes()).unwrap())
}

fn batch(texts: &[&str]) -> Batch {
    let mut batch = Batch::default();
    for text in texts {
        batch.push(message(text));
    }
    batch
}

/// Sends numbered lines of 1,000 bytes until one is not taken, or the bytes are more than the
/// kernel takes; says how many were, and what became of the last.
fn fill(outbox: &Outbox) -> (usize, Result<(), NotTaken>) {
    for number in 0..MUCH / 1_000 {
        let sent = outbox.send(&batch(&[&format!("{number:0>999}")]));
        if sent.is_err() {
            return (number, sent);
        }
    }
    (MUCH / 1_000, Ok(()))
}

fn read_to_end(mut peer: TcpStream) -> Vec<String> {
    let mut text = String::new();
    peer.read_to_string(&mut text).unwrap();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn what_the_operating_system_takes_at_once_needs_no_thread() {
    for framing in [Framing::Line, Framing::Raw] {
        let hour = Duration::from_secs(3600);
        let (outbox, peer, _reader) = outbox(framing, MUCH, hour, Threads::none());
        outbox.send(&batch(&["a", "b"])).unwrap();
        outbox.send(&batch(&[])).unwrap();
        outbox.send(&batch(&["c"])).unwrap();
        outbox.reader_knows();
        outbox.close_with(Some(message("bye")));
        outbox.wait_until_ended();
        assert_eq!(read_to_end(peer), ["a", "b", "c", "bye"]);
        assert!(outbox.take_failure().is_none());
        assert_eq!(outbox.send(&batch(&["d"])), Err(NotTaken::Closed));
    }
}

#[test]
fn what_it_does_not_take_is_written_by_a_thread_in_order_and_completely() {
    let (outbox, peer, _reader) = patient(2 * MUCH);
    let (sent, last) = fill(&outbox);
    last.unwrap();
    assert!(outbox.lock().has_thread);
    outbox.reader_knows();
    outbox.close_with(Some(message("bye")));
    outbox.close_with(Some(message("once more")));
    let received = read_to_end(peer);
    let numbers = (0..sent).map(|number| format!("{number:0>999}"));
    assert!(received.into_iter().eq(numbers.chain(["bye".into()])));
    outbox.wait_until_ended();
    assert!(outbox.take_failure().is_none());
}

#[test]
fn a_thread_that_has_written_everything_ends_and_what_follows_is_written_at_once() {
    let (outbox, mut peer, _reader) = patient(2 * MUCH);
    let (sent, _) = fill(&outbox);
    peer.read_exact(&mut vec![0; sent * 1_000]).unwrap();
    while outbox.lock().has_thread {
        thread::yield_now();
    }
    outbox.send(&batch(&["a"])).unwrap();
    assert!(!outbox.lock().has_thread);
    outbox.close();
    assert_eq!(read_to_end(peer), ["a"]);
}

#[test]
fn a_peer_that_does_not_read_fills_it_and_still_gets_the_last_words_when_it_does() {
    let (outbox, peer, _reader) = patient(10_000);
    let (sent, last) = fill(&outbox);
    assert_eq!(last, Err(NotTaken::Full));
    outbox.reader_knows();
    outbox.close_with(Some(message("bye")));
    let received = read_to_end(peer);
    assert_eq!(received.len(), sent + 1);
    assert_eq!(received[sent], "bye");
}

#[test]
fn a_message_fits_however_long_it_is_when_nothing_waits() {
    let (outbox, peer, _reader) = patient(0);
    let long = "x".repeat(60_000);
    let reading = thread::spawn(|| read_to_end(peer));
    for _ in 0..3 {
        outbox.send(&batch(&[&long])).unwrap();
        while outbox.lock().has_thread {
            thread::yield_now();
        }
    }
    outbox.close();
    assert_eq!(reading.join().unwrap(), [long.as_str(); 3]);
}

#[test]
fn a_peer_that_does_not_read_in_time_is_a_failure_that_wakes_the_thread_that_reads_from_it() {
    let short = Duration::from_millis(20);
    let (outbox, _peer, mut reader) = outbox(Framing::Line, 2 * MUCH, short, Threads::default());
    // Some are not taken, if it fails meanwhile.
    let _ = fill(&outbox);
    outbox.wait_until_ended();
    let failure = outbox.take_failure();
    assert!(matches!(failure, Some(SendError::WriteTooSlow(limit)) if limit == short));
    assert!(matches!(reader.receive(None), Ok(None)));
    assert_eq!(outbox.send(&batch(&["a"])), Err(NotTaken::Closed));
}

#[test]
fn a_peer_that_is_gone_is_a_failure() {
    let (outbox, peer, _reader) = patient(MUCH);
    SockRef::from(&peer)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(peer);
    // The reset arrives when it does.
    while outbox.send(&batch(&["a"])).is_ok() {}
    outbox.wait_until_ended();
    assert!(matches!(outbox.take_failure(), Some(SendError::Io(_))));
}

#[test]
fn without_a_thread_for_the_rest_it_has_failed() {
    let hour = Duration::from_secs(3600);
    let (outbox, _peer, mut reader) = outbox(Framing::Line, 2 * MUCH, hour, Threads::none());
    assert_eq!(fill(&outbox).1, Err(NotTaken::Closed));
    outbox.wait_until_ended();
    assert!(
        matches!(outbox.take_failure(), Some(SendError::Io(error)) if error.kind() != ErrorKind::BrokenPipe)
    );
    assert!(matches!(reader.receive(None), Ok(None)));
}
