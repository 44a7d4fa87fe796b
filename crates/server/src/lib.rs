//! Placeholder

pub mod ledger;
pub mod pin;
