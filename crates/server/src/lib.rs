//! The server side of the socket labs.
//!
//! In reading order:
//!
//! * [`config`], [`clock`]: the settings, with their defaults;
//! * `listener`: bind, accept, one thread a connection, drain;
//! * `incoming`: what the listener hands to a service, recorded and faulted;
//! * `service`: what a service is, over TCP and over UDP;
//! * `conversation`, `datagrams`: the loop of every service that answers one request at a
//!   time, over TCP and over UDP;
//! * [`services`]: one file a service;
//! * [`handout`]: the services in the words of the labs' printed programs;
//! * [`ledger`], `pin`: the bank's rows, and its PINs;
//! * `decimal`, `primality`: what the calculator and the text service compute with;
//! * [`faults`]: whether injected faults can strike in what runs;
//! * [`watch`]: the live page;
//! * [`doctor`]: what a computer has in the way of a server;
//! * [`redis`]: a client for Redis, which a room of several servers is on;
//! * `class`: a class of groups, each a process of its own (Unix only);
//! * `connections`, `threads`, `turns`, `outbound`, `token_bucket`, `bad_input`: what the listener and the services share.
#![forbid(unsafe_code)]

mod bad_input;
#[cfg(unix)]
pub mod class;
pub mod clock;
pub mod config;
mod connections;
mod conversation;
mod datagrams;
mod decimal;
pub mod doctor;
pub mod faults;
pub mod handout;
mod incoming;
pub mod ledger;
mod listener;
pub mod log;
mod outbound;
mod pin;
mod primality;
pub mod redis;
mod service;
pub mod services;
mod threads;
mod token_bucket;
mod turns;
pub mod watch;

pub use config::{Config, Role};
pub use listener::{Server, Stopper};
