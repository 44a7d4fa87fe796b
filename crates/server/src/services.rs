//! One file a service, and the one place that knows them all.

pub mod atm;
pub mod calc;
pub mod chat;
pub mod datetime;
pub mod echo;
pub mod proxy;
pub mod script;
pub mod text;

use std::io;
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::sync::Arc;
use std::time::Instant;

use proto::mode::{Mode, Transport};
use wire::connection::Connection;
use wire::datagram::Endpoint;
use wire::fault::Exchange;

use crate::config::{Config, Role};
use crate::connections::{Connections, Place};
use crate::conversation::{Conversation, End, converse};
use crate::datagrams::{refuse, serve_datagrams};
use crate::handout::Printed;
use crate::ledger::accounts::{DEMO, built_in, load};
use crate::threads::Threads;
use crate::turns::Turns;

/// A service and what its conversations share.
pub enum Service {
    /// The bank.
    Atm(atm::Atm),
    /// Lower case, prime, palindrome.
    Text(Turns),
    /// The calculator.
    Calc,
    /// The chat room.
    Chat(chat::Chat),
    /// Echo over TCP and UDP.
    Echo(echo::Echo),
    /// Date and time over UDP.
    Datetime,
    /// The server's part of a scripted exchange.
    Script(Box<script::Scripted>),
    /// Any of these in the words of a hand-out.
    Printed(Box<Printed>),
    /// Any two programs' conversation, relayed.
    Proxy(proxy::Proxy),
}

impl Service {
    /// Makes the service ready to serve.
    ///
    /// # Errors
    /// When something it needs cannot be had: what, and what to do.
    pub fn open(mode: Mode, config: &Config, threads: &Threads) -> anyhow::Result<Service> {
        if let Role::Handout(handout) = config.role {
            let printed = Printed::open(handout, config, threads)?;
            return Ok(Service::Printed(Box::new(printed)));
        }
        Ok(match mode {
            Mode::Atm => Service::Atm(open_bank(config, DEMO)?),
            Mode::Text => Service::Text(Turns::new()),
            Mode::Calc => Service::Calc,
            Mode::Chat => Service::Chat(chat::Chat::new(threads.clone())),
            Mode::Echo => Service::Echo(echo::Echo::new(threads.clone())),
            Mode::Datetime => Service::Datetime,
            Mode::Script => {
                let scripted = script::Scripted::new(config.script.clone())?;
                Service::Script(Box::new(scripted))
            }
        })
    }

    /// The transports it listens on.
    pub fn transports(&self, mode: Mode) -> &'static [Transport] {
        match self {
            Service::Script(scripted) => match scripted.script().transport() {
                Transport::Tcp => &[Transport::Tcp],
                Transport::Udp => &[Transport::Udp],
            },
            Service::Printed(printed) => printed.transports(),
            Service::Proxy(proxy) => proxy.transports(),
            Service::Atm(_)
            | Service::Text(_)
            | Service::Calc
            | Service::Chat(_)
            | Service::Echo(_)
            | Service::Datetime => mode.transports(),
        }
    }

    /// Whether its connections speak our protocol, so that a refusal can be sent on them.
    pub fn is_framed(&self) -> bool {
        !matches!(
            self,
            Service::Echo(_) | Service::Script(_) | Service::Printed(_) | Service::Proxy(_)
        )
    }

    /// Whether its requests have one answer each.
    pub fn exchange(&self) -> Exchange {
        match self {
            Service::Printed(printed) => printed.exchange(),
            _ if self.is_framed() => Exchange::Answered,
            _ => Exchange::Transparent,
        }
    }

    /// Serves one TCP connection to its end.
    pub fn serve(&self, stream: &Arc<TcpStream>, place: &Place, config: &Config) -> End {
        match self {
            Service::Atm(atm) => {
                let session = atm.visited_by(place.watch()).session();
                one_at_a_time(Mode::Atm, session, stream, place, config)
            }
            Service::Text(turns) => {
                let text = text_for(turns, place, config);
                one_at_a_time(Mode::Text, text, stream, place, config)
            }
            Service::Calc => {
                one_at_a_time(Mode::Calc, calc::Calc::default(), stream, place, config)
            }
            Service::Chat(chat) => chat.serve(stream, place, config),
            Service::Echo(echo) => echo.serve(stream, place, config),
            Service::Datetime => End::Broken("the clock is asked over UDP".into()),
            Service::Script(scripted) => scripted.serve(stream, place, config),
            Service::Printed(printed) => printed.serve(stream, place, config),
            Service::Proxy(proxy) => proxy.serve(stream, place, config),
        }
    }

    /// Answers datagrams until the server stops.
    pub fn serve_datagrams(
        &self,
        socket: UdpSocket,
        name: &'static str,
        connections: &Connections,
        config: &Config,
    ) {
        if let Service::Proxy(proxy) = self {
            return proxy.relay_datagrams(socket, connections, config);
        }
        let mut endpoint = Endpoint::new(socket);
        config.inject_datagrams(&mut endpoint, name, self.exchange());
        self.answer_datagrams(endpoint, connections, config);
    }

    /// Answers datagrams of this endpoint until the server stops.
    pub fn answer_datagrams(&self, endpoint: Endpoint, connections: &Connections, config: &Config) {
        let rate = config.datagram_rate;
        match self {
            Service::Echo(_) => {
                let echo = |datagram: &[u8], _: SocketAddr| Some(datagram.to_vec());
                serve_datagrams(endpoint, connections, rate, echo, refuse);
            }
            Service::Datetime => {
                tracing::info!(zone = %config.clock.zone(), "date and time are local");
                let clock = &config.clock;
                let answer = |datagram: &[u8], sender| datetime::answer(datagram, sender, clock);
                // Nothing is refused where nothing would be answered.
                let refuse =
                    |datagram: &[u8]| datetime::request(datagram).and_then(|_| refuse(datagram));
                serve_datagrams(endpoint, connections, rate, answer, refuse);
            }
            Service::Script(scripted) => {
                let answer = |datagram: &[u8], sender| scripted.answer(datagram, sender);
                serve_datagrams(endpoint, connections, rate, answer, refuse);
            }
            Service::Printed(printed) => printed.answer_datagrams(endpoint, connections, config),
            Service::Atm(_)
            | Service::Text(_)
            | Service::Calc
            | Service::Chat(_)
            | Service::Proxy(_) => {}
        }
    }
}

/// Opens the bank of this configuration, with these accounts unless it names a file of others. When
/// they are new, and for this machine alone, the log names their cards and PINs: somebody who tries
/// the bank for the first time knows none.
///
/// # Errors
/// What failed, and what to do.
pub fn open_bank(config: &Config, accounts: &str) -> anyhow::Result<atm::Atm> {
    let accounts = match &config.accounts {
        Some(file) => load(file)?,
        None => built_in(accounts)?,
    };
    let recorder = config.recorder.clone();
    let for_show = match config.accounts {
        None if config.bind.is_loopback() => accounts.clone(),
        _ => Vec::new(),
    };
    let atm = match &config.ledger {
        Some(file) => atm::Atm::open(file, accounts, recorder),
        None => atm::Atm::in_memory(config.semantics, accounts, recorder),
    }?;
    if atm.opened() == for_show.len() {
        for account in for_show {
            let (card, pin) = (account.card.as_str(), account.pin.reveal());
            tracing::info!(card, pin, holder = %account.holder, "a card to try");
        }
    }
    Ok(atm)
}

fn one_at_a_time<C: Conversation>(
    mode: Mode,
    conversation: C,
    stream: &Arc<TcpStream>,
    place: &Place,
    config: &Config,
) -> End {
    match Connection::over(Arc::clone(stream), config.framing, config.limits) {
        Ok(mut connection) => {
            config.inject(&mut connection, place, Exchange::Answered);
            let login_by = Instant::now() + config.login;
            converse(mode, conversation, connection, place, login_by)
        }
        Err(error) => broken(&error),
    }
}

/// The text service as this connection has it.
pub fn text_for(turns: &Turns, place: &Place, config: &Config) -> text::Text {
    text::Text {
        prime_budget: config.prime_budget,
        turns: turns.clone(),
        whose: Some(place.watch()),
    }
}

fn broken(error: &io::Error) -> End {
    End::Broken(error.to_string())
}
