//! The server side of the socket labs.
//!
//! In reading order:
//!
//! * [`config`], [`clock`]: the settings, with their defaults;
//! * [`listener`]: bind, accept, one thread a connection, drain;
//! * [`incoming`]: what the listener hands to a service, recorded and faulted;
//! * [`service`]: what a service is, over TCP and over UDP;
//! * [`conversation`], [`datagrams`]: the loop of every service that answers one request at a
//!   time, over TCP and over UDP;
//! * [`services`]: one file a service;
//! * [`handout`]: the services in the words of the labs' printed programs;
//! * [`ledger`], [`pin`]: the bank's rows, and its PINs;
//! * [`decimal`], [`primality`]: what the calculator and the text service compute with;
//! * [`connections`], [`threads`], [`turns`], [`outbound`]: what the listener and the services share.
#![forbid(unsafe_code)]

pub mod clock;
pub mod config;
pub mod connections;
pub mod conversation;
pub mod datagrams;
pub mod decimal;
pub mod handout;
pub mod incoming;
pub mod ledger;
pub mod listener;
pub mod log;
pub mod outbound;
pub mod pin;
pub mod primality;
pub mod service;
pub mod services;
pub mod threads;
pub mod turns;

pub use config::{Config, Role};
pub use listener::{Server, Stopper};
