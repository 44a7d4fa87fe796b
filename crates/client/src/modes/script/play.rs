//! Plays the client's part of a script.

use std::thread;
use std::time::Instant;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::script::{Player, Script, SideScript, Then, Turn, Unexpected};
use wire::connection::{Connection, RAW_PAUSE, ReceiveError};

use crate::datagram::Asker;
use crate::evidence::{Section, SentRequests};
use crate::failure::{Failure, Report, Status};
use crate::output::say;
use crate::session::Target;

/// The user interface of a script that is played. Each call fails when the input cannot be read, or
/// standard output is closed.
pub trait ScriptUi {
    /// Asks for a line, with this prompt; `None` when there are no more.
    fn ask(&mut self, prompt: &str) -> Result<Option<String>, Failure>;

    /// Shows what the server said.
    fn show(&mut self, message: &[u8]) -> Result<(), Failure>;

    /// Shows that a line cannot be sent.
    fn refused(&mut self, failure: &Failure) -> Result<(), Failure> {
        say(&failure.words().unwrap_or_default());
        Ok(())
    }

    /// Shows that this was sent, as the script has it.
    fn said(&mut self, _message: &str) -> Result<(), Failure> {
        Ok(())
    }

    /// Shows that the line that was asked for was sent.
    fn said_what_was_asked(&mut self, _line: &str) -> Result<(), Failure> {
        Ok(())
    }
}

/// Plays the client's part.
///
/// # Errors
/// When the server is not reachable, or says something else than the script does.
pub fn play(
    script: &Script,
    target: &Target,
    audience: &mut impl ScriptUi,
) -> Result<Status, Failure> {
    let Some(part) = script.client() else {
        return Err(Failure::Usage(format!(
            "the script {:?} has no [client] part: play it with `labserver --mode script`",
            script.title()
        )));
    };
    let mut playing = Playing {
        target,
        audience,
        status: Status::Done,
        sent: SentRequests::default(),
    };
    loop {
        let first = match part.prompt_for_repeat() {
            // Where a connection is made for each line, none is made for the end of the input.
            Some(prompt) => match playing.line(prompt)? {
                Some(line) => Some(line),
                None => return Ok(playing.status),
            },
            None => None,
        };
        playing.sent = SentRequests::default();
        match script.transport() {
            Transport::Tcp => playing.over_tcp(part, first)?,
            Transport::Udp => playing.over_udp(part, first)?,
        }
        if part.prompt_for_repeat().is_none() {
            return Ok(playing.status);
        }
    }
}

struct Playing<'a, A> {
    target: &'a Target,
    audience: &'a mut A,
    status: Status,
    sent: SentRequests,
}

impl<A: ScriptUi> Playing<'_, A> {
    fn over_tcp(&mut self, part: &SideScript, first: Option<String>) -> Result<(), Failure> {
        let mut connection = self.target.connect()?;
        if let Some(length) = part.message_length() {
            connection.reader.set_message_length(length);
        }
        if let Some(most) = part.read_size() {
            connection.reader.set_read_size(most);
        }
        let played = self.converse(&mut connection, part, first);
        connection.close();
        played
    }

    fn converse(
        &mut self,
        connection: &mut Connection,
        part: &SideScript,
        mut first: Option<String>,
    ) -> Result<(), Failure> {
        let mut player = Player::new(part);
        let mut turn = player.connected();
        loop {
            if !self.send(connection, turn, first.take())? || turn.then == Then::Close {
                return Ok(());
            }
            let by = Instant::now() + self.target.timeout;
            turn = match receive_whole(connection, &player, by) {
                Ok(Some(message)) => {
                    let turn = player.received(&message);
                    let turn = turn.map_err(|u| self.unexpected(&u, &message))?;
                    self.audience.show(&message)?;
                    turn
                }
                Ok(None) => return player.closed().map_err(|u| self.unexpected(&u, b"")),
                // A reset ends the connection as well as a close does.
                Err(ReceiveError::Io(_)) if player.awaits_close() => return Ok(()),
                Err(ReceiveError::Io(error)) => return Err(self.lost(&ReceiveError::Io(error))),
                Err(error) => {
                    let so_far = connection.reader.unfinished();
                    let waited = player.waited(so_far);
                    return Err(match error {
                        ReceiveError::Malformed(error) => {
                            self.broken(&error.to_string(), waited.expected(), so_far)
                        }
                        _ => self.unexpected(&waited, so_far),
                    });
                }
            };
        }
    }

    /// Sends what the turn says, and the line it asks for; `first` is one asked for before. Says
    /// whether there was one.
    fn send(
        &mut self,
        connection: &mut Connection,
        turn: &Turn,
        first: Option<String>,
    ) -> Result<bool, Failure> {
        let writer = &mut connection.writer;
        writer.send_apart(&turn.send).map_err(|e| self.lost(&e))?;
        for message in &turn.send {
            self.sent.push(message);
            self.audience.said(message)?;
        }
        let Some(prompt) = &turn.ask else {
            return Ok(true);
        };
        let Some(line) = first.map_or_else(|| self.line(prompt), |line| Ok(Some(line)))? else {
            return Ok(false);
        };
        if !turn.send.is_empty() && writer.framing() == Framing::Raw {
            thread::sleep(RAW_PAUSE);
        }
        writer.send(line.as_bytes()).map_err(|e| self.lost(&e))?;
        self.sent.push(&line);
        self.audience.said_what_was_asked(&line)?;
        Ok(true)
    }

    fn over_udp(&mut self, part: &SideScript, mut first: Option<String>) -> Result<(), Failure> {
        let mut asker = Asker::open(self.target)?;
        let mut player = Player::new(part);
        let mut turn = player.connected();
        let mut before: Option<Vec<u8>> = None;
        loop {
            let message = match (&turn.ask, first.take()) {
                (Some(_), Some(line)) => Some(line),
                (Some(prompt), None) => match self.line(prompt)? {
                    Some(line) => Some(line),
                    None => return Ok(()),
                },
                (None, _) => turn.send.first().cloned(),
            };
            match (&turn.ask, &message) {
                (Some(_), Some(line)) => self.audience.said_what_was_asked(line)?,
                (None, Some(message)) => self.audience.said(message)?,
                (_, None) => {}
            }
            if turn.then == Then::Close {
                return message.map_or(Ok(()), |message| asker.send(message.as_bytes()));
            }
            let question = message.unwrap_or_default();
            self.sent.push(&question);
            let expected = vec![player.waited(b"").expected().to_owned()];
            let answer = asker.ask(question.as_bytes(), expected, |answer| {
                // A repeated question may be answered twice; the second time it is no news.
                let is_late = before.as_deref() == Some(answer);
                let is_expected = player.clone().received(answer).is_ok();
                (is_expected || !is_late).then(|| answer.to_vec())
            })?;
            let received = player.received(&answer);
            turn = received.map_err(|u| self.unexpected(&u, &answer))?;
            self.audience.show(&answer)?;
            before = Some(answer);
        }
    }

    /// Asks until there is a line that can be sent.
    fn line(&mut self, prompt: &str) -> Result<Option<String>, Failure> {
        while let Some(line) = self.audience.ask(prompt)? {
            match self.target.framing.encode(line.as_bytes(), &mut Vec::new()) {
                Ok(()) => return Ok(Some(line)),
                Err(error) => {
                    self.audience.refused(&Failure::does_not_fit(&error))?;
                    self.status = Status::Refused;
                }
            }
        }
        Ok(None)
    }

    fn unexpected(&self, unexpected: &Unexpected, came: &[u8]) -> Failure {
        self.broken(&unexpected.to_string(), unexpected.expected(), came)
    }

    fn broken(&self, words: &str, expected: &str, came: &[u8]) -> Failure {
        let expected = vec![expected.to_owned()];
        let evidence = self.sent.evidence(expected, came, Section::Scripts);
        Failure::Protocol(Report::new(self.about(words), evidence))
    }

    fn lost(&self, error: &dyn std::error::Error) -> Failure {
        Failure::Lost(self.about(&error.to_string()).into())
    }

    fn about(&self, words: &str) -> String {
        format!("{}: {words}", self.target.server)
    }
}

/// The next message. In raw framing a read may return only the beginning of one that the script
/// expects; then the rest is waited for. Without it, what came is the message.
fn receive_whole(
    connection: &mut Connection,
    player: &Player<'_>,
    by: Instant,
) -> Result<Option<Vec<u8>>, ReceiveError> {
    let Some(mut message) = connection.reader.receive(Some(by))? else {
        return Ok(None);
    };
    let is_raw = connection.writer.framing() == Framing::Raw;
    while is_raw && player.expects_more_than(&message) {
        match connection.reader.receive(Some(by)) {
            Ok(Some(rest)) => message.extend(rest),
            Ok(None) | Err(_) => break,
        }
    }
    Ok(Some(message))
}
