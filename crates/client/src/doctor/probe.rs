//! What is at one port: a connection is made, and what is said first is read; a clock is asked.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use proto::frame::{Decoder, Framing};
use proto::mode::Mode;
use proto::printable::quoted;
use proto::refusal::Refusal;
use proto::reply;

use super::clock::{self, Reading};
use crate::failure::refusal_text;
use crate::session::ready_in;

/// What an echo is asked for.
const ECHOED: &[u8] = b"labclient doctor\n";

/// Most bytes that are read of what is no `READY`.
const MOST_BYTES: usize = 256;

/// What was seen of a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seen {
    /// The service that was looked for.
    Served,
    /// The clock answered, with this.
    Clock(Reading),
    /// A connection was made; there, the client speaks first.
    Accepted,
    /// This service is there, and in which framing, where it is not the one to be spoken.
    Ready(Option<Framing>, String),
    /// Nothing listens.
    Refused,
    /// Nothing came back.
    TimedOut,
    /// A connection was made and ended before anything was said.
    Ended,
    /// A server of ours refused the conversation, in these words.
    TurnedAway(String),
    /// A connection was made, and nothing was said.
    Silent,
    /// This was said, and no service says it.
    Said(String),
    /// The system has no way there: why.
    NoWay(String),
}

impl Seen {
    /// Whether a server of ours may be there.
    pub fn is_served(&self) -> bool {
        matches!(
            self,
            Seen::Served | Seen::Clock(_) | Seen::Accepted | Seen::Ready(..)
        )
    }

    fn failed(error: &io::Error) -> Seen {
        match error.kind() {
            ErrorKind::ConnectionRefused => Seen::Refused,
            ErrorKind::TimedOut | ErrorKind::WouldBlock => Seen::TimedOut,
            ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
                Seen::Ended
            }
            _ => Seen::NoWay(error.to_string()),
        }
    }
}

/// Looks for this service at this address, or for any, which is to speak this framing; each wait is
/// `timeout` at most.
pub fn look(at: SocketAddr, mode: Option<Mode>, framing: Framing, timeout: Duration) -> Seen {
    if mode == Some(Mode::Datetime) {
        return clock_at(at, timeout);
    }
    let stream = match TcpStream::connect_timeout(&at, timeout) {
        Ok(stream) => stream,
        Err(error) => {
            // A port that no service is known by may be one of datagrams.
            return match (Seen::failed(&error), mode) {
                (Seen::Refused, None) => clock_at(at, timeout),
                (seen, _) => seen,
            };
        }
    };
    let by = Instant::now() + timeout;
    let seen = match mode {
        Some(Mode::Echo) => has_echo(&stream, by),
        Some(Mode::Script) => Ok(Seen::Accepted),
        _ => first_words(&stream, mode, framing, by),
    };
    // So that the server sees an end and not a broken connection.
    let _ = stream.shutdown(Shutdown::Write);
    seen.unwrap_or_else(|error| Seen::failed(&error))
}

fn clock_at(at: SocketAddr, timeout: Duration) -> Seen {
    match clock::ask(at, timeout) {
        Ok(Some(reading)) => Seen::Clock(reading),
        Ok(None) => Seen::TimedOut,
        Err(error) => Seen::failed(&error),
    }
}

fn has_echo(mut stream: &TcpStream, by: Instant) -> io::Result<Seen> {
    stream.write_all(ECHOED)?;
    let said = read(stream, by, |said| said.len() >= ECHOED.len())?;
    Ok(match said.as_slice() {
        ECHOED => Seen::Served,
        said => other(said, by),
    })
}

fn first_words(
    stream: &TcpStream,
    mode: Option<Mode>,
    expected: Framing,
    by: Instant,
) -> io::Result<Seen> {
    let said = read(stream, by, |said| ready_in(said).is_some())?;
    if let Some(refusal) = refusal_in(&said) {
        return Ok(Seen::TurnedAway(refusal_text(&refusal)));
    }
    let Some((framing, service)) = ready_in(&said) else {
        return Ok(other(&said, by));
    };
    let framing = (framing != expected).then_some(framing);
    Ok(match mode {
        Some(mode) if framing.is_none() && mode.name() == service => Seen::Served,
        _ => Seen::Ready(framing, service),
    })
}

/// The refusal that these bytes are in one of the framings.
fn refusal_in(said: &[u8]) -> Option<Refusal> {
    Framing::ALL.into_iter().find_map(|framing| {
        let mut decoder = Decoder::new(framing);
        decoder.push(said);
        let first = decoder.next_message().ok()??;
        reply::parse(str::from_utf8(&first).ok()?).ok()?.err()
    })
}

/// What this is that is not what was expected.
fn other(said: &[u8], by: Instant) -> Seen {
    match (said, Instant::now() < by) {
        ([], true) => Seen::Ended,
        ([], false) => Seen::Silent,
        (said, _) => Seen::Said(quoted(&String::from_utf8_lossy(said))),
    }
}

/// What comes until it is enough, the end, or this moment.
fn read(
    mut stream: &TcpStream,
    by: Instant,
    is_enough: impl Fn(&[u8]) -> bool,
) -> io::Result<Vec<u8>> {
    let mut said = Vec::new();
    let mut piece = [0; MOST_BYTES];
    while said.len() < MOST_BYTES && !is_enough(&said) {
        let left = by.saturating_duration_since(Instant::now());
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(length) => said.extend(&piece[..length]),
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // The loop ends, because the time is over.
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            // What was said before is what counts.
            Err(_) if !said.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    said.truncate(MOST_BYTES);
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::TcpListener;
    use std::thread;

    /// What is seen of a server that does this with its one connection.
    fn seen(mode: Mode, timeout: Duration, serve: impl FnOnce(TcpStream) + Send + 'static) -> Seen {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        let served = thread::spawn(move || serve(listener.accept().unwrap().0));
        let seen = look(at, Some(mode), Framing::Netstring, timeout);
        served.join().unwrap();
        seen
    }

    const LONG: Duration = Duration::from_secs(60);

    fn say(words: &'static [u8]) -> impl FnOnce(TcpStream) + Send + 'static {
        move |mut stream| stream.write_all(words).unwrap()
    }

    #[test]
    fn the_first_words_tell_which_service_it_is_and_in_which_framing() {
        let text = |words| seen(Mode::Text, LONG, say(words));
        assert_eq!(text(b"12:READY text 1,"), Seen::Served);
        assert_eq!(text(b"11:READY atm 1,"), Seen::Ready(None, "atm".into()));
        assert_eq!(
            text(b"READY text 1\n"),
            Seen::Ready(Some(Framing::Line), "text".into())
        );
        assert_eq!(
            text(b"SSH-2.0-x\n"),
            Seen::Said("\"SSH-2.0-x\\u{a}\"".into())
        );
        assert_eq!(text(b"13:ERR busy full,"), Seen::TurnedAway("full".into()));
    }

    #[test]
    fn words_in_pieces_are_read_to_their_end() {
        let pieces = |mut stream: TcpStream| {
            stream.write_all(b"12:READY").unwrap();
            stream.write_all(b" text 1,").unwrap();
        };
        assert_eq!(seen(Mode::Text, LONG, pieces), Seen::Served);
    }

    #[test]
    fn an_end_a_silence_and_nothing_at_all_are_told_apart() {
        assert_eq!(seen(Mode::Atm, LONG, drop), Seen::Ended);
        let silent = |mut stream: TcpStream| {
            let _ = stream.read(&mut [0]);
        };
        let short = Duration::from_millis(20);
        assert_eq!(seen(Mode::Atm, short, silent), Seen::Silent);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        drop(listener);
        assert_eq!(
            look(at, Some(Mode::Atm), Framing::Netstring, LONG),
            Seen::Refused
        );
    }

    #[test]
    fn an_echo_is_one_that_sends_the_same_back() {
        let echo = |mut stream: TcpStream| {
            let mut said = [0; ECHOED.len()];
            stream.read_exact(&mut said).unwrap();
            stream.write_all(&said).unwrap();
        };
        assert_eq!(seen(Mode::Echo, LONG, echo), Seen::Served);
        let no = |mut stream: TcpStream| {
            stream.read_exact(&mut [0; ECHOED.len()]).unwrap();
            stream.write_all(b"no").unwrap();
        };
        assert_eq!(seen(Mode::Echo, LONG, no), Seen::Said("\"no\"".into()));
    }

    #[test]
    fn nothing_is_read_for_ever() {
        let flood = |mut stream: TcpStream| {
            while stream.write_all(&[b'x'; 1024]).is_ok() {}
        };
        let Seen::Said(said) = seen(Mode::Chat, LONG, flood) else {
            panic!("not what was said");
        };
        assert!(said.len() < MOST_BYTES, "{said}");
    }
}
