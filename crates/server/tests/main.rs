//! `labserver` as its users meet it: a command line, two outputs, signals, an exit status, and
//! files that outlive it.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
// Signals and privileged ports are Unix's.
#![cfg(unix)]

mod binding;
mod capacity;
mod check;
mod command_line;
mod crash;
#[cfg(target_os = "linux")]
mod crowds;
mod faults;
mod flags;
mod handouts;
mod labserver;
mod ledger;
mod logs;
mod page;
mod proxy;
mod python;
mod record;
mod secrets;
mod signals;
mod unread;
