//! The cases, one file a service, and those that all services share.

mod calc;
mod stream;
mod text;

use proto::mode::Mode;

use crate::case::Case;

pub use crate::clients::client_cases;

/// All cases of a service's server.
pub fn server_cases(mode: Mode) -> Vec<Case> {
    let (shared, own): (&[&[Case]], &[Case]) = match mode {
        Mode::Text => (stream::ALL, text::CASES),
        Mode::Calc => (stream::ALL, calc::CASES),
        Mode::Atm | Mode::Chat => (stream::ALL, &[]),
        Mode::Echo | Mode::Datetime | Mode::Script => (&[], &[]),
    };
    let shared = shared.iter().copied().flatten();
    shared.chain(own).copied().collect()
}
