//! Judges the server or the client of a lab, in any language, case by case.
//!
//! A [case](case::Case) is one rule of `docs/protocol.md` and a function that holds a conversation with the judged
//! program to see whether the rule holds. [`suites`] has them all, one file a service; [`run`] judges them side by
//! side, and keeps a program for the next case as long as cases hold on it. A [client] is judged by what our server records of it, and by what it
//! prints.
#![forbid(unsafe_code)]

pub mod case;
pub mod client;
mod clients;
pub mod command;
pub mod datagrams;
pub mod dialect;
pub mod directory;
mod exchange;
mod interruption;
mod patience;
pub mod peer;
mod port;
mod process;
pub mod program;
pub mod progress;
mod prose;
pub mod report;
pub mod run;
pub mod server;
pub mod suites;
pub mod verdict;
