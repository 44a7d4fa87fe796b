//! A scripted exchange: the server's part of it, for each peer anew.
//!
//! Nothing is on the wire that is not in the script: no `READY`, no refusals. Nothing is sent to a
//! peer whose message no rule takes; over TCP its connection is closed, so that it does not wait
//! for an answer that never comes.

use std::fs::File;
use std::io::{self, Read};
use std::net::SocketAddr;

use anyhow::{Context, bail};
use proto::mode::Transport;
use proto::script::{MAX_SIZE, Player, Script, Shipped, SideScript, Then};
use wire::connection::{Connection, ReceiveError};
use wire::fault::Exchange;

use crate::connections::ConnectionPermit;
use crate::datagrams::refuse;
use crate::incoming::{IncomingConnection, IncomingDatagrams};
use crate::service::{End, Service, TcpService, UdpService};

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

/// Has the service play the server's part of the script, over the script's transport.
pub fn open(service: Service, script: Script) -> anyhow::Result<Service> {
    if script.server().is_none() {
        bail!(
            "the script {:?} has no [server] part: play it with `labclient script`",
            script.title()
        );
    }
    Ok(match script.transport() {
        Transport::Tcp => service.over_tcp(Scripted(script)),
        Transport::Udp => service.over_udp(Scripted(script)),
    })
}

/// The server's part of a script.
struct Scripted(Script);

impl TcpService for Scripted {
    fn serve(&self, incoming: IncomingConnection<'_>) -> io::Result<End> {
        let Some(part) = self.0.server() else {
            return Ok(End::Done);
        };
        let permit = incoming.permit;
        let mut connection = incoming.messages(self.0.framing(), Exchange::Transparent)?;
        let end = play(part, &mut connection, permit);
        connection.close();
        Ok(end)
    }
}

impl UdpService for Scripted {
    fn serve(&self, incoming: IncomingDatagrams<'_>) {
        let answer = |datagram: &[u8], sender| self.answer(datagram, sender);
        incoming.answer(Exchange::Transparent, answer, refuse);
    }
}

impl Scripted {
    /// The answer to one datagram, or nothing.
    fn answer(&self, datagram: &[u8], sender: SocketAddr) -> Option<Vec<u8>> {
        match Player::new(self.0.server()?).received(datagram) {
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

fn play(part: &SideScript, connection: &mut Connection, permit: &ConnectionPermit) -> End {
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
                permit.has_spoken();
                permit.makes_sense();
                match player.received(&message) {
                    Ok(turn) => turn,
                    Err(unexpected) => return End::Unserved(unexpected.to_string()),
                }
            }
            Ok(None) if permit.is_stopping() => return End::Stopping,
            // A reset ends the connection as well as a close does.
            Ok(None) | Err(ReceiveError::Io(_)) if player.awaits_close() => return End::Done,
            Ok(None) => return End::Closed,
            Err(error) => return End::Broken(error.to_string()),
        };
    }
}
