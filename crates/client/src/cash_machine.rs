//! A cash machine without its customer.
//!
//! * `driver`: does what `proto::atm::machine` says;
//! * [`storage`]: its `journal` and its [`drawer`], on `disk`;
//! * [`bank_client`]: its conversation with the bank, and how that goes, for a customer.

pub mod bank_client;
mod disk;
pub mod drawer;
pub(crate) mod driver;
mod journal;
pub mod storage;
