//! Our server in the words of the hand-outs: bare sockets play the printed clients.

mod bank;
mod cash_machine;
mod chat;
pub mod pages;
mod scripted;
mod sessions;
mod textbook;

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use proto::handout::Handout;
use server::Config;
use testkit::peer::{exchange, read_text, reset};
use testkit::service::{Service, start_handout};
use wire::connection::RAW_PAUSE;

/// The server's half of a hand-out.
fn started(handout: Handout) -> Service {
    started_with(handout, Config::default())
}

fn started_with(handout: Handout, config: Config) -> Service {
    start_handout(handout, config)
}

/// One write is one message.
fn say(stream: &mut TcpStream, message: &[u8]) {
    stream.set_nodelay(true).unwrap();
    stream.write_all(message).unwrap();
}

/// Exactly these bytes come next.
fn hear(stream: &mut TcpStream, expected: &[u8]) {
    let mut heard = vec![0; expected.len()];
    stream.read_exact(&mut heard).unwrap();
    assert_eq!(
        String::from_utf8_lossy(&heard),
        String::from_utf8_lossy(expected)
    );
}

/// Says this, and exactly that comes back.
fn ask(stream: &mut TcpStream, message: &[u8], expected: &[u8]) {
    say(stream, message);
    hear(stream, expected);
}

/// Says two things that the server is to read one by one, and gives what comes back. The pause that
/// the printed clients make may be too short on a busy machine: what then arrived as one is not
/// answered, and `again` is said until something is.
fn ask_apart(stream: &mut TcpStream, first: &[u8], second: &[u8], again: &[u8]) -> Vec<u8> {
    say(stream, first);
    std::thread::sleep(RAW_PAUSE);
    say(stream, second);
    let patience = stream.read_timeout().unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(2)))
        .unwrap();
    let mut heard = [0; 1024];
    let length = loop {
        match stream.read(&mut heard) {
            Ok(length) => break length,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                say(stream, again);
            }
            Err(error) => panic!("{error}"),
        }
    };
    stream.set_read_timeout(patience).unwrap();
    heard[..length].to_vec()
}

/// The server closes without another byte.
fn hear_the_end(stream: &mut TcpStream) {
    assert_eq!(read_text(stream), "");
}

/// Says this on a new connection, and reads to the end.
fn answer_to(server: &Service, message: &[u8]) -> String {
    let mut stream = server.connect();
    say(&mut stream, message);
    read_text(&stream)
}

/// A client that connects, says nothing and leaves.
pub fn connect_and_leave(server: &Service) {
    assert_eq!(exchange(server.connect(), b""), "");
    reset(server.connect());
}
