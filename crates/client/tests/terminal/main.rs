//! `labclient` with a person in front of it: a real terminal, keys, and what is seen.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
// Pseudo-terminals are Unix's.
#![cfg(unix)]

mod cash_machine;
mod editing;
mod endings;
mod handouts;
#[path = "../cli/labclient.rs"]
#[allow(dead_code, reason = "shared with the tests without a terminal")]
mod labclient;
mod menus;
mod other_terminals;
mod person;
#[path = "../handout/printed.rs"]
#[allow(dead_code, reason = "shared with the tests without a terminal")]
mod printed;
#[path = "../cli/services.rs"]
mod services;
#[path = "../cli/strangers.rs"]
#[allow(dead_code, reason = "shared with the tests without a terminal")]
mod strangers;
mod unanswered;
