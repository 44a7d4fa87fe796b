//! Echo: what is sent comes back, over TCP or UDP.
//!
//! Echo has no messages of its own; the framing only tells this client where its own text ends when
//! it comes back.

use std::time::Instant;

use clap::Args;
use proto::frame::Framing;
use proto::mode::Transport;
use proto::printable::{printable, quoted};
use proto::refusal::{Code, Refusal};
use serde_json::json;
use wire::connection::{Connection, SendError};
use wire::datagram::MAX_DATAGRAM;

use super::{each_line, say};
use crate::datagram::Asker;
use crate::failure::{Failure, Status};
use crate::input::Input;
use crate::output::Output;
use crate::session::Target;

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The text; without it, lines are read
    text: Option<String>,

    /// Over UDP, a datagram a text
    #[arg(long)]
    udp: bool,
}

impl Arguments {
    /// How the service is reached.
    pub fn transport(&self) -> Transport {
        match self.udp {
            true => Transport::Udp,
            false => Transport::Tcp,
        }
    }
}

/// Has one text echoed, or each line that a person or a pipe gives.
///
/// # Errors
/// When the echo differs or the server is lost.
pub fn run(target: &Target, arguments: &Arguments, output: Output) -> Result<Status, Failure> {
    let mut client = if arguments.udp {
        Client::Udp(Asker::open(target)?)
    } else {
        Client::Tcp(Box::new(target.connect()?), target.clone())
    };
    match &arguments.text {
        Some(text) => {
            client.echo(text, output)?;
            Ok(Status::Done)
        }
        None => {
            let mut input = Input::open(target.recorder.as_ref())?;
            if input.is_terminal() {
                say("Type a line and it comes back; q ends.");
            }
            each_line(&mut input, output, "echo> ", |_, line| {
                client.echo(line, output).map(Ok)
            })
        }
    }
}

enum Client {
    Tcp(Box<Connection>, Target),
    Udp(Asker),
}

impl Client {
    fn echo(&mut self, text: &str, output: Output) -> Result<(), Failure> {
        let echoed = match self {
            Client::Tcp(connection, target) => over_tcp(connection, target, text)?,
            Client::Udp(_) if text.len() > MAX_DATAGRAM => {
                let words = format!(
                    "a message of {} bytes does not fit a datagram (at most {MAX_DATAGRAM})",
                    text.len()
                );
                return Err(Failure::Unsendable(Refusal::new(Code::TooLong, words)));
            }
            Client::Udp(asker) => asker.ask(text.as_bytes(), |answer| {
                (answer == text.as_bytes()).then(|| answer.to_vec())
            })?,
        };
        if echoed != text.as_bytes() {
            let came = quoted(&String::from_utf8_lossy(&echoed));
            return Err(Failure::Lost(format!(
                "sent {}, but {came} came back",
                quoted(text)
            )));
        }
        output.answer(&printable(text), json!({"echo": text}))
    }
}

fn over_tcp(connection: &mut Connection, target: &Target, text: &str) -> Result<Vec<u8>, Failure> {
    let lost = |what: &str| Failure::Lost(format!("{}: {what}", target.server));
    connection
        .writer
        .send(text.as_bytes())
        .map_err(|error| match error {
            SendError::Encode(error) => Failure::does_not_fit(&error),
            error => lost(&error.to_string()),
        })?;
    let by = Some(Instant::now() + target.timeout);
    let mut echoed = Vec::new();
    // In raw framing the text may come back in pieces; its own length says when it is whole.
    while echoed.is_empty() || target.framing == Framing::Raw && echoed.len() < text.len() {
        match connection.reader.receive(by) {
            Ok(Some(piece)) => echoed.extend(piece),
            Ok(None) => return Err(lost("the server closed the connection")),
            Err(error) => return Err(lost(&error.to_string())),
        }
        if target.framing != Framing::Raw {
            break;
        }
    }
    Ok(echoed)
}
