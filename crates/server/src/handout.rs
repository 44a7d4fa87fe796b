//! The services in the words of the labs' printed programs, whose clients can talk to them.
//!
//! A [`Printed`] is a service behind the wording of a hand-out. What is said is decided by
//! [`proto::handout`], which does nothing itself; `conversation` does it, and asks the service. No
//! service knows that a hand-out exists. Scripts and echo are on the wire as they are printed
//! already, so they are used as they are.
//!
//! The printed programs take what one read returned for a message. So does this, with all that can
//! go wrong: a client whose messages arrive glued is misunderstood, and then waits until the limits
//! of the connection end it.

mod bank;
mod conversation;

use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

use proto::frame::Framing;
use proto::handout::atm_card::AtmCard;
use proto::handout::atm_login::AtmLogin;
use proto::handout::calculator::Calculator;
use proto::handout::text_menu::TextMenu;
use proto::handout::text_session::TextSession;
use proto::handout::wording::Wording;
use proto::handout::{Handout, Part, chat, datetime};
use proto::mode::Transport;
use proto::printable::quoted;
use proto::refusal::Refusal;
use uuid::Uuid;
use wire::connection::Connection;
use wire::datagram::Endpoint;
use wire::fault::Exchange;

use crate::clock::Clock;
use crate::config::{Config, Role};
use crate::connections::{Connections, Place};
use crate::conversation::{Conversation, End};
use crate::datagrams::serve_datagrams;
use crate::services::atm::Atm;
use crate::services::calc::Calc;
use crate::services::chat::dialect::Dialect;
use crate::services::datetime::now;
use crate::services::script::load;
use crate::services::{Service, open_bank, text_for};
use crate::threads::Threads;

/// The bank of report 000, which prints no list of its users.
const CUSTOMERS: &str = include_str!("handout/customers.toml");

/// The words of the printed chat room, which has none for an answer.
const CHAT: Dialect = Dialect {
    framing: Framing::Raw,
    greeting: None,
    read: chat::request,
    word: chat::told,
    tries_again: false,
};

/// A service behind the wording of a hand-out.
pub struct Printed {
    handout: Handout,
    service: Service,
}

impl Printed {
    /// Makes the service ready to serve.
    ///
    /// # Errors
    /// When something it needs cannot be had: what, and what to do.
    pub fn open(handout: Handout, config: &Config, threads: &Threads) -> anyhow::Result<Printed> {
        let service = match (handout, handout.part()) {
            (Handout::AtmLogin, _) => Service::Atm(open_bank(config, CUSTOMERS)?),
            (_, part) => {
                let script = match part {
                    Part::Script(name) => Some(load(name)?),
                    Part::Service(_) => None,
                };
                let config = Config {
                    role: Role::Services(vec![handout.mode()]),
                    script,
                    ..config.clone()
                };
                Service::open(handout.mode(), &config, threads)?
            }
        };
        Ok(Printed { handout, service })
    }

    /// The one transport of the hand-out.
    pub fn transports(&self) -> &'static [Transport] {
        match self.handout.transport() {
            Transport::Tcp => &[Transport::Tcp],
            Transport::Udp => &[Transport::Udp],
        }
    }

    /// Whether its requests have one answer each.
    pub fn exchange(&self) -> Exchange {
        exchange_of(self.handout)
    }

    /// Serves one TCP connection to its end.
    pub fn serve(&self, stream: &Arc<TcpStream>, place: &Place, config: &Config) -> End {
        let visit = Visit {
            stream,
            place,
            config,
            exchange: self.exchange(),
        };
        match &self.service {
            Service::Atm(atm) => visit.of_bank(self.handout, atm),
            Service::Text(turns) => {
                let mut text = text_for(turns, place, config);
                let ask = |request| text.answer(request);
                match self.handout {
                    Handout::TextMenu => visit.converse(TextMenu, ask),
                    _ => visit.converse(TextSession, ask),
                }
            }
            Service::Calc => {
                let mut calc = Calc::default();
                visit.converse(Calculator::default(), |request| calc.answer(request))
            }
            Service::Chat(chat) => chat.serve_in(CHAT, stream, place, config),
            other => other.serve(stream, place, config),
        }
    }

    /// Answers datagrams until the server stops.
    pub fn answer_datagrams(&self, endpoint: Endpoint, connections: &Connections, config: &Config) {
        match &self.service {
            Service::Datetime => {
                tracing::info!(zone = %config.clock.zone(), "date and time are local");
                let rate = config.datagram_rate;
                let answer = |datagram: &[u8], sender| answer(datagram, sender, &config.clock);
                serve_datagrams(endpoint, connections, rate, answer, refuse);
            }
            other => other.answer_datagrams(endpoint, connections, config),
        }
    }
}

/// Whether the requests of this hand-out have one answer each.
pub fn exchange_of(handout: Handout) -> Exchange {
    match handout {
        Handout::TextSession | Handout::TextMenu | Handout::AtmCard | Handout::Datetime => {
            Exchange::Answered
        }
        _ => Exchange::Transparent,
    }
}

/// The answer to one datagram, or nothing where silence is the answer.
fn answer(datagram: &[u8], sender: SocketAddr, clock: &Clock) -> Option<Vec<u8>> {
    let request = datetime::request(datagram)?.inspect_err(|_| {
        let _from = tracing::info_span!("datagram", %sender).entered();
        let shown = quoted(&String::from_utf8_lossy(datagram));
        conversation::not_understood(&shown, datetime::UNDERSTANDS);
    });
    let answer = match request {
        Ok(request) => Ok(now(request, clock)?),
        Err(invalid) => Err(invalid),
    };
    Some(datetime::answer(answer).into_bytes())
}

/// The answer to a datagram that is refused because faults are injected.
fn refuse(datagram: &[u8]) -> Option<Vec<u8>> {
    datetime::request(datagram).map(|_| datetime::INVALID.into())
}

/// One connection.
struct Visit<'a> {
    stream: &'a Arc<TcpStream>,
    place: &'a Place,
    config: &'a Config,
    exchange: Exchange,
}

impl Visit<'_> {
    fn of_bank(&self, handout: Handout, atm: &Atm) -> End {
        let mut session = atm.visited_by(self.place.watch()).session();
        let ask = |request| bank::ask(&mut session, request);
        match handout {
            Handout::AtmCard => self.converse(AtmCard::new(Uuid::new_v4), ask),
            _ => self.converse(AtmLogin::new(Uuid::new_v4), ask),
        }
    }

    fn converse<W: Wording>(
        &self,
        mut wording: W,
        ask: impl FnMut(W::Request) -> Result<W::Answer, Refusal>,
    ) -> End {
        let limits = self.config.limits;
        match Connection::over(Arc::clone(self.stream), Framing::Raw, limits) {
            Ok(mut connection) => {
                self.config
                    .inject(&mut connection, self.place, self.exchange);
                let end = conversation::hold(&mut wording, ask, &mut connection, self.place);
                if let Some(undone) = wording.undone() {
                    tracing::warn!("the client left: {undone}");
                }
                connection.close();
                end
            }
            Err(error) => End::Broken(error.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer_at(datagram: &[u8]) -> Option<String> {
        let moment = "2026-01-02T03:04:05.999[Asia/Dhaka]".parse().unwrap();
        let sender = "127.0.0.1:40000".parse().unwrap();
        let answer = answer(datagram, sender, &Clock::Fixed(Box::new(moment)));
        answer.map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn date_and_time_are_bare_and_q_is_not_answered() {
        assert_eq!(answer_at(b"SEND_DATE").unwrap(), "2026-01-02");
        assert_eq!(answer_at(b"SEND_TIME").unwrap(), "03:04:05");
        assert_eq!(answer_at(b"x").unwrap(), "Invalid request");
        assert_eq!(answer_at(b"q"), None);
        assert_eq!(answer_at(b""), None);
        assert_eq!(refuse(b"SEND_DATE").unwrap(), b"Invalid request");
        assert_eq!(refuse(b"q"), None);
    }

    #[test]
    fn every_hand_out_opens_the_service_that_carries_it() {
        for handout in Handout::ALL {
            let printed = Printed::open(handout, &Config::default(), &Threads::default()).unwrap();
            assert_eq!(printed.transports(), [handout.transport()], "{handout:?}");
        }
    }
}
