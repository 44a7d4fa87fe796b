//! `labclient handout` against the printed servers' bytes: bare sockets that say what the printed
//! programs say, and check every byte that they are told.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod atm_login;
mod chat;
mod command_line;
mod datagrams;
mod dialogues;
mod faults;
#[path = "../cli/labclient.rs"]
#[allow(dead_code, reason = "shared with the tests of the other commands")]
mod labclient;
mod lines;
mod own_servers;
mod printed;
mod random_errors;
