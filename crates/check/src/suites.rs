//! The cases, one file a service, and those that all services share.

mod atm;
mod calc;
mod chat;
mod datetime;
mod echo;
mod stream;
mod text;

use proto::mode::Mode;

use crate::case::Case;
use crate::dialect::Dialect;

/// All cases of a server that speaks this.
pub fn server_cases(dialect: &Dialect) -> Vec<Case> {
    let topics: [&[&[Case]]; 2] = match dialect {
        Dialect::Service(Mode::Text) => [stream::ALL, &[text::CASES]],
        Dialect::Service(Mode::Calc) => [stream::ALL, &[calc::CASES]],
        Dialect::Service(Mode::Chat) => [stream::ALL, chat::ALL],
        Dialect::Service(Mode::Atm) => [stream::ALL, atm::ALL],
        Dialect::Service(Mode::Echo) => [&[], &[echo::CASES]],
        Dialect::Service(Mode::Datetime) => [&[], &[datetime::CASES]],
        Dialect::Service(Mode::Script) | Dialect::Script(..) | Dialect::Handout(_) => [&[], &[]],
    };
    topics.concat().concat()
}
