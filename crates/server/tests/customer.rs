//! The other end of a conversation: any peer, and a customer of the bank.

use std::net::TcpStream;
use std::time::Instant;

use proto::frame::Framing;
use uuid::Uuid;
use wire::connection::Connection;
use wire::limits::Limits;

use crate::lines::PATIENCE;

/// The hand-out's first account, which every new ledger has.
pub const CARD: &str = "123456789";
pub const PIN: &str = "1234";

/// One end of a framed conversation.
pub struct Peer(Connection);

impl Peer {
    pub fn over(stream: TcpStream, framing: Framing) -> Peer {
        Peer(Connection::new(stream, framing, Limits::CLIENT).unwrap())
    }

    pub fn say(&mut self, message: &str) {
        self.0.writer.send(message.as_bytes()).unwrap();
    }

    /// The next message, or `None` at the end of the conversation.
    pub fn hear(&mut self) -> Option<String> {
        self.hear_if_whole().unwrap()
    }

    pub fn ask(&mut self, request: &str) -> String {
        self.say(request);
        self.hear().expect("the server closed instead of answering")
    }

    /// The answer, or `None` when the server is lost on the way.
    pub fn ask_if_there(&mut self, request: &str) -> Option<String> {
        self.0.writer.send(request.as_bytes()).ok()?;
        self.hear_if_whole().ok()?
    }

    fn hear_if_whole(&mut self) -> Result<Option<String>, String> {
        let message = self.0.reader.receive(Some(Instant::now() + PATIENCE));
        let message = message.map_err(|error| error.to_string())?;
        Ok(message.map(|bytes| String::from_utf8(bytes).unwrap()))
    }

    /// The answer to a log-in, without the id that it names.
    pub fn log_in(&mut self, card: &str, pin: &str) -> String {
        let id = format!("LOGIN_{} ", Uuid::now_v7());
        let answer = self.ask(&format!("VERIFY_CARD_AND_PASSWORD {id}{card} {pin}"));
        assert!(answer.contains(&id), "{answer}");
        answer.replacen(&id, "", 1)
    }
}
