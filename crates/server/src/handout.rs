//! The services in the words of the labs' printed programs, whose clients can talk to them.
//!
//! A hand-out is a service like any other, behind a wording: what is said is decided by
//! [`proto::handout`], which does nothing itself; `conversation` does it, and asks the service. No
//! service knows that a hand-out exists. Scripts and echo are on the wire as they are printed
//! already, so they are used as they are.
//!
//! Nearly all printed programs take what one read returned for a message. So does this, with all
//! that can go wrong: a client whose messages arrive concatenated is misunderstood, and then waits
//! until the limits of the connection end it.

mod conversation;

use std::net::SocketAddr;

use proto::frame::Framing;
use proto::handout::atm_card::AtmCard;
use proto::handout::atm_login::AtmLogin;
use proto::handout::calculator::Calculator;
use proto::handout::text_menu::TextMenu;
use proto::handout::text_session::TextSession;
use proto::handout::textbook_atm::TextbookAtm;
use proto::handout::wording::Wording;
use proto::handout::{Handout, bank, chat, datetime};
use proto::printable::quoted;
use proto::refusal::Refusal;
use uuid::Uuid;
use wire::fault::Exchange;

use self::conversation::WordedConversations;
use crate::clock::Clock;
use crate::config::Config;
use crate::conversation::Conversation;
use crate::ledger::accounts::DEMO;
use crate::service::{Service, TcpService};
use crate::services::atm::{self, Atm, AtmSession};
use crate::services::calc::Calc;
use crate::services::chat::Chat;
use crate::services::chat::dialect::Dialect;
use crate::services::datetime::{self as clock, Datetime, now};
use crate::services::echo::Echo;
use crate::services::script;
use crate::services::text::Text;
use crate::threads::Threads;

/// The bank of report 000, which prints no list of its users.
const CUSTOMERS: &str = include_str!("handout/customers.toml");

/// The words of the printed chat room, which has none for an answer.
const CHAT: Dialect = Dialect {
    framing: Framing::Raw,
    greeting: None,
    read: chat::request,
    word: chat::render,
    echoes: false,
    tries_again: false,
};

/// The words of the printed clock.
const CLOCK: clock::Wording = clock::Wording { answer, refuse };

/// Makes the service of a hand-out ready to listen.
pub fn open(handout: Handout, config: &Config, threads: &Threads) -> anyhow::Result<Service> {
    let service = Service::new(handout.mode().name(), handout.port());
    Ok(match handout {
        Handout::TextSession => {
            service.over_tcp(text(handout, Text::new(config.prime_budget), || {
                TextSession
            }))
        }
        Handout::TextMenu => {
            service.over_tcp(text(handout, Text::new(config.prime_budget), || TextMenu))
        }
        Handout::AtmLogin => {
            let atm = atm::open(config, CUSTOMERS)?;
            service.over_tcp(bank(handout, atm, || AtmLogin::new(Uuid::new_v4)))
        }
        Handout::AtmCard => {
            let atm = atm::open(config, DEMO)?;
            service.over_tcp(bank(handout, atm, || AtmCard::new(Uuid::new_v4)))
        }
        Handout::TextbookAtm => {
            let atm = atm::open(config, DEMO)?;
            service.over_tcp(bank(handout, atm, || TextbookAtm::new(Uuid::new_v4)))
        }
        Handout::Calculator => {
            let begin = |_| {
                let mut calc = Calc::default();
                (Calculator::default(), move |request| calc.answer(request))
            };
            service.over_tcp(WordedConversations { handout, begin })
        }
        Handout::Chat => service.over_tcp(Chat::new(CHAT, config.chat_rate, 0, threads.clone())),
        Handout::Echo => service.over_tcp(Echo::new(threads.clone())),
        Handout::Datetime => {
            let clock = config.clock.clone();
            service.over_udp(Datetime::worded(clock, CLOCK))
        }
        Handout::Joke
        | Handout::KnockKnock
        | Handout::Greeting
        | Handout::Sixteen
        | Handout::LengthPrefix
        | Handout::Accepted
        | Handout::Udp => script::open(service, script::load(handout.name())?)?,
    })
}

fn text<W: Wording<Request = proto::text::Request, Answer = proto::text::Answer>>(
    handout: Handout,
    text: Text,
    wording: fn() -> W,
) -> impl TcpService {
    let begin = move |watch| {
        let mut text = text.for_connection(watch);
        (wording(), move |request| text.answer(request))
    };
    WordedConversations { handout, begin }
}

fn bank<W: Wording<Request = bank::Request, Answer = bank::Answer>>(
    handout: Handout,
    atm: Atm,
    wording: fn() -> W,
) -> impl TcpService {
    let begin = move |watch| {
        let mut session = atm.for_connection(watch).session();
        (wording(), move |request| ask(&mut session, request))
    };
    WordedConversations { handout, begin }
}

/// Asks the bank what a printed bank is asked.
fn ask(session: &mut AtmSession, request: bank::Request) -> Result<bank::Answer, Refusal> {
    use bank::{Answer, Request};
    match request {
        Request::Verify(card, password) => session.verify(&card, &password).map(Answer::Welcome),
        Request::LogIn(customer, password) => session
            .log_in_by_name(&customer.0, &password)
            .map(Answer::Welcome),
        Request::LogInConcatenated(text) => session.log_in_concatenated(&text).map(Answer::Welcome),
        Request::Session(request) => session.act(request).map(Answer::Atm),
        Request::Card(card, request) => {
            session.log_in_without_pin(card);
            session.act(request).map(Answer::Atm)
        }
    }
}

/// Whether the requests of this hand-out have one answer each.
pub fn exchange_of(handout: Handout) -> Exchange {
    match handout {
        Handout::TextSession
        | Handout::TextMenu
        | Handout::AtmCard
        | Handout::Datetime
        | Handout::TextbookAtm => Exchange::Answered,
        Handout::AtmLogin
        | Handout::Calculator
        | Handout::Chat
        | Handout::Echo
        | Handout::Joke
        | Handout::KnockKnock
        | Handout::Greeting
        | Handout::Sixteen
        | Handout::LengthPrefix
        | Handout::Accepted
        | Handout::Udp => Exchange::Transparent,
    }
}

/// The answer to one datagram, or nothing where silence is the answer.
fn answer(datagram: &[u8], sender: SocketAddr, clock: &Clock) -> Option<Vec<u8>> {
    let request = datetime::request(datagram)?.inspect_err(|_| {
        let _from = tracing::info_span!("datagram", %sender).entered();
        let for_log = quoted(&String::from_utf8_lossy(datagram));
        conversation::not_understood(&for_log, datetime::EXPECTED);
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

#[cfg(test)]
mod tests {
    use super::*;
    use proto::mode::Transport;

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
            let service = open(handout, &Config::default(), &Threads::default()).unwrap();
            let has = (service.tcp.is_some(), service.udp.is_some());
            let is_tcp = handout.transport() == Transport::Tcp;
            assert_eq!(has, (is_tcp, !is_tcp), "{handout:?}");
        }
    }
}
