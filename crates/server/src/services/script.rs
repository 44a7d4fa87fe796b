//! A scripted exchange: the server's part of it, for each peer anew.
//!
//! Nothing is on the wire that is not in the script: no `READY`, no refusals. A peer that says what
//! no rule takes is told nothing; over TCP its connection is closed, so that it does not wait for
//! an answer that never comes.

use std::fs::File;
use std::io::Read;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use anyhow::{Context, bail};
use proto::script::{self, MAX_SIZE, Part, Player, Script, Shipped, Then};
use wire::connection::{Connection, ReceiveError};
use wire::fault::Exchange;

use crate::config::Config;
use crate::connections::Place;
use crate::conversation::End;

/// Finds a script by its name, or reads it from a file.
///
/// # Errors
/// When it is neither, or cannot be played: why.
pub fn load(name_or_file: &str) -> anyhow::Result<Script> {
    if let Some(shipped) = Shipped::find(name_or_file) {
        return Ok(shipped.source.parse()?);
    }
    let file = File::open(name_or_file).with_context(|| {
        format!("no script {name_or_file:?}: --script list shows those that come with labserver")
    })?;
    let mut source = String::new();
    // One byte more than may be, so that a script too long is noticed and not cut.
    file.take(MAX_SIZE as u64 + 1)
        .read_to_string(&mut source)
        .with_context(|| format!("cannot read {name_or_file}"))?;
    source.parse().with_context(|| name_or_file.to_owned())
}

/// The script and its server's part.
#[derive(Debug)]
pub struct Scripted {
    script: Script,
}

impl Scripted {
    /// The given script, or the default one.
    ///
    /// # Errors
    /// When it has no part for a server.
    pub fn new(script: Option<Script>) -> anyhow::Result<Scripted> {
        let script = match script {
            Some(script) => script,
            None => load(script::DEFAULT)?,
        };
        if script.server().is_none() {
            bail!(
                "the script {:?} has no [server] part: play it with `labclient script`",
                script.title()
            );
        }
        Ok(Scripted { script })
    }

    /// The script.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Plays the server's part over one connection.
    pub fn serve(&self, stream: &Arc<TcpStream>, place: &Place, config: &Config) -> End {
        let Some(part) = self.script.server() else {
            return End::Done;
        };
        let framing = self.script.framing();
        match Connection::over(Arc::clone(stream), framing, config.limits) {
            Ok(mut connection) => {
                config.inject(&mut connection, place, Exchange::Transparent);
                let end = play(part, &mut connection, place);
                connection.close();
                end
            }
            Err(error) => End::Broken(error.to_string()),
        }
    }

    /// The answer to one datagram, or nothing.
    pub fn answer(&self, datagram: &[u8], sender: SocketAddr) -> Option<Vec<u8>> {
        match Player::new(self.script.server()?).received(datagram) {
            Ok(turn) => {
                tracing::debug!(%sender, "as scripted");
                turn.send.first().map(|text| text.clone().into_bytes())
            }
            Err(unexpected) => {
                tracing::warn!(%sender, "{unexpected}");
                None
            }
        }
    }
}

fn play(part: &Part, connection: &mut Connection, place: &Place) -> End {
    if let Some(length) = part.message_length() {
        connection.reader.set_message_length(length);
    }
    if let Some(most) = part.read_size() {
        connection.reader.set_read_size(most);
    }
    let mut player = Player::new(part);
    let mut turn = player.connected();
    loop {
        if let Err(error) = connection.writer.send_apart(&turn.send) {
            return End::Broken(error.to_string());
        }
        if turn.then == Then::Close {
            return End::Done;
        }
        turn = match connection.reader.receive(None) {
            Ok(Some(message)) => {
                place.has_spoken();
                match player.received(&message) {
                    Ok(turn) => turn,
                    Err(unexpected) => return End::Unserved(unexpected.to_string()),
                }
            }
            Ok(None) if place.is_stopping() => return End::Stopping,
            // A reset ends the connection as well as a close does.
            Ok(None) | Err(ReceiveError::Io(_)) if player.awaits_close() => return End::Done,
            Ok(None) => return End::Closed,
            Err(error) => return End::Broken(error.to_string()),
        };
    }
}
