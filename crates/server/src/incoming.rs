//! What the listener hands to a service: a connection or a socket that is recorded, and under the
//! faults of the configuration, whichever way the service uses it.

use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use proto::frame::Framing;
use proto::mode::Transport;
use proto::side::Side;
use record::{FramingName, Mask, Tap};
use socket2::SockRef;
use wire::connection::Connection;
use wire::datagram::Endpoint;
use wire::fault::datagrams::Datagrams;
use wire::fault::{self, Exchange, FaultSchedule, Faults};
use wire::limits::Limits;

use crate::config::Config;
use crate::connections::{ConnectionPermit, Connections};
use crate::datagrams::serve_datagrams;

/// A TCP connection that was accepted. There are three ways to its bytes: as
/// [messages](IncomingConnection::messages), as [bytes](IncomingConnection::bytes), and as the
/// client's end of a [relay](IncomingConnection::relayed).
pub struct IncomingConnection<'a> {
    stream: Arc<TcpStream>,
    peer: SocketAddr,
    config: &'a Config,
    /// Its permit to be open.
    pub permit: &'a ConnectionPermit,
    /// When the peer must have logged in, if the service has a log-in.
    pub login_by: Instant,
    /// Its deadlines, unless changed those of the configuration.
    pub limits: Limits,
    /// Finds the secrets in its messages, which are not recorded.
    pub mask: Mask,
}

/// A connection as bytes.
pub struct IncomingBytes {
    /// The socket.
    pub stream: Arc<TcpStream>,
    /// The recording of it, if there is one.
    pub tap: Option<Tap>,
    /// The faults of the requests and of the replies, if any are to be injected.
    pub faults: Option<(FaultSchedule, FaultSchedule)>,
}

impl<'a> IncomingConnection<'a> {
    /// What the listener accepted.
    pub fn new(
        stream: Arc<TcpStream>,
        peer: SocketAddr,
        permit: &'a ConnectionPermit,
        config: &'a Config,
    ) -> Self {
        IncomingConnection {
            stream,
            peer,
            permit,
            config,
            login_by: Instant::now() + config.login,
            limits: config.limits,
            mask: proto::atm::secrets,
        }
    }

    /// The options of its socket.
    pub fn options(&self) -> SockRef<'_> {
        SockRef::from(&*self.stream)
    }

    /// The connection as messages in this framing. What
    /// [`greet`](wire::connection::Writer::greet) sends is under no fault.
    pub fn messages(&self, framing: Framing, exchange: Exchange) -> io::Result<Connection> {
        let stream = Arc::clone(&self.stream);
        let mut connection = Connection::over(stream, self.peer, framing, self.limits);
        if let Some(recorder) = &self.config.recorder {
            let (service, number) = (self.permit.service(), self.permit.id());
            if let Err(error) = connection.record(recorder, service, number, Some(self.mask)) {
                tracing::debug!(%error, "not recorded");
            }
        }
        if let Some(faults) = faults(self.config, Transport::Tcp, self.permit.id(), exchange) {
            connection.inject(faults);
        }
        Ok(connection)
    }

    /// The connection as bytes, of which what one read returns is a message to the faults.
    pub fn bytes(&self) -> io::Result<IncomingBytes> {
        let number = self.permit.id();
        let faults = faults(self.config, Transport::Tcp, number, Exchange::Transparent);
        Ok(IncomingBytes {
            stream: Arc::clone(&self.stream),
            tap: self.tap(Side::Server, FramingName::Stream, &self.stream)?,
            faults: faults.map(|faults| (faults.requests, faults.replies)),
        })
    }

    /// The connection as the client's end of a relay of messages in this framing.
    pub fn relayed(&self, framing: Framing) -> io::Result<IncomingBytes> {
        let plan = self.config.faults.as_ref();
        Ok(IncomingBytes {
            stream: Arc::clone(&self.stream),
            tap: self.tap(Side::Server, framing.into(), &self.stream)?,
            faults: plan.map(|plan| plan.relay(Transport::Tcp, self.permit.id())),
        })
    }

    /// The recording of a stream of this connection, where this process is this side, if there is a
    /// recorder.
    pub fn tap(
        &self,
        side: Side,
        framing: FramingName,
        stream: &TcpStream,
    ) -> io::Result<Option<Tap>> {
        let Some(recorder) = &self.config.recorder else {
            return Ok(None);
        };
        let (recorder, permit) = (recorder.on_side(side), self.permit);
        let (service, secrets) = (permit.service(), Some(proto::atm::secrets as Mask));
        Tap::on_stream(&recorder, service, framing, permit.id(), stream, secrets).map(Some)
    }
}

/// A UDP socket that is bound. Its datagrams are [answered](IncomingDatagrams::answer), or relayed.
pub struct IncomingDatagrams<'a> {
    /// The socket. Receiving from it ends when the server stops.
    pub socket: Arc<UdpSocket>,
    /// The service's name.
    pub service: &'static str,
    /// Whether the server is stopping.
    pub connections: &'a Connections,
    /// The configuration of the server.
    pub config: &'a Config,
}

impl IncomingDatagrams<'_> {
    /// Answers datagrams until the server stops. `answer` gives nothing where nothing is to be
    /// said; nor does `refuse`, which answers a datagram that an injected fault refuses.
    pub fn answer(
        self,
        exchange: Exchange,
        answer: impl FnMut(&[u8], SocketAddr) -> Option<Vec<u8>>,
        refuse: impl Fn(&[u8]) -> Option<Vec<u8>>,
    ) {
        let mut endpoint = Endpoint::over(self.socket);
        if let Some(recorder) = &self.config.recorder {
            let secrets = Some(proto::atm::secrets as Mask);
            if let Err(error) = endpoint.record(recorder, self.service, 0, secrets) {
                tracing::debug!(%error, "not recorded");
            }
        }
        if let Some(faults) = faults(self.config, Transport::Udp, 0, exchange) {
            endpoint.inject(faults);
        }
        let rate = self.config.datagram_rate;
        serve_datagrams(endpoint, self.connections, rate, answer, refuse);
    }

    /// What happens to the requests, and to the replies, of a relay.
    pub fn relay_faults(&self) -> Option<(Datagrams, Datagrams)> {
        let plan = self.config.faults.as_ref()?;
        let (requests, replies) = plan.relay(Transport::Udp, 0);
        let requests = Datagrams::sending(Side::Client, requests);
        Some((requests, Datagrams::sending(Side::Server, replies)))
    }
}

/// The faults of a connection or socket, if any are to be injected. A connection's number is that
/// of its permit; a UDP socket's is 0.
fn faults(
    config: &Config,
    transport: Transport,
    number: u64,
    exchange: Exchange,
) -> Option<Faults> {
    let channel = fault::FaultScope {
        side: Side::Server,
        transport,
        number,
        exchange,
    };
    Some(config.faults.as_ref()?.faults(channel))
}
