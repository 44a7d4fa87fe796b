//! The other end of a judged server: says exactly what a case wants it to say.

use std::io::{ErrorKind, Write};
use std::net::{Shutdown, TcpStream};
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use proto::frame::Framing;
use proto::refusal::Code;
use proto::reply::{self, is_event};
use socket2::SockRef;
use wire::connection::{Connection, ReceiveError};

use crate::verdict::{Came, Expected, Failure, Finding};

/// Between two pieces of a message, so that the server's reads tell them apart.
const PIECE_PAUSE: Duration = Duration::from_millis(2);

/// How long it is waited for room at the other end by what needs none.
const NO_MORE_ROOM: Duration = Duration::from_millis(300);

/// How often it is looked whether what has come can still become what is expected.
const GLANCE: Duration = Duration::from_millis(50);

/// A connection to a judged server.
#[derive(Debug)]
pub struct Peer {
    stream: Arc<TcpStream>,
    connection: Connection,
    framing: Framing,
    /// What was sent last.
    sent: Vec<u8>,
    /// How long an answer is waited for.
    patience: Duration,
    /// When the case is given up.
    by: Instant,
}

impl Peer {
    /// Over this connection.
    pub(crate) fn new(
        stream: Arc<TcpStream>,
        connection: Connection,
        framing: Framing,
        patience: Duration,
        by: Instant,
    ) -> Peer {
        Peer {
            stream,
            connection,
            framing,
            sent: Vec::new(),
            patience,
            by,
        }
    }

    /// How bytes are cut into messages.
    pub fn framing(&self) -> Framing {
        self.framing
    }

    /// This text as it stands on the wire. One that does not fit the framing is a mistake of the case.
    pub fn frame(&self, text: &str) -> Result<Vec<u8>, Failure> {
        let mut bytes = Vec::new();
        let encoded = self.framing.encode(text.as_bytes(), &mut bytes);
        let cannot = |error| Failure::Undecided(format!("{text:?} does not fit: {error}"));
        encoded.map_err(cannot)?;
        Ok(bytes)
    }

    /// Sends a message.
    pub fn send(&mut self, text: &str) -> Result<(), Failure> {
        let bytes = self.frame(text)?;
        self.send_bytes(&bytes)
    }

    /// Sends these bytes in one write, whatever they are.
    ///
    /// # Errors
    /// Where the connection broke: the server closed it, though it was not to.
    pub fn send_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.sent = bytes.to_vec();
        self.write(bytes).or_else(|error| {
            // What came before says more than the write that failed.
            self.found(
                Expected::Described("a connection that stays open".into()),
                Came::Broken(error),
            )
        })
    }

    /// Sends these bytes in pieces of this many at most, so that each is a read of its own.
    pub fn send_in_pieces(&mut self, bytes: &[u8], most: usize) -> Result<(), Failure> {
        for piece in bytes.chunks(most) {
            self.send_bytes(piece)?;
            thread::sleep(PIECE_PAUSE);
        }
        self.sent = bytes.to_vec();
        Ok(())
    }

    /// Sends these bytes in two pieces, each a read of its own, of which the first has so many.
    pub fn send_cut(&mut self, bytes: &[u8], at: usize) -> Result<(), Failure> {
        let (first, rest) = bytes.split_at(at);
        self.send_in_pieces(first, at)?;
        self.send_bytes(rest)?;
        self.sent = bytes.to_vec();
        Ok(())
    }

    /// Sends these bytes, and does not mind a server that closes the connection meanwhile.
    pub fn throw(&mut self, bytes: &[u8]) {
        self.sent = bytes.to_vec();
        let _ = self.write(bytes);
    }

    /// Sends these bytes and then the end of the stream, and reads meanwhile, from after this pause on:
    /// they must come back.
    pub fn is_echoed(&mut self, bytes: &[u8], pause: Duration) -> Result<(), Failure> {
        let stream = Arc::clone(&self.stream);
        let limit = self.limit();
        self.sent = bytes.to_vec();
        let tap = self.connection.tap().cloned();
        let sending = || {
            let moment = tap.as_ref().map(|tap| tap.now());
            let sent = stream.set_write_timeout(Some(limit));
            // Where it fails, too little comes back.
            let sent = sent.and_then(|()| (&*stream).write_all(bytes));
            let _ = sent.and_then(|()| stream.shutdown(Shutdown::Write));
            if let (Some(tap), Some(moment)) = (&tap, moment) {
                tap.sent(moment, bytes);
            }
        };
        thread::scope(|scope| {
            scope.spawn(sending);
            thread::sleep(pause);
            self.expect_bytes(bytes)
        })?;
        self.half_close();
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), String> {
        self.write_within(bytes, self.limit())
    }

    fn write_within(&mut self, bytes: &[u8], limit: Duration) -> Result<(), String> {
        let tap = self.connection.tap().cloned();
        let moment = tap.as_ref().map(|tap| tap.now());
        let written = self.stream.set_write_timeout(Some(limit));
        let written = written.and_then(|()| (&*self.stream).write_all(bytes));
        if let (Some(tap), Some(moment)) = (tap, moment) {
            tap.sent(moment, bytes);
        }
        written.map_err(|error| match error.kind() {
            ErrorKind::WouldBlock | ErrorKind::TimedOut => {
                format!(
                    "there was no room for more to be sent for {} s",
                    limit.as_secs_f32()
                )
            }
            _ => error.to_string(),
        })
    }

    /// Sends a message and returns the answer to it.
    pub fn ask(&mut self, text: &str) -> Result<String, Failure> {
        self.send(text)?;
        self.answer("an answer")
    }

    /// Sends what the connection takes at once of these bytes, and does not wait for more room.
    pub fn throw_what_fits(&mut self, bytes: &[u8]) {
        self.sent = bytes.to_vec();
        let _ = self.write_within(bytes, NO_MORE_ROOM);
    }

    /// Sends a message, which must be answered with this.
    pub fn asks(&mut self, text: &str, answer: &str) -> Result<(), Failure> {
        self.send(text)?;
        self.expect_answer(answer)
    }

    /// Sends a message, which must be refused with one of these codes. The words are the server's own.
    pub fn is_refused(&mut self, text: &str, codes: &[Code]) -> Result<(), Failure> {
        self.send(text)?;
        self.expect_refusal(codes)
    }

    /// The next message that is no event, as text; in words, what it should be.
    pub fn answer(&mut self, expected: &str) -> Result<String, Failure> {
        loop {
            let message = self.message(expected)?;
            if !is_event(message.as_bytes()) {
                return Ok(message);
            }
        }
    }

    /// The next message as text; in words, what it should be.
    pub fn message(&mut self, expected: &str) -> Result<String, Failure> {
        let expected = Expected::Described(expected.to_owned());
        match self.receive() {
            Came::Message(bytes) => String::from_utf8(bytes).or_else(|error| {
                self.found(
                    expected,
                    Came::Unreadable(error.into_bytes(), "not UTF-8".into()),
                )
            }),
            other => self.found(expected, other),
        }
    }

    /// The next message must be this one.
    pub fn expect(&mut self, text: &str) -> Result<(), Failure> {
        self.expect_bytes(text.as_bytes())
    }

    /// The next message must be this one. In raw framing it may come in any number of pieces.
    pub fn expect_bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        match self.receive_in_place_of(bytes) {
            Came::Message(came) if came == bytes => Ok(()),
            other => self.found(Expected::Message(bytes.into()), other),
        }
    }

    /// The next message that is no event must be this one.
    pub fn expect_answer(&mut self, text: &str) -> Result<(), Failure> {
        loop {
            match self.receive_in_place_of(text.as_bytes()) {
                Came::Message(came) if came == text.as_bytes() => return Ok(()),
                // In raw framing it may be the beginning of anything.
                Came::Message(came) if is_event(&came) && self.framing != Framing::Raw => {}
                other => return self.found(Expected::Message(text.into()), other),
            }
        }
    }

    /// What comes where this message is expected.
    fn receive_in_place_of(&mut self, expected: &[u8]) -> Came {
        if self.framing != Framing::Raw {
            return self.receive();
        }
        let reader = &mut self.connection.reader;
        reader.set_message_length(NonZeroUsize::new(expected.len()));
        // As long as more comes, it is on its way.
        let mut since = Instant::now();
        let mut by = since + self.limit();
        let mut length = 0;
        let came = loop {
            let reader = &mut self.connection.reader;
            let received = reader.receive(Some(by.min(Instant::now() + GLANCE)));
            let unfinished = reader.unfinished().to_vec();
            let is_waiting = matches!(received, Err(ReceiveError::DeadlinePassed));
            if unfinished.len() > length {
                length = unfinished.len();
                since = Instant::now();
                by = since + self.limit();
            }
            if is_waiting && !expected.starts_with(&unfinished) {
                // However much follows, it is another message.
                break Came::Message(unfinished);
            }
            if let Ok(Some(message)) = &received
                && message != expected
            {
                // It is shown with what came behind it.
                break Came::Message([&message[..], &unfinished].concat());
            }
            if !is_waiting || Instant::now() >= by {
                break Came::of(received, since.elapsed(), unfinished);
            }
        };
        self.connection.reader.set_message_length(None);
        came
    }

    /// The next message must be a refusal with one of these codes.
    pub fn expect_refusal(&mut self, codes: &[Code]) -> Result<(), Failure> {
        let named: Vec<_> = codes.iter().map(|code| format!("ERR {code} …")).collect();
        let expected = named.join(" or ");
        let message = self.answer(&expected)?;
        match reply::parse(&message) {
            Ok(Err(refusal)) if codes.contains(&refusal.code) => Ok(()),
            _ => self.found(Expected::Described(expected), Came::Message(message.into())),
        }
    }

    /// The server must end the stream now.
    pub fn expect_end(&mut self) -> Result<(), Failure> {
        let expected = Expected::Described("the end of the connection".into());
        match self.receive() {
            Came::End(rest) if rest.is_empty() => Ok(()),
            // It closed before it had read all that it was sent.
            Came::Broken(_) => Ok(()),
            other => self.found(expected, other),
        }
    }

    /// In raw framing: the next bytes, this many; in words, what they should be.
    pub fn take(&mut self, length: usize, expected: &str) -> Result<Vec<u8>, Failure> {
        let length = NonZeroUsize::new(length);
        self.connection.reader.set_message_length(length);
        let came = self.receive();
        self.connection.reader.set_message_length(None);
        match came {
            Came::Message(bytes) => Ok(bytes),
            other => self.found(Expected::Described(expected.to_owned()), other),
        }
    }

    /// Whatever comes next.
    pub fn receive(&mut self) -> Came {
        self.receive_within(self.limit())
    }

    /// Whatever comes within this time.
    pub fn receive_within(&mut self, time: Duration) -> Came {
        let began = Instant::now();
        let by = began + time;
        let received = self.connection.reader.receive(Some(by));
        let unfinished = self.connection.reader.unfinished().to_vec();
        Came::of(received, began.elapsed(), unfinished)
    }

    /// This is not what was expected. Where the time of the case is over, that decides nothing.
    pub fn found<T>(&self, expected: Expected, came: Came) -> Result<T, Failure> {
        if Instant::now() >= self.by {
            let words = "the case took longer than it may (--time-limit)";
            return Err(Failure::Undecided(words.into()));
        }
        let cause = cause(&expected, &came);
        Err(Failure::Broken(Box::new(Finding {
            sent: self.sent.clone(),
            expected,
            came,
            cause,
        })))
    }

    /// Sends no more, and goes on reading.
    pub fn half_close(&mut self) {
        let _ = self.connection.writer.finish();
    }

    /// Ends the connection with a reset, as when this program is killed.
    pub fn reset(self) {
        let _ = SockRef::from(&*self.stream).set_linger(Some(Duration::ZERO));
    }

    /// Another limit on the wait for an answer.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    fn limit(&self) -> Duration {
        let left = self.by.saturating_duration_since(Instant::now());
        self.patience.min(left).max(Duration::from_millis(1))
    }
}

/// What the difference points to, as far as the bytes alone show it.
fn cause(expected: &Expected, came: &Came) -> Option<String> {
    let expected = match expected {
        Expected::Message(expected) => expected,
        Expected::Described(_) => return None,
    };
    match came {
        Came::Nothing(_, first) if !first.is_empty() => Some(format!(
            "the answer stopped after {} bytes: what one write takes need not be all of it",
            first.len()
        )),
        Came::Message(message) if message == b"OK " && expected == b"OK" => {
            Some("an answer with an empty text is `OK` alone, without a blank".into())
        }
        Came::Message(message)
            if message.strip_suffix(b"\n").or(message.strip_suffix(b"\r")) == Some(expected) =>
        {
            Some("there is a line break inside the message".into())
        }
        Came::Message(message) if message.eq_ignore_ascii_case(expected) => {
            Some("only upper and lower case differ".into())
        }
        _ => None,
    }
}
