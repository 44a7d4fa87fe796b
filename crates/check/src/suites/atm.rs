//! The bank: a transaction happens exactly once, whatever is lost, and the money adds up.
//!
//! Each case looks at the balance before, and leaves it as it was.

mod crash;
mod login;
mod machine;
mod money;
mod race;
mod repeats;
mod requests;
mod settle;
mod transaction;

use crate::case::Case;

/// The cases of the bank, by topic.
pub const ALL: &[&[Case]] = &[
    requests::CASES,
    login::CASES,
    money::CASES,
    repeats::CASES,
    settle::CASES,
    race::CASES,
    crash::CASES,
];
