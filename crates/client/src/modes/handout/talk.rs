//! A connection to a printed program. Nearly none says where its messages end.
//!
//! Without a framing, what one read returns is a message, as the printed programs have it. But a read may also return
//! half a message or one and a half, so wherever the hand-out says what must come, that decides.

use std::thread;
use std::time::{Duration, Instant};

use proto::printable::quoted;
use wire::connection::{Connection, RAW_PAUSE, ReceiveError, SendError, Writer};

use crate::evidence::{Section, SentRequests};
use crate::failure::{Failure, Report};
use crate::session::Target;

/// Longest answer that is put together from several reads, in bytes: 64 printed messages.
const MAX_ANSWER: usize = 64 * 1024;

/// How long the rest of an answer may take that seems to have been cut. On the way it is there at
/// once; what takes longer was whole, and only looked like the beginning of something else.
const REST_WAIT: Duration = Duration::from_secs(1);

/// The server closed and had said nothing.
pub const NO_ANSWER: &str = "the server closed the connection without an answer";

#[derive(Debug)]
pub struct HandoutConnection {
    connection: Connection,
    server: String,
    timeout: Duration,
    requests: SentRequests,
    /// What came and was not taken yet.
    came: Vec<u8>,
    /// When the last message was sent, if nothing was read since.
    sent: Option<Instant>,
}

/// Why there is nothing more to read.
#[derive(Debug)]
enum Stop {
    Closed,
    Silent,
    Broken(String),
}

impl HandoutConnection {
    /// Connects. A printed server says nothing at first, or what its hand-out has.
    pub fn open(target: &Target) -> Result<HandoutConnection, Failure> {
        Ok(HandoutConnection {
            connection: target.connect()?,
            server: target.server.clone(),
            timeout: target.timeout,
            requests: SentRequests::default(),
            came: Vec::new(),
            sent: None,
        })
    }

    /// Sends one message, in one write; after another to which nothing was said yet, with a pause
    /// between the two, so that the server's reads tell them apart.
    pub fn send(&mut self, message: &str) -> Result<(), Failure> {
        self.send_with(message, Writer::send)
    }

    fn send_with(
        &mut self,
        message: &str,
        send: fn(&mut Writer, &[u8]) -> Result<(), SendError>,
    ) -> Result<(), Failure> {
        wait_after(self.sent);
        self.requests.push(message);
        self.requests.secrets.learn(message.as_bytes());
        let sent = send(&mut self.connection.writer, message.as_bytes());
        self.sent = Some(Instant::now());
        sent.map_err(|error| match error {
            SendError::Encode(error) => Failure::does_not_fit(&error),
            error => Failure::Lost(format!("{}: {error}", self.server).into()),
        })
    }

    /// As [`send`](HandoutConnection::send), for a message that is a password and nothing else: it is
    /// not recorded.
    pub fn send_secret(&mut self, message: &str) -> Result<(), Failure> {
        self.requests.secrets.learn_all(message.as_bytes());
        self.send_with(message, Writer::send_secret)
    }

    /// Waits for one of these texts, however it is cut, and takes it out; what follows it stays.
    pub fn expect<'e>(&mut self, expected: &[&'e str]) -> Result<&'e str, Failure> {
        let by = Instant::now() + self.timeout;
        loop {
            let mut whole = expected.iter();
            if let Some(found) = whole.find(|text| self.came.starts_with(text.as_bytes())) {
                self.came.drain(..found.len());
                return Ok(found);
            }
            if !is_begun(expected, &self.came) {
                return Err(self.unexpected(&alternatives(expected)));
            }
            self.read_on(by, &alternatives(expected))?;
        }
    }

    /// Waits for an answer, and takes it. It is what one read returns, unless that is the beginning
    /// of a `likely` answer and not the whole of one: then the rest is waited for.
    pub fn answer(&mut self, likely: &[&str]) -> Result<String, Failure> {
        let by = Instant::now() + self.timeout;
        while self.came.is_empty() {
            self.read_on(by, "the answer")?;
        }
        while !likely.iter().any(|text| text.as_bytes() == self.came)
            && is_begun(likely, &self.came)
        {
            match self.read(Instant::now() + REST_WAIT) {
                Ok(piece) => self.came.extend(piece),
                Err(_) => break,
            }
        }
        Ok(self.take_all())
    }

    /// Reads until `take` finds in what came what it looks for, and says how many bytes of it to
    /// take out; `awaited` names it.
    ///
    /// # Errors
    /// When `take` gives one, because it cannot come any more: what came is quoted. When nothing
    /// comes.
    pub fn take<T>(
        &mut self,
        awaited: &str,
        mut take: impl FnMut(&[u8]) -> Result<Option<(T, usize)>, String>,
    ) -> Result<T, Failure> {
        let by = Instant::now() + self.timeout;
        loop {
            match take(&self.came) {
                Ok(Some((found, length))) => {
                    self.came.drain(..length);
                    return Ok(found);
                }
                Ok(None) if self.came.len() > MAX_ANSWER => return Err(self.unexpected(awaited)),
                Ok(None) => self.read_on(by, awaited)?,
                Err(words) => return Err(self.unexpected(&format!("{awaited} ({words})"))),
            }
        }
    }

    /// Everything the server says until it closes; empty when it says nothing. One that does not
    /// close after its answer has answered all the same.
    pub fn everything(mut self) -> Result<String, Failure> {
        let by = Instant::now() + self.timeout;
        loop {
            match self.read(by) {
                Ok(piece) => self.came.extend(piece),
                Err(Stop::Closed) => return Ok(self.take_all()),
                Err(stop) if self.came.is_empty() => return Err(self.lost(&stop, "the answer")),
                Err(Stop::Silent | Stop::Broken(_)) => return Ok(self.take_all()),
            }
            if self.came.len() > MAX_ANSWER {
                return Err(self.unexpected("the end of the answer"));
            }
        }
    }

    /// Waits until the server closes; what it still says is thrown away.
    pub fn await_close(mut self) -> Result<(), Failure> {
        let by = Instant::now() + self.timeout;
        loop {
            match self.read(by) {
                Ok(_) => {}
                Err(Stop::Closed | Stop::Broken(_)) => return Ok(()),
                Err(stop @ Stop::Silent) => return Err(self.lost(&stop, "the end")),
            }
        }
    }

    /// Closes at once, without a word. What the server has said since is not read.
    pub fn leave(mut self) {
        self.connection.writer.abort();
    }

    /// Closes such that the server can still read what was sent last.
    pub fn close(self) {
        self.connection.close();
    }

    fn read_on(&mut self, by: Instant, awaited: &str) -> Result<(), Failure> {
        let read = self.read(by);
        let piece = read.map_err(|stop| self.lost(&stop, awaited))?;
        self.came.extend(piece);
        Ok(())
    }

    fn read(&mut self, by: Instant) -> Result<Vec<u8>, Stop> {
        match self.connection.reader.receive(Some(by)) {
            Ok(Some(piece)) => {
                self.sent = None;
                Ok(piece)
            }
            Ok(None) => Err(Stop::Closed),
            Err(ReceiveError::DeadlinePassed) => Err(Stop::Silent),
            Err(error) => Err(Stop::Broken(error.to_string())),
        }
    }

    fn take_all(&mut self) -> String {
        let all = std::mem::take(&mut self.came);
        String::from_utf8_lossy(&all).into_owned()
    }

    fn lost(&self, stop: &Stop, awaited: &str) -> Failure {
        let server = &self.server;
        let half = match &self.came[..] {
            [] => String::new(),
            _ => format!(", after {}", self.quoted()),
        };
        let words = match stop {
            Stop::Closed => {
                format!("{server}: the server closed the connection before {awaited} came{half}")
            }
            Stop::Silent => {
                let seconds = self.timeout.as_secs_f32();
                format!("{server}: {awaited} did not come within {seconds} s{half}")
            }
            Stop::Broken(how) => format!("{server}: {how} before {awaited} came{half}"),
        };
        Failure::Lost(self.report(words, awaited))
    }

    fn unexpected(&self, awaited: &str) -> Failure {
        let came = self.quoted();
        let words = format!("{}: expected {awaited}, got {came}", self.server);
        Failure::Protocol(self.report(words, awaited))
    }

    fn quoted(&self) -> String {
        quoted(&String::from_utf8_lossy(
            &self.requests.secrets.hide(&self.came),
        ))
    }

    fn report(&self, words: String, awaited: &str) -> Report {
        let expected = vec![awaited.to_owned()];
        let evidence = self
            .requests
            .evidence(expected, &self.came, Section::Handouts);
        Report::new(words, evidence)
    }
}

/// Waits out what is left of the pause after a message that was sent then.
pub fn wait_after(sent: Option<Instant>) {
    if let Some(sent) = sent {
        thread::sleep((sent + RAW_PAUSE).saturating_duration_since(Instant::now()));
    }
}

/// Whether these bytes are the beginning of one of the texts.
fn is_begun(texts: &[&str], bytes: &[u8]) -> bool {
    texts.iter().any(|text| text.as_bytes().starts_with(bytes))
}

fn alternatives(texts: &[&str]) -> String {
    let quoted: Vec<_> = texts.iter().map(|text| quoted(text)).collect();
    quoted.join(" or ")
}

/// The server was lost, or answered something else, when it had been asked to move money.
pub fn outcome_unknown(report: Report) -> Failure {
    Failure::Unknown(report.reworded(may_be_done))
}

/// The bank answered a request that moves money, and the answer could not be printed.
pub fn not_printed(said: &str, failure: &Failure) -> Failure {
    let why = failure.words();
    let why = why.as_deref().unwrap_or("nobody reads standard output");
    let said = quoted(said);
    Failure::Unknown(format!("the bank said {said}; it was not printed ({why})").into())
}

/// That money may have moved.
pub fn may_be_done(words: &str) -> String {
    format!(
        "{words}: whether it was done is not known, and the hand-out has no ids to ask by; look \
         at the balance"
    )
}
