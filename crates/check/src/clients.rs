//! The cases of clients, one file a service, and those that several share.

mod atm;
mod calc;
mod chat;
mod datetime;
mod echo;
mod scripted;
mod stream;
mod text;

use proto::mode::{Mode, Transport};

use crate::case::Case;

/// All cases of a service's client, which asks over this transport.
pub fn client_cases(mode: Mode, transport: Transport) -> Vec<Case> {
    let all: &[&[Case]] = match mode {
        Mode::Text => &[text::CASES, stream::CASES],
        Mode::Calc => &[calc::CASES, stream::CASES],
        Mode::Chat => &[chat::CASES],
        Mode::Atm => &[atm::CASES],
        Mode::Datetime => &[datetime::CASES],
        Mode::Echo if transport == Transport::Udp => &[echo::OVER_UDP],
        Mode::Echo => &[echo::OVER_TCP],
        Mode::Script => &[],
    };
    all.iter().copied().flatten().copied().collect()
}
