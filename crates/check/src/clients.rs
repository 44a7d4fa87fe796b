//! The cases of clients, one file a service, and those that several share.

mod atm;
mod calc;
mod chat;
mod datetime;
mod echo;
mod handout;
mod question;
mod said;
mod script;
mod scripted;
mod stream;
mod text;

use proto::mode::{Mode, Transport};

use crate::case::Case;
use crate::dialect::Dialect;

/// All cases of a client that speaks this, and asks over this transport.
pub fn client_cases(dialect: &Dialect, transport: Transport) -> Vec<Case> {
    let all: &[&[Case]] = match dialect {
        Dialect::Service(Mode::Text) => &[text::CASES, stream::CASES],
        Dialect::Service(Mode::Calc) => &[calc::CASES, stream::CASES],
        Dialect::Service(Mode::Chat) => &[chat::CASES],
        Dialect::Service(Mode::Atm) => &[atm::CASES],
        Dialect::Service(Mode::Datetime) => &[datetime::CASES],
        Dialect::Service(Mode::Echo) if transport == Transport::Udp => &[echo::OVER_UDP],
        Dialect::Service(Mode::Echo) => &[echo::OVER_TCP],
        Dialect::Service(Mode::Script) | Dialect::Script(..) | Dialect::Handout(_) => &[],
    };
    let mut cases = all.concat();
    if let Dialect::Handout(handout) = dialect {
        cases.extend(handout::cases(*handout));
    }
    if let Some(script) = dialect.script() {
        cases.extend(script::cases(&script));
    }
    cases
}

/// The case by which a client and a server that is not ours are judged together: the ordinary
/// conversation, which is judged by what is said and shown alone.
pub fn pair_case(dialect: &Dialect, transport: Transport) -> Option<Case> {
    match dialect {
        Dialect::Service(Mode::Atm) => Some(atm::PAIR),
        _ => client_cases(dialect, transport).first().copied(),
    }
}
