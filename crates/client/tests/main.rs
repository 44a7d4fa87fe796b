//! `labclient` as its users meet it: against servers in this process, and against bare sockets.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod bare_servers;
mod chat;
#[cfg(unix)]
mod chat_terminal;
mod cli;
mod datetime;
mod faults;
mod handout;
mod labclient;
mod measure;
mod printed;
mod record;
mod replay;
mod script;
// Pseudo-terminals are Unix's.
#[cfg(unix)]
mod terminal;
mod view;
