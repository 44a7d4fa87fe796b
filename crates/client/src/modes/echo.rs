//! Echo: what is sent comes back, over TCP or UDP.
//!
//! Echo has no messages of its own; the framing only marks where this client's own text ends when it
//! comes back.

use std::time::Instant;

use clap::Args;
use proto::frame::Framing;
use proto::mode::Transport;
use proto::printable::{printable, quoted};
use proto::refusal::{Code, Refusal};
use serde_json::json;
use wire::connection::{Connection, SendError};
use wire::datagram::MAX_DATAGRAM;

use crate::datagram::Asker;
use crate::evidence::{Section, SentRequests};
use crate::failure::{Failure, Report, Status};
use crate::input::Input;
use crate::menu::each_line;
use crate::output::Output;
use crate::session::{Target, is_protocol_error};

const MENU: &str = "Type a line and it comes back; ? shows this again, q ends.";

/// What the command line says.
#[derive(Debug, Args)]
pub struct Arguments {
    /// The text; without it, lines are read. Quotes keep several blanks between its words
    text: Vec<String>,

    /// Over UDP, a datagram a text
    #[arg(long)]
    udp: bool,
}

impl Arguments {
    pub fn transport(&self) -> Transport {
        match self.udp {
            true => Transport::Udp,
            false => Transport::Tcp,
        }
    }
}

/// Has one text echoed, or each line that a person or a pipe gives.
pub fn run(target: &Target, arguments: &Arguments, output: Output) -> Result<Status, Failure> {
    let way = if arguments.udp {
        Way::Udp(Asker::open(target)?)
    } else {
        Way::Tcp(Box::new(target.connect()?), SentRequests::default())
    };
    let mut client = Client {
        way,
        target: target.clone(),
    };
    if !arguments.text.is_empty() {
        client.echo(&arguments.text.join(" "), output)?;
        return Ok(Status::Done);
    }
    let mut input = Input::open(target.recorder.as_ref())?;
    each_line(&mut input, output, (MENU, "echo> "), |_, line| {
        client.echo(line, output).map(Ok)
    })
}

struct Client {
    way: Way,
    target: Target,
}

enum Way {
    Tcp(Box<Connection>, SentRequests),
    Udp(Asker),
}

impl Client {
    fn echo(&mut self, text: &str, output: Output) -> Result<(), Failure> {
        match &mut self.way {
            Way::Tcp(connection, sent) => {
                sent.push(text);
                over_tcp(connection, &self.target, sent, text)?;
            }
            Way::Udp(_) if text.len() > MAX_DATAGRAM => {
                let words = format!(
                    "a message of {} bytes does not fit a datagram (at most {MAX_DATAGRAM})",
                    text.len()
                );
                return Err(Failure::Unsendable(Refusal::new(Code::TooLong, words)));
            }
            Way::Udp(asker) => asker.ask(text.as_bytes(), vec![text.to_owned()], |answer| {
                (answer == text.as_bytes()).then_some(())
            })?,
        }
        output.answer(&printable(text), json!({"echo": text}))
    }
}

/// Sends the text, and waits until it has come back.
fn over_tcp(
    connection: &mut Connection,
    target: &Target,
    sent: &SentRequests,
    text: &str,
) -> Result<(), Failure> {
    let report = |words: &str, came: &[u8]| {
        let section = Section::of(target.peer);
        let evidence = sent.evidence(vec![text.to_owned()], came, section);
        Report::new(format!("{}: {words}", target.server), evidence)
    };
    connection
        .writer
        .send(text.as_bytes())
        .map_err(|error| match error {
            SendError::Encode(error) => Failure::does_not_fit(&error),
            error => Failure::Lost(report(&error.to_string(), b"")),
        })?;
    let by = Some(Instant::now() + target.timeout);
    let mut echoed = Vec::new();
    // In raw framing the text may come back in pieces; its own length says when it is whole.
    while echoed.is_empty() || target.framing == Framing::Raw && echoed.len() < text.len() {
        let error = match connection.reader.receive(by) {
            Ok(Some(piece)) => {
                echoed.extend(piece);
                if target.framing != Framing::Raw {
                    break;
                }
                continue;
            }
            Ok(None) => None,
            Err(error) => Some(error),
        };
        echoed.extend(connection.reader.unfinished());
        let words = error.as_ref().map_or_else(
            || "the server closed the connection".to_owned(),
            ToString::to_string,
        );
        let report = report(&words, &echoed);
        return Err(match error {
            Some(error) if is_protocol_error(&error) => Failure::Protocol(report),
            Some(_) | None => Failure::Lost(report),
        });
    }
    if echoed != text.as_bytes() {
        let came = quoted(&String::from_utf8_lossy(&echoed));
        let words = format!("sent {}, but {came} came back", quoted(text));
        return Err(Failure::Protocol(report(&words, &echoed)));
    }
    Ok(())
}
