//! The bank's ledger: all that the bank must remember.
//!
//! A [`Store`] keeps rows; `memory` and [`sqlite`] are two. It is written by one thread, behind the
//! `Bank` handle of `writer`. [`audit`] proves afterwards that no money came or went; [`accounts`]
//! says which accounts there are to begin with; [`command`] is what an operator sees of it.

pub mod accounts;
pub mod audit;
pub mod command;
pub(crate) mod memory;
pub mod sqlite;
pub(crate) mod store;
pub(crate) mod writer;

pub use store::Store;

#[cfg(test)]
mod tests;
