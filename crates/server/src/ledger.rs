//! The bank's ledger: all that the bank must remember.
//!
//! A [`Store`] keeps rows; `memory`, [`sqlite`] and [`postgres`] are three, and a [`Place`] says
//! which. It is behind the handle of `bank`, which
//! lets `writer` carry out many operations in one transaction. [`audit`] proves afterwards that no
//! money came or went; [`accounts`] says which accounts there are to begin with, and `opening`
//! how many of them are open yet; [`command`] is what an operator sees of it.

pub mod accounts;
pub mod audit;
pub(crate) mod bank;
pub mod command;
pub mod copy;
pub(crate) mod memory;
pub(crate) mod opening;
pub mod place;
pub mod postgres;
mod rows;
pub mod sqlite;
pub(crate) mod store;
pub(crate) mod writer;

pub use place::Place;
pub use store::Store;

#[cfg(test)]
mod tests;
