//! The server side of the socket labs: what is true.
//!
//! In reading order:
//!
//! * [`config`]: everything that can be turned, with its default;
//! * [`listener`]: bind, accept, one thread a connection, drain;
//! * [`conversation`]: the loop of every service that answers one request at a time;
//! * [`services`]: one file a service.
#![forbid(unsafe_code)]

pub mod config;
pub mod connections;
pub mod conversation;
pub mod datagrams;
pub mod listener;
pub mod log;
pub mod outbound;
pub mod services;
pub mod threads;

pub use config::Config;
pub use listener::{Server, Stopper};
