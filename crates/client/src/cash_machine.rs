//! A cash machine without its customer.
//!
//! * [`driver`]: does what `proto::atm::machine` says;
//! * [`storage`]: its [`journal`] and its [`drawer`], on [`disk`];
//! * [`bank_client`]: its conversation with the bank, and the [`progress`] of that for a person.

pub mod bank_client;
pub mod disk;
pub mod drawer;
pub mod driver;
pub mod journal;
pub mod progress;
pub mod storage;
