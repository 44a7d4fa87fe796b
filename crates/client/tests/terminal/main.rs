//! `labclient` with a person in front of it: a real terminal, keys, and what is seen.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
// Pseudo-terminals are Unix's.
#![cfg(unix)]

mod cash_machine;
mod editing;
mod endings;
mod menus;
mod other_terminals;
mod person;
#[path = "../cli/services.rs"]
mod services;
